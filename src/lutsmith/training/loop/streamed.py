"""Batches of rows that are not in memory: a few blocks are, from which the rows of a batch are taken."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np

from lutsmith.data.large.source import BlockSource, StreamedRows
from lutsmith.training.loop.feed import InMemory
from lutsmith.training.loop.order import BlockOrder, step_generator
from lutsmith.training.objectives import Loss
from lutsmith.training.samples import Array, Rows, Samples
from lutsmith.training.settings import Settings

BUFFER_BYTES = 1 << 27
"""Features that are shuffled together."""


class Streamed(InMemory):
    """All rows of a stream, shuffled anew in each epoch; epochs are measured on rows of its sample.

    Args:
        samples: the sample of the stream, whose validation rows are not trained on.
        stream: all rows.
        settings: as for rows in memory.
        loss: the caller's.
        targets: what the objective makes of the targets of some rows; None: they are taken as they are.

    Attributes:
        held_out: the rows of the sample that epochs are measured on, ascending.
    """

    def __init__(
        self,
        samples: Samples,
        stream: StreamedRows,
        settings: Settings,
        loss: Loss | None = None,
        targets: Callable[[Array], Array] | None = None,
    ) -> None:
        super().__init__(samples, settings, loss)
        self._stream, self._seed, self._targets = stream, settings.seed, targets
        buffer = max(1, BUFFER_BYTES // max(1, samples.x[:1].nbytes))
        held_out = np.union1d(stream.held_out, stream.sample[self.held_out])
        self._blocks = BlockOrder(stream.source.sizes, held_out, settings, buffer)
        self.steps = self._blocks.steps
        self._read = _Blocks(stream.source, 2 * self._blocks.longest)  # a batch may have rows of two buffers

    def fingerprint(self) -> str:
        return f"{self._stream.fingerprint()}, sample {super().fingerprint()}"

    def earlier_fingerprint(self) -> str:
        return self.fingerprint()

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        return self._blocks.batches(epoch, start)

    def example(self) -> Rows:
        return self._blocks.example()

    def generator(self, epoch: int, batch: int) -> np.random.Generator:
        return step_generator(self._seed, epoch, batch)

    def batch(self, rows: Rows) -> tuple[Array, Array, Array | None]:
        x, y = self._read.take(rows)
        return x, y if self._targets is None else self._targets(y), None


class _Blocks:
    """The blocks of a source that were used last.

    Args:
        source: of the blocks.
        rows: as many as are kept; those of one batch in any case.
    """

    def __init__(self, source: BlockSource, rows: int) -> None:
        self._source, self._most = source, rows
        self._held: OrderedDict[int, tuple[Array, Array]] = OrderedDict()
        self._rows = 0

    def take(self, rows: Rows) -> tuple[Array, Array]:
        """Return the samples and targets of some rows, in their order."""
        starts = self._source.starts
        blocks = np.searchsorted(starts, rows, side="right") - 1
        wanted = np.unique(blocks).tolist() or [0]  # no rows have the shape and dtype of others
        found = {block: self._block(block) for block in wanted}
        while self._rows > self._most and len(self._held) > len(wanted):
            _, (x, _) = self._held.popitem(last=False)
            self._rows -= len(x)
        first_x, first_y = found[wanted[0]]
        x = np.empty((len(rows), *first_x.shape[1:]), first_x.dtype)
        y = np.empty((len(rows), *first_y.shape[1:]), first_y.dtype)
        for block, (block_x, block_y) in found.items():
            places = np.flatnonzero(blocks == block)
            own = rows[places] - starts[block]
            x[places], y[places] = block_x[own], block_y[own]
        return x, y

    def _block(self, number: int) -> tuple[Array, Array]:
        if number in self._held:
            self._held.move_to_end(number)
        else:
            self._held[number] = self._source.block(number)
            self._rows += len(self._held[number][0])
        return self._held[number]
