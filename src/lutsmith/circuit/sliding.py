"""Where a kernel is applied: windows that slide over a sequence, an image or a volume, as tables of places.

A window is a box of taps. At each place, each tap reads one pixel, or the padding around the image. So a table `(taps,
places)` covers everything that distinguishes one geometry from another: size, stride, dilation, padding and dimensions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import one_of, whole_number

ZERO, ONE = -1, -2
"""What a table of places has in the place of a pixel, where a tap reads the constant 0 or the constant 1."""

PADDINGS = ("zeros", "ones", "edge")
"""What stands around an image: zeros, ones, or its nearest pixel."""

LARGEST = 1 << 31
"""Entries of a table of places, at most."""


@dataclass(frozen=True)
class Sliding:
    """Windows over an image of one to three axes.

    Attributes:
        window: taps along each axis.
        stride: pixels from one place to the next, along each axis; if transposed, places from one pixel to the next.
        padding: pixels that are added before and after each axis; if transposed, places that are removed.
        dilation: pixels from one tap to the next.
        padding_mode: what is added, a name of `PADDINGS`.
        transposed: the windows of a transposed convolution, which makes an image larger: a tap reads the pixel that the
            convolution of this geometry would have given its result to. Between pixels, and outside, it reads zeros.
        output_padding: if transposed, places that are added behind each axis, below its stride.

    Raises:
        TypeError: a size that is not an integer.
        ValueError: a size out of range, an unknown padding mode, one that transposed windows do not have.
    """

    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    padding_mode: str = "zeros"
    transposed: bool = False
    output_padding: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        one_of("padding_mode", self.padding_mode, PADDINGS)
        if self.transposed and self.padding_mode != "zeros":
            raise ValueError(f"padding_mode is {self.padding_mode!r}; transposed windows read zeros around an image")
        behind = self.output_padding or (0,) * len(self.window)
        object.__setattr__(self, "output_padding", behind)
        for more, step in zip(behind, self.stride, strict=True):
            whole_number("output_padding", more, 0, step - 1 if self.transposed else 0)

    @classmethod
    def of(cls, axes: int, window: Any, stride: Any, padding: Any, dilation: Any, **more: Any) -> Sliding:
        """The same of sizes that are one number for all axes, or one for each."""
        if "output_padding" in more:
            more["output_padding"] = sizes("output_padding", more["output_padding"], axes, 0)
        return cls(
            sizes("window", window, axes, 1),
            sizes("stride", stride, axes, 1),
            sizes("padding", padding, axes, 0),
            sizes("dilation", dilation, axes, 1),
            **more,
        )

    @property
    def taps(self) -> int:
        """Pixels that a window reads."""
        return math.prod(self.window)

    @property
    def span(self) -> tuple[int, ...]:
        """Pixels from the first tap to the last, along each axis."""
        return tuple(step * (taps - 1) + 1 for taps, step in zip(self.window, self.dilation, strict=True))

    def out_shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """Places along each axis of an image of this shape.

        Raises:
            ValueError: an image of another number of axes, or smaller than the window.
        """
        image = tuple(image)
        if len(image) != len(self.window) or any(size < 1 for size in image):
            raise ValueError(f"the image has shape {image}; expected {len(self.window)} sizes of at least 1")
        axes = zip(image, self.span, self.stride, self.padding, self.output_padding, strict=True)
        if self.transposed:
            counts = tuple((size - 1) * step + span - 2 * around + more for size, span, step, around, more in axes)
            if any(count < 1 for count in counts):
                raise ValueError(f"a padding of {self.padding} leaves nothing of an image of shape {image}; take less")
            return counts
        counts = tuple((size + 2 * around - span) // step + 1 for size, span, step, around, _ in axes)
        if any(count < 1 for count in counts):
            raise ValueError(
                f"an image of shape {image} with {self.padding} pixels around it is smaller than the window, which "
                f"spans {self.span}; take a smaller window or dilation, or more padding"
            )
        return counts

    def places(self, image: Sequence[int]) -> NDArray[np.int32]:
        """The pixel that each tap reads at each place, int32 `(taps, places)`, or `ZERO` or `ONE`.

        Taps, places and pixels are numbered in the order of their arrays, the last axis the fastest.

        Raises:
            ValueError: as `out_shape`, and where the table would have more than `LARGEST` entries.
        """
        return _places(self, tuple(image))


def check_groups(groups: int, **counts: int) -> None:
    """Raise where channels, by the names of their arguments, do not divide into so many runs.

    Raises:
        TypeError: `groups` is not an integer.
        ValueError: it is below 1, or a count no multiple of it.
    """
    whole_number("groups", groups, 1)
    for name, count in counts.items():
        if count % groups:
            raise ValueError(f"{name} is {count}; expected a multiple of groups, {groups}")


def sizes(name: str, given: Any, axes: int, least: int) -> tuple[int, ...]:
    """One whole number for all axes, or one for each, as one for each.

    Raises:
        TypeError: they are not integers.
        ValueError: another number of them, or one below `least`.
    """
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != axes:
            raise ValueError(f"{name} is {given!r}; expected one number, or one for each of {axes} axes")
        return tuple(whole_number(name, size, least) for size in given)
    return (whole_number(name, given, least),) * axes


@functools.lru_cache(maxsize=64)
def _places(geometry: Sliding, image: tuple[int, ...]) -> NDArray[np.int32]:
    table = table_of_places(geometry, image)
    table.flags.writeable = False
    return table


def table_of_places(geometry: Sliding, image: tuple[int, ...]) -> NDArray[np.int32]:
    """What `Sliding.places` gives, made anew, by operations that torch's compiler knows."""
    counts = geometry.out_shape(image)
    if (entries := geometry.taps * math.prod(counts)) > LARGEST or math.prod(image) > LARGEST:
        raise ValueError(f"an image of shape {image} has {entries} taps at places; at most {LARGEST} can be numbered")
    table, outside = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.bool_)
    for axis, (size, count) in enumerate(zip(image, counts, strict=True)):
        pixel, beyond = _along(geometry, axis, size, count)
        # Taps and places of the axes so far, and of this one, which is faster.
        table = (table[:, None, :, None] * size + pixel[None, :, None, :]).reshape(len(table) * len(pixel), -1)
        outside = (outside[:, None, :, None] | beyond[None, :, None, :]).reshape(table.shape)
    if geometry.padding_mode != "edge":
        table = np.where(outside, ZERO if geometry.padding_mode == "zeros" else ONE, table)
    return table.astype(np.int32)


def _along(geometry: Sliding, axis: int, size: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The pixel along an axis that each tap reads at each place, moved inside, and where it is outside."""
    taps = np.arange(geometry.window[axis])[:, None] * geometry.dilation[axis]
    step, around = geometry.stride[axis], geometry.padding[axis]
    places = np.arange(count)[None]
    if geometry.transposed:
        steps = places + around - taps
        pixel, outside = steps // step, steps % step != 0
    else:
        pixel = places * step - around + taps
        outside = np.zeros(pixel.shape, np.bool_)
    outside |= (pixel < 0) | (pixel >= size)
    return np.clip(pixel, 0, size - 1), outside
