"""Bits of many samples in many cells at once: what a search over tables runs on.

A signal is rows of words, uint64 (R, W), or (1, W) where all cells share it, or one bit that all share; bit b of word w
is sample 64 w + b. A table is bool (R, outputs, 2^rank), one for each cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Rows = Words | bool

_ALL = np.uint64(2**64 - 1)


class Many:
    """Evaluates truth tables of many cells side by side, by Shannon's expansion. One evaluator serves one run."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[NDArray[np.bool_], list[list[Words]]]] = {}

    def constant(self, value: bool) -> Rows:
        return value

    def cell(self, table: NDArray[np.bool_], inputs: Sequence[Rows]) -> tuple[Rows, ...]:
        if id(table) not in self._entries:
            words = np.where(table, _ALL, np.uint64(0))[..., None]
            self._entries[id(table)] = table, [list(rows) for rows in words.transpose(1, 2, 0, 3)]
        return tuple(_looked_up(entries, inputs) for entries in self._entries[id(table)][1])


def _looked_up(entries: list[Words], inputs: Sequence[Rows]) -> Words:
    for bit in inputs:
        low, high = entries[::2], entries[1::2]
        if isinstance(bit, bool):
            entries = high if bit else low
        else:
            entries = [zero ^ (bit & (zero ^ one)) for zero, one in zip(low, high, strict=True)]
    return entries[0]
