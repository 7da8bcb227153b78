"""The loops over kernels and pooled places: the fold, and the largest (OR) or smallest (AND) value of each window of
places, in one pass.

Only the pooled values are written. Backward, each sample of a pooled value has its gradient at one of the window's
places: their rows are blended by it, and differentiated as one instance. Templates, as `kernels.training.templates`
says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.loops import PADS, PLACES, POINTS, SLOPES
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.fold.placed import BASES, TARGETS
from lutsmith.kernels.training.templates import (
    BATCH_PARTS,
    CHOICES,
    DT,
    DT_MORE,
    DX,
    DX_MORE,
    FEATURES,
    GRAD,
    HARD,
    INNER,
    LUT_PARTS,
    LUTS,
    OUT,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    TABLE_COUNT,
    TABLE_PTR,
    TABLES,
    WINDOWS,
    pad,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import i32, i64, u8

# Filled in for each rank and dtype.
RANK: int
SIZE: int
LANES: int
real: Any
number: Any
evaluate: Any
differentiate: Any
weigh: Any
table_of: Any
locate: Any
keep_larger: Any
keep_smaller: Any
tail_kept: Any
pick: Any
give: Any


def forward_pooled(address: int, part: int) -> None:
    """OUT[j] = the pooled folds of instance j, SHARES[j] the number of the place in its window, a byte a sample.

    INNER is the number of windows, CHOICES that of places in one, WINDOWS their places, HARD whether the smallest.
    """
    a = i64(address)
    samples, count = a[SAMPLES], a[INNER]
    step = samples * SIZE
    first, last = share_of(a[LUTS], part, a[LUT_PARTS], 1)
    groups, full = samples // LANES, samples // LANES * LANES
    tail, done, windows = samples - full, full * SIZE, i32(a[WINDOWS])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, bases = i64(scratch), i64(scratch + BASES)
    pads, places = scratch + PADS * ROW * SIZE, scratch + PLACES * ROW * SIZE
    spare = a[DX] + part * step
    t = 0
    for j in range(first, last):
        kernel = j // count
        window = j - kernel * count
        t = table_of(t, kernel, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        out, chosen = a[OUT] + j * step, a[SHARES] + j * samples
        inside = 0
        for member in range(a[CHOICES]):
            place = windows[member * count + window]
            if place < 0:
                continue
            target = out if inside == 0 else spare
            locate(a, kernel, place, scratch)
            for l in range(RANK):
                rows[l] = bases[l]
            evaluate(entries, scratch, target, groups, places)
            if tail:
                for l in range(RANK):
                    rows[l] = pads + l * ROW * SIZE
                    pad(bases[l] + done, rows[l], tail)
                result = pads + RANK * ROW * SIZE
                evaluate(entries, scratch, result, 1, places)
                y, z = real(target + done), real(result)
                for q in range(tail):
                    y[q] = z[q]
            if inside == 0:
                numbers = u8(chosen)
                for q in range(samples):
                    numbers[q] = member
            elif a[HARD]:
                keep_smaller(spare, out, chosen, member, groups)
                tail_kept(spare, out, chosen, member, full, samples, True)
            else:
                keep_larger(spare, out, chosen, member, groups)
                tail_kept(spare, out, chosen, member, full, samples, False)
            inside += 1


def backward_pooled(address: int, part: int) -> None:
    """Gradients of the part's instances: its copies of DX and DT are set to zero and added to."""
    a = i64(address)
    samples, count = a[SAMPLES], a[INNER]
    step = samples * SIZE
    lut_part, batch_part = part // a[BATCH_PARTS], part % a[BATCH_PARTS]
    first, last = share_of(a[LUTS], lut_part, a[LUT_PARTS], 1)
    begin, end = share_of(samples, batch_part, a[BATCH_PARTS], 16)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, bases, windows = i64(scratch), i64(scratch + BASES), i32(a[WINDOWS])
    points, g_row = scratch + POINTS * ROW * SIZE, scratch + (PADS + 8) * ROW * SIZE
    dx, dt = a[DX], a[DT]
    if dx != 0:
        if lut_part:
            dx = a[DX_MORE] + (lut_part - 1) * a[FEATURES] * step
        for k in range(a[FEATURES]):
            zero(dx + k * step + begin * SIZE, end - begin)
    if dt != 0:
        if part:
            dt = a[DT_MORE] + (part - 1) * (a[TABLE_COUNT] * SIZE << RANK)
        zero(dt, a[TABLE_COUNT] << RANK)
    t = 0
    for j in range(first, last):
        kernel = j // count
        window = j - kernel * count
        t = table_of(t, kernel, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        e = 0 if dt == 0 else dt + (t * SIZE << RANK)
        for start in range(begin, end, ROW):
            m = min(ROW, end - start)
            groups, full = m // LANES, m // LANES * LANES
            padded = groups + (full < m)
            chosen = a[SHARES] + j * samples + start
            numbers = u8(chosen)
            inside = 0
            for member in range(a[CHOICES]):
                place = windows[member * count + window]
                if place < 0:
                    continue
                locate(a, kernel, place, scratch)
                for l in range(RANK):
                    source, blended = bases[l] + start * SIZE, points + l * ROW * SIZE
                    x, y = real(source), real(blended)
                    if inside == 0:
                        for q in range(m):
                            y[q] = x[q]
                        for q in range(m, padded * LANES):
                            y[q] = number(0)
                    else:
                        pick(source, chosen, member, blended, groups)
                        for q in range(full, m):
                            if numbers[q] == member:
                                y[q] = x[q]
                inside += 1
            for l in range(RANK):
                rows[l] = points + l * ROW * SIZE
            g = a[GRAD] + j * step + start * SIZE
            if full < m:
                pad_row(g, g_row, m, padded * LANES)
                g = g_row
            if dx == 0:
                weigh(scratch, g, e, padded)
                continue
            differentiate(entries, scratch, g, e, padded)
            for member in range(a[CHOICES]):
                place = windows[member * count + window]
                if place < 0:
                    continue
                locate(a, kernel, place, scratch)
                targets = i64(scratch + TARGETS)
                for l in range(RANK):
                    if targets[l] < 0:
                        continue
                    d = scratch + (SLOPES + l) * ROW * SIZE
                    target = dx + targets[l] + start * SIZE
                    give(d, chosen, member, target, groups)
                    y, z = real(target), real(d)
                    for q in range(full, m):
                        if numbers[q] == member:
                            y[q] += z[q]


def pad_row(source: int, target: int, count: int, whole: int) -> None:
    """Copy numbers, and fill up with zeros."""
    x, y = real(source), real(target)
    for q in range(count):
        y[q] = x[q]
    for q in range(count, whole):
        y[q] = number(0)
