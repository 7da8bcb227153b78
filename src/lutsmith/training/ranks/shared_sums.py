"""Sums over the processes of one machine, in memory that they share: a few times as quick as gloo's, which goes through
sockets and threads.

Each process writes its numbers into a slot of its own; each adds up a part of all slots, always in the order of the
ranks; each reads the whole. So all have the same sums, to the bit. Longer tensors go through the slots piece by piece.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Semaphore
from pathlib import Path

import torch
from torch import Tensor

from lutsmith.data.augmentation.portion import Portion

SLOT = 1 << 20  # bytes: a slot and what is read of the others stay in a core's cache
_MEMORY = Path("/dev/shm")
_LOOK = 0.5  # seconds from one look at whether the others live to the next


@dataclass
class SharedSums:
    """The shared memory, and who may go on.

    Attributes:
        slots: (processes + 1, SLOT) bytes: one for each, and the sums.
        ids: (processes,) int64: the numbers of the processes; 0 before one has begun.
        turns: of the two kinds of meetings in turn, for each process how many others have come.
    """

    slots: Tensor
    ids: Tensor
    turns: tuple[Sequence[Semaphore], Sequence[Semaphore]]
    rank: int = 0
    patience: float = 600.0
    _meetings: int = 0

    @classmethod
    def make(cls, count: int) -> SharedSums | None:
        """Return memory for so many processes, to be handed to them as they start; None where there is none."""
        context = multiprocessing.get_context("spawn")
        if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free < (count + 2) * SLOT:
            return None  # to try would leave a file there
        try:
            slots = _shared(torch.zeros((count + 1, SLOT), dtype=torch.uint8))
            ids = _shared(torch.zeros(count, dtype=torch.int64))
            first, second = ([context.Semaphore(0) for _ in range(count)] for _ in range(2))
        except (RuntimeError, OSError):
            return None
        return cls(slots, ids, (first, second))

    def join(self, rank: int) -> None:
        """Say in a new process which one it is."""
        self.rank = rank
        self.ids[rank] = os.getpid()

    def takes(self, tensor: Tensor) -> bool:
        """Return whether it adds such tensors."""
        return tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)

    def add(self, tensor: Tensor) -> None:
        """Make a contiguous tensor the sum of all processes' tensors.

        Raises:
            RuntimeError: a process is gone, or does not come.
        """
        flat = tensor.view(-1)
        slots = self.slots.view(tensor.dtype)
        step, count = slots.shape[1], len(slots) - 1
        for start in range(0, len(flat), step):
            piece = flat[start : start + step]
            slots[self.rank, : len(piece)] = piece
            self._meet()
            part = Portion.of(self.rank, count, len(piece)).rows
            total = slots[count, part]
            total.copy_(slots[0, part])
            for other in range(1, count):
                total.add_(slots[other, part])
            self._meet()
            piece.copy_(slots[count, : len(piece)])

    def _meet(self) -> None:
        """Wait until all processes are here."""
        turns = self.turns[self._meetings % 2]
        self._meetings += 1
        others = [rank for rank in range(len(turns)) if rank != self.rank]
        for other in others:
            turns[other].release()
        began = 0.0
        for _ in others:
            while not turns[self.rank].acquire(timeout=_LOOK):
                began = began or time.monotonic()
                self._check_alive(others, time.monotonic() - began)

    def _check_alive(self, others: Sequence[int], waited: float) -> None:
        for other in others:
            try:
                os.kill(int(self.ids[other]), 0)
            except ProcessLookupError:
                raise RuntimeError(f"process {other} is gone") from None
        if waited > self.patience:
            raise RuntimeError(f"waited for {waited:.0f} s")


def _shared(tensor: Tensor) -> Tensor:
    shared: Tensor = tensor.share_memory_()  # type: ignore[no-untyped-call]
    return shared
