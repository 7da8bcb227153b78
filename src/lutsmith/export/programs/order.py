"""The order in which a program evaluates a netlist, and where it keeps signals: LUTs one by one, and loops over
instances.

A program without parts has a signal for each of the netlist, and its LUTs in the netlist's order. With parts, signals
are the inputs, the registers, the nodes that are in no instance, and then of each part what its instances give, one
after the other: the other signals of an instance are needed only during its evaluation, by one function of the part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.parts import PartOrder, SharedPart
from lutsmith.ground.arrays import runs

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LutList:
    """LUTs that are evaluated one after the other. Immutable.

    Attributes:
        first: the signal that LUT 0 gives; LUT i gives signal `first + i`.
        fanin: int64, the signals that the LUTs read, one LUT after the other.
        fanin_ptr: int64 (N+1,), LUT i reads fanin[fanin_ptr[i]:fanin_ptr[i+1]].
        tables: uint64 (N,).
        level: int64 (N,), from 1.
    """

    first: int
    fanin: Numbers
    fanin_ptr: Numbers
    tables: NDArray[np.uint64]
    level: Numbers

    @classmethod
    def of(cls, netlist: Netlist) -> LutList:
        """Return all nodes of a netlist, with its signals."""
        level = np.repeat(np.arange(1, netlist.level_ptr.size), np.diff(netlist.level_ptr))
        first = netlist.num_inputs + netlist.num_registers
        return cls(first, netlist.fanin.astype(np.int64), netlist.fanin_ptr, netlist.tables(), level)

    def __len__(self) -> int:
        return self.tables.size

    @property
    def ranks(self) -> Numbers:
        """int64 (N,), how many signals each LUT reads."""
        return np.diff(self.fanin_ptr)

    def chosen(self, nodes: Numbers, first: int, place: Numbers) -> LutList:
        """Return some of the LUTs, where they give the signals from `first` on and signal i is kept at `place[i]`."""
        ranks = self.ranks[nodes]
        fanin = place[self.fanin[runs(self.fanin_ptr[nodes], ranks)]]
        return LutList(first, fanin, np.append(0, np.cumsum(ranks)), self.tables[nodes], self.level[nodes])

    def piece(self, start: int, stop: int) -> LutList:
        """Return the LUTs `start` to `stop - 1`, with the signals that they have."""
        begin, end = self.fanin_ptr[start], self.fanin_ptr[stop]
        pointers = self.fanin_ptr[start : stop + 1] - begin
        tables, level = self.tables[start:stop], self.level[start:stop]
        return LutList(self.first + start, self.fanin[begin:end], pointers, tables, level)


@dataclass(frozen=True, eq=False)
class InstanceList:
    """Instances of a part, in the order in which they are evaluated. Immutable.

    Attributes:
        name: of the part.
        luts: of the part, on signals of its own: what an instance reads, then the LUTs.
        wires: int64 (K, w), the signals of the program that each instance reads.
        ends: int64 (e,), the part's own signals that the rest of the program reads.
        first: the signal of the program that is the first end of instance 0; others follow, instance after instance.
    """

    name: str
    luts: LutList
    wires: Numbers
    ends: Numbers
    first: int


@dataclass(frozen=True, eq=False)
class Segment:
    """LUTs or instances that are evaluated without another between them: numbers `start` to `stop - 1` of a list.

    Attributes:
        part: the place of the part among `ProgramOrder.instances`; -1 for LUTs that are in no instance.
        start, stop: in its list.
    """

    part: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class ProgramOrder:
    """A netlist in the order in which a program evaluates it. Immutable.

    Attributes:
        signal: int64 (signals of the netlist,), where the program keeps each; -1 inside of instances.
        num_signals: how many it keeps.
        luts: those that are in no instance.
        instances: for each part that gives something.
        segments: what is done, one after the other.
    """

    signal: Numbers
    num_signals: int
    luts: LutList
    instances: tuple[InstanceList, ...]
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, netlist: Netlist, parts: Sequence[SharedPart]) -> ProgramOrder:
        """Return the order of a netlist and its parts, in few segments: whatever can be done at once, is."""
        every = LutList.of(netlist)
        if not parts:
            segments = (Segment(-1, 0, len(every)),) if len(every) else ()
            return cls(np.arange(netlist.num_signals), netlist.num_signals, every, (), segments)
        blocks = PartOrder(netlist, parts)
        counts = [len(part) for part in parts]
        kind = np.zeros(blocks.level.size, np.int64)
        kind[: sum(counts)] = np.repeat(np.arange(1, len(parts) + 1), counts)
        turn = _turns(netlist, blocks, kind, 1 + len(parts))
        order = np.lexsort((blocks.level, turn))  # stable: by number where there is a choice

        sources = netlist.num_inputs + netlist.num_registers
        signal = np.full(netlist.num_signals, -1, np.int64)
        signal[:sources] = np.arange(sources)
        node = np.full(blocks.level.size, -1, np.int64)
        node[blocks.block] = np.arange(netlist.num_nodes)  # of the blocks that are one node
        loose = node[order[kind[order] == 0]]
        signal[sources + loose] = sources + np.arange(loose.size)
        count = sources + loose.size
        of_part: list[tuple[SharedPart, Numbers, Numbers, int]] = []
        place = {0: -1}
        start = 0
        for number, part in enumerate(parts, 1):
            chosen = order[kind[order] == number] - start
            start += len(part)
            ends = _ends(part.netlist)
            if ends.size:  # else its registers take what they are given, and there is nothing to do
                given = part.signals(netlist)[chosen][:, ends]
                signal[given] = count + np.arange(given.size).reshape(given.shape)
                place[number] = len(of_part)
                of_part.append((part, chosen, ends, count))
                count += given.size
        luts = every.chosen(loose, sources, signal)
        luts = LutList(sources, luts.fanin, luts.fanin_ptr, luts.tables, blocks.level[blocks.block[loose]] + 1)
        instances = tuple(_instances(netlist, signal, *told) for told in of_part)
        return cls(signal, count, luts, instances, _segments(turn[order], kind[order], place))


def _turns(netlist: Netlist, blocks: PartOrder, kind: Numbers, kinds: int) -> Numbers:
    """Return int64 (blocks,), the earliest turn of each: what is done in turn t is of kind t modulo `kinds`."""
    first = netlist.num_inputs + netlist.num_registers
    inner = netlist.fanin >= first
    source = blocks.block[netlist.fanin[inner] - first]
    target = np.repeat(blocks.block, netlist.ranks)[inner]
    apart = source != target
    source, target = source[apart], target[apart]
    by_level = np.argsort(blocks.level[target], kind="stable")
    source, target = source[by_level], target[by_level]
    levels = np.arange(int(blocks.level.max(initial=0)) + 2)
    edge = np.searchsorted(blocks.level[target], levels)
    members = np.argsort(blocks.level, kind="stable")
    member = np.searchsorted(blocks.level[members], levels)
    turn = np.zeros(blocks.level.size, np.int64)
    for level in levels[:-1].tolist():
        read = slice(edge[level], edge[level + 1])
        np.maximum.at(turn, target[read], turn[source[read]])
        here = members[member[level] : member[level + 1]]
        turn[here] += (kind[here] - turn[here]) % kinds
    return turn


def _segments(turn: Numbers, kind: Numbers, place: dict[int, int]) -> tuple[Segment, ...]:
    """Return the segments of blocks in order."""
    done = dict.fromkeys(place, 0)
    segments = []
    for number, count in zip(*np.unique(turn, return_counts=True), strict=True):
        own = int(kind[np.searchsorted(turn, number)])
        if own in place:
            segments.append(Segment(place[own], done[own], done[own] + int(count)))
            done[own] += int(count)
    return tuple(segments)


def _ends(part: Netlist) -> Numbers:
    """Return the nodes of a part, as signals, that are outputs or that its registers take."""
    ends = np.unique(np.concatenate([part.outputs, part.register_next])).astype(np.int64)
    return ends[ends >= part.num_inputs + part.num_registers]


def _instances(
    netlist: Netlist, signal: Numbers, part: SharedPart, chosen: Numbers, ends: Numbers, first: int
) -> InstanceList:
    own = part.netlist
    sources = own.num_inputs + own.num_registers
    read = np.unique(own.fanin[own.fanin < sources])
    place = np.zeros(own.num_signals, np.int64)
    place[read] = np.arange(read.size)
    place[sources:] = read.size + np.arange(own.num_nodes)
    luts = LutList.of(own).chosen(np.arange(own.num_nodes), read.size, place)
    wires = signal[part.signals(netlist)[chosen][:, read]]
    return InstanceList(part.name, luts, wires, place[ends], first)
