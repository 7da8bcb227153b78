"""What the kernels of learning by enumeration compute, in plain Python: one example and one candidate at a time.

A table of 3 inputs is an integer of 8 bits: bit x + 2 y + 4 z is its value of x, y, z. A gate is one of 4 bits.
"""

from __future__ import annotations

from collections.abc import Sequence


def walk(a: Sequence[int], b: Sequence[int], table: int, start: int) -> list[int]:
    """Return the states of a serial cell: the first, then the one after each pair of bits, `s = table[a, b, s]`."""
    states = [start]
    for x, y in zip(a, b, strict=True):
        states.append(table >> (x + 2 * y + 4 * states[-1]) & 1)
    return states


def array(a: Sequence[int], b: Sequence[int], gate: int, total: int, carry: int) -> int:
    """Return bit n - 1 of an array of n rows, `p, c = total[p, g, c], carry[p, g, c]` with g = gate[a_i, b_j]."""
    sums = [0] * len(a)
    for row, y in enumerate(b):
        c = 0
        for place, x in enumerate(a[: len(a) - row], row):
            address = sums[place] + 2 * (gate >> (x + 2 * y) & 1) + 4 * c
            sums[place], c = total >> address & 1, carry >> address & 1
    return sums[-1]


def rows(a: Sequence[int], b: Sequence[int], tables: tuple[int, int, int], start: int, result: str) -> int:
    """Return bit 0 of the quotient, the remainder or the root that rows with feedback give.

    Args:
        a: bits, the lowest first; of a root an even number of them.
        b: as many; not read for a root.
        tables: d[R, b, c], c[R, b, c] and R[c, d, R]; a digit is the last carry of its row.
        start: the carry that rows begin with.
        result: "quotient", "remainder" or "root".
    """
    difference, borrow, restore = tables

    def row(rest: list[int], operand: list[int]) -> tuple[int, list[int]]:
        carry, made = start, []
        for x, y in zip(rest, operand, strict=True):
            address = x + 2 * y + 4 * carry
            made.append(difference >> address & 1)
            carry = borrow >> address & 1
        return carry, [restore >> (carry + 2 * d + 4 * x) & 1 for d, x in zip(made, rest, strict=True)]

    if result == "root":
        rest: list[int] = []
        root: list[int] = []
        for low in range(len(a) - 2, -1, -2):
            size = len(root) + 3
            taken, operand = [a[low], a[low + 1], *rest], [1, 0, *root]
            digit, left = row([*taken, *[0] * (size - len(taken))], [*operand, *[0] * (size - len(operand))])
            rest, root = left[:-1], [digit, *root]
        return root[0]
    rest, digit = [0] * len(a), 0
    for bit in reversed(a):
        digit, left = row([bit, *rest], [*b, 0])
        rest = left[:-1]
    return digit if result == "quotient" else rest[0]
