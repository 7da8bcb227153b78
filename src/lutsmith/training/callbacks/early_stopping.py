"""Early stopping: a run ends when its epochs no longer get better."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.metrics import Epoch


@dataclass
class EarlyStopping(Callback):
    """Stops a run after `patience` epochs in a row that are no better than the best before them.

    Whether stopped or not, the run keeps the weights of the best epoch. Epochs that are not validated do not count
    (`Settings.validate_every`). The cosine schedule ends only after `Settings.epochs`, and a network gains most of its
    accuracy near that end; so use early stopping with `schedule="constant"` or "step".

    Attributes:
        patience: epochs, at least 1.
        min_delta: by how much an epoch must be better to count as better, >= 0, in the unit of the monitored value.
        monitor: "hard", the validation score of the hardened network, which chooses the best epoch; "soft", that of the
            differentiable one; "loss", the mean training loss, for runs without held-out rows.
    """

    patience: int
    min_delta: float = 0.0
    monitor: Literal["hard", "soft", "loss"] = "hard"
    _best: float | None = field(default=None, init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if type(self.patience) is not int or self.patience < 1:
            raise ValueError(f"EarlyStopping(patience={self.patience!r}): expected an integer of epochs >= 1")
        if not 0 <= self.min_delta < float("inf"):
            raise ValueError(f"EarlyStopping(min_delta={self.min_delta}): expected a number >= 0")
        if self.monitor not in ("hard", "soft", "loss"):
            raise ValueError(f"EarlyStopping(monitor={self.monitor!r}): expected 'hard', 'soft' or 'loss'")

    def begin(self, stage: Stage) -> None:
        self._best, self._waited = None, 0
        if stage.validates is False and self.monitor != "loss":
            raise ValueError(
                "EarlyStopping compares epochs by their validation score, and validation is 0: hold a share of the "
                "rows out, or take monitor='loss'"
            )

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:
        value = getattr(epoch, self.monitor)
        if value is None:
            return
        if self.monitor == "loss":
            value = -value
        if self._best is None or value > self._best + self.min_delta:
            self._best, self._waited = value, 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            stage.stop(f"{self.monitor} was no better than {abs(self._best):.4g} in {self._waited} epochs")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._best, self._waited = state["best"], int(state["waited"])
