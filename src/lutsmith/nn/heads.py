"""Heads: bits to scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from lutsmith.circuit.builder import CircuitBuilder


class GroupSum(nn.Module):
    """Class scores as sums over k contiguous groups of the inputs, divided by tau while training.

    In eval mode the scores are the hardware's popcounts: exact integers (as float32), undivided. `argmax` takes the
    lowest class of those that tie, as the circuit does.

    Args:
        k: classes.
        tau: divisor of the sums in training mode; `"auto"` is `sqrt(g / 3)` for g inputs a class, which DWN's published
            values follow.

    Shapes: `(..., k * g)` to `(..., k)`. Sums are float32 whatever the input's dtype (bfloat16 cannot count past 256),
    but for float64 inputs.

    Raises:
        ValueError: an input width that k does not divide.
    """

    def __init__(self, k: int, tau: float | Literal["auto"] = "auto") -> None:
        super().__init__()
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"k is {k!r}; expected the number of classes, at least 1")
        if tau != "auto" and not (isinstance(tau, (int, float)) and tau > 0 and math.isfinite(tau)):
            raise ValueError(f"tau is {tau!r}; expected a positive number or 'auto'")
        self.k = k
        self.tau = tau

    def group_size(self, width: int) -> int:
        """Inputs of one class among `width`."""
        if width == 0 or width % self.k:
            raise ValueError(
                f"GroupSum(k={self.k}) got {width} inputs, which {self.k} classes cannot share equally; make the last "
                f"layer a multiple of {self.k} wide, such as {max(1, round(width / self.k)) * self.k}"
            )
        return width // self.k

    def forward(self, x: Tensor) -> Tensor:
        size = self.group_size(x.shape[-1])
        wide = torch.float64 if x.dtype == torch.float64 else torch.float32
        if self.training:
            tau = math.sqrt(size / 3) if self.tau == "auto" else self.tau
        else:
            x, tau = (x > 0.5), 1
        rows = x.movedim(-1, 0)  # features first, as they are stored
        sums = rows.reshape(self.k, size, *rows.shape[1:]).sum(1, dtype=wide).movedim(0, -1)
        return sums if tau == 1 else sums / tau

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` `(k * g,)` the circuit's popcounts."""
        if signals.ndim != 1:
            raise ValueError(
                f"GroupSum lowers one row of signals, not shape {signals.shape}; put nn.Flatten() before it"
            )
        self.group_size(len(signals))
        builder.popcount(signals, self.k)

    def extra_repr(self) -> str:
        return f"k={self.k}, tau={self.tau!r}"
