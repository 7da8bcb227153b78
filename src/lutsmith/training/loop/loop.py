"""The loop itself: epochs and steps, and stopping and going on at any batch."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace

from torch import nn

from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.training.assembly import callbacks_of, objective_of
from lutsmith.training.callbacks.base import Stage
from lutsmith.training.files.folder import TrainingFolder
from lutsmith.training.loop.agreement import Agreement
from lutsmith.training.loop.checkpointing import Checkpointing, identity
from lutsmith.training.loop.devices import Devices
from lutsmith.training.loop.feed import Feed
from lutsmith.training.loop.pace import Pace
from lutsmith.training.loop.position import Position
from lutsmith.training.loop.progress import TrainingProgress
from lutsmith.training.loop.state import TrainingState
from lutsmith.training.loop.step import TrainingStep
from lutsmith.training.loop.validation import Validation
from lutsmith.training.metrics import Epoch
from lutsmith.training.optimization.averaging import WeightAverage
from lutsmith.training.optimization.optimizers import OptimizerFactory, make_optimizer
from lutsmith.training.parts import Parts
from lutsmith.training.ranks.whole_batch import whole_batches
from lutsmith.training.samples import Rows
from lutsmith.training.settings import Settings


class Loop:
    """One sitting of a training run.

    Attributes:
        state: everything that changes.
        feed: the source of the data.
        stage: what callbacks see.
    """

    def __init__(
        self,
        settings: Settings,
        model: nn.Module,
        feed: Feed,
        *,
        devices: Devices,
        parts: Parts,
        folder: TrainingFolder,
        factory: OptimizerFactory | None,
        checkpoint_seconds: float,
        quiet: bool,
        keep_start: bool = False,
    ) -> None:
        self.settings, self.folder, self.keep_start = settings, folder, keep_start
        objective, self.ranks = objective_of(settings), devices.ranks
        self.feed = feed
        feed.ranks = devices.ranks
        model = model.to(devices.device)
        plain = make_optimizer(model, settings, factory)
        network, optimizer = devices.setup(model, plain)
        self.stage = Stage(model, plain, settings.epochs, settings.seed, validates=feed.validates, ranks=devices.ranks)
        if settings.weight_average:
            self.stage.average = WeightAverage(model, settings.weight_average)
        callbacks = [*callbacks_of(settings), *parts.callbacks]
        position = Position(settings, feed.steps, devices.device)
        self.state = TrainingState(self.stage, optimizer, callbacks, position)
        self.stepper = TrainingStep(settings, feed, objective, parts, devices, network, self.state)
        self.network = network
        self.validation = Validation(settings, feed, objective, network, model)
        self.agreement = Agreement(self.stage, callbacks)
        run, earlier = (
            ({}, "") if folder.path is None else (identity(settings, feed, parts), feed.earlier_fingerprint())
        )
        self.checkpointing = Checkpointing(folder, self.state, run, earlier, checkpoint_seconds, devices.ranks)
        self.progress = TrainingProgress(settings.epochs, feed.steps, quiet=quiet)
        self.pace = Pace(self.progress.note, lambda: time.perf_counter() - devices.ranks.waited)
        self.whole_batches = ExitStack()

    def begin(self, *, resume: bool) -> None:
        """Prepare callbacks, position and kernels; `end` must be called after this, whatever happens."""
        self.agreement.check_same(self.settings, self.feed)
        self.ranks.put_in_step(self.stage.model)
        self.whole_batches.enter_context(whole_batches(self.stage.model, self.ranks))
        for callback in self.state.callbacks:
            callback.begin(self.stage)
        if resume:
            self.checkpointing.restore()
        self.ranks.in_turn(lambda: self.stepper.warm_up(self.state.position))

    def end(self) -> None:
        """Tell the callbacks that this sitting is over."""
        self.whole_batches.close()
        for callback in reversed(self.state.callbacks):
            callback.end(self.stage)

    def run(self) -> None:
        """Train from the present position to the end; the model is left with the best weights, in eval mode."""
        at = self.state.position
        with Interrupts(
            patient=not self.ranks.alone
        ) as interrupts:  # before metrics.jsonl is there: who sees it may send a signal
            self.stepper.interrupts = interrupts
            self.folder.open_log(self.state.history)
            self.checkpointing.sit_down()
            at.sit_down()
            self.network.train()
            self.progress.start()
            try:
                if self.keep_start and at.step == 0 and self.feed.validates:
                    start = Epoch(0, None, None, None, None, self.stepper.rate, 0.0)
                    self.note(self.measured(start, time.perf_counter()))
                while not self.finished:
                    self.epoch()
            finally:
                self.progress.stop()
                self.pace.stop()
                self.folder.close_log()
        at.seconds = at.clock()
        self.stage.epoch, self.stage.batch, self.stage.kept = at.epoch, at.batch, self.state.kept().epoch - 1
        self.state.keep_best()

    @property
    def finished(self) -> bool:
        """Whether no step is left to take: all epochs are done, or a callback has stopped the run."""
        at = self.state.position
        stopped = self.stage.stopped is not None and at.batch == 0 and at.epoch > 0  # an epoch is there to be kept
        return stopped or at.epoch == self.settings.epochs

    def epoch(self) -> None:
        """Train the rest of the present epoch, validate, and move to the next."""
        at = self.state.position
        began = time.perf_counter() - at.epoch_seconds
        self.stage.epoch, self.stage.batch = at.epoch, at.batch
        for callback in self.state.callbacks:
            callback.before_epoch(self.stage)
        self.agreement.after("before_epoch")
        for chosen in self.feed.batches(at.epoch, at.batch):
            with self.pace.step():
                self.step(chosen)
            if self.stage.stopped is not None:
                break
            if self.progress.due():
                self.progress.step(at.step, at.mean_loss(), self.stage.share)
            if at.batch < self.feed.steps:
                at.epoch_seconds = time.perf_counter() - began
                if self.stepper.interrupted:
                    self.interrupt(self.stepper.interrupted)
                if self.checkpointing.due_within_epoch():
                    self.checkpointing.save()
        self.finish_epoch(began)
        if self.stepper.interrupted and not self.finished:
            self.interrupt(self.stepper.interrupted)
        if self.finished or self.checkpointing.due_after_epoch():
            self.checkpointing.save()

    def step(self, chosen: Rows) -> None:
        """Take one step on some rows, and record it."""
        at = self.state.position
        with self.checkpointing.step_kept_if_others_are_lost():
            loss = self.stepper.take(chosen, at)
        at.loss += loss
        at.batch += 1
        self.stage.batch = at.batch
        for callback in self.state.callbacks:
            callback.after_step(self.stage)
        with self.checkpointing.kept_if_others_are_lost():
            self.agreement.after("after_step")

    def finish_epoch(self, began: float) -> None:
        """Validate the epoch whose last step is done, log it, and move to the next."""
        at, stage = self.state.position, self.stage
        done = Epoch(at.epoch + 1, at.mean_loss(), None, None, None, self.stepper.rate, 0.0)
        self.state.check_parameters()
        self.ranks.check_in_step(stage.model, f"after epoch {done.epoch}")
        done = self.measured(done, began)
        for callback in self.state.callbacks:
            callback.after_epoch(stage, done)
        self.agreement.after("after_epoch")
        if done.hard is None and stage.stopped is not None:  # by one of these: it is the last epoch after all
            done = self.measured(done, began)
        self.note(done)
        if stage.stopped is not None:
            of = "" if stage.share else f" of {stage.epochs}"  # another measure than epochs ends it
            self.progress.note(f"stopped in epoch {done.epoch}{of}: {stage.stopped}")
        at.next_epoch()

    def note(self, epoch: Epoch) -> None:
        """Log an epoch."""
        self.state.history.append(epoch)
        self.progress.epoch(epoch)
        self.folder.append(epoch)

    def measured(self, epoch: Epoch, began: float) -> Epoch:
        """Return an epoch with its time, and its scores if they are due; keep its weights if they are the best."""
        last = epoch.epoch == self.settings.epochs or self.stage.stopped is not None
        if self.validation.due(epoch.epoch, last=last):
            average = self.state.average
            with nullcontext() if average is None else average.applied():
                found = self.validation.scores()
                gap = None if found.soft is None else found.soft - found.hard
                epoch = replace(epoch, soft=found.soft, hard=found.hard, gap=gap, figures=found.figures)
                self.state.keep_if_best(epoch)
        return replace(epoch, seconds=time.perf_counter() - began)

    def interrupt(self, number: int) -> None:
        """Save, and raise TrainingInterrupted for a signal."""
        raise TrainingInterrupted(self.ranks.first_does(self.saved_where), number)

    def saved_where(self) -> str:
        """Save, and return where training stopped."""
        at, folder = self.state.position, self.folder.path
        where = f"stopped after batch {at.batch} of {self.feed.steps} in epoch {at.epoch + 1} of {self.settings.epochs}"
        if folder is None:
            return f"{where}; nothing was saved, since the trainer has no folder"
        self.checkpointing.save()
        return f"{where}; saved in {folder}: go on with resume=True"
