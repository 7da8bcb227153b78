"""What is kept of every sample while outputs change, for each kind of loss: enough to tell what a change would do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.search import separate, softmax
from lutsmith.search.losses import CrossEntropy
from lutsmith.search.separate_losses import SeparateLoss

HIGHEST = 700.0
"""Exponents that float64 holds."""

Rows = NDArray[np.uint64]
Groups = NDArray[np.int64]


class ScoreState(Protocol):
    """The scores of samples, as a loss needs them. Rows of outputs before and after a change, uint64 (K, W), come with
    the group of each, int64 (K,), ascending.
    """

    def begin(self, scores: NDArray[np.int32]) -> None:
        """Take the scores as they are, int32 (N, C)."""

    def total(self) -> float:
        """Return the loss of all samples."""

    def rises(
        self, before: Rows, after: Rows, groups: Groups, samples: NDArray[np.int32], values: NDArray[np.float64]
    ) -> int:
        """List the samples whose outputs change, and by how much the loss of each rises; return how many there are."""

    def follow(self, before: Rows, after: Rows, groups: Groups) -> None:
        """Let the scores follow a change."""


def state_of(loss: CrossEntropy | SeparateLoss, words: int) -> ScoreState:
    """Return what is kept of samples that take so many words."""
    return ClassShares(loss, words) if isinstance(loss, CrossEntropy) else SeparateScores(loss, words)


class ClassShares:
    """The probabilities of classes, for cross entropy: see `kernels.search.softmax`."""

    def __init__(self, loss: CrossEntropy, words: int) -> None:
        self._loss, self._tau = loss, loss.tau
        self._weights, size = _weights(loss), loss.head.group_size(loss.num_outputs)
        steps = np.arange(-size, size + 1) / loss.tau
        self._factors = np.expm1(np.minimum(steps, HIGHEST))
        self._labels = np.zeros(64 * words, np.int64)
        self._labels[: len(loss.labels)] = loss.labels
        self._scores = np.zeros((loss.head.num_classes, 64 * words), np.int32)
        self._shares = np.zeros(self._scores.shape)
        self._steepest = softmax.STEEPEST * loss.tau / max(1, int(np.abs(self._weights).max(initial=1)))
        self._room = np.empty(64 * words), np.empty(64 * words, np.int64)

    def begin(self, scores: NDArray[np.int32]) -> None:
        self._scores[:, : len(scores)] = scores.T
        shares = scores.T / self._tau
        shares -= shares.max(axis=0, initial=-np.inf)
        np.exp(shares, out=shares)
        self._shares[:, : len(scores)] = shares / shares.sum(axis=0)

    def total(self) -> float:
        return float(self._loss.of_scores(self._scores[:, : len(self._loss.labels)].T).sum())

    def rises(
        self, before: Rows, after: Rows, groups: Groups, samples: NDArray[np.int32], values: NDArray[np.float64]
    ) -> int:
        if len(before) > self._steepest:  # outputs of one group may all go one way
            return softmax.rises_of_scores(
                before, after, groups, self._weights, self._scores, self._labels, self._tau, samples, values
            )
        return softmax.rises(
            before, after, groups, self._weights, self._shares, self._labels, self._factors, self._tau,
            samples, values, *self._room,
        )  # fmt: skip

    def follow(self, before: Rows, after: Rows, groups: Groups) -> None:
        softmax.follow(before, after, groups, self._weights, self._scores, self._shares, self._tau)


class SeparateScores:
    """The scores of labels or targets: see `kernels.search.separate`."""

    def __init__(self, loss: SeparateLoss, words: int) -> None:
        self._loss, self._weights = loss, _weights(loss)
        shape = loss.head.num_classes, 64 * words
        self._scores, self._wanted = np.zeros(shape, np.int32), np.zeros(shape)
        self._wanted[:, : len(loss)] = loss.wanted

    def begin(self, scores: NDArray[np.int32]) -> None:
        self._scores[:, : len(scores)] = scores.T

    def total(self) -> float:
        return float(self._loss.of_scores(self._scores[:, : len(self._loss)].T).sum())

    def rises(
        self, before: Rows, after: Rows, groups: Groups, samples: NDArray[np.int32], values: NDArray[np.float64]
    ) -> int:
        loss = self._loss
        return separate.rises(
            before, after, groups, self._weights, self._scores, self._wanted, loss.slopes, loss.logistic,
            samples, values,
        )  # fmt: skip

    def follow(self, before: Rows, after: Rows, groups: Groups) -> None:
        separate.follow(before, after, groups, self._weights, self._scores)


def _weights(loss: CrossEntropy | SeparateLoss) -> NDArray[np.int32]:
    weights = loss.head.weights
    return np.empty((0, 0), np.int32) if weights is None else np.ascontiguousarray(weights)
