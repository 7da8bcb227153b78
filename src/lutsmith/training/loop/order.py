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


class BlockOrder:
    """The order of rows that are read in blocks: whole blocks are shuffled, then the rows of a few blocks at a time.

    Each row that is not held out comes once in an epoch, whatever the blocks are. As above, the order is a function of
    the seed and the epoch alone, and can be begun at any batch.

    Attributes:
        rows: how many rows are trained on.
        steps: batches in an epoch.
        longest: the most rows that are shuffled together.
    """

    def __init__(self, sizes: Rows, held_out: Rows, settings: Settings, buffer: int) -> None:
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        self._held_out, self._buffer = held_out, buffer
        self._kept = sizes - np.diff(np.searchsorted(held_out, self._starts))
        self.rows, self._seed, self._batch_size = int(self._kept.sum()), settings.seed, settings.batch_size
        self.steps = steps_per_epoch(self.rows, settings.batch_size)
        self.longest = max(buffer, int(sizes.max(initial=0)))

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        """Yield the rows of each batch of an epoch, counted from 0, from batch `start` on."""
        skipped, size = start * self._batch_size, self._batch_size
        left, parts = self.steps - start, [np.zeros(0, np.int64)]
        for number, blocks in enumerate(self._groups(epoch)):
            count = int(self._kept[blocks].sum())
            if skipped >= count:
                skipped -= count
                continue
            order = np.random.default_rng([self._seed, 0xB10C, epoch, number]).permutation(self._of(blocks))
            parts, skipped = [*parts, order[skipped:]], 0
            ready = np.concatenate(parts)
            whole = min(left, len(ready) // size)
            for batch in range(whole):
                yield ready[batch * size : (batch + 1) * size]
            left, parts = left - whole, [ready[whole * size :]]
        if left:  # there are fewer rows than a batch
            yield np.concatenate(parts)

    def example(self) -> Rows:
        """Return as many rows as a batch has, the same in every epoch."""
        found: list[Rows] = []
        for block in range(len(self._kept)):
            if sum(map(len, found)) >= self._batch_size:
                break
            found.append(self._of([block]))
        return np.concatenate(found)[: self._batch_size]

    def _groups(self, epoch: int) -> Iterator[list[int]]:
        """Yield the blocks that are shuffled together: as many as the buffer holds, one at least."""
        group: list[int] = []
        rows = 0
        for block in np.random.default_rng([self._seed, 0xB10C, epoch]).permutation(len(self._kept)).tolist():
            if group and rows + self._kept[block] > self._buffer:
                yield group
                group, rows = [], 0
            group.append(block)
            rows += int(self._kept[block])
        if group:
            yield group

    def _of(self, blocks: list[int]) -> Rows:
        """Return the rows of blocks that are trained on."""
        rows = np.concatenate([np.arange(self._starts[block], self._starts[block + 1]) for block in blocks])
        place = np.searchsorted(self._held_out, rows)
        found = np.zeros(len(rows), np.bool_)
        inside = place < len(self._held_out)
        found[inside] = self._held_out[place[inside]] == rows[inside]
        return rows[~found]


def epoch_order(rows: Rows, seed: int, epoch: int) -> Rows:
    """Return the rows in the order of one epoch: a function of the seed and the epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def step_generator(seed: int, epoch: int, batch: int) -> np.random.Generator:
    """Return the generator of one step's augmentation: a function of its arguments alone, so that nothing is saved."""
    return np.random.default_rng([seed, epoch, batch])


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return how many whole batches an epoch has; one smaller batch if there are fewer rows than a batch."""
    return max(1, rows // batch_size)
