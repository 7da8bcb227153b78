"""Losses of one score and its target. The worth of a vote is the difference of the loss with it and without it: no
derivative is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
ScoreLoss = Callable[[Numbers, Numbers], Numbers]
"""(scores, targets), each (N,) float64, to the losses of the samples, (N,)."""


def logistic(scores: Numbers, targets: Numbers) -> Numbers:
    """log(1 + exp(-s)) where the target is 1, log(1 + exp(s)) where it is 0."""
    loss: Numbers = np.logaddexp(0.0, np.where(targets > 0, -scores, scores))
    return loss


def hinge(scores: Numbers, targets: Numbers) -> Numbers:
    """max(0, 1 - s) where the target is 1, max(0, 1 + s) where it is 0."""
    return np.maximum(0.0, 1.0 - np.where(targets > 0, scores, -scores))


def squared(scores: Numbers, targets: Numbers) -> Numbers:
    """(s - t)^2."""
    return (scores - targets) ** 2


def absolute(scores: Numbers, targets: Numbers) -> Numbers:
    """|s - t|: half of the targets are to lie above the scores."""
    return np.abs(scores - targets)


def quantile(share: float) -> ScoreLoss:
    """Return the loss whose best score has `share` of the targets below it: (share - [t < s]) (t - s)."""

    def loss(scores: Numbers, targets: Numbers) -> Numbers:
        return np.maximum(share * (targets - scores), (share - 1.0) * (targets - scores))

    return loss


LOSSES: dict[str, tuple[str, ...]] = {
    "classification": ("cross-entropy",),
    "multilabel": ("logistic", "hinge"),
    "regression": ("squared", "absolute", "quantile"),
}
"""The losses of each objective, by name; the first is the default."""


def make_loss(name: str, share: float) -> ScoreLoss:
    """Return the loss of a name of `LOSSES`; `share` is that of `quantile`."""
    known: dict[str, ScoreLoss] = {"logistic": logistic, "hinge": hinge, "squared": squared, "absolute": absolute}
    return quantile(share) if name == "quantile" else known[name]
