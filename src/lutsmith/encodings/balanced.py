"""Thresholds of columns in which some values are common: quantiles in which no value counts for more than one bin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def balanced(columns: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Return `balanced_column` of columns (rows, columns), float32 (columns, L), NaN left out; +inf fills up a row."""
    found = np.full((columns.shape[1], count), np.inf, np.float32)
    for place, column in enumerate(columns.T):
        values = column.astype(np.float32)
        thresholds = balanced_column(values[~np.isnan(values)], count)
        found[place, : thresholds.size] = thresholds
    return found


def balanced_column(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return up to `count` ascending thresholds of a column, float32, each on a value: a bit is x > t.

    Where most rows hold the same value (a capital gain of 0), most quantiles fall on it, and few are left to tell the
    other rows apart. Here a value that is too common for a bin counts as one bin, and quantiles are those of the
    counts that are left: with s so that sum_v min(n_v, s) = (count + 1) s, a threshold lies on each value at which the
    sum of min(n_v, s) reaches another multiple of s, but for the highest value. LightGBM gives common values bins of
    their own too. A column of at most count + 1 different values has a threshold at each but the highest.

    Args:
        values: float32 (N,), at least one number, none of them NaN.
        count: at least 1.
    """
    different, rows = np.unique(values, return_counts=True)
    if different.size <= count + 1:
        return different[:-1]
    largest = np.sort(rows)[::-1]
    rest = rows.sum() - np.append(0, np.cumsum(largest[:count]))  # rows of all but the h most common values
    bins = count + 1 - np.arange(count + 1)
    common = int(np.argmax(largest[: count + 1] * bins <= rest))  # h, the least that leaves none above s = rest / bins
    capped = np.minimum(rows * bins[common], rest[common])  # in units in which s is an integer
    full = np.cumsum(capped) // rest[common]  # bins that are full at each value
    chosen: NDArray[np.float32] = different[:-1][np.diff(full, prepend=0)[:-1] > 0]
    return chosen
