"""Which bits are tried for the next LUT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.front import Bits


class Candidates:
    """Draws bits: of random features; for images, from a window around a random place where pixels differ.

    A share of them is drawn by what features have gained so far, and a share from the outputs of LUTs.

    Args:
        encoding: whose bits are drawn.
        input_shape: of a sample; one of two or three sizes is an image, (H, W) or (C, H, W).
        count: K, how many are drawn at a time.
        window: for images, how far from its middle a window reaches.
        past: the share that is drawn by gains.
        deep: the share that is drawn from the outputs of LUTs, where there are some: of a front, or grown.
    """

    def __init__(
        self,
        encoding: Bits,
        input_shape: tuple[int, ...],
        count: int,
        window: int,
        *,
        past: float = 0.0,
        deep: float = 0.0,
    ) -> None:
        self.count, self.bits = count, len(encoding)
        self._used, first, owner = np.unique(encoding.feature, return_index=True, return_inverse=True)
        self._owner = owner
        self._starts = np.append(first, encoding.feature.size)
        self._beyond = np.arange(encoding.feature.size, self.bits)
        self._places: NDArray[np.int64] | None = None
        if len(input_shape) in (2, 3):
            height, width = input_shape[-2:]
            self._places = np.stack([self._used // width % height, self._used % width])
        self._window = window
        self._past, self._deep = round(past * count), round(deep * count)
        self._gained = np.zeros(self._used.size)

    def learn(self, inputs: NDArray[np.int32]) -> None:
        """Draw features that LUTs read now more often."""
        self._gained += np.bincount(self._owner[inputs[inputs < self._owner.size]], minlength=self._used.size)

    def forget(self) -> None:
        """Forget all gains."""
        self._gained[:] = 0

    def draw(self, rng: np.random.Generator, outputs: Sequence[int] | NDArray[np.int64] = ()) -> NDArray[np.int32]:
        """Return K bits, int32 (K,); the same may come twice where there are few.

        Args:
            rng: draws them.
            outputs: LUTs that may be read.
        """
        if self._places is None:
            owners = rng.integers(0, self._used.size, self.count)
        else:
            middle = self._places[:, rng.integers(0, self._used.size)]
            near = np.flatnonzero((np.abs(self._places - middle[:, None]) <= self._window).all(axis=0))
            owners = rng.choice(near, self.count)
        if self._past and self._gained.any():
            owners[: self._past] = rng.choice(self._used.size, self._past, p=self._gained / self._gained.sum())
        starts, stops = self._starts[owners], self._starts[owners + 1]
        drawn = rng.integers(starts, stops).astype(np.int32)
        if self._deep and len(outputs) + self._beyond.size:
            beyond = np.concatenate([self._beyond, self.bits + np.asarray(outputs, np.int64)])
            drawn[-self._deep :] = rng.choice(beyond, self._deep)
        rng.shuffle(drawn)
        return drawn
