"""Probabilities from scores, by one temperature that is fitted on rows that were not trained on; and how good they
are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Of confidences, of equal width."""


def fit_temperature(scores: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> float:
    """Return the temperature at which probabilities fit the rows best: the one with the lowest mean log loss.

    Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599), section 4.2. The loss is convex in the
    inverse of the temperature; it stays within 1/1000 to 1000 of the scores' spread.

    Args:
        scores: (N, K) of classes or labels.
        y: class ids (N,), or truth values (N, K) of labels.
        weights: how much each row counts; None: all alike.

    Raises:
        ModuleNotFoundError: scipy is not installed.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    spread = float(np.std(scores - scores.mean(axis=1, keepdims=True) if y.ndim == 1 else scores)) or 1.0
    low, high = -math.log(1000.0 * spread), math.log(1000.0 / spread)

    def loss(logarithm: float) -> float:
        scaled = scores * math.exp(logarithm)
        if y.ndim == 1:
            losses = -log_softmax(scaled, axis=1)[np.arange(len(y)), y]
        else:
            losses = np.logaddexp(0.0, np.where(y, -scaled, scaled)).mean(axis=1)
        return float(np.average(losses, weights=weights))

    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return math.exp(-float(found.x))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether probabilities say how often a classifier is right.

    Rows count by their weights.

    Attributes:
        confidence: float64 (bins,), the mean probability of the predicted class, in each bin.
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


def calibration(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    bins: int = BINS,
) -> Calibration:
    """Return how well probabilities (N, C) of classes fit the true class ids (N,); at least one row.

    Args:
        probabilities: of each class.
        truth: the class ids.
        weights: (N,), how much each row counts, not all 0; None: all alike.
        bins: of confidences, of equal width.
    """
    weights = np.ones(len(truth)) if weights is None else weights
    rows = np.arange(len(truth))
    said = probabilities.argmax(axis=1)
    confidence = probabilities[rows, said]
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    heavy = np.bincount(place, weights, bins)
    mean = _share(np.bincount(place, weights * confidence, bins), heavy)
    right = _share(np.bincount(place, weights * (said == truth), bins), heavy)
    error = float(np.nansum(heavy * np.abs(right - mean)) / heavy.sum())
    wanted = np.zeros_like(probabilities)
    wanted[rows, truth] = 1.0
    brier = float(np.average(((probabilities - wanted) ** 2).sum(axis=1), weights=weights))
    with np.errstate(divide="ignore"):
        loss = float(np.average(-np.log(probabilities[rows, truth]), weights=weights))
    return Calibration(mean, right, count, error, brier, loss)


def cross_fitted(
    scores: NDArray[np.int32],
    truth: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return probabilities (N, C) of integer scores (N, C): softmax at a temperature that is fitted on other rows.

    The rows fall into two halves at random; each half uses the temperature that is fitted on the other half. So no
    row's probability depends on its own true class.

    Raises:
        ValueError: fewer than two rows.
        ModuleNotFoundError: scipy is not installed.
    """
    from scipy.special import softmax

    if len(scores) < 2:
        raise ValueError(f"{len(scores)} row; a temperature needs two halves")
    half = np.zeros(len(scores), np.bool_)
    half[np.random.default_rng([seed, 0xCA1]).permutation(len(scores))[: len(scores) // 2]] = True
    found = np.empty(scores.shape)
    for part in (half, ~half):
        own = None if weights is None or not weights[~part].any() else weights[~part]
        found[part] = softmax(
            scores[part] / fit_temperature(scores[~part].astype(np.float64), truth[~part], own), axis=1
        )
    return found


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    """part / whole; NaN where whole is 0."""
    none = np.full(len(whole), np.nan)
    shares: NDArray[np.float64] = np.divide(part, whole, out=none, where=whole != 0)
    return shares
