"""A BLIF file cut into the parts of a design, each a file of its own, along the names of the signals between them.

Nothing is written anew but the lists of inputs and outputs and a buffer for each output: the rest are statements of the
file. As every signal has one driver, parts that are each what they should be are the design when they are put together
by their names again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np

from lutsmith.circuit.builder import NetlistBuilder
from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import NamedNetlist, from_aiger
from lutsmith.hardware import abc
from lutsmith.hardware.toolchain import ToolFailed, workspace
from lutsmith.logic.design import Design, Part


@dataclass(frozen=True)
class Slice:
    """One part of a design in a file.

    Attributes:
        part: of the design.
        inputs: the file's names of the part's inputs. One signal may be several of them.
        outputs: those of its outputs.
        text: BLIF of the part alone, from distinct inputs, in their order, to all outputs.
    """

    part: Part
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    text: str

    @property
    def distinct(self) -> list[str]:
        """The names of its inputs, each once."""
        return list(dict.fromkeys(self.inputs))

    def wanted(self) -> Netlist:
        """Return the part as a function of its distinct inputs."""
        place = {name: number for number, name in enumerate(self.distinct)}
        if len(place) == len(self.inputs):
            return self.part.netlist
        builder = NetlistBuilder(len(place))
        return builder.build(builder.embed(self.part.netlist, [place[name] for name in self.inputs]))

    def placed(self, found: Netlist) -> Netlist:
        """Return a netlist of the distinct inputs with all inputs of the part: the first of each name is read."""
        builder = NetlistBuilder(len(self.inputs))
        place = {name: number for number, name in reversed(list(enumerate(self.inputs)))}
        return builder.build(builder.embed(found, [place[name] for name in self.distinct]))


def sliced(text: str, written: str, design: Design) -> list[Slice] | None:
    """Return the parts of a design in a file, or None where its signals have not the names that exports give them.

    Args:
        text: BLIF, which some reader accepts.
        written: what `export.to_blif` writes of the design, for the names.
        design: whose parts are wanted.
    """
    edges = _edges(written, design)
    drivers = _statements(text)[0]
    slices = []
    for part, inputs, outputs in zip(design.parts, edges[:-1], edges[1:], strict=True):
        body = _cone(drivers, set(inputs), outputs)
        if body is None:
            return None
        free = "end"
        while any(name.startswith(free) for name in (*drivers, *inputs)):
            free += "_"
        ends = [f"{free}{number}" for number in range(len(outputs))]
        head = [".model part", _listed(".inputs", list(dict.fromkeys(inputs))), _listed(".outputs", ends)]
        buffers = [f".names {name} {end}\n1 1" for name, end in zip(outputs, ends, strict=True)]
        slices.append(Slice(part, inputs, outputs, "\n".join([*head, *body, *buffers, ".end", ""])))
    return slices


def read_by_abc(texts: Sequence[str], timeout: float) -> list[NamedNetlist]:
    """Return what ABC reads in BLIF files, with the names as they stand there.

    Raises:
        ToolMissing, ToolFailed: there is no ABC, it takes too long, or refuses a file.
        FormatError: it writes what cannot be read.
    """
    found = []
    with workspace() as folder:
        commands = []
        for number, text in enumerate(texts):
            (folder / f"{number}.blif").write_text(text, encoding="utf-8", newline="")
            commands.append(f"read_blif {number}.blif; strash; write_aiger -s {number}.aig")
        printed = abc.script("; ".join(commands), folder, timeout).stdout
        for number in range(len(texts)):
            path = folder / f"{number}.aig"
            if not path.is_file():
                raise ToolFailed(f"ABC does not read the file: {printed.strip()[-300:]}", printed)
            found.append(from_aiger(path.read_bytes()))
    return found


def plain(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without the escapes of `formats.to_blif`, which ABC keeps."""
    return tuple(map(unquote, names))


_Drivers = dict[str, list[tuple[list[str], str]]]
"""By the name of a signal: what each statement that drives it reads, and the statement."""


def _statements(text: str) -> tuple[_Drivers, list[str]]:
    """Return what drives each signal, and the inputs."""
    whole = re.sub(r"\\[ \t]*\n", " ", re.sub(r"#.*|\r", "", text))
    drivers: _Drivers = {}
    inputs: list[str] = []
    for statement in re.split(r"\n(?=[ \t]*\.)", whole):
        first = statement.partition("\n")[0]
        words = first.split()
        if words[:1] == [".end"]:
            break
        if words[:1] == [".inputs"]:
            inputs += words[1:]
        elif words[:1] == [".names"] and len(words) > 1:
            drivers.setdefault(words[-1], []).append((words[1:-1], statement.strip()))
        elif words[:1] == [".latch"] and len(words) > 2:
            drivers.setdefault(words[2], []).append(([words[1]], first))
    return drivers, inputs


def _edges(written: str, design: Design) -> list[tuple[str, ...]]:
    """Return the names of the inputs of each part in a file that the export wrote, and of the outputs of the last.

    The file has the inputs, the registers and the nodes of the flat design in their order, then buffers of outputs.
    """
    builder = NetlistBuilder()
    signals = builder.input(design.parts[0].netlist.num_inputs)
    edges = [signals]
    for part in design.parts:
        edges.append(builder.embed(part.netlist, edges[-1]))
    ends = builder.build(np.concatenate(edges)).outputs
    drivers, inputs = _statements(written)
    names = np.array([*inputs, *drivers], object)
    *between, _ = np.split(names[ends], np.cumsum([edge.size for edge in edges[:-1]]))
    return [*map(tuple, between), tuple(_outputs(written))]


def _outputs(text: str) -> list[str]:
    match = re.search(r"^\.outputs((?:.*\\\n)*.*)", text, re.MULTILINE)
    return match[1].replace("\\\n", " ").split() if match else []


def _cone(drivers: _Drivers, inputs: set[str], outputs: Sequence[str]) -> list[str] | None:
    """Return the statements between signals, or None where others than `inputs` are needed."""
    found, seen = [], set(inputs)
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in drivers:
            return None
        for reads, statement in drivers[name]:
            found.append(statement)
            waiting += reads
    return found


def _listed(command: str, names: Sequence[str]) -> str:
    return " \\\n ".join([command, *names])
