"""What binary layers, signs and the modules of torch between them state.

Matrices come from the parameters and, at places, from windows that are laid over the image pixel by pixel: no matrix
and no window is shared with the code that lowers the layers.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.sliding import Sliding
from lutsmith.nn.neurons.add import Add, added
from lutsmith.nn.neurons.binary import BinaryConv, BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryLayer, BinaryLinear
from lutsmith.nn.neurons.lut_conv import LUTConv, LUTConv1d, LUTConv2d, LUTConv3d
from lutsmith.nn.neurons.lut_linear import LUTLinear
from lutsmith.nn.neurons.signs import BinarizeSign, BitsToSigns, ResidualSign
from lutsmith.nn.neurons.tiled import TiledLUTLinear
from lutsmith.nn.read_back.places import taps_at
from lutsmith.nn.read_back.statements import Added, Each, LinearSums, LutSums, ResidualLevels, states
from lutsmith.nn.sums.numbers import MINUS, NOTHING, PLUS, Levels, LinearMap, Sums
from lutsmith.nn.sums.torch_modules import NUMERIC, after

Shape = tuple[int, ...]


@states(BinaryLinear)
def _linear(layer: BinaryLinear, shape: Shape) -> LinearSums:
    if not shape or shape[-1] != layer.in_features:
        raise ValueError(f"it reads {layer.in_features} numbers, and there are {shape}")
    rows = math.prod(shape[:-1])
    reads = np.arange(rows * layer.in_features).reshape(rows, layer.in_features)
    owners = np.array([[row * layer.outputs + output for row in range(rows)] for output in range(layer.outputs)])
    maps = (LinearMap(_weights(layer), reads, owners),)
    return LinearSums(maps, (*shape[:-1], layer.outputs), layer, layer.scaled)


@states(BinaryConv1d, BinaryConv2d, BinaryConv3d)
def _conv(layer: BinaryConv, shape: Shape) -> LinearSums:
    image = shape[1:]
    if len(shape) != layer.axes + 1 or shape[0] != layer.in_channels:
        raise ValueError(f"it reads {layer.in_channels} channels of images, and there are numbers of {shape}")
    sliding = layer.sliding
    places, pixels, inside = _pixels(sliding, image, layer.padding_mode)
    around = {"+1": PLUS, "-1": MINUS}.get(layer.padding_mode, NOTHING)
    count, plane, outputs = math.prod(places), math.prod(image), layer.outputs // layer.groups
    weights = _weights(layer)
    maps = []
    for group in range(layer.groups):
        channels = range(group * weights.shape[1], (group + 1) * weights.shape[1])
        reads = np.stack([np.where(inside, channel * plane + pixels, around) for channel in channels])
        own = slice(group * outputs, (group + 1) * outputs)
        owners = np.arange(own.start * count, own.stop * count).reshape(outputs, count)
        reads = np.moveaxis(reads, 2, 0).reshape(count, -1)
        maps.append(LinearMap(weights[own].reshape(outputs, -1), reads, owners))
    return LinearSums(tuple(maps), (layer.outputs, *places), layer, layer.scaled)


def _weights(layer: BinaryLayer) -> NDArray[np.int64]:
    if not layer.binary:
        raise ValueError("its weights are real numbers")
    latent, kept = layer.weight.detach().float().cpu().numpy(), layer.kept.cpu().numpy()
    return np.where(kept, np.where(latent >= 0, 1, -1), 0).astype(np.int64)


def _pixels(sliding: Sliding, image: Shape, mode: str) -> tuple[Shape, NDArray[np.int64], NDArray[np.bool_]]:
    """The places of windows, the pixel of each tap `(taps, places)`, and whether it is one: else a constant is read."""
    places, nearest, inside = taps_at(sliding, image)
    if mode in ("zeros", "+1", "-1"):
        return places, nearest, inside
    whole = Sliding(sliding.window, sliding.stride, (0,) * len(image), sliding.dilation)
    larger = tuple(size + 2 * around for size, around in zip(image, sliding.padding, strict=True))
    places, pixel, _ = taps_at(whole, larger)
    axes = []
    for size, around, at in zip(image, sliding.padding, np.unravel_index(pixel, larger), strict=True):
        index = at - around
        if mode == "circular":
            index = index % size
        elif mode == "replicate":
            index = np.clip(index, 0, size - 1)
        else:
            index = np.abs(index)
            index = np.where(index >= size, 2 * (size - 1) - index, index)
        axes.append(index)
    pixels = np.ravel_multi_index(tuple(axes), image).astype(np.int64)
    return places, pixels, np.ones(pixels.shape, np.bool_)


@states(BinarizeSign)
def _sign(module: BinarizeSign, shape: Shape) -> Each:  # noqa: ARG001
    def signs(numbers: Levels | Sums) -> Levels | Sums:
        return numbers.as_sums().then(module)

    return Each(signs, sign=True)


@states(BitsToSigns)
def _to_signs(module: BitsToSigns, shape: Shape) -> Each:  # noqa: ARG001
    def signs(numbers: Levels | Sums) -> Levels | Sums:
        if isinstance(numbers, Sums):
            return numbers.then(module)
        return Levels(
            numbers.bits,
            2 * numbers.weights,
            2 * numbers.offset - round(1 / numbers.unit),
            numbers.unit,
            numbers.shared,
        )

    return Each(signs)


@states(*NUMERIC)
def _numeric(module: object, shape: Shape) -> Each:  # noqa: ARG001
    return Each(lambda numbers: after(module, numbers))  # type: ignore[arg-type]


@states(ResidualSign)
def _residual(module: ResidualSign, shape: Shape) -> ResidualLevels:
    if module.output == "stacked" or (module.channels is not None and shape[:1] != (module.channels,)):
        raise ValueError(
            f"it reads {module.channels} channels, gives {module.output!r}, and there are numbers of {shape}"
        )
    return ResidualLevels(module)


@states(Add)
def _add(module: Add, shape: Shape) -> Added:  # noqa: ARG001
    return Added(tuple((f"branches.{number}", branch) for number, branch in enumerate(module.branches)), added)


@states(LUTLinear, TiledLUTLinear)
def _lut_linear(layer: LUTLinear, shape: Shape) -> LutSums:
    if not shape or shape[-1] != layer.in_features:
        raise ValueError(f"it reads {layer.in_features} numbers, and there are {shape}")
    mask = layer.latent()[1].detach().cpu().numpy().astype(np.int64)
    mask = np.broadcast_to(mask, (layer.outputs, *mask.shape[1:]))
    rows = math.prod(shape[:-1])
    reads = np.stack([mask + row * layer.in_features for row in range(rows)])
    return LutSums(layer, reads.reshape(*shape[:-1], *mask.shape), (*shape[:-1], layer.outputs))


@states(LUTConv1d, LUTConv2d, LUTConv3d)
def _lut_conv(layer: LUTConv, shape: Shape) -> LutSums:
    image = shape[1:]
    if len(shape) != layer.axes + 1 or shape[0] != layer.in_channels:
        raise ValueError(f"it reads {layer.in_channels} channels of images, and there are numbers of {shape}")
    places, pixels, inside = taps_at(layer.sliding, image)
    around = (
        PLUS if layer.padding_value == 1 else MINUS if layer.padding_value == -1 or layer.zeros == "bit" else NOTHING
    )
    window = np.where(inside, pixels, around)  # (taps, places) of the first channel
    whole = np.concatenate(
        [np.where(inside, window + channel * math.prod(image), window) for channel in range(shape[0])]
    )
    mask = layer.latent()[1].detach().cpu().numpy().astype(np.int64)
    reads = np.moveaxis(whole[np.broadcast_to(mask, (layer.outputs, *mask.shape[1:]))], -1, 1)
    return LutSums(layer, reads.reshape(layer.outputs, *places, *mask.shape[1:]), (layer.outputs, *places))
