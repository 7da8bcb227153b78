"""The signals of a part as a hardware description names them, and which of them anything reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.circuit.parts import PartOrder
from lutsmith.circuit.simplify.boxes import Boxed, box_places, boxed
from lutsmith.export.expressions import Syntax, matters, templates
from lutsmith.export.hdl.notes import Notes
from lutsmith.ground.arrays import runs
from lutsmith.logic.design import Design, Part, Port

_LINE = 100
"""Characters of names in a line of declarations."""


class Box(NamedTuple):
    """An instance of a shared part, by the names of its signals.

    Attributes:
        name: of the part, `_i`, and its number.
        part: the name of the part.
        clocked: whether the part has registers.
        reads: the signals at its inputs.
        gives: those at its outputs.
    """

    name: str
    part: str
    clocked: bool
    reads: list[str]
    gives: list[str]


class Signals:
    """Names of the signals of a part: `x_3_7` is bit 7 of word 3 of port x, `bits_12` word 12 of a port of single bits,
    `r5` register 5, `l2_17` node 17 of level 2; `fa_i9_o1` is output 1 of instance 9 of a shared part fa. Registers and
    nodes inside of instances have no names here: `netlist` is what is around them.

    Bits of ports get names of their own because simulators read a name faster than a bit of a wide bus: Icarus Verilog
    needs only a hundredth of the time.

    Args:
        part: any part.
        whole: whether a node reads all its fan-in, or only what its table depends on.
    """

    def __init__(self, part: Part, *, whole: bool) -> None:
        self.part, self.boxed = part, boxed(part.netlist, part.shared) if part.shared else None
        netlist = self.netlist = part.netlist if self.boxed is None else self.boxed.netlist
        self.names = [f"{port.name}_{bit}" for port in part.inputs for bit in _bits(port)]
        self.names += [
            f"{shared.name}_i{number}_o{place}"
            for shared in part.shared
            for number in range(len(shared))
            for place in range(shared.netlist.outputs.size)
        ]
        self.names += [f"r{index}" for index in range(netlist.num_registers)]
        for level, (start, stop) in enumerate(zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True)):
            self.names += [f"l{level}_{index}" for index in range(stop - start)]
        fanin = netlist.fanin if whole else netlist.fanin[matters(netlist)]
        self.read = np.zeros(netlist.num_signals, np.bool_)
        for signals in (fanin, netlist.outputs, netlist.register_next):
            self.read[signals] = True

    @property
    def inputs(self) -> Iterator[tuple[int, str, str, int]]:
        """(number, name, port, place in the port) of each bit of the inputs that is read."""
        places = ((port.name, place) for port in self.part.inputs for place in range(port.size))
        for number, (port, place) in enumerate(places):
            if self.read[number]:
                yield number, self.names[number], port, place

    @property
    def outputs(self) -> Iterator[tuple[int, str, int, str]]:
        """(number, port, place in the port, name of the signal) of each bit of the outputs."""
        places = [(port.name, place) for port in self.part.outputs for place in range(port.size)]
        ends = self.netlist.outputs[: len(places)].tolist()
        for number, ((port, place), signal) in enumerate(zip(places, ends, strict=True)):
            yield number, port, place, self.names[signal]

    @property
    def boxes(self) -> Iterator[Box]:
        """The instances of shared parts."""
        read, given = self.part.netlist.outputs.size, self.part.netlist.num_inputs
        reads = [self.names[signal] for signal in self.netlist.outputs[read:].tolist()]
        gives = self.given
        read = given = 0
        for shared in self.part.shared:
            inputs, outputs = shared.netlist.num_inputs, shared.netlist.outputs.size
            for number in range(len(shared)):
                name, clocked = f"{shared.name}_i{number}", shared.netlist.num_registers > 0
                yield Box(name, shared.name, clocked, reads[read : read + inputs], gives[given : given + outputs])
                read, given = read + inputs, given + outputs

    @property
    def given(self) -> list[str]:
        """The names of the signals that instances give."""
        return self.names[self.part.netlist.num_inputs : self.netlist.num_inputs]

    @cached_property
    def segments(self) -> NDArray[np.int64]:
        """int64 (N,), behind how many instances each node stands, at most: none of a segment reads, through instances,
        what another one of it gives.
        """
        return np.zeros(self.netlist.num_nodes, np.int64) if self.boxed is None else behind_boxes(self.part, self.boxed)

    @property
    def registers(self) -> Iterator[tuple[str, str, bool]]:
        """(name, name of what it takes, initial value) of each register."""
        for index, signal in enumerate(self.netlist.register_next.tolist()):
            yield f"r{index}", self.names[signal], bool(self.netlist.register_init[index])

    @property
    def nodes(self) -> Iterator[tuple[str, list[str]]]:
        """(name, names of its fan-in) of each node."""
        netlist = self.netlist
        reads = [self.names[signal] for signal in netlist.fanin.tolist()]
        ends = netlist.fanin_ptr.tolist()
        for name, start, end in zip(self.node_names, ends[:-1], ends[1:], strict=True):
            yield name, reads[start:end]

    @property
    def node_names(self) -> list[str]:
        """The names of the nodes."""
        return self.names[self.netlist.num_inputs + self.netlist.num_registers :]

    def expressions(self, syntax: Syntax) -> list[str]:
        """Return the template of each node's table, written once for each distinct table and rank."""
        netlist, ranks = self.netlist, MAX_RANK + 1
        kinds, kind = np.unique(netlist.table_index.astype(np.int64) * ranks + netlist.ranks, return_inverse=True)
        texts = np.empty(kinds.size, object)
        for rank in range(ranks):
            same = kinds % ranks == rank
            texts[same] = list(templates(netlist.table_pool[kinds[same] // ranks], rank, syntax))
        chosen: list[str] = texts[kind].tolist()
        return chosen

    @property
    def levels(self) -> list[str]:
        """The line above each node in a listing: the level where a level begins, else nothing."""
        ends = self.netlist.level_ptr.tolist()
        above = [""] * self.netlist.num_nodes
        for level, (start, stop) in enumerate(pairwise(ends)):
            if start < stop:
                above[start] = f"Level {level}: {stop - start:,} LUT{'s' if stop - start > 1 else ''}"
        return above

    @cached_property
    def idle(self) -> str:
        """What is never read, in words; empty if everything is read."""
        split, own = self.part.netlist.num_inputs, self.netlist.num_inputs
        counts = (
            (_count(~self.read[:split]), "of the bits of the inputs"),
            (_count(~self.read[split:own]), "of the outputs of instances"),
            (_count(~self.read[own:]), "of the registers and LUTs"),
        )
        said = [f"{count} {what}" for count, what in counts if count]
        return f"Read by nothing: {' and '.join(said)}." if said else ""


Said = tuple[Mapping[int, str], Mapping[int, str]]
"""What is said beside inputs and outputs, by their numbers."""

NOTHING_SAID: Said = ({}, {})


def remarks(part: Part, design: Design, notes: Notes | None) -> Said:
    """Return the comments beside inputs and outputs of a part, by their numbers: the meaning of the encoder's bits, and
    what the counts, scores and outputs from there on belong to.
    """
    entering: dict[int, str] = {}
    leaving: dict[int, str] = {}
    if notes is None:
        return entering, leaving
    for ports, said in ((part.inputs, entering), (part.outputs, leaving)):
        start = 0
        for port in ports:
            if port.name == "bits" and port.size == len(notes.inputs):
                said.update(enumerate(notes.inputs_told(design.words), start))
            elif said is leaving:
                said.update((start + place, text) for place, text in notes.owners(port))
            start += port.size
    return entering, leaving


def declared(keyword: str, names: Sequence[str], end: str) -> Iterator[str]:
    """Yield declarations of many names, as many on a line as it holds: `  reg a, b;`."""
    line: list[str] = []
    length = 0
    for name in names:
        if line and length + len(name) > _LINE:
            yield f"  {keyword} {', '.join(line)}{end}"
            line, length = [], 0
        line.append(name)
        length += len(name) + 2
    if line:
        yield f"  {keyword} {', '.join(line)}{end}"


def behind_boxes(part: Part, boxes: Boxed) -> NDArray[np.int64]:
    """Return behind how many instances each node around them stands, at most, int64 (N,): by what tables depend on, so
    that a block of those behind instances reads one of them and starts when it changes.
    """
    netlist, ranks = boxes.netlist, boxes.netlist.ranks
    first = netlist.num_inputs + netlist.num_registers
    owners, first_given, first_read = box_places(boxes)
    count, level = owners.size, PartOrder(part.netlist, part.shared).level
    at_once = np.concatenate(
        [
            shared.netlist.outputs < shared.netlist.num_inputs + shared.netlist.num_registers
            for shared in part.shared
            for _ in range(len(shared))
        ]
    )
    depth = np.zeros(netlist.num_signals, np.int64)
    used = matters(netlist)
    order = np.argsort(level, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(level[order])) + 1):
        nodes, own = some[some >= count] - count, some[some < count]
        entries = runs(netlist.fanin_ptr[nodes], ranks[nodes])
        read = np.where(used[entries], depth[netlist.fanin[entries]], 0)
        np.maximum.at(depth, first + np.repeat(nodes, ranks[nodes]), read)
        reads, gives = np.diff(first_read)[own], np.diff(first_given)[own]
        before = np.zeros(count, np.int64)
        np.maximum.at(
            before, np.repeat(own, reads), depth[netlist.outputs[boxes.outputs + runs(first_read[own], reads)]]
        )
        places = runs(first_given[own], gives)
        depth[boxes.inputs + places] = np.where(at_once[places], 0, np.repeat(before[own], gives) + 1)
    return depth[first:]


def _bits(port: Port) -> Iterator[str]:
    if port.width == 1:
        yield from map(str, range(port.count))
    else:
        yield from (f"{word}_{bit}" for word in range(port.count) for bit in range(port.width))


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))
