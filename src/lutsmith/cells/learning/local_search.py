"""Tables changed bit by bit: all changes of one or two entries are run on all examples at once, and the best is taken.

A change is judged by the label bits that the cell then misses, and where they are as many, by how many terms the
normal forms of its tables have: what examples leave open is made as simple as they let it. It ends where no change of
one or two entries (of one alone, in tables of more than 256) is better, which proves nothing beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from lutsmith.cells.evaluators import Many
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.candidates import normal_forms
from lutsmith.cells.learning.examples import Examples
from lutsmith.ground.arrays import packed

_WORDS = 1 << 14
"""Words of a signal that are evaluated at once: they stay in the cache."""
_MOST_PAIRS = 1 << 15
"""Changes of two entries that are tried: those of 256 entries."""
_ONES = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


class Judge:
    """Counts the label bits of examples that cells miss, many cells at once."""

    def __init__(self, fabric: Fabric, examples: Examples) -> None:
        self._fabric = fabric
        self._a, self._b, self._z = ([row[None] for row in packed(bits.T)] for bits in _columns(examples))
        self._valid = packed(np.ones(len(examples), np.bool_))
        self._changes = _changes(fabric.num_entries)

    def missed(self, entries: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many bits cells miss, (R,), of their entries, bool (R, entries), in the order of the tables."""
        block = max(1, _WORDS // len(self._valid))
        parts = [self._counts(entries[start : start + block]) for start in range(0, len(entries), block)]
        return np.concatenate(parts)

    def _counts(self, entries: NDArray[np.bool_]) -> NDArray[np.int64]:
        total = np.zeros(len(entries), np.int64)
        results = self._fabric.run(Many(), tables_of(self._fabric, entries), self._a, self._b)
        for bit, label in zip(results, self._z, strict=True):
            given = np.uint64(2**64 - 1 if bit else 0) if isinstance(bit, bool) else bit
            total += _ONES[((given ^ label) & self._valid).view(np.uint16)].sum(axis=1, dtype=np.int64)
        return total

    def terms(self, entries: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many terms the normal forms of cells' tables have, (R,), of their entries, bool (R, entries)."""
        total = np.zeros(len(entries), np.int64)
        for table in tables_of(self._fabric, entries).values():
            total += normal_forms(table).sum(axis=(1, 2))
        return total

    def descended(self, entries: NDArray[np.bool_], deadline: float) -> tuple[NDArray[np.bool_], int, int]:
        """Return entries, (entries,), after changes of one or two of them, how many bits they miss, and their terms."""
        best, (_, missed, terms) = entries, self._best(entries[None])
        kind = 0
        while kind < len(self._changes) and monotonic() < deadline:
            place, *found = self._best(best ^ self._changes[kind])
            if found < [missed, terms]:
                best, missed, terms, kind = best ^ self._changes[kind][place], *found, 0
            else:
                kind += 1
        return best, missed, terms

    def _best(self, entries: NDArray[np.bool_]) -> tuple[int, int, int]:
        """Return which of the cells, (R, entries), is best, how many bits it misses, and its terms."""
        counts = self.missed(entries)
        few = np.flatnonzero(counts == counts.min())
        terms = self.terms(entries[few])
        return int(few[terms.argmin()]), int(counts[few[0]]), int(terms.min())


def _changes(size: int) -> list[NDArray[np.bool_]]:
    """Return all changes of one entry, (size, size), and of two, (pairs, size), unless these are too many."""
    first, second = np.triu_indices(size, 1)
    single = np.eye(size, dtype=np.bool_)
    return [single, single[first] | single[second]] if 0 < len(first) <= _MOST_PAIRS else [single]


def tables_of(fabric: Fabric, entries: NDArray[np.bool_]) -> Mapping[str, NDArray[np.bool_]]:
    """Return tables, bool (..., outputs, 2^rank) by name, of their entries one after the other, bool (..., entries)."""
    tables, start = {}, 0
    for shape in fabric.tables:
        size = shape.outputs << shape.rank
        tables[shape.name] = entries[..., start : start + size].reshape(*entries.shape[:-1], *shape.shape)
        start += size
    return tables


def entries_of(cell: LearnedCell) -> NDArray[np.bool_]:
    """Return the entries of a cell's tables one after the other, bool (entries,)."""
    return np.concatenate([cell.tables[shape.name].reshape(-1) for shape in cell.fabric.tables])


def _columns(examples: Examples) -> tuple[NDArray[np.bool_], ...]:
    return examples.a, examples.b, examples.z
