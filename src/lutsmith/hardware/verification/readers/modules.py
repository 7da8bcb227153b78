"""Modules of a Verilog or VHDL file as netlists, as Yosys reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.formats import NamedNetlist, from_aiger
from lutsmith.hardware.simulation.hdl import VHDL_NAMES, analyse_vhdl
from lutsmith.hardware.tools.confinement import TOOL
from lutsmith.hardware.tools.toolchain import find, workspace
from lutsmith.hardware.verification.design.cones import folded
from lutsmith.logic.design import Design, Part, Port

CLOCK, ENABLE = "clk", "ce"
"""Ports of a module with registers besides those of its part."""


_WARNINGS = "^([^T]|T[^r]|Tr[^e])"
"""Of Yosys, which are errors here: all but "Treating undriven bit ...", which it says of inputs that a module does not
read, as well; bits that something reads and nothing drives are found by `check`."""


_BARE: dict[str, object] = {"ports": {}}
"""A module without ports, which Yosys leaves out when it writes ports."""


class Mismatch(ValueError):  # noqa: N818
    """A file has not the modules, ports or wires that the design has; the message says which."""


@dataclass(frozen=True)
class ReadModules:
    """What a file holds.

    Attributes:
        netlists: of the modules of the parts, by the names of the modules.
        top: the module that joins them, as Yosys writes modules in JSON.
        names: what ports are called in it that have other names in the design, by those names.
    """

    netlists: Mapping[str, NamedNetlist]
    top: Mapping[str, object]
    names: Mapping[str, str]


def module_names(design: Design, name: str | None = None) -> list[str]:
    """Return the names of the modules of a design's parts, where its top module has the name, or its own."""
    return [f"{name or design.name}_{part.name}" for part in design.parts]


def read_verilog(
    sources: Mapping[str, bytes], design: Design, timeout: float, *, confined: bool, from_vhdl: bool = False
) -> ReadModules:
    """Return the modules of a design that Verilog files hold.

    Only Yosys' own passes touch them: expressions and processes become ANDs, inverters and flip-flops, and instances
    inside a part, such as LUT primitives, are put in their place. Flip-flops that do not take the rising edge of the
    port `clk` are refused, and so is whatever Yosys warns of or its `check` finds: signals with two drivers or none,
    loops, bits that are not there.

    Args:
        sources: the files.
        design: whose modules they should hold.
        timeout: seconds for Yosys.
        confined: they come from elsewhere: Yosys has no network, and limits.
        from_vhdl: they were made of VHDL: x is taken for 0, warnings pass, and ports have the names of VHDL.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: Yosys is not there, is too slow, or does not read the files.
        Mismatch: the ports of a module are not exactly those of the part.
    """
    ports = VHDL_NAMES if from_vhdl else {}
    modules = module_names(design)
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
        for module in modules:  # AIGER is written of the only module that is selected
            passes += [f"select {module}", f"write_aiger -symbols {module}.aig", "select -clear"]
        passes += [f"select {design.name}", "write_json -selected top.json"]
        (folder / "read.ys").write_text("\n".join(passes) + "\n")
        find("yosys").run(["-q", "-s", "read.ys"], None, folder, timeout, TOOL if confined else None)
        _check_ports(json.loads((folder / "ports.json").read_text())["modules"], design, ports)
        netlists = {module: from_aiger((folder / f"{module}.aig").read_bytes()) for module in modules}
        top = json.loads((folder / "top.json").read_text())["modules"][design.name]
    return ReadModules(netlists, top, ports)


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


def _check_ports(modules: Mapping[str, object], design: Design, names: Mapping[str, str]) -> None:
    """Raise Mismatch unless each module has exactly the ports of its part, bit n - 1 down to 0, and none besides."""
    clocked = [part.netlist.num_registers > 0 for part in design.parts]
    wanted = {
        name: _ports(part.inputs, part.outputs, clock, names)
        for name, part, clock in zip(module_names(design), design.parts, clocked, strict=True)
    }
    wanted[design.name] = _ports(design.inputs, design.outputs, any(clocked), names)
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


def _ports(
    inputs: Sequence[Port], outputs: Sequence[Port], clocked: bool, names: Mapping[str, str]
) -> dict[str, tuple[object, ...]]:
    ports: dict[str, tuple[object, ...]] = {CLOCK: ("input", 1), ENABLE: ("input", 1)} if clocked else {}
    for direction, side in (("input", inputs), ("output", outputs)):
        ports |= {names.get(port.name, port.name): (direction, port.size) for port in side if port.size}
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

    The clock drives nothing but flip-flops, and the enable, where there is one, is constant.

    Args:
        modules: of a file.
        module: one of them.
        part: what it should be.
        enable: the value of the port `ce`.

    Raises:
        Mismatch: the module has other inputs or outputs than the part, or reads the clock.
    """
    read = modules.netlists[module]
    inputs, outputs = (_port_bits(side, modules.names) for side in (part.inputs, part.outputs))
    where = {_full(name): place for place, name in enumerate(read.inputs)}
    clocked = {f"{CLOCK}[0]", f"{ENABLE}[0]"} if part.netlist.num_registers else set()
    for kind, have, want in (
        ("inputs", where.keys() - clocked, inputs.keys()),
        ("outputs", {_full(name) for name in read.outputs}, outputs.keys()),
    ):
        if have != want:
            odd = sorted(have ^ want)[0]
            whose = "the module" if odd in have else "the part"
            raise Mismatch(f"the {kind} of module and part {part.name} differ: {odd} is only in {whose}")
    netlist = read.netlist
    builder = NetlistBuilder(len(inputs))
    clock = where.get(f"{CLOCK}[0]") if clocked else None
    if clock is not None and any((array == clock).any() for array in _reads(netlist)):
        raise Mismatch(f"in module {part.name} the clock is read as data")
    sources = np.zeros(netlist.num_inputs, np.int32)
    for name, place in where.items():
        sources[place] = builder.constant(enable) if name in clocked else inputs[name]
    ends = builder.embed(netlist, sources)
    found = {_full(name): int(end) for name, end in zip(read.outputs, ends, strict=True)}
    return folded(builder.build(np.array([found[name] for name in outputs], np.int32)))


def _reads(netlist: Netlist) -> tuple[NDArray[np.int32], ...]:
    return netlist.fanin, netlist.outputs, netlist.register_next


def _port_bits(ports: Sequence[Port], names: Mapping[str, str]) -> dict[str, int]:
    """Return the names of the bits of ports, `name[bit]`, and their places."""
    bits = [f"{names.get(port.name, port.name)}[{bit}]" for port in ports for bit in range(port.size)]
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
    for cell in cells.values():
        kind = str(_mapping(cell)["type"])
        if kind in by_type or kind not in module_names(design):
            raise Mismatch(f"the top module has {'two' if kind in by_type else 'an'} {kind} in it")
        by_type[kind] = _mapping(_mapping(cell)["connections"])

    def called(port: Port) -> str:
        return modules.names.get(port.name, port.name)

    bits = {name: _mapping(port)["bits"] for name, port in ports.items()}
    signals: dict[str, object] = {port.name: bits.get(called(port)) for port in design.inputs if port.size}
    for part, module in zip(design.parts, module_names(design), strict=True):
        if module not in by_type:
            raise Mismatch(f"the top module has no {module} in it")
        wires = by_type[module]
        for port in part.inputs:
            if port.size and wires.get(called(port)) != signals[port.name]:
                raise Mismatch(f"the port {called(port)} of {module} is wired to something else")
        if part.netlist.num_registers:
            for name in (CLOCK, ENABLE):
                if wires.get(name) is None or wires[name] != bits.get(name):
                    raise Mismatch(f"the port {name} of {module} is wired to something else")
        signals = {port.name: wires.get(called(port)) for port in part.outputs if port.size}
    for port in design.outputs:
        if port.size and (signals[port.name] is None or signals[port.name] != bits.get(called(port))):
            raise Mismatch(f"the output {called(port)} of the top module is wired to something else")


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Mismatch(f"expected an object in what Yosys wrote, got {type(value).__name__}")
    return value
