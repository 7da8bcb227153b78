"""The samples that a circuit is polished on: rows of the training part, and changed copies beside them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages import PackedSamples, Stages
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.data.dataset import Dataset

CHUNK = 1 << 14
"""Rows that are packed at a time, a multiple of 64."""


class Drawn(NamedTuple):
    """Samples of a sweep.

    Attributes:
        samples: packed.
        targets: (N, ...), as a `Dataset` has them.
        parts: uint8 (N,), 0 or 1: a row and its copies belong together.
    """

    samples: PackedSamples
    targets: NDArray[Any]
    parts: NDArray[np.uint8]


class PolishRows:
    """Gives rows and changed copies of them, which every draw makes anew: by the seed and the draw's number alone.

    Args:
        stages: of the circuit.
        dataset: of which the training part is taken.
        rows: int64 (n,), which rows.
        copies: changed copies of each.
        augment: how they are changed; None: there are none.
        seed: of the changes and the parts.
    """

    def __init__(
        self,
        stages: Stages,
        dataset: Dataset,
        rows: NDArray[np.int64],
        copies: int = 0,
        augment: ImageAugmentation | None = None,
        seed: int = 0,
    ) -> None:
        dataset.check_in_memory("polishing")
        self._stages, self._dataset, self._rows, self._seed = stages, dataset, rows, seed
        self._augment = augment if copies and len(rows) else None
        self._copies = 0 if self._augment is None else copies
        halves = np.random.default_rng([seed, 0x9A17]).permutation(len(rows)) % 2
        self._parts = np.tile(halves.astype(np.uint8), 1 + self._copies)
        self._targets = np.concatenate([dataset.y_train[rows]] * (1 + self._copies))
        self._kept: dict[int, NDArray[np.uint64]] = {}

    def __len__(self) -> int:
        """The samples of a draw."""
        return len(self._targets)

    @property
    def changes(self) -> bool:
        """Whether one draw differs from another."""
        return self._copies > 0

    def draw(self, number: int) -> Drawn:
        """Return the samples of a draw."""
        words = [self._chunk(number, start) for start in range(0, len(self), CHUNK)] or [self._pack(self._rows)]
        return Drawn(PackedSamples.of_words(np.concatenate(words, axis=1), len(self)), self._targets, self._parts)

    def _chunk(self, number: int, start: int) -> NDArray[np.uint64]:
        if start in self._kept:
            return self._kept[start]
        places = np.arange(start, min(start + CHUNK, len(self)))
        changed = places >= len(self._rows)
        words = self._pack(self._rows[places % len(self._rows)], changed, number, start)
        if not changed.any():
            self._kept[start] = words
        return words

    def _pack(
        self, rows: NDArray[np.int64], changed: NDArray[np.bool_] | None = None, number: int = 0, start: int = 0
    ) -> NDArray[np.uint64]:
        x: NDArray[Any] = self._dataset.x_train[rows]
        if self._augment is not None and changed is not None and changed.any():
            x[changed] = self._augment(x[changed], np.random.default_rng([self._seed, 0x9A18, number, start]))
        return self._stages.pack(x.reshape(len(x), math.prod(x.shape[1:]))).words
