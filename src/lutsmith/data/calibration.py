"""Scores to probabilities, by one temperature that rows tell which were not learned from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def fit_temperature(scores: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> float:
    """Return the temperature by which probabilities tell rows best: that of the lowest mean log loss.

    Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599), section 4.2. The loss is convex in the
    inverse of the temperature; it stays within 1/1000 to 1000 of the scores' spread.

    Args:
        scores: (N, K) of classes or labels.
        y: class ids (N,), or truth values (N, K) of labels.
        weights: how much each row counts; None: all alike.
    """
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
