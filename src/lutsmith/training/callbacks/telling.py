"""Telling: somebody outside of a run hears what its epochs reach, and may end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.metrics import Epoch


@dataclass
class Telling(Callback):
    """Calls a function after each epoch that was measured. What the function raises ends the run.

    Attributes:
        told: is given the number of the epoch, from 1, and the hardened network's score on the validation rows.
    """

    told: Callable[[int, float], None] = field(repr=False)

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:  # noqa: ARG002
        if epoch.hard is not None:
            self.told(epoch.epoch, epoch.hard)
