"""How the table of a LUT is filled once its inputs are chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.additive import closure, luts

BEYOND = 2.0**40
"""More than any sum of gains."""


def fill(
    bits: NDArray[np.uint64],
    inputs: NDArray[np.int32],
    gains: NDArray[np.int32],
    z: float = 0.0,
    unate: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.bool_], int]:
    """Return the table of a LUT, bool (2**n,), and its gain.

    An entry is 1 where the gains at its address add up to more than chance explains: `sum d_i > z sqrt(sum d_i^2)`. The
    root is the spread of the sum if every d_i had a random sign. With z = 0 the table is the one with the largest gain;
    with a larger z it relies less on few rows, and fits the training rows less closely.

    With `unate` the table is the best of those that depend on their inputs as it allows: the one with the largest sum,
    over its ones, of what they gain beyond `z sqrt(sum d_i^2)`.

    Args:
        bits: uint64 (F, W), rows of bits.
        inputs: int32 (n,), the rows that the LUT reads.
        gains: int32 (N,), d_i.
        z: 0 or more.
        unate: uint8 (n,), how the table may depend on each input: `naive.RISES`, `FALLS`, both, or 0: anyhow.
    """
    sums = np.empty(1 << inputs.size, np.int64)
    luts.add_up(bits, inputs, gains, sums)
    weights = sums
    if z > 0:
        squares = np.empty(sums.size, np.float64)
        luts.add_up(bits, inputs, gains.astype(np.float64) ** 2, squares)  # in the order of the rows: always the same
        weights = sums - np.floor(np.minimum(z * np.sqrt(squares), BEYOND)).astype(np.int64)  # sums are integers
    table = weights > 0
    if unate is not None and unate.any():
        closure.best_unate(weights, unate, table)
    return table, int(sums[table].sum())
