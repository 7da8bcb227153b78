"""What each layer does with one export: prove it, or run it; `readback` parses it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lutsmith.hardware.tools.tool import ToolFailed, ToolMissing, ToolTimeout
from lutsmith.hardware.verification.case import Case, Files
from lutsmith.hardware.verification.proofs import aiger_proof, blif_proof, verilog_proof, vhdl_proof
from lutsmith.hardware.verification.readback.descriptions import located, verilog_text, vhdl_text
from lutsmith.hardware.verification.readback.graphs import onnx_graph
from lutsmith.hardware.verification.readback.modules import webassembly_bytes
from lutsmith.hardware.verification.readback.nodes import aiger_ports, blif_nodes, json_nodes
from lutsmith.hardware.verification.readback.programs import c_text, compact_c_text, javascript_text
from lutsmith.hardware.verification.report import LAYERS, Check, Layer, Verdict
from lutsmith.hardware.verification.runs import (
    c_runs,
    javascript_runs,
    json_runs,
    onnx_runs,
    verilog_runs,
    vhdl_runs,
    webassembly_runs,
)

PROGRAMS = ("c", "c-compact", "javascript", "webassembly")
"""Formats whose files do whatever they please when they are run."""


def check_files(
    format_: str, files: Files, layers: Sequence[Layer], case: Case, name: str | None = None
) -> Iterator[Check]:
    """Yield the rows of the layers of one format. Any error in the files becomes a row.

    Args:
        format_: a key of `CHECKS`.
        files: the export, or files that were handed in. Those are read back whatever the layers are.
        layers: those that are wanted; what the format does not have is left out, unless nothing is left.
        case: what the files are compared with.
        name: that of the top module in files that were handed in, where they do not say it.
    """
    known = CHECKS[format_]
    chosen = [
        layer for layer in LAYERS if layer in known and (layer in layers or (case.foreign and layer == LAYERS[0]))
    ]
    if not chosen:
        for layer in layers or LAYERS[:1]:
            yield Check(format_, layer, "all", "not run", f"layers of {format_} are {', '.join(known)}")
    verdicts: dict[Layer, set[Verdict]] = {}
    if case.foreign:  # then it is read back at least
        try:
            case = located(format_, files, case, name)
        except ValueError as problem:
            yield Check(format_, chosen[0], "source", "failed", _brief(problem))
            yield from (Check(format_, layer, "all", "not run", "the file was not read") for layer in chosen[1:])
            return
    for layer in chosen:
        reason = _kept_from(format_, layer, verdicts, case)
        if reason:
            yield Check(format_, layer, "all", "not run", reason)
            continue
        verdicts[layer] = set()
        for found in _check(format_, files, layer, case):
            verdicts[layer].add(found.verdict)
            yield found


def _kept_from(format_: str, layer: Layer, verdicts: Mapping[Layer, set[Verdict]], case: Case) -> str | None:
    """Return why a layer is not run after those before it, or None."""
    if layer != "simulation":
        return None
    if any("failed" in found for found in verdicts.values()):
        return "nothing is run of files that do not hold"
    if case.foreign and "not run" in verdicts.get("read-back", set()):
        return "files from elsewhere are run only once they were read"
    if case.foreign and format_ in PROGRAMS and not case.run:
        return f"this would run {format_} from elsewhere: allow it with run=True if you trust where it is from"
    return None


def _check(format_: str, files: Files, layer: Layer, case: Case) -> Iterator[Check]:
    began = time.perf_counter()
    try:
        for found in CHECKS[format_][layer](files, case):
            now = time.perf_counter()
            yield replace(found, format=format_, layer=layer, seconds=now - began)
            began = now
    except ToolMissing as missing:
        yield Check(format_, layer, "all", "not run", str(missing))
    except ToolTimeout as slow:
        verdict: Verdict = "not decided" if layer == "formal" else "not run"
        yield Check(format_, layer, "all", verdict, str(slow).partition(";")[0], time.perf_counter() - began)
    except (ToolFailed, ValueError) as problem:
        yield Check(format_, layer, "all", "failed", _brief(problem), time.perf_counter() - began)


def _brief(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text if len(text) <= 600 else f"{text[:200]} ... {text[-395:]}"


Checker = Callable[[Files, Case], Iterator[Check]]

CHECKS: dict[str, dict[str, Checker]] = {
    "verilog": {"read-back": verilog_text, "formal": verilog_proof, "simulation": verilog_runs},
    "vhdl": {"read-back": vhdl_text, "formal": vhdl_proof, "simulation": vhdl_runs},
    "blif": {"read-back": blif_nodes, "formal": blif_proof},
    "aiger": {"read-back": aiger_ports, "formal": aiger_proof},
    "aiger-ascii": {"read-back": aiger_ports, "formal": aiger_proof},
    "json": {"read-back": json_nodes, "simulation": json_runs},
    "c": {"read-back": c_text, "simulation": c_runs},
    "c-compact": {"read-back": compact_c_text, "simulation": c_runs},
    "javascript": {"read-back": javascript_text, "simulation": javascript_runs},
    "webassembly": {"read-back": webassembly_bytes, "simulation": webassembly_runs},
    "onnx": {"read-back": onnx_graph, "simulation": onnx_runs},
}
"""The layers that each format has, and what does them. Other layers mean nothing for it: programs are not proved, files
of logic are not run.
"""
