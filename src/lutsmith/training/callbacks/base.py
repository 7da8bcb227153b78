"""The base of training aids that act between the steps: a callback, and the stage that it acts on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lutsmith.training.metrics import Epoch
from lutsmith.training.optimization.averaging import WeightAverage
from lutsmith.training.ranks.ranks import ALONE, Ranks


@dataclass
class Stage:
    """A training run as callbacks see it.

    In a loop of your own, make it once, and keep its `epoch` and `batch` up to date::

        stage = Stage(model, optimizer, epochs=20)
        schedule = TemperatureSchedule(final=0.1)
        schedule.begin(stage)
        for stage.epoch in range(20):
            schedule.before_epoch(stage)
            ...

    Attributes:
        model: the network, on its device.
        optimizer: of its parameters.
        epochs: of the whole run.
        seed: of all that is random in the run.
        epoch: epochs done.
        batch: batches done in the present epoch.
        average: of the weights, if one is kept.
        kept: after the run, the epoch, from 0, whose weights the model holds, or -1 for those that it began with; None
            before.
        validates: whether epochs are measured on held-out rows; None in a loop that does not say.
        stopped: why a callback has stopped the run; None if none has.
        share: the least share of the run that is over, in [0, 1]. A callback that ends the run by another measure than
            epochs, such as a time limit, sets it. The cosine schedule advances at least this far.
        ranks: the processes of the run. Each of them calls all callbacks; one that writes files or prints does so only
            where `ranks.first` is true, and one that changes the network changes it alike in all of them.
    """

    model: nn.Module
    optimizer: Optimizer
    epochs: int
    seed: int = 0
    epoch: int = 0
    batch: int = 0
    average: WeightAverage | None = None
    kept: int | None = None
    validates: bool | None = None
    stopped: str | None = None
    share: float = 0.0
    ranks: Ranks = ALONE

    def stop(self, reason: str) -> None:
        """End the run after the present step, or after the next one if no step is being taken.

        The epoch is cut short there, validated and saved, and the run is finished: it holds its best weights, says why
        it was stopped, and stays stopped when it is resumed. The first reason counts. In a loop of your own, check
        `stopped` after each step and epoch.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"stop({reason!r}): expected a text that says why")
        if self.stopped is None:
            self.stopped = reason

    def generator(self, purpose: int, number: int) -> torch.Generator:
        """The generator for what one module, by its number, draws for its own purpose before an epoch."""
        state = np.random.SeedSequence([self.seed, purpose, self.epoch, number]).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(state[0]) & (2**63 - 1))

    @torch.no_grad()
    def forget(self, parameter: nn.Parameter, changed: Tensor) -> None:
        """Drop what the optimizer and the average remember about the elements of `parameter` where `changed` is True.

        There moments become 0, and the average becomes the present value of the parameter.
        """
        for value in self.optimizer.state.get(parameter, {}).values():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                value.masked_fill_(changed.to(value.device), 0)
        if self.average is not None:
            self.average.restart(parameter, changed)


class Callback:
    """Does something at certain points of a run; the methods of this class do nothing.

    A run that is stopped and resumed must not differ from one that was not. So everything that a callback does must
    follow from the stage, or from a state that it gives to the checkpoint; random numbers come from a generator seeded
    by the stage's `seed` and `epoch`, or from the global ones, which a checkpoint saves. Any callback may end the run:
    `stage.stop("why")`.
    """

    def begin(self, stage: Stage) -> None:
        """Called once per sitting, before anything else. Raise ValueError if the model does not suit."""

    def before_epoch(self, stage: Stage) -> None:
        """Called before the first batch of an epoch, and when a sitting resumes within one (`stage.batch` > 0)."""

    def after_backward(self, stage: Stage) -> None:
        """Called when the gradients of a batch are computed, before the optimizer's step."""

    def after_step(self, stage: Stage) -> None:
        """Called after the optimizer's step and the clamping of the tables."""

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:
        """Called when an epoch is done, and measured if it is one to validate. Stopping here takes no further step."""

    def end(self, stage: Stage) -> None:
        """Called when a sitting ends, however it ends; `stage.kept` says whether the run is finished."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must keep: tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave; called after `begin`."""


_CALLED = ("begin", "before_epoch", "after_backward", "after_step", "after_epoch", "end")
"""What every callback is asked for."""


def checked_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """Return callbacks as a tuple; TypeError if one lacks methods of `Callback`, or is a class."""
    if not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks is {callbacks!r}; expected a list of callbacks")
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"callbacks holds the class {callback.__name__}; expected an object of it")
        if missing := [name for name in _CALLED if not callable(getattr(callback, name, None))]:
            raise TypeError(
                f"callbacks holds a {type(callback).__name__}, which has no {', '.join(missing)}; derive it from "
                "Callback"
            )
    return tuple(callbacks)


def are_epochs(value: object, least: int) -> bool:
    """Return whether `value` is a sequence of integers >= `least`."""
    return isinstance(value, Sequence) and all(type(epoch) is int and epoch >= least for epoch in value)


def description(part: object) -> str:
    """Return a text that distinguishes a loss, penalty, callback or augmentation from others, the same in every
    process.
    """
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        return repr(part)
    return str(getattr(part, "__qualname__", type(part).__qualname__))
