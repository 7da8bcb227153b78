"""The values of a feature that a circuit's inputs distinguish, in order: all that a circuit can know about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.inputs import Inputs

LONGEST = 12
"""Bits of a word whose values are all gone through."""


@dataclass(frozen=True, eq=False)
class FeatureLevels:
    """Intervals of a feature's numbers within which none of its inputs changes, ascending.

    Attributes:
        feature: its number.
        inputs: int64 (n,), the inputs of the netlist that read it, ascending.
        low: float64 (L,), the lowest float32 of each level; for the first level some value of it.
        high: float64 (L,), the highest float32 of each level; for the last level some value of it.
        bits: bool (L, n), the inputs at each level.
        missing: bool (n,), the inputs where the value is missing (NaN).
    """

    feature: int
    inputs: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bits: NDArray[np.bool_]
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        """L."""
        return len(self.bits)

    @classmethod
    def of(cls, inputs: Inputs, which: NDArray[np.int64]) -> FeatureLevels | None:
        """Return the levels of a feature; None where its word is too long to try all values.

        Args:
            inputs: of a circuit.
            which: int64 (n,), ascending, at least one: inputs of one feature.
        """
        kept = inputs.kept(which)
        feature = int(kept.feature[0])
        thresholds = kept.comparators.threshold
        if kept.words is not None:  # a word changes where a number exceeds a threshold too
            formats = kept.words.formats
            place = formats.place([feature])
            length = int(formats.bits[place[0]])
            if length > LONGEST:
                return None
            between = formats.thresholds(place).value(np.arange((1 << length) - 1)[:, None])[:, 0]
            thresholds = np.concatenate([thresholds, between])
        numbers = np.unique(np.concatenate([thresholds, np.nextafter(thresholds, np.float32(np.inf))]))
        if not numbers.size:
            numbers = np.zeros(1, np.float32)
        rows = np.zeros((numbers.size + 1, inputs.num_features), np.float32)
        rows[:, feature] = np.append(numbers, np.float32(np.nan))
        bits = kept.encode(rows)
        bits, missing = bits[:-1], bits[-1]
        starts = np.flatnonzero(np.append(True, (bits[1:] != bits[:-1]).any(axis=1)))
        stops = np.append(starts[1:], len(bits)) - 1
        exact = numbers.astype(np.float64)
        return cls(feature, which, exact[starts], exact[stops], bits[starts], missing)

    def of_number(self, value: float) -> int:
        """Return the level of a number, which is rounded to float32 first."""
        return int(np.count_nonzero(self.high[:-1] < np.float32(value)))

    def level(self, bits: NDArray[np.bool_]) -> int:
        """Return the first level with such bits (n,)."""
        return int((self.bits == bits).all(axis=1).argmax())


def inputs_by_feature(inputs: Inputs, which: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Group inputs by the feature that they read, in ascending order."""
    features = inputs.feature[which]
    return {int(feature): which[features == feature] for feature in np.unique(features)}
