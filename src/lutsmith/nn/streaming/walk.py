"""The walk through a network over images that makes it a machine: each module for one pixel at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.sliding import Sliding
from lutsmith.nn.encoders import Encoder, Several
from lutsmith.nn.heads.at_places import GroupSumAtPlaces
from lutsmith.nn.lowering import LowersBits, LowersFeatures, LowersHead, LowersNumbers, ModelWalk, ReadsRawNumbers
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.signs import BinarizeSign, BitsToSigns, ResidualSign
from lutsmith.nn.one_place import OUTSIDE, OnePlace, StandsAtPlaces
from lutsmith.nn.pooled_convolution import PooledConv
from lutsmith.nn.streaming.line_buffer import LineBuffer, PixelClock
from lutsmith.nn.streaming.pooling import PooledEmitter, pooled
from lutsmith.nn.sums.counting import bits_of, levels_of
from lutsmith.nn.sums.emitting import NeuronEmitter
from lutsmith.nn.sums.lut_layers import check_no_zeros
from lutsmith.nn.sums.numbers import MINUS, NOTHING, PLUS, Levels, Sums
from lutsmith.nn.sums.torch_modules import EACH, NORMS, POOLS, pool_at_one_place

POINTWISE = (BinarizeSign, BitsToSigns, ResidualSign, nn.ChannelShuffle, *EACH)
"""Modules that make of each pixel one pixel, by itself."""
VALUES = 1 << 22
"""Numbers that a batch norm is given at a time."""


class StreamWalk(ModelWalk):
    """A walk in which values are those of one pixel, (channels, 1, ...), until `nn.Flatten` has collected all of them.

    Args:
        builder: of the machine, whose features are the channels of a pixel.
        image: pixels along each axis.

    Attributes:
        image: pixels of the present values along each axis; None once they are collected.
        clock: when the present values are there.
    """

    def __init__(self, builder: CircuitBuilder, image: tuple[int, ...]) -> None:
        super().__init__(builder, np.asarray(builder.features, np.int32).reshape(-1, *[1] * len(image)))
        pixels = math.prod(image)
        self.image: tuple[int, ...] | None = image
        self.clock = PixelClock(builder.constant(True), np.arange(pixels), pixels)
        self._pooled: PooledEmitter | None = None
        self._flat: nn.Flatten | None = None  # one that collects pixels once it is known how they are read

    def end(self, name: str) -> None:
        if self._flat is not None:
            self._collect_for(None)
        super().end(name)

    def maker(self) -> NeuronEmitter:
        numbers = self.numbers
        if self._pooled is not None and isinstance(numbers, Sums) and self._pooled.is_of(numbers):
            return self._pooled
        return super().maker()

    def _lower(self, module: nn.Module) -> None:
        if self._flat is not None:
            self._collect_for(module)
        image = self.image
        if image is None or self.objective is not None:
            super()._lower(module)
        elif isinstance(module, PooledConv):
            self.visit(module.conv, "conv")
            self.visit(module.pool, "pool")
        elif isinstance(module, LowersFeatures):
            self._encoded(module, image)
        elif isinstance(module, nn.Flatten):
            self._flat = module
        elif isinstance(module, StandsAtPlaces):
            self._at_places(module, module.one_place(image), image)
        elif isinstance(module, POOLS):
            self._max_pool(module, image)
        elif isinstance(module, (*POINTWISE, GroupSumAtPlaces)):
            super()._lower(module)
            self._show_all_places()
        else:
            raise ValueError(
                "a machine that reads images pixel by pixel has no form of it; up to nn.Flatten there may be an "
                "encoder, kernels, pools, batch norms, signs and other modules of single pixels, one after the other. "
                "Put nn.Flatten before it, or lower the model with to_circuit"
            )

    def _encoded(self, module: Any, image: tuple[int, ...]) -> None:
        """The bits of one pixel: an encoder that gives all pixels the same ones of the same numbers."""
        parts = module.parts if isinstance(module, Several) else [module]
        for part in parts:
            known = isinstance(part, Encoder) and type(part).lower_features is Encoder.lower_features
            if not known or part.encode_axis % (len(image) + 2) != 1:
                raise ValueError("its bits are not those of single pixels; expected thresholds of each channel")
        pixel = self.ids
        self.ids = np.broadcast_to(pixel, (len(pixel), *image))
        super()._lower(module)
        here = self.ids[(slice(None), *[slice(1)] * len(image))]
        if (self.ids != here).any():
            raise ValueError("pixels have thresholds of their own; expected per='channel' or 'global'")
        self.ids = here

    def _at_places(self, module: nn.Module, place: OnePlace, image: tuple[int, ...]) -> None:
        """Kernels, or a pool of bits."""
        exact = isinstance(module, LUTSum) and module.zeros == "exact"
        if isinstance(module, LowersBits):
            bits = self.bits()
            buffer = self._buffer(image, place)
            used = _read_by(place.module, (len(bits), *place.sliding.window)).reshape(len(bits), -1)
            taps = buffer.taps(bits.reshape(-1), np.full(len(bits), bool(place.around)), used)
            self.ids = taps.reshape(len(bits), *place.sliding.window)
        else:
            assert isinstance(module, LowersNumbers)
            if isinstance(module, ReadsRawNumbers) and not self.are_bits and self.numbers is None:
                self.numbers, self.are_bits = module.lower_raw(self.builder, self.ids), True
            numbers = self.as_numbers()
            if place.above is None:
                levels = levels_of(self.maker(), numbers)
            else:
                if exact:
                    outside = {1: PLUS, -1: MINUS}.get(place.around or 0, NOTHING)
                    check_no_zeros(module, numbers, np.where(place.reads == OUTSIDE, outside, place.reads))
                levels = Levels.of_bits(bits_of(self.maker(), numbers, place.above)).affine(2, -1)
            buffer = self._buffer(image, place)
            self.numbers = _windows(buffer, levels, place)
        super()._lower(place.module)
        self._show_all_places()

    def _max_pool(self, module: Any, image: tuple[int, ...]) -> None:
        """The largest number of each window: of sums that are compared, or of levels."""
        place = pool_at_one_place(module, image)
        numbers = self.as_numbers()
        if isinstance(numbers, Levels) or numbers.sources.shape[-1] > 1:
            levels = levels_of(self.maker(), numbers)
            self.numbers = _windows(self._buffer(image, place), levels, place)
            super()._lower(place.module)
        else:
            self.numbers = found = pooled(numbers, place)
            buffer = self._buffer(image, place)
            self._pooled = PooledEmitter(self.builder, numbers, found.lowest.reshape(-1), place, buffer)

    def _collect_for(self, reader: nn.Module | None) -> None:
        """Collect all pixels as a module reads them, in a window as large as the image, and flatten them."""
        flat, image, numbers = self._flat, self.image, self.numbers
        assert flat is not None
        assert image is not None
        whole = Sliding.of(len(image), image, 1, 0, 1)
        place = OnePlace(nn.Identity(), whole, np.arange(math.prod(image))[:, None])
        if isinstance(numbers, Sums) and math.prod(image) == 1 and (reader is None or isinstance(reader, EACH)):
            pass  # they are all there, and may be scores
        elif isinstance(reader, LUTSum) and numbers is not None:
            if reader.zeros == "exact":
                check_no_zeros(reader, numbers, np.zeros(1, np.int64))
            levels = Levels.of_bits(bits_of(self.maker(), numbers, 0.0)).affine(2, -1)
            self.numbers = _windows(self._buffer(image, place), levels, place)
        elif numbers is None or isinstance(reader, LowersBits | LowersHead):
            if not self.are_bits:
                raise ValueError("nn.Flatten would collect raw features; put an encoder, or a BinarizeSign, before it")
            bits = self.bits()
            taps = self._buffer(image, place).taps(bits.reshape(-1), np.zeros(bits.size, np.bool_))
            self.ids = taps.reshape(-1, *image)
        else:
            levels = levels_of(self.maker(), numbers)
            self.numbers = _windows(self._buffer(image, place), levels, place)
        self.image = self._flat = None
        super()._lower(flat)

    def _buffer(self, image: tuple[int, ...], place: OnePlace) -> LineBuffer:
        buffer = LineBuffer(self.builder, self.clock, image, place)
        self.clock, self.image = buffer.clock, buffer.image
        return buffer

    def _show_all_places(self) -> None:
        """Let batch norms see all places, as those of the network do."""
        numbers, image = self.numbers, self.image
        if isinstance(numbers, Sums) and image is not None:
            steps = [_AtAllPlaces(step, image) if isinstance(step, NORMS) else step for step in numbers.steps]
            self.numbers = replace(numbers, steps=tuple(steps))


def _windows(buffer: LineBuffer, levels: Levels, place: OnePlace) -> Levels:
    """Numbers (channels, 1, ...) of a pixel as those of windows, (channels, *window)."""
    bits, weights = (part.reshape(len(part), -1) for part in (levels.bits, levels.weights))
    offset, taps = levels.offset.reshape(-1), place.sliding.taps
    fill = np.zeros(bits.shape, np.bool_)
    more = np.zeros(len(bits), np.int64)  # what a number outside is more than its bits say
    if (place.reads == OUTSIDE).any():
        if place.around is None:
            fill = weights < 0
        else:
            wanted = place.around * round(1 / levels.unit)
            fill = np.repeat((offset + weights.sum(axis=1) == wanted)[:, None], bits.shape[1], axis=1)
            more = wanted - offset - np.where(fill, weights, 0).sum(axis=1)
    read = buffer.taps(bits.reshape(-1).astype(np.int32), fill.reshape(-1)).reshape(*bits.shape, taps)
    ids, factors = np.moveaxis(read, 1, -1).astype(np.int64), np.repeat(weights[:, None], taps, axis=1)
    if more.any():
        inside = np.broadcast_to(buffer.inside().astype(np.int64)[:, None], (len(bits), taps, 1))
        ids = np.concatenate([ids, inside], axis=2)
        factors = np.concatenate([factors, np.repeat(-more[:, None, None], taps, axis=1)], axis=2)
    shape = len(bits), *place.sliding.window
    return Levels(
        ids.reshape(*shape, -1),
        factors.reshape(*shape, -1),
        np.repeat(offset + more, taps).reshape(shape),
        levels.unit,
        levels.shared or bool(more.any()),
    )


def _read_by(module: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which bits of a sample of this shape a module from bits to bits reads, bool (bits,)."""
    trial = CircuitBuilder(shape)
    found = module.lower(trial, trial.compare(trial.features, 0.5))
    read = np.zeros(trial.features.size, np.bool_)
    read[trial.build(found.reshape(-1)).encoder.feature] = True
    return read


class _AtAllPlaces:
    """A batch norm of all places of images, given the numbers (N, channels, ...) of one: its results have to be the
    same at every place.
    """

    def __init__(self, module: nn.Module, image: tuple[int, ...]) -> None:
        self.__self__ = module
        self._image = image

    def __call__(self, x: Tensor) -> Tensor:
        found = []
        first: Any = (..., *[slice(1)] * len(self._image))
        for part in torch.split(x, max(1, VALUES // (x.shape[1] * math.prod(self._image)))):
            one = part[first]
            y = self.__self__(one.expand(*one.shape[:2], *self._image).contiguous())
            if not ((y == y[first]) | y.isnan()).all():
                raise ValueError("a batch norm is rounded otherwise at some places; lower the model with to_circuit")
            found.append(y[first])
        return torch.cat(found).expand_as(x).contiguous()
