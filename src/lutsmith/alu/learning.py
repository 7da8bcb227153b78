"""An ALU learned from examples: one cell an operation, each in the simplest fabric that can hold it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lutsmith.alu.device import LearnedALU
from lutsmith.cells import ArrayCell, Bitwise, Counter, Fabric, LearnedCell, RowFeedback, SerialCell, Tap, TwoPass
from lutsmith.data.alu.operations import Operation, operations
from lutsmith.data.alu.samplers import draw
from lutsmith.ground.arguments import whole_number

FABRIC_OF: Mapping[str, Fabric] = {
    **dict.fromkeys(("AND", "OR", "XOR", "NOT", "NAND", "NOR", "abs"), Bitwise()),
    **dict.fromkeys(("+", "-", "neg"), SerialCell(extra=1)),
    **dict.fromkeys((">", "<", "=", "!=", ">=", "<=", "C"), SerialCell(read="final")),
    "Z": SerialCell(state_bits=2, read="final"),
    **dict.fromkeys(("N", "V"), Tap(SerialCell(), -1)),  # a final second state bit takes minutes instead of 20 ms
    **dict.fromkeys(("min", "max"), TwoPass()),
    "*": ArrayCell(),
    "/": RowFeedback("quotient"),
    "%": RowFeedback("remainder"),
    "isqrt": RowFeedback("root"),
    "popcount": Counter(),
}
"""The fabric that each operation is learned in, operands being unsigned: prior knowledge, as a convolution is of
images.

Five of the 32 operations have none. `gcd` takes as many rows as its operands need, and a fabric as many as they have
bits. `SHL`, `SHR`, `ROL` and `ROR` read all of b, and `Shifter` its lowest ceil(log2 bits) bits: a shift is right only
where b's other bits are 0, a rotation only at widths that are powers of two."""

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
    if unknown := [each.name for each in chosen if each.name not in FABRIC_OF]:
        raise ValueError(f"no fabric is known for {', '.join(unknown)}; expected ones of {', '.join(FABRIC_OF)}")
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

    a, b = draw({"uniform": 1, "edge": 1}, truth, POOL, bits, rng=rng)  # no uniform example shows a tie
    keep = truth.defined(a, b) if truth.arity == 2 else truth.defined(a)
    a, b = a[keep], b[keep]
    z = truth.evaluate(a, b if truth.arity == 2 else None, bits)
    fabric = FABRIC_OF[truth.name]
    other = b if fabric.reads_b else None
    if other is not None and truth.arity == 1:  # a second word that must not matter
        other = rng.integers(0, (1 << bits) - 1, len(a), np.uint64, endpoint=True)
    begun = time.monotonic()
    seed = int(rng.integers(1 << 31))
    result = learn_sat(fabric, a, other, z, bits, max_seconds=max_seconds, seed=seed)
    return LearnedOperation(truth.name, result.cell, len(result.used), time.monotonic() - begun)
