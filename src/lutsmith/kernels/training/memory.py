"""Memory for large results, used again as soon as nobody holds the last tensor that lay in it.

Fresh memory of some megabytes is mapped page by page when it is first written: at five layers of 8,000 LUTs and 128
samples that costs as much as the arithmetic.
"""

from __future__ import annotations

import math
import sys
import threading

import numpy as np
import torch
from torch import Tensor

LARGE = 1 << 17  # bytes from which malloc maps fresh pages
KEPT = 1 << 28  # bytes of unused memory that a thread keeps at most

Block = np.ndarray[tuple[int], np.dtype[np.uint8]]


def _references(blocks: list[Block]) -> list[int]:
    return [sys.getrefcount(block) for block in blocks]


_UNUSED = _references([np.empty(1, np.uint8)])[0]  # the count of a block that only a list holds


class _Blocks(threading.local):
    """Arrays that own their memory: every view of one, however it was made, holds a reference to it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def take(self, size: int) -> Block:
        """`size` bytes of a block that nobody uses, from a cache line on."""
        unused = 0
        for place, count in enumerate(_references(self.blocks)):
            if count == _UNUSED:
                if self.blocks[place].nbytes == size + 64:
                    return _aligned(self.blocks[place], size)
                unused += self.blocks[place].nbytes
        if unused > KEPT:
            counts = _references(self.blocks)
            self.blocks = [block for block, count in zip(self.blocks, counts, strict=True) if count > _UNUSED]
        self.blocks.append(np.empty(size + 64, np.uint8))
        return _aligned(self.blocks[-1], size)


def _aligned(block: Block, size: int) -> Block:
    start = -block.ctypes.data % 64
    return block[start : start + size]


_blocks = _Blocks()


def empty(shape: tuple[int, ...] | torch.Size, dtype: torch.dtype) -> Tensor:
    """A CPU tensor with any contents; a large one lies in memory that an earlier one has left."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE:
        return torch.empty(shape, dtype=dtype, device="cpu")
    memory = torch.from_numpy(_blocks.take(size)).untyped_storage()
    strides = [math.prod(shape[place + 1 :]) for place in range(len(shape))]
    return torch.empty(0, dtype=dtype, device="cpu").set_(
        memory, 0, shape, strides
    )  # no view: it may be changed in place
