"""Whether indices point into their array: one pass over them, before a kernel reads and writes where they say.

A kernel has no bounds of its own, and a tensor may have been changed in ways that torch does not count (`.data`, a
NumPy view), so that every call looks. It costs a thousandth of a backward pass, and brings the indices into the cache.
"""

from __future__ import annotations

import numpy as np
from numba import types

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.vectors import i32, pointer_to

u32 = pointer_to(types.uint32)


@kernel()
def within(address: int, count: int, rows: int, lowest: int = 0) -> bool:
    """Whether `count` int32 indices at an address are all from `lowest`, 0 or below, to rows - 1."""
    indices = u32(address)
    highest, shift = np.uint32(0), np.uint32(-lowest)  # a negative index is a large one
    for k in range(count):
        highest = max(highest, np.uint32(indices[k] + shift))
    return bool(count == 0 or np.int64(highest) < rows - lowest)


@kernel()
def ascends(address: int, count: int, last: int) -> bool:
    """Whether `count` int32 pointers at an address run from 0 to `last` and never fall."""
    pointers = i32(address)
    if count == 0 or pointers[0] != 0 or pointers[count - 1] != last:
        return False
    falls = False
    for k in range(count - 1):
        falls |= pointers[k + 1] < pointers[k]
    return not falls
