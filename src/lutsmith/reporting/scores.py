"""What answers on measured rows say: counts of confusion, precision and recall, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Of confidences, of equal width."""


@dataclass(frozen=True, eq=False)
class ClassScores:
    """How well each class or label is found.

    Attributes:
        precision: float64 (C,), of the rows that were said to be of it, the share that are; NaN where none were.
        recall: float64 (C,), of its rows the share that were found; NaN where it has none.
        f1: float64 (C,), their harmonic mean, 2 TP / (2 TP + FP + FN); NaN where there is neither.
        rows: int64 (C,), how many are of it.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    rows: NDArray[np.int64]

    @classmethod
    def of_counts(cls, right: NDArray[np.int64], said: NDArray[np.int64], rows: NDArray[np.int64]) -> ClassScores:
        """Return the scores of counts (C,): found rightly, said, and true."""
        return cls(_share(right, said), _share(right, rows), _share(2 * right, said + rows), rows)


def confusion(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return int64 (C, C): how many rows of class i (rows) were taken for class j (columns)."""
    return np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)


def class_scores(counts: NDArray[np.int64]) -> ClassScores:
    """Return the scores of a matrix of confusion."""
    return ClassScores.of_counts(np.diag(counts), counts.sum(axis=0), counts.sum(axis=1))


def label_scores(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> ClassScores:
    """Return the scores of several labels (N, L)."""
    return ClassScores.of_counts((truth & said).sum(axis=0), said.sum(axis=0), truth.sum(axis=0))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether probabilities say how often a classifier is right.

    Attributes:
        confidence: float64 (bins,), the mean probability of the class that was said, in each bin.
        right: float64 (bins,), the share of the rows of the bin that are right; both are NaN in an empty bin.
        count: int64 (bins,), the rows of each bin.
        error: the expected calibration error: the mean over the rows of |right - confidence| of their bins (Guo et al.,
            arXiv:1706.04599, section 2).
        brier: the Brier score: the mean over the rows of the squared error of all probabilities, summed over classes.
        log_loss: the mean of -log of the probability of the true class.
    """

    confidence: NDArray[np.float64]
    right: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float
    brier: float
    log_loss: float


def calibration(probabilities: NDArray[np.float64], truth: NDArray[np.int64], bins: int = BINS) -> Calibration:
    """Return how well probabilities (N, C) of classes fit what is true, class ids (N,); at least one row."""
    rows = np.arange(len(truth))
    said = probabilities.argmax(axis=1)
    confidence = probabilities[rows, said]
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    mean = _share(np.bincount(place, confidence, bins), count)
    right = _share(np.bincount(place, said == truth, bins), count)
    error = float(np.nansum(count * np.abs(right - mean)) / len(truth))
    wanted = np.zeros_like(probabilities)
    wanted[rows, truth] = 1.0
    brier = float(((probabilities - wanted) ** 2).sum(axis=1).mean())
    with np.errstate(divide="ignore"):
        loss = float(-np.log(probabilities[rows, truth]).mean())
    return Calibration(mean, right, count, error, brier, loss)


def cross_fitted(scores: NDArray[np.int32], truth: NDArray[np.int64], seed: int = 0) -> NDArray[np.float64]:
    """Return probabilities (N, C) of integer scores (N, C): softmax at a temperature that other rows tell.

    The rows fall into two halves at random; each half has the temperature that the other one tells
    (`data.calibration.fit_temperature`). So no row's probability depends on what is true of that row.

    Raises:
        ValueError: fewer than two rows.
        ModuleNotFoundError: scipy is not installed.
    """
    from scipy.special import softmax

    from lutsmith.data.calibration import fit_temperature

    if len(scores) < 2:
        raise ValueError(f"{len(scores)} row; a temperature needs two halves")
    half = np.zeros(len(scores), np.bool_)
    half[np.random.default_rng([seed, 0xCA1]).permutation(len(scores))[: len(scores) // 2]] = True
    found = np.empty(scores.shape)
    for part in (half, ~half):
        found[part] = softmax(scores[part] / fit_temperature(scores[~part].astype(np.float64), truth[~part]), axis=1)
    return found


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    """part / whole; NaN where whole is 0."""
    none = np.full(len(whole), np.nan)
    shares: NDArray[np.float64] = np.divide(part, whole, out=none, where=whole != 0)
    return shares
