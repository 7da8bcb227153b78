"""Products and counts at every width: a relation of what two cells hold at one place, closed under a step.

Two arrays run side by side on the same operands. A pair of bits is (what the one has, what the other has). Where the
pairs of sums and carries that can stand anywhere, at least these, never hold two different sums, the results are equal
at every width. Pairs of carries are kept apart by the bit of b, which a whole row shares.
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
