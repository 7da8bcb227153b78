"""Binary layers: weights that are -1 or +1, a scale, a bias; trained by latent weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lutsmith.circuit.sliding import Sliding
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.neurons.conv_sizes import conv_sizes
from lutsmith.nn.neurons.latent import clamped, latent_sign
from lutsmith.nn.neurons.lut_sum import SCALES
from lutsmith.nn.one_place import OUTSIDE, OnePlace, alone, changed
from lutsmith.nn.precision import without_autocast
from lutsmith.nn.sums.counting import Maker, levels_of
from lutsmith.nn.sums.numbers import MINUS, NOTHING, PLUS, Levels, LinearMap, Sums

PADDINGS = ("zeros", "+1", "-1", "reflect", "replicate", "circular")
"""What stands around an image of signs: nothing that counts, +1, -1, or what torch's modes take from the image."""


class BinaryLayer(nn.Module):
    """What `BinaryLinear` and `BinaryConv1d`, `2d` and `3d` share: weights, scale, bias.

    Attributes:
        weight: latent weights; the forward pass takes their signs, or with `binary` False the weights themselves within
            -1 to 1. Those beyond get only the part of the gradient that leads back (see `latent`).
        kept: bool, of the shape of `weight`, saved with it: weights that are not pruned; pruned ones do not count.
        scale: `()` or `(outputs,)`, positive by its absolute value, or None.
        bias: `(outputs,)`, or None.
        binary: whether weights are signs. It may be changed at any time, so that training can go from real to binary
            weights.
    """

    scale: nn.Parameter | None
    bias: nn.Parameter | None
    kept: Tensor

    def __init__(
        self,
        outputs: int,
        fan_in: Sequence[int],
        bias: bool,
        scale: str,
        binary: bool,
        generator: torch.Generator | None,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        one_of("scale", scale, SCALES)
        self.outputs, self.binary = outputs, bool(binary)
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        shape = outputs, *fan_in
        # Drawn where the generator lives, and moved then: one seed gives one layer on every device.
        start = torch.randn(shape, generator=generator, device=generator.device if generator is not None else "cpu")
        self.weight = nn.Parameter((start / math.sqrt(math.prod(fan_in))).to(**made))
        self.register_buffer("kept", torch.ones(shape, dtype=torch.bool, device=device))
        size = {"layer": (), "channel": (outputs,)}.get(scale)
        self.scale = None if size is None else nn.Parameter(torch.ones(size, **made))
        self.bias = nn.Parameter(torch.zeros(outputs, **made)) if bias else None

    @property
    def kind_of_scale(self) -> str:
        """A name of `SCALES`."""
        return "none" if self.scale is None else "channel" if self.scale.ndim else "layer"

    def used_weight(self) -> Tensor:
        """The weights that forward multiplies by: -1 and +1, or numbers between, and 0 where they are pruned."""
        weight = latent_sign(self.weight) if self.binary else clamped(self.weight)
        return weight * self.kept

    def sums(self, x: Tensor) -> Tensor:
        """The weighted sums of `x`, before scale and bias. For inputs on a grid they are exact, in any order."""
        raise NotImplementedError

    def scaled(self, sums: Tensor) -> Tensor:
        """Sums `(N, outputs, ...)` times the scale, and then plus the bias: two roundings, one by one."""
        if self.scale is not None:
            sums = sums * self._along(self.scale.abs())
        return sums if self.bias is None else sums + self._along(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and torch.is_autocast_enabled(x.device.type):
            with without_autocast(x):  # fewer bits cannot count: in eval mode a layer is the hardware
                return self.scaled(self.sums(x.to(self.weight.dtype)))
        return self.scaled(self.sums(x))

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:
        """The sums of signs or levels; their circuit is made together with what reads them."""
        levels = levels_of(maker, numbers)
        shape, maps = self.linear_maps(levels.shape)
        return Sums.of(levels, maps, shape, self.scaled)

    def linear_maps(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[LinearMap]]:
        """The shape of the sums of a sample of this shape, and the matrices that they are.

        Raises:
            ValueError: weights that are not binary, a sample of another shape.
        """
        raise NotImplementedError

    def signed_weight(self) -> NDArray[np.int64]:
        """The weights -1, +1, and 0 where they are pruned; ValueError if they are real numbers."""
        if not self.binary:
            raise ValueError("its weights are real numbers; expected binary=True")
        found: NDArray[np.int64] = self.used_weight().detach().float().cpu().numpy().astype(np.int64)
        return found

    def _along(self, values: Tensor) -> Tensor:
        return values

    def extra_repr(self) -> str:
        return f"bias={self.bias is not None}, scale={self.kind_of_scale!r}, binary={self.binary}"


class BinaryLinear(BinaryLayer):
    """A linear layer with weights -1 and +1: `y = |scale| (x sign(W)^T) + bias`.

    Args:
        in_features: of the input.
        out_features: of the output.
        bias: whether there is one; it starts as 0.
        scale: a name of `SCALES`; it starts as 1.
        binary: whether weights are signs; False: real numbers within -1 to 1, to train first.
        generator: source of the latent weights; None is torch's global one. They are normal, of variance 1 / fan-in.
        device: of parameters and buffers.
        dtype: of parameters.

    Shapes: `(..., in_features)` to `(..., out_features)`, of the dtype of the parameters. Attributes:
    see `BinaryLayer`.

    Raises:
        TypeError, ValueError: impossible sizes, an unknown name; in use, inputs of another width.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        scale: str = "layer",
        binary: bool = True,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self_in = whole_number("in_features", in_features, 1)
        outputs = whole_number("out_features", out_features, 1)
        super().__init__(outputs, (self_in,), bias, scale, binary, generator, device, dtype)
        self.in_features, self.out_features = self_in, outputs

    def sums(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} got an input of shape {tuple(x.shape)}; expected (..., {self.in_features})"
            )
        return F.linear(x, self.used_weight())

    def linear_maps(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[LinearMap]]:
        if shape[-1:] != (self.in_features,):
            raise ValueError(f"its {self.in_features} inputs cannot be numbers of shape {shape}")
        reads = np.arange(math.prod(shape)).reshape(-1, self.in_features)
        owners = np.arange(len(reads) * self.outputs).reshape(-1, self.outputs).T
        return (*shape[:-1], self.outputs), [LinearMap(self.signed_weight(), reads, owners)]

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, {super().extra_repr()}"


class BinaryConv(BinaryLayer):
    """A convolution with weights -1 and +1: the base of `BinaryConv1d`, `BinaryConv2d` and `BinaryConv3d`.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel_size: taps along each axis, or one number for all.
        stride: pixels from one place to the next, likewise.
        padding: pixels that are added before and after each axis, likewise.
        dilation: pixels from one tap to the next, likewise.
        groups: channels are cut into this many runs, and each output reads the channels of its own run.
        bias: as for `BinaryLinear`.
        padding_mode: what is added, a name of `PADDINGS`. Signs are never 0: `"zeros"` adds pixels that do not count.
        scale: as for `BinaryLinear`, `"channel"` being a scale for each output channel.
        binary: as for `BinaryLinear`.
        generator: as for `BinaryLinear`.
        device: of parameters and buffers.
        dtype: of parameters.

    Shapes: `(N, in_channels, *image)` to `(N, out_channels, *places)`, an image of any size that the window fits in.
    Attributes: see `BinaryLayer`; `weight` is `(out_channels, in_channels / groups, *kernel_size)`.

    Raises:
        TypeError, ValueError: impossible sizes, channels that do not divide into groups, unknown names; in use, an
            image smaller than the window.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        scale: str = "layer",
        binary: bool = True,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        sized = conv_sizes(self.axes, in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        fan_in = sized.own, *sized.sliding.window
        super().__init__(sized.outputs, fan_in, bias, scale, binary, generator, device, dtype)
        self.in_channels, self.out_channels, self.groups, self.sliding = sized
        self.padding_mode = one_of("padding_mode", padding_mode, PADDINGS)

    def padded(self, x: Tensor) -> Tensor:
        """The images `(N, channels, *image)` with what stands around them."""
        constant = {"zeros": 0.0, "+1": 1.0, "-1": -1.0}.get(self.padding_mode)
        return self._padded(x, constant)

    def _padded(self, x: Tensor, constant: float | None) -> Tensor:
        """The images with a constant around them, or what the padding mode of torch takes from the image."""
        ends = [size for size in reversed(self.sliding.padding) for _ in range(2)]
        if not any(ends):
            return x
        return F.pad(x, ends, mode=self.padding_mode) if constant is None else F.pad(x, ends, value=constant)

    def sums(self, x: Tensor) -> Tensor:
        if x.ndim != self.axes + 2 or x.shape[1] != self.in_channels:
            wanted = ", ".join(["N", str(self.in_channels), *["size"] * self.axes])
            raise ValueError(f"{type(self).__name__} got an input of shape {tuple(x.shape)}; expected ({wanted})")
        self.sliding.out_shape(tuple(x.shape[2:]))
        convolve: Any = (F.conv1d, F.conv2d, F.conv3d)[self.axes - 1]
        sliding = self.sliding
        found: Tensor = convolve(
            self.padded(x), self.used_weight(), None, sliding.stride, 0, sliding.dilation, self.groups
        )
        return found

    def linear_maps(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[LinearMap]]:
        if len(shape) != self.axes + 1 or shape[0] != self.in_channels:
            raise ValueError(f"it reads {self.in_channels} channels of images, and there are numbers of shape {shape}")
        places = self.sliding.out_shape(shape[1:])
        count, channels, outputs = math.prod(places), self.in_channels // self.groups, self.outputs // self.groups
        numbered = torch.arange(math.prod(shape), dtype=torch.float64).reshape(1, *shape)
        around = {"zeros": NOTHING, "+1": PLUS, "-1": MINUS}.get(self.padding_mode)
        image = (self.padded(numbered) if around is None else self._padded(numbered, around))[0].numpy()
        within = Sliding(self.sliding.window, self.sliding.stride, (0,) * self.axes, self.sliding.dilation)
        pixels = within.places(image.shape[1:])  # (taps, places)
        reads = image.reshape(self.in_channels, -1)[:, pixels].astype(np.int64)  # (channels, taps, places)
        weights, maps = self.signed_weight().reshape(self.outputs, -1), []
        owners = np.arange(self.outputs * count).reshape(self.outputs, count)
        for group in range(self.groups):
            some = slice(group * outputs, (group + 1) * outputs)
            own = reads[group * channels : (group + 1) * channels].reshape(-1, count).T
            maps.append(LinearMap(weights[some], own, owners[some]))
        return (self.outputs, *places), maps

    def one_place(self, image: Sequence[int]) -> OnePlace:
        """The kernels at one place of an image of this shape: see `OnePlace`."""
        _, maps = self.linear_maps((self.in_channels, *image))
        reads = np.maximum(maps[0].reads[:, : self.sliding.taps].T, OUTSIDE)  # of the first channel
        around = {"+1": 1, "-1": -1}.get(self.padding_mode, 0)
        return OnePlace(changed(self, sliding=alone(self.sliding)), self.sliding, reads, around)

    def _along(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * self.axes) if values.ndim else values

    def extra_repr(self) -> str:
        sliding = self.sliding
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={sliding.window}, stride={sliding.stride}, "
            f"padding={sliding.padding}, groups={self.groups}, padding_mode={self.padding_mode!r}, "
            f"{super().extra_repr()}"
        )


class BinaryConv1d(BinaryConv):
    """A binary convolution over sequences: see `BinaryConv`."""

    axes = 1


class BinaryConv2d(BinaryConv):
    """A binary convolution over images: see `BinaryConv`."""

    axes = 2


class BinaryConv3d(BinaryConv):
    """A binary convolution over volumes: see `BinaryConv`."""

    axes = 3
