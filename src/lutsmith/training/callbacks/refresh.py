"""New candidates for learned connections while training goes on."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lutsmith.training.callbacks.base import Callback, Stage, are_epochs


@dataclass
class CandidateRefresh(Callback):
    """Replaces the worst-scored candidates of every learned slot by new ones at certain epochs.

    A slot sees only a few of a layer's inputs, chosen by chance; those whose scores have fallen furthest will not be
    read. The connections do the work in `connections.refresh(share, generator)`; this object adds the times and the
    seeds, and makes the optimizer (and the average of the weights) forget the scores of the replaced candidates.

    Attributes:
        share: the share of each slot's candidates to replace, in (0, 1).
        epochs: the numbers of finished epochs after which to replace them, such as (5, 10).
    """

    share: float
    epochs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"CandidateRefresh(share={self.share}): expected a share between 0 and 1")
        if not are_epochs(self.epochs, least=1) or not self.epochs:
            raise ValueError(f"CandidateRefresh(epochs={self.epochs}): expected epochs >= 1, such as (5, 10)")
        self.epochs = tuple(self.epochs)

    def begin(self, stage: Stage) -> None:
        if not refreshable(stage.model):
            raise ValueError(
                "there is nothing to refresh: no connections of the model have candidates; use connections='learnable'"
            )
        for connections in refreshable(stage.model):
            copy.deepcopy(connections).refresh(self.share, torch.Generator())  # raises where it will not be possible

    def before_epoch(self, stage: Stage) -> None:
        if stage.batch == 0 and stage.epoch in self.epochs:
            self.refresh(stage)

    def refresh(self, stage: Stage) -> int:
        """Replace candidates now; return how many. The generators follow from the stage's seed and epoch."""
        replaced = 0
        for number, connections in enumerate(refreshable(stage.model)):
            if bool(connections.frozen):
                continue
            changed = connections.refresh(self.share, stage.generator(0x4EF, number))
            stage.forget(connections.scores, changed)
            replaced += int(changed.sum())
        return replaced


def refreshable(model: nn.Module) -> list[Any]:
    """Return the connections of a model that can change their candidates, in the order of its modules."""
    return [module for module in model.modules() if callable(getattr(module, "refresh", None))]
