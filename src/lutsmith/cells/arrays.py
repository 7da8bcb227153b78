"""Cells in two dimensions: products, quotients, remainders and square roots, counts of ones, and shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lutsmith.cells.fabric import Evaluator, Fabric, Signal, Tables, TableShape
from lutsmith.ground.arguments import one_of

PRODUCTS = ("full", "low")
RESULTS = ("quotient", "remainder", "both", "root")
DIRECTIONS = ("left", "right")


@dataclass(frozen=True)
class ArrayCell(Fabric):
    """Rows of cells that add up, as a multiplier has them: `p_{i+j}, c = cell[p_{i+j}, a_i, b_j, c]`.

    Row j goes along the bits of a with b's bit j; it begins with the learned carry `start`, and its last carry is
    `p_{j+n}`. All p begin as 0, and the result is p.

    Attributes:
        product: "full", 2 n bits; or "low", the lower n, for which the cells above are left out.
    """

    product: str = "full"

    kind: ClassVar[str] = "array"

    def __post_init__(self) -> None:
        one_of("product", self.product, PRODUCTS)

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return TableShape("start", 0), TableShape("cell", 4, 2)

    def result_bits(self, width: int) -> int:
        return 2 * width if self.product == "full" else width

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        width, size = len(a), self.result_bits(len(a))
        sums = [on.constant(False)] * size
        for row, b_bit in enumerate(b):
            (carry,) = on.cell(tables["start"], ())
            for place, a_bit in enumerate(a[: size - row], row):
                sums[place], carry = on.cell(tables["cell"], (sums[place], a_bit, b_bit, carry))
            if row + width < size:
                sums[row + width] = carry
        return tuple(sums)


@dataclass(frozen=True)
class RowFeedback(Fabric):
    """Rows whose end decides what they leave, as a divider has them, the highest bit of a first.

    A row takes the next bit of a into the rest, `R = 2 R + bit`, goes along its n + 1 columns, `d_j, c = subtract[R_j,
    b_j, c]` from the learned carry `start`, gives a bit of the quotient, `q = decide[c]`, and chooses what is left:
    `R_j = restore[c, d_j, R_j]`. For a square root it takes two bits, and the operand is 4 times the
    root so far, plus 1.

    Where b is 0, a cell that divides gives a quotient of ones and the remainder a.

    Attributes:
        result: "quotient", "remainder", "both" (the quotient in the lower n bits), or "root", which reads a alone.
    """

    result: str = "quotient"

    kind: ClassVar[str] = "rows"

    def __post_init__(self) -> None:
        one_of("result", self.result, RESULTS)

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return TableShape("start", 0), TableShape("subtract", 3, 2), TableShape("decide", 1), TableShape("restore", 3)

    def result_bits(self, width: int) -> int:
        return {"both": 2 * width, "root": (width + 1) // 2}.get(self.result, width)

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        zero = on.constant(False)
        if self.result == "root":
            return self._root(on, tables, a)
        rest, quotient = [zero] * len(a), [zero] * len(a)
        for place in reversed(range(len(a))):
            quotient[place], left = self.row(on, tables, [a[place], *rest], [*b, zero])
            rest = left[:-1]
        return tuple({"quotient": quotient, "remainder": rest}.get(self.result, quotient + rest))

    def _root(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        zero, one = on.constant(False), on.constant(True)
        rows = self.result_bits(len(a))
        bits = [*a, *[zero] * (2 * rows - len(a))]
        rest: list[Signal] = []
        root: list[Signal] = []
        for row in range(rows):
            low = 2 * (rows - 1 - row)
            taken = [bits[low], bits[low + 1], *rest]
            operand = [one, zero, *root]
            size = row + 2  # the rest is at most twice the root: it has one bit more than the root
            taken, operand = (word + [zero] * (size + 1 - len(word)) for word in (taken, operand))
            digit, left = self.row(on, tables, taken, operand)
            rest, root = left[:size], [digit, *root]
        return tuple(root)

    def row(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], rest: list[Signal], operand: list[Signal]
    ) -> tuple[Signal, list[Signal]]:
        """Return the digit of a row and what it leaves, of a rest and an operand of as many bits, the lowest first."""
        (carry,) = on.cell(tables["start"], ())
        differences = []
        for bit, other in zip(rest, operand, strict=True):
            difference, carry = on.cell(tables["subtract"], (bit, other, carry))
            differences.append(difference)
        (digit,) = on.cell(tables["decide"], (carry,))
        left = [on.cell(tables["restore"], (carry, each, bit))[0] for each, bit in zip(differences, rest, strict=True)]
        return digit, left


@dataclass(frozen=True)
class Counter(Fabric):
    """Rows that add one bit of a each to a count: `p_j, c = cell[p_j, c]`, where c begins as the bit. b is not read."""

    kind: ClassVar[str] = "counter"
    reads_b: ClassVar[bool] = False

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return (TableShape("cell", 2, 2),)

    def result_bits(self, width: int) -> int:
        return width.bit_length()

    def run(
        self,
        on: Evaluator[Signal, Tables],
        tables: Mapping[str, Tables],
        a: Sequence[Signal],
        b: Sequence[Signal],  # noqa: ARG002
    ) -> tuple[Signal, ...]:
        count = [on.constant(False)] * self.result_bits(len(a))
        for row, carry in enumerate(a, 1):
            for place in range(row.bit_length()):
                count[place], carry = on.cell(tables["cell"], (count[place], carry))
        return tuple(count)


@dataclass(frozen=True)
class Shifter(Fabric):
    """A row for each bit of the distance: `x_i = cell[x_i, x_{i -+ 2^j}, b_j]`.

    The distance is b's lowest ceil(log2 n) bits. Where a row reads beyond the word, it reads 0, or goes round.

    Attributes:
        direction: "left" reads lower bits, "right" higher ones.
        rotate: whether the word goes round.
    """

    direction: str = "left"
    rotate: bool = False

    kind: ClassVar[str] = "shifter"

    def __post_init__(self) -> None:
        one_of("direction", self.direction, DIRECTIONS)
        if not isinstance(self.rotate, bool):
            raise TypeError(f"rotate is {self.rotate!r}, expected True or False")

    @property
    def tables(self) -> tuple[TableShape, ...]:
        return (TableShape("cell", 3),)

    def result_bits(self, width: int) -> int:
        return width

    def run(
        self, on: Evaluator[Signal, Tables], tables: Mapping[str, Tables], a: Sequence[Signal], b: Sequence[Signal]
    ) -> tuple[Signal, ...]:
        width, word = len(a), list(a)
        for row in range((width - 1).bit_length()):
            step = -(1 << row) if self.direction == "left" else 1 << row
            moved = [
                word[(place + step) % width] if self.rotate or 0 <= place + step < width else on.constant(False)
                for place in range(width)
            ]
            word = [on.cell(tables["cell"], (bit, other, b[row]))[0] for bit, other in zip(word, moved, strict=True)]
        return tuple(word)
