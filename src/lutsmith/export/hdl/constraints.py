"""Constraints to start from: the clock, and places to fill in the pins of a board."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, Unpack

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.errors import ExportError
from lutsmith.export.hdl.names import in_verilog
from lutsmith.ground.arguments import number, one_of
from lutsmith.logic.design import Design

Kind = Literal["xdc", "sdc", "lpf", "pcf"]
"""Vivado; Synopsys constraints, which Quartus, Gowin, OpenROAD read; Lattice ECP5; Lattice iCE40."""

KINDS = ("xdc", "sdc", "lpf", "pcf")


def to_constraints(
    circuit: Circuit,
    *,
    kind: Kind = "xdc",
    period: float = 10.0,
    **options: Unpack[DesignOptions],
) -> str:
    """Return constraints for the Verilog or VHDL of a circuit.

    Args:
        circuit: any circuit.
        kind: as of `constraints_of`.
        period: as of `constraints_of`.
        **options: those that it was written with: words, encoder, head, pipeline and name.

    Raises:
        ExportError: as of `constraints_of`.
        TypeError, ValueError: what `designed` refuses.
    """
    design = designed(circuit, **options)
    return constraints_of(design, kind=kind, period=period)


def constraints_of(design: Design, *, kind: Kind = "xdc", period: float = 10.0) -> str:
    """Return constraints for the top module of a design.

    Args:
        design: any design.
        kind: the tools that read them.
        period: nanoseconds of a clock cycle; for logic without registers, of the longest path.

    Raises:
        ExportError: an unknown kind, a period that is not above 0, or a name that Verilog does not allow.
        TypeError: a period that is not a number.
    """
    one_of("kind", kind, KINDS, ExportError)
    number("period", period, lambda given: 0 < given < math.inf, "nanoseconds above 0", ExportError)
    named = in_verilog(design)
    clocked = any(part.netlist.num_registers for part in design.parts)
    lines = [f"# {design.name}: {kind.upper()} constraints to begin with. Written by lutsmith.", ""]
    lines += _synopsys(kind, period, clocked) if kind in ("xdc", "sdc") else _lattice(kind, period, clocked)
    lines += ["", "# Pins are the board's:"]
    lines += [f"# {line}" for line in _pins(named, kind, clocked)]
    return "\n".join([*lines, ""])


def _synopsys(kind: str, period: float, clocked: bool) -> Iterator[str]:
    clock = "clk" if clocked else "path"
    if clocked:
        yield f"create_clock -name clk -period {period:.3f} [get_ports clk]"
    else:
        yield "# No registers: a clock that is nowhere bounds the paths from inputs to outputs."
        yield f"create_clock -name path -period {period:.3f}"
    inputs = "[all_inputs]"
    if clocked:
        inputs = "[filter [all_inputs] {NAME != clk}]" if kind == "xdc" else "[remove_from_collection [all_inputs] clk]"
    yield "# What the world outside takes of a cycle:"
    yield f"set_input_delay 0.000 -clock {clock} {inputs}"
    yield f"set_output_delay 0.000 -clock {clock} [all_outputs]"


def _lattice(kind: str, period: float, clocked: bool) -> Iterator[str]:
    megahertz = 1000.0 / period
    if not clocked:
        yield "# No registers: there is no clock to constrain."
    elif kind == "lpf":
        yield f'FREQUENCY PORT "clk" {megahertz:.3f} MHZ;'
    else:
        yield f"set_frequency clk {megahertz:.3f}"


def _pins(design: Design, kind: str, clocked: bool) -> Iterator[str]:
    form = {
        "xdc": "set_property -dict {{PACKAGE_PIN PIN IOSTANDARD LVCMOS33}} [get_ports {{{0}}}]",
        "sdc": "{0}: in the pin file of the tool",
        "lpf": 'LOCATE COMP "{0}" SITE "PIN"; IOBUF PORT "{0}" IO_TYPE=LVCMOS33;',
        "pcf": "set_io {0} PIN",
    }[kind]
    for name in ("clk", "ce") if clocked else ():
        yield form.format(name)
    for port in (*design.inputs, *design.outputs):
        if port.size:
            yield form.format(f"{port.name}[0]") + (f"  and so on to [{port.size - 1}]" if port.size > 1 else "")
