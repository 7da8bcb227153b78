"""Counting addresses and targets in plain NumPy: the specification of the kernel beside it, and slow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def count(
    bits: NDArray[np.bool_],
    inputs: NDArray[np.int32],
    targets: NDArray[np.bool_],
    target_of: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return on how many samples each LUT reads an entry while its target is 0, and while it is 1.

    Args:
        bits: (F, N).
        inputs: (L, n), the rows of `bits` that each LUT reads; input 0 is the least significant bit of the address. A
            row may be read twice.
        targets: (T, N).
        target_of: (L,), the row of `targets` of each LUT.

    Returns:
        int64 (L, 2, 2**n), by LUT, target and address.
    """
    counts = np.zeros((len(inputs), 2, 1 << inputs.shape[1]), np.int64)
    for lut, (rows, target) in enumerate(zip(inputs, targets[target_of], strict=True)):
        for sample in range(bits.shape[1]):
            address = sum(int(bits[row, sample]) << slot for slot, row in enumerate(rows))
            counts[lut, int(target[sample]), address] += 1
    return counts
