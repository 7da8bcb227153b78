"""Words: the form in which hardware receives the features of a sample.

A feature that is a word in the circuit (`circuit.words`) is that word: its bits are inputs of the network as they are.
Any other feature is either the 32 bits of an IEEE 754 binary32 number, and then nothing is lost, or a word on the grid
of `circuit.grid`: numbers off the grid are rounded up to it, and saturate. With X' the numbers that the words of X
stand for, `words.values(words.quantise(X))`, a design on the words does exactly what the circuit does on X'.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import Grid, checked_word
from lutsmith.circuit.rows import as_rows
from lutsmith.circuit.words import WordFormats

FLOAT_BITS = 32

LONGEST_DERIVED = 16
"""Bits of the longest word that is derived from a range of integers."""


@dataclass(frozen=True, eq=False)
class Words:
    """The words of the features of one sample. Immutable.

    Attributes:
        num_features: F.
        grid: the grid of words that are not integers of the circuit's, of shape (F,); None if those are float32
            numbers, bit for bit.
        formats: the features that are words in the circuit, and what these are; None where there are none.
        formats_only: whether no other features are read: then the longest of these words sets the length for all.
    """

    num_features: int
    grid: Grid | None = None
    formats: WordFormats | None = None
    formats_only: bool = False

    def __post_init__(self) -> None:
        if self.grid is not None and self.grid.low.shape != (self.num_features,):
            raise ValueError(f"the grid has shape {self.grid.low.shape}, expected ({self.num_features},)")
        if self.formats_only and (self.formats is None or self.grid is not None):
            raise ValueError("words of formats only have formats, and no grid")

    @classmethod
    def float32(cls, num_features: int) -> Words:
        """Return words that are float32 numbers."""
        return cls(num_features)

    @classmethod
    def fixed(cls, bits: int, low: ArrayLike, per_unit: ArrayLike) -> Words:
        """Return words on a grid: `low` and `per_unit` are (F,), word k is `low + k / per_unit`."""
        grid = Grid(bits, np.asarray(low, np.float64), np.asarray(per_unit, np.float64))
        return cls(grid.low.size, grid)

    @classmethod
    def derive(cls, circuit: Circuit, bits: int | None = None) -> Words:
        """Return words for a circuit.

        With `bits`, words of that length on the range that the circuit was fitted on. Without, the length that the
        circuit was trained with (`metadata.input_bits`); else, for features that are integers, the shortest words
        up to 16 bits that hold their range; else float32. Features are integers where the metadata says so
        (`integer_features`), or where the fitted range and twice every threshold are integers and the words distinguish
        all thresholds of a feature. If the fitted range of a feature is a single number, as for categories, the range
        of its thresholds is used instead. If a feature has thresholds below its range, the words begin below them, so
        that a missing value, word 0, is below all of them. Where the circuit asks whether values are missing, words are
        float32; words of `bits` cannot represent a missing value, and a warning says so.

        Raises:
            TypeError, ValueError: `bits` is not an int from 1 to 24, or the circuit has no fitted range for it.
        """
        features = circuit.encoder.num_features
        formats, others = _formats(circuit)
        features = circuit.encoder.num_features
        if formats is not None and not others.size:
            return cls(features, None, formats, formats_only=True)
        return replace(cls._derive(circuit, bits, others), formats=formats)

    @classmethod
    def _derive(cls, circuit: Circuit, bits: int | None, others: NDArray[np.int64]) -> Words:
        """Return words for the features that are not words of the circuit's."""
        features = circuit.encoder.num_features
        if bits is None:
            bits = circuit.metadata.input_bits
        if circuit.fitted_range is None:
            if bits is not None:
                raise ValueError(
                    f"the circuit has no fitted_range, which words of {bits} bits would cover: give it one, such as "
                    "lutsmith.save(dataclasses.replace(circuit, fitted_range=(low, high)), FILE) with the least and "
                    "greatest value of each feature, or leave the words float32"
                )
            return cls.float32(features)
        low, high = _spans(circuit, *circuit.fitted_range)
        asked = np.intersect1d(circuit.missing, others)
        if bits is not None:
            if asked.size:
                warnings.warn(
                    f"the circuit asks whether values of {asked.size} features are missing, and no word of {bits} bits "
                    "means that: NaN becomes word 0, the lowest value. Float words keep missing values",
                    stacklevel=4,
                )
            return cls(features, Grid.covering(low, high, bits))
        if asked.size:
            return cls.float32(features)
        low = _below(circuit, low)
        if circuit.words is not None:
            aside = np.ones(features, np.bool_)
            aside[others] = False
            low, high = np.where(aside, 0, low), np.where(aside, 0, high)
        span = int(np.max(high.astype(np.float64) - low, initial=1).clip(1, 1 << 30))
        if span.bit_length() > LONGEST_DERIVED or not (
            np.array_equal(low, np.round(low)) and np.array_equal(high, np.round(high))
        ):
            return cls.float32(features)
        words = cls(features, Grid.covering(low, high, span.bit_length()))
        whole = circuit.metadata.integer_features or words._seem_whole(circuit)
        return words if whole else cls.float32(features)

    @classmethod
    def of(cls, circuit: Circuit, words: Words | int | None = None) -> Words:
        """Return given words if they fit the circuit; else derive words, of so many bits or of any length. Features
        that are words in the circuit keep that form.

        Raises:
            TypeError, ValueError: words of another number of features, or what `derive` refuses.
        """
        if not isinstance(words, Words):
            return cls.derive(circuit, None if words is None else checked_word(words, "words"))
        if words.num_features != circuit.encoder.num_features:
            raise ValueError(f"words of {words.num_features} features for a circuit of {circuit.encoder.num_features}")
        formats, others = _formats(circuit)
        if formats is not None and not others.size:
            return cls(words.num_features, None, formats, formats_only=True)
        return words if words.formats == formats else cls(words.num_features, words.grid, formats)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __repr__(self) -> str:
        others = "" if self.formats_only else ", float32" if self.is_float else f", {self.bits} bits"
        return f"Words({self.num_features} features{'' if self.formats is None else f', {self.formats!r}'}{others})"

    @property
    def is_float(self) -> bool:
        """Whether features that are not words in the circuit are float32 numbers, bit for bit."""
        return self.grid is None and not self.formats_only

    @property
    def bits(self) -> int:
        """The length of a word: that of the longest."""
        others = 0 if self.formats_only else FLOAT_BITS if self.grid is None else self.grid.bits
        return others if self.formats is None else max(others, int(self.formats.bits.max()))

    @property
    def dtype(self) -> type[np.unsignedinteger[Any]]:
        """The type that holds them: uint32, or uint64 where one is longer."""
        return np.uint64 if self.bits > FLOAT_BITS else np.uint32

    def quantise(self, X: ArrayLike) -> NDArray[Any]:
        """Return the words of numbers X (N, F), unsigned (N, F), of type `dtype`.

        NaN becomes word 0 of a grid, stays NaN in float32, and is 0 where a feature is a word in the circuit; words of
        these are two's complement. Features that nothing reads are 0 where all others are words.

        Raises:
            TypeError, ValueError: X holds no real numbers or is not (N, F).
        """
        rows = as_rows(X, (self.num_features,))
        words = np.zeros(rows.shape, self.dtype)
        if not self.formats_only:
            with np.errstate(over="ignore", invalid="ignore"):
                numbers = np.ascontiguousarray(rows, np.float32)
            words[:] = numbers.view(np.uint32) if self.grid is None else self.grid.ceil(numbers)
        if self.formats is not None:
            words[:, self.formats.feature] = self.formats.patterns(rows)
        return words

    def values(self, words: NDArray[Any]) -> NDArray[Any]:
        """Return the values of words (N, F), float32 (N, F); they turn into the same words again.

        Where a feature is a word of more than 24 bits they are integers, or float64 where others are not words.
        """
        if self.formats is None:
            return self._others(words)
        own = self.formats.numbers(words[:, self.formats.feature].astype(np.uint64, copy=False))
        kind = np.float64 if self.formats.is_long and not self.formats_only else own.dtype
        numbers = np.zeros(words.shape, kind) if self.formats_only else self._others(words).astype(kind)
        numbers[:, self.formats.feature] = own
        return numbers

    def limits(self, feature: NDArray[np.int32], threshold: NDArray[np.float32]) -> NDArray[Any]:
        """Return whole numbers (I,): a feature is above a threshold where its word is above this; below the lowest
        word: always. int64, or Python integers (objects) where a word is an unsigned one of 64 bits.

        Raises:
            ValueError: a feature whose word is a float32.
        """
        own = np.full(feature.size, -1) if self.formats is None else self.formats.place(feature)
        if self.is_float and (own < 0).any():
            raise ValueError("float32 words are compared as floats: they have no limits")
        limits = np.zeros(feature.size, np.int64)
        if self.grid is not None:
            limits = self.grid[feature].floor(threshold)
        if self.formats is None or not (own >= 0).any():
            return limits
        result = limits.astype(object)
        for place in np.flatnonzero(own >= 0).tolist():
            result[place] = _limit(self.formats, int(own[place]), threshold[place])
        return result if self.formats.bits.max() > 63 else result.astype(np.int64)

    def _others(self, words: NDArray[Any]) -> NDArray[np.float32]:
        words = np.ascontiguousarray(words, np.uint32)
        return words.view(np.float32) if self.grid is None else self.grid.value(words)

    def _seem_whole(self, circuit: Circuit) -> bool:
        """Whether thresholds are integers or lie half-way between two, and no two of a feature are one on the grid."""
        others = _formats(circuit)[1]
        compared = np.isin(circuit.encoder.feature, others)
        feature, threshold = circuit.encoder.feature[compared], circuit.encoder.threshold[compared]
        halves = 2 * threshold.astype(np.float64)
        distinct = (
            np.unique(np.stack([feature, at]), axis=1).shape for at in (threshold, self.limits(feature, threshold))
        )
        return np.array_equal(halves, np.round(halves)) and len(set(distinct)) == 1


def _spans(
    circuit: Circuit, low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the range of each feature: the fitted one, and where that is a single number, with its thresholds."""
    feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
    of_one = np.isfinite(threshold) & (low == high)[feature]
    low, high = low.copy(), high.copy()
    np.minimum.at(low, feature[of_one], np.floor(threshold[of_one]))
    np.maximum.at(high, feature[of_one], np.ceil(threshold[of_one]))
    return low, high


def _below(circuit: Circuit, low: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the low ends of ranges, lowered to integers below all thresholds where there are some below them."""
    feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
    under = np.isfinite(threshold) & (threshold < low[feature])
    low = low.copy()
    np.minimum.at(low, feature[under], np.floor(threshold[under]))
    return low


def _formats(circuit: Circuit) -> tuple[WordFormats | None, NDArray[np.int64]]:
    """Return the formats of the features that are words, and the numbers of the others that are read."""
    read = np.unique(circuit.inputs.feature).astype(np.int64)
    if circuit.words is None:
        return None, read
    formats = circuit.words.formats
    return formats, read[formats.place(read) < 0]


def _limit(formats: WordFormats, place: int, threshold: np.float32) -> int:
    """Return the highest word of a feature that stands for no more than a threshold, as float32; by bisection."""
    low, high = formats.lowest[place] - 1, formats.highest[place]
    offset, per_unit = float(formats.offset[place]), float(formats.per_unit[place])
    plain = bool(formats.plain[place])
    while low < high:
        middle = (low + high + 1) // 2
        value = as_float32(middle) if plain else np.float32(offset + middle / per_unit)
        if value <= threshold:
            low = middle
        else:
            high = middle - 1
    return low


def as_float32(number: int) -> np.float32:
    """Return the float32 nearest to an integer: as NumPy rounds one of 64 bits."""
    return np.float32(np.uint64(number) if number >= 1 << 63 else np.int64(number))
