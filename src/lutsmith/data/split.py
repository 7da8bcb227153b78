"""A test part for data that come without one, and the validation rows that training holds out.

The test part has the same rows on every machine and with every version of NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15


def stratified_split(
    y: NDArray[Any], test_share: float = 0.2, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of a training and a test part, ascending, with equal shares of every class.

    Row i has the key splitmix64(seed * 2**32 + i), in 64-bit arithmetic: with z = (seed * 2**32 + i + 1) *
    0x9E3779B97F4A7C15, z ^= z >> 30, z *= 0xBF58476D1CE4E5B9, z ^= z >> 27, z *= 0x94D049BB133111EB, the key is
    z ^ (z >> 31). Of the n rows of a class, the floor(n * test_share + 1/2) with the smallest keys are the test part's.
    Keys differ between rows, since each step can be undone. Rows that are equal may fall on both sides.

    Args:
        y: the class of each row, (N,) integers.
        test_share: in [0, 1].
        seed: below 2**32.
    """
    keys = splitmix64(np.arange(len(y), dtype=np.uint64) + np.uint64(seed << 32))
    test = [np.zeros(0, np.int64)]
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        test.append(rows[np.argsort(keys[rows])[: int(len(rows) * test_share + 0.5)]])
    held_out = np.zeros(len(y), np.bool_)
    held_out[np.concatenate(test)] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def validation_split(y: NDArray[Any], fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (training rows, validation rows), both ascending; class ids are stratified, other targets are not.

    All trainers hold these rows out. So when one trainer continues with the network of another, it is measured on rows
    that neither has seen. The rows of a smaller share are among those of a larger share with the same seed.

    Args:
        y: (N,) integer class ids, or targets (N, ...) of another kind, which count as one class.
        fraction: share of each class that is held out, rounded to the nearest row; a class always keeps a training row.
        seed: of the choice; it does not touch any global generator.

    Raises:
        ValueError: a fraction above 0 that holds out no row at all.
    """
    held_out = np.zeros(len(y), dtype=bool)
    generator = np.random.default_rng([seed, 0x5B117])
    classes = y if y.ndim == 1 and np.issubdtype(y.dtype, np.integer) else np.zeros(len(y), np.int64)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        count = min(round(fraction * len(members)), len(members) - 1)
        held_out[generator.permutation(members)[:count]] = True
    if fraction > 0 and not held_out.any():
        raise ValueError(
            f"validation={fraction} holds out none of {len(y)} rows: give a larger share, or 0 to train without"
        )
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def splitmix64(counter: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hash of each number, uint64, as `stratified_split` defines it; different numbers have different
    hashes.
    """
    z = (counter + np.uint64(1)) * np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
