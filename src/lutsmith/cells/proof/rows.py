"""Dividers and square roots at every width: induction over rows, and a row as an automaton along its columns.

The induction: before a row, both cells hold the same rest r (and the same root so far), and r is one that there can be:
below b, or b is 0 (of a root w: at most 2 w). Then both give the same digit and the same rest, and that rest is again
one that there can be. A row is walked column by column over all bits of rest and operand; as what is kept hangs on the
last carry, the walk remembers for which pair of last carries the two have differed, and for which the new rest of
the specification would be too large. Where this holds of every row, the cells are equal at every width.

Nothing is assumed of the specification: that its rests stay below b is shown along with the rest. That the rest before
the last row has fewer bits than b has places follows as no row makes a rest larger than what it took in, which is
shown as well.

The rests assumed are those that there are (r, with any next bit, is the last row of the dividend 2 r + bit; a root w
with rest r that of the number w^2 + r), so that a row that fails is one that operands reach; whether the result shows
it is then found by running both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lutsmith.cells.arrays import RowFeedback
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.proof.walks import Operands, breadth_first

WRONG, RIGHT = "wrong", "right"


@dataclass(frozen=True)
class _State:
    """What a walk along a row remembers: the next column (2 stands for all beyond), the carries of both, for which
    pairs of last carries the rests kept differ, the operand's bit before, whether the operand was 0 so far, the rest
    compared with its bound, and for each last carry of the specification the new rest compared with its bound and
    with what came in. A comparison is -1, 0 or 1.
    """

    column: int
    carries: tuple[int, int]
    differ: frozenset[tuple[int, int]]
    before: int
    is_zero: bool
    rest: int
    after: tuple[int, int]
    grown: tuple[int, int]


def rows_agree(
    left: LearnedCell, right: LearnedCell, *, with_zero: bool, deadline: float
) -> tuple[bool, Operands | None]:
    """Return whether two cells of one fabric (`RowFeedback`) are equal at every width, where the induction shows it;
    else False, and operands whose last row fails, if that is what it failed on. `with_zero`: b = 0 is one of the cases.
    """
    fabric = left.fabric
    assert isinstance(fabric, RowFeedback)
    assert fabric == right.fabric
    row = _Row(left, right, with_zero)
    way = breadth_first(row.start(), row.steps, lambda state: state == WRONG, deadline)
    if way is None:
        return False, None
    return not way, row.operands(way) if way else None


class _Row:
    def __init__(self, left: LearnedCell, right: LearnedCell, with_zero: bool) -> None:
        assert isinstance(left.fabric, RowFeedback)
        self.result = left.fabric.result
        self.root = self.result == "root"
        self.with_zero = with_zero
        self.cells = [
            {name: table.astype(int).tolist() for name, table in cell.tables.items()} for cell in (left, right)
        ]

    def start(self) -> _State:
        first, second = (cell["start"][0][0] for cell in self.cells)
        return _State(0, (first, second), frozenset(), 0, True, 0, (0, 0), (0, 0))

    def steps(self, state: Any) -> Iterator[tuple[tuple[int, int, bool], Any]]:
        """Yield the bits of rest and operand at a column, whether it is the last, and the state after it."""
        if not isinstance(state, _State):
            return
        for rest in (0, 1):
            for operand in self._operands_at(state.column):
                yield (rest, operand, False), self._after(state, rest, operand)
        if state.column >= (2 if self.root else 1):
            for rest in (0, 1) if self.root else (0,):
                if (ended := self._ended(self._after(state, rest, 0))) is not None:
                    yield (rest, 0, True), ended(state)

    def _operands_at(self, column: int) -> tuple[int, ...]:
        return ((1,), (0,), (0, 1))[column] if self.root else (0, 1)

    def _after(self, state: _State, rest: int, operand: int) -> _State:
        found = [cell["subtract"] for cell in self.cells]
        places = [rest | operand << 1 | carry << 2 for carry in state.carries]
        differences = [table[0][place] for table, place in zip(found, places, strict=True)]
        carries = found[0][1][places[0]], found[1][1][places[1]]
        kept = [
            [cell["restore"][0][last | difference << 1 | rest << 2] for last in (0, 1)]
            for cell, difference in zip(self.cells, differences, strict=True)
        ]
        differ = {(i, j) for i in (0, 1) for j in (0, 1) if kept[0][i] != kept[1][j]}
        compared = state.rest
        if state.column >= (2 if self.root else 1):  # the rest was doubled: it stands beside the operand's bit before
            compared = _compared(rest, state.before, compared)
        bounds = [self._bound(state.column, operand, last) for last in (0, 1)]
        after = [_compared(kept[1][last], bounds[last], state.after[last]) for last in (0, 1)]
        grown = [_compared(kept[1][last], rest, state.grown[last]) for last in (0, 1)]
        return _State(
            min(state.column + 1, 2),
            carries,
            state.differ | differ,
            operand,
            state.is_zero and not operand,
            compared,
            (after[0], after[1]),
            (grown[0], grown[1]),
        )

    def _bound(self, column: int, operand: int, last: int) -> int:
        """Return the bit that bounds the new rest: b's; of a root, of twice the new root."""
        if not self.root or column >= 2:
            return operand
        return int(self.cells[1]["decide"][0][last]) if column else 0

    def _ended(self, last: _State) -> Any:
        """Return what the row comes to, of the state before its last column; None where there is no such row."""
        if self.root:
            if last.rest > 0:
                return None
        elif not self.with_zero if last.is_zero else last.rest >= 0:
            return None

        def verdict(state: _State) -> str:
            learned, true = last.carries
            digits = [cell["decide"][0][carry] for cell, carry in zip(self.cells, last.carries, strict=True)]
            wrong = (learned, true) in state.differ or (self.result != "remainder" and digits[0] != digits[1])
            after = state.after[true]
            if self.root:
                return WRONG if wrong or after > 0 else RIGHT
            too_large = (not last.is_zero and after >= 0) or state.grown[true] > 0
            return WRONG if wrong or too_large else RIGHT

        return verdict

    def operands(self, way: list[tuple[int, int, bool]]) -> Operands:
        """Return operands of which a way that failed is the last row."""
        taken = sum(rest << place for place, (rest, _, _) in enumerate(way))
        operand = sum(bit << place for place, (_, bit, _) in enumerate(way))
        if not self.root:
            return len(way) - 1, taken, operand
        root, rest, bits = operand >> 2, taken >> 2, taken & 3
        return 2 * (len(way) - 2), 4 * (root * root + rest) + bits, 0


def _compared(bit: int, other: int, below: int) -> int:
    """Return how two words compare, of their bits here and how those below compare."""
    return below if bit == other else bit - other
