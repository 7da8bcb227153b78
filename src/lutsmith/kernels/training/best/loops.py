"""The choice among all inputs: templates, as `kernels.training.templates` says, and the vector code of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from lutsmith.kernels.training.templates import (
    CHOICES,
    HARD,
    LUT_PARTS,
    LUTS,
    OUT,
    SCORES,
    SCRATCH,
    SCRATCH_STEP,
    SLOTS,
    share_of,
)
from lutsmith.kernels.vectors import Vectors, i32, i64, piece

RUN = 256  # scores whose highest one is found in one go
COLUMNS = 4096  # slots that are looked at side by side

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
highest: Any


def pieces(dtype: np.dtype[Any]) -> dict[str, Any]:
    """The piece of a dtype by name."""

    def emit(v: Vectors, row: Any, groups: Any, out: Any) -> None:
        """out = the highest number of some vectors, -inf where all are NaN."""
        b = v.builder
        top = cgutils.alloca_once(b, v.vector)
        b.store(v.constant(float("-inf")), top)
        with v.loop(groups) as q:
            value, before = v.load(row, q), b.load(top)
            b.store(v.select(b.fcmp_ordered(">", value, before), value, before), top)
        kind = ir.FunctionType(v.element, [v.vector])
        name = f"llvm.vector.reduce.fmax.v{v.lanes}f{8 * v.size}"
        found = b.call(cgutils.get_or_insert_function(b.module, kind, name), [b.load(top)], fastmath=("nnan",))
        v.store(found, out, 0)

    return {"highest": piece(dtype, 3, emit)}


def place_of_highest(row: int, count: int, scratch: int) -> int:
    """The place of the highest of some numbers, the first of equals; 0 where all are NaN or -inf."""
    x, found = real(row), real(scratch)
    top, start = number(-np.inf), -1
    for begin in range(0, count, RUN):
        length = min(RUN, count - begin)
        full = length // LANES * LANES
        highest(row + begin * SIZE, full // LANES, scratch)
        largest = found[0]
        for k in range(begin + full, begin + length):
            largest = x[k] if x[k] > largest else largest
        if largest > top:
            top, start = largest, begin
    place = max(start, 0)
    while start >= 0 and x[place] != top:
        place += 1
    return place


def best(address: int, part: int) -> None:
    """OUT (LUTS, SLOTS) = the best of CHOICES SCORES of each slot; if HARD, that no earlier slot of the LUT has."""
    a = i64(address)
    slots, count, unique = a[SLOTS], a[CHOICES], a[HARD]
    first, last = share_of(a[LUTS], part, a[LUT_PARTS], 1)
    scratch = a[SCRATCH] + part * 64
    for j in range(first, last):
        chosen = i32(a[OUT] + j * slots * 4)
        for slot in range(slots):
            row = a[SCORES] + (j * slots + slot) * count * SIZE
            pick, taken = place_of_highest(row, count, scratch), False
            for earlier in range(slot):
                taken |= chosen[earlier] == pick
            if unique and taken:
                x, pick = real(row), -1
                for k in range(count):
                    if pick < 0 or x[k] > x[pick]:
                        free = True
                        for earlier in range(slot):
                            free &= chosen[earlier] != k
                        if free:
                            pick = k
            chosen[slot] = pick


def higher(value: Any, k: int, high: Any, place: Any) -> Any:
    """The larger one of two numbers and its place; the second of equals."""
    return (value, np.int32(k)) if value > high else (high, place)


def best_of_columns(address: int, part: int) -> None:
    """OUT (SLOTS) = the row of the highest of CHOICES SCORES in each column of SLOTS, the first of equals."""
    a = i64(address)
    slots, count = a[SLOTS], a[CHOICES]
    first, last = share_of(slots, part, a[LUT_PARTS], LANES)
    top = real(a[SCRATCH] + part * a[SCRATCH_STEP])
    for begin in range(first, last, COLUMNS):
        width = min(COLUMNS, last - begin)
        chosen = i32(a[OUT] + begin * 4)
        for c in range(width):
            top[c], chosen[c] = number(-np.inf), np.int32(0)
        rows, step = a[SCORES] + begin * SIZE, slots * SIZE
        for k in range(0, count, 4):  # of the last rows some are looked at again, which changes nothing
            k1, k2, k3 = min(k + 1, count - 1), min(k + 2, count - 1), min(k + 3, count - 1)
            x0, x1, x2, x3 = (
                real(rows + k * step),
                real(rows + k1 * step),
                real(rows + k2 * step),
                real(rows + k3 * step),
            )
            for c in range(width):
                high, place = higher(x0[c], k, top[c], chosen[c])
                high, place = higher(x1[c], k1, high, place)
                high, place = higher(x2[c], k2, high, place)
                top[c], chosen[c] = higher(x3[c], k3, high, place)
