"""Cells found by trying tables, from simple to complex, on examples of one bit of the result.

A gradient has nothing to hold on to where only the last bit of a long computation is known, and a solver drowns in it.
But the tables are small. Each candidate is run on 16 examples, 64 candidates side by side (`kernels.cells`); what is
right on all 16, which is one of 65,536 by chance, is run on 16 more, and so on through all examples. Tables are in the
order of the ANDs that they need where XOR is free, so that what computes with few is found long before the last.

What only renames is left out: a carry or a difference that is inverted wherever it is written and read gives the same
results. So an array's rows begin with the carry 0, its gate is 0 of two zeros, and a quotient's digit is the carry.
Examples have to be right: a wrong one excludes the cell. `counting` is the learner that errors do not stop.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.arrays import ArrayCell, RowFeedback
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.bit_rows import checked
from lutsmith.cells.learning.candidates import answers_of, by_complexity, in_order, masks_of, repeated
from lutsmith.ground.arguments import one_of
from lutsmith.kernels.cells import arrays, rows

CHUNK = 1 << 16
"""Candidates between two looks at whether one was found."""

_GATES = (8, 14, 6, 2, 4, 10, 12, 0)
"""Tables of two bits up to inversion: AND, OR, XOR, a without b, b without a, a, b, nothing."""

Run = Callable[[NDArray[np.int64], NDArray[np.bool_]], NDArray[np.uint16]]
"""From candidates (kinds, C) and 16 examples, bool (16, n), to the answers (C,), bit e of example e."""


@dataclass(frozen=True, eq=False)
class Enumerated:
    """What an enumeration found.

    Attributes:
        cell: the first, simplest candidate that is right on all examples.
        survivors: all candidates of the same chunk that are, the first included.
        tried: how many candidates were tried.
        free: for each table, bool of its shape: entries in which survivors differ.
    """

    cell: LearnedCell
    survivors: tuple[LearnedCell, ...]
    tried: int
    free: Mapping[str, NDArray[np.bool_]]


def learn_array(x: ArrayLike, y: ArrayLike, *, most: int | None = None) -> Enumerated | None:
    """Find an array cell from the middle bit of its result, bit n - 1 of a product.

    Tried are all `p, c = cell[p, g, c]` with g any gate of a_i and b_j: 524,288 tables.

    Args:
        x: bool (N, 2 n), the bits of a, then of b, the lowest first.
        y: bool (N,), the bit.
        most: so many candidates at most are tried; None: all.

    Returns:
        What was found; None where no candidate is right.

    Raises:
        ValueError: arrays of other shapes.
        ContradictionError: two examples contradict each other.
    """
    inputs, bits, width = checked(x, y)

    def run(candidates: NDArray[np.int64], examples: NDArray[np.bool_]) -> NDArray[np.uint16]:
        gate, masks = int(candidates[0, 0]), masks_of(candidates[1:])
        out = np.empty((len(masks), arrays.LANES), np.uint64)
        total, carry = np.ascontiguousarray(masks[:, 0]), np.ascontiguousarray(masks[:, 1])
        arrays.array(repeated(examples[:, :width]), repeated(examples[:, width:]), gate, total, carry, out)
        return answers_of(out, candidates.shape[1])

    def cell(candidate: NDArray[np.int64]) -> LearnedCell:
        gate, *tables = candidate.tolist()
        entries = np.zeros((2, 16), np.bool_)
        for p, a, b, c in itertools.product((0, 1), repeat=4):
            for output, table in enumerate(tables):
                entries[output, p + 2 * a + 4 * b + 8 * c] = table >> (p + 2 * (gate >> (a + 2 * b) & 1) + 4 * c) & 1
        return LearnedCell(Tap(ArrayCell("low"), -1), {"start": [[0]], "cell": entries})

    kinds = by_complexity()
    parts = in_order([kinds, kinds])
    candidates = (np.vstack([np.full(part.shape[1], gate), part]) for part in parts for gate in _GATES)
    return _first(candidates, run, cell, inputs, bits, most)


def learn_rows(x: ArrayLike, y: ArrayLike, result: str, *, most: int | None = None) -> Enumerated | None:
    """Find a cell of rows with feedback from bit 0 of its result: 2^24 tables and first carries, half for a remainder.

    Args:
        x: bool (N, 2 n), the bits of a, then of b, the lowest first; for a root (N, n), those of a.
        y: bool (N,), bit 0 of the result.
        result: "quotient", "remainder" or "root".
        most: so many candidates at most are tried; None: all.

    Returns:
        What was found; None where no candidate is right.

    Raises:
        ValueError: see `learn_array`; or an unknown result.
    """
    one_of("result", result, ("quotient", "remainder", "root"))
    inputs, bits, width = checked(x, y, 1 if result == "root" else 2)

    def run(candidates: NDArray[np.int64], examples: NDArray[np.bool_]) -> NDArray[np.uint16]:
        masks = masks_of(candidates)
        out = np.empty((len(masks), arrays.LANES), np.uint64)
        tables, starts = np.ascontiguousarray(masks[:, :3]), np.ascontiguousarray(masks[:, 3, 0])
        if result == "root":
            even = np.pad(examples, ((0, 0), (0, width % 2)))
            rows.root(repeated(even), tables, starts, out)
        else:
            a, b = repeated(examples[:, :width]), repeated(examples[:, width:])
            rows.divide(a, b, tables, starts, result == "remainder", out)
        return answers_of(out, candidates.shape[1])

    def cell(candidate: NDArray[np.int64]) -> LearnedCell:
        difference, borrow, restore = (candidate[:3, None] >> np.arange(8) & 1).astype(np.bool_)
        tables = {
            "start": [[candidate[3] & 1]],
            "subtract": [difference, borrow],
            "decide": [[0, 1]],
            "restore": [restore],
        }
        return LearnedCell(Tap(RowFeedback(result), 0), tables)

    starts = [np.array([0] if result == "remainder" else [255, 0])]  # of equals first where 1 goes into 1
    kinds = [by_complexity(even=True), by_complexity(), by_complexity(), starts]
    return _first(in_order(kinds), run, cell, inputs, bits, most)


def _first(
    candidates: Iterator[NDArray[np.int64]],
    run: Run,
    cell: Callable[[NDArray[np.int64]], LearnedCell],
    x: NDArray[np.bool_],
    y: NDArray[np.bool_],
    most: int | None,
) -> Enumerated | None:
    """Return what is right on all examples among the candidates of the first chunk that has any."""
    size = arrays.EXAMPLES
    place = np.arange(math.ceil(len(x) / size) * size) % len(x)  # the last examples are filled up with the first
    parts = place.reshape(-1, size)
    expected = (y[parts].astype(np.uint16) << np.arange(size, dtype=np.uint16)).sum(axis=1, dtype=np.uint16)
    tried = 0
    for group in candidates:
        for begin in range(0, group.shape[1], CHUNK):
            left = group[:, begin : begin + CHUNK][:, : None if most is None else max(0, most - tried)]
            tried += left.shape[1]
            for part, answer in zip(parts, expected, strict=True):
                if not left.shape[1]:
                    break
                left = left[:, run(left, x[part]) == answer]
            if left.shape[1]:
                cells = tuple(cell(candidate) for candidate in left.T)
                return Enumerated(cells[0], cells, tried, _free(cells))
            if most is not None and tried >= most:
                return None
    return None


def _free(cells: tuple[LearnedCell, ...]) -> dict[str, NDArray[np.bool_]]:
    first = cells[0].tables
    return {name: np.any([other.tables[name] != first[name] for other in cells], axis=0) for name in first}
