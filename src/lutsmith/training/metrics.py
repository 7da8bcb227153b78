"""What an epoch reached, and how it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.data.augmentation.portion import Portion
from lutsmith.training.objectives import Objective
from lutsmith.training.ranks.ranks import ALONE, Ranks
from lutsmith.training.samples import Array, Rows, Samples

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Epoch:
    """One line of metrics.jsonl.

    Attributes:
        epoch: counted from 1; 0 is the network before the first step (`Trainer.fit(keep_start=True)`).
        loss: mean over the epoch's training batches; None in epoch 0, which has none.
        soft, hard: validation score of the differentiable network and of the hardened one: accuracy in [0, 1], or the
            objective's own score (R^2, the share of right bits); None if the epoch was not validated.
        gap: soft - hard.
        lr: learning rate of the tables in the epoch's last step.
        seconds: wall time of the epoch, validation included.
        figures: further numbers of the validation by name; in the line each has its own key.
    """

    epoch: int
    loss: float | None
    soft: float | None
    hard: float | None
    gap: float | None
    lr: float
    seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, each of `figures` under its own name."""
        values = {item.name: getattr(self, item.name) for item in fields(self)[:-1]}
        return {**values, **self.figures}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Epoch:
        """Return the inverse of `to_json`."""
        known = {item.name for item in fields(cls)[:-1]}
        rest = {name: value for name, value in values.items() if name not in known}
        return cls(**{name: values[name] for name in known}, figures=rest)


def logits(model: nn.Module, x: Array, rows: Rows, ranks: Ranks = ALONE, *, hardened: bool) -> NDArray[np.float32]:
    """Return the logits of some rows of `x` `(N, *input_shape)`, `(len(rows), classes)`, without gradients.

    With `hardened` the network is in eval mode, which is the circuit; otherwise in train mode, without augmentation.
    The mode of `model` is restored afterwards. Each of several processes computes a part, in the same pieces as one
    would, and returns the whole.
    """
    mode, parts = model.training, list[NDArray[np.float32]]()
    pieces = Portion.of(ranks.rank, ranks.size, max(1, -(-len(rows) // _EVALUATION_BATCH)))
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    model.train(not hardened)
    try:
        with torch.no_grad():
            for piece in range(pieces.first, pieces.first + pieces.count):
                batch = torch.from_numpy(x[rows[piece * _EVALUATION_BATCH : (piece + 1) * _EVALUATION_BATCH]])
                parts.append(model(batch.to(device)).float().cpu().numpy())
    finally:
        model.train(mode)
    return np.concatenate([part for found in ranks.gathered(parts) for part in found])


def score(
    model: nn.Module, samples: Samples, rows: Rows, objective: Objective, ranks: Ranks = ALONE, *, hardened: bool
) -> float:
    """Return the objective's score of the outputs for `rows`, counted by their weights; see `logits`."""
    weights = samples.weights_of(rows, "are measured")
    return objective.score(logits(model, samples.x, rows, ranks, hardened=hardened), samples.y[rows], weights)
