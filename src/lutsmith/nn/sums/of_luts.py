"""Layers that add up LUTs, as LUTs of a circuit and sums of their bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.sums.counting import Maker, bits_of
from lutsmith.nn.sums.emitting import NeuronEmitter
from lutsmith.nn.sums.numbers import Levels, LinearMap, Step, Sums


def sums_of_luts(
    maker: Maker,
    numbers: Levels | Sums,
    mask: Tensor,
    tables: Tensor,
    kept: Tensor,
    windows: NDArray[np.int64],
    outside: float,
    shape: tuple[int, ...],
    scaled: Step,
) -> Sums:
    """Emit the LUTs that are kept, at all places, and return their sums.

    Args:
        maker: of the circuit.
        numbers: what the LUTs read, of one sample.
        mask: the inputs of a neuron that its LUTs read, integers (outputs, LUTs, rank).
        tables: bool (outputs, LUTs, 2**rank).
        kept: bool (outputs, LUTs), those that count.
        windows: int64 (inputs of a neuron, P): the place of each in the flattened sample, or -1 outside of it.
        outside: what is read there.
        shape: of the sums of a sample, (outputs, ...) with P places in all.
        scaled: what the layer makes of its sums.
    """
    if not isinstance(maker, NeuronEmitter):
        raise TypeError(f"maker is a {type(maker).__name__}; expected NeuronEmitter")
    bits = _positive(maker, numbers).reshape(-1)
    bits = np.append(bits, maker.constants[outside > 0])
    owner, number = np.nonzero(kept.cpu().numpy())
    read, words = mask.cpu().numpy()[owner, number], tables.cpu().numpy()[owner, number]
    places = windows.shape[1]
    made = np.zeros((len(owner), places), np.int64)
    for place in range(places if len(owner) else 0):
        signals = bits[windows[:, place]][read].astype(np.int32)
        made[:, place] = maker.builder.lut(signals, words, np.arange(len(owner)))
    levels = Levels.of_bits(made).affine(2, -1)
    every = np.arange(len(owner) * places).reshape(len(owner), places)
    owners = np.arange(len(kept) * places).reshape(len(kept), 1, places)
    maps = []
    for output in range(len(kept)):
        own = every[owner == output].T  # (P, LUTs)
        maps.append(LinearMap(np.ones((1, own.shape[1]), np.int64), own, owners[output]))
    return Sums.of(levels, maps, shape, scaled)


def _positive(maker: Maker, numbers: Levels | Sums) -> NDArray[np.int64]:
    """Whether each number is above 0, as bits."""
    if isinstance(numbers, Levels) and numbers.bits.shape[-1] == 1:
        return bits_of(maker, replace(numbers, unit=1.0))  # of integers: above 1/2
    sums = Sums.plain(numbers) if isinstance(numbers, Levels) else numbers
    return bits_of(maker, sums.then(_above_zero))


def _above_zero(x: Tensor) -> Tensor:
    return (x > 0).to(x.dtype)
