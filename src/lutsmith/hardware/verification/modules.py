"""Modules of a Verilog or VHDL file as netlists, as Yosys reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.builder import NetlistBuilder
from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import NamedNetlist, from_aiger
from lutsmith.hardware.simulation.hdl import analyse_vhdl
from lutsmith.hardware.toolchain import find, workspace
from lutsmith.hardware.verification.cones import folded
from lutsmith.logic.design import Design, Part, Port

CLOCK, ENABLE = "clk", "ce"
"""Ports of a module with registers besides those of its part."""


class Mismatch(ValueError):  # noqa: N818
    """A file has not the modules, ports or wires that the design has; the message says which."""


@dataclass(frozen=True)
class ReadModules:
    """What a file holds.

    Attributes:
        netlists: of the modules of the parts, by the names of the modules.
        top: the module that joins them, as Yosys writes modules in JSON.
    """

    netlists: Mapping[str, NamedNetlist]
    top: Mapping[str, object]


def module_names(design: Design) -> list[str]:
    """Return the names of the modules of a design's parts."""
    return [f"{design.name}_{part.name}" for part in design.parts]


def read_verilog(
    sources: Mapping[str, bytes], design: Design, timeout: float, *, undefined: bool = False
) -> ReadModules:
    """Return the modules of a design that Verilog files hold.

    Only Yosys' own passes touch them: expressions and processes become ANDs, inverters and flip-flops, and instances
    inside a part, such as LUT primitives, are put in their place. Flip-flops that do not take the rising edge of the
    port `clk` are refused.

    Args:
        sources: the files.
        design: whose modules they should hold.
        timeout: seconds for Yosys.
        undefined: take x for 0. Otherwise it is refused.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: Yosys is not there, is too slow, or does not read the files.
    """
    modules = module_names(design)
    with workspace() as folder:
        names = []
        for number, source in enumerate(sources.values()):
            names.append(f"source{number}.v")
            (folder / names[-1]).write_bytes(source)
        passes = [
            f"read_verilog {' '.join(names)}",
            f"hierarchy -check -top {design.name}",
            "proc",
            *(f"setattr -mod -set keep_hierarchy 1 {module}" for module in modules),
            "flatten",
            *(["setundef -zero"] if undefined else []),
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
        find("yosys").run(["-q", "-s", "read.ys"], cwd=folder, timeout=timeout)
        netlists = {module: from_aiger((folder / f"{module}.aig").read_bytes()) for module in modules}
        top = json.loads((folder / "top.json").read_text())["modules"][design.name]
    return ReadModules(netlists, top)


def vhdl_as_verilog(sources: Mapping[str, bytes], design: Design, timeout: float) -> dict[str, bytes]:
    """Return what ghdl's synthesis makes of VHDL files: Verilog of the same modules.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: ghdl is not there, is too slow, or refuses the files.
    """
    tool = find("ghdl")
    with workspace() as folder:
        analyse_vhdl(tool, sources, folder, timeout)
        found = tool.run(["--synth", "--std=08", "--out=verilog", design.name], None, folder, timeout)
    return {"synthesised.v": found.stdout.encode()}


def fitted(read: NamedNetlist, part: Part) -> Netlist:
    """Return a module as a netlist with the inputs and outputs of the part, in its order.

    The clock drives nothing but flip-flops, and the enable, where there is one, is 1.

    Raises:
        Mismatch: the module has other ports than the part, or reads the clock.
    """
    return _wired(read, part, enable=True)


def held(read: NamedNetlist, part: Part) -> Netlist:
    """Return the same with the enable 0."""
    return _wired(read, part, enable=False)


def _wired(read: NamedNetlist, part: Part, *, enable: bool) -> Netlist:
    inputs, outputs = port_bits(part.inputs), port_bits(part.outputs)
    where = {_plain(name, inputs): place for place, name in enumerate(read.inputs)}
    extra = {CLOCK, ENABLE} if read.netlist.num_registers or part.latency else set()
    for kind, have, want in (
        ("inputs", set(where) - extra, set(inputs)),
        ("outputs", {_plain(name, outputs) for name in read.outputs}, set(outputs)),
    ):
        if have != want:
            odd = sorted(have ^ want)[0]
            whose = "the module" if odd in have else "the part"
            raise Mismatch(f"the {kind} of module and part {part.name} differ: {odd} is only in {whose}")
    netlist = read.netlist
    builder = NetlistBuilder(len(inputs))
    read_as_data = (np.isin(where.get(CLOCK, -1), array) for array in _reads(netlist))
    if CLOCK in extra and any(read_as_data):
        raise Mismatch(f"in module {part.name} the clock is read as data")
    sources = np.zeros(netlist.num_inputs, np.int32)
    for name, place in where.items():
        sources[place] = builder.constant(enable) if name in extra else inputs[name]
    ends = builder.embed(netlist, sources)
    found = {_plain(name, outputs): int(end) for name, end in zip(read.outputs, ends, strict=True)}
    return folded(builder.build(np.array([found[name] for name in outputs], np.int32)))


def _reads(netlist: Netlist) -> tuple[NDArray[np.int32], ...]:
    return netlist.fanin, netlist.outputs, netlist.register_next


def port_bits(ports: Sequence[Port]) -> dict[str, int]:
    """Return the names of the bits of ports, `name[bit]`, and their places."""
    names = [f"{port.name}[{bit}]" for port in ports for bit in range(port.size)]
    return {name: place for place, name in enumerate(names)}


def _plain(name: str, known: Mapping[str, int]) -> str:
    """A bit's name as `name[bit]`: tools leave the bit out where a port has only one, and VHDL has `label_o`."""
    match = re.fullmatch(r"(\w+?)(?:\[(\d+)\])?", name)
    if match is None:
        return name
    port, bit = match[1], match[2]
    if port in (CLOCK, ENABLE) and bit is None:
        return port
    full = f"{port}[{bit or 0}]"
    return full if full in known or not port.endswith("_o") else f"{port[:-2]}[{bit or 0}]"


def check_wiring(top: Mapping[str, object], design: Design) -> None:
    """Raise Mismatch unless the top module is nothing but the parts, each joined to the next.

    Args:
        top: a module as Yosys writes it in JSON.
        design: what it should be.
    """
    ports, cells = _mapping(top["ports"]), _mapping(top["cells"])
    by_type: dict[str, Mapping[str, object]] = {}
    for cell in cells.values():
        kind = str(_mapping(cell)["type"])
        if kind in by_type or kind not in module_names(design):
            raise Mismatch(f"the top module has {'two' if kind in by_type else 'an'} {kind} in it")
        by_type[kind] = _mapping(_mapping(cell)["connections"])
    bits = {_port(name): _mapping(port)["bits"] for name, port in ports.items()}
    signals: dict[str, object] = {port.name: bits.get(port.name) for port in design.inputs if port.size}
    for part, module in zip(design.parts, module_names(design), strict=True):
        if module not in by_type:
            raise Mismatch(f"the top module has no {module} in it")
        wires = {_port(name): wire for name, wire in by_type[module].items()}
        for port in part.inputs:
            if port.size and wires.get(port.name) != signals[port.name]:
                raise Mismatch(f"the port {port.name} of {module} is wired to something else")
        if part.latency:
            for name in (CLOCK, ENABLE):
                if wires.get(name) is None or wires[name] != bits.get(name):
                    raise Mismatch(f"the port {name} of {module} is wired to something else")
        signals = {port.name: wires.get(port.name) for port in part.outputs if port.size}
    for name, signal in signals.items():
        if signal is None or signal != bits.get(name):
            raise Mismatch(f"the output {name} of the top module is wired to something else")


def _port(name: str) -> str:
    return "label" if name == "label_o" else name


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Mismatch(f"expected an object in what Yosys wrote, got {type(value).__name__}")
    return value
