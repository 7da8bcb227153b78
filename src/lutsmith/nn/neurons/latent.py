"""Latent weights: real numbers that training changes. A layer uses their signs, or their values within -1 to 1.

A weight that a step has moved out of -1 to 1 still gets the part of its gradient that leads back, so that no weight is
lost, but not the part that leads further away. Weights thus stay in a useful range by their gradient alone, whatever
optimizer and schedule change them, and nothing is edited behind an optimizer's back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Clamped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return weight.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _inward(gradient, *ctx.saved_tensors)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _inward(gradient, *ctx.saved_tensors)


def _inward(gradient: Tensor, weight: Tensor) -> Tensor:
    """The gradient, without what would lead weights beyond -1 or 1 further away."""
    return torch.where((weight.abs() <= 1) | (gradient * weight > 0), gradient, 0)


def clamped(weight: Tensor) -> Tensor:
    """Latent weights within -1 to 1, of the same shape and dtype; those beyond get only gradient that leads back."""
    found: Tensor = _Clamped.apply(weight)  # type: ignore[no-untyped-call]
    return found


def latent_sign(weight: Tensor) -> Tensor:
    """The signs of latent weights, -1 or +1, of the same shape and dtype, with the gradient of `clamped`; that of 0 is
    +1.
    """
    found: Tensor = _Sign.apply(weight)  # type: ignore[no-untyped-call]
    return found


class Clamped(nn.Module):
    """Latent weights within -1 to 1, as a parametrization of torch for any module.

        torch.nn.utils.parametrize.register_parametrization(layer, "weight", Clamped())

    The layer then reads weights within -1 to 1; what is trained and saved is `parametrizations.weight.original`. Binary
    layers do the same by themselves.

    Shapes: any, which is kept, as is the dtype.
    """

    def forward(self, weight: Tensor) -> Tensor:
        return clamped(weight)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The latent weights that stand for given ones: the given ones, clamped to -1 to 1."""
        return weight.clamp(-1, 1)
