"""Files parsed again and compared with what was written, as it stands there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import NamedNetlist
from lutsmith.ground.strict_json import strict_loads
from lutsmith.hardware.verification.case import Case, Files, only, row
from lutsmith.hardware.verification.emission import read
from lutsmith.hardware.verification.readback.descriptions import names_row, source_of
from lutsmith.hardware.verification.readers.boxes import Mismatch
from lutsmith.hardware.verification.report import WHOLE, Check


def blif_nodes(files: Files, case: Case) -> Iterator[Check]:
    """Fan-in and table of every node, in the order of the file."""
    source_of("blif", files, case)
    if case.foreign:
        yield names_row("blif", files, case)
    flat = case.design.flat()
    named = read("blif", only(files))
    check_names(named, case.names("blif"))
    problem = _first_difference(flat.netlist, named.netlist)
    if problem and case.foreign:
        yield row(WHOLE, "not decided", f"not the nodes of the export: {problem}. Whether it is equal, a proof decides")
        return
    text = f"{flat.netlist.num_nodes:,} nodes, their fan-in and tables, and {flat.netlist.num_registers:,} registers"
    yield row(WHOLE, "failed" if problem else "proved", problem or text)


def aiger_ports(files: Files, case: Case) -> Iterator[Check]:
    """Names of inputs and outputs, and the registers; ANDs are left to the formal layer."""
    flat = case.design.flat()
    named = read("aiger", only(files))
    check_names(named, case.names("aiger"))
    if case.foreign:
        yield names_row("aiger", files, case)
    have, want = named.netlist.num_registers, flat.netlist.num_registers
    if have != want:
        yield row("ports", "failed", f"{have} registers, expected {want}")
    else:
        yield row(
            "ports",
            "proved",
            f"names of {len(named.inputs):,} inputs and {len(named.outputs):,} outputs, {have} registers",
        )


def json_nodes(files: Files, case: Case) -> Iterator[Check]:
    """Every value of the document; nothing that stands there is passed over."""
    from lutsmith.export import from_json_text, to_json_text

    text, circuit = only(files).decode("utf-8"), case.circuit
    copy = from_json_text(text)
    problem = _first_difference(circuit.netlist, copy.netlist)
    if problem is None and _MINUS_ZERO.search(_STRING.sub("", text)):
        problem = "the document has the integer -0, which some readers take for 0 and others for -0.0"
    if problem is None:
        problem = _other_value("", strict_loads(text), strict_loads(to_json_text(circuit)))
    has = f"{circuit.netlist.num_nodes:,} nodes, {len(circuit.encoder):,} thresholds, the head, names and facts"
    yield row("all", "failed" if problem else "proved", problem or f"every value of the document: {has}")


_REAL = (
    ".encoder.threshold", ".fitted_range.low", ".fitted_range.high", ".words.formats.offset", ".words.formats.per_unit",
    ".head.scale", ".head.offset", ".head.heads.scale", ".head.heads.offset",
)  # fmt: skip
_NODES = (".netlist.nodes", ".parts.netlist.nodes")
_PLACE = re.compile(r"\[\d+\]")
_STRING, _MINUS_ZERO = re.compile(r'"(?:[^"\\]|\\.)*"'), re.compile(r"-0(?![0-9.eE])")


def _same_number(found: Any, wanted: Any) -> bool:
    """Return whether two numbers, maybe an integer for a float, are the same float64: to the last bit, and in sign."""
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in (found, wanted)):
        return False
    return bool(found == wanted) and (found != 0 or math.copysign(1, found) == math.copysign(1, wanted))


def _other_value(place: str, found: Any, wanted: Any) -> str | None:
    """Return the first place in which two documents differ. Numbers are compared as float64."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in (*wanted, *found):
            if key not in found or key not in wanted:
                return f"the document has {'no ' if key not in found else ''}{_path(place, key)}"
            problem = _other_value(_path(place, key), found[key], wanted[key])
            if problem is not None:
                return problem
        return None
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{place} has {len(found)} entries, expected {len(wanted)}"
        pairs = zip(found, wanted, strict=True)
        problems = (_other_value(f"{place}[{index}]", *pair) for index, pair in enumerate(pairs))
        return next((problem for problem in problems if problem is not None), None)
    owner = _PLACE.sub("", place)
    if _same_number(found, wanted):
        if type(found) is type(wanted) or owner in _REAL:
            return None
    elif type(found) is type(wanted) and not isinstance(found, float) and found == wanted:
        return None
    if owner in _NODES and place.endswith("][0]") and int(found, 16) == int(wanted, 16):
        return None
    return f"{place} is {ascii(found)[:80]}, expected {ascii(wanted)[:80]}"


def _path(place: str, key: str) -> str:
    return f"{place}.{key}" if key.isidentifier() else f"{place}[{ascii(key)[:80]}]"


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
