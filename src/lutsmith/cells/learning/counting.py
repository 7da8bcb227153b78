"""Serial cells found by counting: all tables of the next state are tried, and the table of the result is a majority.

With one bit of state there are 256 tables of the next state and two first states. Once they are chosen, each example
says at which address the result is read and what it should be there: the best table has the more frequent bit, and what
it errs is the sum of the less frequent ones. So wrong examples cost no more than they are, and never exclude a cell.

Where one bit of state leaves errors, two cells of one bit each walk side by side and the result is read from both:
131,328 pairs. What is taken is what describes the examples shortest: log2 of the ways to place its errors among them,
and a bit for each bit of a table (J. Rissanen, "Modeling by shortest data description", Automatica 14, 1978). So two
bits of state are not taken for what they explain of the noise. Of cells that no example tells apart, that with the
fewest terms in the normal forms of its tables is taken.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.bit_rows import operands_of
from lutsmith.cells.learning.candidates import COMPLEXITY, ENTRIES, NORMAL_FORMS, normal_forms
from lutsmith.cells.serial import SerialCell
from lutsmith.ground.arrays import booleans, numbered, packed
from lutsmith.kernels.cells import serial

_TABLES = np.repeat(np.argsort(COMPLEXITY, kind="stable"), 2)
_STARTS = np.tile([0, 1], 256)
"""All candidates: tables of the next state from simple to complex, each with both first states."""


@dataclass(frozen=True, eq=False)
class Counted:
    """What counting found.

    Attributes:
        cell: the cell.
        errors: how many bits of the examples' results it says wrong.
        bits: how many there are.
        unseen: how many addresses of the result's table no example reads; its entries there are 0.
    """

    cell: LearnedCell
    errors: int
    bits: int
    unseen: int


def learn_stream(x: ArrayLike, z: ArrayLike) -> Counted:
    """Find the serial cell of one bit of state whose stream has the fewest wrong bits.

    Args:
        x: bool (N, 2 n), the bits of a, then of b, the lowest first.
        z: bool (N, m), the bits of the results, the lowest first; m is n, or more where steps beyond the operands read
            zeros.

    Raises:
        TypeError, ValueError: arrays of other types or shapes.
    """
    inputs, width = operands_of(x)
    results = booleans("z", z)
    if results.ndim != 2 or len(results) != len(inputs) or not width <= results.shape[1] <= width + 64:
        raise ValueError(f"z has shape {results.shape}, expected ({len(inputs)}, {width} to {width + 64})")
    extra = results.shape[1] - width
    a, b = (packed(np.pad(side, ((0, 0), (0, extra))).T) for side in (inputs[:, :width], inputs[:, width:]))
    y, mask = packed(results.T), packed(np.ones(len(inputs), np.bool_))
    found = []
    for order, step in (("lsb", 1),) if extra else (("lsb", 1), ("msb", -1)):
        counts = np.empty((len(_TABLES), 8, 2), np.int64)
        first, second, wanted = (np.ascontiguousarray(side[::step]) for side in (a, b, y))
        serial.count_stream(first, second, wanted, mask, _TABLES, _STARTS, counts)
        errors = np.minimum(counts[..., 1], counts[..., 0] - counts[..., 1]).sum(axis=1)
        best = int(errors.argmin())
        found.append((int(errors[best]), order, best, counts[best]))
    wrong, order, best, counts = min(found, key=lambda each: each[0])
    tables = {"start": [[_STARTS[best]]], "cell": [2 * counts[:, 1] > counts[:, 0], _entries([best])[0]]}
    cell = LearnedCell(SerialCell(order=order, extra=extra), tables)
    return Counted(cell, wrong, results.size, int((counts[:, 0] == 0).sum()))


def learn_bit(x: ArrayLike, y: ArrayLike) -> Counted:
    """Find the serial cell that says one bit of each pair of operands in the shortest words.

    From the lowest bit on, the result is a table of the highest bits of both operands and the state before them; from
    the highest bit on, of the highest bits and the last state. The state has one bit, or two that do not know each
    other.

    Args:
        x: bool (N, 2 n), the bits of a, then of b, the lowest first.
        y: bool (N,), the bit.

    Raises:
        TypeError, ValueError: arrays of other types or shapes.
    """
    inputs, width = operands_of(x)
    bits = booleans("y", y)
    if bits.shape != (len(inputs),):
        raise ValueError(f"y has shape {bits.shape}, expected ({len(inputs)},)")
    a, b = packed(inputs[:, :width].T), packed(inputs[:, width:].T)
    target, mask = packed(bits), packed(np.ones(len(bits), np.bool_))
    found = []
    for order, walked in (("lsb", slice(0, width - 1)), ("msb", slice(None, None, -1))):
        states = np.empty((len(_TABLES), len(mask)), np.uint64)
        first, second = (np.ascontiguousarray(side[walked]) for side in (a, b))
        serial.walk(first, second, _TABLES, _STARTS, states)
        states &= mask
        flipped = (states[:, :1] & np.uint64(1)).astype(np.bool_)
        distinct, kind = numbered(np.where(flipped, states ^ mask, states), axis=0)
        errors = np.zeros((len(distinct), len(distinct)), np.int64)
        serial.count_pairs(states[distinct], a[-1], b[-1], target, mask, errors)
        pairs = np.where(np.tri(len(distinct), k=0, dtype=np.bool_), len(bits), errors)
        alone, both = int(errors.diagonal().argmin()), np.unravel_index(int(pairs.argmin()), pairs.shape)
        for wrong, chosen in ((errors[alone, alone], [alone]), (pairs[both], list(both))):
            length = _log_choices(len(bits), int(wrong)) + 9 * len(chosen) + (4 << len(chosen))
            alike = [np.flatnonzero(kind == each).tolist() for each in chosen]
            found.append((length, int(wrong), order, alike, states))
    _, wrong, order, alike, states = min(found, key=lambda each: each[0])
    read = []
    for places in itertools.product(*alike):
        count, ones = _counts([a[-1], b[-1], *states[list(places)]], target, len(bits))
        read.append((_terms(list(places), 2 * ones > count), list(places), 2 * ones > count, count))
    _, chosen, readout, count = min(read, key=lambda each: each[0])
    return Counted(_cell(order, chosen, readout), wrong, len(bits), int((count == 0).sum()))


def _terms(places: list[int], readout: NDArray[np.bool_]) -> int:
    """How many terms the normal forms of a cell's tables have together, constants and first states included."""
    return int(NORMAL_FORMS[_TABLES[places]].sum() + _STARTS[places].sum() + normal_forms(readout).sum())


def _cell(order: str, places: list[int], readout: NDArray[np.bool_]) -> LearnedCell:
    size, start = len(places), [[_STARTS[place]] for place in places]
    if order == "lsb":
        return LearnedCell(Tap(SerialCell(size), -1), {"start": start, "cell": [readout, *_entries(places)]})
    fabric = SerialCell(size, "msb", "readout")
    return LearnedCell(fabric, {"start": start, "cell": _entries(places), "readout": [readout]})


def _entries(places: list[int]) -> list[NDArray[np.bool_]]:
    """The rows of the next state of candidates side by side: each reads a, b and its own bit of the state."""
    address = np.arange(4 << len(places))
    return [ENTRIES[_TABLES[place], address % 4 + 4 * (address >> 2 + bit & 1)] for bit, place in enumerate(places)]


def _counts(
    rows: list[NDArray[np.uint64]], target: NDArray[np.uint64], examples: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many examples have each address, the first row its lowest bit, and of how many the bit is 1."""
    bits = np.unpackbits(np.stack([*rows, target]).view(np.uint8), axis=1, count=examples, bitorder="little")
    address = (bits[:-1].astype(np.int64) << np.arange(len(rows))[:, None]).sum(axis=0)
    size = 1 << len(rows)
    return np.bincount(address, minlength=size), np.bincount(address[bits[-1] == 1], minlength=size)


def _log_choices(count: int, chosen: int) -> float:
    """log2 of the number of ways to choose among `count`."""
    parts = (math.lgamma(count + 1), -math.lgamma(chosen + 1), -math.lgamma(count - chosen + 1))
    return sum(parts) / math.log(2)
