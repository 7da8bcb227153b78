# ruff: noqa: N999 - the path is DeepLUT's
"""The sign of numbers, with sign(0) = 0."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class BinarizeSign(torch.autograd.Function):
    """`BinarizeSign.apply(x)`: -1, 0 or 1; the gradient passes where x is from -1 to 1 inclusive.

    The sign of NaN is the same as torch's. A circuit has no third symbol: `lutsmith.nn.neurons.BinarizeSign` has
    sign(0) = +1.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return torch.where(x.abs() <= 1, gradient, 0)
