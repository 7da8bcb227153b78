"""Before and after the loops over LUTs: softmax of the scores, packing of bits, sums of copies.

Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

import math
from typing import Any

from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    BATCH_PARTS,
    BITS,
    BITS_STEP,
    CHOICES,
    DOTS,
    DOTS_COPIES,
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
    LUT_PARTS,
    SAMPLES,
    SCORES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    SLOTS,
    TEMPERATURE,
    X,
    pad,
    share_of,
)
from lutsmith.kernels.vectors import f64, i64

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
pack_row: Any
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
            pack_row(scratch + ROW * SIZE, scratch + 2 * ROW * SIZE, 1, scratch)  # for the flag: nobody reads the bits
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
        add_copies(a[DOTS], a[DOTS_MORE], a[DOTS_COPIES], slots * choices, first * choices, last * choices)
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
