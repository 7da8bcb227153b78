"""neural (NeuraLUT, arXiv:2403.00849): a small multilayer perceptron in every LUT."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import whole_number
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import OutputLogits, corners
from lutsmith.nn.parametrizations.direct import of_instances, read_rows


class Neural(OutputLogits):
    """`z(x)` by a perceptron of each LUT's own, output `s(z(x) / tau)`; hard bit `z > 0` at the corner.

    With `h_0 = 2 x - 1` and hidden layers `h_i = relu(A_i h_{i-1} + b_i)` it is `z = a h_depth + s h_0 + c`: NeuraLUT's
    perceptron with a skip connection from the inputs. The skip connection alone passes input 0, so that residual LUTs
    have exactly the probability p while their hidden layers start at random (and a, the way out of them, at 0).

    In the multilinear form the perceptrons see only the corners, whatever the batch, and the kernel does the rest; in
    the direct form they see every sample.

    Args:
        rank: see `Parametrization`, as all further arguments.
        width: units of a hidden layer, at least 1.
        depth: hidden layers, at least 1.
    """

    forms: ClassVar[tuple[str, ...]] = ("multilinear", "direct")

    def __init__(self, rank: int, *, width: int = 8, depth: int = 2, **settings: Any) -> None:
        super().__init__(rank, **settings)
        for name, size in (("width", width), ("depth", depth)):
            whole_number(name, size, 1)
        self.width = width
        self.depth = depth
        # Inputs and outputs of each layer; weights of a layer are (inputs, outputs) and then (outputs,) of bias.
        self._layers = [(rank, width), *[(width, width)] * (depth - 1), (width, 1)]
        self._corners = corners(rank)

    @property
    def num_weights(self) -> int:
        return sum((inputs + 1) * outputs for inputs, outputs in self._layers) + self.rank

    def _pass_input_0(self) -> Tensor:
        weight = torch.zeros(self.num_weights)
        weight[-self.rank] = self.logit
        return weight

    def initial_weight(self, num_tables: int, generator: torch.Generator | None = None) -> Tensor:
        weight = self._random((num_tables, self.num_weights), generator)
        if self.weight_init == "residual":
            way_out = self.num_weights - self.width - 1 - self.rank
            weight[:, way_out:] = self._pass_input_0()[way_out:]
        return weight.float()

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        weight = torch.randn(shape, generator=generator)
        start = 0
        for inputs, outputs in self._layers:
            end = start + inputs * outputs
            weight[:, start:end] *= math.sqrt((2 if outputs > 1 else 1) / inputs)
            start = end + outputs
        weight[:, -self.rank :] /= math.sqrt(self.rank)
        return weight

    def tables(self, weight: Tensor) -> Tensor:
        return self._perceptrons(self._corners.to(weight).expand(len(weight), -1, -1), weight)

    def logits(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        rows = read_rows(x, reads).to(weight.dtype)
        return self._perceptrons(rows.transpose(1, 2), of_instances(weight, reads)).to(x.dtype)

    def _perceptrons(self, points: Tensor, weight: Tensor) -> Tensor:
        """The logits `(W, P)` of W perceptrons at P points each, `(W, P, rank)`."""
        signs = 2 * points - 1
        hidden, start = signs, 0
        for number, (inputs, outputs) in enumerate(self._layers):
            matrix, bias, start = start, start + inputs * outputs, start + (inputs + 1) * outputs
            factors = weight[:, matrix:bias].reshape(-1, inputs, outputs)
            hidden = torch.baddbmm(weight[:, None, bias:start], hidden, factors)
            if number < self.depth:
                hidden = hidden.relu()
        skip = weight[:, start:].unsqueeze(2)
        return torch.baddbmm(hidden, signs, skip).squeeze(2)
