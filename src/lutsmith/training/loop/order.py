"""The order of data: which rows are held out, and in which batches the others are trained on. Nothing else decides
this.

Every choice is a function of the seed and of where training stands, so that there is nothing to save.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lutsmith.data.split import validation_split
from lutsmith.training.samples import Array, Rows
from lutsmith.training.settings import Settings


class Order:
    """Where each row of the data goes in a run.

    Attributes:
        rows: the rows that are trained on, ascending.
        held_out: the rows that epochs are compared on, ascending.
        steps: batches in an epoch.
    """

    def __init__(self, y: Array, settings: Settings) -> None:
        self.rows, self.held_out = validation_split(y, settings.validation, settings.rows_seed)
        self.steps = steps_per_epoch(len(self.rows), settings.batch_size)
        self._batch_size, self._seed = settings.batch_size, settings.seed

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        """Yield the rows of each batch of an epoch, counted from 0, from batch `start` on."""
        order = epoch_order(self.rows, self._seed, epoch)
        for batch in range(start, self.steps):
            yield order[batch * self._batch_size : (batch + 1) * self._batch_size]

    def example(self) -> Rows:
        """Return as many rows as a batch has, the same in every epoch: kernels are compiled on them."""
        return self.rows[: self._batch_size]

    def generator(self, epoch: int, batch: int) -> np.random.Generator:
        """Return the generator of one step's augmentation."""
        return step_generator(self._seed, epoch, batch)


def epoch_order(rows: Rows, seed: int, epoch: int) -> Rows:
    """Return the rows in the order of one epoch: a function of the seed and the epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def step_generator(seed: int, epoch: int, batch: int) -> np.random.Generator:
    """Return the generator of one step's augmentation: a function of its arguments alone, so that nothing is saved."""
    return np.random.default_rng([seed, epoch, batch])


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return how many whole batches an epoch has; one smaller batch if there are fewer rows than a batch."""
    return max(1, rows // batch_size)
