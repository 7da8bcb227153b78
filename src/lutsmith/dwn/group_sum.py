"""The head: popcounts of contiguous groups over a temperature."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


def pad_if_needed(x: Tensor, n: int) -> Tensor:
    """`x` with zeros behind its last axis, up to a multiple of n."""
    return functional.pad(x, (0, -x.shape[-1] % n))


class GroupSum(nn.Module):
    """Sums of k contiguous groups of the inputs over `tau`, in training and eval mode alike.

    If k does not divide the number of inputs, zeros are added at the end, so the last classes have fewer real inputs.

    Args:
        k: groups, the classes.
        tau: divisor of the sums.
        randperm: the number of inputs, which are then first permuted by a permutation drawn at construction; False: no
            permutation.

    Shapes: `(..., W)` to `(..., k)`. Buffers: `randperm`, int64, where there is a permutation.
    """

    randperm: Tensor | None

    def __init__(self, k: int, tau: float = 1, randperm: int | bool = False) -> None:
        super().__init__()
        if not isinstance(k, int) or k < 1 or not (tau > 0 and math.isfinite(tau)):
            raise ValueError(f"k is {k!r} and tau {tau}; expected a number of groups and a positive divisor")
        self.k = k
        self.tau = tau
        self.register_buffer("randperm", torch.randperm(int(randperm)) if randperm else None)

    def forward(self, x: Tensor) -> Tensor:
        if self.randperm is not None:
            self._check_width(x.shape[-1])
            x = x[..., self.randperm]
        x = pad_if_needed(x, self.k)
        return x.reshape(*x.shape[:-1], self.k, x.shape[-1] // self.k).sum(-1) / self.tau

    def _check_width(self, width: int) -> None:
        if self.randperm is not None and width != len(self.randperm):
            raise ValueError(f"GroupSum permutes {len(self.randperm)} inputs and got {width}")

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` `(W,)` the circuit's popcounts, which are `tau` times the model's scores."""
        if signals.ndim != 1:
            raise ValueError(f"GroupSum lowers one row of signals, not shape {signals.shape}; put nn.Flatten() first")
        if self.randperm is not None:
            self._check_width(len(signals))
            signals = signals[self.randperm.cpu().numpy()]
        missing = -len(signals) % self.k
        zeros = np.full(missing, builder.constant(False), np.int32) if missing else np.zeros(0, np.int32)
        builder.popcount(np.concatenate([signals, zeros]), self.k)

    def extra_repr(self) -> str:
        return f"k={self.k}, tau={self.tau}"
