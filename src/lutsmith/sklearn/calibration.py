"""Scores to probabilities, by one temperature that rows tell which were not learned from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 60
"""Of a golden section: a factor of 10^12."""


def softmax(scores: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities of classes, float64 (N, K), whose rows add up to 1."""
    shifted = (scores - scores.max(axis=1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found


def sigmoid(scores: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return the probability that each label is set, float64, of the shape of the scores."""
    found: NDArray[np.float64] = 0.5 * (1 + np.tanh(scores / (2 * temperature)))
    return found


def fit_temperature(scores: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> float:
    """Return the temperature by which probabilities tell rows best: that of the lowest mean log loss.

    Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599), section 4.2. The loss is convex in the
    inverse of the temperature, so that a golden section finds it; it stays within 1/1000 to 1000 of the scores' spread.

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
            top = scaled.max(axis=1)
            losses = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - scaled[np.arange(len(y)), y]
        else:
            losses = np.logaddexp(0.0, np.where(y, -scaled, scaled)).mean(axis=1)
        return float(np.average(losses, weights=weights))

    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return math.exp(-(low + high) / 2)
