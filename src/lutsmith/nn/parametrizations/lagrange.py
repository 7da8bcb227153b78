"""lagrange (DeepLUT): the product form of a table over inputs and outputs of -1 and 1."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import number
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import Parametrization, pass_input_0, signs
from lutsmith.nn.parametrizations.sampling import straight_through


class Lagrange(Parametrization):
    """`f = gamma sum_k t_k prod_j (1 + tau_jk x'_j)`, `tau_jk` the sign of input j in entry k and `x' = 2 x - 1`; hard
    bit `theta > 0`.

    Layers pass on `(1 + f) / 2`, so that -1 and 1 are 0 and 1. At binary inputs the product is `2**rank` at the address
    and 0 elsewhere; normalised, as by default, it is divided by `2**rank`, and a sum of products is the multilinear
    extension. Soft sampling is DeepLUT's binarization level 0: `t = theta`. Hard sampling is its level 1: `t` is the
    sign of theta, with a gradient of 1 where |theta| <= 1, and inputs count as x > 1/2, their gradient being the plain
    finite difference of the table. `clamp_` bounds theta, so that no entry leaves the range that has gradients.

    Args:
        rank: see `Parametrization`, as all further arguments.
        gamma: the scale of f, positive.
        normalised: False keeps DeepLUT's factor `2**rank`, in values and gradients.
    """

    samplings: ClassVar[tuple[str, ...]] = ("soft", "hard")

    def __init__(self, rank: int, *, gamma: float = 1.0, normalised: bool = True, **settings: Any) -> None:
        super().__init__(rank, **settings)
        number("gamma", gamma, lambda value: 0 < value < math.inf, "a positive number")
        self.gamma = gamma
        self.normalised = normalised

    @property
    def scale(self) -> float:
        """f at an address, where `t` is 1."""
        return self.gamma if self.normalised else self.gamma * (1 << self.rank)

    @property
    def bound(self) -> float:
        """The largest |theta|: that of f = 1 (hard sampling: 1, the end of the gradient)."""
        return 1 / self.scale if self.forward_sampling == "soft" else 1.0

    def _pass_input_0(self) -> Tensor:
        return (2 * self.residual_probability - 1) * self.bound * pass_input_0(self.rank)

    def weights_of(self, tables: Tensor) -> Tensor:
        return (2 * self.residual_probability - 1) * self.bound * signs(tables)

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return (torch.rand(shape, generator=generator) * 2 - 1) * self.bound

    def tables(self, weight: Tensor) -> Tensor:
        values = weight
        if self.forward_sampling == "hard":
            values = straight_through((weight > 0) * 2 - 1, weight.clamp(-1, 1))
        return 0.5 + (0.5 * self.scale) * values

    def probabilities(self, weight: Tensor) -> Tensor:
        return (0.5 + (0.5 / self.bound) * weight).clamp(0, 1)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return weight > 0

    @property
    def folds(self) -> bool:
        return type(self).evaluate is Lagrange.evaluate and self.forward_sampling == "soft"

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        if self.forward_sampling == "soft":
            return super().evaluate(x, weight, reads)
        return ops.lookup(x, self.tables(weight), reads, rho=1.0)

    @torch.no_grad()
    def clamp_(self, weight: Tensor) -> None:
        weight.clamp_(-self.bound, self.bound)
