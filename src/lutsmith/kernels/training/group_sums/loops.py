"""Sums of runs of rows: a template, as `kernels.training.templates` says.

Eight rows are added up in registers, pair by pair, then those of a run, and then the runs: many small numbers are not
added to a large one, and sizes alone decide the order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lutsmith.kernels.training.templates import (
    GROUPS,
    LUT_PARTS,
    OUT,
    ROWS,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    X,
    pad,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import WORD, Vectors, i64, piece

ROWS_OF_A_RUN = 512  # rows that are added up before they are added to the sum

# Filled in for each dtype.
SIZE: int
BYTES: int
LANES: int
real: Any
add_eight_rows: Any
add_one_row: Any


def pieces(dtype: np.dtype[Any], *, narrow: bool) -> dict[str, Any]:
    """Return the pieces by name; `narrow`: rows are bfloat16."""
    names = {"add_eight_rows": 8, "add_one_row": 1}
    return {name: piece(dtype, 4, _add_rows(count), narrow=narrow) for name, count in names.items()}


def _add_rows(count: int) -> Callable[..., None]:
    """Rows of activations, `step` bytes apart, added to a row of numbers."""

    def add_rows(v: Vectors, first: Any, step: Any, out: Any, groups: Any) -> None:
        rows = [v.builder.add(first, v.builder.mul(step, WORD(k))) for k in range(count)]
        with v.loop(groups) as q:
            values = [v.read(row, q) for row in rows]
            while len(values) > 1:
                values = [v.add(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
            v.store(v.add(v.load(out, q), values[0]), out, q)

    return add_rows


def group_sums(address: int, part: int) -> None:
    """OUT[group] = the sum of the group's ROWS rows."""
    a = i64(address)
    samples, rows = a[SAMPLES], a[ROWS]
    step, full = samples * BYTES, samples // LANES * LANES
    tail = samples - full
    first, last = share_of(a[GROUPS], part, a[LUT_PARTS], 1)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    partial = scratch + LANES * SIZE
    for group in range(first, last):
        out = a[OUT] + group * samples * SIZE
        zero(out, samples)
        for begin in range(0, rows, ROWS_OF_A_RUN):
            x, count = a[X] + (group * rows + begin) * step, min(ROWS_OF_A_RUN, rows - begin)
            zero(partial, full + LANES)
            for k in range(0, count // 8 * 8, 8):
                add_eight_rows(x + k * step, step, partial, full // LANES)
            for k in range(count // 8 * 8, count):
                add_one_row(x + k * step, step, partial, full // LANES)
            if tail:
                for k in range(count):
                    pad(x + k * step + full * BYTES, scratch, tail)
                    add_one_row(scratch, step, partial + full * SIZE, 1)
            y, z = real(out), real(partial)
            for q in range(samples):
                y[q] += z[q]
