"""The base of penalties: a number to add to the loss of a batch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from lutsmith.data.augmentation.portion import Portion
from lutsmith.training.objectives import weighted_mean


@dataclass(frozen=True, eq=False)
class Batch:
    """The batch of a training step.

    Attributes:
        x: (B, *input_shape), as the model got it: raw features, augmented.
        y: the targets.
        rows: (B,) int64, the rows of the training data, in the arrays that the trainer was given.
        weights: (B,) float32, how much each sample counts, 1 on average over the training rows; None: all the same.
        portion: which rows of the step's batch these are, where several processes share it; None: all of them.
    """

    x: Tensor
    y: Tensor
    rows: npt.NDArray[np.int64]
    weights: Tensor | None = None
    portion: Portion | None = None

    def mean(self, values: Tensor) -> Tensor:
        """Return the weighted mean of the samples' numbers `(B, ...)`, each sample counted by its weight; a scalar."""
        return weighted_mean(values, self.weights)


PenaltyFunction = Callable[[nn.Module, Batch, Tensor], Tensor]
"""(model, batch, logits) to a scalar that is added to the loss: a mean over the rows of the batch, or a number of the
weights alone. Several processes each call it with their rows, and count by them.
"""


class Penalty(ABC):
    """A penalty with a weight.

    In a loop of your own::

        penalty = Gap(0.1)
        with penalty.watching(model):
            logits = model(x)
        loss = cross_entropy(logits, y) + penalty(model, Batch(x, y, rows), logits)

    Attributes:
        weight: the factor of the term, >= 0.
    """

    weight: float

    def watching(self, model: nn.Module) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context for the forward pass of the batch, in which penalties of activations can watch it."""
        return nullcontext()

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
        """Return the weighted term, a scalar with gradients."""


def check_weight(penalty: Penalty) -> None:
    """Raise ValueError for a weight that is negative or not finite."""
    if not (penalty.weight >= 0 and math.isfinite(penalty.weight)):
        raise ValueError(f"{type(penalty).__name__}(weight={penalty.weight}): expected a number >= 0")
