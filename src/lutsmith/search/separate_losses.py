"""Losses of several labels and of numbers: a sum over scores, each of which stands for a label or a target alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation
from lutsmith.circuit.heads import Head
from lutsmith.ground.arguments import number
from lutsmith.kernels.search.naive import separate_losses


class SeparateLoss:
    """A loss on one set of samples: as `losses.SearchLoss`, with labels or targets in the place of classes.

    Args:
        head: of one decision.
        wanted: float64 (N, C), what each score is compared with.
        slopes: float64 (C,), what a score counts.
        num_outputs: output bits of the network, O.

    Attributes:
        logistic: whether scores are those of labels, see `kernels.search.separate`.
        head: as given.
        num_outputs: as given.
        wanted: float64 (C, N).
        slopes: float64 (C,).
    """

    logistic: ClassVar[bool]

    def __init__(self, head: Head, wanted: NDArray[np.float64], slopes: NDArray[np.float64], num_outputs: int) -> None:
        head.check(num_outputs)
        if wanted.ndim != 2 or wanted.shape[1] != head.num_classes:
            raise ValueError(f"targets have shape {wanted.shape}; the head has {head.num_classes} scores")
        self.head, self.num_outputs = head, num_outputs
        self.wanted, self.slopes = np.ascontiguousarray(wanted.T), slopes

    def __len__(self) -> int:
        """How many samples there are."""
        return int(self.wanted.shape[1])

    def of_samples(self, evaluation: PackedEvaluation) -> NDArray[np.float64]:
        """Return the loss of each sample, float64 (N,)."""
        return self.of_scores(self.scores(evaluation))

    def of_scores(self, scores: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the loss of each sample, float64 (N,), of scores (N, C)."""
        return separate_losses(scores.T, self.wanted, self.slopes, self.logistic)

    def total(self, evaluation: PackedEvaluation) -> float:
        """Return the sum over all samples."""
        return float(self.of_samples(evaluation).sum())

    def scores(self, evaluation: PackedEvaluation) -> NDArray[np.int32]:
        """Return the scores, int32 (N, C)."""
        return self.head.affine(evaluation.counts(self.head.num_groups))


class LabelEntropy(SeparateLoss):
    """Minus the logs of the labels' probabilities, in nats, summed over labels: sigmoid of (score - 1/2) / tau.

    A label is set where its score is above 0, so that 1/2 is the middle.

    Args:
        head: see `SeparateLoss`.
        labels: 0 and 1, (N, C).
        num_outputs: see `SeparateLoss`.
        tau: above 0; None: the square root of the outputs of a label, at least 1.
    """

    logistic = True

    def __init__(self, head: Head, labels: ArrayLike, num_outputs: int, tau: float | None = None) -> None:
        given = max(1.0, head.group_size(num_outputs) ** 0.5) if tau is None else tau
        self.tau = number("tau", given, lambda value: 0 < value < np.inf, "a number above 0")
        signs = np.where(np.asarray(labels) > 0, 1.0, -1.0)
        super().__init__(head, signs, np.full(head.num_classes, 1 / self.tau), num_outputs)


class SquaredError(SeparateLoss):
    """The squared distance from the targets in units of these, summed over targets.

    Args:
        head: see `SeparateLoss`; its scale and offset make numbers of scores.
        targets: real numbers (N, C).
        num_outputs: see `SeparateLoss`.
        units: float64 (C,), above 0, of the targets, such as their standard deviations; None: 1.
    """

    logistic = False

    def __init__(
        self, head: Head, targets: ArrayLike, num_outputs: int, units: NDArray[np.float64] | None = None
    ) -> None:
        scale = np.ones(head.num_classes) if head.scale is None else head.scale
        offset = 0.0 if head.offset is None else head.offset
        unit = np.ones(head.num_classes) if units is None else units
        super().__init__(head, (np.asarray(targets, np.float64) - offset) / unit, scale / unit, num_outputs)
