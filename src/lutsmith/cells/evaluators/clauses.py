"""Bits as literals of a SAT solver: for learning, where tables are not known, and for proofs, where inputs are not.

A bit is a bool where it is known, else a literal: an integer, negative where inverted, as DIMACS has them. The same
holds for the entries of a table. What is known is left out of the clauses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Bit = bool | int
"""A known bit (a bool), or a literal (an int that is not a bool)."""


class Clauses:
    """Writes clauses that say what tables give.

    Args:
        add: takes each clause, a list of literals.
        variables: how many there are already.
    """

    def __init__(self, add: Callable[[list[int]], object], variables: int = 0) -> None:
        self._add = add
        self.variables = variables

    def variable(self) -> int:
        """Return a new variable, as its positive literal."""
        self.variables += 1
        return self.variables

    def table(self, outputs: int, rank: int) -> list[list[Bit]]:
        """Return a table of which no entry is known, (outputs, 2^rank)."""
        return [[self.variable() for _ in range(1 << rank)] for _ in range(outputs)]

    def constant(self, value: bool) -> Bit:
        return value

    def cell(self, table: Sequence[Sequence[Bit]], inputs: Sequence[Bit]) -> tuple[Bit, ...]:
        return tuple(self._looked_up([_plain(entry) for entry in entries], inputs) for entries in table)

    def equal(self, bit: Bit, value: bool) -> None:
        """Demand that a bit is `value`; of a known bit that is not, the empty clause."""
        if isinstance(bit, bool):
            if bit is not value:
                self._add([])
        else:
            self._add([bit if value else -bit])

    def differ(self, left: Bit, right: Bit) -> Bit:
        """Return the bit that says whether two bits are different."""
        return self.cell([[False, True, True, False]], (left, right))[0]

    def any_of(self, bits: Sequence[Bit]) -> None:
        """Demand that one of these is 1."""
        if not any(bit is True for bit in bits):
            self._add([bit for bit in bits if not isinstance(bit, bool)])

    def _looked_up(self, entries: list[Bit], inputs: Sequence[Bit]) -> Bit:
        free = []
        for place, bit in reversed(list(enumerate(inputs))):
            if isinstance(bit, bool):
                step = 1 << place
                entries = [entry for address, entry in enumerate(entries) if bool(address & step) is bit]
            else:
                free.append(bit)
        free.reverse()
        entries, free = _without_idle(entries, free)
        if not free:
            return entries[0]
        if len(free) == 1 and entries == [False, True]:
            return free[0]
        if len(free) == 1 and entries == [True, False]:
            return -free[0]
        given = self.variable()
        for address, entry in enumerate(entries):
            here = [-bit if address >> place & 1 else bit for place, bit in enumerate(free)]
            if isinstance(entry, bool):
                self._add([*here, given if entry else -given])
            else:
                self._add([*here, -entry, given])
                self._add([*here, entry, -given])
        return given


def _without_idle(entries: list[Bit], free: list[int]) -> tuple[list[Bit], list[int]]:
    """Leave out inputs on which a table does not depend."""
    for place in reversed(range(len(free))):
        step = 1 << place
        low = [entry for address, entry in enumerate(entries) if not address & step]
        if low == [entry for address, entry in enumerate(entries) if address & step]:
            entries, free = low, [*free[:place], *free[place + 1 :]]
    return entries, free


def _plain(entry: Bit | np.bool_) -> Bit:
    return bool(entry) if isinstance(entry, np.bool_) else entry
