"""Arithmetic from a handful of examples: learned, proved for every width, checked, run at 64 bits, written as Verilog.

    python examples/alu.py [--ops + '*' /] [--bits 15] [--out runs/alu-example]

Learns shared cells by satisfiability (`pip install 'lutsmith[sat]'`), asks for the proof of each, shows what happens to
a cell with one wrong bit, compares the circuit with Python's integers, and writes a cell, the multiplier's if there is
one, as Verilog whose width is a parameter. No data are read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lutsmith.alu.calculator import calculate
from lutsmith.alu.check import check
from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learning import learn_operations
from lutsmith.alu.proofs import prove_alu
from lutsmith.cells.proof import prove
from lutsmith.cells.verilog import verilog
from lutsmith.circuit.file import save
from lutsmith.data.alu.operations import operation


def main() -> None:
    """Learn, prove, break, check, widen, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", nargs="+", help="names of operations; the twelve of ALU_Net by default")
    parser.add_argument("--bits", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path("runs/alu-example"))
    arguments = parser.parse_args()

    alu, learned = learn_operations(arguments.ops, arguments.bits)
    for one in learned:
        entries = one.cell.fabric.num_entries
        print(f"{one.name:<4} {one.examples:>3} examples, {one.seconds:5.2f} s, {entries} bits of tables")

    proof = prove_alu(alu)
    print(f"\nthe circuit is {proof.circuit}")
    for name, found in proof.cells.items():
        print(f"{name:<4} {found}")

    name = "*" if "*" in alu.cells else next(iter(alu.cells))
    cell = alu.cells[name]
    table = cell.fabric.tables[-1]
    print(f"\n{name} with one wrong bit: {prove(cell.flipped(table.name, 0, 1), name, zero='skip')}")

    report = check(alu)
    print(f"\n{'no wrong answer' if report.all_right else 'wrong answers'} on fresh points and edge points")
    wide, one = LearnedALU.of({name: cell}, 64), operation(name).arity == 1
    a, b = np.random.default_rng(0).integers(1, 1 << 62, (2, 3), np.uint64)
    for left, right in zip(a.tolist(), b.tolist(), strict=True):
        print(calculate(wide, f"{name} {left}" if one else f"{left} {name} {right}").text)

    arguments.out.mkdir(parents=True, exist_ok=True)
    save(alu.circuit, arguments.out / "alu.lut")
    (arguments.out / "cell.v").write_text(verilog(cell, "learned"))
    print(f"\n{arguments.out}: alu.lut (the circuit) and cell.v (the cell of {name}, parameter WIDTH) are written")
    print(f"lutsmith export {arguments.out / 'alu.lut'} --format all -o exported")


if __name__ == "__main__":
    main()
