"""What the kernels of `lanes` are told of a network: the kinds of its LUTs, and where rows lie that lie anywhere."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def reordered(table: int, slots: tuple[int, ...]) -> int:
    """The table of g(x_0, x_1, ..) = f(x_slots[0], x_slots[1], ..), f given by its table."""
    addresses = (
        sum((entry >> slot & 1) << place for place, slot in enumerate(slots)) for entry in range(1 << len(slots))
    )
    return sum((table >> address & 1) << entry for entry, address in enumerate(addresses))


def _depends(table: int, rank: int, slot: int) -> bool:
    return any((table >> entry ^ table >> (entry ^ 1 << slot)) & 1 for entry in range(1 << rank))


def _kinds() -> list[tuple[int, int]]:
    """Rank and table of the functions of 1 to 3 inputs that depend on all of them, the buffer left out.

    Of those that are equal up to the order of the inputs it is the lowest.
    """
    kinds = [(1, 0b01)]
    for rank in (2, 3):
        for table in range(1 << (1 << rank)):
            orders = permutations(range(rank))
            complete = all(_depends(table, rank, slot) for slot in range(rank))
            if complete and table == min(reordered(table, order) for order in orders):
                kinds.append((rank, table))
    return kinds


KINDS: list[tuple[int, int | None]] = [*((rank, None) for rank in range(7)), *_kinds()]
"""Rank and table of each kind of LUT; kind r < 7 is rank r and any table."""


class Scattered(NamedTuple):
    """A network whose signals have rows of many blocks, anywhere in memory.

    Attributes:
        header: uint64 (HEADER_ROWS + 1, 16), 64-byte aligned: a header, and which bits of the last block are samples.
        rows: int64 (S,), address of each signal's row, 64-byte aligned, ROW_BYTES a block; those of nodes come last.
        fanin: int32, the signals that nodes read, in the order of evaluation, then PADDING more (any signals).
        fanin_ptr: int64 (N+1,), node i reads fanin[fanin_ptr[i]:fanin_ptr[i+1]].
        tables: uint64 (N,); bits from 2**rank up are not read.
        blocks: of each row.
    """

    header: NDArray[np.uint64]
    rows: NDArray[np.int64]
    fanin: NDArray[np.int32]
    fanin_ptr: NDArray[np.int64]
    tables: NDArray[np.uint64]
    blocks: int
