"""The encoder: a template, as `kernels.training.templates` says."""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    CHOICES,
    FEATURES,
    HARD,
    INNER,
    LUT_PARTS,
    OUT,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    TABLES,
    X,
    share_of,
)
from lutsmith.kernels.vectors import i64, u8

# Filled in for each dtype.
SIZE: int
real: Any
number: Any


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
