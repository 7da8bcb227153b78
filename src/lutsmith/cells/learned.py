"""A cell that was learned: a fabric and its tables, which runs on integers of any width and lowers to circuits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.evaluators import Hard, Netlists
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import fabric_of
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.results import integers_of
from lutsmith.data.alu.integers import integers
from lutsmith.data.alu.words import to_bits
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.arrays import booleans, frozen, packed, unpacked

MAX_WIDTH = 4096
"""Bits of an operand."""

ALL_ONES = np.uint64(2**64 - 1)

_SAMPLES = 1 << 16
"""How many samples are evaluated at once."""


class LearnedCell:
    """A fabric whose tables are known. Immutable.

    Args:
        fabric: how cells are wired.
        tables: for each of the fabric's tables its bits, (outputs, 2^rank) of 0 and 1: entry a of a row is that at
            address a, input 0 its lowest bit.

    Raises:
        TypeError, ValueError: tables that the fabric does not have, lacks, or has in another shape.
    """

    def __init__(self, fabric: Fabric, tables: Mapping[str, ArrayLike]) -> None:
        instance_of("fabric", fabric, Fabric)
        shapes = {table.name: table.shape for table in fabric.tables}
        if set(tables) != set(shapes):
            raise ValueError(f"tables are {', '.join(sorted(tables)) or 'none'}; expected {', '.join(shapes)}")
        self.fabric = fabric
        self.tables: Mapping[str, NDArray[np.bool_]] = {
            name: frozen(booleans(name, tables[name]), np.bool_) for name in shapes
        }
        for name, table in self.tables.items():
            if table.shape != shapes[name]:
                raise ValueError(f"table {name} has shape {table.shape}, expected {shapes[name]}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LearnedCell) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.fabric, *(table.tobytes() for table in self.tables.values())))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={''.join(_digits(table))}" for name, table in self.tables.items())
        return f"LearnedCell({self.fabric}, {shown})"

    def evaluate(self, a: ArrayLike, b: ArrayLike | None, width: int, *, signed: bool = False) -> NDArray[Any]:
        """Return what the cell makes of integers (N,): int64, uint64 or Python's integers, as they need.

        Args:
            a: integers from 0 to 2^width - 1, (N,) or one.
            b: likewise; None is 0, for cells of one operand.
            width: of the operands, 1 to 4,096.
            signed: whether the result is two's complement.

        Raises:
            TypeError, ValueError: operands that are not integers of so many bits.
        """
        whole_number("width", width, 1, MAX_WIDTH, "the bits of an operand")
        left = operand_bits("a", a, width)
        right = np.zeros_like(left) if b is None else operand_bits("b", b, width)
        left, right = np.broadcast_arrays(left, right)
        bits = [
            self.outputs(left[start : start + _SAMPLES], right[start : start + _SAMPLES])
            for start in range(0, max(len(left), 1), _SAMPLES)
        ]
        return integers_of(np.concatenate(bits), signed=signed)

    def outputs(self, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the bits of the results, bool (N, result bits), of operands' bits (N, width), the lowest first."""
        rows = self.fabric.run(Hard(), self.tables, list(packed(a.T)), list(packed(b.T)))
        words = np.zeros((len(rows), -(-len(a) // 64)), np.uint64)
        for place, row in enumerate(rows):
            words[place] = (ALL_ONES if row else 0) if isinstance(row, bool) else row
        return unpacked(words, len(a))

    def to_circuit(self, width: int, *, signed: bool = False, name: str = "result", **fields: Any) -> Circuit:
        """Return the circuit of two words of up to 64 bits, a and b, and one of the result. The cells are its parts.

        Args:
            width: of the operands.
            signed: whether the result is two's complement.
            name: of the result's word.
            **fields: further ones of `CircuitBuilder.build`, such as metadata.

        Raises:
            ValueError: words of more than 64 bits.
        """
        builder = CircuitBuilder((1 + self.fabric.reads_b,))
        a, *rest = builder.words(builder.features, width).tolist()
        bits = self.lower(builder, a, rest[0] if rest else [builder.constant(False)] * width)
        builder.integers({name: bits}, signed=signed)
        return builder.build(**fields)

    def lower(self, builder: CircuitBuilder, a: list[int], b: list[int], name: str | None = "cell") -> list[int]:
        """Add the cells to a builder, as instances of parts called `name` (None: loose LUTs), and return the result's
        signals, the lowest first.
        """
        on = Netlists(builder, name)
        return [on.signal(bit) for bit in self.fabric.run(on, self.tables, a, b)]

    def flipped(self, table: str, output: int, address: int) -> LearnedCell:
        """Return the cell with one bit of one table inverted."""
        changed = {name: entries.copy() for name, entries in self.tables.items()}
        changed[table][output, address] ^= True
        return LearnedCell(self.fabric, changed)

    def to_json(self) -> dict[str, Any]:
        """Return the cell as JSON values: the fabric, and each table's rows as texts of 0 and 1, entry 0 first."""
        return {
            "fabric": self.fabric.to_json(),
            "tables": {name: _digits(table) for name, table in self.tables.items()},
        }

    @classmethod
    def of_json(cls, values: Any) -> LearnedCell:
        """Return the cell that `to_json` described.

        Raises:
            TypeError, ValueError: the values describe none.
        """
        if not isinstance(values, Mapping) or set(values) != {"fabric", "tables"}:
            raise ValueError("a learned cell is a mapping of fabric and tables")
        tables = values["tables"]
        if not isinstance(tables, Mapping):
            raise TypeError(f"tables is a {type(tables).__name__}, expected a mapping")
        return cls(fabric_of(values["fabric"]), {str(name): _bits_of(rows) for name, rows in tables.items()})


def operand_bits(name: str, values: ArrayLike, width: int) -> NDArray[np.bool_]:
    """Return the bits of integers (N,), or of one, bool (N, width), the lowest first.

    Raises:
        TypeError, ValueError: no integers from 0 to 2^width - 1; the first that is none is named.
    """
    given = np.atleast_1d(integers(name, values, width))
    if given.ndim != 1:
        raise ValueError(f"{name} has shape {given.shape}, expected one dimension")
    return to_bits(given, width).view(np.bool_)


def _digits(table: NDArray[np.bool_]) -> list[str]:
    return ["".join("01"[bit] for bit in row) for row in table.tolist()]


def _bits_of(rows: Any) -> list[list[int]]:
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, str) and set(row) <= {"0", "1"} for row in rows):
        raise ValueError(f"a table is {rows!r}, expected texts of 0 and 1")
    return [[int(digit) for digit in row] for row in rows]
