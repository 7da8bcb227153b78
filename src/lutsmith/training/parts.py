"""What a caller adds to the settings of a run: objects and functions that are not JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lutsmith.data.augmentation.images import Augmentation
from lutsmith.training.callbacks.base import Callback, description
from lutsmith.training.objectives import Loss
from lutsmith.training.penalties.base import PenaltyFunction


@dataclass(frozen=True)
class Parts:
    """The parts of a run.

    Attributes:
        loss: replaces the objective's loss.
        penalties: added to the loss.
        callbacks: called after those of the settings.
        augmentations: of images, after those of the settings.
    """

    loss: Loss | None = None
    penalties: Sequence[PenaltyFunction] = ()
    callbacks: Sequence[Callback] = ()
    augmentations: Sequence[Augmentation] = ()

    def described(self) -> dict[str, list[str]]:
        """Return a text for each part, by kind; equal parts have equal texts in every process."""
        kinds = {
            "loss": [] if self.loss is None else [self.loss],
            "penalties": self.penalties,
            "callbacks": self.callbacks,
            "augmentations": self.augmentations,
        }
        return {kind: [description(part) for part in parts] for kind, parts in kinds.items()}
