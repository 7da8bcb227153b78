"""Where the slopes of a LUT's inputs go: to the gradient of the rows, and to the scores of candidates.

Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.loops import INDICES, POINTS, SLOPES
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    BEGIN,
    BITS,
    BITS_STEP,
    CANDIDATES,
    CHOICES,
    DWN,
    HARD,
    INPUTS,
    SAMPLES,
    SHARES,
    SLOPED,
    SLOPED_STEP,
    X,
    zero,
)
from lutsmith.kernels.vectors import i32

# Filled in for each rank and dtype.
RANK: int
SIZE: int
BYTES: int
real: Any
number: Any
add_row: Any
add_share: Any
add_shares: Any
keep_row: Any
add_total: Any
dots: Any
bit_dots: Any


def keep(a: Any, j: int, start: int, scratch: int, groups: int) -> None:
    """Write the slopes of whole vectors of samples, from BEGIN on, to SLOPED."""
    out = a[SLOPED] + j * RANK * a[SLOPED_STEP] + (start - a[BEGIN]) * BYTES
    for l in range(RANK):
        keep_row(scratch + (SLOPES + l) * ROW * SIZE, out + l * a[SLOPED_STEP], groups)


def scatter(a: Any, j: int, start: int, dx: int, dots_row: int, scratch: int, groups: int) -> None:
    """Take the slopes of whole vectors of samples to DX and DOTS."""
    step, choices, offset = a[SAMPLES] * SIZE, a[CHOICES], start * SIZE
    inputs, candidates = i32(a[INPUTS]), i32(a[CANDIDATES])
    for l in range(RANK):
        slot = j * RANK + l
        d = scratch + (SLOPES + l) * ROW * SIZE
        if dx != 0 and choices == 0:
            add_row(dx + inputs[slot] * step + offset, d, groups)
        elif dx != 0:
            whole = choices // 8 * 8
            for k in range(slot * choices, slot * choices + whole, 8):
                add_shares(dx + offset, step, a[CANDIDATES] + k * 4, a[SHARES] + k * SIZE, d, groups)
            for k in range(slot * choices + whole, (slot + 1) * choices):
                add_share(dx + candidates[k] * step + offset, d, a[SHARES] + k * SIZE, groups)
        if dots_row != 0:
            for k in range(0, choices, 8):
                chosen, out = a[CANDIDATES] + (slot * choices + k) * 4, dots_row + (slot * choices + k) * SIZE
                if k + 8 <= choices:
                    eight_dots(a, a[X] + offset, a[BITS] + start // 8, chosen, d, out, groups)
                    continue
                source, indices, sums = i32(chosen), i32(scratch + INDICES), scratch + POINTS * ROW * SIZE
                for i in range(8):
                    indices[i] = source[min(i, choices - k - 1)]
                zero(sums, 8)
                eight_dots(a, a[X] + offset, a[BITS] + start // 8, scratch + INDICES, d, sums, groups)
                y, z = real(out), real(sums)
                for i in range(choices - k):
                    y[i] += z[i]
            if a[DWN]:
                half = scratch + POINTS * ROW * SIZE
                zero(half, 1)
                add_total(d, half, groups)
                less(dots_row + slot * choices * SIZE, choices, real(half)[0] / number(2))


def less(address: int, count: int, value: Any) -> None:
    """Subtract a value from numbers."""
    a = real(address)
    for k in range(count):
        a[k] -= value


def eight_dots(a: Any, x: int, bits: int, candidates: int, d: int, out: int, groups: int) -> None:
    """Dot products of the slopes with eight candidate rows, thresholded where the forward pass was."""
    if a[BITS] != 0:
        bit_dots(bits, a[BITS_STEP], candidates, d, out, groups)
    else:
        dots(x, a[SAMPLES] * SIZE, candidates, d, out, groups)


def as_scored(a: Any, value: Any) -> Any:
    """What slopes of scores are multiplied with: thresholded where the forward pass was, centred for DWN's rule."""
    half = number(0.5)
    if a[HARD]:
        value = number(1) if value > half else number(0)
    return value - half if a[DWN] else value


def tail_dot(a: Any, d: Any, x: Any, samples: int) -> Any:
    """The dot product of slopes with one row."""
    total = number(0)
    for q in range(samples):
        total += d[q] * as_scored(a, x[q])
    return total


def scatter_tail(a: Any, j: int, start: int, samples: int, dx: int, dots_row: int, scratch: int) -> None:
    """Take the slopes of fewer samples than a vector holds to DX and DOTS."""
    step, choices, offset = a[SAMPLES] * SIZE, a[CHOICES], start * SIZE
    inputs, candidates, shares = i32(a[INPUTS]), i32(a[CANDIDATES]), real(a[SHARES])
    for l in range(RANK):
        slot = j * RANK + l
        d = real(scratch + (SLOPES + l) * ROW * SIZE)
        if dx != 0 and choices == 0:
            y = real(dx + inputs[slot] * step + offset)
            for q in range(samples):
                y[q] += d[q]
        for k in range(slot * choices, (slot + 1) * choices):
            if dx != 0:
                y = real(dx + candidates[k] * step + offset)
                for q in range(samples):
                    y[q] += shares[k] * d[q]
            if dots_row != 0:
                real(dots_row)[k] += tail_dot(a, d, real(a[X] + candidates[k] * step + offset), samples)
