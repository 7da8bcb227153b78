"""Penalties of truth tables: how large, how rough, and how little a table depends on its inputs."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of
from lutsmith.kernels.training import ops
from lutsmith.nn.parametrizations.warp import hadamard
from lutsmith.training.lut_layers import lut_layers
from lutsmith.training.penalties.base import Batch, Penalty, check_weight

_LEAST = 1e-30  # what a probability counts as at least where its logarithm is taken


class TablePenalty(Penalty):
    """The mean over all LUTs of a model of a number for each LUT, times the weight."""

    def __call__(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:  # noqa: ARG002
        return self.of_model(model)

    def of_model(self, model: nn.Module) -> Tensor:
        """Return the term; it depends on the weights alone.

        Raises:
            ValueError: the model has no LUT layers.
        """
        layers = lut_layers(model, type(self).__name__)
        with torch.autocast(layers[0].weight.device.type, enabled=False):  # bfloat16 blurs sums of logarithms
            values = [_of_luts(layer, self.of_layer(layer)) for layer in layers]
        return self.weight * torch.cat(values).mean()

    @abstractmethod
    def of_layer(self, layer: Any) -> Tensor:
        """Return the number of each table of a layer, `(T,)`."""


@dataclass
class Spectral(TablePenalty):
    """`sum_S |S|^power c_S^2`, c the Walsh coefficients of the table `2 p - 1`: rough tables cost more.

    `c_S` is the mean over all addresses of the table times the parity character of the inputs S. With power 1 it is the
    total influence: the number of inputs whose flip changes the output, on average; entries that training never visits
    then follow their neighbours. Power 0 is the mean square of the table (Parseval).

    Attributes:
        weight: factor.
        power: of the degree |S|, >= 0.
    """

    weight: float
    power: float = 1.0

    def __post_init__(self) -> None:
        check_weight(self)
        if not (self.power >= 0 and math.isfinite(self.power)):
            raise ValueError(f"Spectral(power={self.power}): expected a number >= 0")

    def of_layer(self, layer: Any) -> Tensor:
        rank = layer.parametrization.rank
        signs = 2 * layer.parametrization.probabilities(layer.weight) - 1
        coefficients = signs @ hadamard(rank).to(signs).t() / (1 << rank)
        masks = torch.arange(1 << rank, device=signs.device)
        degrees = sum((masks >> j) & 1 for j in range(rank))
        costs = torch.as_tensor(degrees).to(signs) ** self.power
        return torch.mv(coefficients.square(), costs)


@dataclass
class _Norm(TablePenalty):
    weight: float
    of: Literal["tables", "logits"] = "tables"

    def __post_init__(self) -> None:
        check_weight(self)
        one_of(f"{type(self).__name__}'s of", self.of, ("tables", "logits"))

    def _values(self, layer: Any) -> Tensor:
        if self.of == "tables":
            values: Tensor = 2 * layer.parametrization.probabilities(layer.weight) - 1
            return values
        weight: Tensor = layer.weight
        return weight


@dataclass
class L1(_Norm):
    """The mean absolute entry of each LUT.

    Attributes:
        weight: factor.
        of: "tables" for the entries `2 p - 1`, in [-1, 1]; "logits" for the weights that they are made of.
    """

    def of_layer(self, layer: Any) -> Tensor:
        return self._values(layer).abs().mean(1)


@dataclass
class L2(_Norm):
    """The mean square entry of each LUT; attributes as of `L1`."""

    def of_layer(self, layer: Any) -> Tensor:
        return self._values(layer).square().mean(1)


@dataclass
class Area(TablePenalty):
    """The expected share of LUTs that remain when constants, wires and inverters are folded away.

    A LUT is gone if its table depends on at most one input. Let each entry k be 1 with its probability p_k,
    independently. Then with the chance of a constant, `C = prod p_k + prod (1 - p_k)`, and the chance that nothing but
    input j matters, `A_j = prod_v (prod_{k: k_j = v} p_k + prod_{k: k_j = v} (1 - p_k))`, which contains the former,

        P(gone) = sum_j A_j - (n - 1) C,     share left = mean over LUTs of 1 - P(gone).

    That is exact, and nearly flat for tables that are far from folding. So P(gone) is raised to `2^(1 - n)`, about the
    geometric mean over the entries that decide, unless `exact` is set; a value of 0 or 1 stays the same.

    Attributes:
        weight: factor.
        exact: penalise the expectation itself.
    """

    weight: float
    exact: bool = False

    def __post_init__(self) -> None:
        check_weight(self)

    def of_layer(self, layer: Any) -> Tensor:
        share = 1.0 if self.exact else 2.0 ** (1 - layer.parametrization.rank)
        return 1 - (share * self.log_gone(layer.parametrization.probabilities(layer.weight))).exp()

    @staticmethod
    def log_gone(tables: Tensor) -> Tensor:
        """Return the logarithm of P(gone), `(T,)`, of probabilities `(T, 2**n)`."""
        rank = tables.shape[1].bit_length() - 1
        ones, zeros = (p.clamp(min=_LEAST).log() for p in (tables, 1 - tables))
        constant = torch.logaddexp(ones.sum(1), zeros.sum(1))
        bits = (torch.arange(1 << rank, device=tables.device).unsqueeze(1) >> torch.arange(rank).to(tables.device)) & 1
        halves = torch.cat([bits, 1 - bits], 1).to(tables)  # address k lies in the half k_j = 1 or 0 of input j
        wires = torch.logaddexp(ones @ halves, zeros @ halves).reshape(-1, 2, rank).sum(1)
        one_at_most = torch.logsumexp(wires, 1)
        return one_at_most + torch.log1p(-(rank - 1) * (constant - one_at_most).exp())

    @torch.no_grad()
    def expected_luts(self, model: nn.Module) -> float:
        """Return the expected number of LUTs left, by the exact formula."""
        layers = lut_layers(model, "Area")
        left = ((layer, 1 - self.log_gone(layer.parametrization.probabilities(layer.weight)).exp()) for layer in layers)
        return sum(float(_of_luts(layer, values).sum()) for layer, values in left)


def _of_luts(layer: Any, values: Tensor) -> Tensor:
    """The number of each LUT of a layer, `(W,)`, from that of each table: LUTs may share tables."""
    table_of = getattr(layer, "table_of", None)
    return values if table_of is None else ops.to_places(values, table_of)
