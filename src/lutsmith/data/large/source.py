"""Rows that are not in memory: blocks that are read when they are wanted, and a sample of them that is there.

Whatever looks at data as a whole (thresholds, rows that are held out, measuring) looks at the sample, which is
uniform. Training alone reads every row. Data in memory are the simplest case: the sample is all rows, and there is
nothing to read.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_ROWS = 100_000
SAMPLE_BYTES = 1 << 28
"""What a sample holds, at most: so many rows, and so many bytes of features; but `FEWEST` rows in any case."""
FEWEST = 1000
BLOCK_BYTES = 1 << 23
"""Features in a block, where a block may have any length."""


class BlockSource(ABC):
    """Rows in blocks, numbered from 0 through all blocks.

    Attributes:
        sizes: the rows of each block, int64.
    """

    sizes: NDArray[np.int64]

    @abstractmethod
    def block(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the rows of a block, in memory: features `(n, *input_shape)` and targets, as a `Dataset` has them.

        Raises:
            DataError: what is there does not fit, or is no longer there.
        """

    @abstractmethod
    def identity(self) -> str:
        """Return what tells this source from others without reading it: sizes, types, names of files."""

    def __len__(self) -> int:
        return int(self.sizes.sum())

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each block, and the number of rows."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes)])

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return some rows, in ascending order, reading each block once."""
        blocks = np.searchsorted(self.starts, rows, side="right") - 1
        parts = []
        for block in np.unique(blocks).tolist():
            x, y = self.block(block)
            own = rows[blocks == block] - self.starts[block]
            parts.append((x[own], y[own]))
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


@dataclass(frozen=True, eq=False)
class StreamedRows:
    """The training rows of a data set that are not in memory.

    Attributes:
        source: all rows.
        sample: the numbers of the rows that the data set holds, in their order there.
        held_out: the numbers of rows that are not trained on, ascending: the test part's.
    """

    source: BlockSource
    sample: NDArray[np.int64]
    held_out: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source) - len(self.held_out)

    def without(self, kept: NDArray[np.int64], held_out: NDArray[np.int64]) -> StreamedRows:
        """Return the stream with some rows of the sample kept in it, and others held out; by their places there."""
        return replace(self, sample=self.sample[kept], held_out=np.union1d(self.held_out, self.sample[held_out]))

    def fingerprint(self) -> str:
        """Return a short text that distinguishes these rows from others; the sample's content is not in it."""
        found = hashlib.blake2b(self.source.identity().encode(), digest_size=16)
        for numbers in (self.source.sizes, self.sample, self.held_out):
            found.update(np.ascontiguousarray(numbers).tobytes())
        return f"{len(self)} rows streamed {found.hexdigest()}"


def sample_size(rows: int, row_bytes: int) -> int:
    """Return how many of so many rows a sample has, where the features of one take so many bytes."""
    return min(rows, SAMPLE_ROWS, max(FEWEST, SAMPLE_BYTES // max(1, row_bytes)))


def sample_rows(rows: int, row_bytes: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers of the rows of a sample, ascending: each row is as likely as any other.

    Args:
        rows: how many there are.
        row_bytes: what the features of one take.
        seed: of the choice.
    """
    size = sample_size(rows, row_bytes)
    if size == rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng([seed, 0x5A3B1E]).choice(rows, size, replace=False, shuffle=False))
