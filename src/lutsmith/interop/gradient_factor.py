"""The factors that other libraries put on gradients between layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.read_back.statements import ChosenBits, states

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.factor, None


class GradientFactor(nn.Module):
    """The identity, whose gradient is multiplied by `factor`: difflogic's and torchlogix's `grad_factor`.

    Shapes: any, to the same. It is no part of the circuit.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = float(factor)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _Scaled.apply(x, self.factor)  # type: ignore[no-untyped-call]
        return out

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """Bits stay what they are."""
        return signals

    def extra_repr(self) -> str:
        return f"{self.factor}"


@states(GradientFactor)
def _identity(module: GradientFactor, shape: tuple[int, ...]) -> ChosenBits:  # noqa: ARG001
    return ChosenBits()
