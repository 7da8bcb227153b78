"""An ALU learned from examples: one cell an operation, each in the simplest fabric that can hold it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.alu.check import edge_points
from lutsmith.alu.device import LearnedALU
from lutsmith.cells import ArrayCell, Bitwise, Counter, Fabric, LearnedCell, RowFeedback, SerialCell, TwoPass
from lutsmith.data.alu.operations import Operation, operations
from lutsmith.ground.arguments import whole_number

FABRICS: Mapping[str, Fabric] = {
    **dict.fromkeys(("AND", "OR", "XOR", "NOT", "NAND", "NOR"), Bitwise()),
    **dict.fromkeys(("+", "-"), SerialCell(extra=1)),
    **dict.fromkeys((">", "<", "=", "!=", ">=", "<="), SerialCell(read="final")),
    **dict.fromkeys(("min", "max"), TwoPass()),
    "*": ArrayCell(),
    "/": RowFeedback("quotient"),
    "%": RowFeedback("remainder"),
    "isqrt": RowFeedback("root"),
    "popcount": Counter(),
}
"""The fabric that each operation is learned in: prior knowledge, as a convolution is of images."""

POOL = 20_000
"""Labelled examples that a learner may choose from."""


@dataclass(frozen=True)
class LearnedOperation:
    """What learning one operation took.

    Attributes:
        name: of the operation.
        cell: what was learned.
        examples: how many labelled examples the learner used.
        seconds: of learning.
    """

    name: str
    cell: LearnedCell
    examples: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "operation": self.name,
            "examples": self.examples,
            "seconds": self.seconds,
            "table_bits": self.cell.fabric.num_entries,
            "cell": self.cell.to_json(),
        }


def learn_operations(
    ops: Iterable[str] | str | None = None,
    bits: int = 15,
    *,
    seed: int = 0,
    max_seconds: float = 300.0,
    tell: Callable[[LearnedOperation], object] | None = None,
) -> tuple[LearnedALU, tuple[LearnedOperation, ...]]:
    """Learn operations by satisfiability, and return the ALU that they make, and what each took.

    Args:
        ops: their names; None: the twelve of ALU_Net.
        bits: of the operands in the examples, 2 to 64; the circuit's are as wide.
        seed: of the examples.
        max_seconds: for each operation.
        tell: called with each operation as it is learned.

    Raises:
        ValueError: unknown operations, or ones that no fabric is known for.
        NotDecidedError: a limit was reached.
    """
    whole_number("bits", bits, 2, 64, "the bits of an operand")
    chosen = operations(ops)
    if unknown := [each.name for each in chosen if each.name not in FABRICS]:
        raise ValueError(f"no fabric is known for {', '.join(unknown)}; expected ones of {', '.join(FABRICS)}")
    learned = []
    for number, truth in enumerate(chosen):
        learned.append(learn_operation(truth, bits, np.random.default_rng([seed, number]), max_seconds))
        if tell is not None:
            tell(learned[-1])
    return LearnedALU.of({one.name: one.cell for one in learned}, bits), tuple(learned)


def learn_operation(
    truth: Operation, bits: int, rng: np.random.Generator, max_seconds: float = 300.0
) -> LearnedOperation:
    """Learn one operation from a pool of examples, and return what it took."""
    from lutsmith.cells.learning.sat import learn_sat

    a, b = example_pool(rng, bits)
    keep = truth.defined(a, b) if truth.arity == 2 else truth.defined(a)
    a, b = a[keep], b[keep]
    z = truth.evaluate(a, b if truth.arity == 2 else None, bits)
    begun = time.monotonic()
    seed = int(rng.integers(1 << 31))
    result = learn_sat(
        FABRICS[truth.name], a, b if truth.arity == 2 else None, z, bits, max_seconds=max_seconds, seed=seed
    )
    return LearnedOperation(truth.name, result.cell, len(result.used), time.monotonic() - begun)


def example_pool(
    rng: np.random.Generator, bits: int, size: int = POOL
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return operands to learn from: half of them uniform, a quarter of any length, and a quarter edge points, without
    which no example shows a tie.
    """
    a, b = rng.integers(0, (1 << bits) - 1, (2, size), np.uint64, endpoint=True)
    short, edge = slice(size // 2, 3 * size // 4), slice(3 * size // 4, None)
    a[short] >>= rng.integers(0, bits, a[short].size).astype(np.uint64)
    b[short] >>= rng.integers(0, bits, b[short].size).astype(np.uint64)
    edges = edge_points(bits)
    picked = rng.integers(0, len(edges[0]), a[edge].size)
    a[edge], b[edge] = edges[0][picked], edges[1][picked]
    return a, b
