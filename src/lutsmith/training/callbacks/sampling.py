"""A change of the way in which soft tables are sampled, in the course of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from lutsmith.ground.arguments import one_of
from lutsmith.nn.parametrizations.sampling import SAMPLINGS
from lutsmith.training.callbacks.base import Callback, Stage


@dataclass
class SamplingChange(Callback):
    """Gives all parametrizations another sampling after some epochs, such as "hard": first soft tables, then hardened
    ones in the forward pass, with straight-through gradients, so that the network adapts to its rounding.

    After the run the sampling is that of the epoch whose weights were kept.

    Attributes:
        sampling: "soft", "hard", "gumbel_soft" or "gumbel_hard", as the parametrization has them.
        epoch: after how many finished epochs.
    """

    sampling: str
    epoch: int
    _before: list[str] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        one_of("sampling of SamplingChange", self.sampling, SAMPLINGS)
        if type(self.epoch) is not int or self.epoch < 0:
            raise ValueError(f"SamplingChange(epoch={self.epoch!r}): expected an integer of epochs >= 0")

    def begin(self, stage: Stage) -> None:
        found = _parametrizations(stage.model)
        if not found:
            raise ValueError("SamplingChange has nothing to change: no layer of the model has a parametrization")
        for parametrization in found:
            one_of(f"sampling_final of {type(parametrization).__name__}", self.sampling, parametrization.samplings)
        self._before = [parametrization.forward_sampling for parametrization in found]

    def before_epoch(self, stage: Stage) -> None:
        self._set(stage, stage.epoch)

    def end(self, stage: Stage) -> None:
        if stage.kept is not None:
            self._set(stage, max(stage.kept, 0))

    def state_dict(self) -> dict[str, Any]:
        return {"before": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if len(state["before"]) != len(self._before):
            raise ValueError(f"{self} was saved for {len(state['before'])} layers; the model has {len(self._before)}")
        self._before = list(state["before"])

    def _set(self, stage: Stage, epoch: int) -> None:
        for parametrization, before in zip(_parametrizations(stage.model), self._before, strict=True):
            parametrization.forward_sampling = before if epoch < self.epoch else self.sampling


def _parametrizations(model: nn.Module) -> list[Any]:
    """The parametrizations of a model that have a sampling, each once, in the order of its modules."""
    found = {id(owner): owner for owner in (getattr(module, "parametrization", None) for module in model.modules())}
    return [owner for owner in found.values() if hasattr(owner, "forward_sampling")]
