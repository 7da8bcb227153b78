"""Bits of many samples at once: a signal is a row of words, uint64 (ceil(N / 64),), or one bit that all share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.uint64] | bool
"""Bit b of word w is sample 64 w + b; a constant is a bool."""


class Hard:
    """Evaluates truth tables, bool (outputs, 2^rank), on rows of bits, by Shannon's expansion."""

    def constant(self, value: bool) -> Row:
        return value

    def cell(self, table: NDArray[np.bool_], inputs: Sequence[Row]) -> tuple[Row, ...]:
        return tuple(_looked_up(entries.tolist(), inputs) for entries in table)


def _looked_up(entries: list[bool], inputs: Sequence[Row]) -> Row:
    """Return the row that a table gives: its upper half where the last input is 1, its lower half elsewhere."""
    first = entries[0]
    if all(entry is first for entry in entries):
        return first
    *rest, last = inputs
    half = len(entries) // 2
    low, high = entries[:half], entries[half:]
    if isinstance(last, bool):
        return _looked_up(high if last else low, rest)
    return _chosen(last, _looked_up(low, rest), _looked_up(high, rest))


def _chosen(choice: NDArray[np.uint64], low: Row, high: Row) -> Row:
    if isinstance(low, bool) and isinstance(high, bool):
        return low if low is high else (choice if high else ~choice)
    if isinstance(low, bool):
        return choice & high if not low else ~choice | high
    if isinstance(high, bool):
        return ~choice & low if not high else choice | low
    chosen: NDArray[np.uint64] = low ^ (choice & (low ^ high))
    return chosen
