"""The builder of netlists: arrays of LUTs in any order in, an immutable `Netlist` out.

A builder hands out its own signal numbers in the order of the calls; `build` renumbers them (a `Netlist` has its nodes
sorted by level). Everything is an array operation: 450,000 LUTs take a fraction of a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist, level_offsets, table_mask
from lutsmith.circuit.parts import SharedPart, check_part
from lutsmith.circuit.results import check_distinct
from lutsmith.ground.arrays import MAX_SIGNALS, booleans, integers, numbered, packed

MAX_LUT_RANK = 8
"""The largest LUT that builders take; ranks above `MAX_RANK` become several nodes."""

# x_2 ? x_1 : x_0, and x_4 + 2 x_5 chooses among x_0 .. x_3: what joins the cofactors of ranks 7 and 8.
_SELECTORS = {
    7: sum(1 << a for a in range(8) if a >> (a >> 2) & 1),
    8: sum(1 << a for a in range(64) if a >> (a >> 4) & 1),
}


class _Block(NamedTuple):
    """LUTs of one rank that were made by one call."""

    signals: NDArray[np.int32]  # (W,)
    fanin: NDArray[np.int32]  # (W, n) builder signals
    tables: NDArray[np.uint64]  # (W,)


class _Instances(NamedTuple):
    """Instances of a part, as signals of the builder."""

    netlist: Netlist
    nodes: NDArray[np.int32]  # (K, n)
    registers: NDArray[np.int32]  # (K, r)


class NetlistBuilder:
    """Collects inputs, constants, registers and LUTs, and builds a `Netlist` from them.

    Args:
        num_inputs: inputs to begin with; they are signals 0 .. num_inputs - 1.
    """

    def __init__(self, num_inputs: int = 0) -> None:
        self._inputs: list[NDArray[np.int32]] = []
        self._blocks: list[_Block] = []
        self._constants: dict[bool, int] = {}
        self._registers: list[NDArray[np.int32]] = []
        self._register_init: list[NDArray[np.bool_]] = []
        self._register_next: dict[int, int] = {}
        self._instances: dict[str, list[_Instances]] = {}
        self._count = 0
        self._level = np.zeros(1024, np.int32)  # of each signal so far: 0, or one more than the highest that it reads
        self.input(num_inputs)

    def input(self, count: int) -> NDArray[np.int32]:
        """Add `count` inputs and return their signals, int32 (count,)."""
        signals = self._new_signals(count)
        self._inputs.append(signals.copy())  # what is returned is the caller's
        return signals

    def constant(self, value: bool) -> int:
        """Return the signal that is always `value`: one shared node of rank 0, built only if something reads it."""
        key = bool(booleans("value", value))
        if key not in self._constants:
            self._constants[key] = int(self._new_signals(1)[0])
        return self._constants[key]

    def register(self, count: int, init: ArrayLike = False) -> NDArray[np.int32]:
        """Add `count` registers that start as `init` (one bit, or one for each) and return their signals.

        Each must be given its next value with `connect` before `build`.
        """
        values = booleans("init", init)
        if values.shape not in ((), (count,)):
            raise ValueError(f"init has shape {values.shape}, expected one bit or ({count},)")
        signals = self._new_signals(count)
        self._registers.append(signals.copy())
        self._register_init.append(np.array(np.broadcast_to(values, (count,))))
        return signals

    def connect(self, register: ArrayLike, signals: ArrayLike) -> None:
        """Let each register take the value of the corresponding signal at the clock's edge.

        Raises:
            TypeError, ValueError: not registers or signals of this builder, unequal lengths, or connected before.
        """
        targets = np.atleast_1d(self._checked("register", register))
        sources = np.atleast_1d(self._checked("signals", signals))
        if targets.shape != sources.shape or targets.ndim != 1:
            raise ValueError(f"register has shape {targets.shape} and signals {sources.shape}, expected equal lengths")
        known = np.isin(targets, np.concatenate([*self._registers, np.zeros(0, np.int32)]))
        if not known.all():
            raise ValueError(f"signal {targets[~known][0]} is not a register")
        if np.unique(targets).size != targets.size or not self._register_next.keys().isdisjoint(targets.tolist()):
            raise ValueError("a register is connected twice")
        self._register_next.update(zip(targets.tolist(), sources.tolist(), strict=True))

    def lut(self, fanin: ArrayLike, tables: ArrayLike, table_of: ArrayLike | None = None) -> NDArray[np.int32]:
        """Add W LUTs of rank n (0 to 8) and return their signals, int32 (W,).

        Ranks 7 and 8 become two or four LUTs of rank 6 and one of rank 3 or 6 that chooses among them (Shannon's
        expansion in the highest inputs); the signal returned is that of the last one. Rank 0 is the shared constant.

        Args:
            fanin: (W, n) signals of this builder; input 0 is the least significant bit of the address.
            tables: (W, 2**n) of 0 and 1, entry a the value at address a; or uint64 (W,) words with bit a in its place
                (n up to 6).
            table_of: integers (W,), the number of each LUT's table where LUTs share them: `tables` then holds P tables,
                (P, 2**n) or (P,). By default each LUT has its own.

        Raises:
            TypeError, ValueError: signals or tables that do not exist, wrong shapes, types or values.
        """
        reads = np.asarray(fanin)
        if reads.ndim != 2 or reads.shape[1] > MAX_LUT_RANK:
            raise ValueError(f"fanin has shape {reads.shape}, expected (LUTs, rank) with a rank of 0 to {MAX_LUT_RANK}")
        count, rank = reads.shape
        reads = self._checked("fanin", reads)
        words = _shared_words(tables, table_of, count, rank)
        if rank == 0:
            return np.array([self.constant(bool(word)) for word in words[:, 0]], np.int32)
        if rank <= MAX_RANK:
            return self._add(reads, words[:, 0])
        low = np.repeat(reads[:, :MAX_RANK], words.shape[1], axis=0)
        cofactors = self._add(low, words.reshape(-1)).reshape(words.shape)
        selector = np.full(count, _SELECTORS[rank], np.uint64)
        return self._add(np.concatenate([cofactors, reads[:, MAX_RANK:]], axis=1), selector)

    @property
    def num_luts(self) -> int:
        """How many LUTs of rank 1 to 6 there are so far; all of them enter the netlist."""
        return sum(len(block.fanin) for block in self._blocks if block.fanin.shape[1])

    def depth(self, signals: ArrayLike) -> NDArray[np.int32]:
        """Return the number of LUTs on the longest path to each signal, in the shape of `signals`; paths start at
        registers too.

        Raises:
            TypeError, ValueError: not signals of this builder.
        """
        return self._level[self._checked("signals", signals)]

    def embed(self, netlist: Netlist, inputs: ArrayLike) -> NDArray[np.int32]:
        """Add a whole netlist, its inputs wired to these signals (I,), and return the signals of its outputs (O,).

        Raises:
            TypeError, ValueError: not signals of this builder, or not as many as the netlist has inputs.
        """
        if not isinstance(netlist, Netlist):
            raise TypeError(f"netlist is a {type(netlist).__name__}, expected a Netlist")
        sources = self._checked("inputs", inputs)
        if sources.shape != (netlist.num_inputs,):
            raise ValueError(f"inputs has shape {sources.shape}, expected ({netlist.num_inputs},)")
        ends: NDArray[np.int32] = self._copies(netlist, sources[None])[0, netlist.outputs]
        return ends

    def instances(self, name: str, netlist: Netlist, inputs: ArrayLike) -> NDArray[np.int32]:
        """Add K instances of a part and return the signals of their outputs, int32 (K, O).

        All instances of one name, also those of several calls, must have equal netlists. `build_parts` returns their
        positions.

        Args:
            name: of the part, an identifier.
            netlist: the netlist of the part: no constants, each input read, each output a node or register of its own.
            inputs: (K, I), the signals that each instance reads. Instances that read others must be added in later
                calls.

        Raises:
            TypeError, ValueError: a netlist that is not a part, or another one than before under this name; not signals
                of this builder, or not as many as the part has inputs.
        """
        check_part(name, netlist)
        if name not in self._instances:
            check_distinct("parts", [*self._instances, name])
        sources = self._checked("inputs", inputs)
        if sources.ndim != 2 or sources.shape[1] != netlist.num_inputs:
            raise ValueError(f"inputs has shape {sources.shape}, expected (instances, {netlist.num_inputs})")
        known = self._instances.get(name, [])
        if known and not known[0].netlist.same_as(netlist):
            raise ValueError(f"part {name!r} was another netlist before: give it another name")
        if not len(sources):
            return np.zeros((0, netlist.outputs.size), np.int32)
        flat = self._copies(netlist, sources)
        split = [netlist.num_inputs, netlist.num_inputs + netlist.num_registers]
        _, registers, nodes = np.split(flat, split, axis=1)
        known = self._instances.setdefault(name, known)
        known.append(_Instances(known[0].netlist if known else netlist, nodes, registers))
        return flat[:, netlist.outputs]

    def _copies(self, netlist: Netlist, sources: NDArray[np.int32]) -> NDArray[np.int32]:
        """Add a netlist once for each row of inputs (K, I); return all of its signals in each copy, (K, signals)."""
        count, first_node = len(sources), netlist.num_inputs + netlist.num_registers
        registers = self.register(count * netlist.num_registers, np.tile(netlist.register_init, count))
        flat = np.zeros((count, netlist.num_signals), np.int32)
        flat[:, : netlist.num_inputs] = sources
        flat[:, netlist.num_inputs : first_node] = registers.reshape(count, netlist.num_registers)
        ranks, tables = netlist.ranks, netlist.tables()
        for start, stop in zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True):
            for rank in np.unique(ranks[start:stop]):
                nodes = start + np.flatnonzero(ranks[start:stop] == rank)
                reads = netlist.fanin[netlist.fanin_ptr[nodes][:, None] + np.arange(rank)]
                table_of = np.tile(np.arange(nodes.size), count)
                made = self.lut(flat[:, reads].reshape(count * nodes.size, rank), tables[nodes], table_of)
                flat[:, first_node + nodes] = made.reshape(count, nodes.size)
        self.connect(registers, flat[:, netlist.register_next].reshape(-1))
        return flat

    def build(self, outputs: ArrayLike) -> Netlist:
        """Return the netlist whose outputs are these signals (O,). The builder can go on and build again.

        Every LUT is kept, read or not; inputs keep the order in which they were added.

        Raises:
            TypeError, ValueError: outputs that are not signals of this builder, or a register without `connect`.
        """
        return self.build_parts(outputs)[0]

    def build_parts(self, outputs: ArrayLike) -> tuple[Netlist, tuple[SharedPart, ...]]:
        """Return the netlist, as `build` does, and the parts that `instances` added, with their positions in it."""
        ends = self._checked("outputs", outputs)
        if ends.ndim != 1:
            raise ValueError(f"outputs has shape {ends.shape}, expected one dimension")
        inputs, registers = _joined(self._inputs), _joined(self._registers)
        unconnected = [signal for signal in registers.tolist() if signal not in self._register_next]
        if unconnected:
            raise ValueError(f"{len(unconnected)} registers were never connected, the first is signal {unconnected[0]}")
        register_next = np.array([self._register_next[signal] for signal in registers.tolist()], np.int32)
        blocks = self._by_rank([ends, register_next])

        nodes = _joined([block.signals for block in blocks])
        levels = self._level[nodes]
        nodes = nodes[np.lexsort((nodes, levels))]
        number = np.full(self._count, -1, np.int32)  # the netlist's number of each builder signal
        number[np.concatenate([inputs, registers, nodes])] = np.arange(inputs.size + registers.size + nodes.size)

        first_node = inputs.size + registers.size
        ranks = np.zeros(nodes.size, np.int64)
        words = np.zeros(nodes.size, np.uint64)
        for block in blocks:
            places = number[block.signals] - first_node
            ranks[places] = block.fanin.shape[1]
            words[places] = block.tables
        fanin_ptr = np.append(0, np.cumsum(ranks))
        fanin = np.zeros(fanin_ptr[-1], np.int32)
        for block in blocks:
            slots = fanin_ptr[number[block.signals] - first_node][:, None] + np.arange(block.fanin.shape[1])
            fanin[slots] = number[block.fanin]
        first_use, table_index = numbered(words)
        netlist = Netlist(
            num_inputs=inputs.size,
            fanin=fanin,
            fanin_ptr=fanin_ptr,
            table_pool=words[first_use],
            table_index=table_index,
            level_ptr=level_offsets(levels),
            outputs=number[ends],
            register_next=number[register_next],
            register_init=np.concatenate([*self._register_init, np.zeros(0, np.bool_)]),
        )
        parts = []
        for name, some in self._instances.items():
            places = number[np.concatenate([each.nodes for each in some])] - first_node
            state = number[np.concatenate([each.registers for each in some])] - inputs.size
            parts.append(SharedPart(name, some[0].netlist, places, state))
        return netlist, tuple(parts)

    def _checked(self, name: str, signals: ArrayLike) -> NDArray[np.int32]:
        checked: NDArray[np.int32] = integers(name, signals, low=0, high=self._count).astype(np.int32)
        return checked

    def _new_signals(self, count: int) -> NDArray[np.int32]:
        count = int(integers("count", count, low=0, high=MAX_SIGNALS))
        total = self._count + count
        if total > MAX_SIGNALS:
            raise ValueError(f"{total} signals are more than the {MAX_SIGNALS} that int32 can number")
        if total > self._level.size:
            self._level = np.concatenate([self._level, np.zeros(max(total, self._level.size), np.int32)])
        signals = np.arange(self._count, total, dtype=np.int32)
        self._count = total
        return signals

    def _add(self, fanin: NDArray[np.int32], words: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Add checked LUTs of rank 1 to 6."""
        signals = self._new_signals(len(fanin))
        self._level[signals] = self._level[fanin].max(axis=1, initial=0) + 1
        self._blocks.append(_Block(signals.copy(), fanin, words))
        return signals

    def _by_rank(self, ends: list[NDArray[np.int32]]) -> list[_Block]:
        """Return all LUTs as one block a rank, with the constants that something reads as a block of rank 0."""
        merged: list[_Block] = []
        for rank in range(1, MAX_RANK + 1):
            same = [block for block in self._blocks if block.fanin.shape[1] == rank]
            if same:
                merged.append(_Block(*(np.concatenate(parts) for parts in zip(*same, strict=True))))
        read = np.zeros(self._count, np.bool_)
        for signals in (*ends, *(block.fanin for block in merged)):
            read[signals] = True
        constants = {signal: value for value, signal in self._constants.items() if read[signal]}
        if constants:
            signals = np.array(list(constants), np.int32)
            tables = np.array(list(constants.values()), np.uint64)
            merged.insert(0, _Block(signals, np.zeros((signals.size, 0), np.int32), tables))
        return merged


def _table_words(tables: ArrayLike, count: int, rank: int) -> NDArray[np.uint64]:
    """Return the truth tables as uint64 (count, words); word w holds entries 64 w .. 64 w + 63."""
    array = np.asarray(tables)
    size = 1 << rank
    if array.ndim == 1 and rank <= MAX_RANK and array.shape == (count,):
        if array.dtype != np.uint64 and array.size:
            raise TypeError(f"tables of shape (LUTs,) must be uint64 words, not {array.dtype}")
        words = array.astype(np.uint64)
        if (words & ~table_mask(np.array(rank))).any():
            raise ValueError(f"a table has bits beyond the {size} entries of rank {rank}")
        return words[:, None]
    if array.shape != (count, size):
        either = f" or, as uint64 words, ({count},)" if rank <= MAX_RANK else ""
        raise ValueError(f"tables has shape {array.shape}, expected ({count}, {size}){either} for rank {rank}")
    return packed(booleans("tables", array))


def _shared_words(tables: ArrayLike, table_of: ArrayLike | None, count: int, rank: int) -> NDArray[np.uint64]:
    """Return the truth tables of `count` LUTs as `_table_words` does, those that are shared repeated as words only."""
    if table_of is None:
        return _table_words(tables, count, rank)
    array = np.asarray(tables)
    if array.ndim == 0:
        raise ValueError("tables is a single number, expected (tables,) or (tables, entries)")
    of = integers("table_of", table_of, low=0, high=len(array))
    if of.shape != (count,):
        raise ValueError(f"table_of has shape {of.shape}, expected ({count},): the number of each LUT's table")
    return _table_words(array, len(array), rank).take(of, axis=0)


def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate([*parts, np.zeros(0, np.int32)])
