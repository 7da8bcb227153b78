"""AXI4-Stream around the Verilog of a design: samples come in on one stream, results leave on another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Unpack

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.errors import ExportError
from lutsmith.export.hdl.names import in_verilog
from lutsmith.ground.arrays import integers
from lutsmith.logic.design import Design, Port

_OWN = frozenset(
    {"aclk", "aresetn", "advance", "sample_valid", "whole_sample", "stage_valid", "stage_last", "result"}
    | {"transfer", "collected", "complete"}
)
"""Names in the wrapper, besides those of the streams."""


def to_axi_stream(
    circuit: Circuit,
    *,
    beat_bits: int | None = None,
    **options: Unpack[DesignOptions],
) -> str:
    """Return the wrapper `<name>_axis` around the Verilog of a circuit.

    Args:
        circuit: any circuit.
        beat_bits: as of `axi_stream_of`.
        **options: those that the Verilog was written with: words, encoder, head, pipeline and name.

    Raises:
        ExportError: as of `axi_stream_of`.
        TypeError, ValueError: what `designed` refuses.
    """
    design = designed(circuit, **options)
    return axi_stream_of(design, beat_bits=beat_bits)


def axi_stream_of(design: Design, *, beat_bits: int | None = None) -> str:
    """Return module `<name>_axis` in Verilog 2001, which instantiates `<name>`.

    A sample is one transfer, or several of `beat_bits` bits each, the lowest first. While the results are not taken,
    the design stands still and takes no sample, so nothing is lost. Logic without registers gets one register at its
    end. In `tdata`, each port begins on a byte, and unused bits are zero. `tlast` goes with its sample; where it comes
    before the last transfer of a sample, that sample is dropped, and the next transfer begins another.

    Args:
        design: any design with inputs and outputs.
        beat_bits: bits of a transfer in, a multiple of 8; None takes a sample whole.

    Raises:
        ExportError: a name that Verilog does not allow, a design without inputs or outputs, or other `beat_bits`.
    """
    inner, outer = in_verilog(design), in_verilog(design, taken=_OWN)
    into, in_bits = _layout(inner.inputs, outer.inputs)
    out, out_bits = _layout(inner.outputs, outer.outputs)
    if not into or not out:
        raise ExportError(f"{design!r} has no {'inputs' if not into else 'outputs'}, and a stream needs some")
    beat = in_bits if beat_bits is None else int(integers("beat_bits", beat_bits, low=1, high=1 << 31))
    if beat % 8:
        raise ExportError(f"beat_bits is {beat}, expected a multiple of 8")
    return "\n".join(_wrapper(design, into, in_bits, out, out_bits, min(beat, in_bits)))


class _Placed(NamedTuple):
    """A port in a stream: as the wrapper calls it, what the design calls it, and its first bit there."""

    port: Port
    inner: str
    start: int


def _layout(inner: tuple[Port, ...], outer: tuple[Port, ...]) -> tuple[list[_Placed], int]:
    """Return where each port begins, on a byte, and the bits in all."""
    places, total = [], 0
    for own, port in zip(inner, outer, strict=True):
        if port.size:
            places.append(_Placed(port, own.name, total))
            total += 8 * -(-port.size // 8)
    return places, total


def _wrapper(
    design: Design, into: list[_Placed], in_bits: int, out: list[_Placed], out_bits: int, beat: int
) -> Iterator[str]:
    beats = -(-in_bits // beat)
    clocked = any(part.netlist.num_registers for part in design.parts)
    stages = max(1, design.latency)
    yield f"// {design.name}_axis: {design.name} between AXI4-Streams. Written by lutsmith."
    yield "//"
    yield f"// s_axis_tdata: a sample is {beats} transfer{'s' if beats > 1 else ''} of {beat} bits, the lowest first."
    yield from (f"//   {port.name}: bits {start + port.size - 1}:{start} of a sample" for port, _, start in into)
    yield "// m_axis_tdata: a result is one transfer."
    yield from (f"//   {port.name}: bits {start + port.size - 1}:{start}" for port, _, start in out)
    yield f"// Latency: {stages} clock cycle{'s' if stages > 1 else ''} from the last transfer of a sample."
    yield ""
    padded = beats * beat > sum(port.size for port, _, _ in into)
    if padded:
        yield "// Bits beyond a sample are read by nothing."
        yield "// verilator lint_off UNUSEDSIGNAL"
    yield f"module {design.name}_axis ("
    yield "  input wire aclk,"
    yield "  input wire aresetn,"
    yield f"  input wire [{beat - 1}:0] s_axis_tdata,"
    yield "  input wire s_axis_tvalid,"
    yield "  output wire s_axis_tready,"
    yield "  input wire s_axis_tlast,"
    yield f"  output wire [{out_bits - 1}:0] m_axis_tdata,"
    yield "  output wire m_axis_tvalid,"
    yield "  input wire m_axis_tready,"
    yield "  output wire m_axis_tlast"
    yield ");"
    yield from (f"  wire [{port.size - 1}:0] {port.name};" for port, _, _ in (*into, *out))
    yield "  // The design moves on unless a result waits."
    yield f"  reg [{stages - 1}:0] stage_valid;"
    yield f"  reg [{stages - 1}:0] stage_last;"
    yield f"  wire advance = m_axis_tready | ~stage_valid[{stages - 1}];"
    yield from (_whole(beat) if beats == 1 else _collected(beat, beats))
    for port, _, start in into:
        yield f"  assign {port.name} = whole_sample[{start + port.size - 1}:{start}];"
    # Registers that are a state, not stages, step only where a sample is there.
    enable = "advance" if design.latency else "advance & sample_valid"
    wires = ["clk(aclk)", f"ce({enable})"] if clocked else []
    wires += [f"{inner}({port.name})" for port, inner, _ in (*into, *out)]
    yield f"  {design.name} u_{design.name} ({', '.join(f'.{wire}' for wire in wires)});"
    yield "  always @(posedge aclk)"
    yield f"    if (!aresetn) stage_valid <= {stages}'b0;"
    yield f"    else if (advance) stage_valid <= {_shifted('stage_valid', 'sample_valid', stages)};"
    yield "  always @(posedge aclk)"
    yield f"    if (advance) stage_last <= {_shifted('stage_last', 's_axis_tlast', stages)};"
    results = ", ".join(_padded(out, out_bits))
    if design.latency:
        yield f"  assign m_axis_tdata = {{{results}}};"
    else:
        yield f"  reg [{out_bits - 1}:0] result;"
        yield "  always @(posedge aclk)"
        yield f"    if (advance) result <= {{{results}}};"
        yield "  assign m_axis_tdata = result;"
    yield f"  assign m_axis_tvalid = stage_valid[{stages - 1}];"
    yield f"  assign m_axis_tlast = stage_last[{stages - 1}];"
    yield "endmodule"
    if padded:
        yield "// verilator lint_on UNUSEDSIGNAL"
    yield ""


def _whole(beat: int) -> Iterator[str]:
    yield "  wire sample_valid = s_axis_tvalid;"
    yield "  assign s_axis_tready = advance;"
    yield f"  wire [{beat - 1}:0] whole_sample = s_axis_tdata;"


def _collected(beat: int, beats: int) -> Iterator[str]:
    digits = (beats - 1).bit_length()
    kept = (beats - 1) * beat
    yield "  // All transfers of a sample but the last are kept; the last one enters the design with them."
    yield f"  reg [{digits - 1}:0] transfer;"
    yield f"  reg [{kept - 1}:0] collected;"
    yield f"  wire complete = transfer == {digits}'d{beats - 1};"
    yield "  wire sample_valid = s_axis_tvalid & complete;"
    yield "  assign s_axis_tready = advance | ~complete;"
    yield f"  wire [{beats * beat - 1}:0] whole_sample = {{s_axis_tdata, collected}};"
    yield "  always @(posedge aclk)"
    yield f"    if (!aresetn) transfer <= {digits}'d0;"
    yield "    else if (s_axis_tvalid & s_axis_tready)"
    yield f"      transfer <= complete | s_axis_tlast ? {digits}'d0 : transfer + {digits}'d1;"
    yield "  always @(posedge aclk)"
    moved = "s_axis_tdata" if beats == 2 else f"{{s_axis_tdata, collected[{kept - 1}:{beat}]}}"
    yield f"    if (s_axis_tvalid & ~complete) collected <= {moved};"


def _shifted(register: str, entering: str, stages: int) -> str:
    return entering if stages == 1 else f"{{{register}[{stages - 2}:0], {entering}}}"


def _padded(places: list[_Placed], bits: int) -> Iterator[str]:
    """The ports and the zeros between them, the highest first."""
    end = bits
    for port, _, start in reversed(places):
        gap = end - start - port.size
        if gap:
            yield f"{gap}'b0"
        yield port.name
        end = start
