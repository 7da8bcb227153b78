"""The loops over LUTs and blocks of samples: forward and backward passes of the fold and the look-up.

Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    BATCH_PARTS,
    BEGIN,
    CHOICES,
    DOTS,
    DOTS_MORE,
    DT,
    DT_MORE,
    DX,
    DX_MORE,
    END,
    FEATURES,
    GRAD,
    HARD,
    INPUTS,
    LOGISTIC,
    LUT_PARTS,
    LUTS,
    OUT,
    RHO,
    SAMPLES,
    SCALE,
    SCRATCH,
    SCRATCH_STEP,
    SLOPED,
    TABLE_COUNT,
    TABLE_PTR,
    TABLES,
    X,
    ask_for,
    pad,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import f64, i32, i64

# Rows of the scratch of one part, ROW numbers each. The first holds addresses of the rows that the slots read,
# constants of the contraction (low, high, scale), that of the logistic function, indices, and saved addresses.
CONSTANTS, STEEPNESS, CORNERS, INDICES, SAVED, TARGETS_OF = 128, 160, 192, 256, 320, 384  # bytes into the first row
POINTS, SCALED, PLACES, SLOPES, PADS, LOW_ROWS, VALUES, WEIGHTS, SCRATCH_ROWS = 1, 9, 10, 11, 19, 28, 36, 68, 100

VALUES_OF_ALL = SCRATCH_ROWS  # of narrow kernels: numbers of all samples, which become one row of activations

AHEAD = 4  # instances from the one that asks for rows to the one that reads them

# Filled in for each rank and dtype.
RANK: int
SMALL_RANK: int  # up to this rank, minterms at corners are quicker than scattering to addresses
SIZE: int  # bytes a number
BYTES: int  # bytes an activation
NARROW: bool  # whether activations are bfloat16
LANES: int  # samples a vector
real: Any  # address -> pointer to numbers
activations: Any  # address -> pointer to activations
number: Any  # converts to the dtype
evaluate: Any
differentiate: Any
weigh: Any
fold_row: Any
choose_row: Any
addresses: Any
contract: Any
sweep: Any
sweep_into: Any
through: Any
slopes: Any
minterms: Any
low_minterms: Any
low_values: Any
high_sweep: Any
high_minterms: Any
table: Any
high_values: Any
round_row: Any
widen_row: Any
logistic_row: Any
logistic_slopes: Any
scatter: Any
scatter_tail: Any
keep: Any
low_slopes: Any
low_folds: Any
high_fold: Any


def table_of(before: int, j: int, table_ptr: int) -> int:
    """The table that instance j reads, where an earlier instance read table `before`."""
    if table_ptr == 0:
        return j
    pointers = i32(table_ptr)
    while pointers[before + 1] <= j:
        before += 1
    return before


def prefetch_rows(a: Any, j: int, dx: int, begin: int, count: int) -> None:
    """Ask for what instance j reads from sample `begin` on, and for what it adds to, unless dx is 0."""
    inputs = i32(a[INPUTS])
    for l in range(RANK):
        first = inputs[j * RANK + l] * a[SAMPLES] + begin
        ask_for(a[X] + first * BYTES, count * BYTES)
        if dx != 0:
            ask_for(dx + first * SIZE, count * SIZE)


def evaluate_fold(entries: int, rows: int, out: int, groups: int, places: int) -> None:
    """OUT = fold."""
    fold_row(entries, rows, out, places, groups)


def evaluate_split(entries: int, rows: int, out: int, groups: int, places: int) -> None:
    """OUT = fold, eight entries at a time, which sixteen registers hold."""
    addresses_of, partial, count = i64(rows), rows + VALUES * ROW * SIZE, groups * LANES
    for start in range(0, count, ROW):
        some = min(ROW, count - start) // LANES
        low_folds(entries, rows, partial, some)
        high_fold(partial, rows, out + start * SIZE, some)
        for l in range(RANK):
            addresses_of[l] += ROW * SIZE if start + ROW < count else -start * SIZE


def evaluate_choice(entries: int, rows: int, out: int, groups: int, places: int) -> None:
    """OUT = look-up, by halving the table: exact, and quicker than gathers up to rank 4."""
    choose_row(entries, rows, out, groups)


def evaluate_lookup(entries: int, rows: int, out: int, groups: int, places: int) -> None:
    """OUT = look-up, by address."""
    t, p = real(entries), i32(places)
    addresses_of = i64(rows)
    for start in range(0, groups * LANES, ROW):
        m = min(ROW, groups * LANES - start)
        addresses(rows, places, m // LANES)
        y = real(out + start * SIZE)
        for q in range(m):
            y[q] = t[p[q]]
        for l in range(RANK):
            addresses_of[l] += ROW * SIZE


def forward(address: int, part: int) -> None:
    """OUT[j] = the fold or look-up of instance j, or if LOGISTIC the logistic function of SCALE times it."""
    a = i64(address)
    step = a[SAMPLES] * BYTES
    first, last = share_of(a[LUTS], part // a[BATCH_PARTS], a[LUT_PARTS], 1)
    begin, end = share_of(a[SAMPLES], part % a[BATCH_PARTS], a[BATCH_PARTS], 16)
    groups, tail = (end - begin) // LANES, (end - begin) % LANES
    offset, done = begin * BYTES, (begin + groups * LANES) * BYTES
    inputs = i32(a[INPUTS])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows = i64(scratch)
    pads, places = scratch + PADS * ROW * SIZE, scratch + PLACES * ROW * SIZE
    steepness = scratch + STEEPNESS
    real(steepness)[0] = number(f64(address)[SCALE])
    t = 0
    for j in range(first, last):
        if j + AHEAD < last:
            prefetch_rows(a, j + AHEAD, 0, begin, end - begin)
        t = table_of(t, j, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        out = a[OUT] + j * step
        for l in range(RANK):
            rows[l] = a[X] + inputs[j * RANK + l] * step + offset
        values = scratch + VALUES_OF_ALL * ROW * SIZE if NARROW else out + offset
        evaluate(entries, scratch, values, groups, places)
        if a[LOGISTIC]:
            logistic_row(values, steepness, groups)
        if NARROW:
            round_row(values, out + offset, groups)
        if tail:
            for l in range(RANK):
                rows[l] = pads + l * ROW * SIZE
                pad(a[X] + inputs[j * RANK + l] * step + done, rows[l], tail)
            result = pads + RANK * ROW * SIZE
            evaluate(entries, scratch, result, 1, places)
            if a[LOGISTIC]:
                logistic_row(result, steepness, 1)
            if NARROW:
                round_row(result, result, 1)
            y, z = activations(out + done), activations(result)
            for q in range(tail):
                y[q] = z[q]


def differentiate_small(entries: int, scratch: int, g: int, d: int, e: int, groups: int) -> None:
    """Slopes of all inputs into the rows at d, table gradient added at e unless that is 0."""
    if e != 0:
        sweep(entries, scratch, g, d, e, groups)
    else:
        slopes(entries, scratch, g, d, groups)


def through_small(entries: int, scratch: int, g: int, e: int, groups: int) -> None:
    """Slopes of all inputs added to the rows whose addresses lie in scratch, table gradient added at e."""
    sweep_into(entries, scratch, g, scratch + TARGETS_OF, e, groups)


def weigh_small(scratch: int, g: int, e: int, groups: int) -> None:
    """Table gradient added at e."""
    minterms(scratch, g, e, groups)


def differentiate_split(entries: int, scratch: int, g: int, d: int, e: int, groups: int) -> None:
    """Slopes of all inputs into the rows at d, table gradient added at e unless that is 0."""
    s, v, r = scratch + LOW_ROWS * ROW * SIZE, scratch + VALUES * ROW * SIZE, scratch + WEIGHTS * ROW * SIZE
    low_minterms(scratch, s, groups)
    low_values(entries, s, v, groups)
    high_sweep(v, scratch, g, d, r, groups)
    if e != 0:
        table(r, s, e, groups)
    high_values(entries, r, v, groups)
    low_slopes(v, scratch, d, groups)


def through_split(entries: int, scratch: int, g: int, e: int, groups: int) -> None:
    """Not called: slopes of split ranks take several passes."""


def weigh_split(scratch: int, g: int, e: int, groups: int) -> None:
    """Table gradient added at e."""
    s, r = scratch + LOW_ROWS * ROW * SIZE, scratch + WEIGHTS * ROW * SIZE
    low_minterms(scratch, s, groups)
    high_minterms(scratch, g, r, groups)
    table(r, s, e, groups)


def backward(address: int, part: int) -> None:
    """Gradients of the part's instances and samples: DX and DT are set to zero and added to, DOTS to be finished.

    If SLOPED, the slopes of samples BEGIN to END are kept there instead, and DX and DOTS left alone. If LOGISTIC, GRAD
    is that of the logistic function of SCALE times the fold, and OUT what this gave. DX is never narrow.
    """
    a = i64(address)
    step = a[SAMPLES] * BYTES
    lut_part, batch_part = part // a[BATCH_PARTS], part % a[BATCH_PARTS]
    first, last = share_of(a[LUTS], lut_part, a[LUT_PARTS], 1)
    begin, end = share_of(a[SAMPLES], batch_part, a[BATCH_PARTS], 16)
    dx, dt, dots_row = a[DX], a[DT], a[DOTS]
    if a[SLOPED]:
        begin, end, dx, dots_row = a[BEGIN], a[END], 0, 0
    inputs = i32(a[INPUTS])
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    rows, pads = i64(scratch), scratch + PADS * ROW * SIZE
    rho = number(f64(address)[RHO])
    constants = real(scratch + CONSTANTS)
    constants[0], constants[1], constants[2] = (number(1) - rho) / number(2), (number(1) + rho) / number(2), rho
    steepness, sloped = scratch + STEEPNESS, scratch + SCALED * ROW * SIZE
    real(steepness)[0] = number(f64(address)[SCALE])
    corners = real(scratch + CORNERS)
    corners[0], corners[1], corners[2] = number(0), number(1), number(1)
    if dx != 0:
        if lut_part:
            dx = a[DX_MORE] + (lut_part - 1) * a[FEATURES] * a[SAMPLES] * SIZE
        for k in range(a[FEATURES]):
            zero(dx + (k * a[SAMPLES] + begin) * SIZE, end - begin)
    if dt != 0:
        copy = batch_part if a[TABLE_PTR] == 0 else part
        if copy:
            dt = a[DT_MORE] + (copy - 1) * (a[TABLE_COUNT] * SIZE << RANK)
        if a[SLOPED] and begin:
            pass  # added to what earlier samples gave
        elif a[TABLE_PTR] == 0:
            zero(dt + (first * SIZE << RANK), (last - first) << RANK)
        else:
            zero(dt, a[TABLE_COUNT] << RANK)
    if dots_row != 0:
        count = RANK * a[CHOICES]
        if batch_part:
            dots_row = a[DOTS_MORE] + (batch_part - 1) * a[LUTS] * count * SIZE
        zero(dots_row + first * count * SIZE, (last - first) * count)
    full = begin + (end - begin) // LANES * LANES
    straight = RANK <= SMALL_RANK and dx != 0 and a[CHOICES] == 0 and a[HARD] == 0
    targets, unused = i64(scratch + TARGETS_OF), pads
    t = 0
    for j in range(first, last):
        if j + AHEAD < last:
            prefetch_rows(a, j + AHEAD, dx if straight else 0, begin, end - begin)
        t = table_of(t, j, a[TABLE_PTR])
        entries = a[TABLES] + (t * SIZE << RANK)
        e = 0 if dt == 0 else dt + (t * SIZE << RANK)
        for start in range(begin, full, ROW):
            m = min(ROW, full - start)
            for l in range(RANK):
                rows[l] = a[X] + inputs[j * RANK + l] * step + start * BYTES
            g = a[GRAD] + j * step + start * BYTES
            if a[LOGISTIC]:
                logistic_slopes(g, a[OUT] + j * step + start * BYTES, steepness, sloped, m // LANES)
                g = sloped
            elif NARROW:
                widen_row(g, sloped, m // LANES)
                g = sloped
            if straight:
                for l in range(RANK):
                    targets[l] = dx + (inputs[j * RANK + l] * a[SAMPLES] + start) * SIZE
                through(entries, scratch, g, unused if e == 0 else e, m // LANES)
                continue
            block(a, j, entries, e, g, scratch, m // LANES, m)
            if a[SLOPED]:
                keep(a, j, start, scratch, m // LANES)
            else:
                scatter(a, j, start, dx, dots_row, scratch, m // LANES)
        if full < end:
            for l in range(RANK):
                rows[l] = pads + l * ROW * SIZE
                pad(a[X] + inputs[j * RANK + l] * step + full * BYTES, rows[l], end - full)
            g = pads + RANK * ROW * SIZE
            pad(a[GRAD] + j * step + full * BYTES, g, end - full)
            if a[LOGISTIC]:
                pad(a[OUT] + j * step + full * BYTES, sloped, end - full)
                logistic_slopes(g, sloped, steepness, g, 1)
            elif NARROW:
                widen_row(g, g, 1)
            block(a, j, entries, e, g, scratch, 1, end - full)
            if a[SLOPED]:
                keep(a, j, full, scratch, 1)
            else:
                scatter_tail(a, j, full, end - full, dx, dots_row, scratch)


def block(a: Any, j: int, entries: int, e: int, g: int, scratch: int, groups: int, samples: int) -> None:
    """Slopes and table gradient of one instance and one block, at the rows in scratch."""
    need_slopes = a[DX] != 0 or a[DOTS] != 0
    rows, saved = i64(scratch), i64(scratch + SAVED)
    points, scaled = scratch + POINTS * ROW * SIZE, scratch + SCALED * ROW * SIZE
    if e != 0 and (a[HARD] or not need_slopes):
        if a[HARD] and RANK > SMALL_RANK:
            places = scratch + PLACES * ROW * SIZE
            addresses(scratch, places, groups)
            p, d, y = i32(places), real(e), real(g)
            for q in range(samples):
                d[p[q]] += y[q]
        else:
            for l in range(RANK):
                saved[l] = rows[l]
            if a[HARD]:
                contract(scratch, g, scratch + CORNERS, points, scaled, groups)
                for l in range(RANK):
                    rows[l] = points + l * ROW * SIZE
            weigh(scratch, g, e, groups)
            for l in range(RANK):
                rows[l] = saved[l]
    if need_slopes:
        into, weight = e, g
        if a[HARD]:
            contract(scratch, g, scratch + CONSTANTS, points, scaled, groups)
            for l in range(RANK):
                rows[l] = points + l * ROW * SIZE
            into, weight = 0, scaled
        differentiate(entries, scratch, weight, scratch + SLOPES * ROW * SIZE, into, groups)
