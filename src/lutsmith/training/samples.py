"""Training data, checked and compact: as they came, each batch of them is gathered when it is trained on."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.training.objectives import Classification, Objective

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

_NUMERIC = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
_FINGERPRINT_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Samples:
    """Checked training data: `x` (N, *input_shape) in the dtype it came in, `y` as the objective has its targets."""

    x: Array
    y: Array

    @classmethod
    def of(cls, x: Any, y: Any, objective: Objective | None = None) -> Samples:
        """Return samples over `x` and `y` without copying `x`.

        Args:
            x: (N, *input_shape) array, tensor or memory map of numbers.
            y: targets, one a row: see `objectives`; for classification integer class ids, 0 the first class.
            objective: what is trained for; None: classification.

        Raises:
            ValueError: no rows or features, another dtype, unequal lengths, targets that do not suit the objective.
        """
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype.name not in _NUMERIC:
            raise ValueError(f"x has dtype {x.dtype}: expected one of {', '.join(_NUMERIC)}; convert it first")
        if x.ndim < 2:
            raise ValueError(f"x has shape {x.shape}: expected (samples, features) or (samples, *image shape)")
        if len(x) == 0 or x.size == 0:
            raise ValueError(f"x has shape {x.shape}: there is nothing to train on")
        return cls(x, (objective or Classification()).targets(y, len(x)))

    def fingerprint(self) -> str:
        """Return a short text that tells these samples from others: shape, dtype and a checksum of labels and rows.

        At most 1,024 rows, spread evenly, enter the checksum, so that a large set costs milliseconds.
        """
        rows = np.unique(np.linspace(0, len(self.x) - 1, min(len(self.x), _FINGERPRINT_ROWS)).astype(np.int64))
        checksum = zlib.crc32(np.ascontiguousarray(self.x[rows]).tobytes(), zlib.crc32(self.y.tobytes()))
        return f"{'x'.join(map(str, self.x.shape))} {self.x.dtype} {checksum:08x}"
