"""Names in the order of their target: with this order a threshold is a set of names, and thousands of names take few
bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.sides import TargetValues
from lutsmith.data.dataset import Dataset

MOST_ONE_HOT = 255
"""Names of a column that have a bit each where nobody said how they are coded."""

SMOOTH = 10.0
"""Rows of the whole mean that are counted to those of each name."""

LEAST = 5
"""Rows of a name: one of fewer is at the mean."""

TOLD = 1.5
"""Standard errors by which the mean of a name has to differ from the whole: chance alone puts few names aside."""


def in_order(settings: AdditiveSettings, dataset: Dataset, rows: NDArray[np.int64]) -> Dataset:
    """Return a data set with the names of some columns in the order of their target; others stay as they are.

    Which ones: with `category_code` "target" all that are one-hot, with None those of more than 255 names.

    Args:
        settings: of training.
        dataset: what is learned.
        rows: int64, of the training part: no others are looked at.
    """
    names = dict(zip(dataset.categorical, dataset.category_names, strict=True))
    most = {"one-hot": np.inf, "target": 0}.get(settings.category_code or "", MOST_ONE_HOT)
    chosen = [place for place in dataset.one_hot if len(names[place]) > most]
    if not chosen:
        return dataset
    target = TargetValues.of_dataset(dataset).of(rows)
    orders = {}
    for place in chosen:
        order = target_order(dataset.x_train[rows, place], len(names[place]), target)
        orders[place] = tuple(names[place][code] for code in order.tolist())
    return dataset.recoded(orders)


def target_order(column: NDArray[np.float32], count: int, target: TargetValues) -> NDArray[np.int64]:
    """Return the codes 0 .. count - 1 by the mean target of their rows, ascending, int64 (count,).

    The mean of each name is smoothed by ten rows with the mean of all rows. A name with fewer than five rows, or with a
    mean within 1.5 standard errors of that of all rows, gets the mean of all rows, so that chance affects the order of
    few names. Several targets, as classes are, count in units of their spread along the direction in which names differ
    most, their first principal component. Equals stand by their codes.

    For two classes and numbers this is the order in which the best split of the names in two sets is a threshold
    (Breiman et al., 1984; Fisher, 1958), but for smoothing; Micci-Barreca (2001) has the smoothed means.

    Args:
        column: (N,) codes, NaN where missing.
        count: V.
        target: of these rows.
    """
    known = ~np.isnan(column)
    codes, target = column[known].astype(np.int64), target.of(np.flatnonzero(known))
    sums, weights = target.sums(codes, count)
    total = weights.sum()
    if total == 0:
        return np.arange(count)
    mean = sums.sum(axis=0) / total
    squares = (target.weight[:, None] * (target.values - mean) ** 2).sum(axis=0) / total
    spread = np.sqrt(np.where(squares > 0, squares, np.inf))  # of a constant nothing is told
    centred = (sums - weights[:, None] * mean) / spread
    rows = np.bincount(codes, minlength=count)
    smoothed = centred / (weights + SMOOTH * total / len(codes))[:, None]
    together = np.einsum("vi,vj,v->ij", smoothed, smoothed, weights)
    direction = np.linalg.eigh(together)[1][:, -1]
    direction *= np.sign(direction[np.argmax(np.abs(direction) > 1e-9)]) or 1.0
    scores = np.einsum("vk,k->v", smoothed, direction)
    each = np.einsum("nk,k->n", (target.values - mean) / spread, direction)
    error = np.sqrt(np.average(each**2, weights=target.weight) / np.maximum(rows, 1))
    raw = np.einsum("vk,k->v", centred, direction) / np.where(weights > 0, weights, 1)
    scores[(rows < LEAST) | (np.abs(raw) < TOLD * error)] = 0.0
    return np.argsort(np.round(scores, 9), kind="stable")
