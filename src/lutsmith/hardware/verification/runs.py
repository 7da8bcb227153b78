"""Runs of one export: in simulators, compilers and runtimes it has to give the circuit's answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.cycles import Machine
from lutsmith.circuit.readout import Readout
from lutsmith.export.programs.c import words_of_c
from lutsmith.export.programs.c.inputs import takes_floats
from lutsmith.export.programs.c.quantise import has_quantise
from lutsmith.hardware.simulation.answers import Answers, bit_difference
from lutsmith.hardware.simulation.hdl import VERILOG_SIMULATORS, Simulator, ghdl
from lutsmith.hardware.simulation.software import c_compiler, node, onnxruntime, prefix_of, webassembly
from lutsmith.hardware.tools.tool import ToolMissing, ToolTimeout
from lutsmith.hardware.tools.toolchain import find
from lutsmith.hardware.verification.case import Case, Files, only, row
from lutsmith.hardware.verification.readback.descriptions import source_of
from lutsmith.hardware.verification.readback.modules import module_of
from lutsmith.hardware.verification.readers.primitives import with_primitives
from lutsmith.hardware.verification.report import Check
from lutsmith.hardware.verification.rows import dealt

SLOW_CELLS = 20_000_000
"""LUTs times rows that an interpreting simulator (Icarus, ghdl) is given at most; the rows are thinned out."""


def verilog_runs(files: Files, case: Case) -> Iterator[Check]:
    """The top module in Verilator, or in Icarus where that is missing."""
    source_of("verilog", files, case)
    sources = with_primitives(files)
    reasons = []
    for tool, simulate in VERILOG_SIMULATORS.items():
        try:
            found = find(tool)
            yield _run_bits(sources, case, simulate, str(found), thin=tool == "iverilog")
        except (ToolMissing, ToolTimeout) as reason:
            reasons.append(str(reason).partition("\n")[0])
            continue
        return
    raise ToolMissing("; or ".join(reasons))


def vhdl_runs(files: Files, case: Case) -> Iterator[Check]:
    """The top entity in ghdl."""
    source_of("vhdl", files, case)
    yield _run_bits(files, case, ghdl, str(find("ghdl")), thin=True)


def _run_bits(sources: Files, case: Case, simulate: Simulator, tool: str, *, thin: bool) -> Check:
    """Run the top module on the words of the rows, and compare every word at every output.

    A circuit with a state is run on streams, each of them once more from the initial values of the registers.
    """
    circuit, design = case.circuit, case.design
    rows, streams = case.rows, 1
    if thin:
        nodes = sum(part.netlist.num_nodes for part in design.parts)
        rows = thinned(rows, max(64, SLOW_CELLS // max(nodes, 1)))
    if case.stateful:
        dealt_rows = dealt(rows)
        streams, rows = len(dealt_rows), dealt_rows.reshape(-1, rows.shape[1])
    if design.words is not None:
        words = design.words.quantise(rows)
        rows = design.words.values(words)
        bits = design.inputs[0].bits(words)
    else:
        bits = circuit.inputs.encode(rows)
    expected = _answers(circuit, rows, streams).bits(design)
    found = simulate(sources, design, bits, case.timeout, runs=streams, confined=case.foreign)
    problem = bit_difference(design, expected, found)
    if problem:
        return row("all", "failed", f"{tool}: {problem}", len(rows))
    return row("all", "simulated", f"{_counted(rows, streams, case)}, {tool}", len(rows))


def _answers(circuit: Circuit, rows: NDArray[Any], streams: int) -> Answers:
    """Return what the specification says of rows (N, F), which are streams one after the other if there is a state."""
    if not circuit.netlist.num_registers:
        return Answers.of(circuit, rows)
    return Answers.of_streams(circuit, rows.reshape(streams, -1, rows.shape[1]))


def _counted(rows: NDArray[Any], streams: int, case: Case) -> str:
    cycles = f", {streams} streams of {len(rows) // streams:,} cycles" if case.stateful and streams else ""
    return f"{len(rows):,} rows{cycles}"


def c_runs(files: Files, case: Case) -> Iterator[Check]:
    """The header by the system's compiler: one sample at a time, and many; with a state, one stream and many, too."""
    circuit, rows = case.circuit, case.rows
    streams = dealt(rows) if case.stateful else None
    if streams is not None:
        rows = streams.reshape(-1, rows.shape[1])
    words = words_of_c(circuit, case.software.words)
    given, meant = rows, rows
    if not takes_floats(words):
        given = words.quantise(rows)
        meant = words.values(given)
    data = only(files)
    options: dict[str, Any] = {"name": prefix_of(data), "confined": case.foreign}
    if has_quantise(words):
        options["numbers"] = rows
    expected = [Answers.of(circuit, meant)] * 2
    if streams is not None and len(streams):
        options["streams"] = len(streams)
        expected += [Answers.of_streams(circuit, meant.reshape(streams.shape))] * 2
    said = c_compiler(circuit, data, given, case.timeout, **options)
    hows = ("one sample", "many samples", "one stream", "many streams")
    for how, wanted, found in zip(hows, expected, said, strict=False):
        problem = wanted.difference(found)
        text = f"{_counted(rows, len(streams), case) if streams is not None else f'{len(rows):,} rows'}, {find('cc')}"
        yield row(how, "failed" if problem else "simulated", problem or text, len(rows))


def javascript_runs(files: Files, case: Case) -> Iterator[Check]:
    """The module in node, with WebAssembly and without."""
    yield from _program_runs(node, files, case, str(find("node")))


def webassembly_runs(files: Files, case: Case) -> Iterator[Check]:
    """The module in node, by the script of the export."""
    yield from _program_runs(webassembly, module_of(files), case, str(find("node")))


def onnx_runs(files: Files, case: Case) -> Iterator[Check]:
    """The model in onnxruntime."""
    yield from _program_runs(onnxruntime, files, case, "onnxruntime")


def _program_runs(run: Callable[..., Answers], files: Files, case: Case, tool: str) -> Iterator[Check]:
    """What a program says of rows; of a circuit with a state, as first cycles, and as streams."""
    given = run(case.circuit, only(files), case.rows, case.timeout, confined=case.foreign)
    found = _compared(given, case, tool)
    if not case.stateful or found.verdict == "failed":
        yield found
        return
    yield replace(found, part="a first cycle")
    streams = dealt(case.rows)
    rows = streams.reshape(-1, streams.shape[2])
    given = run(case.circuit, only(files), rows, case.timeout, streams=len(streams), confined=case.foreign)
    problem = Answers.of_streams(case.circuit, streams).difference(given)
    text = f"{tool}: {problem}" if problem else f"{_counted(rows, len(streams), case)}, {tool}"
    yield row("streams", "failed" if problem else "simulated", text, len(rows))


def json_runs(files: Files, case: Case) -> Iterator[Check]:
    """The document, read and predicted by the engine."""
    from lutsmith.export import from_json_text

    circuit = from_json_text(only(files).decode("utf-8"))
    if case.stateful:
        yield _machine_run(circuit, case)
    else:
        yield _compared(_engine_answers(circuit, case.rows), case, "read and predicted")


def _machine_run(circuit: Circuit, case: Case) -> Check:
    """Run a circuit with a state that was read, by the engine."""
    streams = dealt(case.rows)
    outputs = Machine(circuit.inputs, circuit.netlist).run(streams, method="outputs")
    given = Answers.of_outputs(circuit, outputs.reshape(-1, outputs.shape[2]))
    problem = Answers.of_streams(case.circuit, streams).difference(given)
    rows = streams.reshape(-1, streams.shape[2])
    if problem:
        return row("all", "failed", f"read and run: {problem}", len(rows))
    return row("all", "simulated", f"{_counted(rows, len(streams), case)}, read and run", len(rows))


def _engine_answers(circuit: Circuit, rows: NDArray[np.float32]) -> Answers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # edge rows lie outside of the fitted range, on purpose
        said = Readout(circuit.head, circuit.objective, circuit.classes)
        scores = circuit.decision_function(rows) if said.has("decision_function") else None
        return Answers(circuit.outputs(rows), scores, circuit.predict(rows) if said.has("predict") else None)


def _compared(given: Answers, case: Case, tool: str) -> Check:
    problem = Answers.of(case.circuit, case.rows).difference(given)
    if problem:
        return row("all", "failed", f"{tool}: {problem}", len(case.rows))
    return row("all", "simulated", f"{len(case.rows):,} rows, {tool}", len(case.rows))


def thinned(rows: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return at most so many rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    chosen: NDArray[np.float32] = rows[np.linspace(0, len(rows) - 1, most).astype(int)]
    return chosen
