"""Layers of other libraries as lutsmith's: wiring, weights where they have a counterpart, tables as the judge."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.interop.checkpoint import CheckpointError
from lutsmith.nn import GroupSum, LogicDense

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
        parametrization: the one that its weights belong to; None where lutsmith has none such.
        weight: its weights `(out, num_weights)` in that parametrization.
        settings: further arguments of the parametrization.
        in_dim: its inputs, where the checkpoint tells.
    """

    name: str
    inputs: Tensor
    tables: Tensor
    parametrization: str | None = None
    weight: Tensor | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    in_dim: int | None = None

    def build(self, in_dim: int) -> LogicDense:
        """The layer, whose `hard_tables()` are `tables`.

        Warns:
            UserWarning: the weights have no exact counterpart; the layer has the hard tables as `light` logits.

        Raises:
            CheckpointError: the wiring names inputs beyond `in_dim`.
        """
        low, high = (int(bound) for bound in torch.aminmax(self.inputs))
        if low < 0 or high >= in_dim:
            raise CheckpointError(f"the wiring of {self.name} names inputs {low} to {high}; it has {in_dim} inputs")
        if self.parametrization is not None and self.weight is not None:
            layer = self._layer(in_dim, self.parametrization, self.weight, self.settings)
            if torch.equal(layer.hard_tables(), self.tables):
                return layer
        warnings.warn(
            f"the weights of {self.name} have no exact counterpart; its truth tables are imported as light logits",
            stacklevel=4,
        )
        logit = math.log(_CONFIDENCE / (1 - _CONFIDENCE))
        return self._layer(in_dim, "light", torch.where(self.tables, logit, -logit), {})

    def _layer(self, in_dim: int, parametrization: str, weight: Tensor, settings: dict[str, Any]) -> LogicDense:
        if parametrization in _ENTRYWISE:
            barely = torch.where(self.tables, _BARELY, -_BARELY)
            weight = torch.where((weight > 0) == self.tables, weight, barely)
        out_dim, rank = self.inputs.shape
        with torch.random.fork_rng(devices=[]):  # the initial weights are thrown away: leave the caller's generator
            layer = LogicDense(
                in_dim,
                out_dim,
                rank,
                parametrization=parametrization,
                connections="fixed",
                indices=self.inputs.int(),
                **settings,
            )
        with torch.no_grad():
            layer.weight.copy_(weight)
        return layer


def assemble(layers: Sequence[ImportedLayer], in_dim: int | None, head: nn.Module | None) -> nn.Sequential:
    """The layers one after another, and the head.

    Args:
        layers: in the order of the model.
        in_dim: inputs of the first; None: what the checkpoint tells, or the highest input that its wiring names.
        head: the head; None: none.
    """
    known = layers[0].in_dim
    if known is not None and in_dim not in (None, known):
        raise CheckpointError(f"in_dim is {in_dim}, but {layers[0].name} has {known} inputs")
    width = known if known is not None else in_dim if in_dim is not None else int(layers[0].inputs.max()) + 1
    modules: list[nn.Module] = []
    for layer in layers:
        if layer.in_dim not in (None, width):
            raise CheckpointError(f"{layer.name} has {layer.in_dim} inputs and follows a layer of {width} LUTs")
        modules.append(layer.build(width))
        width = len(layer.inputs)
    if isinstance(head, GroupSum) and width % head.k:
        raise CheckpointError(f"{width} outputs cannot be {head.k} groups of one size; pass num_classes=...")
    return nn.Sequential(*modules, *([] if head is None else [head]))


def group_sum(source: object, num_classes: int | None, tau: float | None, beta: float | None = None) -> GroupSum | None:
    """The head: of the numbers given, or of the module named GroupSum in the model `source`; None without either."""
    theirs = find_head(source)
    k = num_classes if num_classes is not None else getattr(theirs, "k", None)
    if k is None:
        return None
    divisor = tau if tau is not None else getattr(theirs, "tau", 1.0)
    offset = beta if beta is not None else getattr(theirs, "beta", 0.0)
    try:
        return GroupSum(int(k), tau=float(divisor), beta=float(offset))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the group sum has k={k!r}, tau={divisor!r}, beta={offset!r}: {error}") from error


def find_head(source: object) -> nn.Module | None:
    """The module named GroupSum in a model; None without one."""
    if not isinstance(source, nn.Module):
        return None
    return next((module for module in source.modules() if type(module).__name__ == "GroupSum"), None)
