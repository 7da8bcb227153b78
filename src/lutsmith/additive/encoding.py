"""Raw features to packed bits, and to the signals of a circuit that are these bits.

Every bit is the XOR of comparisons of one feature with thresholds, or the inverse of that: one comparison is a
thermometer's bit, two are a category's, and any code is such an XOR (`encodings.transitions`). Or it is a bit of a
word, which is how circuits read binary and fixed-point levels (`encodings.words`).

A missing value compares false. Whether a value is missing may be a further part of the XOR: alone it is a bit that
says so, and with comparisons it makes the missing value one above all thresholds.

Bits are uint64 (B, W): bit b of word w of a row is that of sample 64 w + b.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.sides import TargetValues, is_above
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.words import WordFormats
from lutsmith.encodings import codes, thresholds
from lutsmith.encodings.kinds import encoder_kind
from lutsmith.encodings.transitions import without_pairs, xor
from lutsmith.encodings.words import formats_of
from lutsmith.ground.arguments import one_of, whole_number

if TYPE_CHECKING:
    from lutsmith.circuit.engine.blocks import Blocks

READ = 1 << 26
"""Values that are read at once: passes over the columns of a file are few."""

TURNED = 256
"""Samples that are transposed at once: they stay in the cache."""

FITTED = 1 << 22
"""Values that thresholds are fitted to at once."""

MISSING = ("below", "indicator", "learned")
"""What a missing value is to the bits of its column."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """Bits of a sample, each of one feature.

    Attributes:
        num_features: F.
        feature: int32 (B,), the feature that each bit is of, ascending.
        count: int64 (B,), how many comparisons a bit is the XOR of.
        threshold: float32 (count.sum(),), what is compared with, bit after bit, ascending in each.
        inverted: bool (B,): the bit is the inverse of the XOR.
        bit: int32 (B,), which bit of the feature's word it is, whatever is compared; -1: of none.
        missing: bool (B,), whether it is turned over where the feature's value is missing.
        formats: what the words are; None: there are none.
    """

    num_features: int
    feature: NDArray[np.int32]
    count: NDArray[np.int64]
    threshold: NDArray[np.float32]
    inverted: NDArray[np.bool_]
    bit: NDArray[np.int32]
    missing: NDArray[np.bool_]
    formats: WordFormats | None = None

    @classmethod
    def fit(
        cls,
        x: NDArray[Any],
        bits: int | None = None,
        categorical: Sequence[int] = (),
        *,
        encoder: str = "distributive",
        sets: bool = False,
        max_categories: int | None = None,
        missing: str = "below",
        target: TargetValues | None = None,
        rows: NDArray[np.int64] | None = None,
        most_rows: int = 1_000_000,
        seed: int = 0,
    ) -> Encoding:
        """Return the bits that the encoder of such a name in `nn.encoders` gives to numbers, and one for each category.

        Thresholds are those of the torch module, bit for bit (of "gaussian" but for the last bits of float32), and so
        are the bits, of any number. Left out are bits that are alike for all numbers from the lowest to the highest of
        a feature, and missing ones; a thermometer's bits that repeat the one before; and features that are missing
        throughout.

        Args:
            x: (N, F) or (N, *shape) real numbers, a memory map as well; NaN is missing.
            bits: z, of a feature; None: what is usual for samples of such a shape.
            categorical: columns whose values are categories, as `nn.Categorical` has them.
            encoder: a name of `encodings.kinds.KINDS`.
            sets: besides a bit for each category, those of its number by falling frequency, from 1 on: each is a set
                of categories, and a LUT of few inputs tells all of them.
            max_categories: as many of a column are kept, the most frequent; None: all.
            missing: what a missing value is: "below" all thresholds of its column; the same, and an "indicator": a bit
                that says so for each column in which values are missing here; or below or above all thresholds, as is
                "learned" for each such column of numbers from `target` (`sides.is_above`).
            target: what a side tells most of, of each of the samples; where sides are learned.
            rows: int64 (n,), the samples to fit to; None: all.
            most_rows: of more samples than that, so many are drawn.
            seed: of that draw.

        Raises:
            TypeError, ValueError: x or another argument is none of these, or infinite values, in float32.
        """
        if one_of("missing", missing, MISSING) == "learned" and target is None:
            raise ValueError("missing is 'learned', and no target is given to learn it from")
        shape, x = np.shape(x)[1:], _flat(x)
        kind = encoder_kind(encoder)
        z = kind.bits(bits, shape)
        code = kind.code(z)
        parts: list[Part] = []
        formats: list[tuple[NDArray[Any], ...]] = []
        drawn = _drawn(len(x) if rows is None else rows, most_rows, seed)
        told = None if target is None else target.of(drawn)
        for first, columns in _columns(x, drawn, len(code)):
            low, high = _range(columns, first)
            gone = np.isnan(columns).any(axis=0) if columns.dtype.kind == "f" else np.zeros(low.size, np.bool_)
            known = np.flatnonzero(~np.isnan(low))
            named = np.isin(known + first, np.asarray(categorical, np.int64))
            numbers = known[~named]
            if numbers.size:
                places, ends = kind.thresholds(columns[:, numbers], z), (low[numbers], high[numbers])
                above = np.zeros(numbers.size, np.bool_)
                for each in np.flatnonzero(gone[numbers] & (missing == "learned")).tolist():
                    assert told is not None  # sides are learned of it
                    above[each] = is_above(columns[:, numbers[each]], places[each], told)
                said = np.zeros(numbers.size, np.bool_)
                if kind.is_word:
                    said, *scale = formats_of(places, *ends)
                    formats.append((numbers[said] + first, *(each[said] for each in scale)))
                parts.append(_bits(numbers + first, places, code, *ends, gone[numbers], above, said))
            for column in known[named]:
                for places, coded in _categories(columns[:, column], max_categories, sets):
                    same = np.full(len(places), column)
                    none = np.zeros(len(places), np.bool_)
                    parts.append(_bits(same + first, places, coded, low[same], high[same], gone[same], none, none))
            if missing == "indicator":
                parts.append(_indicators(known[gone[known]] + first))
        feature, count, threshold, inverted, bit, turned = _joined(parts)
        words = None
        if formats and (bit >= 0).any():
            named_, offset, per_unit = map(np.concatenate, zip(*formats, strict=True))
            words = WordFormats.of(named_, z, False, offset, per_unit)
        return cls(x.shape[1], feature, count, threshold, inverted, bit, turned, words)

    @classmethod
    def constant(cls, num_features: int) -> Encoding:
        """Return one bit, of the first feature, that is 0 for every sample: of rows that nothing tells apart."""
        none = np.zeros(1, np.bool_)
        zero, unnamed = np.zeros(1, np.int32), np.full(1, -1, np.int32)
        return cls(num_features, zero, zero.astype(np.int64), np.zeros(0, np.float32), none, unnamed, none)

    def __getstate__(self) -> dict[str, Any]:
        """All but what evaluates it, whose memory lies as compiled code wants it: it is made anew."""
        return {name: value for name, value in self.__dict__.items() if name != "_blocks"}

    def __len__(self) -> int:
        """B."""
        return self.feature.size

    def equals(self, other: Encoding) -> bool:
        """Return whether these are the same bits."""
        names = ("feature", "count", "threshold", "inverted", "bit", "missing")
        same = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)
        return same and self.formats == other.formats

    @property
    def has_luts(self) -> bool:
        """Whether a bit takes more than an input of a circuit: a comparator, a bit of a word, a missing value."""
        inputs = np.where(self.bit < 0, self.count, 1) + self.missing
        return bool(((inputs != 1) | self.inverted & (self.bit < 0)).any())

    def packed(self, x: NDArray[Any], rows: NDArray[np.int64] | None = None) -> NDArray[np.uint64]:
        """Return the bits of samples, uint64 (B, ceil(n / 64)); those beyond the last sample are 0.

        Samples are read a block at a time, a memory map is never read as a whole.

        Args:
            x: (N, F) or (N, *shape).
            rows: int64 (n,), which samples; None: all.

        Raises:
            TypeError, ValueError: x is not (N, F) real numbers.
        """
        x = _flat(x)
        if x.shape[1] != self.num_features:
            raise ValueError(f"x has {x.shape[1]} features; the encoding was fitted to {self.num_features}")
        if rows is None:
            return self._blocks.packed(x) if len(self) else np.zeros((0, -(-len(x) // 64)), np.uint64)
        words = np.zeros((len(self), -(-rows.size // 64)), np.uint64)
        step = max(64, READ // x.shape[1] // 64 * 64)
        for start in range(0, rows.size if len(self) else 0, step):
            some = rows[start : start + step]
            words[:, start // 64 : start // 64 - (-some.size // 64)] = self._blocks.packed(x[some])
        return words

    def emit(self, builder: CircuitBuilder, used: NDArray[Any] | None = None) -> NDArray[np.int32]:
        """Return the signals of the bits, int32 (B,): comparators, bits of words, missing values, and LUTs of XORs
        where they take any.

        Args:
            builder: where they go.
            used: int, the bits that are wanted; the others are the constant 0, so that no LUT is there for nothing.
                None: all.
        """
        wanted = np.arange(len(self)) if used is None else np.unique(used)
        signals = np.full(len(self), builder.constant(False), np.int32)
        wanted = wanted[~self._emit_words(builder, wanted, signals)]
        starts = np.cumsum(self.count) - self.count
        shapes = np.stack([self.count[wanted], self.inverted[wanted], self.missing[wanted]])
        for shape in np.unique(shapes, axis=1).T:
            count, inverted, missing = shape.tolist()
            alike = wanted[(shapes == shape[:, None]).all(axis=0)]
            places = self.threshold[starts[alike][:, None] + np.arange(count)]
            joined = builder.compare(self.feature[alike][:, None], places)
            if missing:
                joined = np.concatenate([joined, builder.missing(self.feature[alike])[:, None]], axis=1)
            signals[alike] = xor(builder, joined, inverted=bool(inverted))
        return signals

    def _emit_words(
        self, builder: CircuitBuilder, wanted: NDArray[np.int64], signals: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """Put the signals of those wanted bits that are bits of words where they belong; return which these are."""
        are_words: NDArray[np.bool_] = self.bit[wanted] >= 0
        if self.formats is None:
            return are_words
        bits = wanted[are_words]
        place = self.formats.place(self.feature[bits])
        kinds = np.stack([self.formats.bits[place], self.formats.signed[place]])
        for length, signed in np.unique(kinds, axis=1).T.tolist():
            alike = (kinds == [[length], [signed]]).all(axis=0)
            read, which = np.unique(place[alike], return_inverse=True)
            some = self.formats[read]
            words = builder.words(some.feature, length, signed=bool(signed), offset=some.offset, per_unit=some.per_unit)
            signals[bits[alike]] = words[which, self.bit[bits[alike]]]
        turned = bits[self.missing[bits]]
        both = np.stack([signals[turned], builder.missing(self.feature[turned])], axis=1)
        signals[turned] = xor(builder, both, inverted=False)
        return are_words

    @cached_property
    def _blocks(self) -> Blocks:
        """What evaluates the circuit of the bits."""
        from lutsmith.circuit.engine.blocks import Blocks

        builder = CircuitBuilder((self.num_features,))
        circuit = builder.build(self.emit(builder))
        return Blocks(circuit.inputs, circuit.netlist)


Part = tuple[
    NDArray[np.int32], NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_], NDArray[np.int32], NDArray[np.bool_]
]
"""Feature, count, threshold, inverted, bit of a word and missing of some bits."""


def _bits(
    features: NDArray[np.int64],
    places: NDArray[np.float32],
    code: NDArray[np.bool_],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    gone: NDArray[np.bool_],
    above: NDArray[np.bool_],
    are_words: NDArray[np.bool_],
) -> Part:
    """The bits of a code (L + 1, z) of features (n,) with thresholds (n, L), that tell their numbers apart; of words
    they are the words' bits. Of some features values are gone, and those of some are above all thresholds.
    """
    lefts, kept, before = [], [], np.zeros((len(places), 0), np.float32)
    for bit in range(code.shape[1]):
        column = code[:, bit]
        left = without_pairs(places[:, np.flatnonzero(column[1:] != column[:-1])])
        under, over = left < low[:, None], (left >= high[:, None]) & (left < np.inf)
        varies = (~under & (left < high[:, None])).any(axis=1)
        beyond = np.where(above, over.sum(axis=1), under.sum(axis=1))
        varies |= gone & (beyond % 2 == 1)  # the number at that end is told from what is missing
        if left.shape[1] == before.shape[1] == 1 and code[0, bit] == code[0, bit - 1]:  # a thermometer
            varies &= left[:, 0] != before[:, 0]
        lefts.append(np.where(varies[:, None], left, np.float32(np.inf)))
        kept.append(varies)
        before = left
    there = np.stack(kept, axis=1)
    rows, bits = np.nonzero(there)
    counts = np.stack([np.isfinite(left).sum(axis=1) for left in lefts], axis=1)
    joined = np.concatenate(lefts, axis=1)
    of_word = np.where(are_words[rows], bits, -1).astype(np.int32)
    turned = above[rows] & (counts[there] % 2 == 1)  # from the lowest level to the highest
    return features[rows].astype(np.int32), counts[there], joined[np.isfinite(joined)], code[0, bits], of_word, turned


def _indicators(features: NDArray[np.int64]) -> Part:
    """Bits that say that the values of features are missing."""
    none, nothing = np.zeros(features.size, np.bool_), np.zeros(0, np.float32)
    return features.astype(np.int32), none.astype(np.int64), nothing, none, np.full(none.size, -1, np.int32), ~none


def _categories(
    column: NDArray[Any], most: int | None, sets: bool
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Thresholds (V, 2) and the code of each category; and (1, 2 V) of sets of them."""
    values = thresholds.most_frequent(column, most)
    edges = thresholds.category_edges(values[None])
    yield edges.reshape(-1, 2), codes.categories(codes.one_hot(1))
    if sets:
        numbers = column.astype(np.float32)
        times = np.array([np.count_nonzero(numbers == value) for value in values])
        order = np.argsort(np.argsort(-times, kind="stable")) + 1
        yield edges, codes.categories(codes.words(order, int(values.size).bit_length()))


def _joined(parts: list[Part]) -> Part:
    """Parts in one, by feature."""
    parts = [*parts, _indicators(np.zeros(0, np.int64))]  # none, so that there are arrays to join
    feature, count, threshold, inverted, bit, missing = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(feature, kind="stable")
    owner = np.repeat(np.argsort(order), count)  # the place that the bit of each threshold gets
    rest = inverted[order], bit[order], missing[order]
    return feature[order], count[order], threshold[np.argsort(owner, kind="stable")], *rest


def _flat(x: Any) -> NDArray[Any]:
    """Samples as real numbers (N, F)."""
    array = x if isinstance(x, np.ndarray) else np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"x holds {array.dtype}; expected real numbers")
    if array.ndim < 2 or 0 in array.shape[1:]:
        raise ValueError(f"x has shape {array.shape}; expected (N, features)")
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _drawn(rows: int | NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64] | None:
    """The rows to fit to, ascending; None for all of so many."""
    whole_number("most_rows", most, 1)
    count = rows if isinstance(rows, int) else rows.size
    if count == 0:
        raise ValueError("there are no rows to fit to")
    if count <= most:
        return None if isinstance(rows, int) else rows
    drawn = np.sort(np.random.default_rng([seed, most]).choice(count, most, replace=False))
    return drawn if isinstance(rows, int) else rows[drawn]


def _columns(x: NDArray[Any], rows: NDArray[np.int64] | None, levels: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Some columns at a time, (n, k), with the number of the first; float16 and truth values as what holds them."""
    places: Any = range(len(x)) if rows is None else rows
    count = len(places)
    read, fitted = max(1, READ // count), max(1, FITTED // max(count, levels))
    held: dict[str, Any] = {"float16": np.float32, "bool": np.uint8}
    kind = held.get(x.dtype.name, x.dtype.newbyteorder("="))
    for first in range(0, x.shape[1], read):
        turned = np.empty((min(read, x.shape[1] - first), count), kind)  # what is fitted lies side by side
        for start in range(0, count, TURNED):
            some = places[start : start + TURNED]
            chosen = slice(some.start, some.stop) if rows is None else some
            turned[:, start : start + TURNED] = x[chosen, first : first + read].T
        for start in range(0, len(turned), fitted):
            yield first + start, turned[start : start + fitted].T


def _range(columns: NDArray[Any], first: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest number of each column, NaN where there is none."""
    with np.errstate(over="ignore"):
        low, high = (bound.astype(np.float32) for bound in thresholds.column_range(columns))
    if np.isinf(low).any() or np.isinf(high).any():
        column = first + int(np.flatnonzero(np.isinf(low) | np.isinf(high))[0])
        raise ValueError(f"feature {column} has infinite values, in float32; remove or clip them before fitting")
    return low, high
