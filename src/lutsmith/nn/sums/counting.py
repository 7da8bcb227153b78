"""Sums as bits: adders count them as words, which are compared with the integers at which later results change.

A `Maker` says what that means: lowering emits adders and comparators into a circuit; the proof finds them there and
compares each with what it should be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.logic.weighted_sums import WeightedSums, WordBounds
from lutsmith.nn.sums.numbers import NOTHING, Block, Bound, Changes, Ids, Levels, Sums

MAX_STEPS = 15
"""Values that a number may have besides the least: each is a bit."""

GRID = 40
"""Fractional bits of numbers that may be added up, at most."""


class Maker(Protocol):
    """Where adders, comparators and LUTs are made, or looked for."""

    constants: tuple[int, int]
    """What is always 0, and always 1."""

    def blocks(self, sums: Sums) -> list[Block]:
        """The sums over bits."""

    def words(self, sums: WeightedSums, bits: Ids) -> Ids:
        """The bits of the words (P, W) of sums, at P places that read the bits (P, n)."""

    def compared(self, compared: WordBounds, words: Ids) -> Ids:
        """The results (P, R) of words (P, W) compared with constants."""

    def lut(self, inputs: Ids, table: int) -> Ids:
        """LUTs (W,) of one table that read inputs (W, n)."""

    def luts(self, inputs: Ids, tables: NDArray[np.bool_], table_of: NDArray[np.int64]) -> Ids:
        """LUTs (W,) that read inputs (W, n), n up to 8, and have tables[table_of], bool (T, 2**n)."""


class _Word(NamedTuple):
    """Where the word of a sum is: the sum is base + step times the word."""

    block: int
    row: int
    place: int


@dataclass(frozen=True, eq=False)
class _Counted:
    """A block of sums, some of its rows at some of its places as words."""

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    sums: WeightedSums
    base: NDArray[np.int64]  # of each row
    words: Ids  # (places, bits of all rows)

    def word(self, row: int, place: int) -> tuple[Ids, NDArray[np.int64]]:
        """The bits of a word, and their places."""
        number = int(np.searchsorted(self.rows, row))
        first = sum(map(len, self.sums.places[:number]))
        places = np.array(self.sums.places[number])
        return self.words[np.searchsorted(self.places, place), first : first + places.size], places


def levels_of(maker: Maker, numbers: Levels | Sums) -> Levels:
    """Numbers as levels.

    Raises:
        ValueError: they are not integers on a grid, or have too many values for bits of their own.
    """
    if isinstance(numbers, Levels):
        return numbers
    if numbers.last is not None:
        return _coded(maker, numbers)
    changes = numbers.changes(lambda x: x)
    unit = _unit(np.concatenate([changes.first, changes.values]))
    per_unit = 1 / unit
    count = np.bincount(changes.place, minlength=len(changes.first))
    if count.max(initial=0) > 1:
        words = _words(maker, numbers, changes)
        if words is not None:
            return words
    if count.max(initial=0) > MAX_STEPS:
        raise ValueError(
            f"it hands on numbers of more than {MAX_STEPS + 1} values that are not integers of a grid, to be added up; "
            "put a BinarizeSign or ResidualSign between, or leave scale, bias and batch norm out"
        )
    bits = _thresholds(maker, numbers, changes.place, changes.at, np.zeros(changes.place.size, np.bool_))
    slot = np.arange(changes.place.size) - np.repeat(np.cumsum(count) - count, count)
    before = np.where(slot == 0, changes.first[changes.place], np.roll(changes.values, 1))
    size = (len(changes.first), max(1, int(count.max(initial=0))))
    ids, weights = np.full(size, maker.constants[0], np.int64), np.zeros(size, np.int64)
    ids[changes.place, slot] = bits
    weights[changes.place, slot] = np.rint((changes.values - before) * per_unit).astype(np.int64)
    offset = np.rint(changes.first * per_unit).astype(np.int64)
    shape = numbers.shape
    return Levels(ids.reshape(*shape, -1), weights.reshape(*shape, -1), offset.reshape(shape), unit)


def bits_of(maker: Maker, numbers: Levels | Sums, above: float = 0.5) -> Ids:
    """Whether each number is above another, as bits of its shape: 1/2 is what LUTs, pools of bits and heads read."""
    if isinstance(numbers, Levels):
        found = numbers.as_bits(above)
        if found is not None:
            bits, inverted, varies = found
            flat = np.where(varies, bits, np.array(maker.constants)[inverted.astype(np.int64)]).reshape(-1)
            turned = np.flatnonzero((inverted & varies).reshape(-1))
            flat[turned] = maker.lut(flat[turned][:, None], 0b01)
            return flat.reshape(bits.shape)
    return _decided(maker, numbers.as_sums().whole(), lambda x: x > above)


def _coded(maker: Maker, numbers: Sums) -> Levels:
    """The bits of residual levels, and their scales as weights."""
    module = numbers.last
    signs = residual_bits(maker, numbers)
    sizes = residual_sizes(module, numbers.shape)
    unit = _unit(sizes)
    weights = np.rint(sizes / unit).astype(np.int64)
    return Levels(signs, 2 * weights, -weights.sum(axis=-1), unit)


def residual_levels(maker: Maker, numbers: Sums) -> Levels:
    """The levels of a residual sign one after the other along the first axis, as numbers."""
    module: Any = numbers.last
    bits = np.moveaxis(residual_bits(maker, numbers), -1, 0)
    bits = bits.reshape(bits.shape[0] * bits.shape[1], *bits.shape[2:], 1)
    if not module.scaled:
        return Levels.of_bits(bits[..., 0]).affine(2, -1)
    sizes = np.moveaxis(residual_sizes(module, numbers.shape), -1, 0).reshape(bits.shape)
    unit = _unit(sizes)
    weights = np.rint(sizes / unit).astype(np.int64)
    return Levels(bits, 2 * weights, -weights[..., 0], unit)


def residual_bits(maker: Maker, numbers: Sums) -> Ids:
    """Whether the sign of each level is +1, as bits (*shape, M)."""
    module: Any = numbers.last

    def signs(x: Tensor) -> Tensor:
        return torch.stack(module.signs(x)[0], dim=-1) > 0

    return _decided(maker, numbers, Bound(module, signs))


def residual_sizes(module: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The scales of a residual sign for numbers of a shape, float64 (*shape, M)."""
    scales = module.magnitudes().detach().double().cpu().numpy()
    if scales.ndim == 2:
        scales = scales.reshape(len(scales), -1, *[1] * (len(shape) - 1))
    else:
        scales = scales.reshape(-1, *[1] * len(shape))
    return np.moveaxis(np.broadcast_to(scales, (len(scales), *shape)), 0, -1)


def _unit(values: NDArray[np.float64]) -> float:
    """The largest power of two, 1 at most, that all values are multiples of."""
    for fraction in range(GRID + 1):
        scaled = values * 2.0**fraction
        if (scaled == np.rint(scaled)).all() and np.abs(scaled).max(initial=0) < 2**52:
            return 2.0**-fraction
    raise ValueError("its numbers are on no grid of a power of two; expected signs, or levels with scale_bits")


def _words(maker: Maker, numbers: Sums, changes: Changes) -> Levels | None:
    """Numbers that are an affine function of their sums, as the bits of these; None where they are not."""
    _, _, step, low, high = numbers.lattice()
    if numbers.sources.shape[-1] > 1:
        return None
    sources = numbers.sources.reshape(-1)
    count = np.bincount(changes.place, minlength=sources.size)
    if ((count > 0) & (count != (high - low)[sources] // step)).any():
        return None  # it does not change with every integer
    ends = np.append(np.flatnonzero(changes.place[1:] != changes.place[:-1]), changes.place.size - 1)
    slope = np.zeros(len(changes.first))
    where = changes.place[ends]
    slope[where] = (changes.values[ends] - changes.first[where]) / (changes.at[ends] - low[sources[where]])
    expected = changes.first[changes.place] + slope[changes.place] * (changes.at - low[sources[changes.place]])
    if not np.array_equal(expected, changes.values):
        return None
    unit = _unit(np.concatenate([slope, changes.first]))
    factor = np.rint(slope / unit).astype(np.int64)
    counted, places, fixed = _count(maker, numbers, sources[where])
    found = {
        int(place): counted[places[int(sources[place])].block] for place in where if int(sources[place]) not in fixed
    }
    width = max([1, *(len(one) for each in found.values() for one in each.sums.places)])
    bits = np.full((sources.size, width), maker.constants[0], np.int64)
    weights, offset = np.zeros_like(bits), np.rint(changes.first / unit).astype(np.int64)
    for place in where:
        if int(sources[place]) in fixed:
            offset[place] += factor[place] * (fixed[int(sources[place])] - low[sources[place]])
    for place, each in found.items():
        at = places[int(sources[place])]
        (word, shifts), row = each.word(at.row, at.place), int(np.searchsorted(each.rows, at.row))
        bits[place, : word.size] = word
        weights[place, : word.size] = factor[place] * int(each.sums.step[row]) << shifts
        offset[place] += factor[place] * (each.base[row] - low[sources[place]])
    shape = numbers.shape
    return Levels(bits.reshape(*shape, -1), weights.reshape(*shape, -1), offset.reshape(shape), unit)


def _decided(maker: Maker, numbers: Sums, function: Any) -> Ids:
    """What a function to bits, (N, *shape) or (N, *shape, M), makes of numbers: bits (*shape) or (*shape, M)."""
    changes = numbers.changes(function)
    first = changes.first.reshape(len(changes.first), -1)
    values = changes.values.reshape(changes.place.size, first.shape[1])
    several = first.shape[1]
    before = np.concatenate([first[:1], values[:-1]])[: len(values)]
    begins = np.ones(changes.place.size, np.bool_)
    begins[1:] = changes.place[1:] != changes.place[:-1]
    before[begins] = first[changes.place[begins]]
    turn, level = np.nonzero(values != before)
    owner = changes.place[turn] * several + level  # the bit that turns
    order = np.argsort(owner, kind="stable")
    owner, turn = owner[order], turn[order]
    count = np.bincount(owner, minlength=first.size)
    below = first.reshape(-1)[owner] & (count[owner] == 1)
    made = _thresholds(maker, numbers, changes.place[turn], changes.at[turn], below)
    found = np.array(maker.constants, np.int64)[first.reshape(-1).astype(np.int64)]
    start = np.cumsum(count) - count
    for turns in np.unique(count[count > 0]).tolist():
        same = np.flatnonzero(count == turns)
        inputs = made[start[same][:, None] + np.arange(turns)]
        found[same] = inputs[:, 0] if turns == 1 else _turned(maker, inputs, first.reshape(-1)[same])
    shape = numbers.shape if changes.first.ndim == 1 else (*numbers.shape, several)
    return found.reshape(shape)


def _turned(maker: Maker, inputs: Ids, starts: NDArray[np.bool_]) -> Ids:
    """Bits that are `starts` (W,), and turn with each of the inputs (W, n) that is 1; constants are left out."""
    zero, one = maker.constants
    inverted = starts ^ ((inputs == one).sum(axis=1) & 1 == 1)
    fixed = (inputs == zero) | (inputs == one)
    ordered = np.take_along_axis(inputs, np.argsort(fixed, axis=1, kind="stable"), axis=1)
    count = (~fixed).sum(axis=1)
    found = np.where(inverted, one, zero)
    for size in np.unique(count[count > 0]).tolist():
        for turned in (False, True):
            rows = np.flatnonzero((count == size) & (inverted == turned))
            if rows.size:
                own = ordered[rows][:, :size]
                found[rows] = own[:, 0] if size == 1 and not turned else _parity(maker, own, turned)
    return found


def _parity(maker: Maker, inputs: Ids, inverted: bool) -> Ids:
    """Whether an odd number of inputs (W, n) is 1, inverted or not."""
    while inputs.shape[1] > MAX_RANK:
        inputs = np.concatenate([_parity(maker, inputs[:, :MAX_RANK], False)[:, None], inputs[:, MAX_RANK:]], axis=1)
    odd = [bin(address).count("1") & 1 ^ inverted for address in range(1 << inputs.shape[1])]
    return maker.lut(inputs, sum(bit << address for address, bit in enumerate(odd)))


def _thresholds(
    maker: Maker, numbers: Sums, place: NDArray[np.int64], at: NDArray[np.int64], below: NDArray[np.bool_]
) -> Ids:
    """Whether the integers of some places are `at` or more, or with `below` less: bits (T,)."""
    if not place.size:
        return np.zeros(0, np.int64)
    sources = numbers.sources.reshape(-1, numbers.sources.shape[-1])[place]
    there = sources != NOTHING
    asked = np.stack([sources[there], *(np.broadcast_to(x[:, None], there.shape)[there] for x in (at, below))], axis=1)
    unique, number = np.unique(asked.astype(np.int64), axis=0, return_inverse=True)
    made = _compared(maker, numbers, unique)
    # The greatest is at least t where any is, and below where all are; of the least the other way round.
    any_of = numbers.lowest.reshape(-1)[place] == below
    found = np.where(any_of[:, None], *(np.full(there.shape, maker.constants[value]) for value in (0, 1)))
    found[there] = made[number.reshape(-1)]
    if found.shape[1] == 1:
        return found[:, 0]
    result = np.zeros(place.size, np.int64)
    for either in (False, True):
        rows = np.flatnonzero(any_of == either)
        result[rows] = _joined(maker, found[rows], either)
    return result


def _joined(maker: Maker, inputs: Ids, either: bool) -> Ids:
    """Whether any (or all) of inputs (W, n) are 1; constants are left out."""
    neutral, decisive = maker.constants if either else maker.constants[::-1]
    fixed = (inputs == decisive).any(axis=1)
    order = np.argsort(inputs == neutral, axis=1, kind="stable")
    ordered = np.take_along_axis(inputs, order, axis=1)
    count = np.where(fixed, 0, (inputs != neutral).sum(axis=1))
    result = np.where(fixed, decisive, neutral)
    for size in np.unique(count[count > 0]).tolist():
        rows, left = np.flatnonzero(count == size), ordered[count == size][:, :size]
        while left.shape[1] > 1:
            parts = [left[:, start : start + MAX_RANK] for start in range(0, left.shape[1], MAX_RANK)]
            left = np.stack([_gate(maker, part, either) for part in parts], axis=1)
        result[rows] = left[:, 0]
    return result


def _gate(maker: Maker, inputs: Ids, either: bool) -> Ids:
    size = 1 << inputs.shape[1]
    return inputs[:, 0] if size == 2 else maker.lut(inputs, (1 << size) - 2 if either else 1 << size - 1)


def _compared(maker: Maker, numbers: Sums, asked: NDArray[np.int64]) -> Ids:
    """Whether sums are `at` or more, or less: bits (U,) of distinct rows (sum, at, below)."""
    counted, places, fixed = _count(maker, numbers, np.unique(asked[:, 0]))
    by_place: dict[tuple[int, int], list[tuple[int, tuple[int, int, bool]]]] = {}
    result = np.zeros(len(asked), np.int64)
    for number, (source, at, below) in enumerate(asked.tolist()):
        if source in fixed:
            result[number] = maker.constants[(fixed[source] >= at) ^ below]
            continue
        where = places[source]
        each = counted[where.block]
        row = int(np.searchsorted(each.rows, where.row))
        bound = -((int(each.base[row]) - at) // int(each.sums.step[row]))  # rounded up
        most = sum(1 << shift for shift in each.sums.places[row])
        if bound <= 0 or bound > most:
            result[number] = maker.constants[(bound <= 0) ^ below]
            continue
        by_place.setdefault((where.block, where.place), []).append((number, (row, bound, bool(below))))
    groups: dict[tuple[int, WordBounds], tuple[list[int], list[list[int]]]] = {}
    for (block, place), wanted in by_place.items():
        wanted.sort(key=lambda each: each[1])
        compared = WordBounds(tuple(counted[block].sums.places), tuple(bound for _, bound in wanted))
        some, numbers_ = groups.setdefault((block, compared), ([], []))
        some.append(place)
        numbers_.append([number for number, _ in wanted])
    for (block, compared), (some, numbers_) in groups.items():
        words = counted[block].words[np.searchsorted(counted[block].places, some)]
        result[np.array(numbers_)] = maker.compared(compared, words)
    return result


@lru_cache(maxsize=16)
def _weighted(weights: bytes, shape: tuple[int, ...]) -> WeightedSums:
    """The sums of int64 weights, made once for a network that is lowered and then proved."""
    return WeightedSums(np.frombuffer(weights, np.int64).reshape(shape))


def _count(
    maker: Maker, numbers: Sums, wanted: NDArray[np.int64]
) -> tuple[dict[int, _Counted], dict[int, _Word], dict[int, int]]:
    """Count those sums that are wanted: the blocks by number, where each sum is, and those that are constant."""
    needed = np.zeros(math.prod(numbers.sums), np.bool_)
    needed[wanted] = True
    counted: dict[int, _Counted] = {}
    places: dict[int, _Word] = {}
    fixed: dict[int, int] = {}
    for number, block in enumerate(maker.blocks(numbers)):
        used = needed[block.owners]
        rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
        for row in rows[~block.weights[rows].any(axis=1)].tolist():
            fixed |= dict.fromkeys(block.owners[row].tolist(), int(block.base[row]))
        rows = rows[block.weights[rows].any(axis=1)]
        if not rows.size:
            continue
        weights = block.weights[rows]
        read = np.flatnonzero(weights.any(axis=0))
        own = np.ascontiguousarray(weights[:, read])
        sums = _weighted(own.tobytes(), own.shape)
        words = maker.words(sums, block.bits[columns][:, read])
        counted[number] = _Counted(rows, columns, sums, block.base[rows] + sums.offset, words)
        for row, place in np.argwhere(used[rows][:, columns]).tolist():
            owner = int(block.owners[rows[row], columns[place]])
            places[owner] = _Word(number, int(rows[row]), int(columns[place]))
    return counted, places, fixed
