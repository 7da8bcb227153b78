"""What each layer does with one export: prove it, or run it; `readback` parses it again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import FormatError
from lutsmith.formats.assembly import CycleError
from lutsmith.hardware.simulation.answers import Answers, bit_difference
from lutsmith.hardware.simulation.hdl import VERILOG_SIMULATORS, Simulator, ghdl
from lutsmith.hardware.simulation.software import c_compiler, node, onnxruntime, prefix_of
from lutsmith.hardware.toolchain import ToolFailed, ToolMissing, ToolTimeout, find
from lutsmith.hardware.verification.cones import bypassed, keeps_state, next_state
from lutsmith.hardware.verification.elaboration import proved, words_of
from lutsmith.hardware.verification.emission import read
from lutsmith.hardware.verification.graphs import onnx_graph
from lutsmith.hardware.verification.modules import (
    Mismatch,
    ReadModules,
    check_wiring,
    fitted,
    held,
    module_names,
    read_verilog,
    vhdl_as_verilog,
)
from lutsmith.hardware.verification.parts import plain, read_by_abc, sliced
from lutsmith.hardware.verification.programs import c_text, compact_c_text, javascript_text
from lutsmith.hardware.verification.readback import aiger_ports, blif_nodes, check_names, json_nodes
from lutsmith.hardware.verification.report import Check, Layer, Verdict
from lutsmith.hardware.verification.task import Files, Task, only, row
from lutsmith.logic import is_balanced
from lutsmith.logic.design import Part

SLOW_CELLS = 20_000_000
"""LUTs times rows that an interpreting simulator (Icarus, ghdl) is given at most; the rows are thinned out."""


def check(format_: str, files: Files, layer: Layer, task: Task) -> Iterator[Check]:
    """Yield the rows of one layer of one format.

    Args:
        format_: a key of `CHECKS`.
        files: the export.
        layer: one that the format has.
        task: what it is compared with.
    """
    began = time.perf_counter()
    try:
        for found in CHECKS[format_][layer](files, task):
            now = time.perf_counter()
            yield replace(found, format=format_, layer=layer, seconds=now - began)
            began = now
    except ToolMissing as missing:
        yield Check(format_, layer, "all", "not run", str(missing))
    except ToolTimeout as slow:
        verdict: Verdict = "not decided" if layer == "formal" else "not run"
        yield Check(format_, layer, "all", verdict, str(slow).partition(";")[0], time.perf_counter() - began)
    except (ToolFailed, FormatError, Mismatch, CycleError, ValueError) as problem:
        yield Check(format_, layer, "all", "failed", _brief(problem), time.perf_counter() - began)


# Proofs


def _aiger_proof(files: Files, task: Task) -> Iterator[Check]:
    named = read("aiger", only(files))
    check_names(named, task.names("aiger"))
    yield from _prove_flat(named.netlist, task)


def _blif_proof(files: Files, task: Task) -> Iterator[Check]:
    """The file as ABC reads it, which is another reader than ours: part by part, or whole if its names are others."""
    data = only(files)
    text = data.decode("utf-8")
    (whole,) = read_by_abc([text], task.timeout)
    names = task.names("blif")
    check_names(replace(whole, inputs=plain(whole.inputs), outputs=plain(whole.outputs)), names)
    slices = sliced(text, task.written("blif").decode("utf-8"), task.design)
    rows, netlists = [], []
    if slices is not None:
        for part, found in zip(slices, read_by_abc([part.text for part in slices], task.timeout), strict=True):
            try:
                words = words_of(part.part)
                verdict, how = proved(bypassed(found.netlist), bypassed(part.wanted()), task.timeout, words)
            except CycleError:
                verdict, how = "failed", "its registers feed themselves"
            netlists.append((part.part.name, replace(part.part, netlist=part.placed(found.netlist))))
            rows.append(row(part.part.name, verdict, f"the part as ABC reads it: {how}"))
            if verdict == "proved":
                yield rows[-1]
            else:
                break
    if slices is None or rows[-1].verdict != "proved":  # parts may differ where the whole does not
        yield from _prove_flat(whole.netlist, task)
    elif whole.netlist.num_registers or task.design.latency:
        yield _balance(netlists, task.design.latency)


def _prove_flat(found: Netlist, task: Task) -> Iterator[Check]:
    flat = task.design.flat()
    verdict, how = proved(bypassed(found), bypassed(flat.netlist), task.timeout)
    yield row("all", verdict, f"the file as it is read, against the design: {how}")
    if flat.netlist.num_registers or found.num_registers:
        yield _balance([(flat.name, replace(flat, netlist=found))], task.design.latency)


def _verilog_proof(files: Files, task: Task) -> Iterator[Check]:
    yield from _prove_modules(read_verilog(_verilog_only(files), task.design, task.timeout), task)


def _vhdl_proof(files: Files, task: Task) -> Iterator[Check]:
    sources = vhdl_as_verilog(_vhdl_only(files), task.design, task.timeout)
    # ghdl's synthesis has x in branches that are never taken; the simulation would show one that is.
    yield from _prove_modules(read_verilog(sources, task.design, task.timeout, undefined=True), task)


def _prove_modules(modules: ReadModules, task: Task) -> Iterator[Check]:
    """Prove each module, then how they are joined, and where the registers are."""
    design = task.design
    netlists = []
    for part, module in zip(design.parts, module_names(design), strict=True):
        netlist = fitted(modules.netlists[module], part)
        netlists.append(netlist)
        try:
            verdict, how = proved(bypassed(netlist), bypassed(part.netlist), task.timeout, words_of(part))
        except CycleError:
            verdict, how = "failed", "its registers feed themselves"
        yield row(part.name, verdict, f"the module as Yosys reads it: {how}")
    try:
        check_wiring(modules.top, design)
        yield row("wiring", "proved", "the top module is the parts, one after the other")
    except Mismatch as problem:
        yield row("wiring", "failed", str(problem))
    if design.latency or any(netlist.num_registers for netlist in netlists):
        parts = [
            (part.name, replace(part, netlist=netlist)) for part, netlist in zip(design.parts, netlists, strict=True)
        ]
        balance = _balance(parts, design.latency)
        for part, module in zip(design.parts, module_names(design), strict=True):
            stopped = held(modules.netlists[module], part)
            if balance.verdict == "proved" and stopped.num_registers:
                idle = keeps_state(stopped.num_inputs, stopped.num_registers)
                verdict, how = proved(next_state(stopped), idle, task.timeout)
                if verdict != "proved":
                    balance = row("registers", verdict, f"{part.name} does not hold its state while ce is 0: {how}")
        yield balance


def _balance(parts: list[tuple[str, Part]], latency: int) -> Check:
    bad = [name for name, part in parts if not is_balanced(part)]
    count = sum(part.netlist.num_registers for _, part in parts)
    if bad:
        return row(
            "registers", "failed", f"not every path through {', '.join(bad)} crosses as many registers as it should"
        )
    return row("registers", "proved", f"{count:,} registers, every path crosses {latency}")


# Simulation


def _verilog_runs(files: Files, task: Task) -> Iterator[Check]:
    sources = _verilog_only(files)
    reasons = []
    for tool, simulate in VERILOG_SIMULATORS.items():
        try:
            found = find(tool)
            yield _run_bits(sources, task, simulate, str(found), thin=tool == "iverilog")
        except (ToolMissing, ToolTimeout) as reason:
            reasons.append(str(reason).partition("\n")[0])
            continue
        return
    raise ToolMissing("; or ".join(reasons))


def _vhdl_runs(files: Files, task: Task) -> Iterator[Check]:
    yield _run_bits(_vhdl_only(files), task, ghdl, str(find("ghdl")), thin=True)


def _run_bits(sources: Files, task: Task, simulate: Simulator, tool: str, *, thin: bool) -> Check:
    """Run the top module on the words of the rows, and compare every word at every output."""
    circuit, design = task.circuit, task.design
    rows = task.rows
    if thin:
        nodes = sum(part.netlist.num_nodes for part in design.parts)
        rows = thinned(rows, max(64, SLOW_CELLS // max(nodes, 1)))
    if design.words is not None:
        words = design.words.quantise(rows)
        rows = design.words.values(words)
        bits = design.inputs[0].bits(words.astype(np.int64))
    else:
        bits = circuit.encoder.encode(rows)
    expected = Answers.of(circuit, rows).bits(design)
    found = simulate(sources, design, bits, task.timeout)
    problem = bit_difference(design, expected, found)
    if problem:
        return row("all", "failed", f"{tool}: {problem}", len(rows))
    return row("all", "simulated", f"{len(rows):,} rows, {tool}", len(rows))


def _c_runs(files: Files, task: Task) -> Iterator[Check]:
    rows: NDArray[Any] = task.rows
    words = task.design.words
    meant = task.rows
    if task.fixed and words is not None and not words.is_float:
        rows = words.quantise(task.rows)
        meant = words.values(rows)
    expected = Answers.of(task.circuit, meant)
    data = only(files)
    one, many = c_compiler(task.circuit, data, rows, task.timeout, name=prefix_of(data))
    for how, given in (("one sample", one), ("many samples", many)):
        problem = expected.difference(given)
        text = f"{len(rows):,} rows, {find('cc')}"
        yield row(how, "failed" if problem else "simulated", problem or text, len(rows))


def _javascript_runs(files: Files, task: Task) -> Iterator[Check]:
    yield _compared(node(task.circuit, only(files), task.rows, task.timeout), task, str(find("node")))


def _onnx_runs(files: Files, task: Task) -> Iterator[Check]:
    yield _compared(onnxruntime(task.circuit, only(files), task.rows, task.timeout), task, "onnxruntime")


def _json_runs(files: Files, task: Task) -> Iterator[Check]:
    from lutsmith.export import from_json

    yield _compared(_engine_answers(from_json(only(files).decode("utf-8")), task.rows), task, "read and predicted")


def _engine_answers(circuit: Circuit, rows: NDArray[np.float32]) -> Answers:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # edge rows lie outside of the fitted range, on purpose
        if circuit.head is None:
            return Answers(circuit.outputs(rows))
        return Answers(circuit.outputs(rows), circuit.decision_function(rows), circuit.predict(rows))


def _compared(given: Answers, task: Task, tool: str) -> Check:
    problem = Answers.of(task.circuit, task.rows).difference(given)
    if problem:
        return row("all", "failed", f"{tool}: {problem}", len(task.rows))
    return row("all", "simulated", f"{len(task.rows):,} rows, {tool}", len(task.rows))


def thinned(rows: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return at most so many rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    chosen: NDArray[np.float32] = rows[np.linspace(0, len(rows) - 1, most).astype(int)]
    return chosen


def _verilog_only(files: Files) -> dict[str, bytes]:
    """Return the Verilog among files, with models of LUT1 to LUT6 where it has such instances and no models."""
    from lutsmith.export import verilog_primitives

    chosen = {name: data for name, data in files.items() if name.endswith(".v")}
    text = b"\n".join(chosen.values())
    if re.search(rb"^\s*LUT[1-6]\b", text, re.MULTILINE) and b"module LUT" not in text:
        chosen["primitives.v"] = verilog_primitives().encode()
    return chosen


def _vhdl_only(files: Files) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.endswith((".vhd", ".vhdl"))}


def _brief(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text if len(text) <= 600 else f"{text[:200]} ... {text[-395:]}"


Checker = Callable[[Files, Task], Iterator[Check]]

CHECKS: dict[str, dict[str, Checker]] = {
    "verilog": {"formal": _verilog_proof, "simulation": _verilog_runs},
    "vhdl": {"formal": _vhdl_proof, "simulation": _vhdl_runs},
    "blif": {"read-back": blif_nodes, "formal": _blif_proof},
    "aiger": {"read-back": aiger_ports, "formal": _aiger_proof},
    "aiger-ascii": {"read-back": aiger_ports, "formal": _aiger_proof},
    "json": {"read-back": json_nodes, "simulation": _json_runs},
    "c": {"read-back": c_text, "simulation": _c_runs},
    "c-compact": {"read-back": compact_c_text, "simulation": _c_runs},
    "javascript": {"read-back": javascript_text, "simulation": _javascript_runs},
    "onnx": {"read-back": onnx_graph, "simulation": _onnx_runs},
}
"""The layers that each format has, and what does them. Other layers mean nothing for it: programs are not proved, files
of logic are not run.
"""
