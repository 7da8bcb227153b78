"""A netlist on packed samples: all rows of bits are kept; tables and wires change, and only what follows is run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages.cones import Cones, Moves
from lutsmith.circuit.engine.stages.counts import OutputCounts
from lutsmith.circuit.engine.stages.packed import PackedSamples, fill_state, row_matrix
from lutsmith.circuit.engine.workers import num_threads
from lutsmith.circuit.netlist import MAX_RANK, Netlist, checked_tables, table_mask
from lutsmith.ground.arrays import booleans, integers, numbered, unpacked
from lutsmith.kernels.engine import rows


@dataclass(frozen=True, eq=False)
class RowChange:
    """What changed with tables or wires.

    Attributes:
        signals: int64, the signals whose value is another one on some sample, ascending.
    """

    signals: NDArray[np.int64]
    _counts: OutputCounts = field(repr=False)

    @cached_property
    def outputs(self) -> NDArray[np.int64]:
        """int64, the outputs whose value is another one on some sample, ascending."""
        return np.sort(self._counts.outputs(self.signals)[0])


class PackedEvaluation:
    """The values of all signals of a netlist on packed samples, which follow changes of tables and wires.

    All values are those of `Netlist.evaluate` with the present tables and wires, bit for bit. Signals are numbered as
    in the netlist. One thread at a time may use an evaluation; any number of them, clones too, may be used at once.

    Args:
        netlist: the LUTs. It is not changed.
        samples: the bits of its inputs.
        tables: uint64 (nodes,), to use instead of the netlist's own; or (P,) with `table_of`. Bits from 2**rank up are
            not read.
        table_of: int (nodes,), the number of each node's table among `tables`: nodes may share one. By default each
            node has its own.
        state: bool (R,) or (N, R), what the registers hold; by default their initial values.
        threads: to run the netlist on; by default LUTSMITH_NUM_THREADS, else all cores that the process may use.
            Changes are run by the caller's thread.

    Attributes:
        samples: as given.

    Raises:
        TypeError, ValueError: an argument has the wrong type or shape, or does not fit the netlist.
    """

    samples: PackedSamples

    def __init__(
        self,
        netlist: Netlist,
        samples: PackedSamples,
        *,
        tables: ArrayLike | None = None,
        table_of: ArrayLike | None = None,
        state: ArrayLike | None = None,
        threads: int | None = None,
    ) -> None:
        if not isinstance(netlist, Netlist):
            raise TypeError(f"netlist is a {type(netlist).__name__}, expected a Netlist")
        if not isinstance(samples, PackedSamples):
            raise TypeError(
                f"samples are a {type(samples).__name__}, expected PackedSamples: pack them with Stages.pack or of_bits"
            )
        if samples.num_inputs != netlist.num_inputs:
            raise ValueError(f"the samples have {samples.num_inputs} bits, the netlist {netlist.num_inputs} inputs")
        numbers = None if table_of is None else _table_numbers(netlist, table_of, tables)
        if tables is None:
            words = netlist.tables()
        else:
            words = checked_tables(tables, netlist.num_nodes if numbers is None else np.size(tables)).copy()
        self._netlist, self.samples = netlist, samples
        self._matrix = row_matrix(netlist.num_registers + netlist.num_nodes, len(samples))
        fill_state(self._matrix[: netlist.num_registers], _checked_state(netlist, len(samples), state))
        self._cones = Cones(netlist, samples, self._matrix, words, numbers, num_threads(threads))
        self._counts = OutputCounts(netlist.outputs, netlist.num_signals, len(samples))
        self._shares_tables, self._matrix_is_given = numbers is not None, False

    def clone(self) -> PackedEvaluation:
        """Return an evaluation with the present tables, wires and values, that shares all rows which neither changes.

        It is for another thread, or to try something for longer. Changes that were not accepted before can be taken
        back here, not in the clone.
        """
        new = object.__new__(PackedEvaluation)
        new.__dict__.update(self.__dict__)
        new._cones, new._counts = self._cones.clone(), self._counts.copy()
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are clones that share nothing with this one."""
        return _evaluated, (
            self.netlist(),
            self.samples,
            self.tables,
            self._cones.table_of,
            self.bits(np.arange(self._netlist.num_inputs, self._first_node)),
        )

    def __repr__(self) -> str:
        return f"PackedEvaluation({self._netlist!r}, {len(self.samples)} samples, {self.num_changes} changes)"

    @property
    def nbytes(self) -> int:
        """The memory of all rows but the samples', in bytes: those of clones and of what can be taken back included."""
        return self._cones.pool.nbytes

    @property
    def num_changes(self) -> int:
        """How many changes can be taken back."""
        return len(self._cones.held.steps)

    @property
    def tables(self) -> NDArray[np.uint64]:
        """uint64 (nodes,), or (P,) with `table_of`: a copy of the present tables."""
        return self._cones.tables.copy()

    @property
    def shares_tables(self) -> bool:
        """Whether nodes share tables (`table_of`)."""
        return self._shares_tables

    @property
    def cones(self) -> Cones:
        """The rows and what runs them, for the engine's own use."""
        return self._cones

    @property
    def output_signals(self) -> NDArray[np.int32]:
        """int32 (O,), the signals that are outputs."""
        return self._netlist.outputs

    @property
    def ranks(self) -> NDArray[np.int64]:
        """int64 (nodes,), how many signals each node reads."""
        return self._netlist.ranks

    def reads(self, node: int) -> NDArray[np.int32]:
        """Return the signals that a node reads, int32 (rank,), the least significant bit of the address first."""
        begin, end = self._netlist.fanin_ptr[node : node + 2]
        return self._cones.net.fanin[begin:end].astype(np.int32)

    def netlist(self) -> Netlist:
        """Return the netlist with the present tables and wires."""
        net = self._cones.net
        words = net.tables & table_mask(self._netlist.ranks)
        first, index = numbered(words)
        fanin = net.fanin[: self._netlist.fanin.size]
        return replace(self._netlist, fanin=fanin, table_pool=words[first], table_index=index)

    def rows(self, signals: ArrayLike | None = None, *, before: bool = False) -> NDArray[np.uint64]:
        """Return the values of signals, packed.

        Args:
            signals: int (k,) or one, any of them, in any order; None: all.
            before: the values as they were before the last change that can be taken back.

        Returns:
            uint64 (k, ceil(N / 64)), a copy: bit b of word w is the value on sample 64 w + b, 0 beyond the last sample.

        Raises:
            TypeError, ValueError: no such signals, or no change that can be taken back.
        """
        chosen = self._chosen(signals)
        addresses = self._cones.net.rows
        if before:
            self._require_change()
            step = self._cones.held.steps[-1]
            addresses = addresses.copy()
            addresses[self._first_node + step.nodes] = self._cones.pool.addresses[step.rows]
        result = np.empty((chosen.size, self.samples.words.shape[1]), np.uint64)
        rows.gather(addresses[chosen], 0, result)
        return result

    def node_rows(self) -> NDArray[np.uint64]:
        """Return the values of all nodes, uint64 (nodes, ceil(N / 64)), read-only, as by `rows`.

        Nothing is copied where all nodes have the rows that they began with. What is returned stays as it is.
        """
        held = self._cones.held.rows
        if np.array_equal(held, np.arange(held.size)):
            if not self._matrix_is_given:  # held for ever: these rows are not written again
                self._cones.pool.hold(held)
                self._matrix_is_given = True
            result = self._matrix[self._netlist.num_registers :, : self.samples.words.shape[1]]
        else:
            result = self.rows(np.arange(self._first_node, self._netlist.num_signals))
        result.setflags(write=False)
        return result

    def bits(self, signals: ArrayLike | None = None, *, before: bool = False) -> NDArray[np.bool_]:
        """Return the values of signals, bool (N, k); arguments and errors as for `rows`."""
        return unpacked(self.rows(signals, before=before), len(self.samples))

    def outputs(self) -> NDArray[np.bool_]:
        """Return the output bits of each sample, bool (N, O)."""
        return self.bits(self._netlist.outputs)

    def ones(self, signals: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return on how many samples each signal is 1, int64 (k,); arguments and errors as for `rows`."""
        chosen = self._chosen(signals)
        result = np.empty(chosen.size, np.int64)
        rows.count_ones(self._cones.net.rows[chosen], self.samples.words.shape[1], result)
        return result

    def counts(self, num_groups: int) -> NDArray[np.int32]:
        """Return the ones in each group of outputs, int32 (N, num_groups), read-only. The outputs fall into equal,
        contiguous groups, as for a `Head`.

        The array is counted once and then follows every change, at a cost in proportion to the output bits that change.
        Copy it to keep it.

        Raises:
            TypeError, ValueError: `num_groups` is not a positive integer that divides the number of outputs.
        """
        return self._counts.counted(num_groups, self._cones.net.rows)

    def change(self, nodes: ArrayLike, tables: ArrayLike) -> RowChange:
        """Give nodes other tables, and run what depends on them, as far as values change.

        Args:
            nodes: int (k,) or one, each once; where nodes share tables (`table_of`), the numbers of tables: all nodes
                that have one get it.
            tables: uint64 (k,) or one; bits from 2**rank up are not read.

        Raises:
            TypeError, ValueError: nodes or tables of another type, number or range, or a node twice.
        """
        chosen = _numbers("nodes", nodes, self._cones.tables.size)
        words = _words(tables, chosen.size)
        if chosen.size > 1 and np.bincount(chosen).max() > 1:
            raise ValueError("a node is given twice: give each of them one table")
        return self._changed(self._cones.change(chosen, words, []))

    def rewire(
        self, nodes: ArrayLike, slots: ArrayLike, signals: ArrayLike, tables: ArrayLike | None = None
    ) -> RowChange:
        """Let inputs of nodes read other signals, and run what depends on them, as far as values change.

        A node may read any input, any register, and the nodes of lower levels. Levels are those of the netlist and stay
        as they are, so that nothing depends on itself. (In a netlist with a level for each node, that is every node
        before it.)

        Args:
            nodes: int (k,) or one; a node may be given several times, for several inputs.
            slots: int (k,) or one, which input of each, from 0 (the least significant) on.
            signals: int (k,) or one, what it reads from now on.
            tables: uint64 (k,) or one, tables that the nodes get at the same time, equal ones for equal nodes; not
                where nodes share tables.

        Raises:
            TypeError, ValueError: an argument of another type, number or range, or a signal that is not of a lower
                level.
        """
        chosen = _numbers("nodes", nodes, self._netlist.num_nodes)
        places = _numbers("slots", slots, MAX_RANK)
        read = _numbers("signals", signals, self._netlist.num_signals)
        if not chosen.size == places.size == read.size:
            raise ValueError(f"{chosen.size} nodes, {places.size} slots, {read.size} signals: give as many of each")
        missing, late = places >= self._netlist.ranks[chosen], read >= self.level_starts[chosen]
        if missing.any():
            node, slot = chosen[missing.argmax()], places[missing.argmax()]
            raise ValueError(f"node {node} has no input {slot}: its rank is {self._netlist.ranks[node]}")
        if late.any():
            node, signal = chosen[late.argmax()], read[late.argmax()]
            raise ValueError(f"node {node} cannot read signal {signal}, which is not of a lower level")
        starts, first, which = np.unique(chosen, return_index=True, return_inverse=True)
        entries = self._netlist.fanin_ptr[chosen] + places
        wires = list(zip(entries.tolist(), read.tolist(), strict=True))
        if tables is None:
            return self._changed(self._cones.change(starts[:0], np.empty(0, np.uint64), wires, starts))
        words = _words(tables, chosen.size)
        if self._shares_tables:
            raise ValueError("nodes share tables here: change these with change()")
        if (words != words[first][which]).any():
            raise ValueError("a node is given two tables: give equal nodes equal tables")
        return self._changed(self._cones.change(starts, words[first], wires, starts))

    def undo(self) -> RowChange:
        """Take the last change back that was not accepted; nothing is run. ValueError where there is none."""
        self._require_change()
        return self._changed(self._cones.undo())

    def accept(self) -> None:
        """Keep all changes: they can no longer be taken back, and the memory of what was before them is used again."""
        self._cones.accept()

    def _changed(self, moves: Moves) -> RowChange:
        self._counts.follow(*moves)
        return RowChange(moves.signals, self._counts)

    def _require_change(self) -> None:
        if not self.num_changes:
            raise ValueError("there is no change that could be taken back")

    def _chosen(self, signals: ArrayLike | None) -> NDArray[np.int64]:
        if signals is None:
            return np.arange(self._netlist.num_signals)
        return _numbers("signals", signals, self._netlist.num_signals)

    @property
    def _first_node(self) -> int:
        return self._netlist.num_inputs + self._netlist.num_registers

    @cached_property
    def level_starts(self) -> NDArray[np.int64]:
        """int64 (nodes,), the first signal that is not of a lower level."""
        levels = self._netlist.level_ptr
        return self._first_node + np.repeat(levels[:-1], np.diff(levels))


def _evaluated(
    netlist: Netlist,
    samples: PackedSamples,
    tables: NDArray[np.uint64],
    table_of: NDArray[np.int64] | None,
    state: NDArray[np.bool_],
) -> PackedEvaluation:
    return PackedEvaluation(netlist, samples, tables=tables, table_of=table_of, state=state)


def _numbers(name: str, values: ArrayLike, count: int) -> NDArray[np.int64]:
    """Numbers below `count`, or one, as int64 (k,)."""
    array = np.atleast_1d(integers(name, values, low=0, high=count))
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
    return array.astype(np.int64, copy=False)


def _words(tables: ArrayLike, count: int) -> NDArray[np.uint64]:
    """Tables, or one, as uint64 (count,)."""
    words = np.atleast_1d(integers("tables", tables, low=0, high=2**64))
    if words.shape != (count,):
        raise ValueError(f"tables has shape {words.shape}, expected ({count},): one word a node")
    return words.astype(np.uint64, copy=False)


def _table_numbers(netlist: Netlist, table_of: ArrayLike, tables: ArrayLike | None) -> NDArray[np.int64]:
    if tables is None:
        raise ValueError("table_of needs tables: the numbers are of these")
    numbers = _numbers("table_of", table_of, np.size(tables))
    if numbers.size != netlist.num_nodes:
        raise ValueError(f"table_of has {numbers.size} entries for {netlist.num_nodes} nodes")
    return numbers


def _checked_state(netlist: Netlist, samples: int, state: ArrayLike | None) -> NDArray[np.bool_]:
    """What registers hold, bool (N, R)."""
    held = netlist.register_init if state is None else booleans("state", state)
    expected = (samples, netlist.num_registers)
    if held.shape not in (expected[1:], expected):
        raise ValueError(f"state has shape {held.shape}, expected ({expected[1]},) or {expected}")
    return np.broadcast_to(held, expected)
