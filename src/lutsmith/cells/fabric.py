"""What a fabric is: one small cell, wired to copies of itself, whose tables are not yet known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

Signal = TypeVar("Signal")
Tables = TypeVar("Tables", contravariant=True)


@dataclass(frozen=True)
class TableShape:
    """One of a cell's tables.

    Attributes:
        name: what it is called in the cell.
        rank: how many inputs it reads; 0 is bits that are learned, such as the state at the beginning.
        outputs: how many bits it gives at once.
    """

    name: str
    rank: int
    outputs: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(outputs, 2^rank)."""
        return self.outputs, 1 << self.rank


class Evaluator(Protocol[Signal, Tables]):
    """What can be done with bits, whatever they are: arrays, probabilities, literals or signals of a netlist."""

    def constant(self, value: bool) -> Signal:
        """Return the bit that is always `value`."""
        ...

    def cell(self, table: Tables, inputs: Sequence[Signal]) -> tuple[Signal, ...]:
        """Return the bits that a table (outputs, 2^rank) gives; inputs[0] is the lowest bit of the address."""
        ...


class Fabric(ABC):
    """How copies of one cell are wired to each other. Fabrics are immutable values.

    A fabric reads the bits of two integers of the same width, the lowest first, and gives the bits of one. It is
    written once and runs on whatever an `Evaluator` calls bits, at any width: what is learned at 4 bits runs at 64.

    Attributes:
        kind: its name in files.
        reads_b: whether the second operand is read.
    """

    kind: ClassVar[str]
    reads_b: ClassVar[bool] = True

    @property
    @abstractmethod
    def tables(self) -> tuple[TableShape, ...]:
        """The tables of the cell."""

    @abstractmethod
    def result_bits(self, width: int) -> int:
        """Return how many bits the result has, of operands of `width` bits."""

    def narrowest(self) -> int:
        """Return the least bits of operands that there is a result of."""
        return 1

    @abstractmethod
    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        """Return the bits of the result, the lowest first.

        Args:
            on: what evaluates.
            tables: one for each of `tables`, in the evaluator's own form.
            a: the bits of the first operand, the lowest first.
            b: of the second, as many.
        """

    @property
    def num_entries(self) -> int:
        """How many bits all tables have together: what there is to learn."""
        return sum(table.outputs << table.rank for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Return the fabric as JSON values; `fabrics.fabric_of` reads them."""
        return {"kind": self.kind, **{field.name: _as_json(getattr(self, field.name)) for field in fields(self)}}  # type: ignore[arg-type]


def _as_json(value: Any) -> Any:
    return value.to_json() if isinstance(value, Fabric) else value
