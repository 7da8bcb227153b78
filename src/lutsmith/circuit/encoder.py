"""The encoder of a circuit: one comparator for each input of its netlist."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.ground.arrays import MAX_SIGNALS, frozen, frozen_integers, reals


@dataclass(frozen=True, eq=False, repr=False)
class Comparators:
    """Bit i is `X[:, feature[i]] > threshold[i]`, both sides in float32. Immutable.

    Attributes:
        feature: int32 (I,), the feature (column of the flattened input) that each comparator reads.
        threshold: float32 (I,), what it is compared with; never NaN.
        num_features: F, the number of columns.

    Raises:
        TypeError, ValueError: wrong types or shapes, a feature that does not exist, or a NaN threshold.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    num_features: int

    def __post_init__(self) -> None:
        if isinstance(self.num_features, bool) or not isinstance(self.num_features, (int, np.integer)):
            raise TypeError(f"num_features must be an int, not {type(self.num_features).__name__}")
        if not 1 <= self.num_features <= MAX_SIGNALS:
            raise ValueError(f"num_features is {self.num_features}, expected 1 to {MAX_SIGNALS}")
        feature = frozen_integers("feature", self.feature, np.int32, low=0, high=int(self.num_features))
        threshold = frozen(reals("threshold", self.threshold), np.float32)
        if threshold.shape != feature.shape:
            raise ValueError(f"threshold has shape {threshold.shape} for {feature.size} comparators")
        if np.isnan(threshold).any():
            raise ValueError("a threshold is NaN, and nothing is greater than that: leave its comparator out")
        object.__setattr__(self, "num_features", int(self.num_features))
        object.__setattr__(self, "feature", feature)
        object.__setattr__(self, "threshold", threshold)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __len__(self) -> int:
        """I, the number of comparators."""
        return self.feature.size

    def __repr__(self) -> str:
        used = np.unique(self.feature).size
        return f"Comparators({len(self)} thresholds on {used} of {self.num_features} features)"

    def encode(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return bool (N, I) for the rows X (N, F) of numbers. The specification of every faster encoder.

        Numbers are rounded to float32 first; NaN is not greater than anything.

        Raises:
            ValueError: X is not (N, F).
        """
        rows = np.asarray(X)
        if rows.ndim != 2 or rows.shape[1] != self.num_features:
            raise ValueError(f"X has shape {rows.shape}, expected (samples, {self.num_features})")
        with np.errstate(over="ignore", invalid="ignore"):  # 1e300 is +inf in float32, which is what we want
            compared = rows[:, self.feature].astype(np.float32)
            return compared > self.threshold
