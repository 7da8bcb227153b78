"""Everything that changes during a run: what a checkpoint holds, and what is restored from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.isolation import generator_states, set_generator_states
from lutsmith.training.loop.position import Position, TrainingError
from lutsmith.training.metrics import Epoch
from lutsmith.training.optimization.averaging import WeightAverage


@dataclass
class Best:
    """The weights of the best epoch so far, on the CPU."""

    epoch: int
    hard: float
    state: dict[str, Tensor]

    @classmethod
    def of(cls, epoch: Epoch, model: nn.Module) -> Best:
        """Return a copy of the present weights."""
        state = {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}
        return cls(epoch.epoch, -1.0 if epoch.hard is None else epoch.hard, state)


@dataclass(eq=False)
class TrainingState:
    """The state of a run.

    Attributes:
        stage: what callbacks see: the model, on its device, the average of its weights, why it was stopped.
        optimizer: of its parameters, as steps use it.
        callbacks: in the order in which they are called.
        position: where training stands.
        best: None before the first validation.
        history: the epochs that are done.
    """

    stage: Stage
    optimizer: Any
    callbacks: Sequence[Callback]
    position: Position
    best: Best | None = None
    history: list[Epoch] = field(default_factory=list)

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self.stage.model

    @property
    def average(self) -> WeightAverage | None:
        """The average of the weights, if one is kept."""
        return self.stage.average

    def keep_if_best(self, epoch: Epoch) -> None:
        """Keep the present weights if they are those of the best validated epoch so far, or equally good."""
        if epoch.hard is not None and (self.best is None or epoch.hard >= self.best.hard):
            self.best = Best.of(epoch, self.model)

    def kept(self) -> Epoch:
        """Return the epoch whose weights are kept: the best one, or without validation the last."""
        best = self.best
        return self.history[-1] if best is None else next(e for e in self.history if e.epoch == best.epoch)

    def keep_best(self) -> None:
        """Give the model the weights of that epoch, in eval mode."""
        if self.best is not None:
            self.model.load_state_dict(self.best.state)
        elif self.average is not None:
            self.average.apply()
        self.model.eval()

    def check_parameters(self) -> None:
        """Raise TrainingError if a parameter is not finite: hard tables would hide this from the loss."""
        for name, parameter in self.model.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise TrainingError(f"{name} is not finite after epoch {self.position.epoch + 1}: try a smaller lr")

    def to_checkpoint(self) -> dict[str, Any]:
        """Return tensors and plain values from which `adopt` continues bit for bit."""
        return {
            **self.position.to_state(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "average": None if self.average is None else self.average.state_dict(),
            "generators": generator_states(),
            "best": None if self.best is None else vars(self.best),
            "history": [epoch.to_json() for epoch in self.history],
            "stopped": self.stage.stopped,
        }

    def adopt(self, saved: dict[str, Any]) -> None:
        """Take over what `to_checkpoint` gave, global generators included."""
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        for callback, kept in zip(self.callbacks, saved["callbacks"], strict=True):
            callback.load_state_dict(kept)
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.position.adopt(saved)
        self.best = None if saved["best"] is None else Best(**saved["best"])
        self.history = [Epoch.from_json(epoch) for epoch in saved["history"]]
        self.stage.stopped = saved["stopped"] or self.stage.stopped
        set_generator_states(saved["generators"])
