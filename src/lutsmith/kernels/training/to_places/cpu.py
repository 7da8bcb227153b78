"""Sums over places on the CPU: one after the other, in double precision, so that no thread has a say in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import kernel


@kernel()
def add_up(grad: NDArray[Any], owner: NDArray[np.int32], total: NDArray[np.float64]) -> None:
    """Add row w of `grad` (W, M) to row owner[w] of `total`; both are C-contiguous."""
    places, size = grad.shape
    for place in range(places):
        row = total[owner[place]]
        for k in range(size):
            row[k] += grad[place, k]
