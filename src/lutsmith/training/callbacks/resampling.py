"""Resampling: wires and tables that have settled, on a sure choice or on none, are drawn anew while there is time to
learn.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.lut_layers import lut_layers


@dataclass
class Resampling(Callback):
    """After each of the first epochs, draws anew the wires and tables that have settled (CompactLogic's resampling,
    arXiv:2602.05830, which does this by the step for gates with two wires each; here wires and tables are treated
    separately).

    A slot of learned connections has settled where the entropy of its choice, `softmax(scores / temperature)`, has
    moved by less than `settled` of its largest value, log K, within an epoch. If it is sure by then (the best candidate
    has more than `sure`), it keeps that one with a probability of 0.9, and gets new ones to compete with it. If it is
    undecided (the best has less than `unsure`), it gets new candidates that are as good as the one it reads.

    A table has settled where the mean distance of its entries from 1/2 has moved as little. If that distance is below
    `undecided` of the largest, the table starts again like a fresh one.

    The optimizer and the average of the weights forget everything that is drawn anew. Connections that do not learn
    among candidates, and tables that are sure, stay as they are.

    Attributes:
        epochs: the number of first epochs, after each of which this is done.
        settled: see above, as are the others.
        sure, unsure: probabilities.
        undecided: a share.
    """

    epochs: int
    settled: float = 0.05
    sure: float = 0.95
    unsure: float = 0.4
    undecided: float = 0.3
    _before: list[Tensor] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if type(self.epochs) is not int or self.epochs < 0:
            raise ValueError(f"Resampling(epochs={self.epochs!r}): expected an integer of epochs >= 0")
        for name in ("settled", "sure", "unsure", "undecided"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Resampling({name}={getattr(self, name)}): expected a number in [0, 1]")
        if self.unsure > self.sure:
            raise ValueError(f"Resampling(sure={self.sure}, unsure={self.unsure}): expected unsure below sure")

    def begin(self, stage: Stage) -> None:
        lut_layers(stage.model, "Resampling")
        for connections in _redrawable(stage.model):
            none = torch.zeros(connections.scores.shape[:2], dtype=torch.bool)
            copy.deepcopy(connections).redraw(none, none.float())  # raises where it will not be possible
        self._before = self._measures(stage.model)

    def before_epoch(self, stage: Stage) -> None:
        if stage.batch == 0:
            if 1 <= stage.epoch <= self.epochs:
                self.resample(stage)
            self._before = self._measures(stage.model)

    @torch.no_grad()
    def resample(self, stage: Stage) -> tuple[int, int]:
        """Draw anew now; return how many slots and how many tables. Random numbers follow from seed and epoch."""
        now, slots, tables = self._measures(stage.model), 0, 0
        settled = iter([(new - old).abs() < self.settled for new, old in zip(now, self._before, strict=True)])
        for number, connections in enumerate(_redrawable(stage.model)):
            still, best = next(settled), _chances(connections).amax(2)
            count = connections.scores.shape[2]
            sure, unsure = still & (best > self.sure), still & (best < self.unsure)
            lead = torch.where(sure, connections.temperature * math.log(9 * (count - 1)), _TOUCH)
            changed = connections.redraw(sure | unsure, lead, stage.generator(0x5A3, number))
            stage.forget(connections.scores, changed)
            slots += int(changed.any(2).sum())
        for number, layer in enumerate(lut_layers(stage.model, "Resampling"), 1 << 16):
            again = next(settled) & (_decided(layer) < self.undecided) & layer.weight.requires_grad
            fresh = layer.parametrization.initial_weight(len(layer.weight), stage.generator(0x5A3, number)).to(
                layer.weight
            )
            layer.weight.copy_(torch.where(again.unsqueeze(1), fresh, layer.weight))
            stage.forget(layer.weight, again.unsqueeze(1).expand_as(layer.weight))
            tables += int(again.sum())
        return slots, tables

    def state_dict(self) -> dict[str, Any]:
        return {"before": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        shapes = [[tuple(value.shape) for value in values] for values in (state["before"], self._before)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{self} was saved for slots and tables {shapes[0]}; the model has {shapes[1]}")
        self._before = list(state["before"])

    @torch.no_grad()
    def _measures(self, model: nn.Module) -> list[Tensor]:
        """What settles, in [0, 1]: the entropy of each slot, and how decided each table is."""
        found = []
        for connections in _redrawable(model):
            chances = _chances(connections)
            found.append(-torch.xlogy(chances, chances).sum(2) / math.log(chances.shape[2]))
        return [*found, *(_decided(layer) for layer in lut_layers(model, "Resampling"))]


_TOUCH = 1e-6
"""By how much the candidate that is read leads where all are to be as good."""


def _redrawable(model: nn.Module) -> list[Any]:
    """The connections of a model that learn among candidates, in the order of its modules."""
    return [module for module in model.modules() if callable(getattr(module, "redraw", None))]


def _chances(connections: Any) -> Tensor:
    """The probability of each candidate, `(kernels, rank, K)`."""
    chances: Tensor = (connections.scores.detach() / connections.temperature).softmax(2)
    return chances


def _decided(layer: Any) -> Tensor:
    """How far from 1/2 the entries of each table are on average, from 0 to 1."""
    probabilities: Tensor = layer.parametrization.probabilities(layer.weight.detach())
    return (2 * probabilities - 1).abs().mean(1)
