"""One optimizer step: augmentation, forward pass, loss and penalties, backward pass, update, clamping of tables."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.data.augmentation.images import ImageChange
from lutsmith.data.augmentation.portion import Portion
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.ground.interrupts import Interrupts
from lutsmith.training.augmentation.bits import BitFlips
from lutsmith.training.isolation import no_trace
from lutsmith.training.loop.devices import Devices
from lutsmith.training.loop.feed import Feed
from lutsmith.training.loop.position import Position
from lutsmith.training.loop.state import TrainingState
from lutsmith.training.objectives import Loss, Objective
from lutsmith.training.optimization.schedules import rate_factor
from lutsmith.training.parts import Parts
from lutsmith.training.penalties.base import Batch
from lutsmith.training.ranks.gradients import GradientSum
from lutsmith.training.samples import Rows
from lutsmith.training.settings import Settings

_LOOK = 16  # steps on a GPU from one look at whether somebody wants to stop to the next


class TrainingStep:
    """Takes optimizer steps on batches of rows.

    Args:
        settings: rates, augmentations and flips of bits are read.
        feed: gives the batches, and each step its random numbers.
        objective: whose loss is taken, unless `parts` has one.
        parts: losses, penalties and augmentations of the caller.
        devices: where batches go.
        network: the model in the precision of training.
        state: model, optimizer and average that are changed.

    Attributes:
        interrupts: what signals have come to this process.
    """

    def __init__(
        self,
        settings: Settings,
        feed: Feed,
        objective: Objective,
        parts: Parts,
        devices: Devices,
        network: nn.Module,
        state: TrainingState,
    ) -> None:
        self._settings, self._feed = settings, feed
        self._objective, self._devices, self._network = objective, devices, network
        self._state, self._stage, self._optimizer = state, state.stage, state.optimizer
        self._loss: Loss = parts.loss or objective.loss
        self._penalties = parts.penalties
        watching = [getattr(penalty, "watching", None) for penalty in parts.penalties]
        self._watching: list[Callable[[nn.Module], AbstractContextManager[None]]] = [w for w in watching if w]
        self._augmentations = [*ImageAugmentation.of(settings).parts, *parts.augmentations]
        self._flips = BitFlips(state.model, settings.bit_flip) if settings.bit_flip else None
        self._rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        self._ranks = devices.ranks
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        self._sum = GradientSum(devices.ranks, parameters)
        self.interrupts = Interrupts()
        self._agreed: signal.Signals | None = None
        clamps: list[Any] = [getattr(module, "clamp_", None) for module in state.model.modules()]
        self._clamps: list[Callable[[], None]] = [clamp for clamp in clamps if callable(clamp)]

    @property
    def rate(self) -> float:
        """The learning rate of the tables in the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    @property
    def interrupted(self) -> signal.Signals | None:
        """The signal that asks to stop, once all processes know of it; None: none."""
        return self.interrupts.requested if self._ranks.alone else self._agreed

    def take(self, chosen: Rows, at: Position) -> Tensor:
        """Take a step on some rows; return its loss, penalties included, without gradients.

        Several processes share the rows. Each one's loss is a mean over its own rows, and counts by their number.
        """
        factor = rate_factor(self._settings, at.step, self._feed.steps, self._stage.share)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        if self._ranks.alone:
            loss = self.loss(chosen, at)
            self._devices.fabric.backward(loss)
        else:
            with self._ranks.stepping(len(chosen)) as portion:
                own = self.loss(chosen, at) * portion.share if portion.count else self._nothing(chosen, at)
                self._devices.fabric.backward(own)
            loss, asked = self._sum.add(own, _asked(self.interrupts))
            if self._devices.device.type == "cpu" or at.batch % _LOOK == 0:  # to look is to wait for the device
                self._agreed = _signal(asked)
        for callback in self._state.callbacks:
            callback.after_backward(self._stage)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        for clamp in self._clamps:
            clamp()
        if self._state.average is not None:
            self._state.average.update()
        return loss.detach()

    def loss(self, chosen: Rows, at: Position, *, first: bool = False) -> Tensor:
        """Return the loss of some rows, augmented as in this step, penalties included; `first` checks the outputs."""
        batch, flipping = self._batch(chosen, at)
        outputs = self._forward(batch, flipping)
        if first:
            if outputs.ndim < 1 or len(outputs) != len(chosen):
                raise ValueError(f"the model gives {tuple(outputs.shape)} for {len(chosen)} samples: expected (B, ...)")
            self._feed.check_outputs(outputs, self._objective)
        if batch.weights is None:
            loss = self._loss(outputs, batch.y)
        else:
            loss = self._loss(outputs, batch.y, sample_weight=batch.weights)
        if self._penalties:
            with self._devices.fabric.autocast():
                for penalty in self._penalties:
                    loss = loss + penalty(self._state.model, batch, outputs)
        if loss.ndim:
            raise ValueError(f"the loss, penalties included, has shape {tuple(loss.shape)}: expected a scalar, a mean")
        return loss

    def _nothing(self, chosen: Rows, at: Position) -> Tensor:
        """Return a loss of 0 over no rows, with gradients of 0: this process has no part in the batch.

        It does what the others do, backwards too, so that modules that look at whole batches, and random generators,
        stay in step. A mean over no rows is not a number, which 0 times it still is; its gradients are 0.
        """
        batch, flipping = self._batch(chosen, at)
        outputs = self._forward(batch, flipping)
        loss = outputs.sum() * 0
        with self._devices.fabric.autocast():
            for penalty in self._penalties:
                loss = loss + torch.as_tensor(penalty(self._state.model, batch, outputs) * 0).nan_to_num()
        return loss

    def warm_up(self, at: Position) -> None:
        """Run a batch forward and backward in both modes, so that kernels are compiled; leave no trace of it.

        Raises:
            ValueError: the model's outputs, or a part of the loss, do not suit the data.
        """
        model = self._state.model
        with no_trace(model):
            chosen = self._feed.example()
            self._network.train()
            self._devices.fabric.backward(self.loss(chosen, at, first=True))
            model.eval()
            with torch.no_grad():
                model(self._devices.tensor(self._feed.batch(chosen)[0]))

    def _batch(self, chosen: Rows, at: Position) -> tuple[Batch, AbstractContextManager[None] | None]:
        """Return the batch of some rows, augmented, and what flips bits of its encoding, if anything does."""
        portion, flipping = self._ranks.portion or Portion.whole(len(chosen)), None
        whole = [each for each in self._augmentations if not _takes_portions(each)]  # these need all rows
        if portion.count == portion.total or whole:
            (x, y, weights), held = self._feed.batch(chosen), Portion.whole(len(chosen))
        else:
            (x, y, weights), held = self._feed.portion(chosen, portion), portion
        if self._augmentations or self._flips:
            generator = self._feed.generator(at.epoch, at.batch)
            for augmentation in self._augmentations:
                if held.count == held.total:
                    x = augmentation(x, generator)
                else:
                    x = augmentation.of_portion(x, generator, held)  # type: ignore[attr-defined]
            if self._flips:
                flipping = self._flips.active(generator, portion)
        if held != portion:
            x, y = x[portion.rows], y[portion.rows]
            weights = None if weights is None else weights[portion.rows]
        tensor, rows = self._devices.tensor, chosen[portion.rows]
        weight = None if weights is None else tensor(weights)
        return Batch(tensor(x), tensor(y), rows, weight, portion), flipping

    def _forward(self, batch: Batch, flipping: AbstractContextManager[None] | None) -> Tensor:
        """Return the model's outputs, with penalties looking on and bits flipped."""
        outputs: Tensor
        if not self._watching and flipping is None:
            outputs = self._network(batch.x)
        else:
            with ExitStack() as around:
                for watching in self._watching:
                    around.enter_context(watching(self._state.model))
                if flipping is not None:
                    around.enter_context(flipping)
                outputs = self._network(batch.x)
        return outputs


def _takes_portions(augmentation: object) -> bool:
    return isinstance(augmentation, ImageChange) and type(augmentation).__call__ is ImageChange.__call__


def _asked(interrupts: Interrupts) -> tuple[float, float]:
    """The marks of a signal that came to this process: Ctrl-C, and SIGTERM."""
    return float(interrupts.requested == signal.SIGINT), float(interrupts.requested == signal.SIGTERM)


def _signal(marks: Tensor) -> signal.Signals | None:
    """The signal that the sums of these marks tell of."""
    interrupt, terminate = marks.tolist()
    return signal.SIGINT if interrupt else signal.SIGTERM if terminate else None
