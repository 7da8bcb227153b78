"""The factors that other libraries put on gradients between layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.gradient_factor import scaled_gradient
from lutsmith.nn.read_back.statements import ChosenBits, states

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class GradientFactor(nn.Module):
    """The identity, with its gradient multiplied by `factor`: difflogic's and torchlogix's `grad_factor`.

    Shapes: any, which is kept. It is not part of the circuit.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = float(factor)

    def forward(self, x: Tensor) -> Tensor:
        return scaled_gradient(x, self.factor)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """Bits stay what they are."""
        return signals

    def extra_repr(self) -> str:
        return f"{self.factor}"


@states(GradientFactor)
def _identity(module: GradientFactor, shape: tuple[int, ...]) -> ChosenBits:  # noqa: ARG001
    return ChosenBits()
