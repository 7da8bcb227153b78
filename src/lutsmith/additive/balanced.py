"""Thresholds of columns in which some values are common: quantiles in which no value counts for more than one bin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def balanced_thresholds(values: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Return up to `count` ascending thresholds of a column, float32; each lies on a value, and x > t is the bit.

    Where most rows hold the same value (a capital gain of 0), most quantiles fall on it, and few are left to tell the
    other rows apart. Here a value that is too common for a bin counts as one bin, and quantiles are those of the
    counts that are left: with s so that sum_v min(n_v, s) = (count + 1) s, a threshold lies on each value at which the
    sum of min(n_v, s) reaches another multiple of s, but for the highest value. LightGBM gives common values bins of
    their own too. A column of at most count + 1 different values has a threshold at each but the highest.

    Args:
        values: (N,), at least one number, none of them NaN.
        count: at least 1.
    """
    different, rows = np.unique(values.astype(np.float32), return_counts=True)
    if different.size <= count + 1:
        return different[:-1]
    largest = np.sort(rows)[::-1]
    rest = rows.sum() - np.append(0, np.cumsum(largest[:count]))  # rows of all but the h most common values
    bins = count + 1 - np.arange(count + 1)
    common = int(np.argmax(largest[: count + 1] * bins <= rest))  # the least h that leaves none too common: s = rest / h
    capped = np.minimum(rows * bins[common], rest[common])  # in units in which s is an integer
    full = np.cumsum(capped) // rest[common]
    return different[:-1][np.diff(full, prepend=0)[:-1] > 0]
