"""Weighted sums of bits as words, and words compared with constants: the pieces of a neuron with a threshold.

All neurons of a layer are made in one netlist. Their inputs are cut into blocks of six, the same for all, and how many
bits of a block agree with a neuron's signs is counted once for all neurons that have these signs there, or just the
opposite ones. That is half of a layer of a few hundred neurons, shared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.logic.arithmetic import at_least, signed_digits, total
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, Literals, address_bits, table
from lutsmith.logic.sums import LinearRewriting, NotDecided, expected_sum, sum_of

MAX_MAGNITUDES = 6
"""Distinct sizes of weights that are counted by themselves and multiplied then; of more, weights are split in bits."""

MAX_WIDTH = 22
"""Bits of words whose comparisons are checked for every value."""


class WeightedSums:
    """Sums of bits with integer weights, as unsigned words.

    Sum o of bits x is `offset[o] + step[o] * word[o]`, where step is the greatest divisor of the weights.

    Args:
        weights: int64 (m, n); no row and no column is all 0.

    Attributes:
        netlist: n inputs; its outputs are the bits of the words, word after word, the least significant first.
        places: for each word the places of its bits: bit j counts 2^places[j]. Bits that are never 1 are left out.
        offset: int64 (m,).
        step: int64 (m,), positive.
    """

    def __init__(self, weights: NDArray[np.int64]) -> None:
        self.weights = weights
        self.step = np.gcd.reduce(weights, axis=1)
        scaled = weights // self.step[:, None]
        made = [_Made(scaled, blocks=blocks) for blocks in (True, False)[: 1 + (not weights.all())]]
        best = min(made, key=lambda each: each.netlist.num_nodes)
        self.netlist, self.places, self.offset = best.netlist, best.places, self.step * best.offset
        self._counts, self._lengths = best.counts, best.lengths

    def check(self) -> None:
        """Prove that the netlist is the sums, by substitution of polynomials (`sums`).

        Counts of bits of one weight, which are multiplied then, are proved by themselves, and stand for these bits.

        Raises:
            ValueError: it is not.
            NotDecided: a polynomial became too large.
        """
        outputs = np.split(self.netlist.outputs, np.cumsum([len(places) for places in self.places])[:-1])
        scaled, low = self.weights // self.step[:, None], -self.offset // self.step
        rewriting = LinearRewriting(self.netlist)
        for row, bits in enumerate(outputs):
            weights, constant, leaves = dict(enumerate(scaled[row].tolist())), int(low[row]), []
            for count in self._counts[row]:
                least = count.offset + sum(min(sign, 0) for sign in count.signs.values())
                most = least + len(count.signs)
                self._check_word(
                    rewriting, dict(enumerate(count.bits)), len(count.bits), count.signs, count.offset, least, most
                )
                # factor (offset + sum sign x) is factor times the word: it takes the place of these inputs.
                for place, sign in count.signs.items():
                    weights[place] -= count.factor * sign
                constant -= count.factor * count.offset
                for place, bit in enumerate(count.bits):  # a count of one input is this input
                    weights[bit] = weights.get(bit, 0) + (count.factor << place)
                leaves += count.bits
            least = int(low[row] + np.minimum(scaled[row], 0).sum())
            most = least + int(np.abs(scaled[row]).sum())
            word = dict(zip(self.places[row], bits.tolist(), strict=True))
            self._check_word(rewriting, word, self._lengths[row], weights, constant, least, most, leaves)

    def _check_word(
        self,
        rewriting: LinearRewriting,
        word: dict[int, int],
        length: int,
        weights: dict[int, int],
        constant: int,
        least: int,
        most: int,
        leaves: Collection[int] = (),
    ) -> None:
        """Raise where bits, by their places, are not the word of a sum that is `least` to `most`."""
        modulus, bits = 1 << length, [word.get(place, -1) for place in range(length)]
        wanted = expected_sum(weights, constant, modulus)
        found = rewriting.sum_of(bits, modulus, leaves)
        if found is None:
            found = sum_of(self.netlist, bits, modulus, leaves=leaves)
        if least < 0 or most >= modulus or found != wanted:
            raise ValueError(f"a word of {length} bits in a netlist is another sum than that of its weights")


@dataclass(frozen=True)
class WordBounds:
    """Words compared with constants.

    Attributes:
        places: of each word the places of its bits, as those of `WeightedSums`.
        bounds: of each result the word, the bound, and whether it is `word < bound` in place of `word >= bound`.
    """

    places: tuple[tuple[int, ...], ...]
    bounds: tuple[tuple[int, int, bool], ...]

    @cached_property
    def netlist(self) -> Netlist:
        """The LUTs: inputs are the bits of the words, one after the other; outputs the results."""
        logic = FoldingBuilder()
        inputs = logic.input(sum(map(len, self.places)))
        words = []
        for places in self.places:
            words.append(np.full(places[-1] + 1, FALSE))
            words[-1][list(places)], inputs = inputs[: len(places)], inputs[len(places) :]
        ends = np.zeros(len(self.bounds), np.int64)
        for width in sorted({word.size for word in words}):
            rows = [row for row, (word, _, _) in enumerate(self.bounds) if words[word].size == width]
            if not rows:
                continue
            some = np.stack([words[self.bounds[row][0]] for row in rows])
            below = np.array([self.bounds[row][2] for row in rows])
            bounds = np.array([self.bounds[row][1] for row in rows], np.int64)
            # w < b is ~w >= 2^n - b: complements of inputs cost nothing, those of results would.
            ends[rows] = at_least(logic, some ^ below[:, None], np.where(below, (1 << width) - bounds, bounds))
        return logic.build(ends)

    def check(self) -> None:
        """Compare the netlist with the integers for every value of each word.

        Raises:
            ValueError: they differ.
            NotDecided: a word has more than `MAX_WIDTH` bits.
        """
        widest = max(map(len, self.places))
        if widest > MAX_WIDTH:
            raise NotDecided(f"a word of {widest} bits, and up to {MAX_WIDTH} are compared for every value")
        word, bound, below = (np.array(column) for column in zip(*self.bounds, strict=True))
        for start in range(0, 1 << widest, step := 1 << 12):
            numbers = np.arange(start, min(start + step, 1 << widest))[:, None]
            given = np.concatenate([numbers >> np.arange(len(places)) & 1 == 1 for places in self.places], axis=1)
            values = np.stack(
                [(numbers >> np.arange(len(places)) & 1) @ (1 << np.array(places)) for places in self.places], axis=1
            )
            wanted = (values[:, word] >= bound) ^ below
            if not np.array_equal(self.netlist.evaluate(given), wanted):
                raise ValueError("the LUTs of words compared with constants compute something else than the integers")


class _Count(NamedTuple):
    """A word within a netlist, which is multiplied then: `offset + sum of signs[input] * input`."""

    factor: int
    bits: list[int]
    signs: dict[int, int]
    offset: int


class _Made:
    """The netlist of sums (m, n) whose weights have no common divisor.

    Attributes:
        netlist: as `WeightedSums`; `places` and `offset` too.
        lengths: bits of each word with those that are constant.
        counts: of each sum the counts in it that are multiplied.
    """

    def __init__(self, weights: NDArray[np.int64], *, blocks: bool) -> None:
        logic = FoldingBuilder()
        inputs = logic.input(weights.shape[1])
        rows, size = len(weights), np.abs(weights)
        self.offset = np.minimum(weights, 0).sum(axis=1)
        self._columns: list[list[Literals]] = []
        most = np.zeros(rows, np.int64)  # what the word can be at most
        cut: list[tuple[int, NDArray[np.bool_], Literals, NDArray[np.int64]]] = []
        for factor, member in _by_magnitude(size):
            bits = np.where(member, inputs ^ (weights < 0), FALSE)
            count, high, more = _blocks(logic, bits) if blocks else ([bits], member.sum(axis=1), np.zeros(rows, int))
            self.offset -= factor * more
            if factor & (factor - 1) == 0:
                most += factor * high
                self._put(count, factor.bit_length() - 1)
                continue
            length = int(high.max()).bit_length()
            word = total(logic, count, length)
            cut.append((factor, member, word, more + np.where(member, weights < 0, False).sum(axis=1)))
            for shift, digits in enumerate(signed_digits(np.array([factor]))):
                if digits[0]:
                    # Less x is its complement and a constant: -x is ~x - (2^n - 1) for x of n bits.
                    full, inverted = (1 << length) - 1, int(digits[0] < 0)
                    self.offset -= (full << shift) * inverted
                    most += (np.full(rows, full) if inverted else high) << shift
                    self._put([word[:, place, None] ^ inverted for place in range(length)], shift)
        width = int(most.max()).bit_length()
        none = np.zeros((rows, 0), np.int64)
        words = total(logic, [np.concatenate([none, *column], axis=1) for column in self._columns], width)
        self.lengths = [int(high).bit_length() for high in most.tolist()]
        varies = (words > TRUE) & (np.arange(width) < np.array(self.lengths)[:, None])
        self.offset += np.where(words == TRUE, 1 << np.arange(width), 0).sum(axis=1)
        self.places = [tuple(np.flatnonzero(row).tolist()) for row in varies]
        outputs = words[varies]
        inside = np.concatenate([word.reshape(-1) for _, _, word, _ in cut] + [none.reshape(-1)])
        plain = (inside > TRUE) & (inside & 1 == 0)  # complements of inputs, and constants, are not nodes
        built = logic.build(np.concatenate([outputs, inside[plain]]))
        self.netlist = replace(built, outputs=built.outputs[: outputs.size])
        signals = np.full(inside.size, -1)
        signals[plain] = built.outputs[outputs.size :]
        self.counts: list[list[_Count]] = [[] for _ in range(rows)]
        for factor, member, word, offset in cut:
            here, signals = signals[: word.size].reshape(word.shape), signals[word.size :]
            for row, known in enumerate(((here >= 0) | (word == FALSE)).all(axis=1).tolist()):
                if known and member[row].any():
                    signs = {int(place): int(np.sign(weights[row, place])) for place in np.flatnonzero(member[row])}
                    bits = here[row][: int((here[row] >= 0).sum())].tolist()
                    self.counts[row].append(_Count(factor, bits, signs, int(offset[row])))

    def _put(self, bits: list[Literals], shift: int) -> None:
        """Add bits of the weights 1, 2, 4, ... to the columns, from weight 2^shift on."""
        while len(self._columns) < shift + len(bits):
            self._columns.append([])
        for place, each in enumerate(bits, shift):
            self._columns[place].append(each)


def _by_magnitude(size: NDArray[np.int64]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return factors, and which of the sizes (m, n) of weights have each: their sums are the sizes."""
    kinds = np.unique(size[size > 0])
    if kinds.size > MAX_MAGNITUDES:
        return [(1 << place, size >> place & 1 == 1) for place in range(int(size.max()).bit_length())]
    return [(int(kind), size == kind) for kind in kinds]


def _blocks(logic: FoldingBuilder, bits: Literals) -> tuple[list[Literals], NDArray[np.int64], NDArray[np.int64]]:
    """Count the bits (m, n) in blocks of six inputs: columns of the weights 1, 2, 4, what they can be at most together,
    and by how much they are more than the count.

    A block is counted as its first literal is true, or else its complement is, c of k bits being k - c. That is the
    complement of the count, less a constant: (2^b - 1) - c - (2^b - 1 - k).
    """
    rows, width = bits.shape
    filled = np.full((rows, -(-width // MAX_RANK) * MAX_RANK), FALSE, np.int64)
    filled[:, :width] = bits
    groups = filled.reshape(rows, -1, MAX_RANK)
    there = groups != FALSE
    first = np.take_along_axis(groups, there.argmax(axis=2)[..., None], axis=2)[..., 0]
    turned = first & 1 == 1
    count = there.sum(axis=2)
    own = np.where(there, groups ^ turned[..., None], FALSE).reshape(-1, MAX_RANK)
    ones = np.sum(address_bits(MAX_RANK), axis=0)
    columns = []
    length = np.array([int(size).bit_length() for size in range(MAX_RANK + 1)])[count]
    for place in range(3):
        counted = logic.lut(own, table(ones >> place & 1 == 1)).reshape(count.shape)
        columns.append(np.where(place < length, counted ^ turned, FALSE))
    full = (1 << length) - 1
    return columns, np.where(turned, full, count).sum(axis=1), np.where(turned, full - count, 0).sum(axis=1)
