"""Many changes of one evaluation, each judged on its own by the output bits that are wrong: none of them is kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.plan import aligned
from lutsmith.circuit.engine.stages.chains import Chains, RisePlan
from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation
from lutsmith.circuit.engine.stages.packed import clear_tail, header, row_matrix
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.ground.arrays import integers
from lutsmith.kernels.engine import rise_planes, rises, trials
from lutsmith.kernels.engine.scattered import Scattered

TURNS, LARGEST = 16, 16
"""How often each thread takes trials in a call at least, if it can, and how many trials it takes at most."""

LINE = 8
"""Words of a cache line."""

PLANS = 2
"""Sets of nodes whose plan is kept: all of them, say, and the best of these."""


class Trials:
    """Judges changes of an evaluation on several threads: what follows the evaluation's own changes and keeps none.

    Each thread takes 128 bytes a node. The same results for any number of threads.

    Args:
        evaluation: of a netlist whose nodes have tables of their own.
        targets: uint64 (O, ceil(N / 64)), the wanted bits of outputs, 0 beyond the last sample.

    Raises:
        TypeError, ValueError: an evaluation of shared tables, targets of another type or shape.
    """

    def __init__(self, evaluation: PackedEvaluation, targets: NDArray[np.uint64]) -> None:
        if evaluation.shares_tables:
            raise ValueError("nodes share tables (table_of); trials change the table of one node at a time")
        outputs = evaluation.output_signals
        expected = (outputs.size, evaluation.samples.words.shape[1])
        if targets.dtype != np.uint64 or targets.shape != expected:
            raise ValueError(f"targets are {targets.dtype} {targets.shape}; expected uint64 {expected}")
        self.evaluation = evaluation
        matrix = row_matrix(outputs.size, len(evaluation.samples))
        matrix[:, : expected[1]] = targets
        clear_tail(matrix, len(evaluation.samples))
        self._goals, self._targets = matrix, matrix[:, : expected[1]]
        self._order = np.argsort(outputs, kind="stable")
        signals = evaluation.cones.net.rows.size
        self._first = np.searchsorted(outputs[self._order], np.arange(signals + 1))
        self._rooms: list[tuple[trials.Room, NDArray[np.uint64], NDArray[np.uint64]]] = []
        self._wires = np.empty(0, np.int32)
        self._read_by = trials.Readers(np.empty(0, np.int64), self._wires)
        self._depth = rise_planes.planes_for(outputs.size)
        self._chains: Chains | None = None
        self._plans: list[tuple[NDArray[np.int64], RisePlan]] = []

    def wrong_bits(
        self, start: ArrayLike, nodes: ArrayLike, tables: ArrayLike, *, threads: int | None = None
    ) -> NDArray[np.int64]:
        """Return how many output bits would be wrong after each of K changes, int64 (K,).

        Args:
            start: int (K + 1,), ascending from 0, where the nodes of each change begin.
            nodes: int (start[-1],), each at most once in a change.
            tables: uint64 (start[-1],), the tables that they get; bits from 2**rank up are not read.
            threads: to use; by default LUTSMITH_NUM_THREADS, else all cores that the process may use.

        Raises:
            TypeError, ValueError: arguments of another type, shape or range.
        """
        chosen = self._nodes(nodes)
        begins = integers("start", start, low=0, high=chosen.size + 1).astype(np.int64)
        words = integers("tables", tables, low=0, high=2**64).astype(np.uint64, copy=False)
        if begins.ndim != 1 or not begins.size or begins[0] or begins[-1] != chosen.size or (np.diff(begins) < 0).any():
            raise ValueError(f"start goes from 0 to {chosen.size}, the number of nodes, and never falls")
        if words.shape != chosen.shape:
            raise ValueError(f"{chosen.size} nodes, {words.size} tables: give as many of each")
        if trials.first_repeated(begins, chosen, np.full(self.evaluation.ranks.size, -1)) >= 0:
            raise ValueError("a change has a node twice: give each of them one table")
        result, readers = np.empty(begins.size - 1, np.int64), self._readers()
        given = begins, chosen, words.copy()

        def run(net: Scattered, room: trials.Room, wanted: trials.Wanted, turns: trials.Turns) -> None:
            trials.wrong_bits(net, readers, room, given, wanted, turns, result)

        self._share(result.size, threads, run)
        return result

    def effects(self, nodes: ArrayLike, *, threads: int | None = None) -> NDArray[np.int64]:
        """Return by how much the wrong output bits rise where an entry of a node's table is inverted, int64 (k, 64).

        Entries that no sample reads, and those from 2**rank up, have effect 0. Effects of entries of a node add up.

        Args:
            nodes: int (k,).
            threads: as for `wrong_bits`.

        Raises:
            TypeError, ValueError: no such nodes.
        """
        return self._rises(nodes, 64, threads)

    def rises(self, nodes: ArrayLike, *, threads: int | None = None) -> NDArray[np.int64]:
        """Return by how much the wrong output bits rise where a node is inverted on all samples, int64 (k,).

        Arguments and errors are those of `effects`.
        """
        return self._rises(nodes, 1, threads)[:, 0]

    def gains(self, nodes: ArrayLike, *, threads: int | None = None) -> NDArray[np.int64]:
        """Return by how much the wrong output bits fall where each entry of a node's table is inverted that pays, int64
        (k,). Arguments and errors are those of `effects`.
        """
        effects = self._rises(nodes, 64, threads)
        result = np.empty(len(effects), np.int64)
        rises.gains(effects, result)
        return result

    def plan(self, chosen: NDArray[np.int64]) -> RisePlan:
        """How the rises of nodes are found; kept for when they are asked for again."""
        readers = self._readers()
        if self._chains is None or self._chains.readers is not readers:
            of_nodes = np.diff(self._first)[self._first.size - 1 - self.evaluation.ranks.size :]
            self._chains = Chains(readers, self.evaluation.level_starts, of_nodes > 0)
            self._plans = []
        kept = [plan for plan in self._plans if np.array_equal(plan[0], chosen)]
        kept = kept or [(chosen, self._chains.plan(chosen))]
        self._plans = [*kept, *(plan for plan in self._plans if plan is not kept[0])][:PLANS]
        return kept[0][1]

    def pivotal(self, nodes: ArrayLike, *, threads: int | None = None) -> NDArray[np.uint64]:
        """Return on which samples inverting a node inverts an output, uint64 (k, O, ceil(N / 64)): the Boolean
        difference, bit b of word w of sample 64 w + b.

        Args:
            nodes: int (k,).
            threads: as for `wrong_bits`.

        Raises:
            TypeError, ValueError: no such nodes.
        """
        chosen = self._nodes(nodes)
        result, readers = np.empty((chosen.size, *self._targets.shape), np.uint64), self._readers()

        def run(net: Scattered, room: trials.Room, wanted: trials.Wanted, turns: trials.Turns) -> None:
            trials.pivotal_rows(net, readers, room, chosen, wanted, turns, result)

        self._share(chosen.size, threads, run)
        return result

    def wrong(self) -> NDArray[np.int64]:
        """Return how many bits of each output are wrong now, int64 (O,)."""
        now = self.evaluation.rows(self.evaluation.output_signals)
        wrong: NDArray[np.int64] = np.bitwise_count(now ^ self._targets).sum(axis=1, dtype=np.int64)
        return wrong

    def _rises(self, nodes: ArrayLike, entries: int, threads: int | None) -> NDArray[np.int64]:
        chosen, places = np.unique(self._nodes(nodes), return_inverse=True)
        result, readers, plan = np.zeros((chosen.size, entries), np.int64), self._readers(), self.plan(chosen)
        kept = row_matrix(plan.kept * self._depth, 1)

        def run_part(part: NDArray[np.int64], block: int) -> None:
            def run(net: Scattered, room: trials.Room, wanted: trials.Wanted, turns: trials.Turns) -> None:
                planes = rises.Planes(kept.ctypes.data, self._depth, room.spare)
                if part is plan.starts:
                    rises.run_cones(net, readers, room, part, planes, wanted, block, turns, result)
                else:
                    rises.combine(net, room, part, planes, block, turns, result)

            self._share(len(part), threads, run)

        for block in range(self.evaluation.cones.net.blocks):
            for part in (plan.starts, *plan.waves):
                run_part(part, block)
        return result if np.array_equal(places, np.arange(chosen.size)) else result[places]

    def _readers(self) -> trials.Readers:
        """Who reads the nodes with the present wires."""
        net = self.evaluation.cones.net
        if not np.array_equal(self._wires, net.fanin):
            self._wires = net.fanin.copy()
            reads = self._wires[: net.fanin_ptr[-1]]
            order = np.argsort(reads, kind="stable")
            signals = np.arange(net.rows.size - net.tables.size, net.rows.size + 1)
            by = np.repeat(np.arange(net.tables.size, dtype=np.int32), np.diff(net.fanin_ptr))
            start = np.searchsorted(reads[order], signals)
            self._read_by = trials.Readers(start - start[0], by[order[start[0] :]])
        return self._read_by

    def _nodes(self, nodes: ArrayLike) -> NDArray[np.int64]:
        chosen = integers("nodes", nodes, low=0, high=self.evaluation.ranks.size).astype(np.int64, copy=False)
        if chosen.ndim != 1:
            raise ValueError(f"nodes has shape {chosen.shape}, expected one dimension")
        return np.ascontiguousarray(chosen)

    def _share(
        self,
        count: int,
        threads: int | None,
        run: Callable[[Scattered, trials.Room, trials.Wanted, trials.Turns], None],
    ) -> None:
        """Let `run` take its turns on several threads: outside of Python's lock until none is left."""
        wanted = trials.Wanted(self._order, self._first, self._goals, self.wrong())
        rooms, given, most = self._rooms, self.evaluation.cones.net, num_threads(threads)
        taken = aligned((LINE,), np.int64)
        taken[:] = 0
        turns = trials.Turns(taken, min(LARGEST, max(1, count // (TURNS * most))))

        def work(_: Callable[[], int | None]) -> None:
            if turns.taken[0] >= count:
                return
            try:
                room, matrix, first = rooms.pop()  # one thread's at a time
            except IndexError:
                room, matrix, first = self._room()
            room.rows[:] = given.rows
            run(given._replace(header=first, rows=given.rows.copy(), tables=given.tables.copy()), room, wanted, turns)
            rooms.append((room, matrix, first))

        share(-(-count // turns.size), most, work)

    def _room(self) -> tuple[trials.Room, NDArray[np.uint64], NDArray[np.uint64]]:
        """Return memory for one thread, the matrix that it is of, and a header of its own."""
        nodes = self.evaluation.ranks.size
        matrix = row_matrix(nodes + 3 + self._depth + rise_planes.MASK_ROWS, 1)
        waiting, signals = aligned((-(-nodes // (64 * LINE)) * LINE,), np.uint64), self._first.size - 1
        waiting[:] = 0  # whole lines of the cache: what one thread writes all the time, no other touches
        begin, spare = (int(matrix[row:].ctypes.data) for row in (0, nodes + 3))
        room = trials.Room(waiting, begin, np.empty(nodes + 1, np.int32), np.empty(signals, np.int64), spare)
        return room, matrix, header(len(self.evaluation.samples))
