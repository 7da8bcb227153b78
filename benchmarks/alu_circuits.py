"""Circuits of an ALU of learned cells: what they cost, whether every export holds, and how fast a multiplier predicts.

    python -m benchmarks.alu_circuits [--bits 8,15] [--formats NAMES] [--samples N] [--json FILE]

    cost          LUT6, levels, ANDs and registers of the twelve operations as they were learned by satisfiability, in
                  one cycle and as a machine; of the same from textbook cells; of machines of single operations
    exports       every format of the learned ALU, through all layers of `verify`
    multiplier    words of 64 bits: one cell 4,096 times, predicted 64 samples a word, against Python's integers

Exit code 1: an export was not shown to be the circuit, or a product was wrong. ONNX refuses words of more than 24 bits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lutsmith.alu.circuit import alu_circuit
from lutsmith.alu.learning import learn_operations
from lutsmith.alu.machine import alu_cycles, alu_machine
from lutsmith.cells import TEXTBOOK, LearnedCell
from lutsmith.cells.cost import cost
from lutsmith.cells.machine import cycles, to_machine
from lutsmith.circuit import Circuit
from lutsmith.hardware import FORMATS, verify

MACHINES = ("+", "*", "/")


def costs(learned: dict[str, LearnedCell], bits: int) -> list[dict[str, Any]]:
    """What the ALU takes, learned and from textbook cells, and machines of single operations."""
    told = []
    for which, cells in (("learned", learned), ("textbook", {name: TEXTBOOK[name] for name in learned})):
        told.append({"circuit": f"ALU, {which}", "bits": bits, "cycles": 1, **asdict(cost(alu_circuit(cells, bits)))})
        steps, machine = alu_cycles(cells, bits), alu_machine(cells, bits)
        told.append({"circuit": f"ALU machine, {which}", "bits": bits, "cycles": steps, **asdict(cost(machine))})
    for name in MACHINES:
        for which, cell in (("learned", learned[name]), ("textbook", TEXTBOOK[name])):
            machine = to_machine(cell, bits)
            steps = cycles(cell.fabric, bits)
            told.append({"circuit": f"machine {name}, {which}", "bits": bits, "cycles": steps, **asdict(cost(machine))})
    return told


def exports(circuit: Circuit, formats: tuple[str, ...]) -> list[dict[str, Any]]:
    """What `verify` says of each format, and in how many seconds."""
    told = []
    for format_ in formats:
        began = time.perf_counter()
        found = verify(circuit, (format_,), timeout=600)
        notes = {check.reason for check in found.checks if check.verdict in ("failed", "not decided", "not run")}
        not_run = {check.verdict for check in found.of(format_)} == {"not run"}
        outcome = "not run" if not_run else found.outcome_of(format_)
        seconds = time.perf_counter() - began
        told.append({"format": format_, "outcome": outcome, "seconds": seconds, "note": "; ".join(sorted(notes))})
    return told


def multiplier(cell: LearnedCell, samples: int) -> dict[str, Any]:
    """How fast products of 64 bits are predicted, and how many of them are wrong."""
    circuit = cell.to_circuit(64)
    words = np.random.default_rng(0).integers(0, 1 << 64, (samples, 2), np.uint64, endpoint=False)
    limbs = circuit.head.limbs  # type: ignore[union-attr]
    circuit.outputs(words[:64])  # compiled
    began = time.perf_counter()
    bits = circuit.outputs(words)
    seconds = time.perf_counter() - began
    wrong = 0
    low, high = limbs(bits)["result"].T
    for (a, b), lower, upper in zip(words.tolist(), low.tolist(), high.tolist(), strict=True):
        wrong += a * b != lower | upper << 64
    return {"samples": samples, "samples_per_second": samples / seconds, "wrong": wrong}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", default="8,15", help="of the operands, with commas")
    parser.add_argument("--formats", default=",".join(FORMATS), help="names, with commas")
    parser.add_argument("--samples", type=int, default=1_000_000, help="of the multiplier")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    console = Console(width=140)
    began = time.perf_counter()
    learned, _ = learn_operations()
    cells = dict(learned.cells)
    console.print(f"twelve operations learned in {time.perf_counter() - began:.1f} s")
    results: dict[str, Any] = {"costs": [], "exports": {}}
    for bits in map(int, arguments.bits.split(",")):
        results["costs"] += costs(cells, bits)
    show(console, "cost", results["costs"])
    results["multiplier"] = multiplier(cells["*"], arguments.samples)
    show(console, "64 x 64 bits, one cell", [results["multiplier"]])
    for bits in map(int, arguments.bits.split(",")):
        rows = results["exports"][bits] = exports(alu_circuit(cells, bits), tuple(arguments.formats.split(",")))
        show(console, f"exports of the learned ALU at {bits} bits", rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    bad = [row for rows in results["exports"].values() for row in rows if row["outcome"] != "holds"]
    refused = [row for row in bad if row["format"] == "onnx" and row["outcome"] == "not run"]
    sys.exit(bool(results["multiplier"]["wrong"]) or len(bad) > len(refused))


def show(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table."""
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(
            *(
                f"{each:,.1f}" if isinstance(each, float) else f"{each:,}" if isinstance(each, int) else str(each)
                for each in row.values()
            )
        )
    console.print(table)


if __name__ == "__main__":
    main()
