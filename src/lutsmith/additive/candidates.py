"""Which bits are tried for the next LUT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.encoding import Encoding


class Candidates:
    """Draws bits: of features at random, in images from a window around a random place where pixels differ.

    Args:
        encoding: whose bits are drawn.
        input_shape: of a sample; one of two or three sizes is an image, (H, W) or (C, H, W).
        count: K, how many are drawn at a time.
        window: of images, how far from its middle a window reaches.
    """

    def __init__(self, encoding: Encoding, input_shape: tuple[int, ...], count: int, window: int) -> None:
        self.count = count
        used, first = np.unique(encoding.feature, return_index=True)
        self._used, self._starts = used, np.append(first, len(encoding))
        self._places: NDArray[np.int64] | None = None
        if len(input_shape) in (2, 3):
            height, width = input_shape[-2:]
            self._places = np.stack([used // width % height, used % width])
        self._window = window

    def draw(self, rng: np.random.Generator) -> NDArray[np.int32]:
        """Return K bits, int32 (K,); the same may come twice where there are few."""
        if self._places is None:
            owners = rng.integers(0, self._used.size, self.count)
        else:
            middle = self._places[:, rng.integers(0, self._used.size)]
            near = np.flatnonzero((np.abs(self._places - middle[:, None]) <= self._window).all(axis=0))
            owners = rng.choice(near, self.count)
        starts, stops = self._starts[owners], self._starts[owners + 1]
        return rng.integers(starts, stops).astype(np.int32)
