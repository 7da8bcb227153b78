"""Neurons that add up LUTs, as sums: each LUT is a bit, which stands for -1 or +1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.sums.counting import Maker, bits_of
from lutsmith.nn.sums.numbers import MINUS, NOTHING, PLUS, Ids, Levels, LinearMap, Sums

MAY_BE_ZERO = "zeros is 'exact', and an input may be 0, which is not a bit; expected zeros='bit', or signs before it"
"""What is wrong with a layer of three symbols."""


def lower_lut_sum(layer: Any, maker: Maker, numbers: Levels | Sums) -> Sums:
    """The sums of a layer's LUTs, which read whether numbers are above 0.

    Raises:
        ValueError: weights or inputs that are not binary; with zeros="exact", entries or inputs that may be 0; numbers
            of another shape.
    """
    reads, places = _reads(layer, numbers.shape)
    return sums_of_luts(layer, maker, numbers, reads, places)


def sums_of_luts(
    layer: Any, maker: Maker, numbers: Levels | Sums, reads: NDArray[np.int64], shape: tuple[int, ...]
) -> Sums:
    """The same as `lower_lut_sum`, when it is known what the LUTs read.

    Args:
        layer: a `LUTSum`.
        maker: of adders and LUTs.
        numbers: what it reads.
        reads: int64 (*shape, LUTs, rank), places of the flattened sample, or MINUS or PLUS.
        shape: of the sums; the outputs are the first axis, or the last one where there are no places.
    """
    stated = layer.sum_of_luts()
    if layer.zeros == "exact":
        check_no_zeros(layer, numbers, reads)
    bits = np.append(bits_of(maker, numbers, above=0.0).reshape(-1), [maker.constants[value] for value in (0, 1, 0)])
    axis = outputs_axis(layer, shape)
    owner = np.moveaxis(
        np.broadcast_to(np.arange(shape[axis]), (*shape[:axis], *shape[axis + 1 :], shape[axis])), -1, axis
    )
    luts = reads.shape[-2]
    tables = stated.tables.cpu().numpy().reshape(-1, stated.tables.shape[-1])
    table_of = (owner[..., None] * luts + np.arange(luts)).reshape(-1)
    inputs = bits[reads].reshape(-1, reads.shape[-1])
    fixed = (tables == tables[:, :1]).all(axis=1)
    varies = ~fixed[table_of]
    found = np.array(maker.constants, np.int64)[tables[table_of, 0].astype(np.int64)]
    found[varies] = maker.luts(inputs[varies], tables, table_of[varies])
    ids = found.reshape(*shape, luts, 1)
    kept = stated.kept.cpu().numpy()[owner].astype(np.int64)  # (*shape, LUTs): those that are pruned count nothing
    levels = Levels(ids, 2 * kept[..., None], -kept)
    count = math.prod(shape)
    every = LinearMap(
        np.ones((1, luts), np.int64), np.arange(count * luts).reshape(count, luts), np.arange(count)[None]
    )
    return Sums.of(levels, [every], shape, OfSums(layer, axis))


class OfSums:
    """What a layer makes of the sums of its LUTs: scale, bias, and a sign where its outputs are binary."""

    def __init__(self, layer: Any, axis: int) -> None:
        self.__self__ = layer
        self.axis = axis

    def __call__(self, sums: Tensor) -> Tensor:
        layer: Any = self.__self__
        wide = [1] * sums.ndim
        wide[self.axis + 1] = -1
        if layer.scale is not None or not layer.normalised:
            sums = sums * layer.factor().view(wide)
        if layer.bias is not None:
            sums = sums + layer.bias.view(wide)
        return (sums > 0).to(sums.dtype) * 2 - 1 if layer.binary_outputs else sums


def outputs_axis(layer: Any, shape: tuple[int, ...]) -> int:
    """The axis of a sample's outputs: the first one of kernels, else the last."""
    return 0 if hasattr(layer, "sliding") else len(shape) - 1


def check_no_zeros(layer: Any, numbers: Levels | Sums, reads: NDArray[np.int64]) -> None:
    """Raise ValueError if an entry of a layer, or a number that it reads, may be 0; `reads` as of `sums_of_luts`."""
    if (layer.weight == 0).any():
        raise ValueError("zeros is 'exact', and an entry is 0, which no LUT has; expected entries that are not 0")
    sums = numbers.as_sums().whole()
    changes = sums.changes(_is_zero)
    if (reads == NOTHING).any() or changes.first.any() or changes.values.any():
        raise ValueError(MAY_BE_ZERO)


def _is_zero(x: Tensor) -> Tensor:
    return x == 0


def _reads(layer: Any, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """What LUTs read, (*shape of the sums, LUTs, rank), and this shape."""
    outputs = layer.outputs
    mask = layer.latent()[1].long().expand(outputs, -1, -1).cpu().numpy()
    if not hasattr(layer, "sliding"):
        if shape[-1:] != (layer.in_features,):
            raise ValueError(f"its {layer.in_features} inputs cannot be numbers of shape {shape}")
        rows = np.arange(math.prod(shape[:-1])).reshape(*shape[:-1], 1, 1, 1)
        return rows * layer.in_features + mask, (*shape[:-1], outputs)
    if len(shape) != layer.axes + 1 or shape[0] != layer.in_channels:
        raise ValueError(f"it reads {layer.in_channels} channels of images, and there are numbers of shape {shape}")
    image = shape[1:]
    pixels = layer.sliding.places(image).astype(np.int64)  # (taps, places)
    channel, tap = mask // layer.sliding.taps, mask % layer.sliding.taps
    read = pixels[tap]  # (outputs, LUTs, rank, places)
    around = {1: PLUS, -1: MINUS}.get(int(layer.padding_value), MINUS if layer.zeros == "bit" else NOTHING)
    found: Ids = np.where(read >= 0, channel[..., None] * math.prod(image) + read, around)
    places = layer.sliding.out_shape(image)
    return np.moveaxis(found, -1, 1).reshape(outputs, *places, *mask.shape[1:]), (outputs, *places)
