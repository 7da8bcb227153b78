"""Convolutions whose products are LUTs: kernels that add up LUTs, at every place of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import number, one_of
from lutsmith.kernels.training.unrolled import windows
from lutsmith.nn.connections.at_places import places_of
from lutsmith.nn.neurons.conv_sizes import conv_sizes
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.masks import MaskSizes, mask_of
from lutsmith.nn.one_place import OnePlace, alone, changed, reads_of
from lutsmith.nn.sums.counting import Maker
from lutsmith.nn.sums.lut_layers import lower_lut_sum
from lutsmith.nn.sums.numbers import Levels, Sums

COMBINES = ("window", "channel")
"""From where a LUT takes further inputs: the whole window, or the channel of its first one."""


class LUTConv(LUTSum):
    """The base of `LUTConv1d`, `LUTConv2d` and `LUTConv3d`: at each place, `|scale| sum_t LUT_t(window) + bias`.

    The window of a kernel has channels times taps inputs; number c taps + t is tap t of channel c, and the last axis of
    the window varies fastest: the order of torch's weights. Images may have any size that the window fits in.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel_size: taps along each axis, or one number for all.
        rank: inputs of a LUT, 1 to 8.
        mask: which inputs LUTs read: a name of `MASKS`, a function like those, or the numbers, integers `(out_channels
            or 1, LUTs, rank)` over the window of all channels.
        stride: pixels from one place to the next.
        padding: pixels that are added before and after each axis.
        dilation: pixels from one tap to the next.
        groups: channels and outputs are cut into this many runs, and outputs read the channels of their own run.
        bias: whether there is one; it starts as 0.
        padding_value: what is added: -1 or 1; or 0, which is -1 with `zeros="bit"`.
        combine: where the further inputs of a LUT of the mask `"expanded"` come from, a name of `COMBINES`.
        shared: whether all outputs of a group have LUTs with the same inputs.
        distinct, scale, normalised, binary_weights, binary_inputs, binary_outputs, zeros, generator, device: as for
            `LUTLinear`.

    Shapes: `(..., in_channels, *image)` to `(..., out_channels, *places)`; stored feature-major.

    Raises:
        TypeError, ValueError: sizes that are impossible or do not fit, an unknown name, a mask that does not fit; in
            use, an image smaller than the window.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        rank: int = 4,
        mask: Any = "expanded",
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_value: float = -1,
        combine: str = "window",
        shared: bool = False,
        distinct: bool = True,
        generator: torch.Generator | None = None,
        **more: Any,
    ) -> None:
        sized = conv_sizes(self.axes, in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        channels, outputs, groups, sliding = sized
        window, own = channels * sliding.taps, sized.own * sliding.taps
        run = sliding.taps if one_of("combine", combine, COMBINES) == "channel" else own
        if isinstance(mask, str) or callable(mask):
            drawn = MaskSizes(own, rank, groups if shared else outputs, run, distinct)
            numbers = mask_of(mask, drawn, generator)
            if groups > 1:
                each = outputs // groups
                numbers = numbers.repeat_interleave(outputs // len(numbers), 0)
                numbers += (torch.arange(outputs, dtype=torch.int32) // each * own).view(-1, 1, 1)
        else:
            numbers = mask_of(mask, MaskSizes(window, rank, outputs, window, distinct), None)
        super().__init__(numbers, outputs, bias, generator=generator, **more)
        self.in_channels, self.out_channels, self.groups, self.sliding = sized
        self.padding_value = number("padding_value", padding_value, lambda v: v in (-1, 0, 1), "-1, 1 or 0")

    def out_shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """The shape of the output, channels first, for an image of this shape; ValueError if it is too small."""
        return self.out_channels, *self.sliding.out_shape(image)

    def forward(self, x: Tensor) -> Tensor:
        image = tuple(x.shape[-self.axes :])
        if x.ndim <= self.axes or x.shape[-1 - self.axes] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__} got an input of shape {tuple(x.shape)}; expected (..., {self.in_channels}, "
                f"{', '.join(['any size'] * self.axes)})"
            )
        shape, plane = self.out_shape(image), math.prod(image)
        rows = x.reshape(-1, self.in_channels * plane).t()
        places = places_of(self.sliding, image, x.device)
        y = self.summed(rows, places=places, plane=plane, outside=self.padding_value)
        return self.by_sample(y).reshape(*x.shape[: -1 - self.axes], *shape)

    def read(self, x: Tensor) -> tuple[Tensor, int]:
        image = tuple(x.shape[-self.axes :])
        places, plane = places_of(self.sliding, image, x.device), math.prod(image)
        rows = x.reshape(-1, self.in_channels * plane).t()
        found = windows(rows, places, plane, self.padding_value).flatten(2).flatten(0, 1)
        return found, places.shape[1]

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:
        """The sums of the LUTs. The LUTs are emitted here, adders together with what reads the sums."""
        return lower_lut_sum(self, maker, numbers)

    def one_place(self, image: Sequence[int]) -> OnePlace:
        """The kernels at one place of an image of this shape: see `OnePlace`."""
        around = int(self.padding_value) or (-1 if self.zeros == "bit" else 0)
        one = changed(self, sliding=alone(self.sliding))
        return OnePlace(one, self.sliding, reads_of(self.sliding, image), around, above=0.0)

    def extra_repr(self) -> str:
        window, geometry = " x ".join(map(str, self.sliding.window)), self.sliding
        told = f"window={window}, stride={geometry.stride}, padding={geometry.padding}, groups={self.groups}"
        return f"{self.in_channels}, {self.out_channels}, {told}, {super().extra_repr()}"


class LUTConv1d(LUTConv):
    """Kernels of LUTs over sequences: see `LUTConv`. `(..., channels, length)` to `(..., channels, places)`."""

    axes = 1


class LUTConv2d(LUTConv):
    """Kernels of LUTs over images: see `LUTConv`."""

    axes = 2


class LUTConv3d(LUTConv):
    """Kernels of LUTs over volumes: see `LUTConv`. `(..., channels, depth, height, width)`."""

    axes = 3
