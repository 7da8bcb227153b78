"""The loops over kernels and their places: forward and backward passes where a row is found through a table of places.

An instance is a kernel at a place, and its rows lie apart by the pixels that its taps read there. Nothing is gathered:
a row of x is read where it lies, and its gradient is added there. Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.loops import CONSTANTS, CORNERS, INDICES, PADS, PLACES, POINTS, SLOPES
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    AROUND,
    BATCH_PARTS,
    BITS,
    CANDIDATES,
    CHOICES,
    DOTS,
    DOTS_MORE,
    DT,
    DT_MORE,
    DWN,
    DX,
    DX_MORE,
    FEATURES,
    GRAD,
    INPUTS,
    LUT_PARTS,
    LUTS,
    OUT,
    PIXELS,
    PLACE_COUNT,
    RHO,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    SLOTS,
    TABLE_COUNT,
    TABLE_PTR,
    TABLES,
    X,
    pad,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import f64, i32, i64

# More of the first row of scratch, in bytes: where the rows of an instance begin, where their gradients do (-1: those
# of constants, which have none), and which candidates are being worked on.
POSITIONS, TARGETS, BASES = 288, 384, 448

# Filled in for each rank and dtype.
RANK: int
SIZE: int
LANES: int
real: Any
number: Any
evaluate: Any
table_of: Any
block: Any
less: Any
eight_dots: Any
tail_dot: Any
add_row: Any
add_share: Any
add_shares: Any
add_total: Any


def locate(a: Any, kernel: int, place: int, scratch: int) -> None:
    """Where the slots of a kernel read at a place."""
    step, pairs, pixels = a[SAMPLES] * SIZE, i32(a[INPUTS]), i32(a[PIXELS])
    bases, targets = i64(scratch + BASES), i64(scratch + TARGETS)
    for l in range(RANK):
        pair = 2 * (kernel * RANK + l)
        pixel = pixels[pairs[pair + 1] + place]
        targets[l] = (pairs[pair] + pixel) * step if pixel >= 0 else -1
        bases[l] = a[X] + targets[l] if pixel >= 0 else a[AROUND] + (-1 - pixel) * step


def forward_placed(address: int, part: int) -> None:
    """OUT[j] = the fold or look-up of instance j, kernel by kernel."""
    a = i64(address)
    step = a[SAMPLES] * SIZE
    first, last = share_of(a[LUTS], part // a[BATCH_PARTS], a[LUT_PARTS], 1)
    begin, end = share_of(a[SAMPLES], part % a[BATCH_PARTS], a[BATCH_PARTS], 16)
    groups, tail = (end - begin) // LANES, (end - begin) % LANES
    offset, done = begin * SIZE, (begin + groups * LANES) * SIZE
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, bases = i64(scratch), i64(scratch + BASES)
    pads, places = scratch + PADS * ROW * SIZE, scratch + PLACES * ROW * SIZE
    t = 0
    for j in range(first, last):
        kernel = j // a[PLACE_COUNT]
        locate(a, kernel, j - kernel * a[PLACE_COUNT], scratch)
        t = table_of(t, kernel, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        out = a[OUT] + j * step
        for l in range(RANK):
            rows[l] = bases[l] + offset
        evaluate(entries, scratch, out + offset, groups, places)
        if tail:
            for l in range(RANK):
                rows[l] = pads + l * ROW * SIZE
                pad(bases[l] + done, rows[l], tail)
            result = pads + RANK * ROW * SIZE
            evaluate(entries, scratch, result, 1, places)
            y, z = real(out + done), real(result)
            for q in range(tail):
                y[q] = z[q]


def backward_placed(address: int, part: int) -> None:
    """Gradients of the part's instances and samples: its copies of DX, DT and DOTS are set to zero and added to."""
    a = i64(address)
    step = a[SAMPLES] * SIZE
    lut_part, batch_part = part // a[BATCH_PARTS], part % a[BATCH_PARTS]
    first, last = share_of(a[LUTS], lut_part, a[LUT_PARTS], 1)
    begin, end = share_of(a[SAMPLES], batch_part, a[BATCH_PARTS], 16)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, bases, pads = i64(scratch), i64(scratch + BASES), scratch + PADS * ROW * SIZE
    rho = number(f64(address)[RHO])
    constants = real(scratch + CONSTANTS)
    constants[0], constants[1], constants[2] = (number(1) - rho) / number(2), (number(1) + rho) / number(2), rho
    corners = real(scratch + CORNERS)
    corners[0], corners[1], corners[2] = number(0), number(1), number(1)
    dx, dt, dots_row = a[DX], a[DT], a[DOTS]
    if dx != 0:
        if lut_part:
            dx = a[DX_MORE] + (lut_part - 1) * a[FEATURES] * step
        for k in range(a[FEATURES]):
            zero(dx + k * step + begin * SIZE, end - begin)
    if dt != 0:
        if part:
            dt = a[DT_MORE] + (part - 1) * (a[TABLE_COUNT] * SIZE << RANK)
        zero(dt, a[TABLE_COUNT] << RANK)
    if dots_row != 0:
        if part:
            dots_row = a[DOTS_MORE] + (part - 1) * a[SLOTS] * a[CHOICES] * SIZE
        zero(dots_row, a[SLOTS] * a[CHOICES])
    full = begin + (end - begin) // LANES * LANES
    t = 0
    for j in range(first, last):
        kernel = j // a[PLACE_COUNT]
        place = j - kernel * a[PLACE_COUNT]
        locate(a, kernel, place, scratch)
        t = table_of(t, kernel, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        e = 0 if dt == 0 else dt + (t * SIZE << RANK)
        for start in range(begin, full, ROW):
            m = min(ROW, full - start)
            for l in range(RANK):
                rows[l] = bases[l] + start * SIZE
            block(a, j, entries, e, a[GRAD] + j * step + start * SIZE, scratch, m // LANES, m)
            scatter_placed(a, kernel, place, start, dx, dots_row, scratch, m // LANES)
        if full < end:
            for l in range(RANK):
                rows[l] = pads + l * ROW * SIZE
                pad(bases[l] + full * SIZE, rows[l], end - full)
            g = pads + RANK * ROW * SIZE
            pad(a[GRAD] + j * step + full * SIZE, g, end - full)
            block(a, j, entries, e, g, scratch, 1, end - full)
            scatter_tail_placed(a, kernel, place, full, end - full, dx, dots_row, scratch)


def scatter_placed(
    a: Any, kernel: int, place: int, start: int, dx: int, dots_row: int, scratch: int, groups: int
) -> None:
    """Take the slopes of whole vectors of samples to DX and DOTS."""
    choices, offset = a[CHOICES], start * SIZE
    targets, pairs, pixels = i64(scratch + TARGETS), i32(a[CANDIDATES]), i32(a[PIXELS])
    indices, positions = i32(scratch + INDICES), i32(scratch + POSITIONS)
    sums = scratch + POINTS * ROW * SIZE
    weights, shares = real(sums + ROW * SIZE), real(a[SHARES])
    for l in range(RANK):
        d = scratch + (SLOPES + l) * ROW * SIZE
        if choices == 0:
            if dx != 0 and targets[l] >= 0:
                add_row(dx + targets[l] + offset, d, groups)
            continue
        first = (kernel * RANK + l) * choices
        total = number(0)
        if dots_row != 0:
            zero(sums, 1)
            add_total(d, sums, groups)
            total = real(sums)[0]
        count = 0
        for k in range(choices):
            pixel = pixels[pairs[2 * (first + k) + 1] + place]
            if pixel >= 0:
                indices[count], positions[count] = pairs[2 * (first + k)] + pixel, k
                if dx != 0:
                    weights[count] = shares[first + k]
                count += 1
            elif pixel == -2 and dots_row != 0:
                real(dots_row)[first + k] += total
            if count == 8 or (count and k + 1 == choices):
                some_candidates(a, start, dx, dots_row + first * SIZE, d, scratch, count, groups)
                count = 0
        if dots_row != 0 and a[DWN]:
            less(dots_row + first * SIZE, choices, total / number(2))


def some_candidates(a: Any, start: int, dx: int, dots_row: int, d: int, scratch: int, count: int, groups: int) -> None:
    """Take the slopes of a slot to up to eight of its candidates, those that are pixels."""
    step, offset = a[SAMPLES] * SIZE, start * SIZE
    indices, positions = i32(scratch + INDICES), i32(scratch + POSITIONS)
    sums = scratch + POINTS * ROW * SIZE
    weights = sums + ROW * SIZE
    if dx != 0 and count == 8:
        add_shares(dx + offset, step, scratch + INDICES, weights, d, groups)
    elif dx != 0:
        for i in range(count):
            add_share(dx + indices[i] * step + offset, d, weights + i * SIZE, groups)
    if a[DOTS] != 0:
        for i in range(count, 8):
            indices[i] = indices[count - 1]
        zero(sums, 8)
        eight_dots(a, a[X] + offset, a[BITS] + start // 8, scratch + INDICES, d, sums, groups)
        y, z = real(dots_row), real(sums)
        for i in range(count):
            y[positions[i]] += z[i]


def scatter_tail_placed(
    a: Any, kernel: int, place: int, start: int, samples: int, dx: int, dots_row: int, scratch: int
) -> None:
    """Take the slopes of fewer samples than a vector holds to DX and DOTS."""
    step, choices, offset = a[SAMPLES] * SIZE, a[CHOICES], start * SIZE
    targets, pairs, pixels = i64(scratch + TARGETS), i32(a[CANDIDATES]), i32(a[PIXELS])
    shares = real(a[SHARES])
    for l in range(RANK):
        d = real(scratch + (SLOPES + l) * ROW * SIZE)
        if dx != 0 and choices == 0 and targets[l] >= 0:
            y = real(dx + targets[l] + offset)
            for q in range(samples):
                y[q] += d[q]
        first = (kernel * RANK + l) * choices
        for k in range(first, first + choices):
            pixel = pixels[pairs[2 * k + 1] + place]
            row = (pairs[2 * k] + pixel) * step + offset
            if dx != 0 and pixel >= 0:
                y = real(dx + row)
                for q in range(samples):
                    y[q] += shares[k] * d[q]
            if dots_row != 0:
                x = real(a[X] + row if pixel >= 0 else a[AROUND] + (-1 - pixel) * step + offset)
                real(dots_row)[k] += tail_dot(a, d, x, samples)
