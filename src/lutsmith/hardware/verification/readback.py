"""Files parsed again and compared with what was written, as it stands there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import NamedNetlist
from lutsmith.hardware.verification.descriptions import names_row, source_of
from lutsmith.hardware.verification.emission import read
from lutsmith.hardware.verification.modules import Mismatch
from lutsmith.hardware.verification.report import WHOLE, Check
from lutsmith.hardware.verification.task import Files, Task, only, row


def blif_nodes(files: Files, task: Task) -> Iterator[Check]:
    """Fan-in and table of every node, in the order of the file."""
    source_of("blif", files, task)
    if task.foreign:
        yield names_row("blif", files, task)
    flat = task.design.flat()
    named = read("blif", only(files))
    check_names(named, task.names("blif"))
    problem = _first_difference(flat.netlist, named.netlist)
    if problem and task.foreign:
        yield row(WHOLE, "not decided", f"not the nodes of the export: {problem}. Whether it is equal, a proof decides")
        return
    text = f"{flat.netlist.num_nodes:,} nodes, their fan-in and tables, and {flat.netlist.num_registers:,} registers"
    yield row(WHOLE, "failed" if problem else "proved", problem or text)


def aiger_ports(files: Files, task: Task) -> Iterator[Check]:
    """Names of inputs and outputs, and the registers; ANDs are left to the formal layer."""
    flat = task.design.flat()
    named = read("aiger", only(files))
    check_names(named, task.names("aiger"))
    if task.foreign:
        yield names_row("aiger", files, task)
    have, want = named.netlist.num_registers, flat.netlist.num_registers
    if have != want:
        yield row("ports", "failed", f"{have} registers, expected {want}")
    else:
        yield row(
            "ports",
            "proved",
            f"names of {len(named.inputs):,} inputs and {len(named.outputs):,} outputs, {have} registers",
        )


def json_nodes(files: Files, task: Task) -> Iterator[Check]:
    """Every array of the circuit."""
    from lutsmith.export import from_json

    copy, circuit = from_json(only(files).decode("utf-8")), task.circuit
    problem = _first_difference(circuit.netlist, copy.netlist)
    for name, a, b in (
        ("comparators' features", circuit.encoder.feature, copy.encoder.feature),
        ("thresholds", circuit.encoder.threshold, copy.encoder.threshold),
    ):
        if problem is None and not np.array_equal(a, b):
            problem = f"the {name} differ"
    for name in ("head", "classes", "task", "input_shape"):
        if problem is None and getattr(circuit, name) != getattr(copy, name):
            problem = f"{name} is {getattr(copy, name)!r}, expected {getattr(circuit, name)!r}"
    text = f"{circuit.netlist.num_nodes:,} nodes, {len(circuit.encoder):,} thresholds and the head"
    yield row("all", "failed" if problem else "proved", problem or text)


def check_names(named: NamedNetlist, names: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    """Raise Mismatch unless inputs and outputs have these names, in this order."""
    for kind, found, wanted in (("inputs", named.inputs, names[0]), ("outputs", named.outputs, names[1])):
        if len(found) != len(wanted):
            raise Mismatch(f"{len(found)} {kind}, expected {len(wanted)}")
        for given, meant in zip(found, wanted, strict=True):
            if given != meant:
                raise Mismatch(f"the {kind} differ: {given!r} stands where {meant!r} was expected")


def _first_difference(expected: Netlist, found: Netlist) -> str | None:
    """Return the first node, output or register in which two netlists differ as they are written down, or None."""
    sizes = [(side.num_inputs, side.num_nodes, side.outputs.size, side.num_registers) for side in (expected, found)]
    if sizes[0] != sizes[1]:
        return "inputs, nodes, outputs and registers are {}, expected {}".format(*reversed(sizes))
    ranks = np.flatnonzero(expected.ranks != found.ranks)
    if ranks.size:
        node_ = int(ranks[0])
        return f"node {node_} reads {found.ranks[node_]} signals, expected {expected.ranks[node_]}"
    wires = np.flatnonzero(expected.fanin != found.fanin)
    if wires.size:
        slot = int(wires[0])
        node_ = int(np.searchsorted(expected.fanin_ptr, slot, side="right")) - 1
        return f"node {node_} reads signal {found.fanin[slot]}, expected {expected.fanin[slot]}"
    tables = np.flatnonzero(expected.tables() != found.tables())
    if tables.size:
        node_ = int(tables[0])
        return f"the table of node {node_} is {found.tables()[node_]:#x}, expected {expected.tables()[node_]:#x}"
    for name in ("outputs", "register_next", "register_init"):
        differ = np.flatnonzero(getattr(expected, name) != getattr(found, name))
        if differ.size:
            place = int(differ[0])
            return f"{name}[{place}] is {getattr(found, name)[place]}, expected {getattr(expected, name)[place]}"
    return None
