"""Pooling of bits over windows: OR, AND and majority. In training they are the same order statistics as for bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.sliding import Sliding, sizes
from lutsmith.kernels.training import ops
from lutsmith.logic.linear import placed
from lutsmith.logic.majority import Majority
from lutsmith.nn.connections.at_places import places_of
from lutsmith.nn.one_place import OUTSIDE, OnePlace, alone, changed, reads_of

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

WIDEST = 6
"""Inputs of a LUT of the circuit."""


class Pool(nn.Module):
    """Windows of each channel pooled to one value: the base of `OrPool2d`, `AndPool1d`, `MajorityPool3d` and others.

    In training a window's values are sorted: OR is the largest of them, AND the smallest, and the majority the one that
    m // 2 of the m values precede in descending order. For bits these are OR, AND, and whether more than half of the m
    are 1. The gradient goes to the chosen value, or the first of equal ones. In eval mode inputs are the bits `x >
    1/2`.

    Windows are cut at the border: padding lets them reach beyond it, and adds no values. (For OR this equals padding
    with zeros, for AND with ones.)

    Args:
        kernel_size: pixels of the window along each axis, or one number for all.
        stride: pixels from one window to the next; None: those of the window.
        padding: pixels that windows reach beyond each side, at most half of the window.
        dilation: pixels from one pixel of a window to the next.

    Shapes: `(..., channels, *image)` to `(..., channels, *places)`, of a float dtype; memory is feature-major. No
    parameters.

    Raises:
        TypeError: a size that is not an integer.
        ValueError: a size out of range; in use, an image smaller than the window.
    """

    axes: ClassVar[int]
    mode: ClassVar[str]

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        window = sizes("kernel_size", kernel_size, self.axes, 1)
        around = sizes("padding", padding, self.axes, 0)
        self.sliding = Sliding(
            window,
            window if stride is None else sizes("stride", stride, self.axes, 1),
            around,
            sizes("dilation", dilation, self.axes, 1),
        )
        if any(2 * more > taps for more, taps in zip(around, window, strict=True)):
            raise ValueError(f"padding is {padding}; expected at most half of the window, {window}")

    def out_shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """Places along each axis of an image of this shape; ValueError if it is smaller than the window."""
        return self.sliding.out_shape(image)

    def forward(self, x: Tensor) -> Tensor:
        image = self._image(x.shape)
        channels, plane = x.shape[-1 - self.axes], math.prod(image)
        rows = x.reshape(-1, channels * plane).t()
        if not rows.is_floating_point():
            rows = rows.to(torch.get_default_dtype())
        y = ops.pool(rows, places_of(self.sliding, image, x.device), plane, self.mode)
        if not self.training:
            y = (y > 0.5).to(y.dtype)
        return y.t().reshape(*x.shape[: -1 - self.axes], channels, *self.out_shape(image))

    def _image(self, shape: Sequence[int]) -> tuple[int, ...]:
        if len(shape) <= self.axes:
            raise ValueError(
                f"{type(self).__name__} got an input of shape {tuple(shape)}; expected (..., channels, "
                f"{', '.join(['size'] * self.axes)})"
            )
        return tuple(shape[-self.axes :])

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., channels, *image)`; return `(..., channels, *places)`."""
        image = self._image(signals.shape)
        shape = *signals.shape[: -self.axes], *self.out_shape(image)
        places = self.sliding.places(image)
        planes, inside = signals.reshape(-1, math.prod(image)), places >= 0
        pooled = np.empty((len(planes), places.shape[1]), np.int32)
        counts = inside.sum(axis=0)
        for count in np.unique(counts).tolist():
            same = np.flatnonzero(counts == count)
            pixels = places[:, same].T[inside[:, same].T].reshape(len(same), count)
            windows = planes[:, pixels].reshape(-1, count)
            pooled[:, same] = _lowered(builder, windows, self.mode).reshape(len(planes), len(same))
        return pooled.reshape(shape)

    def one_place(self, image: Sequence[int]) -> OnePlace:
        """The pool at one place of an image of this shape: see `OnePlace`. ValueError for majorities that are cut."""
        reads = reads_of(self.sliding, image)
        if self.mode == "majority" and (reads == OUTSIDE).any():
            raise ValueError("majorities of windows that are cut at the border differ; take no padding")
        one = changed(self, sliding=alone(self.sliding))
        return OnePlace(one, self.sliding, reads, int(self.mode == "and"))

    def extra_repr(self) -> str:
        sliding = self.sliding
        return f"kernel_size={sliding.window}, stride={sliding.stride}, padding={sliding.padding}"


def _lowered(builder: CircuitBuilder, windows: NDArray[np.int32], mode: str) -> NDArray[np.int32]:
    """The signals `(windows,)` of windows `(windows, m)`."""
    while windows.shape[1] > 1:
        width = windows.shape[1]
        if width <= WIDEST:
            return builder.lut(windows, _table(width, mode), np.zeros(len(windows), np.int64))
        if mode == "majority":
            majority = Majority(width)
            counts = placed(majority.counter, windows, builder.lut)
            decided: NDArray[np.int32] = placed(majority.comparator, counts, builder.lut)[:, 0]
            return decided
        parts = [_lowered(builder, windows[:, first : first + WIDEST], mode) for first in range(0, width, WIDEST)]
        windows = np.stack(parts, axis=1)
    return windows[:, 0]


def _table(width: int, mode: str) -> NDArray[np.bool_]:
    """The table of a window, bool `(1, 2**width)`."""
    ones = ((np.arange(1 << width)[:, None] >> np.arange(width)) & 1).sum(axis=1)
    least = {"or": 1, "and": width, "majority": width // 2 + 1}[mode]
    table: NDArray[np.bool_] = ones >= least
    return table[None]


class OrPool1d(Pool):
    """The OR of windows of a sequence: see `Pool`."""

    axes, mode = 1, "or"


class OrPool2d(Pool):
    """The OR of windows of an image: see `Pool`."""

    axes, mode = 2, "or"


class OrPool3d(Pool):
    """The OR of windows of a volume: see `Pool`."""

    axes, mode = 3, "or"


class AndPool1d(Pool):
    """The AND of windows of a sequence: see `Pool`."""

    axes, mode = 1, "and"


class AndPool2d(Pool):
    """The AND of windows of an image: see `Pool`."""

    axes, mode = 2, "and"


class AndPool3d(Pool):
    """The AND of windows of a volume: see `Pool`."""

    axes, mode = 3, "and"


class MajorityPool1d(Pool):
    """Whether most bits of windows of a sequence are 1: see `Pool`."""

    axes, mode = 1, "majority"


class MajorityPool2d(Pool):
    """Whether most bits of windows of an image are 1: see `Pool`."""

    axes, mode = 2, "majority"


class MajorityPool3d(Pool):
    """Whether most bits of windows of a volume are 1: see `Pool`."""

    axes, mode = 3, "majority"
