"""Layers at one place: the part that hardware has once of a layer whose kernels stand at every place of an image.

Such a layer says how it is cut down (`one_place`), and then emits itself as it does everywhere. A table says where it
reads, so that no other code has to know its geometry.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.sliding import Sliding

OUTSIDE = -1
"""What a table of reads has where a tap is beyond the border of the image."""

Layer = TypeVar("Layer", bound=nn.Module)


class OnePlace(NamedTuple):
    """A layer that stands at places of an image, cut down to one place.

    Attributes:
        module: the layer for images that are as large as its window: it has one place there, and no padding.
        sliding: where windows begin, and how many there are.
        reads: int64 (taps, places), the pixel that each tap reads at each place, or `OUTSIDE`.
        around: the number outside of the image; None: pixels there do not count (for a pool it is the least number).
        above: if the layer reads numbers as signs: they are +1 above this, else -1. None: it reads them as they are.
    """

    module: nn.Module
    sliding: Sliding
    reads: NDArray[np.int64]
    around: int | None = None
    above: float | None = None


@runtime_checkable
class StandsAtPlaces(Protocol):
    """A layer over windows of an image."""

    def one_place(self, image: Sequence[int]) -> OnePlace:
        """The layer at one place of an image of this shape, without the channels.

        Raises:
            ValueError: a layer whose places differ in more than what they read.
        """


def alone(sliding: Sliding) -> Sliding:
    """The windows of an image that is as large as the window: one."""
    axes = len(sliding.window)
    return Sliding(sliding.window, (1,) * axes, (0,) * axes, (1,) * axes)


def reads_of(sliding: Sliding, image: Sequence[int]) -> NDArray[np.int64]:
    """The pixels that taps read at places, as `OnePlace` has them."""
    return np.maximum(sliding.places(image).astype(np.int64), OUTSIDE)


def changed(layer: Layer, **attributes: Any) -> Layer:
    """A layer with the same parameters and buffers, and some other attributes."""
    other = copy.copy(layer)
    vars(other).update(attributes)
    return other
