"""Rows of images, changed anew and handed out in chunks, so that many of them are never in memory together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.data.augmentation.images import Augmentation, Images
from lutsmith.ground.arrays import integers

CHUNK = 4096
"""Images of a chunk, a multiple of 64. What is drawn depends on it."""

_STREAM = 0xA46  # tells these random numbers from others of the same seed


class AugmentedRows:
    """Chunks of changed images, each a function of the seed, the draw and its number alone.

    So they may be made in any order, by any threads, again and again: `rows[3]` is the fourth, `for images in rows`
    makes one after the other, `packed` all of them as bits. Each is (n, *input_shape): `CHUNK` images, the last fewer.

    Args:
        x: (N, *input_shape) or (N, F): images of which some are taken, in their dtype; not copied.
        input_shape: of one, (H, W) or (C, H, W).
        rows: (M,) which of them, in this order; one that comes several times is changed in several ways.
        augmentation: what is done to them, such as an `ImageAugmentation`.
        seed: of the random changes, at least 0.
        draw: another number gives other changes, at least 0.

    Raises:
        TypeError: rows that are no integers.
        ValueError: samples that are no images, or not of this shape; rows that there are not.
    """

    def __init__(
        self,
        x: NDArray[Any],
        input_shape: tuple[int, ...],
        rows: NDArray[np.int64],
        augmentation: Augmentation,
        seed: int,
        draw: int = 0,
    ) -> None:
        shape = tuple(input_shape)
        if len(shape) not in (2, 3):
            raise ValueError(f"augmentation changes images: expected samples of shape (H, W) or (C, H, W), got {shape}")
        if x.shape[1:] not in (shape, (math.prod(shape),)):
            raise ValueError(f"x has shape {x.shape}; expected (N, *{shape}) or (N, {math.prod(shape)})")
        self.rows = integers("rows", rows, low=0, high=len(x))
        self.input_shape = shape
        self._x, self._augmentation, self._seed = x, augmentation, (seed, _STREAM, draw)

    def __len__(self) -> int:
        """How many chunks there are."""
        return -(-len(self.rows) // CHUNK)

    def __getitem__(self, number: int) -> Images:
        """Return the images of a chunk."""
        if not 0 <= number < len(self):
            raise IndexError(f"chunk {number}; expected 0 to {len(self) - 1}")
        taken = self._x[self.rows[number * CHUNK : (number + 1) * CHUNK]]
        generator = np.random.default_rng([*self._seed, number])
        return self._augmentation(taken.reshape(-1, *self.input_shape), generator)

    def __iter__(self) -> Iterator[Images]:
        return (self[number] for number in range(len(self)))

    def packed(self, pack: Callable[[NDArray[Any]], NDArray[np.uint64]], bits: int) -> NDArray[np.uint64]:
        """Return the bits of all rows, uint64 (bits, ceil(M / 64)), made chunk by chunk on several threads.

        Args:
            pack: encodes rows (n, F): returns uint64 (bits, ceil(n / 64)), bit b of word w of a row that of sample
                64 w + b, as `additive.encoding.Encoding.packed` does; called by several threads at once.
            bits: how many it gives.
        """
        words = np.empty((bits, -(-len(self.rows) // 64)), np.uint64)

        def work(take: Callable[[], int | None]) -> None:
            while (number := take()) is not None:
                images = self[number]
                begin = number * CHUNK // 64
                found = pack(images.reshape(len(images), -1))
                words[:, begin : begin + found.shape[1]] = found

        share(len(self), num_threads(), work)
        return words
