"""Measures of the answers for the measured rows: counts of confusion, precision and recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ClassScores:
    """How well each class or label is found.

    Attributes:
        precision: float64 (C,), the share of the rows with this predicted class that have it; NaN where there are none.
        recall: float64 (C,), the share of the rows of this class that were found; NaN where there are none.
        f1: float64 (C,), their harmonic mean, 2 TP / (2 TP + FP + FN); NaN where there is neither.
        rows: int64 (C,), how many rows have this class.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    rows: NDArray[np.int64]

    @classmethod
    def of_counts(cls, right: NDArray[np.int64], said: NDArray[np.int64], rows: NDArray[np.int64]) -> ClassScores:
        """Return the scores from counts (C,): predicted correctly, predicted, and true."""
        return cls(_share(right, said), _share(right, rows), _share(2 * right, said + rows), rows)


def confusion(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return int64 (C, C): how many rows of class i (rows) were taken for class j (columns)."""
    return np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)


def confused_pairs(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return int64 (P, 3): each true class, class that it was taken for, and in how many rows; the most come first.

    It takes no matrix: there may be any number of classes.
    """
    wrong = truth != said
    pairs, counts = np.unique(truth[wrong] * classes + said[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.stack([pairs // classes, pairs % classes, counts], axis=1)[order]


def class_scores(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> ClassScores:
    """Return the scores of class ids (N,)."""
    right, found, rows = (np.bincount(ids, minlength=classes) for ids in (truth[truth == said], said, truth))
    return ClassScores.of_counts(right, found, rows)


def label_scores(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> ClassScores:
    """Return the scores of several labels (N, L)."""
    return ClassScores.of_counts((truth & said).sum(axis=0), said.sum(axis=0), truth.sum(axis=0))


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    """part / whole; NaN where whole is 0."""
    none = np.full(len(whole), np.nan)
    shares: NDArray[np.float64] = np.divide(part, whole, out=none, where=whole != 0)
    return shares
