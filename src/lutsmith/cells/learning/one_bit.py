"""One bit of an unknown operation: fabrics are tried from simple to complex until a cell is right on all examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from numpy.typing import ArrayLike

from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.bit_rows import checked
from lutsmith.cells.learning.counting import learn_bit
from lutsmith.cells.learning.enumeration import Enumerated, learn_array, learn_rows

MOST = 1 << 20
"""Candidates of each fabric that are tried: all that need two ANDs, and some that need three."""


@dataclass(frozen=True, eq=False)
class OneBit:
    """What was found for one bit.

    Attributes:
        fabric: "serial", "array", "remainder", "quotient" or "root".
        cell: the simplest cell that is right on all examples; where none is, the serial cell of the fewest errors.
        operands: 2; or 1, where x is one operand.
        errors: how many examples it says wrong.
        survivors: all that were found to be right on all examples; examples do not tell them apart.
    """

    fabric: str
    cell: LearnedCell
    operands: int
    errors: int
    survivors: tuple[LearnedCell, ...]


def learn_one_bit(x: ArrayLike, y: ArrayLike, *, most: int | None = MOST) -> OneBit | None:
    """Find a cell that gives one bit of an operation that is not told.

    Tried are, in this order: a serial cell (`learn_bit`); the middle bit of an array; bit 0 of rows with feedback, of
    two operands ("remainder", "quotient") and of one ("root").

    Args:
        x: bool (N, n), the bits of a, then of b, the lowest first; or those of one operand.
        y: bool (N,), the bit.
        most: candidates of each fabric that are tried; None: all.

    Returns:
        What was found; None where n is odd, so that there is one operand, and it is not a root.

    Raises:
        TypeError, ValueError: arrays of other types or shapes.
        ContradictionError: two examples contradict each other.
    """
    inputs, bits, width = checked(x, y, 1)
    fallback: OneBit | None = None
    if width % 2 == 0:
        counted = learn_bit(inputs, bits)
        survivors = () if counted.errors else (counted.cell,)
        fallback = OneBit("serial", counted.cell, 2, counted.errors, survivors)
        if not counted.errors:
            return fallback
    tries: list[tuple[str, int, Callable[..., Enumerated | None]]] = [
        ("array", 2, learn_array),
        ("remainder", 2, partial(learn_rows, result="remainder")),
        ("quotient", 2, partial(learn_rows, result="quotient")),
        ("root", 1, partial(learn_rows, result="root")),
    ]
    for fabric, operands, learn in tries:
        if width % operands == 0 and (found := learn(inputs, bits, most=most)) is not None:
            return OneBit(fabric, found.cell, operands, 0, found.survivors)
    return fallback
