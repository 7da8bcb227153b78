"""Layers of other libraries as lutsmith's: wiring, weights if they have a counterpart, and tables to check them by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.dwn import GroupSum as PaddedGroupSum
from lutsmith.interop.gradient_factor import GradientFactor
from lutsmith.interop.state_dicts import ForeignModelError
from lutsmith.interop.told import Told, number
from lutsmith.nn import GroupSum, LogicDense
from lutsmith.nn.convolution import LogicConv

# Logits of tables whose weights have no counterpart: an entry is right with this probability.
_CONFIDENCE = 0.951
# Parametrizations with one weight an entry, whose sign is the entry.
_ENTRYWISE = ("dwn", "hybrid", "light")
# What such a weight becomes where another library's rounding, or its >= 0, gives the other entry.
_BARELY = 1e-20


@dataclass(frozen=True)
class ImportedLayer:
    """A layer of LUTs in lutsmith's conventions.

    Attributes:
        name: where it stands in the checkpoint.
        inputs: the inputs that each LUT reads, int64 `(out, rank)`.
        tables: its truth tables as the other library discretizes them, bool `(out, 2**rank)`.
        parametrization: the one that its weights belong to; None if lutsmith has none.
        weight: its weights `(out, num_weights)` in that parametrization.
        settings: further arguments of the parametrization.
        in_dim: its number of inputs, if the checkpoint says it.
        gradient_in: what the gradient toward its inputs is multiplied by.
        gradient_out: what the gradient of its outputs is multiplied by, before it reaches weights and inputs.
    """

    name: str
    inputs: Tensor
    tables: Tensor
    parametrization: str | None = None
    weight: Tensor | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    in_dim: int | None = None
    gradient_in: float = 1.0
    gradient_out: float = 1.0

    def modules(self, shape: tuple[int, ...]) -> list[nn.Module]:
        """The layer to put behind one that gives `shape`, with modules before and after it that scale its gradients, if
        needed; ForeignModelError if it reads another number of inputs.
        """
        width = math.prod(shape)
        if self.in_dim not in (None, width):
            raise ForeignModelError(f"{self.name} has {self.in_dim} inputs, and what is before it gives {width}")
        before, after = (
            [] if factor == 1 else [GradientFactor(factor)] for factor in (self.gradient_in, self.gradient_out)
        )
        return [*flat(shape), *before, self.build(width), *after]

    def out_shape(self) -> tuple[int, ...]:
        """The shape of its output, without the samples."""
        return (len(self.inputs),)

    def build(self, in_dim: int) -> LogicDense | LogicConv:
        """The layer, whose `hard_tables()` are `tables`.

        Warns:
            UserWarning: the weights have no exact counterpart; the layer has the hard tables as `light` logits.

        Raises:
            ForeignModelError: the wiring names inputs beyond `in_dim`.
        """
        low, high = (int(bound) for bound in torch.aminmax(self.inputs))
        if low < 0 or high >= in_dim:
            raise ForeignModelError(f"the wiring of {self.name} names inputs {low} to {high}; it has {in_dim} inputs")
        if self.parametrization is not None and self.weight is not None:
            layer = self._layer(in_dim, self.parametrization, self.weight, self.settings)
            if torch.equal(layer.hard_tables(), self.tables):
                return layer
        warnings.warn(
            f"the weights of {self.name} have no exact counterpart; its truth tables are imported as light logits",
            stacklevel=5,
        )
        logit = math.log(_CONFIDENCE / (1 - _CONFIDENCE))
        return self._layer(in_dim, "light", torch.where(self.tables, logit, -logit), {})

    def _layer(
        self, in_dim: int, parametrization: str, weight: Tensor, settings: dict[str, Any]
    ) -> LogicDense | LogicConv:
        if parametrization in _ENTRYWISE:
            barely = torch.where(self.tables, _BARELY, -_BARELY)
            weight = torch.where((weight > 0) == self.tables, weight, barely)
        fixed = {"connections": "fixed", "indices": self.inputs.int()}
        try:
            with torch.random.fork_rng(devices=[]):  # the initial weights are thrown away: leave the caller's generator
                layer = self._made(in_dim, parametrization=parametrization, **fixed, **settings)
        except (TypeError, ValueError) as error:
            raise ForeignModelError(f"{self.name} has no counterpart: {error}") from error
        with torch.no_grad():
            layer.weight.copy_(weight)
        return layer

    def _made(self, in_dim: int, **arguments: Any) -> LogicDense | LogicConv:
        return LogicDense(in_dim, *self.inputs.shape, **arguments)


def flat(shape: Sequence[int]) -> list[nn.Module]:
    """A module that makes samples of such a shape rows."""
    return [nn.Flatten()] if len(shape) > 1 else []


def assemble(layers: Sequence[ImportedLayer], in_dim: int | Sequence[int], head: ImportedHead | None) -> nn.Sequential:
    """The layers one after another, and the head.

    Args:
        layers: in the order of the model.
        in_dim: inputs of the first, or the shape of an image with its channels.
        head: of the model; None: none.

    Raises:
        ForeignModelError: layers that do not fit together, or a width that the head cannot group.
    """
    shape = (in_dim,) if isinstance(in_dim, int) else tuple(in_dim)
    modules: list[nn.Module] = []
    for layer in layers:
        modules += layer.modules(shape)
        shape = layer.out_shape()
    return nn.Sequential(*modules, *([] if head is None else [*flat(shape), head.build(math.prod(shape))]))


def width_of(told: Told, known: int | None, given: int | None) -> int:
    """The number of inputs of the first layer, from the checkpoint or as given; without either it is noted as missing,
    and is 0.

    The highest input that a wiring names does not determine it: inputs after that may be unread.
    """
    for name, value in (("in_dim", given), ("the first layer's number of inputs", known)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ForeignModelError(f"{name} is {value!r}; expected a positive integer")
    if known is not None and given not in (None, known):
        raise ForeignModelError(f"in_dim is {given}, but the first layer of the checkpoint has {known} inputs")
    if known is None and given is None:
        told.miss("in_dim")
    return known or given or 0


@dataclass(frozen=True)
class ImportedHead:
    """A group sum.

    Attributes:
        k: classes.
        tau: the divisor in training.
        beta: added to the sums in training.
        pads: whether the other library fills the last classes up with zeros if k does not divide the width.
    """

    k: int
    tau: float
    beta: float = 0.0
    pads: bool = False

    def build(self, width: int) -> nn.Module:
        """The head for this many LUTs; ForeignModelError if they cannot be grouped."""
        try:
            if self.pads and width % self.k:
                return PaddedGroupSum(self.k, self.tau)
            if width % self.k:
                raise ForeignModelError(f"{width} outputs cannot be {self.k} groups of one size; pass num_classes=...")
            return GroupSum(self.k, tau=self.tau, beta=self.beta)
        except (TypeError, ValueError) as error:
            if isinstance(error, ForeignModelError):
                raise
            raise ForeignModelError(
                f"the group sum has k={self.k}, tau={self.tau}, beta={self.beta}: {error}"
            ) from error


def group_sum(
    told: Told,
    source: object,
    num_classes: int | None,
    tau: float | None,
    beta: float | None = 0.0,
    *,
    pads: bool = False,
) -> ImportedHead | None:
    """The head, from the given numbers or from the module named GroupSum in the model `source`; None without either.

    Anything that is neither given nor an attribute of that module is noted as missing.
    """
    theirs = find_head(source)
    k = num_classes if num_classes is not None else getattr(theirs, "k", None)
    if k is None:
        return None
    numbers = {}
    for name, given in (("tau", tau), ("beta", beta)):
        value = given if given is not None else getattr(theirs, name, None)
        if value is None:
            told.miss(name)
        else:
            numbers[name] = number(f"{name} of the group sum", value.item() if isinstance(value, Tensor) else value)
    if isinstance(k, bool) or not isinstance(k, int) or k < 1 or numbers.get("tau", 1.0) <= 0:
        raise ForeignModelError(f"the group sum has k={k!r}, tau={numbers.get('tau')}; expected numbers above 0")
    return ImportedHead(k, numbers.get("tau", 1.0), numbers.get("beta", 0.0), pads)


def find_head(source: object) -> nn.Module | None:
    """The module named GroupSum in a model; None if there is none."""
    if not isinstance(source, nn.Module):
        return None
    return next((module for module in source.modules() if type(module).__name__ == "GroupSum"), None)
