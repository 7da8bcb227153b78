"""What a CPU kernel is called with: its argument block, memory, and into how many parts its work is cut.

Tensors are contiguous and of one dtype, float32 or float64; indices are int32 and have been checked. Where `fold.cpu`
says so, activations are bfloat16 and all else is float32.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.templates import FIELDS

SMALL = 1 << 17  # table entries times samples that one thread finishes before a second one has woken up


class Workspace(threading.local):
    """The fields, and memory of one calling thread that grows to what was needed."""

    def __init__(self) -> None:
        self.fields = np.zeros(FIELDS, np.int64)
        self.numbers = self.fields.view(np.float64)
        self.address = self.fields.ctypes.data
        self.memory: dict[str, tuple[NDArray[np.uint8], int]] = {}

    def begin(self) -> NDArray[np.int64]:
        """The fields of a new call, all zero."""
        self.fields[:] = 0
        return self.fields

    def reserve(self, name: str, size: int) -> int:
        """Address of `size` bytes, on a cache line."""
        memory, address = self.memory.get(name, (None, 0))
        if memory is None or memory.nbytes < size + 64:
            memory = np.empty(size + 64, np.uint8)
            address = memory.ctypes.data + -memory.ctypes.data % 64
            self.memory[name] = memory, address
        return address

    def array(self, name: str, itemsize: int, count: int) -> NDArray[Any]:
        """The first `count` numbers of reserved memory, floats of this size."""
        memory, address = self.memory[name]
        first = address - memory.ctypes.data
        return memory[first : first + itemsize * count].view(f"f{itemsize}")

    def words(self, name: str, step: int, count: int) -> NDArray[np.int64]:
        """The first 64-bit word of each of `count` pieces of reserved memory."""
        memory, address = self.memory[name]
        first = address - memory.ctypes.data
        return memory[first : first + step * count].view(np.int64)[:: step // 8]


workspace = Workspace()


def name_of(tensor: Tensor) -> str:
    """What `build` calls the dtype of activations."""
    return {2: "bfloat16", 4: "float32", 8: "float64"}[tensor.itemsize]


def split(work: int, most: int) -> int:
    """How many parts are worth it for some work that can be cut into `most`, and whose result no cut changes."""
    return 1 if work < SMALL else max(1, min(threads.get_num_threads(), most))


def in_columns(scores: Tensor) -> bool:
    """Whether scores (W, n, F) lie in memory input by input: those of a slot in a column."""
    slots, inputs = scores.shape[0] * scores.shape[1], scores.shape[2]
    return not scores.is_contiguous() and scores.permute(2, 0, 1).is_contiguous() and slots > 0 < inputs
