"""The plan of the engine: in which order a netlist is evaluated and in which row of bits each signal lies.

A plan depends on the wiring alone, and tables are an argument of every evaluation, so that other ones cost nothing; or
it is one for fixed tables, and faster.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lutsmith.circuit.engine.bands import steps
from lutsmith.circuit.engine.evaluated import EvaluatedNodes
from lutsmith.circuit.netlist import Netlist, checked_tables
from lutsmith.ground.arrays import runs
from lutsmith.kernels.engine import lanes

Network = Callable[[NDArray[np.uint64]], None]
"""What evaluates a network on the matrix of bits of a plan."""

MAX_ROWS = 2**32 // lanes.ROW_BYTES
"""Rows are named by byte offsets in uint32."""

MAX_GAPS = 64
"""Gaps between the rows of steps that are remembered, for later steps to lie in."""

CODED = len(lanes.RANKS)
"""The first kind that `lanes` does not know: a table that machine code has been made of."""

_NEAR = 1 << 16  # rows that 16 bits name
_RANKS = 7  # kinds below are ranks with any table
_KNOWN_TABLES = np.array([table or 0 for _, table in lanes.KINDS] + [0], np.uint64)


class EnginePlan:
    """Order of evaluation and rows of a netlist. It is evaluated in steps (`bands`), the nodes of one kind by kind.

    The rows of a step are used again once the last step that reads any of it has been evaluated: the matrix of bits
    shrinks to what is alive at once, and more of it stays in the cache. Inputs and registers have rows like a step;
    registers and outputs stay alive to the end. Nodes that no output depends on are not evaluated.

    Args:
        netlist: what to evaluate.
        fixed: whether the tables are always the netlist's own. Then constants and buffers are not evaluated, and
            functions of up to three inputs without their tables.
        pools: whether ORs are evaluated with the LUTs that they read (`EvaluatedNodes`), where tables are fixed.
        coded: tables that are kinds of their own, from `CODED` on, in this order: number of inputs and truth table of
            each. `lanes` does not know them; where tables are fixed.

    Attributes:
        num_rows: rows of the matrix of bits, the kernels' header included.
        output_rows: int64 (O,), the rows of the outputs.
        fanin, groups: arguments of `kernels.engine.lanes.evaluate`. Of a step those of kinds from `CODED` on are last.
        order: int64 (n,), the nodes that have rows, in the order of evaluation.
        luts: int64, the nodes whose tables are evaluated, in this order: those, or what they are the ORs of.

    Raises:
        ValueError: the netlist needs more rows than 32-bit offsets can name.
    """

    def __init__(
        self, netlist: Netlist, fixed: bool = False, *, pools: bool = True, coded: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._netlist, self._fixed = netlist, fixed
        part = EvaluatedNodes(netlist, fixed, pools)
        if coded:
            part.set_kinds(netlist, coded, CODED)
        self._kind_ranks = np.concatenate([lanes.RANKS, [rank for rank, _ in coded]]).astype(np.int64)
        sources = netlist.num_inputs + netlist.num_registers
        own_steps = steps(part, netlist)
        count = int(own_steps.max(initial=0))
        order = np.lexsort((part.pooled, part.kinds, own_steps))
        pooled = part.pooled[order]
        self.order, self._kinds = part.nodes[order], np.repeat(part.kinds[order], pooled)
        self.luts = part.luts[runs((np.cumsum(part.pooled) - part.pooled)[order], pooled)]
        sizes = np.concatenate([[sources], np.bincount(own_steps, minlength=count + 1)[1:]])
        ranks = np.diff(part.fanin_ptr)

        # Sources are step 0, from which constants, which lie in the header, count as read.
        step_of = np.zeros(netlist.num_signals + 2, np.int64)
        step_of[sources + part.nodes] = own_steps
        last_read = np.arange(count + 1)
        np.maximum.at(last_read, step_of[part.fanin], np.repeat(own_steps, ranks))
        last_read[step_of[part.outputs]] = count + 1
        if netlist.num_registers:  # their values are written once, not for each block
            last_read[0] = count + 1
        starts, self.num_rows = _rows(sizes, last_read)
        if self.num_rows > MAX_ROWS:
            raise ValueError(f"the netlist has {self.num_rows} signals alive at once, the engine holds {MAX_ROWS}")
        row_of = np.zeros(netlist.num_signals + 2, np.int64)
        row_of[:sources] = starts[0] + np.arange(sources)
        ordered = own_steps[order]
        row_of[sources + self.order] = starts[ordered] + np.arange(order.size) - np.searchsorted(ordered, ordered)
        row_of[netlist.num_signals :] = 0, lanes.ONES_ROW
        self.output_rows = row_of[part.outputs]

        entries = runs(part.fanin_ptr[:-1][order], ranks[order])
        self.fanin = np.zeros(entries.size + lanes.PADDING, np.uint32)
        self.fanin[: entries.size] = row_of[part.fanin[entries]] * lanes.ROW_BYTES
        self.groups = _groups(ordered, part.kinds[order], pooled, ranks[order], row_of[sources + self.order])

    @property
    def input_rows(self) -> slice:
        """The rows of the inputs: they lie first, in every plan of a netlist."""
        return slice(lanes.HEADER_ROWS, lanes.HEADER_ROWS + self._netlist.num_inputs)

    def tables(self, tables: ArrayLike | None = None) -> NDArray[np.uint64]:
        """uint64, the netlist's tables, or other ones in the netlist's order, in the order of evaluation.

        Raises:
            TypeError, ValueError: `tables` is not uint64 (N,), or the plan's tables are fixed.
        """
        netlist = self._netlist
        if tables is not None and self._fixed:
            raise ValueError("the plan is one for the netlist's own tables: make another without `fixed`")
        given = netlist.tables() if tables is None else checked_tables(tables, netlist.num_nodes)
        known = _KNOWN_TABLES[np.minimum(self._kinds, len(lanes.KINDS))]
        return np.where((self._kinds < _RANKS) | (self._kinds >= len(lanes.KINDS)), given[self.luts], known)

    def values(self) -> NDArray[np.uint64]:
        """A new matrix of bits, uint64 (num_rows, 16): header and registers are filled in, the rest is not set."""
        values: NDArray[np.uint64] = aligned((self.num_rows, lanes.WORDS), np.uint64)
        lanes.fill_header(values)
        values[self._register_rows()] = -self._netlist.register_init[:, None].astype(np.int64)
        return values

    def bytes(self) -> NDArray[np.uint8]:
        """The same for a single sample: uint8 (num_rows,)."""
        values = np.zeros(self.num_rows, np.uint8)
        values[lanes.ONES_ROW] = 1
        values[self._register_rows()] = self._netlist.register_init
        return values

    def single(self) -> tuple[NDArray[np.uint16], NDArray[np.uint32], NDArray[np.int64]]:
        """The arguments `near`, `far` and `groups` of `kernels.engine.single.evaluate`."""
        groups = self.groups.copy()
        groups[:, 0] = self._kind_ranks[groups[:, 0]]
        if len(groups):  # neighbours of one rank become one group
            begins = np.ones(len(groups), np.bool_)
            before, after = groups[:-1], groups[1:]
            begins[1:] = (before[:, [0, 5]] != after[:, [0, 5]]).any(axis=1) | (
                before[:, 4] + before[:, 2] != after[:, 4]
            )
            counts = np.add.reduceat(groups[:, 2], np.flatnonzero(begins))
            groups = groups[begins]
            groups[:, 2] = counts
        sizes, bases = groups[:, 0] * groups[:, 2] * groups[:, 5], np.zeros(len(groups), np.int64)
        rows = (self.fanin[: sizes.sum()] // lanes.ROW_BYTES).astype(np.int64)
        far = np.zeros(0, np.uint32)
        if self.num_rows > _NEAR and (reads := sizes > 0).any():
            entries = groups[reads, 3]
            lowest, highest = np.minimum.reduceat(rows, entries), np.maximum.reduceat(rows, entries)
            bases[reads] = np.where(highest - lowest < _NEAR, lowest, -1)
            if (bases < 0).any():
                far = rows.astype(np.uint32)
            rows -= np.repeat(bases, sizes)
        return rows.astype(np.uint16), far, np.column_stack([groups, bases])

    def _register_rows(self) -> slice:
        first = self.input_rows.stop
        return slice(first, first + self._netlist.num_registers)


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array that is not set and begins on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def _groups(
    steps: NDArray[np.int64],
    kinds: NDArray[np.int64],
    pooled: NDArray[np.int64],
    reads: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.int64]:
    """int64 (G, 6) for `lanes.evaluate`, of nodes in the order of evaluation."""
    changes = np.flatnonzero((np.diff(steps) != 0) | (np.diff(kinds) != 0) | (np.diff(pooled) != 0)) + 1
    first = np.concatenate([[0], changes]) if steps.size else changes
    entries, luts = np.cumsum(reads) - reads, np.cumsum(pooled) - pooled
    counts = np.diff(np.append(first, steps.size))
    columns = kinds[first], luts[first], counts, entries[first], rows[first], pooled[first]
    return np.stack(columns, axis=1).astype(np.int64)


def _rows(sizes: NDArray[np.int64], last_read: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The first row of each step, and the number of rows. Step 0 are the sources, written before everything else.

    First fit: a step takes the first gap that is large enough, which steps that nobody reads any more have left.
    Sizes are rounded up by less than an eighth, so that steps of nearly one size fit each other's gaps.
    """
    grain = np.exp2(np.floor(np.log2(np.maximum(sizes, 8))) - 3).astype(np.int64)
    sizes = -(-sizes // grain) * grain
    starts = np.zeros(sizes.size, np.int64)
    counts, last = sizes.tolist(), last_read.tolist()
    dying = np.argsort(last_read, kind="stable").tolist()
    gaps = _Gaps()
    dead = 0
    end = lanes.HEADER_ROWS
    for step, size in enumerate(counts):
        while last[dying[dead]] < step:
            gaps.add(int(starts[dying[dead]]), counts[dying[dead]])
            dead += 1
        start = gaps.take(size)
        if start is None:
            start = gaps.pop_last(end)
            end = start + size
        starts[step] = start
    return starts, end


class _Gaps:
    """Free rows, in order, neighbours joined. At most `MAX_GAPS` are remembered: a step costs the same in any netlist.

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
