"""The plan of the engine: in which order a netlist is evaluated and in which row of bits each signal lies.

A plan depends on the wiring alone. Tables are an argument of every evaluation, so that other ones cost nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lutsmith.circuit.netlist import Netlist, checked_tables
from lutsmith.kernels import lanes

MAX_ROWS = 2**32 // lanes.ROW_BYTES
"""Rows are named by byte offsets in uint32."""

MAX_GAPS = 64
"""Gaps between the rows of levels that are remembered, for later levels to lie in."""


class Plan:
    """Order of evaluation and rows of a netlist. Nodes of one level are evaluated rank by rank.

    The rows of a level are used again once the last level that reads any of it has been evaluated: the matrix of bits
    shrinks to what is alive at once, and more of it stays in the cache. Inputs and registers have rows like a level;
    registers and outputs stay alive to the end.

    Attributes:
        num_rows: rows of the matrix of bits, the kernels' header included.
        row_of: int64 (num_signals,), the row that holds each signal while it is alive.
        fanin, groups: arguments of `kernels.lanes.evaluate`.
        order: int64 (N,), the nodes in the order of evaluation.

    Raises:
        ValueError: the netlist needs more rows than 32-bit offsets can name.
    """

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist
        sources = netlist.num_inputs + netlist.num_registers
        levels = np.diff(netlist.level_ptr)
        level_of = np.concatenate([np.zeros(sources, np.int64), np.repeat(np.arange(1, levels.size + 1), levels)])
        ranks = netlist.ranks
        self.order = np.lexsort((ranks, level_of[sources:]))
        place = np.empty(netlist.num_nodes, np.int64)
        place[self.order] = np.arange(netlist.num_nodes)
        place -= np.repeat(netlist.level_ptr[:-1], levels)  # within the level

        last_read = np.arange(levels.size + 1)
        np.maximum.at(last_read, level_of[netlist.fanin], np.repeat(level_of[sources:], ranks))
        last_read[level_of[netlist.outputs]] = levels.size + 1
        if netlist.num_registers:  # their values are written once, not for each block
            last_read[0] = levels.size + 1
        starts, self.num_rows = _rows(np.concatenate([[sources], levels]), last_read)
        if self.num_rows > MAX_ROWS:
            raise ValueError(f"the netlist has {self.num_rows} signals alive at once, the engine holds {MAX_ROWS}")
        self.row_of = starts[level_of] + np.concatenate([np.arange(sources), place])

        self.fanin = np.zeros(netlist.fanin.size + lanes.PADDING, np.uint32)
        self.fanin[: netlist.fanin.size] = self.offsets(netlist.fanin[_gathered(netlist.fanin_ptr, self.order)])
        self.groups = _groups(level_of[sources:][self.order], ranks[self.order], self.row_of[sources:][self.order])

    def offsets(self, signals: NDArray[np.int32]) -> NDArray[np.uint32]:
        """uint32, the byte offsets of the rows of some signals."""
        offsets: NDArray[np.uint32] = (self.row_of[signals] * lanes.ROW_BYTES).astype(np.uint32)
        return offsets

    def tables(self, tables: ArrayLike | None = None) -> NDArray[np.uint64]:
        """uint64 (N,), the netlist's tables, or other ones in the netlist's order, in the order of evaluation.

        Raises:
            TypeError, ValueError: `tables` is not uint64 (N,).
        """
        netlist = self._netlist
        given = netlist.tables() if tables is None else checked_tables(tables, netlist.num_nodes)
        return given[self.order]

    def values(self) -> NDArray[np.uint64]:
        """A new matrix of bits, uint64 (num_rows, 16): header and registers are filled in, the rest is not set."""
        values: NDArray[np.uint64] = aligned((self.num_rows, lanes.WORDS), np.uint64)
        lanes.fill_header(values)
        values[self._register_rows()] = -self._netlist.register_init[:, None].astype(np.int64)
        return values

    def bytes(self) -> NDArray[np.uint8]:
        """The same for a single sample: uint8 (num_rows,)."""
        values = np.zeros(self.num_rows, np.uint8)
        values[self._register_rows()] = self._netlist.register_init
        return values

    def _register_rows(self) -> slice:
        first = lanes.HEADER_ROWS + self._netlist.num_inputs  # level 0 lies first
        return slice(first, first + self._netlist.num_registers)


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array that is not set and begins on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def _gathered(pointers: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the entries of a CSR array are whose rows are put in another order."""
    counts = np.diff(pointers)[order]
    starts = np.cumsum(counts) - counts
    entries: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(pointers[:-1][order] - starts, counts)
    return entries


def _groups(levels: NDArray[np.int64], ranks: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (G, 5) for `lanes.evaluate`, of nodes in the order of evaluation."""
    changes = np.flatnonzero((np.diff(levels) != 0) | (np.diff(ranks) != 0)) + 1
    first = np.concatenate([[0], changes]) if levels.size else changes
    entries = np.cumsum(ranks) - ranks
    counts = np.diff(np.append(first, levels.size))
    return np.stack([ranks[first], first, counts, entries[first], rows[first]], axis=1).astype(np.int64)


def _rows(sizes: NDArray[np.int64], last_read: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The first row of each level, and the number of rows. Level 0 are the sources, written before everything else.

    First fit: a level takes the first gap that is large enough, which levels that nobody reads any more have left.
    """
    starts = np.zeros(sizes.size, np.int64)
    counts, last = sizes.tolist(), last_read.tolist()
    dying = np.argsort(last_read, kind="stable").tolist()
    gaps = _Gaps()
    dead = 0
    end = lanes.HEADER_ROWS
    for level, size in enumerate(counts):
        while last[dying[dead]] < level:
            gaps.add(int(starts[dying[dead]]), counts[dying[dead]])
            dead += 1
        start = gaps.take(size)
        if start is None:
            start = gaps.pop_last(end)
            end = start + size
        starts[level] = start
    return starts, end


class _Gaps:
    """Free rows, in order, neighbours joined. At most `MAX_GAPS` are remembered: a level costs the same in any netlist.

    Attributes:
        starts, ends: the first row of each gap, and the row after its last one.
    """

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, size: int) -> None:
        """Rows that are free from now on. The smallest gap is forgotten when there are too many."""
        if not size:
            return
        end = start + size
        place = bisect_left(self.starts, start)
        if place < len(self.starts) and self.starts[place] == end:
            end = self.ends[place]
            self._remove(place)
        if place and self.ends[place - 1] == start:
            self.ends[place - 1] = end
            return
        self.starts.insert(place, start)
        self.ends.insert(place, end)
        if len(self.starts) > MAX_GAPS:
            self._remove(min(range(len(self.starts)), key=lambda gap: self.ends[gap] - self.starts[gap]))

    def take(self, size: int) -> int | None:
        """The first row of the first gap of at least `size` rows, which are taken; None if there is no such gap."""
        for place, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            if end - start >= size:
                self.starts[place] += size
                if self.starts[place] == end:
                    self._remove(place)
                return start
        return None

    def pop_last(self, end: int) -> int:
        """The first free row of those that reach up to `end`, which is taken with all that follow; `end` if none do."""
        if not self.ends or self.ends[-1] != end:
            return end
        self.ends.pop()
        return self.starts.pop()

    def _remove(self, place: int) -> None:
        del self.starts[place], self.ends[place]
