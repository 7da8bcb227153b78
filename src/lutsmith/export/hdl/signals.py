"""The signals of a part as a hardware description names them, and which of them anything reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.export.expressions import Syntax, matters, templates
from lutsmith.export.hdl.notes import Notes
from lutsmith.logic.design import Design, Part, Port

_LINE = 100
"""Characters of names in a line of declarations."""


class Signals:
    """Names of the signals of a part: `x_3_7` is bit 7 of word 3 of port x, `bits_12` word 12 of a port of single bits,
    `r5` register 5, `l2_17` node 17 of level 2.

    Bits of ports get names of their own because simulators read a name faster than a bit of a wide bus: Icarus Verilog
    takes a hundredth of the time.

    Args:
        part: any part.
        whole: whether a node reads all its fan-in, or only what its table depends on.
    """

    def __init__(self, part: Part, *, whole: bool) -> None:
        self.part, self.netlist = part, part.netlist
        netlist = self.netlist
        self.names = [f"{port.name}_{bit}" for port in part.inputs for bit in _bits(port)]
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
        places = ((port.name, place) for port in self.part.outputs for place in range(port.size))
        for number, ((port, place), signal) in enumerate(zip(places, self.netlist.outputs.tolist(), strict=True)):
            yield number, port, place, self.names[signal]

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
        """What stands above each node in a listing: the level where one begins, else nothing."""
        ends = self.netlist.level_ptr.tolist()
        above = [""] * self.netlist.num_nodes
        for level, (start, stop) in enumerate(pairwise(ends)):
            if start < stop:
                above[start] = f"Level {level}: {stop - start:,} LUT{'s' if stop - start > 1 else ''}"
        return above

    @cached_property
    def idle(self) -> str:
        """What nothing reads, in words; empty if there is nothing like that."""
        split = self.netlist.num_inputs
        counts = (
            (_count(~self.read[:split]), "of the bits of the inputs"),
            (_count(~self.read[split:]), "of the registers and LUTs"),
        )
        said = [f"{count} {what}" for count, what in counts if count]
        return f"Read by nothing: {' and '.join(said)}." if said else ""


def remarks(part: Part, design: Design, notes: Notes | None) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Return what is said beside inputs and outputs of a part, by their numbers: what the encoder's bits compare, and
    of whom counts, scores and the outputs from there on are.
    """
    entering: dict[int, str] = {}
    leaving: dict[int, str] = {}
    if notes is None:
        return entering, leaving
    for ports, said in ((part.inputs, entering), (part.outputs, leaving)):
        start = 0
        for port in ports:
            if port.name == "bits" and port.size == len(notes.encoder):
                said.update(enumerate(notes.comparisons(design.words), start))
            elif said is leaving:
                said.update(
                    (start + place, text) for place, text in notes.owners(port, design.classes, design.objective)
                )
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


def _bits(port: Port) -> Iterator[str]:
    if port.width == 1:
        yield from map(str, range(port.count))
    else:
        yield from (f"{word}_{bit}" for word in range(port.count) for bit in range(port.width))


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))
