"""Words: how hardware sees the features of a sample.

A feature is either the 32 bits of an IEEE 754 binary32 number, and then nothing is lost, or a word on the grid of
`circuit.grid`. Numbers off the grid are rounded up to it, and saturate. With X' the numbers that the words of X stand
for, `words.values(words.quantise(X))`, a design on the words does exactly what the circuit does on X'.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import Grid
from lutsmith.circuit.rows import as_rows

FLOAT_BITS = 32

LONGEST_DERIVED = 16
"""Bits of the longest word that is derived from a range of integers."""


@dataclass(frozen=True, eq=False)
class Words:
    """The words of the features of one sample. Immutable.

    Attributes:
        num_features: F.
        grid: the grid of the words, of shape (F,); None if the words are float32 numbers, bit for bit.
    """

    num_features: int
    grid: Grid | None = None

    def __post_init__(self) -> None:
        if self.grid is not None and self.grid.low.shape != (self.num_features,):
            raise ValueError(f"the grid has shape {self.grid.low.shape}, expected ({self.num_features},)")

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
        (`integer_features`), or where the fitted range and twice every threshold are integers and the words tell all
        thresholds of a feature apart. A feature whose fitted range is one number, as that of categories is, has the
        range of its thresholds instead.

        Raises:
            TypeError, ValueError: `bits` is not an int from 1 to 24, or the circuit has no fitted range for it.
        """
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
        if bits is not None:
            return cls(features, Grid.covering(low, high, bits))
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
        """Return words as they are, once they fit a circuit; else those that are derived, of so many bits or of any.

        Raises:
            TypeError, ValueError: words of another number of features, or what `derive` refuses.
        """
        if not isinstance(words, Words):
            return cls.derive(circuit, words)
        if words.num_features != circuit.encoder.num_features:
            raise ValueError(f"words of {words.num_features} features for a circuit of {circuit.encoder.num_features}")
        return words

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __repr__(self) -> str:
        return f"Words({self.num_features} features, {'float32' if self.is_float else f'{self.bits} bits'})"

    @property
    def is_float(self) -> bool:
        """Whether the words are float32 numbers, bit for bit."""
        return self.grid is None

    @property
    def bits(self) -> int:
        """The length of a word."""
        return FLOAT_BITS if self.grid is None else self.grid.bits

    def quantise(self, X: ArrayLike) -> NDArray[np.uint32]:
        """Return the words of numbers X (N, F), uint32 (N, F). NaN becomes word 0 of a grid, and stays NaN in float32.

        Raises:
            TypeError, ValueError: X holds no real numbers or is not (N, F).
        """
        rows = as_rows(X, (self.num_features,))
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = np.ascontiguousarray(rows, np.float32)
        return numbers.view(np.uint32) if self.grid is None else self.grid.ceil(numbers).astype(np.uint32)

    def values(self, words: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Return the numbers that words (N, F) stand for, float32 (N, F)."""
        if self.grid is None:
            return np.ascontiguousarray(words, np.uint32).view(np.float32)
        return self.grid.value(words)

    def limits(self, feature: NDArray[np.int32], threshold: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return int64 (I,): a feature is above a threshold where its word is above this. -1: always.

        Raises:
            ValueError: the words are float32.
        """
        if self.grid is None:
            raise ValueError("float32 words are compared as floats: they have no limits")
        return self.grid[feature].floor(threshold)

    def _seem_whole(self, circuit: Circuit) -> bool:
        """Whether thresholds are integers or lie half-way between two, and no two of a feature are one on the grid."""
        feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
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
