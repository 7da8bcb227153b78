"""The inputs of a netlist as rows of bits: comparators by their thresholds, words as bit planes, missing values."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.plan import MAX_ROWS
from lutsmith.circuit.engine.thresholds import Thresholds, as_float32, byte_thresholds, tiles_of, whole_words
from lutsmith.circuit.grid import MAX_WORD
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.ground.arrays import packed
from lutsmith.kernels.engine import bits, lanes, planes

SHORT = 4
"""Bits of scaled words whose thresholds are counted one by one."""


class Packing:
    """Packs blocks of samples into rows of bits. Immutable.

    Args:
        inputs: what is packed.
        first: the row of the first input.
        step: how many rows later the next one is.
    """

    def __init__(self, inputs: Inputs, first: int, step: int = 1) -> None:
        self.inputs = inputs
        compared, words = len(inputs.comparators), inputs.num_word_bits
        if first + step * len(inputs) >= MAX_ROWS:
            raise ValueError(f"{len(inputs)} inputs are more than the engine holds: {(MAX_ROWS - first) // step}")
        places = (first + step * np.arange(compared)) * lanes.ROW_BYTES
        self._thresholds = Thresholds(inputs.comparators, places.astype(np.uint32))
        self._planes = (
            None if inputs.words is None else _Planes(inputs.words, first + step * compared, step, inputs.num_features)
        )
        self._missing = slice(first + step * (compared + words), first + step * len(inputs), step)
        self._compares = compared > 0

    def scratch(self) -> NDArray[np.uint8]:
        """New scratch for `pack`; its first `bits.SCRATCH` bytes serve the other kernels of `bits` as well."""
        return self._thresholds.scratch()

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64], scratch: NDArray[np.uint8]) -> None:
        """Write the bits of up to 1,024 rows (n, F) of numbers into a matrix of bits; bits from n up mean nothing."""
        if self._compares:
            self._thresholds.pack(rows, values, scratch)
        if self._planes is not None:
            self._planes.pack(rows, values, scratch)
        if self.inputs.missing.size:
            missing = _missing(rows, self.inputs.missing)
            width = -(-len(rows) // 64)
            values[self._missing, :width] = packed(missing.T)

    def rest(self, sample: NDArray[Any], values: NDArray[np.uint8], first: int) -> None:
        """Write the inputs of one sample (F,) after the comparators, as bytes from `first` on."""
        rows, words = sample[None], self.inputs.words
        if words is not None:
            values[first : first + len(words)] = words.encode(rows)[0]
            first += len(words)
        missing = self.inputs.missing
        if missing.size:
            values[first : first + missing.size] = _missing(rows, missing)[0]


class _Planes:
    """The bits of words, in groups: each is eight bits of a word from the bit `shift` on, and the rows of these."""

    def __init__(self, words: WordBits, first: int, step: int, features: int) -> None:
        self._width = max(features, bits.TILE)
        formats = words.formats
        keys = np.stack([words.place, words.bit // 8])
        found, group = np.unique(keys, axis=1, return_inverse=True)
        group = group.reshape(-1)
        # a bit that is an input twice goes into a second group: a group has one row for each bit
        order = np.lexsort((words.bit, group))
        same = np.zeros(len(words), np.int64)
        again = (np.diff(group[order]) == 0) & (np.diff(words.bit[order]) == 0)
        for at in np.flatnonzero(again):
            same[order[at + 1]] = same[order[at]] + 1
        copies = np.stack([group, same])
        which, number = np.unique(copies, axis=1, return_inverse=True)
        place, octet = found[:, which[0]]  # of each group, by feature
        rows = np.full((which.shape[1], 8), planes.NONE, np.uint32)
        rows[number.reshape(-1), words.bit % 8] = first + step * np.arange(len(words))
        self._groups, self._formats = (place, octet, rows), formats
        self._is_short = ~formats.plain & ~formats.signed & (formats.bits <= SHORT)
        near = (_are_near(formats) | self._is_short)[place]
        self._floats = self._of_floats(place[near], octet[near], rows[near])
        self._rest, slow = np.unique(place[~near], return_inverse=True)
        self._of_rest = 8 * slow + octet[~near], rows[~near]

    def pack(self, rows: NDArray[Any], values: NDArray[np.uint64], scratch: NDArray[np.uint8]) -> None:
        """Write the rows of bits of samples (n, F)."""
        if rows.dtype == np.uint8:
            never, given = self._bytes
            values[never] = 0
            for part, first, words in whole_words(rows, self._width):
                planes.pack_bytes(values, part.ctypes.data, part.strides[0], first, words, scratch, *given)
            return
        if self._floats:
            for part, first, words in whole_words(as_float32(rows), self._width):
                planes.pack_floats(values, part.ctypes.data, part.strides[0], first, words, scratch, *self._floats)
        if self._rest.size:
            patterns = self._formats[self._rest].patterns(rows).astype("<u8", copy=False)
            data = np.zeros((-(-len(rows) // 64) * 64, 8 * self._rest.size), np.uint8)
            data[: len(rows)] = patterns.view(np.uint8).reshape(len(rows), -1)
            planes.pack(values, data, *self._of_rest)

    def _of_floats(
        self, place: NDArray[np.int64], octet: NDArray[np.int64], rows: NDArray[np.uint32]
    ) -> tuple[Any, ...]:
        """What `planes.pack_floats` wants to know."""
        if not place.size:
            return ()
        read, start = np.unique(place, return_index=True)
        formats = self._formats[read]
        low = np.array(formats.lowest, np.float64)
        line = np.where(
            formats.plain, [[0.0], [0.0]], [formats.offset + (low + 0.5) / formats.per_unit, formats.per_unit]
        )
        ends = np.stack([low, np.array(formats.highest, np.float64)], axis=1)
        counted = [
            self._thresholds(each) if self._is_short[each] else np.zeros(0, np.float32) for each in read.tolist()
        ]
        octets, shifts = np.append(start, place.size), (8 * octet).astype(np.uint32)
        tiles = self._tiles(formats.feature)
        return *tiles, ends, np.ascontiguousarray(line.T), *_spans(counted, np.float32), octets, shifts, _offsets(rows)

    def _thresholds(self, place: int) -> NDArray[np.float32]:
        """Those of one word."""
        grid = self._formats.thresholds(np.array([place]))
        return grid.value(np.arange((1 << grid.bits) - 1))

    @cached_property
    def _bytes(self) -> tuple[NDArray[np.uint32], tuple[Any, ...]]:
        """Rows that are 0 for all bytes, and what `planes.pack_bytes` wants to know; made when bytes first come."""
        place, octet, rows = self._groups
        formats = self._formats
        plain = formats.plain[place]
        never = rows[plain & (octet > 0)]
        kept = ~plain | (octet == 0)
        place, octet, rows, plain = place[kept], octet[kept], rows[kept], plain[kept]
        high = np.array([min(255, highest) for highest in formats.highest], np.uint8)
        short = self._is_short[place]
        by_table = ~plain & ~short
        tables = np.where(by_table, np.cumsum(by_table) - 1, -1)
        scaled = np.unique(place[by_table])
        every = np.broadcast_to(np.arange(256)[:, None], (256, int(formats.feature[-1]) + 1))
        patterns = formats[scaled].patterns(every)[:, np.searchsorted(scaled, place[by_table])]
        pool = (patterns >> (8 * octet[by_table]).astype(np.uint64)).astype(np.uint8).T
        counted = [_least(self._thresholds(each)) if some else np.zeros(0, np.uint8)
                   for each, some in zip(place.tolist(), short.tolist(), strict=True)]  # fmt: skip
        limits = np.where(plain | short, high[place], np.uint8(255))
        limits[short] = np.where([each.size > 0 for each in counted], limits, 0)[short]  # bytes reach no threshold
        given = *self._tiles(formats.feature[place]), _offsets(rows), limits, tables, np.ascontiguousarray(pool)
        return never[never != planes.NONE], (*given, *_spans(counted, np.uint8))

    def _tiles(self, features: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Tiles, where the features of each begin, and the column of each feature; features ascend."""
        tiles = tiles_of(np.unique(features).astype(np.int64), self._width)
        tile_of = np.searchsorted(tiles, features, side="right") - 1
        return tiles, np.searchsorted(tile_of, np.arange(tiles.size + 1)), features - tiles[tile_of]


def _least(thresholds: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The bytes from which on thresholds lie below a byte, uint8; of those that bytes exceed."""
    limits, always = byte_thresholds(thresholds)
    return np.where(always, 0, limits.astype(np.int64) + 1)[always | (limits < 255)].astype(np.uint8)


def _spans(parts: list[NDArray[Any]], kind: type) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Where each part begins and ends in all of them together, int64 (n, 2), and these."""
    ends = np.cumsum([part.size for part in parts])
    starts = ends - [part.size for part in parts]
    return np.stack([starts, ends], axis=1).astype(np.int64), np.concatenate([np.zeros(0, kind), *parts])


def _offsets(rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.where(rows == planes.NONE, rows, rows * np.uint32(lanes.ROW_BYTES))


def _are_near(formats: WordFormats) -> NDArray[np.bool_]:
    """Which words `planes.pack_floats` reckons: at most 24 bits, and float32 much finer than the thresholds."""
    low = np.array(formats.lowest, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [formats.offset + (low + at) / formats.per_unit for at in (0.0, 2.0**formats.bits)]
        finest = np.spacing(np.abs(ends).max(axis=0).astype(np.float32)).astype(np.float64)
        near: NDArray[np.bool_] = planes.NEAREST * finest * formats.per_unit <= 1
    return (formats.bits <= MAX_WORD) & (formats.plain | near)


def _missing(rows: NDArray[Any], features: NDArray[np.int32]) -> NDArray[np.bool_]:
    chosen = rows[:, features]
    if chosen.dtype.kind != "f":
        return np.zeros(chosen.shape, np.bool_)
    missing: NDArray[np.bool_] = np.isnan(chosen)
    return missing
