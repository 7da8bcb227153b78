"""Which input each slot of a LUT reads: balanced permutations, or learned over all inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.kernels.training.best.operator import best
from lutsmith.kernels.training.read_best.operator import read_best

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


def layer_mapping(input_size: int, tuple_lenght: int, output_size: int, random: bool = True) -> Tensor:
    """Permutations of the inputs (in order with `random=False`) one after another, int32 `(output_size, tuple_lenght)`.

    Every input is used equally often, give or take one. A row that two permutations share may have an input twice.
    """
    if min(input_size, tuple_lenght, output_size) < 1:
        raise ValueError(f"input_size, tuple_lenght, output_size are {input_size, tuple_lenght, output_size}, below 1")
    whole, rest = divmod(tuple_lenght * output_size, input_size)
    rows = [torch.randperm(input_size) if random else torch.arange(input_size) for _ in range(whole + 1)]
    rows[-1] = rows[-1][:rest]
    return torch.cat(rows).reshape(output_size, tuple_lenght).int()


class LearnableMapping(nn.Module):
    """Each of `output_size` slots reads the input with the highest score.

    Backward, with g the gradient of the outputs: `dW = (2 x - 1)^T g`, `dx = g softmax(W / tau)^T`. The softmax is
    taken block by block, so that memory stays at the weights and their gradient.

    Parameters: `weights`, float32 `(input_size, output_size)`, U[0, 1) at first.
    """

    def __init__(self, input_size: int, output_size: int, tau: float = 0.001) -> None:
        super().__init__()
        if min(input_size, output_size) < 1 or not (tau > 0 and math.isfinite(tau)):
            raise ValueError(
                f"input_size={input_size}, output_size={output_size}, tau={tau}; expected sizes above 0 and a positive "
                "number"
            )
        self.weights = nn.Parameter(torch.rand(input_size, output_size))
        self.tau = tau

    def forward(self, x: Tensor) -> Tensor:
        size = self.weights.shape[0]
        if x.shape[-1:] != (size,):
            raise ValueError(f"LearnableMapping of {size} inputs got an input of shape {tuple(x.shape)}")
        slots = self.mapping()
        scores = self.weights.t().unsqueeze(0)
        if scores.dtype.itemsize < 4:
            scores = scores.float()  # so that gradients are rounded once, at the end
        every = torch.arange(size, device=x.device)
        mapped = read_best(x.reshape(-1, size).t(), scores, every, slots, self.tau, "dwn")
        return mapped.t().reshape(*x.shape[:-1], len(slots))

    def mapping(self) -> Tensor:
        """The input that each slot reads now, int32 `(output_size,)`."""
        return best(self.weights.t().unsqueeze(0), unique=False).view(-1)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """The signals that the slots read: wires, no LUTs."""
        return signals[..., self.mapping().cpu().numpy()]

    def extra_repr(self) -> str:
        return f"input_size={self.weights.shape[0]}, output_size={self.weights.shape[1]}, tau={self.tau}"
