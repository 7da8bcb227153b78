"""Raw features to packed bits, and to the signals of a circuit that are these bits: thermometers, and names as one-hot.

Bits are uint64 (F, W): bit b of word w of a row is that of sample 64 w + b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit_builder import CircuitBuilder

CHUNK = 1 << 22
"""Values that are compared at a time."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """Bits of a sample, each the comparison of a feature with a threshold, or the test for a name.

    Attributes:
        feature: int32 (B,), the feature that each bit is of, ascending.
        above: float32 (B,): the bit is 1 where the feature is above this.
        below: float32 (B,): and, where it is a name, below this; +inf otherwise.
    """

    feature: NDArray[np.int32]
    above: NDArray[np.float32]
    below: NDArray[np.float32]

    @classmethod
    def fit(cls, x: NDArray[np.generic], bits: int, categorical: tuple[int, ...] = ()) -> Encoding:
        """Return the encoding with up to `bits` thresholds at quantiles of each feature, and a bit for each name.

        Threshold i of z is the value of rank N i // (z + 1) among those that are not missing, as
        `nn.DistributiveThermometer` has it; a feature of at most z + 1 different values has one at each but the
        highest. What repeats another, or tells no rows apart, is left out.

        Args:
            x: (N, F) numbers; NaN is missing, and no bit is 1 for it.
            bits: z, at least 1.
            categorical: columns whose values are codes 0, 1, ... of names.

        Raises:
            ValueError: infinite values, as for all encoders.
        """
        if np.isinf(x).any():
            raise ValueError("the data hold infinite values; remove or clip them before fitting")
        feature, above, below = [], [], []
        for column in range(x.shape[1]):
            values = np.sort(x[:, column].astype(np.float32))
            values = values[: values.size - np.count_nonzero(np.isnan(values))]
            if values.size == 0:
                continue
            if column in categorical:
                codes = np.unique(values)
                low, high = codes - np.float32(0.5), codes + np.float32(0.5)
            else:
                different = np.unique(values)
                ranks = values.size * np.arange(1, bits + 1) // (bits + 1)
                low = different[:-1] if different.size <= bits + 1 else np.unique(values[ranks])
                low = low[low < values[-1]]
                high = np.full(low.size, np.inf, np.float32)
            feature.append(np.full(low.size, column, np.int32))
            above.append(low)
            below.append(high)
        nothing = np.zeros(0, np.float32)
        return cls(
            np.concatenate([*feature, nothing]).astype(np.int32),
            np.concatenate([*above, nothing]).astype(np.float32),
            np.concatenate([*below, nothing]).astype(np.float32),
        )

    def __len__(self) -> int:
        return self.feature.size

    @property
    def named(self) -> NDArray[np.int64]:
        """The bits that test for a name."""
        return np.flatnonzero(np.isfinite(self.below))

    def packed(self, x: NDArray[np.generic]) -> NDArray[np.uint64]:
        """Return the bits of samples (N, F), uint64 (B, ceil(N / 64)); those beyond the last sample are 0."""
        rows = np.zeros((len(self), 8 * -(-len(x) // 64)), np.uint8)
        step = max(64, CHUNK // max(1, len(self)) // 64 * 64)
        for start in range(0, len(x), step):
            part = np.ascontiguousarray(x[start : start + step].T).astype(np.float32, copy=False)
            columns = part[self.feature]
            said = columns > self.above[:, None]
            said[self.named] &= columns[self.named] < self.below[self.named, None]
            packed = np.packbits(said, axis=1, bitorder="little")
            rows[:, start // 8 : start // 8 + packed.shape[1]] = packed
        return rows.view(np.uint64)

    def emit(self, builder: CircuitBuilder) -> NDArray[np.int32]:
        """Return the signals of all bits, (B,): a comparator each, a LUT of two for a name."""
        signals = builder.compare(self.feature, self.above)
        named = self.named
        if named.size:  # x < b where x is not above the float before b
            before = np.nextafter(self.below[named], np.float32(-np.inf))
            beyond = builder.compare(self.feature[named], before)
            tables = np.full(named.size, 0b0010, np.uint64)
            signals[named] = builder.lut(np.stack([signals[named], beyond], axis=1), tables)
        return signals
