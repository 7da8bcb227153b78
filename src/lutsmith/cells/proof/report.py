"""What a proof of a cell ends with: proved, and for which widths; refuted, and by what; or not decided, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["proved", "refuted", "not decided"]


@dataclass(frozen=True)
class Counterexample:
    """Operands at which a cell gives another result than it should; it was run on them.

    Attributes:
        width: bits of an operand.
        a: the first operand.
        b: the second; 0 where it is not read.
        given: the cell's result, as an unsigned integer.
        expected: the right one.
        result_bits: bits of the result.
    """

    width: int
    a: int
    b: int
    given: int
    expected: int
    result_bits: int

    def __str__(self) -> str:
        words = {"a": (self.a, self.width), "b": (self.b, self.width)}
        words |= {"given": (self.given, self.result_bits), "expected": (self.expected, self.result_bits)}
        shown = ", ".join(f"{name} {value} ({value:0{bits}b})" for name, (value, bits) in words.items())
        return f"width {self.width}: {shown}"


@dataclass(frozen=True)
class CellProof:
    """The outcome of a proof.

    Attributes:
        outcome: "proved", "refuted" or "not decided".
        scope: of what is proved: "every width" or "width 15", and "b > 0" where b = 0 was left out; empty otherwise.
        method: how it was found, such as "product automaton".
        reason: what else there is to say; of "not decided", why.
        counterexample: of "refuted".
        checked: the width up to which the cell was also run on all operands and compared with Python's integers; 0
            where the specification is a cell, for which there are no integers.
        seconds: that it took.
    """

    outcome: Outcome
    scope: str = ""
    method: str = ""
    reason: str = ""
    counterexample: Counterexample | None = None
    checked: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.outcome}: {self.scope}" if self.scope else self.outcome]
        if self.counterexample is not None:
            parts.append(str(self.counterexample))
        parts += [f"by {self.method}"] * bool(self.method) + [self.reason] * bool(self.reason)
        if self.checked:
            parts.append(f"equal to Python's integers on all operands up to {self.checked} bits")
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        values = {**vars(self), "counterexample": None if self.counterexample is None else vars(self.counterexample)}
        return dict(values)
