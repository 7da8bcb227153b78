"""The votes that LUTs have cast on some rows, and what another one would be worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.additive import softmax
from lutsmith.kernels.additive.growth import MOST


class SoftmaxVotes:
    """Votes for classes under cross entropy: scores are votes / tau.

    Args:
        classes: (N,) int, of the rows.
        num_classes: K.
        weights: float32 (N,), how much each row counts.

    Attributes:
        counts: int32 (K, N), the votes.
    """

    def __init__(self, classes: NDArray[np.int64], num_classes: int, weights: NDArray[np.float32]) -> None:
        self.classes, self.weights = classes, weights
        self.counts = np.zeros((num_classes, len(classes)), np.int32)
        self._powers = np.ones((num_classes, len(classes)), np.float32)
        self._sums = np.full(len(classes), num_classes, np.float32)
        self.tau = 1.0

    def begin(self, tau: float) -> None:
        """Let votes be worth 1 / tau from now on."""
        self.tau = tau
        softmax.begin(self.counts, tau, self._powers, self._sums)

    def gains(self, k: int) -> NDArray[np.int32]:
        """Return what a vote for class k is worth on each row, in a unit in which all of them fit the kernel's sums."""
        found = np.empty(len(self.classes), np.int32)
        most = float(self.weights.sum(dtype=np.float64)) / self.tau  # what all rows gain at the most, or lose
        scale = min((MOST - len(found)) / max(most, 1e-30), 2.0**20)
        softmax.gains(self._powers, self._sums, self.classes, k, self.weights, self.tau, scale, found)
        return found

    def cast(self, k: int, words: NDArray[np.uint64], sign: int = 1) -> None:
        """Add a vote for class k, or with -1 take one back, where bits of the words are set."""
        softmax.add(self.counts, self._powers, self._sums, k, words, sign, self.tau)

    def loss(self) -> float:
        """Return the mean cross entropy."""
        rows = np.arange(len(self.classes))
        own = np.maximum(self._powers[self.classes, rows], np.finfo(np.float32).tiny)
        return float(np.average(np.log(self._sums) - np.log(own), weights=self.weights))
