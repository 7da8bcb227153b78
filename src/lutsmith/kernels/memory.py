"""Memory for large results, used again as soon as nobody holds the last tensor that lay in it.

Fresh memory of some megabytes is mapped page by page when it is first written: at five layers of 8,000 LUTs and 128 samples
that costs as much as the arithmetic.
"""

from __future__ import annotations

import sys
import threading

import numpy as np
import torch
from torch import Tensor

LARGE = 1 << 17  # bytes from which malloc maps fresh pages
KEPT = 1 << 28  # bytes of unused memory that a thread keeps at most
_FREE = 3  # references to an unused block: the list's, the loop's and the call's

_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}


class _Blocks(threading.local):
    def __init__(self) -> None:
        self.blocks: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []

    def take(self, size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """An unused block of `size` bytes that starts on a cache line."""
        unused = 0
        for block in self.blocks:
            if sys.getrefcount(block) == _FREE:
                if block.nbytes == size:
                    return block
                unused += block.nbytes
        if unused > KEPT:
            self.blocks = [block for block in self.blocks if sys.getrefcount(block) > _FREE]
        memory = np.empty(size + 64, np.uint8)
        start = -memory.ctypes.data % 64
        block = memory[start : start + size]
        self.blocks.append(block)
        return block


_blocks = _Blocks()


def empty(shape: tuple[int, ...] | torch.Size, dtype: torch.dtype) -> Tensor:
    """A CPU tensor with any contents; a large one lies in memory that an earlier one has left."""
    kind = _DTYPES[dtype]
    count = 1
    for length in shape:
        count *= length
    size = count * kind().itemsize
    if size < LARGE:
        return torch.empty(shape, dtype=dtype)
    return torch.from_numpy(_blocks.take(size).view(kind)).view(shape)
