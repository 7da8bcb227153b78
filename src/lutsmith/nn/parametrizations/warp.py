"""warp (WARP, arXiv:2602.03527): Walsh coefficients, the sigmoid outside the sum."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.nn.parametrizations.base import OutputLogits, signs


class Warp(OutputLogits):
    """`z = H theta`, output `s(fold(z, x) / tau)`; hard bit `z > 0`.

    Coefficient S (a bit mask of inputs) belongs to the character `prod_{j in S} (2 x_j - 1)`. The Walsh sum is
    multilinear, so it is the fold of its own corners z.
    """

    def __init__(self, rank: int, **settings: Any) -> None:
        super().__init__(rank, **settings)
        self._hadamard = hadamard(rank)

    def _pass_input_0(self) -> Tensor:
        weight = torch.zeros(self.num_weights)
        weight[1] = self.logit  # the character of input 0 alone
        return weight

    def weights_of(self, tables: Tensor) -> Tensor:
        return self.logit * signs(tables) @ self._hadamard.t() / self.num_weights  # H H^t = 2**rank

    def tables(self, weight: Tensor) -> Tensor:
        return weight @ self._hadamard.to(weight)


def hadamard(rank: int) -> Tensor:
    """`H[S, k] = prod_{j in S} (2 k_j - 1)`, `(2**rank, 2**rank)`."""
    matrix = torch.ones(1, 1)
    step = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    for _ in range(rank):
        matrix = torch.kron(step, matrix)
    return matrix
