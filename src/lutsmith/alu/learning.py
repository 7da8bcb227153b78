"""An ALU learned from examples: one cell an operation, each in the simplest fabric that can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learners import METHODS, LearnedOperation, grouped, learn
from lutsmith.cells import ArrayCell, Bitwise, Counter, Fabric, RowFeedback, SerialCell, Tap, TwoPass
from lutsmith.data.alu.operations import operations
from lutsmith.ground.arguments import one_of, whole_number

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


def learn_operations(
    ops: Iterable[str] | str | None = None,
    bits: int = 15,
    *,
    method: str = "sat",
    seed: int = 0,
    max_seconds: float = 300.0,
    known: Mapping[str, LearnedOperation] | None = None,
    tell: Callable[[LearnedOperation], object] | None = None,
) -> tuple[LearnedALU, tuple[LearnedOperation, ...]]:
    """Learn operations from examples, and return the ALU that they form, and a record of each operation.

    Args:
        ops: their names; None: the twelve of ALU_Net.
        bits: of the operands in the examples, 2 to 64; the circuit's are as wide.
        method: "sat": satisfiability; "search": likewise, but without being told the operation or its fabric; "count":
            counting and enumeration; "gradient".
        seed: of the examples.
        max_seconds: for each operation, where a solver is asked.
        known: operations that were learned before, which are kept.
        tell: called with each operation as it is learned.

    Raises:
        ValueError: unknown operations or methods, or operations that the method cannot learn.
        NotDecidedError: a limit was reached, or nothing that agrees with all examples was found.
    """
    whole_number("bits", bits, 2, 64, "the bits of an operand")
    one_of("method", method, METHODS)
    chosen = operations(ops)
    whole_number("seed", seed, 0)
    for name, one in (known or {}).items():
        if not isinstance(one, LearnedOperation) or one.name != name:
            raise ValueError(f"known has {one!r} as {name}; expected what was learned of {name}")
    unknown = [each.name for each in chosen if each.name not in FABRIC_OF]
    if unknown and method != "search":
        raise ValueError(
            f"no fabric is known for {', '.join(unknown)}; expected ones of {', '.join(FABRIC_OF)}; or method='search'"
        )
    learned = dict(known or {})
    groups = [(truth,) for truth in chosen] if method == "search" else grouped(chosen)  # a search is told nothing
    for number, group in enumerate(groups):
        if all(truth.name in learned for truth in group):
            continue
        for one in learn(group, FABRIC_OF, bits, np.random.default_rng([seed, number]), max_seconds, method):
            learned[one.name] = one
            if tell is not None:
                tell(one)
    of = tuple(learned[truth.name] for truth in chosen)
    return LearnedALU.of({one.name: one.cell for one in of}, bits), of
