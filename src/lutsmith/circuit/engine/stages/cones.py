"""The rows of all signals of a netlist, and how they follow tables and wires: only the cone of what changed is run.

A row is not written again while somebody holds it. A node that changes gets another row from the pool, so that a change
is taken back by naming the old rows again, and a clone shares all rows until one of the two changes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages.fanout import Fanout
from lutsmith.circuit.engine.stages.packed import PackedSamples, blocks_of, header, row_addresses
from lutsmith.circuit.engine.stages.row_pool import RowPool
from lutsmith.circuit.engine.workers import share
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arrays import packed, runs
from lutsmith.kernels.engine import scattered

SPARE = 64
"""Rows that are at hand for a change; a larger one asks for more."""

Numbers = NDArray[np.int64]


class Moves(NamedTuple):
    """The signals of a change, ascending, and the addresses of the rows that they had and have."""

    signals: Numbers
    before: Numbers
    after: Numbers


@dataclass(eq=False)
class PastChange:
    """What a change has to know to be taken back: nodes and the rows that they had, tables, entries and signals."""

    nodes: Numbers
    rows: Numbers
    tables: tuple[Numbers, NDArray[np.uint64]]
    wires: list[tuple[int, int]]


@dataclass(eq=False)
class _Held:
    """Rows of the pool that are held: those of registers and nodes, of steps, and spare ones."""

    rows: Numbers
    steps: list[PastChange]
    spare: Numbers

    def free(self, pool: RowPool) -> None:
        """Give all back."""
        for held in (self.rows, *(step.rows for step in self.steps), self.spare):
            pool.free(held)


class Cones:
    """The rows of a netlist on packed samples, as tables and wires change. Arguments are not checked.

    Args:
        netlist: the LUTs.
        samples: the bits of its inputs.
        matrix: of `row_matrix`, for registers and nodes; the registers' rows are filled in.
        tables: uint64 (P,), kept and changed.
        table_of: int64 (nodes,), the number of each node's table, or None: each has its own.
        threads: for the first run.

    Attributes:
        tables: the present ones.
        table_of: as given.
        net: the present network, as the kernels want it; `net.rows` has the address of each signal's row.
        held: which rows registers and nodes have, numbers of `pool`, and the steps that can be taken back.
        pool: where rows come from.
    """

    tables: NDArray[np.uint64]
    table_of: Numbers | None
    net: scattered.Scattered
    held: _Held
    pool: RowPool

    def __init__(
        self,
        netlist: Netlist,
        samples: PackedSamples,
        matrix: NDArray[np.uint64],
        tables: NDArray[np.uint64],
        table_of: Numbers | None,
        threads: int,
    ) -> None:
        self._registers, self._first_node = netlist.num_registers, netlist.num_inputs + netlist.num_registers
        self._samples, self.tables, self.table_of = len(samples), tables, table_of
        self._fanout, self._shares_wires = Fanout(netlist), False
        self.net = scattered.Scattered(
            header(self._samples),
            np.concatenate([samples.addresses, row_addresses(matrix)]),
            self._fanout.fanin,
            netlist.fanin_ptr,
            tables if table_of is None else tables[table_of],
            blocks_of(self._samples),
        )
        self._run_all(threads)
        self.pool = RowPool(matrix, self._samples)
        self._begin(np.arange(len(matrix)))

    def clone(self) -> Cones:
        """Return the same rows, which follow other changes. Steps are not the clone's."""
        new = object.__new__(Cones)
        new.__dict__.update(self.__dict__)
        self._shares_wires = new._shares_wires = True
        new.tables = self.tables.copy()
        words = new.tables if self.table_of is None else self.net.tables.copy()
        new.net = self.net._replace(header=header(self._samples), rows=self.net.rows.copy(), tables=words)
        self.pool.hold(self.held.rows)
        new._begin(self.held.rows.copy())
        return new

    def change(
        self, numbers: Numbers, words: NDArray[np.uint64], wires: list[tuple[int, int]], starts: Numbers | None = None
    ) -> Moves:
        """Set tables and wires, and run what depends on them.

        Args:
            numbers: of tables.
            words: the tables.
            wires: entries of the fan-in, and what they read.
            starts: the nodes whose tables or wires these are; None: those of the tables.
        """
        step = PastChange(numbers, numbers, (numbers, self.tables[numbers]), [])
        nodes = self._set_tables(numbers, words)
        for entry, signal in wires:
            step.wires.append((entry, int(self.net.fanin[entry])))
            self._move(entry, signal)
        step.nodes, written = self._run(nodes if starts is None else starts)
        places = self._registers + step.nodes
        step.rows = self.held.rows[places]
        self.held.rows[places] = written
        self.held.steps.append(step)
        signals = self._first_node + step.nodes
        return Moves(signals, self.pool.addresses[step.rows], self.net.rows[signals])

    def undo(self) -> Moves:
        """Take the last step back."""
        step = self.held.steps.pop()
        self._set_tables(*step.tables)
        for entry, signal in reversed(step.wires):
            self._move(entry, signal)
        places, signals = self._registers + step.nodes, self._first_node + step.nodes
        moves = Moves(signals, self.net.rows[signals], self.pool.addresses[step.rows])
        replaced = self.held.rows[places]
        self.held.rows[places], self.net.rows[signals] = step.rows, moves.after
        self._drop(replaced)
        return moves

    def accept(self) -> None:
        """Forget how to take steps back."""
        for step in self.held.steps:
            self._drop(step.rows)
        self.held.steps.clear()

    def _begin(self, rows: Numbers) -> None:
        """Make what no clone shares."""
        nodes, words = len(self.net.tables), -(-max(1, self.net.blocks) // 64)
        self._todo, self._waiting = np.zeros((nodes, words), np.uint64), np.zeros(-(-nodes // 64), np.uint64)
        self._everywhere = packed(np.arange(64 * words) < self.net.blocks)
        self.held = _Held(rows, [], np.empty(0, np.int64))
        weakref.finalize(self, self.held.free, self.pool).atexit = False

    def _drop(self, rows: Numbers) -> None:
        self.held.spare = np.concatenate([self.held.spare, self.pool.drop(rows)])

    def _run(self, starts: Numbers) -> tuple[Numbers, Numbers]:
        """Run nodes and what depends on them; return the nodes that changed, and the numbers of their new rows."""
        self._todo[starts] = self._everywhere
        np.bitwise_or.at(self._waiting, starts >> 6, np.uint64(1) << (starts & 63).astype(np.uint64))
        held, room, found, taken = self.held, max(SPARE, starts.size), [], []
        while True:
            if held.spare.size < room:
                held.spare = np.concatenate([self.pool.take(room - held.spare.size), held.spare])
            spare, changed = held.spare[: -room - 1 : -1], np.empty(room, np.int32)
            addresses = self.pool.addresses[spare]
            count = scattered.evaluate_cone(
                self.net, self._fanout.readers, self._todo, self._waiting, addresses, changed
            )
            found.append(changed[:count])
            taken.append(spare[:count])
            held.spare = held.spare[: held.spare.size - count]
            if count < room or not self._waiting.any():
                return np.concatenate(found).astype(np.int64), np.concatenate(taken)
            room *= 4

    def _run_all(self, threads: int) -> None:
        """Run all nodes on all blocks."""
        blocks = self.net.blocks
        piece = max(1, min(scattered.SPAN, -(-blocks // threads)))

        def work(take: Callable[[], int | None]) -> None:
            net = self.net._replace(header=header(self._samples))
            while (index := take()) is not None:
                scattered.evaluate_rows(net, index * piece, min((index + 1) * piece, blocks))

        share(-(-blocks // piece), threads, work)

    def _set_tables(self, numbers: Numbers, words: NDArray[np.uint64]) -> Numbers:
        """Set tables; return the nodes that have them."""
        self.tables[numbers] = words
        if self.table_of is None:
            return numbers
        order, first = self._nodes_of
        counts = first[numbers + 1] - first[numbers]
        nodes = order[runs(first[numbers], counts)]
        self.net.tables[nodes] = np.repeat(words, counts)
        return nodes

    @cached_property
    def _nodes_of(self) -> tuple[Numbers, Numbers]:
        """The nodes by the numbers of their tables, and where each number begins."""
        numbers = np.empty(0, np.int64) if self.table_of is None else self.table_of
        order = np.argsort(numbers, kind="stable")
        return order, np.searchsorted(numbers[order], np.arange(self.tables.size + 1))

    def _move(self, entry: int, signal: int) -> None:
        """Let an entry of the fan-in read another signal here, and not in a clone."""
        if self._shares_wires:
            self._fanout, self._shares_wires = self._fanout.copy(), False
            self.net = self.net._replace(fanin=self._fanout.fanin)
        self._fanout.move(entry, signal)
