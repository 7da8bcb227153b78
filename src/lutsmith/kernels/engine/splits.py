"""How the table of a look-up table is taken apart: cofactors, the inputs that matter, and which one to split off first.

A table of n inputs is an integer of 2**n bits. `cofactor`, `support` and `best_split` say what is meant, one table at a
time; `Splits` finds the same for many tables at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BLOCKS = tuple(
    sum(((1 << (1 << slot)) - 1) << (start << slot + 1) for start in range(32 >> slot)) for slot in range(6)
)
"""For each slot the entries of a table of six inputs where that input is 0."""


def cofactor(table: int, inputs: int, slot: int, bit: int) -> int:
    """The table, of the other inputs, where input `slot` is `bit`: half of the entries, pushed together."""
    found = table >> (bit << slot) & _BLOCKS[slot]
    for width in range(slot, inputs - 1):
        found = (found | found >> (1 << width)) & _BLOCKS[width + 1] if width < 5 else found
    return found & (1 << (1 << inputs - 1)) - 1


def reads(table: int, inputs: int, slot: int) -> bool:
    """Whether input `slot` makes a difference."""
    return bool((table ^ table >> (1 << slot)) & _BLOCKS[slot] & (1 << (1 << inputs)) - 1)


@lru_cache(maxsize=1 << 16)
def support(table: int, inputs: int) -> tuple[int, tuple[int, ...]]:
    """The table without inputs that make no difference, and the slots of the others."""
    kept = list(range(inputs))
    for slot in reversed(range(inputs)):
        if not reads(table, len(kept), slot):
            table = cofactor(table, len(kept), slot, 0)
            del kept[slot]
    return table, tuple(kept)


@lru_cache(maxsize=1 << 16)
def best_split(table: int, inputs: int) -> int:
    """The slot whose cofactors depend on the fewest inputs in all; the highest of these."""
    ones = (1 << (1 << inputs)) - 1
    changes = [(table ^ table >> (1 << slot)) & _BLOCKS[slot] & ones for slot in range(inputs)]  # where it matters

    def cost(slot: int) -> int:
        low, high, own = _BLOCKS[slot], ~_BLOCKS[slot], changes[slot]
        halves = [(change & low != 0) + (change & high != 0) for change in changes]
        return sum(halves) - (own & low != 0) - (own & high != 0)

    return min(reversed(range(inputs)), key=cost)


class Split(NamedTuple):
    """The slot of an input that is split off, and the tables of the other inputs where it is 0 and where it is 1."""

    slot: int
    low: int
    high: int


def split_of(table: int, inputs: int) -> Split:
    """The best split of a table."""
    slot = best_split(table, inputs)
    return Split(slot, cofactor(table, inputs, slot, 0), cofactor(table, inputs, slot, 1))


@cache
def _small() -> dict[tuple[int, int], Split]:
    """The splits of tables of two and three inputs that depend on all of these."""
    tables = ((inputs, table) for inputs in (2, 3) for table in range(1 << (1 << inputs)))
    whole = ((inputs, table) for inputs, table in tables if len(support(table, inputs)[1]) == inputs)
    return {(inputs, table): split_of(table, inputs) for inputs, table in whole}


class Splits:
    """The best splits of tables and of their cofactors, where these depend on all of their inputs.

    Args:
        tables: number of inputs, and table.
    """

    def __init__(self, tables: Iterable[tuple[int, int]]) -> None:
        self._known = dict(_small())
        wanted: dict[int, list[int]] = {inputs: [] for inputs in range(7)}
        for inputs, table in tables:
            wanted[inputs].append(table)
        more = np.zeros(0, np.uint64)
        for inputs in (6, 5, 4):
            more = self._find(np.unique(np.concatenate([more, np.array(wanted[inputs], np.uint64)])), inputs)

    def of(self, inputs: int, table: int) -> Split | None:
        """The split of a table, None if it is not known; of one that is, all inputs make a difference."""
        return self._known.get((inputs, table))

    def _find(self, tables: NDArray[np.uint64], inputs: int) -> NDArray[np.uint64]:
        """Remember the splits of tables that depend on all inputs; return their cofactors."""
        blocks = [np.uint64(block & (1 << (1 << inputs)) - 1) for block in _BLOCKS[:inputs]]
        changes = [(tables ^ tables >> np.uint64(1 << slot)) & block for slot, block in enumerate(blocks)]
        whole = np.logical_and.reduce([change != 0 for change in changes])
        tables, changes = tables[whole], [change[whole] for change in changes]
        costs = np.zeros((inputs, tables.size), np.int64)
        for slot, block in enumerate(blocks):
            for other, change in enumerate(changes):
                if other != slot:
                    costs[slot] += (change & block) != 0
                    costs[slot] += (change & ~block) != 0
        slots = inputs - 1 - costs[::-1].argmin(axis=0)
        halves = np.zeros((2, tables.size), np.uint64)
        for slot in range(inputs):
            of_slot = slots == slot
            for bit in (0, 1):
                halves[bit, of_slot] = _cofactors(tables[of_slot], inputs, slot, bit)
        rows = (array.tolist() for array in (tables, slots, *halves))
        for table, slot, low, high in zip(*rows, strict=True):
            self._known[inputs, table] = Split(slot, low, high)
        return halves.reshape(-1)


def _cofactors(tables: NDArray[np.uint64], inputs: int, slot: int, bit: int) -> NDArray[np.uint64]:
    """`cofactor` of many tables."""
    found = tables >> np.uint64(bit << slot) & np.uint64(_BLOCKS[slot])
    for width in range(slot, inputs - 1):
        found = (found | found >> np.uint64(1 << width)) & np.uint64(_BLOCKS[width + 1])
    return found & np.uint64((1 << (1 << inputs - 1)) - 1)
