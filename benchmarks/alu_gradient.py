"""Cells learned by gradient: of 32 restarts, how many are exact at 15 bits, and whether the chosen one is.

    python -m benchmarks.alu_gradient [--only "+ *"] [--restarts N] [--seed N] [--json FILE]

Each row learns one cell from random examples. "flips" is the share of the labels' bits that were inverted. "starts" is
how often a restart may begin: where it is more than 1, one that misses examples after all its steps draws new tables,
and "first" says how many restarts agreed with all examples at their first start. "check" is how many further examples,
of 7 bits, rounded tables are judged by. "agree" counts the restarts that agree with all examples, "exact" those that
are right on 15-bit points: 2,000 drawn and 200 at the edges (ties, neighbours, ones, powers of two), by Python's
integers. "chosen" is whether the restart that misses the fewest bits, and has the lowest loss of those, is exact. A
division by 0 is not among the examples or the points. `sizes` in the JSON: operands of every number of bits alike.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lutsmith.cells import ArrayCell, Bitwise, Fabric, LearnedCell, RowFeedback, SerialCell
from lutsmith.cells.learning.gradient import learn_gradient

BITS, CHECKED = 15, 7
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One line of the table: an operation, its examples, and the settings that differ from the learner's own."""

    operation: str
    examples: int
    width: int
    settings: dict[str, Any] = field(default_factory=dict)
    flips: float = 0.0
    ties: float = 0.0
    check: int = 0
    sizes: bool = False


FABRICS: dict[str, Fabric] = {
    "+": SerialCell(extra=1),
    "-": SerialCell(extra=1),
    "AND": Bitwise(),
    "OR": Bitwise(),
    "XOR": Bitwise(),
    "=": SerialCell(read="final"),
    "!=": SerialCell(read="final"),
    ">": SerialCell(read="final"),
    "<": SerialCell(read="final"),
    "*": ArrayCell(),
    "/%": RowFeedback("both"),
    "%": RowFeedback("remainder"),
    "/": RowFeedback("quotient"),
    "isqrt": RowFeedback("root"),
}

TRUTH: dict[str, Callable[[int, int, int], int]] = {
    "+": lambda a, b, _: a + b,
    "-": lambda a, b, bits: (a - b) % (2 << bits),
    "AND": lambda a, b, _: a & b,
    "OR": lambda a, b, _: a | b,
    "XOR": lambda a, b, _: a ^ b,
    "=": lambda a, b, _: int(a == b),
    "!=": lambda a, b, _: int(a != b),
    ">": lambda a, b, _: int(a > b),
    "<": lambda a, b, _: int(a < b),
    "*": lambda a, b, _: a * b,
    "/%": lambda a, b, bits: a // b | a % b << bits,
    "%": lambda a, b, _: a % b,
    "/": lambda a, b, _: a // b,
    "isqrt": lambda a, *_: math.isqrt(a),
}

ROWS = (
    *(Row("+", examples, 15, {"steps": 300}) for examples in (4, 16, 64)),
    *(Row("+", 256, 15, {"steps": 300, "noise": flips}, flips) for flips in (0.1, 0.2)),
    *(Row(operation, 64, 15, {"steps": 300}) for operation in ("-", "AND", "OR", "XOR")),
    *(Row(operation, 64, 15, {"steps": 300}, ties=0.3) for operation in ("=", "!=", ">", "<")),
    Row("*", 64, 4),
    Row("*", 256, 4),
    Row("*", 64, 4, {"starts": 4}),
    *(Row("*", 256, 4, {"noise": flips}, flips) for flips in (0.1, 0.2)),
    *(Row("*", 1024, 4, {"noise": flips}, flips) for flips in (0.1, 0.2)),
    Row("/%", 400, 5, {"steps": 800}),
    Row("/%", 400, 5, {"starts": 5}),
    Row("%", 400, 5, {"starts": 6}),
    Row("/", 1000, 4, {"steps": 1500, "batch": 128, "starts": 2, "focus": 0, "scale": 1}, check=200, sizes=True),
    Row("isqrt", 256, 10, {"starts": 6}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=str.split, help="operations, such as '+ *'")
    parser.add_argument("--restarts", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if unknown := set(arguments.only or ()) - set(FABRICS):
        parser.error(f"no operation {', '.join(sorted(unknown))}; there are {' '.join(FABRICS)}")
    results = []
    table = Table(
        "op", "examples", "bits", "flips", "starts", "check", "steps", "s", "first", "agree", "exact", "chosen"
    )
    for row in ROWS:
        if arguments.only is None or row.operation in arguments.only:
            found = measured(row, arguments.restarts, arguments.seed)
            results.append(asdict(row) | found)
            print(json.dumps(results[-1]), flush=True)
            shown = f"{found['seconds']:.1f}", *(str(found[name]) for name in ("first", "agree", "exact", "chosen"))
            starts = str(row.settings.get("starts", 1))
            about = row.operation, str(row.examples), str(row.width), f"{row.flips:.0%}", starts, str(row.check)
            table.add_row(*about, str(found["steps"]), *shown)
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


def measured(row: Row, restarts: int, seed: int) -> dict[str, Any]:
    fabric = FABRICS[row.operation]
    draw = np.random.default_rng([seed, row.examples, row.width])
    a, b = drawn(draw, row.examples, row.width)
    if row.sizes:
        a, b = (each >> draw.integers(0, row.width, row.examples) for each in (a, b))
        b = np.maximum(b, 1)
    tied = draw.random(row.examples) < row.ties
    b = np.where(tied, a, b)
    bits = fabric.result_bits(row.width)
    inverted = (draw.random((row.examples, bits)) < row.flips) @ (1 << np.arange(bits))
    z = truth(row.operation, a, b, row.width) ^ inverted
    a_check, b_check = drawn(draw, row.check, CHECKED)
    further = (a_check, b_check, truth(row.operation, a_check, b_check, CHECKED), CHECKED) if row.check else None
    began = time.perf_counter()
    learned = learn_gradient(
        fabric, a, b, z, row.width, check=further, restarts=restarts, stop="all", seed=seed, **row.settings
    )
    seconds = time.perf_counter() - began
    exact = [is_exact(row.operation, cell) for cell in learned.cells]
    agree = learned.wrong == 0
    return {
        "seconds": seconds,
        "steps": learned.steps,
        "first": int((agree & (learned.starts == 1)).sum()),
        "agree": int(agree.sum()),
        "exact": sum(exact),
        "chosen": exact[learned.chosen],
    }


def drawn(draw: np.random.Generator, count: int, width: int) -> tuple[Integers, Integers]:
    """Return `count` pairs of integers of `width` bits, the second from 1 on."""
    return draw.integers(0, 1 << width, count), draw.integers(1, 1 << width, count)


def truth(operation: str, a: Integers, b: Integers, width: int) -> Integers:
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    return np.array([TRUTH[operation](left, right, width) for left, right in pairs], np.int64)


def is_exact(operation: str, cell: LearnedCell) -> bool:
    draw = np.random.default_rng(15)
    a, b = drawn(draw, 2000, BITS)
    most = (1 << BITS) - 1
    near, power = draw.integers(2, most, 40), 1 << draw.integers(0, BITS, 40)
    a = np.concatenate([a, near, near, near - 1, np.full(40, most), power])
    b = np.concatenate([b, near, near - 1, near, draw.integers(1, most, 40), np.roll(power, 1)])
    return bool((cell.evaluate(a, b, BITS) == truth(operation, a, b, BITS)).all())


if __name__ == "__main__":
    main()
