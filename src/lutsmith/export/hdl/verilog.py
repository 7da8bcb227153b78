"""Verilog 2001: a module for each part of a design, and one that joins them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Unpack

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.errors import ExportError
from lutsmith.export.expressions import Syntax
from lutsmith.export.hdl.header import header, shared_summary, summary
from lutsmith.export.hdl.names import in_verilog, module_of, modules_of, renamed
from lutsmith.export.hdl.notes import Notes, class_constants
from lutsmith.export.hdl.signals import NOTHING_SAID, Said, Signals, declared, remarks
from lutsmith.ground.arguments import one_of
from lutsmith.logic.design import Design, Part, Port

Primitives = Literal["portable", "xilinx"]
"""Of what LUTs are made: expressions that every tool reads, or the LUT1 to LUT6 of Xilinx devices."""

PRIMITIVES = ("portable", "xilinx")

SYNTAX = Syntax("~", " & ", " | ", " ^ ", "{0} ? {1} : {2}", "1'b0", "1'b1")

FORMS = {"portable": "expressions", "xilinx": "LUT1 to LUT6"}


def to_verilog(
    circuit: Circuit,
    *,
    primitives: Primitives = "portable",
    comments: bool = True,
    **options: Unpack[DesignOptions],
) -> str:
    """Return a circuit as one file of Verilog 2001: the design of `designed`, as `verilog_of` writes it.

    The top module is `name`; the parts are `<name>_encoder`, `<name>_network`, `<name>_popcount`, `<name>_decision`,
    and before the network a module for each part that has instances in it.

    Args:
        circuit: any circuit.
        primitives: as of `verilog_of`.
        comments: as of `verilog_of`.
        **options: of `designed`: words, encoder, head, pipeline and name.

    Raises:
        ExportError: `name` is not an identifier, or a reserved word.
        TypeError, ValueError: what `designed` refuses.
    """
    design = designed(circuit, **options)
    return verilog_of(design, primitives=primitives, comments=comments, notes=Notes.of(circuit))


def verilog_of(
    design: Design, *, primitives: Primitives = "portable", comments: bool = True, notes: Notes | None = None
) -> str:
    """Return a design as one file of Verilog 2001. Deterministic.

    Ports are flat buses with the names of the design's ports; a part with registers also has `clk` and `ce`. Node k of
    level l is `l<l>_<k>`, register i is `r<i>`, bit b of word w of a port x is `x_<w>_<b>`, or `x_<w>` where words are
    single bits. A shared part p is a module `<name>_<p>` with ports `i` and `o`, instance k of it is `u_<p>_i<k>`. A
    port whose name is taken, such as `clk`, gets `_o` behind it.

    Args:
        design: any design.
        primitives: "portable" writes expressions; "xilinx" instances of LUT1 to LUT6 with their INIT, which
            `verilog_primitives` models for other tools.
        comments: whether to write a header, and thresholds and names beside what they belong to.
        notes: what comments say beyond the design.

    Raises:
        ExportError: a name that Verilog does not allow, or unknown primitives.
    """
    one_of("primitives", primitives, PRIMITIVES, ExportError)
    named = in_verilog(design)
    lines: list[str] = []
    if comments:
        lines += [f"// {line}".rstrip() for line in header(design, notes, FORMS[primitives], renamed(design, named))]
        lines.append("")
    lines.append("// The modules of all parts stand in one file.")
    lines.append("// verilator lint_off DECLFILENAME")
    for part, own, module in zip(named.parts, design.parts, modules_of(design), strict=True):
        for shared in part.shared:
            box = f"{design.name}_{shared.name}"
            lines += ["", *([f"// {shared_summary(shared, part, box)}"] if comments else [])]
            lines += _part(module_of(shared), design.name, box, primitives, NOTHING_SAID, comments)
        lines.append("")
        if comments:
            lines.append(f"// {summary(part, module)}")
        said = remarks(own, design, notes if comments else None)
        lines += _part(part, design.name, module, primitives, said, comments)
    lines.append("")
    lines += _top(named, class_constants(design, notes))
    lines += ["// verilator lint_on DECLFILENAME", ""]
    return "\n".join(lines)


def verilog_primitives() -> str:
    """Return models of LUT1 to LUT6 in Verilog 2001, for simulators and other tools than the vendor's."""
    lines = ["// LUT1 to LUT6: output O is bit {I5, ..., I0} of INIT.", "// verilator lint_off DECLFILENAME"]
    for rank in range(1, MAX_RANK + 1):
        bits = 1 << rank
        inputs = ", ".join(f"input wire I{slot}" for slot in range(rank))
        lines += [
            "",
            f"module LUT{rank} #(parameter [{bits - 1}:0] INIT = {bits}'h0) (output wire O, {inputs});",
        ]
        source = "INIT"
        for slot in range(rank - 1, 0, -1):
            half = 1 << slot
            lines.append(
                f"  wire [{half - 1}:0] s{slot} = I{slot} ? {source}[{2 * half - 1}:{half}] : {source}[{half - 1}:0];"
            )
            source = f"s{slot}"
        lines += [f"  assign O = I0 ? {source}[1] : {source}[0];", "endmodule"]
    return "\n".join([*lines, "// verilator lint_on DECLFILENAME", ""])


def _part(part: Part, name: str, module: str, primitives: str, said: Said, comments: bool) -> Iterator[str]:
    signals = Signals(part, whole=primitives == "xilinx")
    if signals.idle:
        yield f"// {signals.idle}"
        yield "// verilator lint_off UNUSEDSIGNAL"
    yield from _module(module, part.inputs, part.outputs, part.netlist.num_registers > 0)
    yield from declared("reg", [name for name, _, _ in signals.registers], ";")
    yield from declared("wire", signals.given, ";")
    yield from (_expressions if primitives == "portable" else _luts)(signals, said[0], comments)
    for box in signals.boxes:
        clock = ".clk(clk), .ce(ce), " if box.clocked else ""
        ends = [
            f".{port}({{{', '.join(wires[::-1])}}})" for port, wires in (("i", box.reads), ("o", box.gives)) if wires
        ]
        yield f"  {name}_{box.part} u_{box.name} ({clock}{', '.join(ends)});"
    if signals.netlist.num_registers:
        yield "  initial begin"
        yield from (f"    {name} = 1'b{value:d};" for name, _, value in signals.registers)
        yield "  end"
        yield "  always @(posedge clk)"
        yield "    if (ce) begin"
        yield from (f"      {name} <= {taken};" for name, taken, _ in signals.registers)
        yield "    end"
    for number, port, place, name in signals.outputs:
        yield f"  assign {port}[{place}] = {name};{_remark(said[1], number)}"
    yield "endmodule"
    if signals.idle:
        yield "// verilator lint_on UNUSEDSIGNAL"


def _remark(said: Mapping[int, str], number: int) -> str:
    return f"  // {said[number]}" if number in said else ""


def _expressions(signals: Signals, said: Mapping[int, str], comments: bool) -> Iterator[str]:
    """All LUTs in one block, in their order: simulators go through it once, where wires would be evaluated again and
    again while a change ripples. Constants, and parts that read no input, stay outside: no change would start it. LUTs
    that stand behind instances have a block for each number of them, so that no block waits for its own results.
    """
    nodes = list(zip(signals.nodes, signals.expressions(SYNTAX), strict=True))
    reads = [(number, name, f"{port}[{place}]") for number, name, port, place in signals.inputs]
    if not reads:
        yield from (f"  wire {name} = {template.format(*fanin)};" for (name, fanin), template in nodes)
        return
    yield from (f"  wire {name} = {template};" for (name, fanin), template in nodes if not fanin)
    segments = signals.segments
    several = segments.max(initial=0) > 0
    levels = [""] * len(nodes) if several or not comments else signals.levels
    if comments:
        blocks = "blocks below, which are logic. Each" if several else "block below, which is logic. It"
        yield f"  // No registers: set by the {blocks} goes through all LUTs in their order."
    yield from declared("reg", [name for _, name, _ in reads], ";")
    yield from declared("reg", [name for (name, fanin), _ in nodes if fanin], ";")
    for segment in np.union1d([0], segments).tolist():
        if several and comments:
            yield f"  // Behind {segment} instance{'s' if segment != 1 else ''}:"
        yield "  always @* begin"
        if segment == 0:
            yield from (f"    {name} = {bit};{_remark(said, number)}" for number, name, bit in reads)
        for place in np.flatnonzero(segments == segment).tolist():
            (name, fanin), template = nodes[place]
            if levels[place]:
                yield f"    // {levels[place]}."
            if fanin:
                yield f"    {name} = {template.format(*fanin)};"
        yield "  end"


def _luts(signals: Signals, said: Mapping[int, str], comments: bool) -> Iterator[str]:
    for number, name, port, place in signals.inputs:
        yield f"  wire {name} = {port}[{place}];{_remark(said, number)}"
    tables = signals.netlist.tables().tolist()
    yield from (
        f"  wire {name} = 1'b{table};" for (name, reads), table in zip(signals.nodes, tables, strict=True) if not reads
    )
    yield from declared("wire", [name for name, reads in signals.nodes if reads], ";")
    for (name, reads), table, above in zip(signals.nodes, tables, signals.levels, strict=True):
        if above and comments:
            yield f"  // {above}."
        if reads:
            bits = 1 << len(reads)
            wires = "".join(f", .I{slot}({read})" for slot, read in enumerate(reads))
            init = f"{bits}'h{table:0{max(1, bits // 4)}x}"
            yield f"  LUT{len(reads)} #(.INIT({init})) u_{name} (.O({name}){wires});"


def _module(name: str, inputs: Iterable[Port], outputs: Iterable[Port], clocked: bool) -> Iterator[str]:
    ports = ["input wire clk", "input wire ce"] if clocked else []
    ports += [f"input wire [{port.size - 1}:0] {port.name}" for port in inputs if port.size]
    ports += [f"output wire [{port.size - 1}:0] {port.name}" for port in outputs if port.size]
    if not ports:
        yield f"module {name};"
        return
    yield f"module {name} ("
    yield ",\n".join(f"  {port}" for port in ports)
    yield ");"


def _top(design: Design, numbers: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    clocked = [part.netlist.num_registers > 0 for part in design.parts]
    yield from _module(design.name, design.inputs, design.outputs, any(clocked))
    if told := [f"  localparam integer {name} = {index};  // {label}" for name, index, label in numbers]:
        yield "  // For who reads this file: nothing in it uses them."
        yield "  // verilator lint_off UNUSEDPARAM"
        yield from told
        yield "  // verilator lint_on UNUSEDPARAM"
    for part in design.parts[:-1]:
        for port in part.outputs:
            if port.size:
                yield f"  wire [{port.size - 1}:0] {port.name};"
    for part, module, has_clock in zip(design.parts, modules_of(design), clocked, strict=True):
        wires = ["clk", "ce"] if has_clock else []
        wires += [port.name for port in (*part.inputs, *part.outputs) if port.size]
        yield f"  {module} u_{part.name} ({', '.join(f'.{wire}({wire})' for wire in wires)});"
    yield "endmodule"
