"""All operands of small widths: a cell against Python's integers, and against another cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.cells.arrays import RowFeedback
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.proof.report import Counterexample
from lutsmith.data.alu.operations import operation as operation_of
from lutsmith.ground.arguments import instance_of, whole_number

MAX_WIDTH = 12
"""Bits of an operand: 2^24 pairs."""

_PAIRS = 1 << 20
_SHIFTS = ("SHL", "SHR", "ROL", "ROR")

Words = NDArray[Any]


@dataclass(frozen=True)
class Exhausted:
    """What running a cell on all operands has shown.

    Attributes:
        max_width: the widest operands.
        pairs: of operands that were run, all widths together.
        counterexample: the first found; None: there is none.
    """

    max_width: int
    pairs: int
    counterexample: Counterexample | None


def exhaustive(
    cell: LearnedCell, operation: str, max_width: int = 6, *, zero: str = "ones", min_width: int = 1
) -> Exhausted:
    """Run a cell on all pairs of operands of `min_width` to `max_width` bits, and compare with Python's integers.

    The truth is `lutsmith.data.alu`'s, which knows no cells: unsigned operands, a result of the cell's bits. Of shifts
    and rotations, b is below the width. `zero="skip"` leaves b = 0 out where the operation is undefined there.

    Raises:
        TypeError, ValueError: no cell, no such operation, or a width above 12.
    """
    instance_of("cell", cell, LearnedCell)
    whole_number("max_width", max_width, 1, MAX_WIDTH, "the bits of an operand")
    truth = operation_of(operation)

    def expected(a: Words, b: Words, width: int) -> Words:
        result = truth.evaluate(a, b if truth.arity == 2 else None, width)
        if isinstance(cell.fabric, RowFeedback) and cell.fabric.result == "both":
            quotients, rests = (operation_of(name).evaluate(a, b, width) for name in ("/", "%"))
            result = quotients + (rests << width)
        return np.asarray(result & ((1 << cell.fabric.result_bits(width)) - 1))

    skips = zero == "skip" and truth.undefined is not None and truth.arity == 2
    return _compared(cell, expected, (min_width, max_width), skips, shifts=operation in _SHIFTS)


def first_difference(left: LearnedCell, right: LearnedCell, max_width: int, *, with_zero: bool) -> Exhausted:
    """Run two cells on all pairs of operands of 1 to `max_width` bits; the right one is right."""
    return _compared(left, lambda a, b, width: right.evaluate(a, b, width), (1, max_width), not with_zero)


def _compared(
    cell: LearnedCell,
    expected: Callable[[Words, Words, int], Words],
    widths: tuple[int, int],
    skips: bool,
    *,
    shifts: bool = False,
) -> Exhausted:
    count, max_width = 0, widths[1]
    for width in range(max(widths[0], cell.fabric.narrowest()), max_width + 1):
        for a, b in _pairs(width, skips, width if shifts else 1 << width):
            given, right = cell.evaluate(a, b, width), expected(a, b, width)
            count += len(a)
            if (wrong := np.flatnonzero(given != right)).size:
                place = wrong[0]
                operands = int(a[place]), int(b[place])
                results = int(given[place]), int(right[place])
                shown = Counterexample(width, *operands, *results, cell.fabric.result_bits(width))
                return Exhausted(max_width, count, shown)
    return Exhausted(max_width, count, None)


def _pairs(width: int, skips: bool, below: int) -> Iterator[tuple[Words, Words]]:
    """Yield all pairs, those with b from `below` up left out, and b = 0 where it is skipped."""
    size = 1 << width
    rows = max(1, _PAIRS >> width)
    for start in range(0, size, rows):
        a, b = np.meshgrid(np.arange(start, min(start + rows, size)), np.arange(int(skips), below), indexing="ij")
        yield a.reshape(-1), b.reshape(-1)
