"""The range of regression targets: training sees them in [-1, 1], whatever their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST_STEPS = 64
"""Numbers of float32 that half the range of a target must have, at least."""


@dataclass(frozen=True, eq=False)
class TargetRange:
    """The middle and half the range of each target, float64 `(k,)`; half is 1 where a target is always the same.

    Learning rates also set the steps of the head's scale and offset: a rate that suits targets of size 1 is far too
    small for targets around a million and far too large for those around a millionth.
    """

    middle: NDArray[np.float64]
    half: NDArray[np.float64]

    @classmethod
    def of(cls, y: NDArray[Any]) -> TargetRange:
        """Return the range of numbers `(N,)` or `(N, k)`.

        Raises:
            ValueError: a target that varies by less than the float32 of networks can tell apart.
        """
        columns = y.reshape(len(y), -1).astype(np.float64)
        low, high = columns.min(axis=0), columns.max(axis=0)
        half = high / 2 - low / 2
        middle = low + half
        coarse = np.spacing(np.abs(middle).astype(np.float32)) > half / _LEAST_STEPS
        if (flat := (half > 0) & coarse).any():
            column = int(flat.argmax())
            raise ValueError(
                f"target {column} lies in {low[column]} to {high[column]}, where float32 has too few numbers: subtract "
                f"{middle[column]} from it first"
            )
        return cls(middle, np.where(half > 0, half, 1.0))

    def scaled(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers of any rows as training uses them, float32 of the shape of `y`."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        return ((columns - self.middle) / self.half).astype(np.float32).reshape(y.shape)

    def scaled_error(self, error: float) -> float:
        """Return an error in the units of the targets as one in the units that training uses.

        Raises:
            ValueError: several targets of different ranges, for which no single number exists.
        """
        if (self.half != self.half[0]).any():
            raise ValueError(
                f"huber_delta={error} is in the units of the targets, whose ranges differ ({self.half * 2}): leave it "
                "out, or scale the targets alike"
            )
        return error / float(self.half[0])

    def scale(self, head: Any) -> None:
        """Change a `Regression` head that gives numbers in their own units so that it gives training's units."""
        middle, half = self._on(head)
        with torch.no_grad():
            head.offset.copy_(((head.offset.double() - middle) / half).float())
            head.scale.copy_((head.scale.double() / half).float())

    def unscale(self, head: Any) -> None:
        """Change a trained `Regression` head so that it gives the numbers in their own units."""
        middle, half = self._on(head)
        with torch.no_grad():
            head.offset.copy_((head.offset.double() * half + middle).float())
            head.scale.copy_((head.scale.double() * half).float())

    def _on(self, head: Any) -> tuple[Tensor, Tensor]:
        middle, half = (torch.from_numpy(values).to(head.scale.device) for values in (self.middle, self.half))
        return middle, half
