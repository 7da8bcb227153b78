"""The choice among all inputs on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import kernel


@kernel(fastmath={"nnan", "nsz", "reassoc"})
def best(scores: NDArray[Any], unique: bool, chosen: NDArray[np.int32]) -> None:
    """Write to `chosen` (W, n) what `naive.best` returns for scores (W, n, F), C-contiguous."""
    luts, rank, count = scores.shape
    for j in range(luts):
        for slot in range(rank):
            row = scores[j, slot]
            highest = row[0]
            for k in range(count):
                highest = max(highest, row[k])
            pick = 0
            while pick < count - 1 and row[pick] != highest:
                pick += 1
            taken = False
            for earlier in range(slot):
                taken |= chosen[j, earlier] == pick
            if unique and taken:
                pick = -1
                for k in range(count):
                    if pick < 0 or row[k] > row[pick]:
                        free = True
                        for earlier in range(slot):
                            free &= chosen[j, earlier] != k
                        if free:
                            pick = k
            chosen[j, slot] = pick
