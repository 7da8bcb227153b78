"""Where thresholds lie: columns of numbers to ascending thresholds.

All take columns `(rows, columns)` of real numbers, NaN left out and at least one number in each, and return float32
`(columns, L)`. What is reckoned is reckoned in float64 where the columns are, and in float32 otherwise, as numbers are
compared; the classes of `nn.encoders` say what each is for.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.encodings.words import of_range, thresholds_of

TINY = float(np.finfo(np.float32).tiny)
"""2^-126, the smallest normal float32: what is above -TINY counts as not negative."""

WHOLE = 1 << 22
"""Below this, float32 holds the number between two neighbouring integers."""

SORTED = 1 << 22
"""Values that are sorted at once."""

_SORTED_AS = {np.dtype(np.uint8): np.uint16, np.dtype(np.int8): np.int16, np.dtype(np.bool_): np.uint16}
"""NumPy has no vector code that sorts bytes: twice as wide they are sorted ten times as fast."""


def column_range(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Smallest and largest value of each column, NaN left out, as float64 where the columns are, else as float32."""
    low, high = np.fmin.reduce(columns, axis=0), np.fmax.reduce(columns, axis=0)
    return _floating(low), _floating(high)


def uniform(columns: NDArray[Any], count: int) -> NDArray[np.float32]:
    """`t_i = min + i (max - min) / (L + 1)` for i = 1..L."""
    low, high = column_range(columns)
    with np.errstate(over="ignore"):
        spacing = (high - low) / (count + 1)
        if not np.isfinite(spacing).all():  # the range itself is beyond float32
            low = low.astype(np.float64)
            spacing = (high.astype(np.float64) - low) / (count + 1)
        steps = np.arange(1, count + 1, dtype=low.dtype)
        return _float32(low[:, None] + steps * spacing[:, None])


def fixed_point(columns: NDArray[Any], bits: int) -> NDArray[np.float32]:
    """`t_i = min + i (max - min) / 2^b` for i = 1..2^b - 1, those of a word of b bits: reckoned in float64 of the range
    in float32, so that the range tells the word.
    """
    with np.errstate(over="ignore"):
        low, high = (bound.astype(np.float32) for bound in column_range(columns))
    constant = np.broadcast_to(low[:, None], (low.size, (1 << bits) - 1))
    return np.where((low < high)[:, None], thresholds_of(of_range(low, high, bits), bits), constant)


def gaussian(columns: NDArray[Any], count: int) -> NDArray[np.float32]:
    """`t_i = mean + std Phi^-1(i / (L + 1))`, std unbiased; 0 of one number.

    Sums are float64. torch sums float32 in an order of its own: its thresholds are these but for the last bits.
    """
    x = _floating(columns)
    missing = np.isnan(x)
    number = len(x) - np.count_nonzero(missing, axis=0)
    x = np.where(missing, 0, x) if missing.any() else x
    mean = np.sum(x, axis=0, dtype=np.float64) / number
    apart = np.subtract(x, mean, dtype=np.float64)
    apart[missing] = 0
    std = np.sqrt(np.einsum("ij,ij->j", apart, apart) / np.maximum(number - 1, 1))
    fractions = np.arange(1, count + 1, dtype=np.float32) / np.float32(count + 1)
    centred = (2 * fractions - 1).astype(np.float64)  # in float32, as torch has it
    skews = np.array([NormalDist().inv_cdf((1 + at) / 2) for at in centred.tolist()]).astype(np.float32)
    return _float32(skews * std.astype(x.dtype)[:, None] + mean.astype(x.dtype)[:, None])


def distributive(columns: NDArray[Any], count: int) -> NDArray[np.float32]:
    """`t_i = sort(x)[floor(N i / (L + 1))]` for i = 1..L, without interpolation."""
    rows, features = columns.shape
    thresholds = np.empty((features, count), np.float32)
    steps = np.arange(1, count + 1)
    step = max(1, SORTED // rows)
    kind = _SORTED_AS.get(columns.dtype, columns.dtype)
    for start in range(0, features, step):
        part = columns[:, start : start + step].T
        ordered = np.sort(np.ascontiguousarray(part).astype(kind, copy=False), axis=1)  # NaN comes last
        present = rows - np.isnan(ordered).sum(1) if ordered.dtype.kind == "f" else np.full(len(ordered), rows)
        ranks = present[:, None] * steps // (count + 1)
        thresholds[start : start + step] = np.take_along_axis(ordered, ranks, axis=1)
    return thresholds


def logarithmic(columns: NDArray[Any], count: int, *, octaves: float = 8.0) -> NDArray[np.float32]:
    """`t_i = min + (max - min) (2^(k i / (L + 1)) - 1) / (2^k - 1)` for i = 1..L and k octaves."""
    low, high = (bound.astype(np.float64)[:, None] for bound in column_range(columns))
    octave = octaves * np.arange(1, count + 1) / (count + 1)
    share = (np.exp2(octave) - 1) / (2.0**octaves - 1)
    return _float32(low + (high - low) * share)


def bit_planes(columns: NDArray[Any], bits: int) -> NDArray[np.float32]:
    """1/2, 3/2, ..., 2^b - 3/2 of b bits, whatever the numbers are."""
    halves = np.arange(1, 1 << bits).astype(np.float32) - np.float32(0.5)
    return np.tile(halves, (columns.shape[1], 1))


def sign_magnitude(columns: NDArray[Any], bits: int) -> NDArray[np.float32]:
    """+-i m / J for i = 1..J - 1 and about 0, m = max(|min|, |max|) and J = 2^(b - 1) of b bits."""
    low, high = (bound.astype(np.float64) for bound in column_range(columns))
    reach = np.maximum(np.abs(low), np.abs(high))[:, None]
    half = 1 << (bits - 1)
    above = (reach * np.arange(1, half) / half).astype(np.float32)
    # |x| > t on the negative side is x < -t: not above the number just below -t.
    below = np.minimum(np.nextafter(-above, np.float32(-np.inf)), np.float32(-TINY))[:, ::-1]
    zero = np.full((len(reach), 1), -TINY, np.float32)
    return np.concatenate([below, zero, above], axis=1)


def most_frequent(column: NDArray[Any], limit: int | None) -> NDArray[np.float32]:
    """The values of a column (rows,), ascending, NaN left out: all, or the `limit` most frequent, the lower of
    equals.
    """
    numbers = column.astype(np.float32)
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    if limit is None or len(values) <= limit:
        return values
    kept: NDArray[np.float32] = np.sort(values[np.argsort(-counts, kind="stable")[:limit]])
    return kept


def category_edges(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two thresholds about each category, `(features, 2 V)` of ascending values `(features, V)`, NaN at the end: +inf.

    Where all values of a feature are integers, a number counts as the nearest one, halves as the lower.
    """
    present = ~np.isnan(values)
    whole = (~present | ((values == np.floor(values)) & (np.abs(values) < WHOLE))).all(axis=1, keepdims=True)
    half = np.float32(0.5)
    just_below = np.where(values == 0, np.float32(-TINY), np.nextafter(values, np.float32(-np.inf)))
    below = np.where(whole, values - half, just_below)
    above = np.where(whole, values + half, values)
    edges = np.where(present[..., None], np.stack([below, above], axis=-1), np.float32(np.inf))
    return edges.reshape(len(values), -1).astype(np.float32)


def _float32(numbers: NDArray[Any]) -> NDArray[np.float32]:
    rounded: NDArray[np.float32] = numbers.astype(np.float32)
    return rounded


def _floating(numbers: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return numbers.astype(np.float64 if numbers.dtype == np.float64 else np.float32, copy=False)
