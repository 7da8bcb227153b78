"""Where the batches of a run come from, and which data measure its epochs: arrays in memory, or anything else.

A row is an integer. In memory it is an index into the arrays; a stream may number its samples without end, and make
them on demand. Either way a batch is a function of its rows and of states that a checkpoint holds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from lutsmith.data.augmentation.portion import Portion
from lutsmith.training.callbacks.base import description
from lutsmith.training.loop.order import Order
from lutsmith.training.metrics import score
from lutsmith.training.objectives import Loss, Objective, takes_weights
from lutsmith.training.ranks.ranks import ALONE, Ranks
from lutsmith.training.samples import Array, Rows, Samples
from lutsmith.training.settings import Settings


@dataclass(frozen=True)
class EpochScores:
    """What a network reached on held-out data.

    Attributes:
        hard: the score in eval mode, by which epochs are compared.
        soft: the score of the differentiable form; None if the network has no separate one.
        figures: further numbers by name, for metrics.jsonl.
    """

    hard: float
    soft: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


class Feed(ABC):
    """The data of a run.

    Attributes:
        steps: batches in an epoch.
        validates: whether there is anything to measure epochs on.
        ranks: the processes of the run, as this one sees them; the trainer sets it.
    """

    steps: int
    validates: bool
    ranks: Ranks = ALONE

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a short text that distinguishes these data from others."""

    def earlier_fingerprint(self) -> str:
        """Return the text that checkpoints of earlier versions have instead."""
        return self.fingerprint()

    @abstractmethod
    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        """Yield the rows of each batch of an epoch, counted from 0, from batch `start` on."""

    @abstractmethod
    def example(self) -> Rows:
        """Return the rows of a batch that kernels may be compiled on."""

    @abstractmethod
    def batch(self, rows: Rows) -> tuple[Array, Array, Array | None]:
        """Return the inputs and targets of rows, and their weights, or None if all count the same."""

    def portion(self, rows: Rows, portion: Portion) -> tuple[Array, Array, Array | None]:
        """Return what `batch` gives for the portion of the rows of a batch that one of several processes computes.

        A feed that can make these rows without the others does so.
        """
        x, y, weights = self.batch(rows)
        return x[portion.rows], y[portion.rows], None if weights is None else weights[portion.rows]

    @abstractmethod
    def generator(self, epoch: int, batch: int) -> np.random.Generator:
        """Return the generator of one step's augmentation."""

    @abstractmethod
    def check_outputs(self, outputs: Tensor, objective: Objective) -> None:
        """Raise ValueError if a model's outputs do not suit the targets."""

    @abstractmethod
    def scores(self, network: nn.Module, model: nn.Module, objective: Objective) -> EpochScores:
        """Return what a network reaches: `network` is in the precision of training, `model` is itself.

        Each of several processes calls it; what the first one returns counts.
        """


class InMemory(Feed):
    """Rows of arrays, shuffled anew in each epoch; some are held out.

    Args:
        samples: all of them.
        settings: batch size, seed and share of validation are read.
        loss: the caller's, which must accept weights if samples have any; None: the objective's.

    Attributes:
        held_out: the rows that epochs are measured on, ascending.
    """

    def __init__(self, samples: Samples, settings: Settings, loss: Loss | None = None) -> None:
        self._samples, self._order = samples, Order(samples.y, settings)
        self.steps, self.held_out = self._order.steps, self._order.held_out
        self.validates = len(self.held_out) > 0
        self._weights = _training_weights(samples, self._order, loss)
        if self.validates:
            samples.weights_of(self.held_out, "are held out; hold out more of them")

    def fingerprint(self) -> str:
        return self._samples.fingerprint()

    def earlier_fingerprint(self) -> str:
        return self._samples.earlier_fingerprint()

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        return self._order.batches(epoch, start)

    def example(self) -> Rows:
        return self._order.example()

    def generator(self, epoch: int, batch: int) -> np.random.Generator:
        return self._order.generator(epoch, batch)

    def batch(self, rows: Rows) -> tuple[Array, Array, Array | None]:
        samples, weights = self._samples, self._weights
        return samples.x[rows], samples.y[rows], None if weights is None else weights[rows]

    def portion(self, rows: Rows, portion: Portion) -> tuple[Array, Array, Array | None]:
        return self.batch(rows[portion.rows])

    def check_outputs(self, outputs: Tensor, objective: Objective) -> None:
        objective.check_outputs(outputs, self._samples.y)

    def scores(self, network: nn.Module, model: nn.Module, objective: Objective) -> EpochScores:
        measured = self._samples, self.held_out, objective, self.ranks
        soft = score(network, *measured, hardened=False)
        return EpochScores(score(model, *measured, hardened=True), soft)


def _training_weights(samples: Samples, order: Order, loss: Loss | None) -> Array | None:
    """Return the weights of all samples, `(N,)` float32, 1 on average over the rows that are trained on; 0 elsewhere.

    None where all are equal.

    Raises:
        ValueError: they are 0 in all rows that are trained on, or the caller's `loss` does not take weights.
    """
    trained = samples.weights_of(order.rows, "are trained on")
    if trained is None:
        return None
    if loss is not None and not takes_weights(loss):
        raise ValueError(
            f"sample_weight with loss={description(loss)}: it must take sample_weight=, (B,) float32, beside outputs "
            "and targets, and return the mean of each sample's loss times its weight"
        )
    weights = np.zeros(len(samples.y), np.float32)
    weights[order.rows] = trained
    return weights
