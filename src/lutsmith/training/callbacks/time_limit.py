"""A time limit: a run ends after a number of seconds, and the cosine schedule ends with it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from lutsmith.ground.arguments import number
from lutsmith.training.callbacks.base import Callback, Stage


@dataclass
class TimeLimit(Callback):
    """Stops a run after `seconds` from first step to last, resumed runs and measurements between epochs included.

    It sets how much of the run is over (`Stage.share`), so that the cosine schedule ends in time. A run with a limit
    therefore depends on the machine's speed, and is not reproducible bit for bit.

    Attributes:
        seconds: above 0.
    """

    seconds: float
    _before: float = field(default=0.0, init=False, repr=False)
    _sat_down: float | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.seconds = number("seconds", self.seconds, lambda s: 0 < s < float("inf"), "a number of seconds above 0")

    def begin(self, stage: Stage) -> None:  # noqa: ARG002
        self._before, self._sat_down = 0.0, None

    def before_epoch(self, stage: Stage) -> None:
        if self._sat_down is None:
            self._sat_down = time.perf_counter()
        self.after_step(stage)

    def after_step(self, stage: Stage) -> None:
        stage.share = min(1.0, self._spent() / self.seconds)
        if stage.share == 1.0:
            stage.stop(f"the limit of {self.seconds:g} seconds")

    def _spent(self) -> float:
        return self._before + (0.0 if self._sat_down is None else time.perf_counter() - self._sat_down)

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self._spent()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._before, self._sat_down = float(state["seconds"]), None
