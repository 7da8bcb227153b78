"""Products of slopes and inputs, the gradient of scores: a template, as `kernels.training.templates` says.

The sums are short (as long as the batch) and there are many: a matrix product of this shape is limited by how fast its
result can be written, so tiles of it stay in registers until they are whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import cgutils

from lutsmith.kernels.training.templates import FEATURES, GRAD, LUT_PARTS, OUT, SAMPLES, SLOTS, X, share_of
from lutsmith.kernels.vectors import VECTOR_BYTES, WORD, Vectors, i64, piece

TILE_SLOTS, TILE_VECTORS = (8, 3) if VECTOR_BYTES == 64 else (4, 2)
"""A tile: so many slots, so many vectors of inputs. The sums of one fill three quarters of the registers."""

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
wide_tile: Any
narrow_tile: Any
wide_row: Any
narrow_row: Any


def pieces(dtype: np.dtype[Any]) -> dict[str, Any]:
    """The pieces of a dtype by name."""

    def tile(rows: int, vectors: int) -> Any:
        def emit(v: Vectors, slopes: Any, x: Any, out: Any, samples: Any, features: Any) -> None:
            """out (rows, features) = slopes (rows, samples) x (samples, features), some columns of it."""
            b, sums = v.builder, v.accumulators(rows * vectors)
            with cgutils.for_range(b, samples, intp=WORD) as loop:
                start = b.mul(loop.index, features)
                values = [v.load(x, b.add(start, WORD(k * v.lanes))) for k in range(vectors)]
                for row in range(rows):
                    slope = v.splat(slopes, b.add(b.mul(samples, WORD(row)), loop.index))
                    for k, value in enumerate(values):
                        v.accumulate(slope, value, sums[row * vectors + k])
            for row in range(rows):
                for k in range(vectors):
                    place = b.add(b.mul(features, WORD(row)), WORD(k * v.lanes))
                    v.store(b.load(sums[row * vectors + k]), out, place)

        return piece(dtype, 5, emit)

    return {
        "wide_tile": tile(TILE_SLOTS, TILE_VECTORS),
        "narrow_tile": tile(TILE_SLOTS, 1),
        "wide_row": tile(1, TILE_VECTORS),
        "narrow_row": tile(1, 1),
    }


def products(address: int, part: int) -> None:
    """OUT (SLOTS, FEATURES) = GRAD (SLOTS, SAMPLES) X (SAMPLES, FEATURES)."""
    a = i64(address)
    samples, features = a[SAMPLES], a[FEATURES]
    first, last = share_of(a[SLOTS], part, a[LUT_PARTS], TILE_SLOTS)
    full, wide = features // LANES * LANES, features // (TILE_VECTORS * LANES) * TILE_VECTORS * LANES
    x = real(a[X])
    for begin in range(first, last, TILE_SLOTS):
        grouped = begin + TILE_SLOTS <= last
        for j in range(begin, begin + 1 if grouped else last):
            slopes, out = a[GRAD] + j * samples * SIZE, a[OUT] + j * features * SIZE
            for f in range(0, wide, TILE_VECTORS * LANES):
                if grouped:
                    wide_tile(slopes, a[X] + f * SIZE, out + f * SIZE, samples, features)
                else:
                    wide_row(slopes, a[X] + f * SIZE, out + f * SIZE, samples, features)
            for f in range(wide, full, LANES):
                if grouped:
                    narrow_tile(slopes, a[X] + f * SIZE, out + f * SIZE, samples, features)
                else:
                    narrow_row(slopes, a[X] + f * SIZE, out + f * SIZE, samples, features)
        for j in range(begin, min(begin + TILE_SLOTS, last)):
            slope, y = real(a[GRAD] + j * samples * SIZE), real(a[OUT] + j * features * SIZE)
            for f in range(full, features):
                total = number(0)
                for s in range(samples):
                    total += slope[s] * x[s * features + f]
                y[f] = total
