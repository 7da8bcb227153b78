"""The numbers that distinguish inputs: both sides of every threshold, and the numbers at both ends.

A comparator `x > t` of float32 changes at t alone: it is false at t and true at the next number. A word counts such
thresholds, 2^b - 1 of b bits, and its bits change at these and at NaN alone; whether a value is missing changes at NaN.
So two functions of one feature that change only at some of the thresholds are equal everywhere if they are equal at t
and its neighbours, for every threshold t of either, at both ends of float32, and at NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.inputs import Inputs

WORD = 64
"""Points of a feature are a multiple of this: a bit each in words of 64."""

LONGEST = 16
"""Bits of the longest words whose thresholds are all looked at; encoders have no longer ones."""

_LARGEST = np.finfo(np.float32).max
_ENDS = np.array([np.nan, -np.inf, -_LARGEST, -1, 0, 1, _LARGEST, np.inf], np.float32)


def points(num_features: int, features: NDArray[Any], thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the points of every feature, float32 (P, num_features), P a multiple of 64.

    Each column holds, in an order of its own, every threshold of the feature, the number below and the one above it,
    NaN, both infinities and the largest numbers. Because the orders differ, a bit that reads a different feature than
    it should is noticed, even if both features have the same thresholds.

    Args:
        num_features: F.
        features: integers (T,), the feature that each threshold belongs to; repetitions are allowed.
        thresholds: float32 (T,); NaN, which nothing exceeds, is left out.
    """
    there = ~np.isnan(thresholds)
    places, values = features[there].astype(np.int64), thresholds[there]
    with np.errstate(over="ignore", under="ignore"):  # beyond the largest number lies infinity, which is a point too
        around = [values, np.nextafter(values, np.float32(-np.inf)), np.nextafter(values, np.float32(np.inf))]
    every = np.arange(num_features)
    owner = np.concatenate([places, places, places, np.repeat(every, _ENDS.size)])
    numbers = np.concatenate([*around, np.tile(_ENDS, num_features)]).astype(np.float32)
    distinct = np.unique(owner << 32 | numbers.view(np.uint32))  # sorted by feature
    owner, numbers = distinct >> 32, (distinct & 0xFFFFFFFF).astype(np.uint32).view(np.float32)
    counts = np.bincount(owner, minlength=num_features)
    starts = np.cumsum(counts) - counts
    size = -(-int(counts.max()) // WORD) * WORD
    table = numbers[starts + np.arange(size)[:, None] % counts]
    return np.random.default_rng(0).permuted(table, axis=0)


def points_of(inputs: Inputs, features: NDArray[Any], thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `points` of some thresholds and of those of inputs, whose words have at most 16 bits."""
    compared, words = inputs.comparators, inputs.words
    owners, places = [features, compared.feature], [thresholds, compared.threshold]
    if words is not None:
        read = np.unique(words.place)
        lengths = words.formats.bits[read]
        for bits in np.unique(lengths).tolist():
            same = read[lengths == bits]
            grid, count = words.formats.thresholds(same), (1 << bits) - 1
            every = np.arange(same.size, dtype=np.int32)[:, None]
            places.append(grid[every].value(np.arange(count)).reshape(-1))
            owners.append(np.repeat(words.formats.feature[same], count))
    return points(inputs.num_features, np.concatenate(owners), np.concatenate(places))
