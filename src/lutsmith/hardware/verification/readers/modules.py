"""Modules of a Verilog or VHDL file as netlists, as Yosys reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.export.hdl.names import module_of
from lutsmith.formats import NamedNetlist, from_aiger
from lutsmith.hardware.simulation.hdl import analyse_vhdl
from lutsmith.hardware.tools.confinement import TOOL
from lutsmith.hardware.tools.toolchain import find, workspace
from lutsmith.hardware.verification.design.cones import folded
from lutsmith.hardware.verification.readers.boxes import Mismatch, around, instances_of
from lutsmith.logic.design import Design, Part, Port

CLOCK, ENABLE = "clk", "ce"
"""Ports of a module with registers besides those of its part."""


_WARNINGS = "^([^T]|T[^r]|Tr[^e])"
"""Of Yosys, which are errors here: all but "Treating undriven bit ...", which it says of inputs that a module does not
read, as well; bits that something reads and nothing drives are found by `check`."""


_BARE: dict[str, object] = {"ports": {}}
"""A module without ports, which Yosys leaves out when it writes ports."""


@dataclass(frozen=True)
class ReadModules:
    """What a file holds.

    Attributes:
        netlists: of the modules of the parts, by the names of the modules; instances of shared parts are boxes in them.
        top: the module that joins them, as Yosys writes modules in JSON.
        instances: for each of these modules that has some, the names of its instances of shared parts, and the names of
            their modules.
    """

    netlists: Mapping[str, NamedNetlist]
    top: Mapping[str, object]
    instances: Mapping[str, dict[str, str]]


def units(design: Design) -> list[tuple[str, Part]]:
    """Return the parts that have modules, each after the shared parts in it, with the names of the modules."""
    found = []
    for part in design.parts:
        found += [(f"{design.name}_{shared.name}", module_of(shared)) for shared in part.shared]
        found.append((f"{design.name}_{part.name}", part))
    return found


def module_names(design: Design, name: str | None = None) -> list[str]:
    """Return the names of the modules of a design's parts, where its top module has the name, or its own."""
    return [module for module, _ in units(design if name is None else replace(design, name=name))]


def read_verilog(
    sources: Mapping[str, bytes], design: Design, timeout: float, *, confined: bool, from_vhdl: bool = False
) -> ReadModules:
    """Return the modules of a design that Verilog files hold, whose ports have the names of the design's.

    Only Yosys' own passes touch them: expressions and processes become ANDs, inverters and flip-flops, and instances
    inside a part, such as LUT primitives, are put in their place. Flip-flops that do not take the rising edge of the
    port `clk` are refused, and so is whatever Yosys warns of or its `check` finds: signals with two drivers or none,
    loops, bits that are not there.

    Args:
        sources: the files.
        design: whose modules they should hold.
        timeout: seconds for Yosys.
        confined: they come from elsewhere: Yosys has no network, and limits.
        from_vhdl: they were made of VHDL: x is taken for 0, and warnings pass.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: Yosys is not there, is too slow, or does not read the files.
        Mismatch: the ports of a module are not exactly those of the part.
    """
    modules = module_names(design)
    boxes = [module for module, part in units(design) if part.shared]
    with workspace() as folder:
        names = []
        for number, source in enumerate(sources.values()):
            names.append(f"source{number}.v")
            (folder / names[-1]).write_bytes(source)
        passes = [
            *([] if from_vhdl else [f"logger -werror {_WARNINGS}"]),
            f"read_verilog -noautowire -noblackbox {' '.join(names)}",
            f"hierarchy -check -top {design.name}",
            "proc",
            "check -assert",
            "select i:* o:*",  # JSON of the ports alone
            "write_json -selected ports.json",
            "select -clear",
            *(f"setattr -mod -set keep_hierarchy 1 {module}" for module in modules),
            "flatten",
            *(["setundef -zero"] if from_vhdl else []),
            "simplemap",
            "techmap t:* t:$_* %d",
            "select -assert-none t:$_*DFF*_N* t:$_DLATCH*",  # a falling edge would look like a rising one in AIGER
            "dfflegalize -cell $_DFF_P_ 01",
            f"select -assert-none t:$_DFF_P_ w:{CLOCK} %co1:+[C] %d",
            "aigmap",
            f"setattr -mod -unset top {design.name}",
        ]
        if boxes:
            passes += [f"select t:{design.name}_*", "write_json -selected cells.json", "select -clear"]
            passes += [f"expose -evert {module}/t:*" for module in modules]
        for module in modules:  # AIGER is written of the only module that is selected
            passes += [f"select {module}", f"write_aiger -symbols {module}.aig", "select -clear"]
        passes += [f"select {design.name}", "write_json -selected top.json"]
        (folder / "read.ys").write_text("\n".join(passes) + "\n")
        find("yosys").run(["-q", "-s", "read.ys"], None, folder, timeout, TOOL if confined else None)
        _check_ports(json.loads((folder / "ports.json").read_text())["modules"], design)
        netlists = {module: from_aiger((folder / f"{module}.aig").read_bytes()) for module in modules}
        top = json.loads((folder / "top.json").read_text())["modules"][design.name]
        cells = json.loads((folder / "cells.json").read_text())["modules"] if boxes else {}
    return ReadModules(netlists, top, {module: _types(cells.get(module, {"cells": {}})) for module in modules})


def _types(module: object) -> dict[str, str]:
    cells = _mapping(_mapping(module)["cells"])
    return {name: str(_mapping(cell)["type"]) for name, cell in cells.items()}


def vhdl_as_verilog(
    sources: Mapping[str, bytes], design: Design, timeout: float, *, confined: bool
) -> dict[str, bytes]:
    """Return what ghdl's synthesis makes of VHDL files: Verilog of the same modules, their names in lower case.

    Args:
        sources: the files, without extended identifiers.
        design: whose name is in lower case.
        timeout: seconds for each step.
        confined: they come from elsewhere: ghdl has no network, and limits.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: ghdl is not there, is too slow, or refuses the files.
    """
    tool = find("ghdl")
    with workspace() as folder:
        # ghdl may write names as they stand in the file; case means nothing in VHDL that was read as plain
        analyse_vhdl(tool, {name: data.lower() for name, data in sources.items()}, folder, timeout, confined=confined)
        arguments = ["--synth", "--std=08", "--out=verilog", design.name]
        found = tool.run(arguments, None, folder, timeout, TOOL if confined else None)
    return {"synthesised.v": found.stdout.encode()}


def _check_ports(modules: Mapping[str, object], design: Design) -> None:
    """Raise Mismatch unless each module has exactly the ports of its part, bit n - 1 down to 0, and none besides."""
    wanted = {name: _ports(part.inputs, part.outputs, part.netlist.num_registers > 0) for name, part in units(design)}
    clocked = any(part.netlist.num_registers for part in design.parts)
    wanted[design.name] = _ports(design.inputs, design.outputs, clocked)
    for name, ports in wanted.items():
        found = {port: _shape(value) for port, value in _mapping(_mapping(modules.get(name, _BARE))["ports"]).items()}
        for port in (*ports, *found):
            if found.get(port) != ports.get(port):
                have, want = (_described(side.get(port)) for side in (found, ports))
                raise Mismatch(f"the port {port} of module {name} is {have}, expected {want}")
        if list(found) != list(ports):
            raise Mismatch(
                f"the ports of module {name} are in the order {', '.join(found)}, expected {', '.join(ports)}"
            )


def _ports(inputs: Sequence[Port], outputs: Sequence[Port], clocked: bool) -> dict[str, tuple[object, ...]]:
    ports: dict[str, tuple[object, ...]] = {CLOCK: ("input", 1), ENABLE: ("input", 1)} if clocked else {}
    for direction, side in (("input", inputs), ("output", outputs)):
        ports |= {port.name: (direction, port.size) for port in side if port.size}
    return ports


def _shape(port: object) -> tuple[object, ...]:
    """Return direction and bits of a port as Yosys writes it, and whatever else it says: offset, upto, signed."""
    found = dict(_mapping(port))
    direction, bits = found.pop("direction"), found.pop("bits")
    return (direction, len(bits) if isinstance(bits, list) else 0, *sorted(found))


def _described(port: tuple[object, ...] | None) -> str:
    if port is None:
        return "missing"
    direction, size, *more = port
    return (
        f"an {direction} of {size} bit{'s' if size != 1 else ''}{' with ' + ', '.join(map(str, more)) if more else ''}"
    )


def fitted(modules: ReadModules, module: str, part: Part, *, enable: bool = True) -> Netlist:
    """Return a module as a netlist with the inputs and outputs of the part, in its order.

    Instances are boxes, as of `around`. The clock drives nothing but flip-flops; the enable, where there is one, is
    constant.

    Args:
        modules: of a file.
        module: one of them.
        part: what it should be.
        enable: the value of the port `ce`.

    Raises:
        Mismatch: the module has other inputs or outputs than the part, or reads the clock.
    """
    read = modules.netlists[module]
    whole = around(part)
    inputs, outputs = (_port_bits(side) for side in (whole.inputs, whole.outputs))
    where = {_full(name): place for place, name in enumerate(read.inputs)}
    clocked = {f"{CLOCK}[0]", f"{ENABLE}[0]"} if part.netlist.num_registers else set()
    ends = {_full(name): int(end) for name, end in zip(read.outputs, read.netlist.outputs, strict=True)}
    for name, _, inside in instances_of(part):
        for wire in (CLOCK, ENABLE) if inside.num_registers else ():
            if ends.pop(f"{name}.{wire}[0]", None) != where.get(f"{wire}[0]", -1):
                raise Mismatch(f"the port {wire} of the instance {name} is wired to something else")
    for kind, have, want in (
        ("inputs", where.keys() - clocked, inputs.keys()),
        ("outputs", ends.keys(), outputs.keys()),
    ):
        if have != want:
            odd = sorted(have ^ want)[0]
            whose = "the module" if odd in have else "the part"
            raise Mismatch(f"the {kind} of module and part {part.name} differ: {odd} is only in {whose}")
    netlist = replace(read.netlist, outputs=np.array([*ends.values()], np.int32))
    builder = NetlistBuilder(len(inputs))
    clock = where.get(f"{CLOCK}[0]") if clocked else None
    if clock is not None and any((array == clock).any() for array in _reads(netlist)):
        raise Mismatch(f"in module {part.name} the clock is read as data")
    sources = np.zeros(netlist.num_inputs, np.int32)
    for name, place in where.items():
        sources[place] = builder.constant(enable) if name in clocked else inputs[name]
    found = dict(zip(ends, builder.embed(netlist, sources).tolist(), strict=True))
    return folded(builder.build(np.array([found[name] for name in outputs], np.int32)))


def _reads(netlist: Netlist) -> tuple[NDArray[np.int32], ...]:
    return netlist.fanin, netlist.outputs, netlist.register_next


def _port_bits(ports: Sequence[Port]) -> dict[str, int]:
    """Return the names of the bits of ports, `name[bit]`, and their places."""
    bits = [f"{port.name}[{bit}]" for port in ports for bit in range(port.size)]
    return {name: place for place, name in enumerate(bits)}


def _full(name: str) -> str:
    """A bit's name as `name[bit]`: Yosys leaves the bit out where a port has only one."""
    return name if name.endswith("]") else f"{name}[0]"


def check_wiring(modules: ReadModules, design: Design) -> None:
    """Raise Mismatch unless the top module is nothing but the parts, each joined to the next.

    Args:
        modules: of a file.
        design: what they should be.
    """
    top = modules.top
    ports, cells = _mapping(top["ports"]), _mapping(top["cells"])
    by_type: dict[str, Mapping[str, object]] = {}
    known = [f"{design.name}_{part.name}" for part in design.parts]
    for cell in cells.values():
        kind = str(_mapping(cell)["type"])
        if kind in by_type or kind not in known:
            raise Mismatch(f"the top module has {'two' if kind in by_type else 'an'} {kind} in it")
        by_type[kind] = _mapping(_mapping(cell)["connections"])

    bits = {name: _mapping(port)["bits"] for name, port in ports.items()}
    signals: dict[str, object] = {port.name: bits.get(port.name) for port in design.inputs if port.size}
    for part, module in zip(design.parts, known, strict=True):
        if module not in by_type:
            raise Mismatch(f"the top module has no {module} in it")
        wires = by_type[module]
        for port in part.inputs:
            if port.size and wires.get(port.name) != signals[port.name]:
                raise Mismatch(f"the port {port.name} of {module} is wired to something else")
        if part.netlist.num_registers:
            for name in (CLOCK, ENABLE):
                if wires.get(name) is None or wires[name] != bits.get(name):
                    raise Mismatch(f"the port {name} of {module} is wired to something else")
        signals = {port.name: wires.get(port.name) for port in part.outputs if port.size}
    for port in design.outputs:
        if port.size and (signals[port.name] is None or signals[port.name] != bits.get(port.name)):
            raise Mismatch(f"the output {port.name} of the top module is wired to something else")


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Mismatch(f"expected an object in what Yosys wrote, got {type(value).__name__}")
    return value
