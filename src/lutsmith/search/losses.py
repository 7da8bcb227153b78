"""Losses of the outputs of a network on labelled samples, by name: lower is better.

A loss reads a `PackedEvaluation`, whose rows and counts follow every change, so that it costs what the counts cost.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation
from lutsmith.circuit.heads import Head
from lutsmith.ground.arguments import instance_of, number, one_of
from lutsmith.ground.arrays import integers, packed, unpacked


class SearchLoss(ABC):
    """A loss on one set of samples.

    Args:
        head: from output bits to the scores of classes.
        labels: the classes, int (N,).
        num_outputs: output bits of the network, O.

    Attributes:
        name: by which it is chosen.
        head: as given.
        labels: int64 (N,).

    Raises:
        TypeError, ValueError: labels of another type, or ones that the head has no score of; outputs that do not suit
            the head.
    """

    name: ClassVar[str]

    def __init__(self, head: Head, labels: ArrayLike, num_outputs: int) -> None:
        instance_of("head", head, Head)
        head.check(num_outputs)
        if head.places != 1:
            raise ValueError(f"the head has {head.places} places; a search has one decision")
        self.head, self.num_outputs = head, num_outputs
        self.labels = integers("labels", labels, low=0, high=head.num_classes).astype(np.int64, copy=False)
        if self.labels.ndim != 1:
            raise ValueError(f"labels has shape {self.labels.shape}, expected one of each sample")

    @abstractmethod
    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        """Return the loss of each sample, float64 (N,)."""

    def total(self, evaluation: PackedEvaluation) -> float:
        """Return the sum over all samples."""
        return float(self.of_samples(evaluation).sum())

    def scores(self, evaluation: PackedEvaluation) -> NDArray[np.int32]:
        """Return the scores of classes, int32 (N, C)."""
        return self.head.affine(evaluation.counts(self.head.num_groups))


class WrongBits(SearchLoss):
    """How many output bits are not those of the class's code: LUTNets' loss.

    The code of a class has a 1 where the head's weight for it is above 0: for code words this is the word itself, for
    group sums the bits of the class's own group.

    Attributes:
        targets: uint64 (O, ceil(N / 64)), the codes of the labels, packed.
    """

    name = "wrong-bits"

    def __init__(self, head: Head, labels: ArrayLike, num_outputs: int) -> None:
        super().__init__(head, labels, num_outputs)
        self.targets = packed(codes_of(head, num_outputs)[self.labels].T)

    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        bits = unpacked(self.wrong(evaluation), len(self.labels))
        count: NDArray[np.float64] = bits.sum(axis=1, dtype=np.float64)
        return count

    def total(self, evaluation: PackedEvaluation) -> float:
        return float(np.bitwise_count(self.wrong(evaluation)).sum())

    def wrong(self, evaluation: PackedEvaluation) -> NDArray[np.uint64]:
        """Return which output bits are wrong, uint64 (O, ceil(N / 64)); 0 beyond the last sample."""
        differ: NDArray[np.uint64] = evaluation.rows(evaluation.output_signals) ^ self.targets
        return differ


class WrongAnswers(SearchLoss):
    """1 where the class of the highest score, the lowest of those that tie, is not the label."""

    name = "wrong-answers"

    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        wrong: NDArray[np.bool_] = self.head.labels(self.scores(evaluation)) != self.labels
        return wrong.astype(np.float64)


class CrossEntropy(SearchLoss):
    """Minus the log of the label's probability, in nats: softmax of the scores over tau.

    Args:
        head: see `SearchLoss`.
        labels: see `SearchLoss`.
        num_outputs: see `SearchLoss`.
        tau: at least 1e-9; None: `usual_tau`.
    """

    name = "cross-entropy"

    def __init__(self, head: Head, labels: ArrayLike, num_outputs: int, tau: float | None = None) -> None:
        super().__init__(head, labels, num_outputs)
        given = usual_tau(head, num_outputs) if tau is None else tau
        self.tau = number("tau", given, lambda value: 1e-9 <= value < np.inf, "a number of at least 1e-9")

    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        return self.of_scores(self.scores(evaluation))

    def of_scores(self, scores: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the loss of each sample, float64 (N,), of the scores of classes (N, C)."""
        logits = scores / self.tau
        logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
        own = np.take_along_axis(logits, self.labels[:, None], axis=1)[:, 0]
        result: NDArray[np.float64] = np.log(np.exp(logits).sum(axis=1)) - own
        return result


class Margin(SearchLoss):
    """By how much the label's score misses being `margin` above the highest other score; never below 0."""

    name = "margin"

    def __init__(self, head: Head, labels: ArrayLike, num_outputs: int, margin: float = 1.0) -> None:
        super().__init__(head, labels, num_outputs)
        self.margin = number("margin", margin, lambda value: 0 < value < np.inf, "a number above 0")

    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        scores = self.scores(evaluation).astype(np.float64)
        own = np.take_along_axis(scores, self.labels[:, None], axis=1)[:, 0]
        np.put_along_axis(scores, self.labels[:, None], -np.inf, axis=1)
        return np.asarray(np.maximum(0.0, self.margin - own + scores.max(axis=1, initial=-np.inf)))


def usual_tau(head: Head, num_outputs: int) -> float:
    """Return the standard deviation of scores if outputs were coin flips, roughly, at least 1: for sums of groups the
    root of the number of a group's outputs, for code words the root of the number of all outputs.
    """
    size = head.group_size(num_outputs)
    if head.weights is None:
        return max(1.0, math.sqrt(size))
    spread = float(head.weights.var(axis=0, ddof=min(1, len(head.weights) - 1)).sum())
    return max(1.0, math.sqrt(size * spread))


def codes_of(head: Head, num_outputs: int) -> NDArray[np.bool_]:
    """Return the output bits that each class asks for, bool (C, O): 1 where its weight is above 0."""
    weights = np.eye(head.num_groups, dtype=np.int32) if head.weights is None else head.weights
    return np.repeat(weights > 0, head.group_size(num_outputs), axis=1)


LOSSES: Mapping[str, type[SearchLoss]] = {loss.name: loss for loss in (WrongBits, WrongAnswers, CrossEntropy, Margin)}
"""The losses by name."""


def loss_named(name: str, head: Head, labels: ArrayLike, num_outputs: int) -> SearchLoss:
    """Return a loss by its name.

    Raises:
        ValueError: there is no loss of this name; the message lists the known ones. Errors of `SearchLoss`.
    """
    return LOSSES[one_of("loss", name, LOSSES)](head, labels, num_outputs)
