"""What a parametrization is: a differentiable map from weights to truth tables, and where it puts its non-linearity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from lutsmith.kernels import ops
from lutsmith.kernels.ops import Wiring

SAMPLINGS = ("soft", "hard")
WEIGHT_INITS = ("residual", "random")


class Parametrization(ABC):
    """A differentiable map from weights `(T, num_weights)` to truth tables `(T, 2**rank)`.

    Entry k of a table is the output at the address k, input 0 being the least significant bit. Subclasses say what the
    tables are, how a layer evaluates them while training, and which Boolean table they become.

    Args:
        rank: inputs of a LUT, 1 to 8 (`raw`: 2).
        forward_sampling: `"soft"`, or `"hard"` for Boolean values forward with a straight-through gradient.
        temperature: tau, the divisor of the logits.
        weight_init: `"residual"` starts every LUT near "pass input 0"; `"random"` does not.
        residual_probability: p, the probability (or the value in [0, 1]) with which each entry of a fresh residual
            table equals that of "pass input 0"; above 1/2 and below 1.
    """

    ranks: ClassVar[range] = range(1, 9)
    samplings: ClassVar[tuple[str, ...]] = SAMPLINGS

    def __init__(
        self,
        rank: int,
        *,
        forward_sampling: str = "soft",
        temperature: float = 1.0,
        weight_init: str = "residual",
        residual_probability: float = 0.951,
    ) -> None:
        name = type(self).__name__
        if rank not in self.ranks:
            raise ValueError(
                f"{name} has LUTs of rank {self.ranks.start} to {self.ranks.stop - 1}; got lut_rank={rank}"
            )
        if forward_sampling not in self.samplings:
            raise ValueError(f"{name} samples {' or '.join(self.samplings)}; got forward_sampling={forward_sampling!r}")
        if weight_init not in WEIGHT_INITS:
            raise ValueError(f"weight_init is {weight_init!r}; expected one of {', '.join(WEIGHT_INITS)}")
        if not temperature > 0 or not math.isfinite(temperature):
            raise ValueError(f"temperature is {temperature}; expected a positive number")
        if not 0.5 < residual_probability < 1:
            raise ValueError(f"residual_probability is {residual_probability}; expected a number between 0.5 and 1")
        self.rank = rank
        self.forward_sampling = forward_sampling
        self.temperature = temperature
        self.weight_init = weight_init
        self.residual_probability = residual_probability

    @property
    def num_weights(self) -> int:
        """Weights of one table."""
        return 1 << self.rank

    @property
    def logit(self) -> float:
        """tau ln(p / (1 - p)): the logit of a residual entry."""
        p = self.residual_probability
        return self.temperature * math.log(p / (1 - p))

    def initial_weight(self, num_tables: int, generator: torch.Generator | None = None) -> Tensor:
        """Fresh weights `(num_tables, num_weights)`, float32."""
        shape = (num_tables, self.num_weights)
        if self.weight_init == "random":
            return self._random(shape, generator)
        return self._residual().expand(shape).clone()

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.randn(shape, generator=generator)

    @abstractmethod
    def _residual(self) -> Tensor:
        """Weights `(num_weights,)` of the table that passes input 0 with probability p."""

    @abstractmethod
    def tables(self, weight: Tensor) -> Tensor:
        """The differentiable tables `(T, 2**rank)` that `evaluate` reads."""

    @abstractmethod
    def hard_tables(self, weight: Tensor) -> Tensor:
        """The Boolean tables `(T, 2**rank)` that the weights stand for: the circuit's."""

    def evaluate(self, x: Tensor, weight: Tensor, wiring: Wiring) -> Tensor:
        """Training output `(W, B)` of LUT instances wired to rows of `x`, `(F, B)` feature-major."""
        return ops.fold(x, self.tables(weight), wiring)

    def clamp_(self, weight: Tensor) -> None:
        """Bound the weights in place after an optimizer step, where the parametrization wants it."""


def pass_input_0(rank: int) -> Tensor:
    """+1 where address bit 0 is set and -1 elsewhere, `(2**rank,)`: the identity of input 0 as signs."""
    return (torch.arange(1 << rank) % 2 * 2 - 1).float()


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`."""
    return hard.to(soft.dtype) + (soft - soft.detach())
