"""An ALU learned from examples: how many, how long, proved or not, and how right at 15 and at 64 bits.

    python -m benchmarks.alu_sat [--method sat] [--seeds 5] [--bits 15] [--points 1000000] [--json FILE]

A row is a seed: labelled examples in all (one that tells a quotient and a remainder counts for both), seconds of
learning and of proofs, and how many of the cells are proved, at every width (division: b = 0 included) and for b > 0.
Every bit of every table of the first seed's cells is flipped and proved anew: refuted with operands that show it, or
proved harmless (an entry that no input reaches). Then these cells are run at the width that they were learned at and at
64 bits, on random operands and on all edge points, each against Python's integers: wrong answers. The whole circuit,
with its operation code, is asked at the learned width on 10,000 points of each operation and all edge points
(`lutsmith alu check`).

Exit code 1: an answer was wrong, or a cell is not proved.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.alu.check import check, edge_points
from lutsmith.alu.learners import METHODS
from lutsmith.alu.learning import learn_operations
from lutsmith.alu.proofs import prove_cell
from lutsmith.cells import LearnedCell
from lutsmith.cells.proof import prove
from lutsmith.data.alu.operations import ALUNET, operation

BLOCK = 50_000
"""Points that are computed at once."""


def learned(method: str, seed: int, bits: int, ops: list[str]) -> tuple[dict[str, LearnedCell], dict[str, Any]]:
    """Return the cells that a seed gives, and what they took."""
    _, each = learn_operations(ops, bits, method=method, seed=seed)
    begun = time.perf_counter()
    proofs = {one.name: prove_cell(one.cell, one.name, width=bits) for one in each}
    scopes = [proof.scope if proof.outcome == "proved" else proof.outcome for proof in proofs.values()]
    return {one.name: one.cell for one in each}, {
        "seed": seed,
        "examples": sum(one.examples for one in each),
        "seconds": sum(one.seconds for one in each),
        "proof_seconds": time.perf_counter() - begun,
        "proved": {scope: scopes.count(scope) for scope in dict.fromkeys(scopes)},
    }


def flips(cells: Mapping[str, LearnedCell], bits: int) -> dict[str, int]:
    """Return how the proofs of all cells with one wrong table bit end, of how many bits."""
    outcomes: dict[str, int] = {"refuted": 0, "proved": 0, "not decided": 0}
    for name, cell in cells.items():
        for shape in cell.fabric.tables:
            for output in range(shape.outputs):
                for address in range(1 << shape.rank):
                    outcomes[prove(cell.flipped(shape.name, output, address), name, width=bits).outcome] += 1
    return outcomes


def wrong_answers(cells: Mapping[str, LearnedCell], width: int, points: int, seed: int) -> dict[str, int]:
    """Return how many answers of each cell are wrong, on random operands and all edge points."""
    found = {}
    for number, (name, cell) in enumerate(cells.items()):
        truth, rng = operation(name), np.random.default_rng([seed, number, width])
        wrong, mask = 0, (1 << cell.fabric.result_bits(width)) - 1
        blocks = [min(BLOCK, points - begin) for begin in range(0, points, BLOCK)]
        pairs = [tuple(rng.integers(0, (1 << width) - 1, (2, count), np.uint64, endpoint=True)) for count in blocks]
        for a, b in [*pairs, edge_points(width)]:
            keep = truth.defined(a, b) if truth.arity == 2 else truth.defined(a)
            a, b = a[keep], b[keep]
            right = truth.evaluate(a, b if truth.arity == 2 else None, width)
            given = cell.evaluate(a, b, width)
            wrong += sum(
                int(one) != int(other) & mask for one, other in zip(given.tolist(), right.tolist(), strict=True)
            )
        found[name] = wrong
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=list(METHODS), default="sat")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bits", type=int, default=15)
    parser.add_argument("--ops", nargs="+", default=list(ALUNET))
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    runs, first = [], None
    for seed in range(given.seeds):
        cells, row = learned(given.method, seed, given.bits, given.ops)
        first = first or cells
        runs.append(row)
        proved = ", ".join(f"{count} {scope}" for scope, count in row["proved"].items())
        print(
            f"seed {seed}: {row['examples']:>6} examples, {row['seconds']:6.2f} s; "
            f"proofs {row['proof_seconds']:.2f} s: {proved}", flush=True,
        )  # fmt: skip
    assert first is not None
    begun = time.perf_counter()
    flipped = flips(first, given.bits)
    print(
        f"{sum(flipped.values())} table bits flipped, one at a time: {flipped['refuted']} refuted, {flipped['proved']} "
        f"proved harmless, {flipped['not decided']} not decided ({time.perf_counter() - begun:.1f} s)", flush=True,
    )  # fmt: skip
    wrong = {}
    for width in dict.fromkeys((given.bits, 64)):
        begun = time.perf_counter()
        wrong[width] = wrong_answers(first, width, given.points, seed=1)
        edges = len(edge_points(width)[0])
        print(
            f"{width} bits, {given.points:,} random and {edges:,} edge points of each operation: "
            f"{sum(wrong[width].values())} wrong ({time.perf_counter() - begun:.0f} s)", flush=True,
        )  # fmt: skip
    alu, _ = learn_operations(given.ops, given.bits, method=given.method)
    report = check(alu)
    print(f"the circuit at {given.bits} bits: {'no wrong answer' if report.all_right else 'wrong answers'}")
    if given.json is not None:
        given.json.write_text(json.dumps({"runs": runs, "flips": flipped, "wrong": wrong}, indent=1) + "\n")
    unproved = any(not scope.startswith(("every", "width")) for row in runs for scope in row["proved"])
    sys.exit(
        unproved
        or bool(flipped["not decided"])
        or not report.all_right
        or any(any(each.values()) for each in wrong.values())
    )


if __name__ == "__main__":
    main()
