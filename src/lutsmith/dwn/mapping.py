"""Which input each slot of a LUT reads: balanced permutations, or learned over all inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.kernels import memory

if TYPE_CHECKING:
    from lutsmith.circuit.builder import CircuitBuilder

# The softmax of a learnable mapping's backward pass is taken over blocks of this many scores.
_BLOCK = 1 << 22


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

    Parameters: `weights`, float32 `(input_size, output_size)`, U[0, 1) at first; in memory each slot's scores lie
    together.
    """

    def __init__(self, input_size: int, output_size: int, tau: float = 0.001) -> None:
        super().__init__()
        if min(input_size, output_size) < 1 or not (tau > 0 and math.isfinite(tau)):
            raise ValueError(
                f"input_size={input_size}, output_size={output_size}, tau={tau}; expected sizes above 0 and a positive "
                "number"
            )
        self.weights = nn.Parameter(torch.rand(input_size, output_size).t().contiguous().t())
        self.tau = tau

    def forward(self, x: Tensor) -> Tensor:
        size = self.weights.shape[0]
        if x.shape[-1:] != (size,):
            raise ValueError(f"LearnableMapping of {size} inputs got an input of shape {tuple(x.shape)}")
        samples = x.reshape(-1, size)
        mapped: Tensor = _LearnableMappingFunction.apply(samples, self.weights, self.tau)  # type: ignore[no-untyped-call]
        return mapped.reshape(*x.shape[:-1], self.weights.shape[1])

    def mapping(self) -> Tensor:
        """The input that each slot reads now, int32 `(output_size,)`."""
        return self.weights.detach().argmax(0).int()

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """The signals that the slots read: wires, no LUTs."""
        return signals[..., self.mapping().cpu().numpy()]

    def extra_repr(self) -> str:
        return f"input_size={self.weights.shape[0]}, output_size={self.weights.shape[1]}, tau={self.tau}"


class _LearnableMappingFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, tau: float) -> Tensor:
        ctx.save_for_backward(x, weights)
        ctx.tau = tau
        return x[:, weights.argmax(0)]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weights = ctx.saved_tensors
        grad = grads[0]
        dx = dw = None
        if ctx.needs_input_grad[0]:
            dx = torch.zeros_like(x)
            step = max(1, _BLOCK // weights.shape[0])
            for start in range(0, weights.shape[1], step):
                shares = (weights[:, start : start + step] / ctx.tau).softmax(0).to(x.dtype)
                dx.addmm_(grad[:, start : start + step], shares.t())
        if ctx.needs_input_grad[1]:
            signs = (2 * x - 1).to(weights.dtype)
            # A fresh gradient of 100 MB a step would cost more than its arithmetic.
            reused = weights.is_cpu and weights.dtype in (torch.float32, torch.float64)
            rows = memory.empty((weights.shape[1], weights.shape[0]), weights.dtype) if reused else None
            dw = torch.mm(grad.t().to(weights.dtype), signs, out=rows).t()
        return dx, dw, None
