"""The loops over blocks of samples, outputs and their LUTs: templates, as `kernels.training.templates` says.

A column is a sample at a place; ROW of them are a block, whose rows are copied to scratch before the outputs go over
them. `fold_sums` and `backward_sums` are those of the multilinear form, for any inputs and entries. `count_sums` and
`slope_sums` are for inputs and entries that are all -1 or 1: bytes, and tables of bits. Within an output all LUTs have
one gradient, so that slopes are counted, a byte each, before they are multiplied with it.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lutsmith.kernels.training.fold.loops import PLACES, SCRATCH_ROWS, SLOPES
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.lut_sums.pieces import MOST
from lutsmith.kernels.training.templates import (
    BATCH_PARTS,
    BITS,
    DT,
    DX,
    DX_MORE,
    ENTRIES,
    FEATURES,
    GRAD,
    INPUTS,
    LUT_PARTS,
    LUTS,
    OUT,
    OUTPUTS,
    OUTSIDE,
    PIXELS,
    PLACE_COUNT,
    PLANE,
    ROWS,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SHARED,
    TABLES,
    TAPS,
    X,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import f64, i32, i64, pointer_to, u8

i8 = pointer_to(types.int8)

# Rows of scratch behind those of the fold: the sums; the gradient, or what one LUT gives; then the rows that are read,
# and as many of their gradients. Where inputs are bytes, gradients stand first, and then bytes, counts, and how often
# each row was read.
SUMS, GRADIENT, BLOCK = SCRATCH_ROWS, SCRATCH_ROWS + 1, SCRATCH_ROWS + 2

# Filled in for each rank and dtype.
RANK: int
SIZE: int
LANES: int
real: Any
number: Any
evaluate: Any
differentiate: Any
weigh: Any
add_row: Any
count: Any
slopes_of: Any
places_of: Any
gather: Any
add_where_read: Any


def scratch_bytes(rows: int, itemsize: int) -> int:
    """Bytes of scratch of a part that reads so many rows."""
    return (BLOCK + 2 * rows) * ROW * itemsize + 2 * rows * ROW + -(-rows // 64) * 64


def bits_of(address: int, part: int) -> None:
    """BITS = TABLES > 0, entry by entry; the part's first word of scratch is 0 if one of its entries is 0."""
    a = i64(address)
    first, last = share_of(a[ENTRIES], part, a[LUT_PARTS], 64)
    values = real(a[TABLES])
    flag = i64(a[SCRATCH] + part * a[SCRATCH_STEP])
    full = first + (last - first) // 8 * 8
    flag[0] = positive(a[TABLES] + first * SIZE, a[BITS] + first // 8, (full - first) // 8)
    bits = u8(a[BITS])
    for k in range(full, last):
        if k % 8 == 0:
            bits[k // 8] = 0
        bits[k // 8] |= (values[k] > 0) << (k % 8)
        if values[k] == 0:
            flag[0] = 0


def positive(values: int, bits: int, count: int) -> int:
    """Pack numbers > 0 into so many bytes of bits; whether none of them is 0."""
    x, y = real(values), u8(bits)
    zeros = 0
    for byte in range(count):
        found = 0
        for k in range(8):
            found |= (x[8 * byte + k] > 0) << k
            zeros += x[8 * byte + k] == 0
        y[byte] = found
    return 1 if zeros == 0 else 0


def row_at(a: Any, f: int, column: int, end: int) -> tuple[int, int]:
    """Where row f is in X at a column, in numbers, or -1 or -2 outside the image; and the first column behind that
    place, or the end.
    """
    samples, count = a[SAMPLES], a[PLACE_COUNT]
    place = column // samples
    sample = column - place * samples
    channel = f // a[TAPS]
    pixel = i32(a[PIXELS])[(f - channel * a[TAPS]) * count + place] if a[PIXELS] != 0 else 0
    at = (channel * a[PLANE] + pixel) * samples + sample if pixel >= 0 else pixel
    return at, min(end, (place + 1) * samples)


def copy_in(a: Any, rows: int, start: int, m: int) -> None:
    """The rows of a block, zeros behind its columns."""
    x, outside = real(a[X]), f64(a[OUTSIDE])
    for f in range(a[ROWS]):
        y = real(rows + f * ROW * SIZE)
        column = start
        while column < start + m:
            at, behind = row_at(a, f, column, start + m)
            if at >= 0:
                for q in range(behind - column):
                    y[column - start + q] = x[at + q]
            else:
                for q in range(behind - column):
                    y[column - start + q] = outside[-1 - at]
            column = behind
        for q in range(m, ROW):
            y[q] = number(0)


def bytes_in(a: Any, rows: int, start: int, m: int) -> None:
    """The rows of a block as bytes, 255 where they are positive."""
    x, outside = real(a[X]), f64(a[OUTSIDE])
    for f in range(a[ROWS]):
        y = u8(rows + f * ROW)
        column = start
        while column < start + m:
            at, behind = row_at(a, f, column, start + m)
            if at >= 0:
                for q in range(behind - column):
                    y[column - start + q] = 255 if x[at + q] > 0 else 0
            else:
                for q in range(behind - column):
                    y[column - start + q] = 255 if outside[-1 - at] > 0 else 0
            column = behind
        for q in range(m, ROW):
            y[q] = 0


def copy_out(a: Any, rows: int, start: int, m: int, dx: int) -> None:
    """Add the gradients of a block's rows to DX."""
    y = real(dx)
    for f in range(a[ROWS]):
        g = real(rows + f * ROW * SIZE)
        column = start
        while column < start + m:
            at, behind = row_at(a, f, column, start + m)
            if at >= 0:
                for q in range(behind - column):
                    y[at + q] += g[column - start + q]
            column = behind


def own_dx(a: Any, part: int) -> int:
    """The part's copy of DX, set to zero, or 0."""
    if a[DX] == 0:
        return 0
    size = a[FEATURES] * a[SAMPLES]
    dx: int = a[DX] if part == 0 else a[DX_MORE] + (part - 1) * size * SIZE
    zero(dx, size)
    return dx


def gradient_in(a: Any, o: int, start: int, m: int, target: int) -> None:
    """The gradients of an output's columns, zeros behind them."""
    g, y = real(a[GRAD] + (o * a[SAMPLES] * a[PLACE_COUNT] + start) * SIZE), real(target)
    for q in range(m):
        y[q] = g[q]
    for q in range(m, ROW):
        y[q] = number(0)


def fold_sums(address: int, part: int) -> None:
    """OUT = the sums of the part's outputs and blocks; X are points from 0 to 1."""
    a = i64(address)
    columns, luts, groups = a[SAMPLES] * a[PLACE_COUNT], a[LUTS], ROW // LANES
    first, last = share_of(a[OUTPUTS], part // a[BATCH_PARTS], a[LUT_PARTS], 1)
    begin, end = share_of(columns, part % a[BATCH_PARTS], a[BATCH_PARTS], ROW)
    scratch, inputs = a[SCRATCH] + part * a[SCRATCH_STEP], i32(a[INPUTS])
    sums, value, block = scratch + SUMS * ROW * SIZE, scratch + GRADIENT * ROW * SIZE, scratch + BLOCK * ROW * SIZE
    rows = i64(scratch)
    for start in range(begin, end, ROW):
        m = min(ROW, end - start)
        copy_in(a, block, start, m)
        for o in range(first, last):
            zero(sums, ROW)
            for t in range(luts):
                own = (t if a[SHARED] else o * luts + t) * RANK
                for l in range(RANK):
                    rows[l] = block + inputs[own + l] * ROW * SIZE
                table = a[TABLES] + ((o * luts + t) * SIZE << RANK)
                evaluate(table, scratch, value, groups, scratch + PLACES * ROW * SIZE)
                add_row(sums, value, groups)
            x, y = real(sums), real(a[OUT] + (o * columns + start) * SIZE)
            for q in range(m):
                y[q] = x[q]


def backward_sums(address: int, part: int) -> None:
    """Gradients of the part's outputs: DT, and a copy of DX."""
    a = i64(address)
    columns, luts, groups = a[SAMPLES] * a[PLACE_COUNT], a[LUTS], ROW // LANES
    first, last = share_of(a[OUTPUTS], part, a[LUT_PARTS], 1)
    scratch, inputs = a[SCRATCH] + part * a[SCRATCH_STEP], i32(a[INPUTS])
    g, block = scratch + GRADIENT * ROW * SIZE, scratch + BLOCK * ROW * SIZE
    slopes = block + a[ROWS] * ROW * SIZE
    rows, dx = i64(scratch), own_dx(a, part)
    if a[DT] != 0:
        zero(a[DT] + (first * luts * SIZE << RANK), ((last - first) * luts) << RANK)
    for start in range(0, columns, ROW):
        m = min(ROW, columns - start)
        copy_in(a, block, start, m)
        if dx != 0:
            zero(slopes, a[ROWS] * ROW)
        for o in range(first, last):
            gradient_in(a, o, start, m, g)
            for t in range(luts):
                own = (t if a[SHARED] else o * luts + t) * RANK
                for l in range(RANK):
                    rows[l] = block + inputs[own + l] * ROW * SIZE
                place = (o * luts + t) * SIZE << RANK
                e = 0 if a[DT] == 0 else a[DT] + place
                if dx == 0:
                    if e != 0:
                        weigh(scratch, g, e, groups)
                    continue
                d = scratch + SLOPES * ROW * SIZE
                differentiate(a[TABLES] + place, scratch, g, d, e, groups)
                for l in range(RANK):
                    add_row(slopes + inputs[own + l] * ROW * SIZE, d + l * ROW * SIZE, groups)
        if dx != 0:
            copy_out(a, slopes, start, m, dx)


def count_sums(address: int, part: int) -> None:
    """OUT = the sums of the part's outputs and blocks, counted."""
    a = i64(address)
    columns, luts = a[SAMPLES] * a[PLACE_COUNT], a[LUTS]
    first, last = share_of(a[OUTPUTS], part // a[BATCH_PARTS], a[LUT_PARTS], 1)
    begin, end = share_of(columns, part % a[BATCH_PARTS], a[BATCH_PARTS], ROW)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    sums, block = scratch + SUMS * ROW * SIZE, scratch + BLOCK * ROW * SIZE
    x = real(sums)
    for start in range(begin, end, ROW):
        m = min(ROW, end - start)
        bytes_in(a, block, start, m)
        for o in range(first, last):
            for q in range(ROW):
                x[q] = number(-luts)
            for t in range(0, luts, MOST):
                own = t if a[SHARED] else o * luts + t
                count(a[INPUTS] + own * RANK * 4, a[BITS], o * luts + t, min(MOST, luts - t), block, sums)
            y = real(a[OUT] + (o * columns + start) * SIZE)
            for q in range(m):
                y[q] = x[q]


def slope_sums(address: int, part: int) -> None:
    """Gradients of the part's outputs: DT, and a copy of DX; TABLES are those that are learned."""
    a = i64(address)
    columns, luts, rows = a[SAMPLES] * a[PLACE_COUNT], a[LUTS], a[ROWS]
    first, last = share_of(a[OUTPUTS], part, a[LUT_PARTS], 1)
    scratch, inputs = a[SCRATCH] + part * a[SCRATCH_STEP], i32(a[INPUTS])
    g, slopes = scratch + GRADIENT * ROW * SIZE, scratch + BLOCK * ROW * SIZE
    block = slopes + rows * ROW * SIZE
    counts, places = block + rows * ROW, scratch + PLACES * ROW * SIZE
    often, dx = u8(counts + rows * ROW), own_dx(a, part)
    signed = i64(counts)
    for k in range(rows * ROW // 8):
        signed[k] = 0
    for f in range(rows):
        often[f] = 0
    for start in range(0, columns, ROW):
        m = min(ROW, columns - start)
        bytes_in(a, block, start, m)
        if dx != 0:
            zero(slopes, rows * ROW)
        for o in range(first, last):
            gradient_in(a, o, start, m, g)
            for t in range(luts):
                own = (t if a[SHARED] else o * luts + t) * RANK
                if dx != 0:
                    slopes_of(a[INPUTS] + own * 4, a[BITS], o * luts + t, block, counts, places)
                    most = 0
                    for l in range(RANK):
                        f = inputs[own + l]
                        often[f] += 1
                        most = max(most, often[f])
                    if most > 127 - RANK:  # a count is a byte, from -128 to 127
                        multiply(rows, counts, often, g, slopes)
                else:
                    places_of(a[INPUTS] + own * 4, block, places)
                if a[DT] != 0:
                    place = (o * luts + t) * SIZE << RANK
                    if start == 0:
                        zero(a[DT] + place, 1 << RANK)
                    add_where_read(places, g, a[DT] + place, m)
                    if start + ROW >= columns:
                        pass_through(a[TABLES] + place, a[DT] + place)
            if dx != 0:
                multiply(rows, counts, often, g, slopes)
        if dx != 0:
            copy_out(a, slopes, start, m, dx)


def multiply(rows: int, counts: int, often: Any, g: int, slopes: int) -> None:
    """Add the counts times the gradient to the slopes, and begin to count anew: of -1 and 1 the half is a count."""
    h = real(g)
    for f in range(rows):
        if often[f] == 0:
            continue
        often[f] = 0
        n, y = i8(counts + f * ROW), real(slopes + f * ROW * SIZE)
        for q in range(ROW):
            y[q] += h[q] * number(n[q])
            n[q] = 0


def scatter_where_read(places: int, g: int, e: int, m: int) -> None:
    """Add each sample's gradient to the entry that it reads."""
    p, y, z = u8(places), real(g), real(e)
    for q in range(m):
        z[p[q]] += y[q]


def gather_where_read(places: int, g: int, e: int, m: int) -> None:
    """The same, entry by entry."""
    gather(places, g, e)


def pass_through(table: int, e: int) -> None:
    """No gradient that leads entries beyond -1 or 1 further away."""
    t, d = real(table), real(e)
    for k in range(1 << RANK):
        d[k] = d[k] if abs(t[k]) <= 1 or d[k] * t[k] > 0 else number(0)
