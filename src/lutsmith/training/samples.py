"""Training data, checked and compact: they stay as they came, and each batch is gathered when it is needed."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.ground.arrays import add_to
from lutsmith.training.objectives import ClassificationObjective, Objective

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

_NUMERIC = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
_FINGERPRINT_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Samples:
    """Checked training data.

    Attributes:
        x: (N, *input_shape) in the dtype it came in.
        y: targets as the objective has them.
        weights: (N,) float64 in [0, 1], the largest of them 1; None where all are equal.
    """

    x: Array
    y: Array
    weights: Array | None = None

    @classmethod
    def of(cls, x: Any, y: Any, objective: Objective | None = None, sample_weight: Any = None) -> Samples:
        """Return samples over `x` and `y` without copying `x`.

        Args:
            x: (N, *input_shape) array, tensor or memory map of numbers.
            y: targets, one per row: see `objectives`; for classification integer class ids, 0 the first class.
            objective: the objective of training; None: classification.
            sample_weight: (N,) finite numbers >= 0, not all 0: how much each row counts; None: all the same.

        Raises:
            TypeError: another dtype.
            ValueError: no rows or features, unequal lengths, targets that do not suit the objective, invalid weights.
        """
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype.name not in _NUMERIC:
            raise TypeError(f"x has dtype {x.dtype}: expected one of {', '.join(_NUMERIC)}; convert it first")
        if x.ndim < 2:
            raise ValueError(f"x has shape {x.shape}: expected (samples, features) or (samples, *image shape)")
        if len(x) == 0 or x.size == 0:
            raise ValueError(f"x has shape {x.shape}: there is nothing to train on")
        targets = (objective or ClassificationObjective()).targets(y, len(x))
        return cls(x, targets, None if sample_weight is None else _checked(np.asarray(sample_weight), len(x)))

    def weights_of(self, rows: Rows, which: str) -> Array | None:
        """Return the weights of some rows, `(len(rows),)` float64, divided by their mean; None where all are equal.

        Raises:
            ValueError: they are 0 in all of these rows; `which` names the rows in the message.
        """
        if self.weights is None:
            return None
        weights: Array = self.weights[rows]
        if not weights.any():
            raise ValueError(f"sample_weight is 0 in each of the {len(rows)} rows that {which}")
        mean_one: Array = weights / weights.mean()
        return mean_one

    def fingerprint(self) -> str:
        """Return a short text that distinguishes these samples from others: shape, dtype and a checksum of rows and
        targets.

        Weights have their own checksum, in float32, which does not depend on their scale.
        """
        found = hashlib.blake2b(digest_size=16)
        for array in (self.x, self.y):
            add_to(found, array)
        return self._told(found.hexdigest())

    def earlier_fingerprint(self) -> str:
        """Return the text that checkpoints of earlier versions have: its checksum covers at most 1,024 rows."""
        rows = np.unique(np.linspace(0, len(self.x) - 1, min(len(self.x), _FINGERPRINT_ROWS)).astype(np.int64))
        checksum = zlib.crc32(np.ascontiguousarray(self.x[rows]).tobytes(), zlib.crc32(self.y.tobytes()))
        return self._told(f"{checksum:08x}")

    def _told(self, checksum: str) -> str:
        text = f"{'x'.join(map(str, self.x.shape))} {self.x.dtype} {checksum}"
        if self.weights is None:
            return text
        return f"{text} weighted {zlib.crc32(self.weights.astype(np.float32).tobytes()):08x}"


def _checked(weights: Array, count: int) -> Array | None:
    """Return weights of samples with a largest of 1; None where all are equal, which is to have none."""
    if weights.shape != (count,):
        raise ValueError(f"sample_weight has shape {weights.shape}: expected ({count},), one number for each row of x")
    if weights.dtype.name not in _NUMERIC:
        raise TypeError(f"sample_weight has dtype {weights.dtype}: expected one of {', '.join(_NUMERIC)}")
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(f"sample_weight is {weights[wrong[0]]} in row {wrong[0]}: expected finite numbers >= 0")
    if not weights.any():
        raise ValueError("sample_weight is 0 in every row: there is nothing to train on")
    return None if (weights == weights[0]).all() else weights / weights.max()
