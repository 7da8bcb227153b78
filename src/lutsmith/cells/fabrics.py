"""All fabrics by name, read from files; and one bit of another fabric's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Evaluator, Fabric, Signal, Tables, TableShape
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.ground.arguments import instance_of, one_of, whole_number

_WIDEST = 1 << 18
"""Bits of operands beyond which no place is looked for."""


@dataclass(frozen=True)
class Tap(Fabric):
    """One bit of another fabric's result: what is left where only that bit was observed.

    Attributes:
        fabric: the other.
        place: which bit; -1 is the highest.
    """

    fabric: Fabric
    place: int = 0

    kind: ClassVar[str] = "tap"

    def __post_init__(self) -> None:
        instance_of("fabric", self.fabric, Fabric)
        whole_number("place", self.place, -(1 << 16), 1 << 16, "the place of a bit")

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return self.fabric.tables

    def result_bits(self, width: int) -> int:  # noqa: ARG002 - of any
        return 1

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        if len(a) < (least := self.narrowest()):
            raise ValueError(f"operands of {len(a)} bits give no bit {self.place}: it needs {least} or more")
        return (self.fabric.run(on, tables, a, b)[self.place],)

    def narrowest(self) -> int:
        """Return the least bits of operands whose result has the place."""
        return self._narrowest

    @cached_property
    def _narrowest(self) -> int:
        wanted = self.place + 1 if self.place >= 0 else -self.place
        low, high = self.fabric.narrowest(), self.fabric.narrowest()
        while self.fabric.result_bits(high) < wanted:
            if high > _WIDEST:
                raise ValueError(f"no operands give a result of {wanted} bits: {self.fabric} has no bit {self.place}")
            low, high = high + 1, 2 * high
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.fabric.result_bits(middle) >= wanted else (middle + 1, high)
        return low


FABRICS: Mapping[str, type[Fabric]] = {
    fabric.kind: fabric for fabric in (Bitwise, SerialCell, TwoPass, ArrayCell, RowFeedback, Counter, Shifter, Tap)
}
"""The fabrics by the names that files have for them."""


def fabric_of(values: Any) -> Fabric:
    """Return the fabric that JSON values (`Fabric.to_json`) describe.

    Raises:
        TypeError, ValueError: they describe none.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"the fabric is a {type(values).__name__}, expected a mapping of its fields")
    given = {name: fabric_of(value) if name == "fabric" else value for name, value in values.items() if name != "kind"}
    kind = FABRICS[one_of("kind", values.get("kind"), FABRICS)]
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    if unknown := sorted(map(str, set(given) - set(known))):
        raise ValueError(
            f"a {kind.kind} fabric has no {', '.join(unknown)}; its fields are {', '.join(known) or 'none'}"
        )
    return kind(**given)
