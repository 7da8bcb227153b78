"""The kernels over whole arrays: softmax of the scores, packing of bits, sums of copies, the encoder.

Templates like those of `lutsmith.kernels.training.loops`, whose argument block they share.
"""

from __future__ import annotations

import math
from typing import Any

from lutsmith.kernels.training.loops import (
    BATCH_PARTS,
    BITS,
    BITS_STEP,
    CANDIDATES,
    CHOICES,
    DOTS,
    DOTS_MORE,
    DT,
    DT_COPIES,
    DT_MORE,
    DWN,
    DX,
    DX_MORE,
    ENTRIES,
    FEATURES,
    HARD,
    INNER,
    LUT_PARTS,
    OUT,
    SAMPLES,
    SCORES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    SLOTS,
    TABLES,
    TEMPERATURE,
    X,
    pad,
    share_of,
    zero,
)
from lutsmith.kernels.training.pieces import ROW
from lutsmith.kernels.training.vectors import f64, i32, i64, u8

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
pack_row: Any
add_mix: Any
exponentials: Any


def exponentials_of_doubles(scores: int, shares: int, count: int, scale: int) -> None:
    """SHARES = softmax(SCORES * scale) of one slot, in plain loops: float64 is for checks."""
    x, y, factor = real(scores), real(shares), real(scale)[0]
    top = x[0]
    for k in range(count):
        top = max(top, x[k])
    total = number(0)
    for k in range(count):
        y[k] = math.exp((x[k] - top) * factor)
        total += y[k]
    for k in range(count):
        y[k] /= total


def pack(address: int, part: int) -> None:
    """BITS = X > 1/2, one row of bits a feature; the first word of the part's scratch is 0 if an x is not binary."""
    a = i64(address)
    samples = a[SAMPLES]
    first, last = share_of(a[FEATURES], part, a[LUT_PARTS], 1)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    flag = i64(scratch)
    flag[0] = 1
    full = samples // LANES * LANES
    for f in range(first, last):
        row, bits = a[X] + f * samples * SIZE, a[BITS] + f * a[BITS_STEP]
        pack_row(row, bits, samples // LANES, scratch)
        if full < samples:
            pad(row + full * SIZE, scratch + ROW * SIZE, samples - full)
            pack_row(scratch + ROW * SIZE, bits + full // 8, 1, scratch)
        if flag[0] == 0 and a[HARD] == 0:
            return


def spread(address: int, part: int) -> None:
    """SHARES = softmax(SCORES / temperature) over the choices of each slot."""
    a = i64(address)
    choices = a[CHOICES]
    first, last = share_of(a[SLOTS], part, a[LUT_PARTS], 1)
    scale = number(1 / f64(address)[TEMPERATURE])
    constants = real(a[SCRATCH] + part * a[SCRATCH_STEP])
    constants[0] = scale
    for slot in range(first, last):
        offset = slot * choices * SIZE
        exponentials(a[SCORES] + offset, a[SHARES] + offset, choices, a[SCRATCH] + part * a[SCRATCH_STEP])


def mix(address: int, part: int) -> None:
    """OUT[slot] = the mean of the rows of its candidates, weighted by SHARES."""
    a = i64(address)
    samples, choices = a[SAMPLES], a[CHOICES]
    step, full = samples * SIZE, samples // LANES * LANES
    first, last = share_of(a[SLOTS], part, a[LUT_PARTS], 1)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, weights = i32(scratch), real(scratch + ROW * SIZE)
    candidates, shares = i32(a[CANDIDATES]), real(a[SHARES])
    for slot in range(first, last):
        out = a[OUT] + slot * step
        zero(out, samples)
        for k in range(slot * choices, (slot + 1) * choices, 8):
            count = min(8, (slot + 1) * choices - k)
            for i in range(8):
                rows[i] = candidates[k + min(i, count - 1)]
                weights[i] = shares[k + i] if i < count else number(0)
            add_mix(a[X], step, scratch, scratch + ROW * SIZE, out, full // LANES)
            y = real(out)
            for i in range(count):
                x = real(a[X] + rows[i] * step)
                for q in range(full, samples):
                    y[q] += weights[i] * x[q]


def finish(address: int, part: int) -> None:
    """Add up the copies of DX, DT and DOTS in their order, and turn DOTS into the gradient of the scores."""
    a = i64(address)
    parts, choices = a[LUT_PARTS] * a[BATCH_PARTS], a[CHOICES]
    if a[DX] != 0:
        count = a[FEATURES] * a[SAMPLES]
        first, last = share_of(count, part, parts, 16)
        add_copies(a[DX], a[DX_MORE], a[LUT_PARTS], count, first, last)
    if a[DT] != 0:
        count = a[ENTRIES]
        first, last = share_of(count, part, parts, 16)
        add_copies(a[DT], a[DT_MORE], a[DT_COPIES], count, first, last)
    if a[DOTS] != 0:
        slots = a[SLOTS]
        first, last = share_of(slots, part, parts, 1)
        add_copies(a[DOTS], a[DOTS_MORE], a[BATCH_PARTS], slots * choices, first * choices, last * choices)
        if a[DWN]:
            y = real(a[DOTS])
            for k in range(first * choices, last * choices):
                y[k] *= number(2)
            return
        scale = number(1 / f64(address)[TEMPERATURE])
        for slot in range(first, last):
            centre(a[DOTS] + slot * choices * SIZE, a[SHARES] + slot * choices * SIZE, choices, scale)


def centre(dots_row: int, shares_row: int, choices: int, scale: Any) -> None:
    """q = s (q - sum s q) scale: the softmax's Jacobian."""
    q, s = real(dots_row), real(shares_row)
    mean = number(0)
    for k in range(choices):
        mean += s[k] * q[k]
    for k in range(choices):
        q[k] = s[k] * (q[k] - mean) * scale


def add_copies(total: int, more: int, copies: int, count: int, first: int, last: int) -> None:
    """Add the copies behind the first, `count` numbers each, to it, from the first to before the last number."""
    y = real(total + first * SIZE)
    for copy in range(copies - 1):
        z = real(more + (copy * count + first) * SIZE)
        for k in range(last - first):
            y[k] += z[k]


def encode(address: int, part: int) -> None:
    """OUT = X > thresholds, feature-major; X is uint8 if HARD, else float32; TABLES are thresholds, CHOICES a
    feature.
    """
    a = i64(address)
    samples, features, bits, inner = a[SAMPLES], a[FEATURES], a[CHOICES], a[INNER]
    first, last = share_of(features, part, a[LUT_PARTS], 16)
    thresholds = real(a[TABLES])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    tile = real(scratch)
    for start in range(0, samples, ROW):
        m = min(ROW, samples - start)
        for left in range(first, last, 16):
            width = min(16, last - left)
            if a[HARD]:
                for s in range(m):
                    byte = u8(a[X] + (start + s) * features + left)
                    for f in range(width):
                        tile[f * ROW + s] = number(byte[f])
            else:
                for s in range(m):
                    x = real(a[X] + ((start + s) * features + left) * SIZE)
                    for f in range(width):
                        tile[f * ROW + s] = x[f]
            for f in range(left, left + width):
                row = real(scratch + (f - left) * ROW * SIZE)
                for b in range(bits):
                    place = (f // inner * bits + b) * inner + f % inner
                    y, threshold = real(a[OUT] + (place * samples + start) * SIZE), thresholds[f * bits + b]
                    for q in range(m):
                        y[q] = number(1) if row[q] > threshold else number(0)
