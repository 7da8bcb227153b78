"""The mix of rows: a template, as `kernels.training.templates` says."""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    CANDIDATES,
    CHOICES,
    LUT_PARTS,
    OUT,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    SLOTS,
    X,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import i32, i64

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
add_mix: Any


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
