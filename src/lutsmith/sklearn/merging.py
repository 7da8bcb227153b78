"""Rows in an order of their own: equal ones are one row that counts for all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.split import splitmix64

COPIES = 5
"""Of a row that stands there more often, so many share its weight: some may be held out and others learned from."""

FEW = 20_000
"""Up to so many rows in all, more copies share: what is chance is judged by how many rows say so."""


def merge_equal_rows(
    x: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Return rows, targets and weights as `merged_rows` orders them."""
    places, total = merged_rows(x, y, weights)
    return x[places], y[places], total


def merged_rows(
    x: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the places of rows without those of weight 0, ordered by what they hold; equal ones are one, with the sum
    of weights.

    So a row of weight k is k copies of it, and the order of rows does not matter: later random draws are the same.
    Where all weights are whole numbers, a row of weight k is k rows, but at most `COPIES`, or its part of `FEW`, that
    share it.

    Args:
        x: (N, *shape) numbers; NaN equals NaN, and -0 equals 0.
        y: (N,) or (N, k).
        weights: float64 (N,), finite and at least 0.
    """
    there = np.flatnonzero(weights > 0)
    if len(there) < len(weights):
        x, y, weights = x[there], y[there], weights[there]
    features = x.reshape(len(x), math.prod(x.shape[1:]))
    numbers = [features[:, place] for place in range(features.shape[1])]
    keys = [_ordered(column) for column in (*numbers, *np.atleast_2d(y.T))]
    hashed = _hashed(keys)
    order = np.argsort(hashed, kind="stable")
    if _may_mix(hashed[order], [key[order] for key in keys]):  # two different rows of one hash, which hardly happens
        order = np.lexsort(keys[::-1])
    change = np.zeros(len(order), np.bool_)
    change[:1] = True
    for key in keys:
        sorted_ = key[order]
        change[1:] |= sorted_[1:] != sorted_[:-1]
    first = order[change]
    total = np.add.reduceat(weights[order], np.flatnonzero(change)) if len(order) else weights
    if (total == np.rint(total)).all():
        copies = np.minimum(total, max(COPIES, FEW // max(1, len(total)))).astype(np.int64)
        first, total = np.repeat(first, copies), np.repeat(total / copies, copies)
    return there[first], total


def equal_rows(x: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each row (N, *shape), int64 (N,): the same for equal rows, and for others hardly ever."""
    hashed = _hashed([_ordered(column) for column in x.reshape(len(x), -1).T])
    found: NDArray[np.int64] = np.unique(hashed, return_inverse=True)[1].ravel()
    return found


def _ordered(column: NDArray[Any]) -> NDArray[np.uint64]:
    """Numbers as integers that are equal where they are."""
    if column.dtype.kind in "biu":
        return column.astype(np.int64).view(np.uint64)
    plain = column.astype(np.float64) + 0.0  # -0 becomes 0
    plain[np.isnan(plain)] = np.nan
    return plain.view(np.uint64)


def _hashed(keys: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """A number for each row, by splitmix64 over its columns."""
    found = np.zeros(len(keys[0]), np.uint64)
    for key in keys:
        found = splitmix64(found ^ key)
    return found


def _may_mix(hashed: NDArray[np.uint64], keys: list[NDArray[np.uint64]]) -> bool:
    same = hashed[1:] == hashed[:-1]
    return any(bool((key[1:] != key[:-1])[same].any()) for key in keys)
