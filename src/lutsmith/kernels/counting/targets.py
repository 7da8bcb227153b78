"""Counting addresses and targets on packed rows: 64 addresses at a time without branches, then as many counts.

A sample's target is the highest bit of its place in the counts, so that one addition counts both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the kernel of memorisation, once per machine, about 1 s"

MAX_RANK = 15
"""Inputs of a LUT: its addresses and the target are 16 bits."""


@kernel(COMPILING)
def count(bits: Any, inputs: Any, targets: Any, target_of: Any, samples: int, counts: Any) -> None:
    """Write on how many samples each LUT reads an entry while its target is 0, and while it is 1.

    Args:
        bits: uint64 (F, W), a bit for each sample.
        inputs: int32 (L, n), rows of `bits`, n at most `MAX_RANK`.
        targets: uint64 (T, W).
        target_of: int64 (L,), rows of `targets`.
        samples: N, at most 64 W.
        counts: int64 (L, 2, 2**n).
    """
    rank = inputs.shape[1]
    places = np.empty(64, np.uint16)
    for lut in range(len(inputs)):
        own = counts[lut].reshape(2 << rank)
        own[:] = 0
        for word in range((samples + 63) >> 6):
            places[:] = 0
            for slot in range(rank + 1):
                source = bits[inputs[lut, slot], word] if slot < rank else targets[target_of[lut], word]
                for bit in range(64):
                    places[bit] |= np.uint16((source >> np.uint64(bit) & np.uint64(1)) << np.uint64(slot))
            for bit in range(min(64, samples - 64 * word)):
                own[places[bit]] += 1
