"""The netlist: look-up tables, wires and registers as flat, immutable arrays, and what they mean.

A signal is an integer. Of a netlist with I inputs, R registers and N nodes, signals 0..I-1 are the inputs, I..I+R-1 the
outputs of the registers, and I+R+i is node i. A node of rank n reads n signals x_0 .. x_{n-1}; its value is bit
a = sum_j x_j 2^j of its table. Nodes are sorted by level, and a node reads only nodes of lower levels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.ground.arguments import one_of
from lutsmith.ground.arrays import MAX_SIGNALS, booleans, frozen, frozen_integers

MAX_RANK = 6
"""A table is one 64-bit word: 2**6 entries."""


@dataclass(frozen=True, eq=False, repr=False)
class Netlist:
    """A circuit of look-up tables (LUTs) as flat arrays. Immutable: every array is a read-only copy.

    Attributes:
        num_inputs: I, the number of input signals.
        fanin: int32, the signals that the nodes read, node after node, input 0 (least significant) first.
        fanin_ptr: int64 (N+1,), node i reads fanin[fanin_ptr[i]:fanin_ptr[i+1]]; 0 to 6 signals (0: a constant).
        table_pool: uint64 (P,), the distinct tables; bit a is the value at address a.
        table_index: int32 (N,), node i has table table_pool[table_index[i]], whose bits from 2**rank up are zero.
        level_ptr: int64 (L+1,), level l is nodes level_ptr[l]:level_ptr[l+1], at least one.
        outputs: int32 (O,), the signals that leave the circuit; any signal, repetitions allowed.
        register_next: int32 (R,), the signal that each register takes at the clock's edge.
        register_init: bool (R,), the value of each register before the first edge.

    Raises:
        TypeError, ValueError: an array has the wrong type or shape, refers to something that does not exist, or the
            nodes are not in order of their levels.
    """

    num_inputs: int
    fanin: NDArray[np.int32]
    fanin_ptr: NDArray[np.int64]
    table_pool: NDArray[np.uint64]
    table_index: NDArray[np.int32]
    level_ptr: NDArray[np.int64]
    outputs: NDArray[np.int32]
    register_next: NDArray[np.int32] = field(default_factory=lambda: frozen((), np.int32))
    register_init: NDArray[np.bool_] = field(default_factory=lambda: frozen((), np.bool_))

    def __post_init__(self) -> None:
        if isinstance(self.num_inputs, bool) or not isinstance(self.num_inputs, (int, np.integer)):
            raise TypeError(f"num_inputs must be an int, not {type(self.num_inputs).__name__}")
        if not 0 <= self.num_inputs < MAX_SIGNALS:
            raise ValueError(f"num_inputs is {self.num_inputs}, expected 0 to {MAX_SIGNALS - 1}")
        self._set("num_inputs", int(self.num_inputs))
        fanin_count = np.asarray(self.fanin).size + 1
        self._set("fanin_ptr", frozen_integers("fanin_ptr", self.fanin_ptr, np.int64, low=0, high=fanin_count))
        _check_offsets("fanin_ptr", self.fanin_ptr, fanin_count - 1)
        self._set("register_init", frozen(booleans("register_init", self.register_init), np.bool_))
        if self.register_init.ndim != 1:
            raise ValueError(f"register_init has shape {self.register_init.shape}, expected one dimension")
        if self.num_signals > MAX_SIGNALS:
            raise ValueError(f"{self.num_signals} signals are more than the {MAX_SIGNALS} that int32 can number")

        nodes, signals = self.num_nodes, self.num_signals
        if np.size(self.level_ptr) > nodes + 1:
            raise ValueError(f"level_ptr has {np.size(self.level_ptr) - 1} levels for {nodes} nodes: none may be empty")
        self._set("level_ptr", frozen_integers("level_ptr", self.level_ptr, np.int64, low=0, high=nodes + 1))
        _check_offsets("level_ptr", self.level_ptr, nodes)
        empty = np.diff(self.level_ptr) == 0
        if empty.any():
            raise ValueError(f"level {int(empty.argmax())} is empty")
        self._set("fanin", frozen_integers("fanin", self.fanin, np.int32, low=0, high=signals))
        self._set("outputs", frozen_integers("outputs", self.outputs, np.int32, low=0, high=signals))
        self._set("register_next", frozen_integers("register_next", self.register_next, np.int32, low=0, high=signals))
        if self.register_next.shape != self.register_init.shape:
            raise ValueError(
                f"register_next names {self.register_next.size} signals for {self.register_init.size} registers"
            )
        self._set("table_pool", frozen_integers("table_pool", self.table_pool, np.uint64, low=0, high=2**64))
        pool = self.table_pool.size
        self._set("table_index", frozen_integers("table_index", self.table_index, np.int32, low=0, high=pool))
        if self.table_index.size != nodes:
            raise ValueError(f"table_index has {self.table_index.size} entries for {nodes} nodes")
        self._check_nodes()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_nodes(self) -> None:
        ranks = self.ranks
        if ranks.size and ranks.max() > MAX_RANK:
            node = int(ranks.argmax())
            raise ValueError(f"node {node} has rank {ranks[node]}, expected at most {MAX_RANK}")
        wide = (self.tables() & ~table_mask(ranks)) != 0
        if wide.any():
            node = int(wide.argmax())
            raise ValueError(f"the table of node {node} has bits beyond its 2**{ranks[node]} entries")
        level_start = self.num_inputs + self.num_registers + np.repeat(self.level_ptr[:-1], np.diff(self.level_ptr))
        late = self.fanin >= np.repeat(level_start, ranks)
        if late.any():
            slot = int(late.argmax())
            node = int(np.searchsorted(self.fanin_ptr, slot, side="right")) - 1
            raise ValueError(f"node {node} reads signal {self.fanin[slot]}, which is not of a lower level")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __repr__(self) -> str:
        registers = f", {self.num_registers} registers" if self.num_registers else ""
        return (
            f"Netlist({self.num_inputs} inputs, {self.num_nodes} nodes, depth {self.depth}, "
            f"{self.outputs.size} outputs{registers})"
        )

    @property
    def num_nodes(self) -> int:
        """N, the number of nodes."""
        return self.fanin_ptr.size - 1

    @property
    def num_registers(self) -> int:
        """R, the number of registers."""
        return self.register_init.size

    @property
    def num_signals(self) -> int:
        """I + R + N."""
        return self.num_inputs + self.num_registers + self.num_nodes

    @property
    def ranks(self) -> NDArray[np.int64]:
        """int64 (N,), how many signals each node reads."""
        return np.diff(self.fanin_ptr)

    @property
    def depth(self) -> int:
        """The number of levels that hold a LUT; constants (rank 0) have no depth."""
        has_lut = np.add.accumulate(np.append(0, self.ranks > 0))[self.level_ptr]
        return int(np.count_nonzero(np.diff(has_lut)))

    def same_as(self, other: Netlist) -> bool:
        """Whether another netlist is the same, node by node; levels and the pool of tables may be arranged
        differently.
        """
        names = ("num_inputs", "fanin", "fanin_ptr", "outputs", "register_next", "register_init")
        same = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)
        return same and np.array_equal(self.tables(), other.tables())

    def tables(self) -> NDArray[np.uint64]:
        """uint64 (N,), the table of each node."""
        return self.table_pool[self.table_index]

    def luts_by_rank(self) -> dict[int, int]:
        """How many nodes there are of each rank that occurs; rank 0 are constants."""
        counts = np.bincount(self.ranks, minlength=1)
        return {rank: int(count) for rank, count in enumerate(counts) if count}

    def evaluate(
        self,
        bits: ArrayLike,
        *,
        keep: Literal["outputs", "all"] = "outputs",
        tables: ArrayLike | None = None,
        state: ArrayLike | None = None,
    ) -> NDArray[np.bool_]:
        """Evaluate the netlist on each row of `bits`, in plain NumPy. The specification of every faster engine.

        One clock cycle: after it, the registers hold `evaluate(..., keep="all")[:, netlist.register_next]`.

        Args:
            bits: (B, I) booleans or integers 0 and 1.
            keep: "outputs" returns the outputs; "all" returns every signal in signal order.
            tables: uint64 (N,), tables to use instead of the nodes' own; bits from 2**rank up are never read.
            state: (R,) or (B, R), what the registers hold; `register_init` by default.

        Returns:
            bool (B, O), or (B, num_signals) with keep="all".

        Raises:
            TypeError, ValueError: an argument has the wrong type, shape or values.
        """
        one_of("keep", keep, ("outputs", "all"))
        rows = booleans("bits", bits)
        if rows.ndim != 2 or rows.shape[1] != self.num_inputs:
            raise ValueError(f"bits has shape {rows.shape}, expected (samples, {self.num_inputs})")
        words = self.tables() if tables is None else checked_tables(tables, self.num_nodes)
        registers = self.register_init if state is None else booleans("state", state)
        if registers.shape not in ((self.num_registers,), (len(rows), self.num_registers)):
            expected = f"({self.num_registers},) or ({len(rows)}, {self.num_registers})"
            raise ValueError(f"state has shape {registers.shape}, expected {expected}")

        first_node = self.num_inputs + self.num_registers
        values = np.empty((self.num_signals, len(rows)), np.uint8)
        values[: self.num_inputs] = rows.T
        values[self.num_inputs : first_node] = np.broadcast_to(registers, (len(rows), self.num_registers)).T
        ranks = self.ranks
        for start, stop in zip(self.level_ptr[:-1], self.level_ptr[1:], strict=True):
            for rank in np.unique(ranks[start:stop]):
                nodes = start + np.flatnonzero(ranks[start:stop] == rank)
                address = np.zeros((nodes.size, len(rows)), np.uint64)
                for slot in range(int(rank)):
                    address |= values[self.fanin[self.fanin_ptr[nodes] + slot]].astype(np.uint64) << np.uint64(slot)
                values[first_node + nodes] = (words[nodes, None] >> address) & np.uint64(1)
        kept = values if keep == "all" else values[self.outputs]
        return np.ascontiguousarray(kept.T).view(np.bool_)


def read_inputs(netlist: Netlist) -> NDArray[np.bool_]:
    """Return bool (I,), whether something reads each input."""
    read = np.zeros(netlist.num_signals, np.bool_)
    read[netlist.fanin] = read[netlist.outputs] = read[netlist.register_next] = True
    return read[: netlist.num_inputs]


def drop_unread_inputs(netlist: Netlist) -> tuple[Netlist, NDArray[np.int64]]:
    """Return the netlist without the inputs that nothing reads, and the inputs that are left, int64 (kept,)."""
    read = read_inputs(netlist)
    kept = np.flatnonzero(read)
    return with_inputs(netlist, np.cumsum(read) - 1, kept.size), kept


def with_inputs(netlist: Netlist, place: NDArray[Any], num_inputs: int) -> Netlist:
    """Return the netlist on `num_inputs` inputs, where input i of the old netlist becomes input `place[i]`.

    Args:
        netlist: any.
        place: int (I,); several old inputs may become the same input. For an input that nothing reads, any number.
        num_inputs: how many there are.
    """
    others = np.arange(num_inputs, num_inputs + netlist.num_signals - netlist.num_inputs)
    number = np.concatenate([place, others])
    return replace(
        netlist,
        num_inputs=num_inputs,
        fanin=number[netlist.fanin],
        outputs=number[netlist.outputs],
        register_next=number[netlist.register_next],
    )


def level_offsets(levels: NDArray[Any]) -> NDArray[np.int64]:
    """Return the `level_ptr` of nodes with these levels (N,); levels without nodes are left out."""
    counts = np.bincount(levels)
    return np.append(0, np.cumsum(counts[counts > 0]))


def table_mask(ranks: NDArray[Any]) -> NDArray[np.uint64]:
    """Return uint64 words whose low 2**rank bits are set, for ranks 0 to 6."""
    unused = (64 - (1 << np.asarray(ranks, np.int64))).astype(np.uint64)
    return np.uint64(2**64 - 1) >> unused


def checked_tables(tables: ArrayLike, num_nodes: int) -> NDArray[np.uint64]:
    """Return `tables` as uint64 (N,): the tables that an evaluation uses instead of the netlist's own."""
    words = np.asarray(tables)
    if words.shape != (num_nodes,):
        raise ValueError(f"tables has shape {words.shape}, expected ({num_nodes},): one word a node")
    if words.dtype != np.uint64 and words.size:
        raise TypeError(f"tables must be uint64 words, not {words.dtype}")
    return words.astype(np.uint64, copy=False)


def _check_offsets(name: str, offsets: NDArray[np.int64], total: int) -> None:
    if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise ValueError(f"{name} must rise from 0 to {total}")
