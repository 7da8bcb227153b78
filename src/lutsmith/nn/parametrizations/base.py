"""The base of all parametrizations: a differentiable map from weights to truth tables, and its non-linearity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.sampling import SAMPLINGS, sample_bits, scaled
from lutsmith.nn.precision import exact_in

WEIGHT_INITS = ("residual", "random")


class Parametrization(ABC):
    """A differentiable map from weights `(T, num_weights)` to truth tables `(T, 2**rank)`.

    Entry k of a table is the output at the address k, input 0 being the least significant bit. Subclasses say what the
    tables are, how a layer evaluates them while training, and which Boolean table they become. If a sampling has noise,
    `evaluate` draws it from torch's global generator; `probabilities` and `hard_tables` have none.

    Args:
        rank: inputs of a LUT, 1 to 8 (`raw`: 2).
        forward_sampling: `"soft"`; `"hard"` for Boolean values forward with a straight-through gradient;
            `"gumbel_soft"` or `"gumbel_hard"` for the same with noise on the logits, where there are logits.
        form: what a layer computes between the corners of the unit cube while training: `"multilinear"`, the fold of
            values at the corners by the kernel of all parametrizations, or `"direct"`, the parametrization's own
            function, where that is a different one (`poly`, `neural`, `fourier`). At the corners they agree.
        temperature: tau, the divisor of the logits, where there are logits. It may be changed while training.
        weight_init: `"residual"` starts every LUT near "pass input 0"; `"random"` does not.
        residual_probability: p, the probability (or the value in [0, 1]) with which each entry of a fresh residual
            table equals that of "pass input 0"; above 1/2 and below 1.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Tables are never those of rounded weights: in eval mode a layer is the hardware, under autocast too."""
        super().__init_subclass__(**kwargs)
        exact_in(cls, ("tables", "probabilities", "hard_tables"))

    ranks: ClassVar[range] = range(1, 9)
    samplings: ClassVar[tuple[str, ...]] = SAMPLINGS
    forms: ClassVar[tuple[str, ...]] = ("multilinear",)

    def __init__(
        self,
        rank: int,
        *,
        forward_sampling: str = "soft",
        form: str = "multilinear",
        temperature: float = 1.0,
        weight_init: str = "residual",
        residual_probability: float = 0.951,
    ) -> None:
        name = type(self).__name__
        whole_number("lut_rank", rank, self.ranks.start, self.ranks.stop - 1, f"the inputs of a {name} LUT")
        one_of(f"forward_sampling of {name}", forward_sampling, self.samplings)
        one_of(f"form of {name}", form, self.forms)
        one_of("weight_init", weight_init, WEIGHT_INITS)
        number("residual_probability", residual_probability, lambda p: 0.5 < p < 1, "a number between 0.5 and 1")
        self.rank = rank
        self.forward_sampling = forward_sampling
        self.form = form
        self.temperature = temperature
        self.weight_init = weight_init
        self.residual_probability = residual_probability

    @property
    def temperature(self) -> float:
        """tau, the divisor of the logits; a schedule may set it (ValueError if it is not positive)."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = number("temperature", value, lambda tau: 0 < tau < math.inf, "a positive number")

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
        if self.weight_init == "random":
            return self._random((num_tables, self.num_weights), generator).float()
        return self._pass_input_0().float().repeat(num_tables, 1)

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.randn(shape, generator=generator)

    @abstractmethod
    def _pass_input_0(self) -> Tensor:
        """Weights `(num_weights,)` of the table that passes input 0 with probability p."""

    def weights_of(self, tables: Tensor) -> Tensor:  # noqa: ARG002
        """Weights `(T, num_weights)` whose hard tables are these, bool `(T, 2**rank)`, each entry as sure as those of a
        residual table: with probability (or value) `residual_probability`.

        Raises:
            ValueError: the parametrization cannot represent every table.
        """
        raise ValueError(
            f"{type(self).__name__} cannot be given any table; take dwn, hybrid, lagrange, light, raw or warp"
        )

    @abstractmethod
    def tables(self, weight: Tensor) -> Tensor:
        """The differentiable values at the corners, `(T, 2**rank)`, that the kernel reads in the multilinear form."""

    @abstractmethod
    def probabilities(self, weight: Tensor) -> Tensor:
        """The differentiable tables `(T, 2**rank)` in [0, 1], without sampling: the output at each corner."""

    @abstractmethod
    def hard_tables(self, weight: Tensor) -> Tensor:
        """The Boolean tables `(T, 2**rank)` that the weights stand for: the circuit's."""

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        """Training output `(W, B)` of LUT instances wired to rows of `x`, `(F, B)` feature-major."""
        return ops.fold(x, self.tables(weight), reads)

    @property
    def folds(self) -> bool:
        """Whether `evaluate` is one pass of the fold's kernels, which may read and give bfloat16."""
        return type(self).evaluate is Parametrization.evaluate

    def clamp_(self, weight: Tensor) -> None:
        """Bound the weights in place after an optimizer step, where the parametrization wants it."""


class EntryLogits(Parametrization):
    """A parametrization whose weights are a logit for each table entry: `p = s(theta / tau)`, hard bit `theta > 0`."""

    def _pass_input_0(self) -> Tensor:
        return self.logit * pass_input_0(self.rank)

    def weights_of(self, tables: Tensor) -> Tensor:
        return self.logit * signs(tables)

    def tables(self, weight: Tensor) -> Tensor:
        return sample_bits(weight, self.temperature, self.forward_sampling)

    def probabilities(self, weight: Tensor) -> Tensor:
        return scaled(weight, self.temperature).sigmoid()

    def hard_tables(self, weight: Tensor) -> Tensor:
        return weight > 0


class OutputLogits(Parametrization):
    """A parametrization whose sigmoid sits on the output: `s(z(x) / tau)`; a bit of the table is `z > 0` at its corner.

    `tables` are the logits z at the corners. Noise is drawn for each LUT and sample.
    """

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        if self.form != "multilinear":
            logits = self.logits(x, weight, reads)
        elif self.forward_sampling == "soft" and reads.places is None and x.device.type == "cpu":
            return ops.fold_logistic(x, self.tables(weight), reads, self.temperature)
        else:
            logits = ops.fold(x, self.tables(weight), reads)
        return sample_bits(logits, self.temperature, self.forward_sampling)

    @property
    def folds(self) -> bool:
        own = type(self).evaluate is not OutputLogits.evaluate
        return not own and self.form == "multilinear" and self.forward_sampling == "soft"

    def logits(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        """z `(W, B)` in a form that is not multilinear; the multilinear one is the fold of the corners."""
        raise NotImplementedError(f"{type(self).__name__} has the form {self.form!r}, and no logits of it")

    def probabilities(self, weight: Tensor) -> Tensor:
        return scaled(self.tables(weight), self.temperature).sigmoid()

    def hard_tables(self, weight: Tensor) -> Tensor:
        return self.tables(weight) > 0


def pass_input_0(rank: int) -> Tensor:
    """+1 where address bit 0 is set and -1 elsewhere, `(2**rank,)`: the identity of input 0 as signs."""
    return corners(rank)[:, 0] * 2 - 1


def signs(tables: Tensor) -> Tensor:
    """+1 where an entry is True and -1 elsewhere, float32."""
    return tables.float() * 2 - 1


def corners(rank: int) -> Tensor:
    """The inputs at each address, `(2**rank, rank)` of 0 and 1, float32."""
    return ((torch.arange(1 << rank).unsqueeze(1) >> torch.arange(rank)) & 1).float()
