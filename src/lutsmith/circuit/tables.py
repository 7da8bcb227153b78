"""Truth tables of six inputs as 64-bit words, many at once.

A table of lower rank is written as one of six inputs that does not depend on the others: its entries are repeated. So
every operation is the same for all ranks, and an array of tables needs no loop over them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, table_mask

Words = NDArray[np.uint64]

ONES = np.uint64(2**64 - 1)
"""The table that is always 1."""

VARIABLES = np.array([sum(1 << a for a in range(64) if a >> j & 1) for j in range(MAX_RANK)], np.uint64)
"""uint64 (6,), the table of each input: bit a is bit j of a."""


def widened(tables: Words, ranks: NDArray[Any]) -> Words:
    """Return tables (N,) of `ranks` inputs as tables of six inputs that do not depend on the rest."""
    words = tables.copy()
    for j in range(MAX_RANK):
        short = ranks <= j
        words[short] |= words[short] << np.uint64(1 << j)
    return words


def narrowed(words: Words, ranks: NDArray[Any]) -> Words:
    """Return tables (N,) of six inputs, which depend on the first `ranks` alone, without the repetitions."""
    return words & table_mask(ranks)


def cofactors(words: Words, j: int) -> tuple[Words, Words]:
    """Return the tables with input j at 0 and at 1; neither depends on input j."""
    step, at_one = np.uint64(1 << j), VARIABLES[j]
    low, high = words & ~at_one, words & at_one
    return low | low << step, high | high >> step


def merged_inputs(words: Words, i: int, j: int) -> Words:
    """Return the tables where input j is input i; they do not depend on input j."""
    low, high = cofactors(words, j)
    merged: Words = low & ~VARIABLES[i] | high & VARIABLES[i]
    return merged


def depends(words: Words, j: int) -> NDArray[np.bool_]:
    """Return bool (N,), whether each table depends on input j."""
    changes: NDArray[np.bool_] = ((words ^ (words >> np.uint64(1 << j))) & ~VARIABLES[j]) != 0
    return changes


def negated_input(words: Words, j: int) -> Words:
    """Return the tables with input j complemented."""
    step, at_one = np.uint64(1 << j), VARIABLES[j]
    negated: Words = (words & at_one) >> step | (words & ~at_one) << step
    return negated


def exchanged(words: Words, j: int) -> Words:
    """Return the tables with inputs j and j + 1 exchanged."""
    step = np.uint64(1 << j)
    moved = VARIABLES[j] & ~VARIABLES[j + 1]  # entries with x_j = 1 and x_(j+1) = 0 move up, their partners down
    after: Words = words & ~(moved | moved << step) | (words & moved) << step | (words >> step) & moved
    return after


def sort_inputs(reads: NDArray[np.int32], words: Words, keys: NDArray[Any]) -> None:
    """Sort the inputs of each LUT by ascending keys (N, 6), in place; equal keys keep their order.

    Args:
        reads: int32 (N, 6), what each input reads.
        words: (N,), the tables; they follow.
        keys: (N, 6), sorted along.
    """
    for last in range(MAX_RANK - 1, 0, -1):
        for j in range(last):
            rows = np.flatnonzero(keys[:, j] > keys[:, j + 1])
            if rows.size:
                words[rows] = exchanged(words[rows], j)
                for array in (reads, keys):
                    array[rows, j], array[rows, j + 1] = array[rows, j + 1], array[rows, j]
