"""Where training stands: the batches done, the sum of their losses, and the time taken."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor

from lutsmith.training.settings import Settings


class TrainingError(ValueError):
    """Training cannot go on: the loss or a parameter is not finite."""


class Position:
    """A place in a run.

    Attributes:
        epoch: epochs done.
        batch: batches done in the present epoch.
        loss: float64 scalar on the device (float32 where the device has no wider one), the sum of their losses.
        seconds: time trained in the sittings before this one; `clock` adds the present one.
        epoch_seconds: time trained in the present epoch.
    """

    def __init__(self, settings: Settings, steps: int, device: torch.device) -> None:
        self.epoch = self.batch = 0
        self.loss: Tensor = torch.zeros(
            (), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device
        )
        self.seconds = self.epoch_seconds = 0.0
        self._settings, self._steps = settings, steps
        self._sat_down = time.perf_counter()

    @property
    def step(self) -> int:
        """Steps done, counted over all epochs."""
        return self.epoch * self._steps + self.batch

    def sit_down(self) -> None:
        """Start counting the seconds of this sitting."""
        self._sat_down = time.perf_counter()

    def clock(self) -> float:
        """Return the seconds trained so far, over all sittings."""
        return self.seconds + time.perf_counter() - self._sat_down

    def mean_loss(self) -> float:
        """Return the mean loss of this epoch's batches so far.

        Raises:
            TrainingError: it is not finite.
        """
        value = float(self.loss) / max(1, self.batch)
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is {value} in epoch {self.epoch + 1}, by batch {self.batch} of {self._steps}: "
                f"a smaller lr (now {self._settings.lr}) usually helps; check x for infinite values too"
            )
        return value

    def next_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.batch, self.epoch_seconds = self.epoch + 1, 0, 0.0
        self.loss.zero_()

    def to_state(self) -> dict[str, object]:
        """Return what a checkpoint keeps of the position."""
        return {
            "position": [self.epoch, self.batch],
            "loss": self.loss,
            "seconds": [self.clock(), self.epoch_seconds],
        }

    def adopt(self, state: dict[str, object]) -> None:
        """Take over what `to_state` gave."""
        self.epoch, self.batch = state["position"]  # type: ignore[misc]
        self.seconds, self.epoch_seconds = state["seconds"]  # type: ignore[misc]
        self.loss.copy_(state["loss"])  # type: ignore[arg-type]
