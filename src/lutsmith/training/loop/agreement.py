"""What several processes have to agree on between steps: that they train the same thing, and whether to stop."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.callbacks.resting import RestingWires
from lutsmith.training.loop.feed import Feed
from lutsmith.training.settings import Settings

_SAME_EVERYWHERE = (RestingWires,)  # callbacks whose acts after a step follow from the step alone


class Agreement:
    """Keeps `stage.stopped` and `stage.share` the same in all processes, whatever clocks callbacks look at.

    The share is rank 0's. If any process stops, all stop, for the reason of the lowest rank that has one.

    Args:
        stage: of the run.
        callbacks: all of them.
    """

    def __init__(self, stage: Stage, callbacks: Sequence[Callback]) -> None:
        self._stage, self._ranks = stage, stage.ranks
        self._asked = {
            name: name != "after_step" or any(_acts(callback, name) for callback in callbacks)
            for name in ("before_epoch", "after_step", "after_epoch")
        }

    def check_same(self, settings: Settings, feed: Feed) -> None:
        """Raise ValueError if the processes were started with different settings or data."""
        if not self._ranks.alone:
            told = {**settings.to_json(), "data": feed.earlier_fingerprint(), "steps": feed.steps}
            self._ranks.check_equal("the processes train different things", told, "give all of them the same")

    def after(self, name: str) -> None:
        """Agree, after the callbacks' method of that name was called; the steps do so only where it can matter."""
        stage, ranks = self._stage, self._ranks
        if ranks.alone or not self._asked[name]:
            return
        told = torch.zeros(2, dtype=torch.float64, device=next(stage.model.parameters()).device)
        told[0], told[1] = float(stage.stopped is not None), stage.share if ranks.first else 0.0
        stopped, stage.share = ranks.add(told).tolist()
        if stopped:
            stage.stopped = next(reason for reason in ranks.gathered(stage.stopped) if reason is not None)


def _acts(callback: Callback, name: str) -> bool:
    own = getattr(type(callback), name, None)
    return own is not getattr(Callback, name) and not isinstance(callback, _SAME_EVERYWHERE)
