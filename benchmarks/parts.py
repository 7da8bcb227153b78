"""Circuits made of one part: bytes of each export, and seconds of its verification.

    python -m benchmarks.parts [--bits N] [--formats NAMES] [--json FILE]

    adder         two words of N bits (64): N full adders
    multiplier    two words of N bits: N squared full adders and as many AND2s, a product of 2 N bits

The full adder is a module in Verilog and VHDL, which is proved once, and a function in C; the other formats are flat.
Logic is read back and proved, programs are read back and run on rows of any words and on edges. Exit code 1: an export
was not shown to be the circuit. ONNX refuses words of 64 bits; with --bits 12 it is there as well.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.circuit.machines import adder, multiplier

from lutsmith.circuit import Circuit
from lutsmith.export import FORMATS, ExportError
from lutsmith.hardware import verify
from lutsmith.hardware.verification.report import LAYERS, Layer

LOGIC = ("verilog", "vhdl", "blif", "aiger")
PROGRAMS = ("c", "c-compact", "javascript", "json")


def measured(circuit: Circuit, format_: str) -> dict[str, Any]:
    """What is known of one export of a circuit."""
    began = time.perf_counter()
    try:
        (data,) = FORMATS[format_].files(circuit).values()
    except ExportError as refused:
        return {
            "bytes": 0,
            "modules": 0,
            "written": 0.0,
            **dict.fromkeys(LAYERS, 0.0),
            "outcome": f"refused: {refused}",
        }
    written = time.perf_counter() - began
    layers: list[Layer] = ["read-back", "formal" if format_ in LOGIC else "simulation"]
    found = verify(circuit, (format_,), layers=layers, timeout=600)
    seconds = {layer: sum(check.seconds for check in found.of(format_, layer)) for layer in LAYERS}
    modules = data.count(b"\nmodule ") + data.count(b"\nentity ")
    return {"bytes": len(data), "modules": modules, "written": written, **seconds, "outcome": found.outcome_of(format_)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=64, help="of a word that comes in")
    parser.add_argument("--formats", default=",".join(LOGIC + PROGRAMS), help="names, with commas")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    table = Table(title=f"parts: words of {arguments.bits} bits, seconds")
    for column in ("circuit", "LUTs", "instances", "format", "modules", "kB", "write", *LAYERS, "outcome"):
        table.add_column(column, justify="left" if column in ("circuit", "format", "outcome") else "right")
    results: dict[str, Any] = {}
    for name, make in (("adder", adder), ("multiplier", multiplier)):
        circuit = make(arguments.bits)
        facts = {"luts": circuit.netlist.num_nodes, "instances": sum(map(len, circuit.parts))}
        results[name] = {**facts, "formats": {}}
        for format_ in arguments.formats.split(","):
            row = results[name]["formats"][format_] = measured(circuit, format_)
            sizes = [f"{row['modules'] or ''}", f"{row['bytes'] / 1000:,.0f}", f"{row['written']:.2f}"]
            times = [f"{row[layer]:.2f}" for layer in LAYERS]
            told = [name, f"{facts['luts']:,}", f"{facts['instances']:,}", format_]
            table.add_row(*told, *sizes, *times, row["outcome"])
    Console(width=140).print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    rows = [row for result in results.values() for row in result["formats"].values()]
    sys.exit(any(row["outcome"] != "holds" for row in rows))


if __name__ == "__main__":
    main()
