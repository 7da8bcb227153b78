"""Max pooling of sums in a machine: each sum is counted and compared once, and its comparisons are pooled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lutsmith.logic.weighted_sums import WeightedSums, WordBounds
from lutsmith.nn.one_place import OUTSIDE, OnePlace
from lutsmith.nn.streaming.line_buffer import LineBuffer
from lutsmith.nn.sums.emitting import NeuronEmitter
from lutsmith.nn.sums.numbers import Block, Ids, LinearMap, Sums
from lutsmith.nn.sums.torch_modules import after

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

TAG = 32
"""A signal s at tap k of a pool's window is the number `s + (2 k + least) 2^32`; `least` says whether the pool takes
the least of these sums, because the numbers fall with them."""


def pooled(sums: Sums, place: OnePlace) -> Sums:
    """The greatest of each window of sums (C, 1, ...) of one pixel: what `PooledEmitter` makes.

    Raises:
        ValueError: as `Sums.pooled`.
    """
    taps = place.sliding.taps
    maps = [
        LinearMap(each.weights, np.repeat(each.reads, taps, axis=0), _at_taps(each.owners, taps)) for each in sums.maps
    ]
    each = sums.sources[..., 0].reshape(-1, 1) * taps + np.arange(taps)
    sources = each.reshape(sums.shape[0], *place.sliding.window, 1)
    shape = sums.sums[0], *place.sliding.window
    sums = replace(
        sums.whole(), maps=tuple(maps), sums=shape, sources=sources, lowest=np.zeros(sources.shape[:-1], bool)
    )
    found = after(place.module, sums)
    assert isinstance(found, Sums)
    return found


class PooledEmitter(NeuronEmitter):
    """The maker of sums that are pooled: words and comparisons are those of one pixel, and windows of the comparisons
    are read from the pool's registers.

    Args:
        builder: of the machine.
        sums: those that are pooled, of one pixel.
        lowest: bool (channels,), where the pool takes the least sum.
        place: the pool at one place.
        buffer: of the pool.
    """

    def __init__(
        self, builder: CircuitBuilder, sums: Sums, lowest: NDArray[np.bool_], place: OnePlace, buffer: LineBuffer
    ) -> None:
        super().__init__(builder)
        self._sums, self._taps, self._buffer = sums, place.sliding.taps, buffer
        self._lowest = np.zeros(lowest.size, np.bool_)  # of each sum; where nothing stands around it does not matter
        self._lowest[sums.sources.reshape(-1)] = lowest & (place.reads == OUTSIDE).any()

    def is_of(self, sums: Sums) -> bool:
        """Whether these are the sums that this emitter makes."""
        return sums.levels is self._sums.levels

    def blocks(self, sums: Sums) -> list[Block]:  # noqa: ARG002 - they are those of one pixel, at each tap
        found = []
        for each in self._sums.blocks(self.constants):
            lowest = self._lowest[each.owners]  # (m, P)
            for least in np.unique(lowest, axis=0):
                rows = (lowest == least).all(axis=1)
                weights = each.weights[rows]
                there = weights.any(axis=0)
                tag = 2 * np.arange(self._taps) + least[:, None]
                bits = each.bits[:, None, there] + (tag << TAG)[..., None]  # (P, taps, n)
                owners = _at_taps(each.owners[rows], self._taps)
                found.append(Block(weights[:, there], bits.reshape(owners.shape[1], -1), each.base[rows], owners))
        return found

    def words(self, sums: WeightedSums, bits: Ids) -> Ids:
        tag, unique, place = _apart(bits)
        return super().words(sums, unique & _SIGNALS)[place] + (tag << TAG)

    def compared(self, compared: WordBounds, words: Ids) -> Ids:
        tag, unique, place = _apart(words)
        made = super().compared(compared, unique & _SIGNALS).astype(np.int32)
        below = np.array([less for _, _, less in compared.bounds])
        # The greatest is at least a bound where any is: a tap outside says no. It is below where all are: yes.
        around = below != (unique[:, :1] >> TAG & 1 == 1)
        pooled = self._buffer.taps(made.reshape(-1), around.reshape(-1)).astype(np.int64)
        return pooled.reshape(*made.shape, -1)[place, :, tag[:, 0] >> 1]


_SIGNALS = (1 << TAG) - 1


def _at_taps(owners: NDArray[np.int64], taps: int) -> NDArray[np.int64]:
    """The sums (m, P) at each tap, (m, P taps)."""
    return (owners[..., None] * taps + np.arange(taps)).reshape(len(owners), -1)


def _apart(numbers: Ids) -> tuple[NDArray[np.int64], Ids, NDArray[np.int64]]:
    """The tag of each row (P, n), (P, 1); the distinct rows of the first tap, and which of them each row is."""
    tag = numbers[:, :1] >> TAG
    unique, place = np.unique(numbers - (tag >> 1 << 1 << TAG), axis=0, return_inverse=True)
    return tag, unique, place.reshape(-1)
