"""The loop itself: epochs and steps, and stopping and going on at any batch."""

from __future__ import annotations

import shlex
import time
from contextlib import nullcontext

from torch import nn

from lutsmith.training.assembly import callbacks_of, objective_of
from lutsmith.training.callbacks.base import Stage
from lutsmith.training.files.folder import TrainingFolder
from lutsmith.training.loop.checkpointing import Checkpointing, identity
from lutsmith.training.loop.devices import Devices
from lutsmith.training.loop.interrupts import Interrupts, TrainingInterrupted
from lutsmith.training.loop.order import Order
from lutsmith.training.loop.pace import Pace
from lutsmith.training.loop.position import Position
from lutsmith.training.loop.progress import TrainingProgress
from lutsmith.training.loop.state import TrainingState
from lutsmith.training.loop.step import Step
from lutsmith.training.loop.validation import Validation
from lutsmith.training.metrics import Epoch
from lutsmith.training.optimization.averaging import WeightAverage
from lutsmith.training.optimization.optimizers import OptimizerFactory, make_optimizer
from lutsmith.training.parts import Parts
from lutsmith.training.samples import Rows, Samples
from lutsmith.training.settings import Settings


class Loop:
    """One sitting of a training run.

    Attributes:
        state: all that changes.
        order: of the data.
        stage: what callbacks see.
    """

    def __init__(
        self,
        settings: Settings,
        model: nn.Module,
        samples: Samples,
        *,
        parts: Parts,
        folder: TrainingFolder,
        factory: OptimizerFactory | None,
        checkpoint_seconds: float,
        quiet: bool,
    ) -> None:
        self.settings, self.folder = settings, folder
        objective, devices = objective_of(settings), Devices(settings)
        self.order = Order(samples.y, settings)
        model = model.to(devices.device)
        plain = make_optimizer(model, settings, factory)
        network, optimizer = devices.setup(model, plain)
        self.state = TrainingState(
            model,
            optimizer,
            callbacks=[*callbacks_of(settings), *parts.callbacks],
            average=WeightAverage(model, settings.weight_average) if settings.weight_average else None,
            position=Position(settings, self.order.steps, devices.device),
        )
        self.stage = Stage(model, plain, settings.epochs, settings.seed, average=self.state.average)
        self.stepping = Step(settings, samples, self.order, objective, parts, devices, network, self.state, self.stage)
        self.network = network
        self.validation = Validation(settings, samples, self.order.held_out, objective, network, model)
        self.checkpointing = Checkpointing(folder, self.state, identity(settings, samples, parts), checkpoint_seconds)
        self.progress = TrainingProgress(settings.epochs, self.order.steps, quiet=quiet)
        self.pace = Pace(self.progress.note)

    def begin(self, *, resume: bool) -> None:
        """Make callbacks, position and kernels ready; `end` must be called after this, whatever happens."""
        for callback in self.state.callbacks:
            callback.begin(self.stage)
        if resume:
            self.checkpointing.restore()
        self.stepping.warm_up(self.state.position)

    def end(self) -> None:
        """Tell the callbacks that this sitting is over."""
        for callback in reversed(self.state.callbacks):
            callback.end(self.stage)

    def run(self) -> None:
        """Train from the present position to the end; the model is left with the best weights, in eval mode."""
        at = self.state.position
        with Interrupts() as interrupts:  # before metrics.jsonl is there: who sees it may send a signal
            self.folder.open_log(self.state.history)
            self.checkpointing.sit_down()
            at.sit_down()
            self.network.train()
            self.progress.start()
            try:
                while at.epoch < self.settings.epochs:
                    self.epoch(interrupts)
            finally:
                self.progress.stop()
                self.pace.stop()
                self.folder.close_log()
        at.seconds = at.clock()
        self.stage.kept = self.state.kept().epoch - 1
        self.state.keep_best()

    def epoch(self, interrupts: Interrupts) -> None:
        """Train the rest of the present epoch, validate, and move to the next."""
        at = self.state.position
        began = time.perf_counter() - at.epoch_seconds
        self.stage.epoch, self.stage.batch = at.epoch, at.batch
        for callback in self.state.callbacks:
            callback.before_epoch(self.stage)
        for chosen in self.order.batches(at.epoch, at.batch):
            with self.pace.step():
                self.step(chosen)
            if self.progress.due():
                self.progress.draw(at.step, at.mean_loss())
            if at.batch < self.order.steps:
                at.epoch_seconds = time.perf_counter() - began
                if interrupts.requested:
                    self.interrupt(interrupts.requested)
                if self.checkpointing.due_within_epoch():
                    self.checkpointing.save()
        self.finish_epoch(began)
        finished = at.epoch == self.settings.epochs
        if interrupts.requested and not finished:
            self.interrupt(interrupts.requested)
        if finished or self.checkpointing.due_after_epoch():
            self.checkpointing.save()

    def step(self, chosen: Rows) -> None:
        """Take one step on some rows, and note it."""
        at = self.state.position
        at.loss += self.stepping.take(chosen, at)
        at.batch += 1
        self.stage.batch = at.batch
        for callback in self.state.callbacks:
            callback.after_step(self.stage)

    def finish_epoch(self, began: float) -> None:
        """Validate the epoch whose last step is done, write it down, and move to the next."""
        at, average = self.state.position, self.state.average
        number, loss, rate = at.epoch + 1, at.mean_loss(), self.stepping.rate
        self.state.check_parameters()
        with nullcontext() if average is None else average.applied():
            soft, hard = self.validation.scores() if self.validation.due(number) else (None, None)
            gap = None if soft is None or hard is None else soft - hard
            done = Epoch(number, loss, soft, hard, gap, rate, time.perf_counter() - began)
            self.state.add(done)
        self.progress.epoch(done)
        self.folder.append(done)
        at.next_epoch()

    def interrupt(self, number: int) -> None:
        """Save, and raise TrainingInterrupted for a signal."""
        at, folder = self.state.position, self.folder.path
        where = (
            f"stopped after batch {at.batch} of {self.order.steps} in epoch {at.epoch + 1} of {self.settings.epochs}"
        )
        if folder is None:
            raise TrainingInterrupted(f"{where}; nothing was saved, since the trainer has no folder", number)
        self.checkpointing.save()
        raise TrainingInterrupted(f"{where}; saved: go on with --out {shlex.quote(str(folder))} --resume", number)
