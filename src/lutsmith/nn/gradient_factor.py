"""A factor on a gradient: difflogic's and torchlogix's `grad_factor`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lutsmith.ground.arguments import number


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.factor, None


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """The same values, whose gradient is multiplied by `factor` on its way to `x`."""
    if factor == 1.0:
        return x
    out: Tensor = _Scaled.apply(x, factor)  # type: ignore[no-untyped-call]
    return out


def checked_factor(value: Any) -> float:
    """A `grad_factor`: TypeError if it is not a number, ValueError if it is not finite."""
    return number("grad_factor", value, math.isfinite, "a finite number")
