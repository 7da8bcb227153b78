"""The choice among candidates on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import kernel


@kernel(fastmath={"nnan", "nsz", "reassoc"})
def choose(scores: NDArray[Any], candidates: NDArray[np.int32], chosen: NDArray[np.int32]) -> None:
    """Write to `chosen` (W, n) what `naive.choose` returns for scores and candidates (W, n, K), C-contiguous."""
    luts, rank, count = scores.shape
    for j in range(luts):
        for slot in range(rank):
            row, pool = scores[j, slot], candidates[j, slot]
            highest = row[0]
            for k in range(count):
                highest = max(highest, row[k])
            best = 0
            while best < count - 1 and row[best] != highest:
                best += 1
            pick = pool[best]
            taken = False
            for earlier in range(slot):
                taken |= chosen[j, earlier] == pick
            if taken:
                best = -1
                for k in range(count):
                    free = True
                    for earlier in range(slot):
                        free &= chosen[j, earlier] != pool[k]
                    if free and (best < 0 or row[k] > row[best]):
                        best = k
                pick = pool[best]
            chosen[j, slot] = pick
