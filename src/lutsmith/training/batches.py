"""Compact samples in memory and the order in which a seed walks through them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.training.objectives import ClassificationObjective, Objective

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

_NUMERIC = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
_FINGERPRINT_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Samples:
    """Checked training data: `x` (N, *input_shape) in the dtype it came in, `y` as the objective has its targets."""

    x: Array
    y: Array

    @classmethod
    def of(cls, x: Any, y: Any, objective: Objective | None = None) -> Samples:
        """Return samples over `x` and `y` without copying `x`.

        Args:
            x: (N, *input_shape) array, tensor or memory map of numbers.
            y: targets, one a row: see `objectives`; for classification integer class ids, 0 the first class.
            objective: what is trained for; None: classification.

        Raises:
            TypeError: another dtype.
            ValueError: no rows or features, unequal lengths, targets that do not suit the objective.
        """
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype.name not in _NUMERIC:
            raise TypeError(f"x has dtype {x.dtype}: expected one of {', '.join(_NUMERIC)}; convert it first")
        if x.ndim < 2:
            raise ValueError(f"x has shape {x.shape}: expected (samples, features) or (samples, *image shape)")
        if len(x) == 0 or x.size == 0:
            raise ValueError(f"x has shape {x.shape}: there is nothing to train on")
        return cls(x, (objective or ClassificationObjective()).targets(y, len(x)))

    def fingerprint(self) -> str:
        """Return a short text that tells these samples from others: shape, dtype and a checksum of labels and rows.

        At most 1,024 rows, spread evenly, enter the checksum, so that a large set costs milliseconds.
        """
        rows = np.unique(np.linspace(0, len(self.x) - 1, min(len(self.x), _FINGERPRINT_ROWS)).astype(np.int64))
        checksum = zlib.crc32(np.ascontiguousarray(self.x[rows]).tobytes(), zlib.crc32(self.y.tobytes()))
        return f"{'x'.join(map(str, self.x.shape))} {self.x.dtype} {checksum:08x}"


def split(y: Array, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Return (training rows, validation rows), both ascending; class ids are stratified, other targets are not.

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


def epoch_order(rows: Rows, seed: int, epoch: int) -> Rows:
    """Return the rows in the order of one epoch: a function of the seed and the epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def step_generator(seed: int, epoch: int, batch: int) -> np.random.Generator:
    """Return the generator of one step's augmentation: a function of its arguments alone, so that nothing is saved."""
    return np.random.default_rng([seed, epoch, batch])


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return how many whole batches an epoch has; one smaller batch where there are fewer rows than a batch."""
    return max(1, rows // batch_size)
