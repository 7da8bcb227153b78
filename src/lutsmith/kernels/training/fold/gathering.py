"""The gradient of the rows, row by row, from those who read each: no thread adds to what another one writes.

Slopes of a LUT of two inputs are quickly computed again at each of the rows that it reads. Those of learned slots,
which all of their candidates share, are written to memory once, and read from there.

Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.loops import CONSTANTS, PADS, SCALED, STEEPNESS, VALUES_OF_ALL
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    BEGIN,
    DOTS,
    DT,
    DWN,
    DX,
    END,
    ENTRIES_OF_ROWS,
    FEATURES,
    GRAD,
    HARD,
    INPUTS,
    LOGISTIC,
    LUT_PARTS,
    OUT,
    READERS,
    SAMPLES,
    SCALE,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    SLOPED,
    SLOPED_STEP,
    SLOTS_OF_ROWS,
    TABLES,
    X,
    ask_for,
    pad,
    zero,
)
from lutsmith.kernels.vectors import f64, i32, i64

NEXT = 8  # readers from the one whose rows are asked for to the one that is computed
EIGHT, FOUR = 8, 4
TOLD = 256  # bytes into the first row of scratch: slots, shares and sums of eight readers
OWN, TARGET, RESULT = PADS, PADS + 1, PADS + 2  # rows of scratch

# Filled in for each dtype.
SIZE: int
BYTES: int
NARROW: bool
LANES: int
real: Any
activations: Any
number: Any
round_row: Any
widen_row: Any
logistic_slopes: Any
pull: Any
pull_and_weigh: Any
pull_eight: Any
pull_four: Any
as_scored: Any


def first_row(readers: int, rows: int, part: int, parts: int) -> int:
    """The first row of a part: rows are shared out so that parts have about as many readers."""
    ends = i32(readers)
    goal = (ends[rows] + rows) * part // parts
    low, high = 0, rows
    while low < high:
        middle = (low + high) // 2
        if ends[middle] + middle < goal:
            low = middle + 1
        else:
            high = middle
    return low


def widen(row: int, values: int, samples: int, room: int) -> None:
    """The numbers of a row of activations, with zeros up to the end of a vector; `room` holds a vector."""
    groups, tail = samples // LANES, samples % LANES
    widen_row(row, values, groups)
    if tail:
        pad(row + groups * LANES * BYTES, room, tail)
        widen_row(room, values + groups * LANES * SIZE, 1)


def narrow(values: int, row: int, samples: int, room: int) -> None:
    """Numbers as a row of activations; behind them there are numbers up to the end of a vector; `room` holds one."""
    groups, tail = samples // LANES, samples % LANES
    round_row(values, row, groups)
    if tail:
        round_row(values + groups * LANES * SIZE, room, 1)
        x, y = activations(room), activations(row + groups * LANES * BYTES)
        for q in range(tail):
            y[q] = x[q]


def gather_pairs(address: int, part: int) -> None:
    """DX, and DT unless that is 0, of LUTs of two inputs of which each has its own table."""
    a = i64(address)
    step = a[SAMPLES] * BYTES
    readers, entries, inputs = i32(a[READERS]), i32(a[ENTRIES_OF_ROWS]), i32(a[INPUTS])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    c, steepness, sloped = scratch + CONSTANTS, scratch + STEEPNESS, scratch + SCALED * ROW * SIZE
    own, target, weight = scratch + OWN * ROW * SIZE, scratch + TARGET * ROW * SIZE, scratch + RESULT * ROW * SIZE
    real(steepness)[0] = number(f64(address)[SCALE])
    constants = real(c)
    full = a[SAMPLES] // LANES * LANES
    tail = a[SAMPLES] - full
    begin = first_row(a[READERS], a[FEATURES], part, a[LUT_PARTS])
    end = first_row(a[READERS], a[FEATURES], part + 1, a[LUT_PARTS])
    last = readers[end] - 1
    for f in range(begin, end):
        row, dx = a[X] + f * step, a[DX] + f * step
        total = scratch + VALUES_OF_ALL * ROW * SIZE if NARROW else dx
        zero(total, a[SAMPLES])
        for reader in range(readers[f], readers[f + 1]):
            ahead = entries[min(reader + NEXT, last)]
            ask_for(a[X] + inputs[ahead ^ 1] * step, step)
            ask_for(a[GRAD] + (ahead >> 1) * step, step)
            slot = entries[reader]
            j = slot >> 1
            other, g = a[X] + inputs[slot ^ 1] * step, a[GRAD] + j * step
            t, e = real(a[TABLES] + 4 * j * SIZE), 0
            constants[0] = t[1] - t[0] if slot & 1 == 0 else t[2] - t[0]
            constants[1] = (t[3] - t[2]) - (t[1] - t[0])
            if slot & 1 == 0 and a[DT] != 0:
                e = a[DT] + 4 * j * SIZE
                zero(e, 4)
            for start in range(0, full, ROW):
                groups, offset, w = min(ROW, full - start) // LANES, start * BYTES, g + start * BYTES
                into = total + start * SIZE
                if a[LOGISTIC]:
                    logistic_slopes(w, a[OUT] + j * step + offset, steepness, sloped, groups)
                    w = sloped
                elif NARROW:
                    widen_row(w, sloped, groups)
                    w = sloped
                if e != 0:
                    pull_and_weigh(c, row + offset, other + offset, w, into, e, groups)
                else:
                    pull(c, other + offset, w, into, groups)
            if tail:
                offset = full * BYTES
                pad(other + offset, own, tail)
                pad(g + offset, weight, tail)
                if a[LOGISTIC]:
                    pad(a[OUT] + j * step + offset, sloped, tail)
                    logistic_slopes(weight, sloped, steepness, weight, 1)
                elif NARROW:
                    widen_row(weight, weight, 1)
                zero(target, LANES)
                if e != 0:
                    pad(row + offset, sloped, tail)
                    pull_and_weigh(c, sloped, own, weight, target, e, 1)
                else:
                    pull(c, own, weight, target, 1)
                y, z = real(total + full * SIZE), real(target)
                for q in range(tail):
                    y[q] += z[q]
        if NARROW:
            narrow(total, dx, a[SAMPLES], own)


def gather_learned(address: int, part: int) -> None:
    """DX and DOTS, unless that is 0, of samples BEGIN to END, from the slopes of all slots."""
    a = i64(address)
    step, begin, end = a[SAMPLES] * BYTES, a[BEGIN], a[END]
    readers, entries, slots = i32(a[READERS]), i32(a[ENTRIES_OF_ROWS]), i32(a[SLOTS_OF_ROWS])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    own, target = scratch + OWN * ROW * SIZE, scratch + TARGET * ROW * SIZE
    told = i32(scratch + TOLD)
    weights, sums = real(scratch + TOLD + EIGHT * 4), real(scratch + TOLD + EIGHT * (4 + SIZE))
    shares, totals = real(a[SHARES]), real(a[DOTS])
    first = first_row(a[READERS], a[FEATURES], part, a[LUT_PARTS])
    last = first_row(a[READERS], a[FEATURES], part + 1, a[LUT_PARTS])
    most = readers[last] - 1
    for f in range(first, last):
        for start in range(begin, end, ROW):
            samples = min(ROW, end - start)
            groups, offset = (samples + LANES - 1) // LANES, f * step + start * BYTES
            row, dx, sloped = a[X] + offset, a[DX] + offset, a[SLOPED] + (start - begin) * BYTES
            whole = samples == groups * LANES
            if NARROW:
                widen(row, own, samples, target)
                row = own
            if a[HARD] or a[DWN] or not (whole or NARROW):
                x, y = real(row), real(own)
                for q in range(samples):
                    y[q] = as_scored(a, x[q])
                for q in range(samples, groups * LANES):
                    y[q] = number(0)
                row = own
            into = target if NARROW or not whole else dx
            zero(into, groups * LANES)
            for reader in range(readers[f], readers[f + 1], EIGHT):
                count = min(EIGHT, readers[f + 1] - reader)
                width = FOUR if count <= FOUR else EIGHT
                for i in range(width):
                    ask_for(sloped + slots[min(reader + width + i, most)] * a[SLOPED_STEP], samples * BYTES)
                    told[i] = slots[reader + min(i, count - 1)]
                    weights[i] = shares[entries[reader + i]] if i < count else number(0)
                    sums[i] = number(0)
                if width == FOUR:
                    pull_four(scratch + TOLD, sloped, a[SLOPED_STEP], row, into, groups)
                else:
                    pull_eight(scratch + TOLD, sloped, a[SLOPED_STEP], row, into, groups)
                if a[DOTS] != 0:
                    for i in range(count):
                        entry = entries[reader + i]
                        totals[entry] = sums[i] if start == 0 else totals[entry] + sums[i]
            if NARROW:
                narrow(target, dx, samples, own)
            elif not whole:
                y, z = real(dx), real(target)
                for q in range(samples):
                    y[q] = z[q]
