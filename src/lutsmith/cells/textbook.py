"""Cells as textbooks have them: the specifications that learned cells are proved equal to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass

Bits = tuple[int, ...]


def table(rank: int, function: Callable[..., int | Bits]) -> NDArray[np.bool_]:
    """Return the table (outputs, 2^rank) of a function of `rank` bits that gives a bit, or a tuple of bits."""
    values = [function(*(address >> place & 1 for place in range(rank))) for address in range(1 << rank)]
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    return np.array(rows, np.bool_).T


def _bitwise(function: Callable[..., int]) -> LearnedCell:
    return LearnedCell(Bitwise(), {"cell": table(2, function)})


def _stream(function: Callable[..., Bits], start: int = 0, extra: int = 0) -> LearnedCell:
    return LearnedCell(SerialCell(extra=extra), {"start": [[start]], "cell": table(3, function)})


def _final(function: Callable[..., int], start: int = 0) -> LearnedCell:
    return LearnedCell(SerialCell(read="final"), {"start": [[start]], "cell": table(3, function)})


def _flag(function: Callable[..., int], start: int = 0) -> LearnedCell:
    """Return a cell of a sum's flag: bit 0 of the state is `function` of a, b, the flag so far and the carry; bit 1 is
    the carry.
    """

    def step(a: int, b: int, flag: int, carry: int) -> Bits:
        return function(a, b, flag, carry), _carry(a, b, carry)

    return LearnedCell(SerialCell(state_bits=2, read="final"), {"start": [[start], [0]], "cell": table(4, step)})


def _two_pass(first: Callable[..., int], second: Callable[..., int], order: str = "lsb") -> LearnedCell:
    tables: dict[str, ArrayLike] = {"first_start": [[0]], "first_cell": table(3, first), "cell": table(3, second)}
    return LearnedCell(TwoPass(order), tables)


def _array(product: str) -> LearnedCell:
    def add(p: int, a: int, b: int, c: int) -> Bits:
        total = p + (a & b) + c
        return total & 1, total >> 1

    return LearnedCell(ArrayCell(product), {"start": [[0]], "cell": table(4, add)})


def _rows(result: str) -> LearnedCell:
    """Return the restoring divider's cell: a row subtracts, and keeps the difference where nothing was borrowed."""

    def subtract(r: int, b: int, c: int) -> Bits:
        left = r - b - c
        return left & 1, int(left < 0)

    tables: dict[str, ArrayLike] = {
        "start": [[0]],
        "subtract": table(3, subtract),
        "decide": table(1, lambda c: 1 - c),
        "restore": table(3, lambda c, d, r: r if c else d),
    }
    return LearnedCell(RowFeedback(result), tables)


def _carry(a: int, b: int, s: int) -> int:
    return (a + b + s) >> 1


def _sum(a: int, b: int, s: int) -> Bits:
    return (a + b + s) & 1, _carry(a, b, s)


def _difference(a: int, b: int, s: int) -> Bits:
    left = a - b - s
    return left & 1, int(left < 0)


def _less(a: int, b: int, s: int) -> int:
    return int(a < b) if a != b else s


def _greater(a: int, b: int, s: int) -> int:
    return int(a > b) if a != b else s


def _shift(bit: int, moved: int, row: int) -> int:
    return moved if row else bit


def _shifter(direction: str, *, rotate: bool) -> LearnedCell:
    return LearnedCell(Shifter(direction, rotate), {"cell": table(3, _shift)})


TEXTBOOK: dict[str, LearnedCell] = {
    "+": _stream(_sum, extra=1),
    "-": _stream(_difference, extra=1),
    "*": _array("full"),
    "/": _rows("quotient"),
    "%": _rows("remainder"),
    "AND": _bitwise(lambda a, b: a & b),
    "OR": _bitwise(lambda a, b: a | b),
    "XOR": _bitwise(lambda a, b: a ^ b),
    ">": _final(_greater),
    "<": _final(_less),
    "=": _final(lambda a, b, s: s & (a == b), start=1),
    "!=": _final(lambda a, b, s: s | (a != b)),
    ">=": _final(lambda a, b, s: _greater(a, b, s), start=1),
    "<=": _final(lambda a, b, s: _less(a, b, s), start=1),
    "NOT": _bitwise(lambda a, _: 1 - a),
    "NAND": _bitwise(lambda a, b: 1 - (a & b)),
    "NOR": _bitwise(lambda a, b: 1 - (a | b)),
    "min": _two_pass(_less, lambda a, b, flag: a if flag else b),
    "max": _two_pass(_less, lambda a, b, flag: b if flag else a),
    "abs": _bitwise(lambda a, _: a),
    "neg": _stream(lambda a, _, s: _difference(0, a, s), extra=1),
    "isqrt": _rows("root"),
    "popcount": LearnedCell(Counter(), {"cell": table(2, lambda p, c: (p ^ c, p & c))}),
    "SHL": _shifter("left", rotate=False),
    "SHR": _shifter("right", rotate=False),
    "ROL": _shifter("left", rotate=True),
    "ROR": _shifter("right", rotate=True),
    "C": _final(_carry),
    "Z": _flag(lambda a, b, flag, carry: flag & (1 - _sum(a, b, carry)[0]), start=1),
    "N": _flag(lambda a, b, _, carry: _sum(a, b, carry)[0]),
    "V": _flag(lambda a, b, _, carry: carry ^ _carry(a, b, carry)),
}
"""A cell for each operation, by its name, for unsigned operands. `-` and `neg` give width + 1 bits of two's complement;
b = 0 gives a quotient of ones and the remainder a. Shifts and rotations go by b's lowest ceil(log2 width) bits: they
are the operations where b is below the width."""


def specification(operation: str, fabric: Fabric) -> LearnedCell | None:
    """Return the textbook's cell of an operation in the result that a fabric gives; None where there is none.

    A product of lower bits, or one bit of a result, is that of the whole; a comparison has one bit.
    """
    if isinstance(fabric, Tap):
        within = specification(operation, fabric.fabric)
        if within is not None and isinstance(within.fabric, SerialCell) and within.fabric.read != "stream":
            return within  # which has one bit
        return None if within is None else LearnedCell(Tap(within.fabric, fabric.place), within.tables)
    if operation == "*" and isinstance(fabric, ArrayCell):
        return _array(fabric.product)
    if operation in {"/", "%", "/%"} and isinstance(fabric, RowFeedback):
        given = {"/": {"quotient", "both"}, "%": {"remainder", "both"}, "/%": {"both"}}[operation]
        return _rows(fabric.result) if fabric.result in given else None
    return TEXTBOOK.get(operation)
