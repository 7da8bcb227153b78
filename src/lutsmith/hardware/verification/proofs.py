"""Proofs of one export: what other tools read from it is the design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.export.hdl.names import in_verilog, in_vhdl, shared_modules
from lutsmith.formats.assembly import CycleError
from lutsmith.hardware import abc
from lutsmith.hardware.verification.case import Case, Files, only, row
from lutsmith.hardware.verification.design.cones import bypassed, keeps_state, next_state
from lutsmith.hardware.verification.design.functions import proved, words_of
from lutsmith.hardware.verification.emission import read
from lutsmith.hardware.verification.readback.descriptions import read_modules, source_of
from lutsmith.hardware.verification.readback.nodes import check_names
from lutsmith.hardware.verification.readers.boxes import (
    Mismatch,
    Renamed,
    around,
    check_instances,
    check_wires,
    ends_of,
    without_instances,
)
from lutsmith.hardware.verification.readers.modules import (
    ReadModules,
    check_wiring,
    fitted,
    read_verilog,
    units,
    vhdl_as_verilog,
)
from lutsmith.hardware.verification.readers.parts import parts_of, plain, read_by_abc
from lutsmith.hardware.verification.readers.primitives import with_primitives
from lutsmith.hardware.verification.report import Check
from lutsmith.logic import is_balanced
from lutsmith.logic.design import Design, Part


def aiger_proof(files: Files, case: Case) -> Iterator[Check]:
    """The file as ABC reads it, if it is binary; ABC does not read the other form, so our own reader does."""
    source_of("aiger", files, case)
    data = only(files)
    named = read("aiger", data)
    check_names(named, case.names("aiger"))
    by_abc = data.startswith(b"aig ")
    found = read_by_abc(data, case.timeout).netlist if by_abc else named.netlist
    yield from _prove_flat(found, case, "ABC" if by_abc else "lutsmith")


def blif_proof(files: Files, case: Case) -> Iterator[Check]:
    """The file as ABC reads it, independently of our own reader: part by part, or as a whole if its names differ."""
    source_of("blif", files, case)
    text = only(files).decode("utf-8")
    whole = read_by_abc(text, case.timeout)
    check_names(replace(whole, inputs=plain(whole.inputs), outputs=plain(whole.outputs)), case.names("blif"))
    try:
        pairs = parts_of(text, case.written("blif").decode("utf-8"), case.design, case.timeout)
    except CycleError:
        yield row("registers", "failed", "registers feed themselves")
        return
    for part, pair in zip(case.design.parts, pairs or (), strict=False):
        verdict, how = proved(*pair, case.timeout, words_of(part)) if pair else ("not decided", "")
        if verdict != "proved":  # parts may differ where the whole does not
            pairs = None
            break
        yield row(part.name, verdict, f"the part as ABC reads it: {how}")
    if pairs is None:
        yield from _prove_flat(whole.netlist, case, "ABC")
    elif not case.stateful and (whole.netlist.num_registers or case.design.latency):
        flat = case.design.flat()
        yield _balance([(flat.name, replace(flat, netlist=whole.netlist))], case.design.latency)


def _prove_flat(found: Netlist, case: Case, reader: str) -> Iterator[Check]:
    flat = case.design.flat()
    if case.stateful:
        verdict, how = proved(found, flat.netlist, case.timeout)
        yield row("all", verdict, f"the file as {reader} reads it, against the design, as machines: {how}")
        return
    verdict, how = proved(bypassed(found), bypassed(flat.netlist), case.timeout)
    yield row("all", verdict, f"the file as {reader} reads it, against the design: {how}")
    if flat.netlist.num_registers or found.num_registers:
        yield _balance([(flat.name, replace(flat, netlist=found))], case.design.latency)


def verilog_proof(files: Files, case: Case) -> Iterator[Check]:
    """The modules as Yosys reads them."""
    source_of("verilog", files, case)
    sources = with_primitives(files)

    def read(design: Design) -> ReadModules:
        if any(part.shared for part in design.parts) or not any(part.shared for part in case.design.parts):
            return read_modules(files, case)
        return read_verilog(sources, design, case.timeout, confined=case.foreign)

    yield from _prove_modules(read, in_verilog(case.design), case)


def vhdl_proof(files: Files, case: Case) -> Iterator[Check]:
    """The entities as ghdl synthesises them, and Yosys reads what it writes."""
    source_of("vhdl", files, case)
    design = _lower(in_vhdl(case.named(case.design.name.lower()).design))
    sources = vhdl_as_verilog(files, design, case.timeout, confined=case.foreign)

    def read(wanted: Design) -> ReadModules:
        # ghdl's synthesis has x in branches that are never taken; the simulation would show one that is.
        return read_verilog(sources, wanted, case.timeout, from_vhdl=True, confined=case.foreign)

    yield from _prove_modules(read, design, case)


def _lower(design: Design) -> Design:
    """Return a design with its names in lower case, as ghdl writes all names, which VHDL takes for the same."""
    parts = []
    for part in design.parts:
        sides = [tuple(replace(port, name=port.name.lower()) for port in side) for side in (part.inputs, part.outputs)]
        shared = tuple(replace(each, name=each.name.lower()) for each in part.shared)
        parts.append(replace(part, inputs=sides[0], outputs=sides[1], shared=shared))
    return replace(design, parts=tuple(parts))


def _prove_modules(read: Callable[[Design], ReadModules], design: Design, case: Case) -> Iterator[Check]:
    """Prove each module, then how they are joined, and where the registers are. Shared parts are proved once.

    Where their instances have other names than the export's, they are put in their places before anything is proved.
    """
    modules = read(design)
    try:
        for part in design.parts:
            check_instances(modules.instances.get(f"{design.name}_{part.name}", {}), part, design)
    except Renamed as problem:
        found = list(_proved_modules(read(without_instances(design)), without_instances(design), case))
        yield from found
        if any(check.verdict == "failed" for check in found):
            yield row("wiring", "failed", str(problem))
    except Mismatch as problem:
        yield row("wiring", "failed", str(problem))
    else:
        yield from _proved_modules(modules, design, case)


def _proved_modules(modules: ReadModules, design: Design, case: Case) -> Iterator[Check]:
    parts, shared = units(design), shared_modules(design)
    netlists = []
    wrong = ""
    for module, part in parts:
        netlist = fitted(modules, module, part)
        netlists.append(netlist)
        wanted, is_shared = around(part), module in shared
        try:
            if part.shared:
                check_wires(netlist, part)
        except Mismatch as problem:
            wrong = wrong or str(problem)
        try:
            sides = (netlist, wanted.netlist)
            if not case.stateful:
                sides = bypassed(netlist), bypassed(wanted.netlist)
            names = ends_of(part) if part.shared else ()
            verdict, how = proved(*sides, case.timeout, words_of(part), names)
        except CycleError:
            verdict, how = "failed", "its registers feed themselves"
        told = "the module, of which there are instances," if is_shared else "the module"
        told += " around its instances" if part.shared else ""
        yield row(f"part {part.name}" if is_shared else part.name, verdict, f"{told} as Yosys reads it: {how}")
    try:
        check_wiring(modules, design)
        if wrong:
            raise Mismatch(wrong)
        count = sum(len(each) for part in design.parts for each in part.shared)
        boxes = f", and {count:,} instances of shared parts are joined as they should be" if count else ""
        yield row("wiring", "proved", f"the top module is the parts, one after the other{boxes}")
    except Mismatch as problem:
        yield row("wiring", "failed", str(problem))
    if design.latency or any(netlist.num_registers for netlist in netlists):
        count = sum(part.netlist.num_registers for part in design.parts)
        held = row("registers", "proved", f"{count:,} of a state, which hold while ce is 0; machines are compared")
        if not case.stateful:
            own = [(part.name, replace(part, netlist=each)) for (_, part), each in zip(parts, netlists, strict=True)]
        found = held if case.stateful else _balance(own, design.latency)
        for (module, part), netlist in zip(parts, netlists, strict=True):
            stopped = fitted(modules, module, part, enable=False)
            if found.verdict == "proved" and stopped.num_registers:
                if case.stateful:  # then the outputs stay those of state and inputs, too
                    sides = abc.combinational(stopped), abc.combinational(_still(netlist))
                else:
                    sides = next_state(stopped), keeps_state(stopped.num_inputs, stopped.num_registers)
                verdict, how = proved(*sides, case.timeout)
                if verdict != "proved":
                    found = row("registers", verdict, f"{part.name} does not hold its state while ce is 0: {how}")
        yield found


def _still(netlist: Netlist) -> Netlist:
    """Return the machine whose registers keep what they hold."""
    first = netlist.num_inputs
    return replace(netlist, register_next=np.arange(first, first + netlist.num_registers, dtype=np.int32))


def _balance(parts: list[tuple[str, Part]], latency: int) -> Check:
    bad = [name for name, part in parts if not is_balanced(part)]
    count = sum(part.netlist.num_registers for _, part in parts)
    if bad:
        return row(
            "registers", "failed", f"not every path through {', '.join(bad)} crosses as many registers as it should"
        )
    return row("registers", "proved", f"{count:,} registers, every path crosses {latency}")
