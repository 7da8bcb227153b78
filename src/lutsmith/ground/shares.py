"""Shares of a count, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Share:
    """Right answers among points.

    Attributes:
        right: how many.
        points: of how many.
    """

    right: int
    points: int

    @property
    def value(self) -> float:
        """In [0, 1]."""
        return self.right / self.points

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval (Wilson, JASA 22, 1927) of the share among all points of such a kind."""
        z, n, p = 1.959963984540054, self.points, self.value
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "share": self.value, "interval": list(self.interval)}
