"""All fabrics by name, read from files; and one bit of another fabric's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Evaluator, Fabric, Signal, Tables, TableShape
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.ground.arguments import instance_of, one_of, whole_number


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
        return (self.fabric.run(on, tables, a, b)[self.place],)


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
