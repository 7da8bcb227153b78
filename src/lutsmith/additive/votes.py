"""The votes that LUTs have cast on some rows, and what another vote would be worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.opinions import Opinions
from lutsmith.kernels.additive import softmax
from lutsmith.kernels.additive.growth import MOST

FINEST = 2.0**20
"""Units of a gain at the most: finer ones tell nothing."""

LEAST = 1e-290
"""What gains add up to at the least, for units that are numbers."""

STEEP = 8.0
"""Logarithm of a factor by which float32 is not changed again and again: what it loses would count."""


class Votes(ABC):
    """Counts of votes for K scores on N rows.

    Args:
        num_scores: K.
        weights: float32 (N,), how much each row counts; their mean is 1.

    Attributes:
        counts: int32 (K, N), the votes.
        grown: int64 (K,), the votes that each score has where all LUTs are 1.
    """

    def __init__(self, num_scores: int, weights: NDArray[np.float32]) -> None:
        self.weights = weights
        self.counts = np.zeros((num_scores, len(weights)), np.int32)
        self.grown = np.zeros(num_scores, np.int64)
        self._first: tuple[Any, Any] = (0, 0)

    def begin_at(self, counts: NDArray[np.int64], grown: NDArray[np.int64]) -> None:
        """Let no votes be these, (K,) each, in the place of 0."""
        self._first = counts[:, None], grown
        self.clear()

    def clear(self) -> None:
        """Take all votes away; `begin` has to follow."""
        self.counts[:], self.grown[:] = self._first

    @abstractmethod
    def begin(self, tau: float) -> None:
        """Let scores be votes / tau from now on, where the objective has a tau."""

    @abstractmethod
    def gains(self, code: NDArray[np.int32]) -> tuple[NDArray[np.int32], float]:
        """Return by how much less each row loses where the next LUT is 1 than where it is 0, (N,), and how many of
        these gains are one of the loss: so many that all of them fit the sums of `Grower`. Where the LUT is 1 the
        scores get the votes of the code (K,).
        """

    @abstractmethod
    def cast(self, code: NDArray[np.int32], words: NDArray[np.uint64], sign: int = 1) -> None:
        """Add a LUT with this code that is 1 where bits of the words are set; with -1 take it away."""

    @abstractmethod
    def loss(self) -> float:
        """Return the mean loss."""


class SoftmaxVotes(Votes):
    """Votes for classes under cross entropy: scores are votes / tau.

    Args:
        classes: int64 (N,), of the rows.
        num_classes: K.
        weights: as for `Votes`.
        opinions: of a teacher; the loss is linear in the targets, so that rows have them in place of their class.
    """

    def __init__(
        self,
        classes: NDArray[np.int64],
        num_classes: int,
        weights: NDArray[np.float32],
        opinions: Opinions | None = None,
    ) -> None:
        super().__init__(num_classes, weights)
        self._classes = classes
        self._more: NDArray[np.float32] | None = None  # (K, N): targets less the classes, rows that add up to 0
        if opinions is not None:
            more = opinions.said.T - (np.arange(num_classes)[:, None] == classes)
            self._more = (opinions.weight * more).astype(np.float32)
        self._powers = np.ones((num_classes, len(classes)), np.float32)
        self._sums = np.full(len(classes), num_classes, np.float32)
        self._tau = 1.0

    def begin(self, tau: float) -> None:
        self._tau = tau
        softmax.begin(self.counts, tau, self._powers, self._sums)

    def gains(self, code: NDArray[np.int32]) -> tuple[NDArray[np.int32], float]:
        found = np.empty(len(self._classes), np.int32)
        reach = int(max(code.max(), 0) - min(code.min(), 0))
        most = float(self.weights.sum(dtype=np.float64)) * reach / self._tau  # what all rows gain at the most, or lose
        scale = min((MOST - max(len(found), 1024)) / max(most, 1e-30), FINEST)  # 1024: what float32 rounds
        softmax.gains(self._powers, self._sums, self._classes, code, self.weights, self._tau, scale, found)
        if self._more is not None:
            more = np.zeros(len(found), np.float32)
            for k in np.flatnonzero(code).tolist():
                more += np.float32(code[k] / self._tau * scale) * self._more[k]
            found += np.rint(more * self.weights).astype(np.int32)
        return found, scale

    def cast(self, code: NDArray[np.int32], words: NDArray[np.uint64], sign: int = 1) -> None:
        if np.abs(code).max() > STEEP * self._tau:
            self.counts += sign * code[:, None] * _said(words, self.counts.shape[1])
            self.begin(self._tau)
        else:
            softmax.add(self.counts, self._powers, self._sums, code, words, sign, self._tau)
        self.grown += sign * code

    def loss(self) -> float:
        own = np.maximum(self._powers[self._classes, np.arange(len(self._classes))], np.finfo(np.float32).tiny)
        losses = np.log(self._sums) - np.log(own)
        if self._more is not None:
            losses -= (self._more * np.log(np.maximum(self._powers, np.finfo(np.float32).tiny))).sum(axis=0)
        return float(np.average(losses, weights=self.weights))


class ScoreVotes(Votes):
    """Votes for scores that are judged one by one: of several labels, or of numbers.

    Score k is `middle_k + step_k (votes - all / 2)`, `all` being its votes where every LUT is 1: a LUT with one vote
    takes half a step away or adds one.

    Args:
        targets: float64 (K, N).
        loss: of a score and its target.
        weights: as for `Votes`.
        middle: float64 (K,).
        step: float64 (K,), 0 or more; None: 1 / tau.
        opinions: of a teacher: of numbers further targets, of labels the probability that one is 1.
        labels: whether targets are labels, 0 and 1.
    """

    def __init__(
        self,
        targets: NDArray[np.float64],
        loss: ScoreLoss,
        weights: NDArray[np.float32],
        middle: NDArray[np.float64],
        step: NDArray[np.float64] | None = None,
        opinions: Opinions | None = None,
        labels: bool = False,
    ) -> None:
        super().__init__(len(targets), weights)
        self._loss, self._middle, self._fixed = loss, middle, step
        self._targets: list[tuple[NDArray[np.float64], Any]] = [(targets.view(), 1.0)]  # and how much each counts
        if opinions is not None:
            said, share = np.ascontiguousarray(opinions.said.T), opinions.weight
            one, nothing = np.ones_like(said), np.zeros_like(said)
            taught = [(one, share * said), (nothing, share * (1 - said))] if labels else [(said, share)]
            self._targets = [(targets.view(), 1.0 - share), *taught]
        for told, _ in self._targets:
            told.flags.writeable = False  # a loss may be anyone's
        self.step = np.ones(len(targets)) if step is None else step

    def begin(self, tau: float) -> None:
        if self._fixed is None:
            self.step = np.full(len(self.counts), 1 / tau)

    def scores(self, k: int) -> NDArray[np.float64]:
        """Return score k of the rows, (N,)."""
        found: NDArray[np.float64] = self._middle[k] + self.step[k] * (self.counts[k] - self.grown[k] / 2)
        return found

    def gains(self, code: NDArray[np.int32]) -> tuple[NDArray[np.int32], float]:
        gains = np.zeros(len(self.weights))
        for k in np.flatnonzero(code).tolist():
            scores, half = self.scores(k), self.step[k] * code[k] / 2
            more = np.subtract(self._losses(k, scores - half), self._losses(k, scores + half))
            if more.shape != scores.shape or not np.isfinite(more).all():
                raise ValueError(
                    f"the loss gives {more.shape} for {scores.shape} scores, or what is not finite; expected "
                    "a finite number for each sample"
                )
            gains += more
        gains *= self.weights
        total, most = (max(float(size), LEAST) for size in (np.abs(gains).sum(), np.abs(gains).max()))
        scale = min((MOST - gains.size) / total, FINEST / most)
        return np.rint(gains * scale).astype(np.int32), scale * len(self.counts)  # the loss is a mean over the scores

    def cast(self, code: NDArray[np.int32], words: NDArray[np.uint64], sign: int = 1) -> None:
        said = _said(words, self.counts.shape[1])
        for k in np.flatnonzero(code).tolist():
            self.counts[k] += sign * code[k] * said
        self.grown += sign * code

    def loss(self) -> float:
        losses = [np.average(self._losses(k, self.scores(k)), weights=self.weights) for k in range(len(self.counts))]
        return float(np.mean(losses))

    def _losses(self, k: int, scores: NDArray[np.float64]) -> Any:
        """What the loss of each row is at these scores."""
        (targets, share), *taught = self._targets
        found: Any = self._loss(scores, targets[k])
        if not taught:
            return found
        found = np.multiply(share, found)
        for targets, share in taught:
            found = found + (share if np.ndim(share) == 0 else share[k]) * np.asarray(self._loss(scores, targets[k]))
        return found


def _said(words: NDArray[np.uint64], rows: int) -> NDArray[np.int32]:
    """The bits of words as numbers, int32 (N,)."""
    return np.unpackbits(words.view(np.uint8), bitorder="little", count=rows).astype(np.int32)
