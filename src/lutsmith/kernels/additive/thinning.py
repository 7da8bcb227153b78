"""Fewer samples that stand for all: those with large gains, and of the others some, drawn by their gain.

With a threshold c, a sample of gain g stays as it is where |g| >= c; else it becomes sign(g) c with probability |g| / c
and 0 otherwise. So every sum of gains is the same on average, and where most gains are small, as late in training, few
samples carry nearly all of it. (Sampling in proportion to size, as in importance sampling; gradient-based one-side
sampling of boosting, Ke et al. 2017, draws the small ones evenly.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import kernel

FEWEST = 64
"""Samples that stand for all: of fewer, sums could come out at more than all gains together."""

_PARTS = 3
"""Bits of a number behind its highest one that tell thresholds apart: they lie a factor of at most 9 / 8 apart."""


@kernel()
def _threshold(gains: Any, wanted: float) -> Any:
    """The least threshold of its kind with which no more than `wanted` samples are left on average."""
    parts = 1 << _PARTS
    counts, sums = np.zeros(32 * parts, np.int64), np.zeros(32 * parts, np.int64)
    for sample in range(gains.size):
        size: Any = abs(np.int64(gains[sample]))
        high = 0
        while size >> (high + 1):
            high += 1
        part = size >> (high - _PARTS) if high >= _PARTS else size << (_PARTS - high)
        bucket = high * parts + (part & (parts - 1))
        counts[bucket] += 1
        sums[bucket] += size
    rest: Any = sums.sum()
    kept: Any = 0
    best: Any = np.int64(2**31)
    for bucket in range(32 * parts - 1, -1, -1):
        high, part = bucket // parts, (bucket & (parts - 1)) + parts
        least = part << (high - _PARTS) if high >= _PARTS else part >> (_PARTS - high)
        kept += counts[bucket]
        rest -= sums[bucket]
        if least < 1 or kept + rest / least > wanted:
            break
        best = least
    return best


@kernel()
def _thin(gains: Any, threshold: int, seed: int) -> Any:
    """Change the gains, halved; return how many are left."""
    count: Any = 0
    golden = np.uint64(0x9E3779B97F4A7C15)
    for sample in range(gains.size):
        gain = np.int64(gains[sample])
        size: Any = abs(gain)
        if size < threshold:
            z = np.uint64(seed) + np.uint64(sample + 1) * golden  # splitmix64
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            drawn = np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(32))
            size = threshold if drawn * threshold < size << 32 else 0
        size >>= 1
        gains[sample] = size if gain > 0 else -size
        count += size > 0
    return count


def thin(gains: NDArray[np.int32], share: float, seed: int) -> int:
    """Let about a share of the gains stand for all of them, in place, in halves; return how many are not 0.

    Args:
        gains: (N,); the sum of their absolute values is at most `growth.MOST`.
        share: of the samples, above 0; at 1 or above, and where that were fewer than 64, all stay as they are.
        seed: of what is drawn, 0 to 2**63 - 1.
    """
    if share >= 1 or share * gains.size < FEWEST:
        return int(np.count_nonzero(gains))
    return int(_thin(gains, _threshold(gains, share * gains.size), seed))
