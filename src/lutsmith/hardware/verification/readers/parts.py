"""The parts of a design in a BLIF file, as ABC reads the whole of it: cut along the names of the signals between them.

Nothing of the file is read twice or written anew: it gets further outputs, one for each signal between two parts, and
each part is what leads from the outputs before it to those behind it in the one network that ABC makes of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats import NamedNetlist, from_aiger
from lutsmith.hardware import abc
from lutsmith.hardware.tools.tool import ToolFailed, ToolTimeout
from lutsmith.hardware.tools.toolchain import workspace
from lutsmith.hardware.verification.design.cones import behind, bypassed, machine_behind
from lutsmith.logic.design import Design


def parts_of(text: str, written: str, design: Design, timeout: float) -> list[tuple[Netlist, Netlist] | None] | None:
    """Return each part as ABC reads it in a file, beside what it should be, on the same inputs.

    Registers of a pipeline are left out. Those of a state are the network's, and that is a machine.

    Args:
        text: BLIF of one model, which ABC reads.
        written: what `export.to_blif` writes of the design, for the names.
        design: whose parts are wanted.
        timeout: seconds for ABC.

    Returns:
        None where the file has not the signals that the export has between the parts; and for a part that reads others
        than those before it.

    Raises:
        ToolMissing, ToolTimeout: there is no ABC, or it takes too long.
        CycleError: registers feed themselves.
    """
    edges = _edges(written, design)
    try:
        machine = read_by_abc(_probed(text, [name for edge in edges for name in edge]), timeout).netlist
    except ToolTimeout:
        raise
    except ToolFailed:
        return None
    stateful = any(part.netlist.num_registers for part in design.parts) and not design.latency
    probed = abc.combinational(machine) if stateful else bypassed(machine)
    place = machine.outputs.size - sum(map(len, edges))
    found = []
    for part, edge, after in zip(design.parts, edges, edges[1:], strict=False):
        begin, middle = place, place + len(edge)
        outputs = slice(middle, middle + len(after))
        if stateful and part.netlist.num_registers:
            ends = machine.outputs[outputs]
            found.append(machine_behind(machine, machine.outputs[begin:middle], ends, part.netlist))
        else:
            found.append(behind(probed, probed.outputs[begin:middle], outputs, bypassed(part.netlist)))
        place = middle
    return found


def read_by_abc(file: str | bytes, timeout: float) -> NamedNetlist:
    """Return what ABC reads in BLIF (text) or in binary AIGER (bytes), with the names as they stand there.

    Raises:
        ToolMissing, ToolFailed: there is no ABC, it takes too long, or refuses the file.
        FormatError: it writes what cannot be read.
    """
    if isinstance(file, str) and not _listed(file, ".outputs"):
        return _without_outputs(file, timeout)
    with workspace() as folder:
        given = folder / ("given.blif" if isinstance(file, str) else "given.aig")
        given.write_bytes(file.encode() if isinstance(file, str) else file)
        printed = abc.script(f"read {given.name}; strash; write_aiger -s read.aig", folder, timeout).stdout
        path = folder / "read.aig"
        if not path.is_file():
            raise ToolFailed(f"ABC does not read the file: {printed.strip()[-300:]}", printed)
        return from_aiger(path.read_bytes())


def _without_outputs(file: str, timeout: float) -> NamedNetlist:
    """Return what ABC reads in BLIF without outputs: it would take it for a box whose inputs are its outputs."""
    bare = re.sub(r"^[ \t]*\.outputs\b.*\n", "", file, flags=re.MULTILINE)
    probed = _probed(bare, ["probed"]).replace(".names probed ", ".names ").replace("\n1 1", "\n1")
    found = read_by_abc(probed, timeout)
    return replace(found, netlist=replace(found.netlist, outputs=found.netlist.outputs[:0]), outputs=())


def plain(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without the escapes of `formats.to_blif`, which ABC keeps."""
    return tuple(map(unquote, names))


def _probed(text: str, names: Sequence[str]) -> str:
    """Return the file with further outputs, one for each name, behind those that it has."""
    probe = "probe"
    while probe in text:
        probe += "_"
    probes = [f"{probe}{number}" for number in range(len(names))]
    lines = [" \\\n ".join([".outputs", *probes])] if probes else []
    lines += [f".names {name} {end}\n1 1" for name, end in zip(names, probes, strict=True)]
    return re.sub(r"^[ \t]*\.end\b", lambda end: "\n".join([*lines, end[0]]), text, count=1, flags=re.MULTILINE)


def _edges(written: str, design: Design) -> list[list[str]]:
    """Return the names of the inputs of each part in a file that the export wrote, and of the outputs of the last.

    The file has the inputs, the registers and the nodes of the flat design in their order, then buffers of outputs.
    """
    builder = NetlistBuilder()
    signals = builder.input(design.parts[0].netlist.num_inputs)
    edges = [signals]
    for part in design.parts:
        edges.append(builder.embed(part.netlist, edges[-1]))
    ends = builder.build(np.concatenate(edges)).outputs
    driven = re.findall(r"^\.(?:latch \S+ (\S+) [01]|names (?:.* )?(\S+))$", written, re.MULTILINE)
    names = np.array([*_listed(written, ".inputs"), *(latch or node for latch, node in driven)], object)
    *between, _ = np.split(names[ends], np.cumsum([edge.size for edge in edges[:-1]]))
    return [*(edge.tolist() for edge in between), _listed(written, ".outputs")]


def _listed(text: str, command: str) -> list[str]:
    match = re.search(rf"^\{command}((?:.*\\\n)*.*)", text, re.MULTILINE)
    return match[1].replace("\\\n", " ").split() if match else []
