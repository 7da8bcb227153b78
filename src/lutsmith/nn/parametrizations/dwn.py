"""dwn (Differentiable Weightless Networks, arXiv:2410.11112): look-up forward, extended finite differences back."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lutsmith.ground.arguments import number, one_of
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import Parametrization, pass_input_0, signs
from lutsmith.nn.parametrizations.sampling import straight_through

DECAYS = ("exponential", "linear")
DEFAULT_RHO = 0.5


class Dwn(Parametrization):
    """Tables theta in [-1, 1], looked up by address; output `1[theta_a > 0]` with an identity straight-through
    gradient.

    The gradient toward input j is a sum of all entries, `+-alpha d(H)` times the entry, H being the number of inputs
    other than j in which its address differs from a. DWN's code has the exponential decay `d(H) = beta**H`: that is the
    fold's gradient at inputs contracted by rho toward 1/2, with `beta = (1 - rho) / (1 + rho)` and `alpha = rho ((1 +
    rho) / 2)**(rank - 1)`. Its defaults, `beta = 1/3` and `alpha = 0.5 * 0.75**(rank - 1)`, are rho = 1/2. To set beta,
    set `rho = (1 - beta) / (1 + beta)`; a different alpha then only scales the gradient. DWN's paper has the linear
    decay `d(H) = 1 / (H + 1)`, alpha = 1; here it is an exact quadrature over rho.

    Args:
        rank: see `Parametrization`, as all further arguments.
        rho: the contraction, in (0, 1]; 1 is the plain finite difference, None is 1/2. It may be changed while
            training. The linear decay has none.
        decay: `"exponential"` or `"linear"`.
    """

    samplings: ClassVar[tuple[str, ...]] = ("hard",)

    def __init__(
        self,
        rank: int,
        *,
        rho: float | None = None,
        decay: str = "exponential",
        forward_sampling: str = "hard",
        **settings: Any,
    ) -> None:
        super().__init__(rank, forward_sampling=forward_sampling, **settings)
        one_of("decay", decay, DECAYS)
        if decay == "linear" and rho is not None:
            raise ValueError(f"rho is {rho}; the linear decay has none: leave it out, or pass decay='exponential'")
        self.decay = decay
        if decay == "exponential":
            self.rho = DEFAULT_RHO if rho is None else rho

    @property
    def rho(self) -> float:
        """The contraction; a schedule may set it (ValueError outside of (0, 1]). The linear decay has none
        (AttributeError).
        """
        if self.decay == "linear":
            raise AttributeError("the linear decay has no rho; it is a setting of decay='exponential'")
        return self._rho

    @rho.setter
    def rho(self, value: float) -> None:
        if self.decay == "linear":
            raise AttributeError("the linear decay has no rho; it is a setting of decay='exponential'")
        self._rho = number("rho", value, lambda rho: 0 < rho <= 1, "a number above 0 and at most 1")

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    def _pass_input_0(self) -> Tensor:
        return (2 * self.residual_probability - 1) * pass_input_0(self.rank)

    def weights_of(self, tables: Tensor) -> Tensor:
        return (2 * self.residual_probability - 1) * signs(tables)

    def tables(self, weight: Tensor) -> Tensor:
        return weight

    def probabilities(self, weight: Tensor) -> Tensor:
        return (0.5 + 0.5 * weight).clamp(0, 1)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return weight > 0

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        if self.decay == "exponential":
            entry = ops.lookup(x, weight, reads, self.rho)
        else:
            entry = self._linear(x, weight, reads)
        return straight_through(entry > 0, entry)

    def _linear(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        """The look-up with the gradient of the linear decay: each look-up in the sum has the gradient of one rho."""
        entry = ops.lookup(x.detach(), weight, reads._replace(candidates=None, scores=None))
        for rho, share in linear_decay(self.rank):
            surrogate = ops.lookup(x, weight.detach(), reads, rho)
            entry = entry + share * (surrogate - surrogate.detach())
        return entry

    @torch.no_grad()
    def clamp_(self, weight: Tensor) -> None:
        weight.clamp_(-1, 1)


def linear_decay(rank: int) -> list[tuple[float, float]]:
    """Contractions rho and their shares: the sum of their extended finite differences has the decay `1 / (H + 1)`.

    `1 / (H + 1)` is the integral of `t**H` over [0, 1], and Gauss-Legendre quadrature with `ceil(rank / 2)` nodes t is
    exact for H <= rank - 1. A node is the exponential decay with beta = t, divided by its alpha.
    """
    nodes, shares = np.polynomial.legendre.leggauss(math.ceil(rank / 2))
    result = []
    for node, share in zip((1 + nodes) / 2, shares / 2, strict=True):
        rho = (1 - node) / (1 + node)
        result.append((float(rho), float(share / (rho * ((1 + rho) / 2) ** (rank - 1)))))
    return result
