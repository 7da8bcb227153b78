"""Cells learned where labels are wrong: how many label bits the best cell misses, whether that is proved, and is right.

    python -m benchmarks.alu_noise [--only "+ *"] [--seconds S] [--seed N] [--json FILE]

Each row learns one cell from uniform random examples of which a share of the label bits was inverted. "flips" is how
many bits that was; "missed" how many the cell misses, which may be fewer where examples are few; "at least" how many
the cores of the solver prove that whatever tables of the fabric miss; where both are equal, "optimal". "agreed" is how
many of the searches from random tables found as few, "found" the seconds of all of them without a proof. "right": on
2,000 uniform and 2,000 edge points of 15 bits. "proved": that the cell is the operation, at which widths. A division by
0 is not among the examples, the points or the proof. `--seconds` (30) is the limit of each row.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.alu_gradient import drawn, truth
from lutsmith.cells import ArrayCell, Fabric, RowFeedback, SerialCell
from lutsmith.cells.learning.examples import Examples
from lutsmith.cells.learning.maxsat import learn_maxsat
from lutsmith.cells.proof import prove
from lutsmith.data.alu.operations import operation
from lutsmith.data.alu.samplers import draw

BITS = 15
FABRICS: dict[str, Fabric] = {
    "+": SerialCell(extra=1),
    "*": ArrayCell(),
    "/": RowFeedback("quotient"),
    "%": RowFeedback("remainder"),
    "isqrt": RowFeedback("root"),
}
ROWS = (
    *(("+", examples, 15, flips) for examples in (16, 64, 256) for flips in (0.1, 0.2)),
    *(("*", examples, 4, flips) for examples in (32, 64, 256) for flips in (0.1, 0.2)),
    *(("*", 64, 8, flips) for flips in (0.1, 0.2)),
    *((op, 400, 6, flips) for op in ("/", "%") for flips in (0.1, 0.2)),
    *(("isqrt", 400, 10, flips) for flips in (0.1, 0.2)),
)
HEAD = (
    *("op", "examples", "bits", "flips", "of", "missed", "at_least"),
    *("optimal", "agreed", "found", "seconds", "right", "proved"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=str.split, help="operations, such as '+ *'")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if unknown := set(arguments.only or ()) - set(FABRICS):
        parser.error(f"no operation {', '.join(sorted(unknown))}; there are {' '.join(FABRICS)}")
    results = []
    for op, examples, width, flips in ROWS:
        if arguments.only is None or op in arguments.only:
            results.append(measured(op, examples, width, flips, arguments.seconds, arguments.seed))
            print(json.dumps(results[-1]), flush=True)
    table = Table(*(name.replace("_", " ") for name in HEAD))
    for row in results:
        table.add_row(*(f"{row[name]:.1f}" if isinstance(row[name], float) else str(row[name]) for name in HEAD))
    Console(width=140).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


def measured(op: str, examples: int, width: int, flips: float, seconds: float, seed: int) -> dict[str, Any]:
    fabric = FABRICS[op]
    rng = np.random.default_rng([seed, examples, width])
    a, b = drawn(rng, examples, width)
    inverted = rng.random((examples, fabric.result_bits(width))) < flips
    z = truth(op, a, b, width) ^ inverted @ (1 << np.arange(inverted.shape[1]))
    quick = learn_maxsat(fabric, a, b, z, width, seed=seed, max_seconds=seconds, prove=False)
    found = learn_maxsat(fabric, a, b, z, width, seed=seed, max_seconds=seconds)
    known = operation(op)
    left, right = draw({"uniform": 1, "edge": 1}, known, 4000, BITS, rng=rng)
    keep = right > 0 if known.arity == 2 else right == 0  # samplers give 0 where there is no second operand
    points = Examples.of(fabric, left[keep], right[keep], truth(op, left[keep], right[keep], BITS), BITS)
    proof = prove(found.cell, op, zero="skip")
    return {
        **dict(zip(HEAD, (op, examples, width, int(inverted.sum()), found.bits, found.missed), strict=False)),
        "at_least": found.at_least,
        "optimal": found.optimal,
        "agreed": f"{quick.agreed}/{quick.descents}",
        "found": quick.seconds,
        "seconds": found.seconds,
        "right": not points.wrong(found.cell).size,
        "proved": proof.scope or proof.outcome,
    }


if __name__ == "__main__":
    main()
