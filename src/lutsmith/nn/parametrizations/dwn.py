"""dwn (Differentiable Weightless Networks, arXiv:2410.11112): look-up forward, extended finite differences back."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.kernels import ops
from lutsmith.kernels.ops import Wiring
from lutsmith.nn.parametrizations.base import Parametrization, pass_input_0, straight_through


class Dwn(Parametrization):
    """Tables theta in [-1, 1], looked up by address; output `1[theta_a > 0]` with an identity straight-through
    gradient.

    The gradient toward the inputs is the fold's at inputs contracted by rho toward 1/2: DWN's extended finite
    difference with `alpha = rho ((1 + rho) / 2)**(n - 1)` and `beta = (1 - rho) / (1 + rho)`, whose defaults are rho =
    1/2.

    Args:
        rank: see `Parametrization`, as all further arguments.
        rho: the contraction, in (0, 1]; 1 is the plain finite difference.
    """

    samplings: ClassVar[tuple[str, ...]] = ("hard",)

    def __init__(self, rank: int, *, rho: float = 0.5, forward_sampling: str = "hard", **settings: Any) -> None:
        super().__init__(rank, forward_sampling=forward_sampling, **settings)
        if not 0 < rho <= 1 or not math.isfinite(rho):
            raise ValueError(f"rho is {rho}; expected a number above 0 and at most 1")
        self.rho = rho

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    def _residual(self) -> Tensor:
        return (2 * self.residual_probability - 1) * pass_input_0(self.rank)

    def tables(self, weight: Tensor) -> Tensor:
        return weight

    def hard_tables(self, weight: Tensor) -> Tensor:
        return weight > 0

    def evaluate(self, x: Tensor, weight: Tensor, wiring: Wiring) -> Tensor:
        entry = ops.lookup(x, self.tables(weight), wiring, self.rho)
        return straight_through(entry > 0, entry)

    @torch.no_grad()
    def clamp_(self, weight: Tensor) -> None:
        weight.clamp_(-1, 1)
