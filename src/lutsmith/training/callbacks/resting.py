"""Steps that train only tables: scores of learned connections are the more expensive part of a step."""

from __future__ import annotations

from dataclasses import dataclass

from lutsmith.training.callbacks.base import Callback, Stage
from lutsmith.training.lut_layers import learned_connections


@dataclass
class RestingWires(Callback):
    """Trains the scores of learned connections in only one of `every` steps, beginning with the first step of an epoch.

    In the other steps each slot reads what it has chosen, as if wires were fixed, and a step costs no more than with
    fixed wires.

    Attributes:
        every: steps, at least 1.
    """

    every: int

    def __post_init__(self) -> None:
        if type(self.every) is not int or self.every < 1:
            raise ValueError(f"RestingWires(every={self.every!r}): expected an integer of steps >= 1")

    def begin(self, stage: Stage) -> None:
        found = learned_connections(stage.model)
        if not found:
            raise ValueError(
                "RestingWires has nothing that could rest: no layer of the model learns its connections; use "
                "connections='learnable'"
            )
        for connections in found:
            connections.rest(True)  # raises where it cannot
            connections.rest(False)

    def before_epoch(self, stage: Stage) -> None:
        self._rest(stage, resting=stage.batch % self.every != 0)

    def after_step(self, stage: Stage) -> None:
        self._rest(stage, resting=stage.batch % self.every != 0)

    def end(self, stage: Stage) -> None:
        self._rest(stage, resting=False)

    def _rest(self, stage: Stage, *, resting: bool) -> None:
        for connections in learned_connections(stage.model):
            connections.rest(resting)
