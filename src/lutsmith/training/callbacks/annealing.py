"""Temperatures and rho that change from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import nn

from lutsmith.ground.arguments import one_of
from lutsmith.training.callbacks.base import Callback, Stage

SHAPES = ("exponential", "linear", "cosine")


def interpolate(initial: float, final: float, progress: float, shape: str) -> float:
    """Return the value between `initial` (progress 0) and `final` (progress 1).

    "linear" goes in equal steps, "exponential" by equal factors, and "cosine" along half a cosine, flat at both ends.
    """
    if shape == "linear":
        return initial + (final - initial) * progress
    if shape == "exponential":
        return float(initial * (final / initial) ** progress)
    return final + (initial - final) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass
class Schedule(Callback):
    """Moves one attribute of all parametrizations (or connections) of a model from its initial to a final value.

    The value is constant within an epoch: in epoch e of E it is e / (E - 1) of the way. After the run it is the value
    of the epoch whose weights were kept.

    Attributes:
        final: the value in the last epoch.
        initial: the value in the first epoch; None: the value that each has when training begins.
        shape: "exponential", "linear" or "cosine".
    """

    final: float
    initial: float | None = None
    shape: str = "exponential"
    _owners: list[Any] = field(default_factory=list, init=False, repr=False)
    _initials: list[float] = field(default_factory=list, init=False, repr=False)

    attribute: ClassVar[str]
    place: ClassVar[str]
    largest: ClassVar[float] = math.inf

    def __post_init__(self) -> None:
        for name in ("final", "initial"):
            value = getattr(self, name)
            if value is not None and not (0 < value <= self.largest and math.isfinite(value)):
                upto = "" if math.isinf(self.largest) else f", at most {self.largest:g}"
                raise ValueError(f"{type(self).__name__}({name}={value}): expected a positive number{upto}")
        one_of(f"shape of {type(self).__name__}", self.shape, SHAPES)

    def begin(self, stage: Stage) -> None:
        self._owners = list(self._found(stage.model))
        if not self._owners:
            raise ValueError(
                f"{type(self).__name__} has nothing to change: no layer of the model has {self.place} with a "
                f"{self.attribute}"
            )
        self._initials = [
            float(getattr(owner, self.attribute)) if self.initial is None else self.initial for owner in self._owners
        ]

    def before_epoch(self, stage: Stage) -> None:
        self._set(stage.epoch, stage.epochs)

    def end(self, stage: Stage) -> None:
        if stage.kept is not None:
            self._set(max(stage.kept, 0), stage.epochs)

    def value(self, initial: float, epoch: int, epochs: int) -> float:
        """Return the value in an epoch, counted from 0, of a run of `epochs`."""
        return interpolate(initial, self.final, epoch / (epochs - 1) if epochs > 1 else 1.0, self.shape)

    def state_dict(self) -> dict[str, Any]:
        return {"initials": self._initials}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if len(state["initials"]) != len(self._owners):
            raise ValueError(f"{self} was saved for {len(state['initials'])} layers; the model has {len(self._owners)}")
        self._initials = [float(value) for value in state["initials"]]

    def _set(self, epoch: int, epochs: int) -> None:
        for owner, initial in zip(self._owners, self._initials, strict=True):
            setattr(owner, self.attribute, self.value(initial, epoch, epochs))

    def _found(self, model: nn.Module) -> Iterator[Any]:
        seen: set[int] = set()
        for module in model.modules():
            owner = getattr(module, self.place, None)
            if hasattr(owner, self.attribute) and id(owner) not in seen:
                seen.add(id(owner))
                yield owner


@dataclass
class TemperatureSchedule(Schedule):
    """The temperature of the parametrizations: a lower one is closer to the hardened tables."""

    attribute: ClassVar[str] = "temperature"
    place: ClassVar[str] = "parametrization"


@dataclass
class RhoSchedule(Schedule):
    """The contraction rho of `dwn`'s gradient: 1 is the plain finite difference, lower looks at further entries."""

    attribute: ClassVar[str] = "rho"
    place: ClassVar[str] = "parametrization"
    largest: ClassVar[float] = 1.0


@dataclass
class ConnectionTemperatureSchedule(Schedule):
    """The temperature of learned connections: a lower one gives the gradient to the candidates with the best scores."""

    attribute: ClassVar[str] = "temperature"
    place: ClassVar[str] = "connections"
