"""Products and counts at every width: a relation of what two cells hold at one place, closed under a step.

Two arrays run side by side on the same operands. A pair of bits is (what the one has, what the other has). Where the
pairs of sums and carries that can stand anywhere, at least these, never hold two different sums, the results are equal
at every width. Pairs of carries are kept apart by the bit of b, which a whole row shares.

That takes sums to be any. They are not: what a row of a product hands on is at most a, as a word, so that a carry out
of the top comes with a 1 there. Cells may differ where only other sums would show it. `rows_agree` walks along one row
and remembers how the words compare: whatever a row reads that is at most a, both give the same, and it is at most a.
"""

from __future__ import annotations

from itertools import product

from lutsmith.cells.arrays import ArrayCell
from lutsmith.cells.learned import LearnedCell

Pair = tuple[int, int]


def sums_agree(left: LearnedCell, right: LearnedCell) -> bool:
    """Return whether two arrays of one kind (`ArrayCell`) are equal at every width; False leaves it open."""
    assert isinstance(left.fabric, ArrayCell)
    assert left.fabric == right.fabric
    cells = [cell.tables["cell"].astype(int) for cell in (left, right)]
    begin = int(left.tables["start"][0, 0]), int(right.tables["start"][0, 0])
    sums: set[Pair] = {(0, 0)}
    carries: list[set[Pair]] = [{begin}, {begin}]
    while True:
        before = len(sums), *map(len, carries)
        for b_bit, a_bit in product((0, 1), (0, 1)):
            for total, carry in product(tuple(sums), tuple(carries[b_bit])):
                places = [p | a_bit << 1 | b_bit << 2 | c << 3 for p, c in zip(total, carry, strict=True)]
                sums.add((cells[0][0, places[0]], cells[1][0, places[1]]))
                carries[b_bit].add((cells[0][1, places[0]], cells[1][1, places[1]]))
        if left.fabric.product == "full":  # the last carry of a row is the sum above it
            sums |= carries[0] | carries[1]
        if any(one != other for one, other in sums):
            return False
        if before == (len(sums), *map(len, carries)):
            return True


def rows_agree(left: LearnedCell, right: LearnedCell) -> bool:
    """Return whether two arrays of whole products are equal at every width, by induction over rows; False leaves it
    open.

    Between rows both hold the same word P, first 0. The hypothesis is P <= a. A state of the walk along the columns,
    the lowest first, is: both carries, how P's lower bits compare with a's, the last bit of a, how the lower bits of
    what is handed on compare with a's, and whether the two have given different sums. Where P <= a at the end of the
    row, no sum and not the last carry may differ, and what is handed on has to be at most a.
    """
    cells = [cell.tables["cell"].astype(int).tolist() for cell in (left, right)]
    begin = int(left.tables["start"][0, 0]), int(right.tables["start"][0, 0])
    for b_bit in (0, 1):
        start: tuple[int, int, int, int | None, int, bool] = (*begin, 0, None, 0, False)
        reached, fresh = {start}, [start]
        while fresh:
            one, other, below, last, handed, differ = fresh.pop()
            for p_bit, a_bit in product((0, 1), (0, 1)):
                places = [p_bit | a_bit << 1 | b_bit << 2 | carry << 3 for carry in (one, other)]
                (sum_, carry), (sum_right, carry_right) = (
                    (table[0][place], table[1][place]) for table, place in zip(cells, places, strict=True)
                )
                after = (
                    carry, carry_right, _compared(below, p_bit, a_bit), a_bit,
                    handed if last is None else _compared(handed, sum_right, last), differ or sum_ != sum_right,
                )  # fmt: skip
                if after[2] <= 0:  # a row may end here
                    hands_on = _compared(after[4], carry_right, a_bit)
                    if after[5] or carry != carry_right or hands_on > 0:
                        return False
                if after not in reached:
                    reached.add(after)
                    fresh.append(after)
    return True


def _compared(lower: int, bit: int, other: int) -> int:
    """Return the sign of the difference of two words, from that of their lower bits and their highest ones."""
    return bit - other or lower


def counts_agree(left: LearnedCell, right: LearnedCell) -> bool:
    """Return whether two counters are equal at every width; False leaves it open."""
    cells = [cell.tables["cell"].astype(int) for cell in (left, right)]
    sums: set[Pair] = {(0, 0)}
    carries: set[Pair] = {(0, 0), (1, 1)}
    while True:
        before = len(sums), len(carries)
        for total, carry in product(tuple(sums), tuple(carries)):
            places = [p | c << 1 for p, c in zip(total, carry, strict=True)]
            sums.add((cells[0][0, places[0]], cells[1][0, places[1]]))
            carries.add((cells[0][1, places[0]], cells[1][1, places[1]]))
        if any(one != other for one, other in sums):
            return False
        if before == (len(sums), len(carries)):
            return True
