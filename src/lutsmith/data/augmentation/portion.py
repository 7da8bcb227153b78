"""A part of a batch: several processes share a batch, and each changes its own rows as if it had them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Portion:
    """Rows `first` to `first + count` of a batch of `total` rows."""

    first: int
    count: int
    total: int

    @classmethod
    def whole(cls, total: int) -> Portion:
        """All rows of a batch."""
        return cls(0, total, total)

    @classmethod
    def of(cls, number: int, parts: int, total: int) -> Portion:
        """The portion of one of so many parts, numbered from 0: their sizes differ by one at most, and may be 0."""
        first = number * total // parts
        return cls(first, (number + 1) * total // parts - first, total)

    @property
    def rows(self) -> slice:
        """Where its rows are in the batch."""
        return slice(self.first, self.first + self.count)

    @property
    def share(self) -> float:
        """How much of the batch it is, in [0, 1]."""
        return self.count / self.total if self.total else 0.0

    def taken(self, drawn: npt.NDArray[Any], axis: int = 0) -> npt.NDArray[Any]:
        """Return the numbers of these rows, of those that were drawn for all rows along an axis."""
        return np.moveaxis(np.moveaxis(drawn, axis, 0)[self.rows], 0, axis)
