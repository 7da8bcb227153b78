"""The inputs of a netlist: comparators, bits of words, and which values are missing, in this order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.words import WordBits
from lutsmith.ground.arrays import frozen, frozen_integers


@dataclass(frozen=True, eq=False, repr=False)
class Inputs:
    """How the inputs of a netlist follow from a sample. Immutable.

    Attributes:
        comparators: C of them; the first inputs.
        words: bits of features that are words, after them; None where no feature is a word.
        missing: int32 (M,), the last inputs: whether the value of each of these features is missing (NaN).

    Raises:
        TypeError, ValueError: arrays of other types or shapes, or a feature that does not exist.
    """

    comparators: Comparators
    words: WordBits | None = None
    missing: NDArray[np.int32] = field(default_factory=lambda: frozen((), np.int32))

    def __post_init__(self) -> None:
        if not isinstance(self.comparators, Comparators):
            raise TypeError(f"the encoder must be Comparators, not {type(self.comparators).__name__}")
        if self.words is not None and not isinstance(self.words, WordBits):
            raise TypeError(f"words must be WordBits or None, not {type(self.words).__name__}")
        features = self.comparators.num_features
        missing = frozen_integers("missing", self.missing, np.int32, low=0, high=features)
        object.__setattr__(self, "missing", missing)
        if self.words is not None and self.words.formats.feature[-1:] >= features:
            raise ValueError(f"feature {self.words.formats.feature[-1]} is a word, and there are {features} features")

    @classmethod
    def of(cls, encoder: Comparators | Inputs) -> Inputs:
        """Return comparators as inputs; inputs as they are."""
        return encoder if isinstance(encoder, Inputs) else cls(encoder)

    def __len__(self) -> int:
        """I: comparators, bits of words, missing values."""
        return len(self.comparators) + self.num_word_bits + self.missing.size

    def __repr__(self) -> str:
        words = "" if self.words is None else f", {self.words!r}"
        missing = f", {self.missing.size} missing values" if self.missing.size else ""
        return f"Inputs({self.comparators!r}{words}{missing})"

    @property
    def num_features(self) -> int:
        """F, the number of columns."""
        return self.comparators.num_features

    @property
    def num_word_bits(self) -> int:
        """B, how many inputs are bits of words."""
        return 0 if self.words is None else len(self.words)

    @property
    def are_comparators(self) -> bool:
        """Whether all inputs are comparators."""
        return len(self) == len(self.comparators)

    @property
    def feature(self) -> NDArray[np.int32]:
        """int32 (I,), the feature that each input reads."""
        words = [] if self.words is None else [self.words.feature]
        return np.concatenate([self.comparators.feature, *words, self.missing])

    def encode(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return bool (N, I) for the rows X (N, F) of numbers. The specification of every faster encoder.

        Raises:
            ValueError: X is not (N, F).
        """
        rows = np.asarray(X)
        parts = [self.comparators.encode(rows)]
        if self.words is not None:
            parts.append(self.words.encode(rows))
        if self.missing.size:
            parts.append(np.isnan(rows[:, self.missing].astype(np.float32, copy=False)))
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def kept(self, inputs: NDArray[np.int64]) -> Inputs:
        """Return some of the inputs, by their numbers, ascending."""
        first, last = len(self.comparators), len(self) - self.missing.size
        compared, missing = inputs[inputs < first], inputs[inputs >= last] - last
        own = self.comparators
        if compared.size < len(own):
            own = Comparators(own.feature[compared], own.threshold[compared], own.num_features)
        words = None if self.words is None else self.words.kept(inputs[(inputs >= first) & (inputs < last)] - first)
        return Inputs(own, words, self.missing[missing])

    def split(self, bits: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return columns (..., I) as those of comparators, of words, and of missing values."""
        first, last = len(self.comparators), len(self) - self.missing.size
        return bits[..., :first], bits[..., first:last], bits[..., last:]
