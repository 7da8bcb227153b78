"""The loop itself: batches, epochs, validation, and stopping and going on at any batch."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from lutsmith.training import checkpoint
from lutsmith.training.assembly import augmentations_of, callbacks_of, objective_of
from lutsmith.training.augment import BitFlips
from lutsmith.training.averaging import WeightAverage
from lutsmith.training.batches import Array, Rows, Samples, epoch_order, split, step_generator, steps_per_epoch
from lutsmith.training.callbacks import Stage
from lutsmith.training.isolation import (
    Interrupts,
    generator_states,
    no_trace,
    set_generator_states,
)
from lutsmith.training.metrics import Epoch, MetricsLog, score
from lutsmith.training.objectives import Loss
from lutsmith.training.optimizers import OptimizerFactory, make_optimizer
from lutsmith.training.pace import Pace
from lutsmith.training.parts import Parts
from lutsmith.training.penalties.base import Batch
from lutsmith.training.progress import TrainingProgress
from lutsmith.training.schedules import rate_factor
from lutsmith.training.settings import Settings

CHECKPOINT = "checkpoint.pt"
_SAVING_SHARE = 0.05  # an epoch's end is saved only while saving costs at most this share of the time


class TrainingError(ValueError):
    """Training cannot go on: the loss or a parameter is not finite."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: the batch was finished and the checkpoint saved; the message says how to go on.

    Attributes:
        exit_code: what a program ends with by convention: 128 and the signal's number, so 130 or 143.
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


@dataclass
class Best:
    """The weights of the best epoch so far, on the CPU."""

    epoch: int
    hard: float
    state: dict[str, Tensor]

    @classmethod
    def of(cls, epoch: Epoch, model: nn.Module) -> Best:
        state = {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}
        return cls(epoch.epoch, -1.0 if epoch.hard is None else epoch.hard, state)


@dataclass
class Position:
    """Where training stands: batches done in this epoch, and what they added up to."""

    epoch: int = 0
    batch: int = 0
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    seconds: float = 0.0
    epoch_seconds: float = 0.0


class Loop:
    """One sitting of a training run."""

    def __init__(
        self,
        settings: Settings,
        model: nn.Module,
        samples: Samples,
        *,
        parts: Parts,
        folder: Path | None,
        factory: OptimizerFactory | None,
        checkpoint_seconds: float,
        quiet: bool,
    ) -> None:
        self.settings, self.samples, self.parts = settings, samples, parts
        self.objective = objective_of(settings)
        self.loss: Loss = parts.loss or self.objective.loss
        self.augmentations = [*augmentations_of(settings), *parts.augmentations]
        self.callbacks = [*callbacks_of(settings), *parts.callbacks]
        self.folder, self.checkpoint_seconds = folder, checkpoint_seconds
        self.rows, self.held_out = split(samples.y, settings.validation, settings.seed)
        self.steps = steps_per_epoch(len(self.rows), settings.batch_size)
        self.fabric = Fabric(accelerator=_device(settings), devices=1, precision=settings.precision)  # type: ignore[arg-type]
        self.model = model.to(self.fabric.device)
        plain = make_optimizer(self.model, self.settings, factory)
        self.rates = [float(group["lr"]) for group in plain.param_groups]
        self.network, self.optimizer = self.fabric.setup(self.model, plain)
        clamps: list[Any] = [getattr(module, "clamp_", None) for module in model.modules()]
        self.clamps: list[Callable[[], None]] = [clamp for clamp in clamps if callable(clamp)]
        self.flips = BitFlips(model, self.settings.bit_flip) if self.settings.bit_flip else None
        self.average = WeightAverage(self.model, settings.weight_average) if settings.weight_average else None
        self.stage = Stage(self.model, plain, settings.epochs, settings.seed, average=self.average)
        self.position = Position(loss=torch.zeros((), dtype=torch.float64, device=self.fabric.device))
        self.best: Best | None = None
        self.history: list[Epoch] = []
        self.progress = TrainingProgress(self.settings.epochs, self.steps, quiet=quiet)
        self.pace = Pace(self.progress.note)
        self.saving_seconds = 0.0
        self.saved_at = self.started_at = time.perf_counter()

    # One batch

    def tensor(self, values: Array) -> Tensor:
        """Return an array on the device."""
        return torch.from_numpy(values).to(self.fabric.device)

    def step(self, chosen: Rows) -> None:
        """Take one optimizer step on some rows."""
        at = self.position
        factor = rate_factor(self.settings, at.epoch * self.steps + at.batch, self.steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        loss = self.loss_of(chosen)
        self.fabric.backward(loss)
        for callback in self.callbacks:
            callback.after_backward(self.stage)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for clamp in self.clamps:
            clamp()
        if self.average is not None:
            self.average.update()
        at.loss += loss.detach()
        at.batch += 1
        self.stage.batch = at.batch
        for callback in self.callbacks:
            callback.after_step(self.stage)

    def loss_of(self, chosen: Rows, *, first: bool = False) -> Tensor:
        """Return the loss of some rows, penalties included, augmented as this step's; `first` checks the outputs."""
        at = self.position
        flipping: Any = nullcontext()
        x = self.samples.x[chosen]
        if self.augmentations or self.flips:
            generator = step_generator(self.settings.seed, at.epoch, at.batch)
            for augmentation in self.augmentations:
                x = augmentation(x, generator)
            if self.flips:
                flipping = self.flips.active(generator)
        batch = Batch(self.tensor(x), self.tensor(self.samples.y[chosen]), chosen)
        with ExitStack() as watchers:
            for penalty in self.parts.penalties:
                if (watching := getattr(penalty, "watching", None)) is not None:
                    watchers.enter_context(watching(self.model))
            with flipping:
                outputs = self.network(batch.x)
        if first:
            if outputs.ndim < 1 or len(outputs) != len(chosen):
                raise ValueError(f"the model gives {tuple(outputs.shape)} for {len(chosen)} samples: expected (B, ...)")
            self.objective.check_outputs(outputs, self.samples.y)
        loss = self.loss(outputs, batch.y)
        with self.fabric.autocast():
            for penalty in self.parts.penalties:
                loss = loss + penalty(self.model, batch, outputs)
        if loss.ndim:
            raise ValueError(f"the loss, penalties included, has shape {tuple(loss.shape)}: expected a scalar, a mean")
        return loss

    def warm_up(self) -> None:
        """Run a batch forward and back in both modes, so that kernels are compiled; leave nothing of it behind.

        Raises:
            ValueError: the model's outputs, or a part of the loss, do not suit the data.
        """
        with no_trace(self.model):
            chosen = self.rows[: self.settings.batch_size]
            self.network.train()
            self.fabric.backward(self.loss_of(chosen, first=True))
            self.model.eval()
            with torch.no_grad():
                self.model(self.tensor(self.samples.x[chosen]))

    def begin(self) -> None:
        """Make the callbacks ready; `end` must be called after this, whatever happens."""
        for callback in self.callbacks:
            callback.begin(self.stage)

    def end(self) -> None:
        """Tell the callbacks that this sitting is over."""
        for callback in reversed(self.callbacks):
            callback.end(self.stage)

    # The run

    def run(self) -> None:
        """Train from the present position to the end; the model is left with the best weights, in eval mode."""
        with Interrupts() as interrupts:  # before metrics.jsonl is there: who sees it may send a signal
            log = None if self.folder is None else MetricsLog(self.folder, self.history)
            self.saved_at = self.started_at = time.perf_counter()
            self.network.train()
            self.progress.start()
            try:
                while self.position.epoch < self.settings.epochs:
                    self.epoch(log, interrupts)
            finally:
                self.progress.stop()
                self.pace.stop()
                if log is not None:
                    log.close()
        self.position.seconds = self.clock()
        self.stage.kept = self.settings.epochs - 1
        if self.best is not None:
            self.stage.kept = self.best.epoch - 1
            self.model.load_state_dict(self.best.state)
        elif self.average is not None:
            self.average.apply()
        self.model.eval()

    def epoch(self, log: MetricsLog | None, interrupts: Interrupts) -> None:
        """Train the rest of the present epoch, validate, and move to the next."""
        at, size = self.position, self.settings.batch_size
        order = epoch_order(self.rows, self.settings.seed, at.epoch)
        began = time.perf_counter() - at.epoch_seconds
        self.stage.epoch, self.stage.batch = at.epoch, at.batch
        for callback in self.callbacks:
            callback.before_epoch(self.stage)
        while at.batch < self.steps:
            with self.pace.step():
                self.step(order[at.batch * size : (at.batch + 1) * size])
            if self.progress.due():
                self.progress.draw(at.epoch * self.steps + at.batch, self.mean_loss())
            if at.batch < self.steps:
                at.epoch_seconds = time.perf_counter() - began
                if interrupts.requested:
                    self.interrupt(interrupts.requested)
                if time.perf_counter() - self.saved_at >= self.checkpoint_seconds:
                    self.save()
        loss, lr = self.mean_loss(), float(self.optimizer.param_groups[0]["lr"])
        self.check_parameters()
        with nullcontext() if self.average is None else self.average.applied():
            done = self.validated(Epoch(at.epoch + 1, loss, None, None, None, lr, 0.0), began)
        self.history.append(done)
        self.progress.epoch(done)
        if log is not None:
            log.append(done)
        at.epoch, at.batch, at.epoch_seconds = at.epoch + 1, 0, 0.0
        at.loss.zero_()
        finished = at.epoch == self.settings.epochs
        if interrupts.requested and not finished:
            self.interrupt(interrupts.requested)
        if finished or time.perf_counter() - self.saved_at >= self.saving_seconds / _SAVING_SHARE:
            self.save()

    def validated(self, epoch: Epoch, began: float) -> Epoch:
        """Return the finished epoch with its scores, where it is one to validate, and keep it if it is the best."""
        soft = hard = gap = None
        due = epoch.epoch % self.settings.validate_every == 0 or epoch.epoch == self.settings.epochs
        if due and len(self.held_out):
            with no_trace(self.model):
                soft = score(self.network, self.samples, self.held_out, self.objective, hardened=False)
                hard = score(self.model, self.samples, self.held_out, self.objective, hardened=True)
            gap = soft - hard
        done = Epoch(epoch.epoch, epoch.loss, soft, hard, gap, epoch.lr, time.perf_counter() - began)
        if hard is not None and (self.best is None or hard >= self.best.hard):
            self.best = Best.of(done, self.model)
        return done

    def mean_loss(self) -> float:
        """Return the mean loss of this epoch's batches so far.

        Raises:
            TrainingError: it is not finite.
        """
        at = self.position
        value = float(at.loss) / max(1, at.batch)
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is {value} in epoch {at.epoch + 1}, by batch {at.batch} of {self.steps}: "
                f"a smaller lr (now {self.settings.lr}) usually helps; check x for infinite values too"
            )
        return value

    def check_parameters(self) -> None:
        """Raise TrainingError if a parameter is not finite: hard tables would hide it from the loss."""
        for name, parameter in self.model.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise TrainingError(f"{name} is not finite after epoch {self.position.epoch + 1}: try a smaller lr")

    # Stopping and going on

    def clock(self) -> float:
        """Return the seconds trained so far, over all sittings."""
        return self.position.seconds + time.perf_counter() - self.started_at

    def save(self) -> None:
        """Write the checkpoint, if there is a folder to write to."""
        if self.folder is None:
            return
        began, at = time.perf_counter(), self.position
        self.mean_loss()  # a state that is not finite must not replace one that is
        state = {
            **self.identity(),
            "position": [at.epoch, at.batch],
            "loss": at.loss,
            "seconds": [self.clock(), at.epoch_seconds],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "average": None if self.average is None else self.average.state_dict(),
            "generators": generator_states(),
            "best": None if self.best is None else vars(self.best),
            "history": [epoch.to_json() for epoch in self.history],
        }
        checkpoint.save(self.folder / CHECKPOINT, state)
        self.saved_at = time.perf_counter()
        self.saving_seconds = self.saved_at - began

    def identity(self) -> dict[str, Any]:
        """Return what a checkpoint must share with the run that resumes from it."""
        return {
            "settings": self.settings.to_json(),
            "data": self.samples.fingerprint(),
            "parts": self.parts.described(),
        }

    def restore(self) -> None:
        """Go to where the folder's checkpoint stands; stay at the beginning if there is none.

        Raises:
            ValueError: the checkpoint is of other settings, other data or another model.
            CheckpointError: it cannot be read.
        """
        assert self.folder is not None  # fit has checked
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        state = checkpoint.load(path)
        try:
            if differences := self.differences(state):
                raise ValueError(f"it is of a run with other arguments: {'; '.join(differences)}")
            self.adopt(state)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"cannot resume from {path}: {error}") from error

    def differences(self, state: dict[str, Any]) -> list[str]:
        """Return a phrase for each setting, each part and the data that a checkpoint does not share with this run."""
        mine, settings = self.identity(), state["settings"]
        found = [
            f"{name} is {value!r} and was {settings.get(name)!r}"
            for name, value in mine["settings"].items()
            if value != settings.get(name)
        ]
        found += [
            f"{kind} is {', '.join(texts) or 'none'} and was {', '.join(state['parts'][kind]) or 'none'}"
            for kind, texts in mine["parts"].items()
            if texts != state["parts"][kind]
        ]
        return found if mine["data"] == state["data"] else [*found, f"data are {mine['data']} and were {state['data']}"]

    def adopt(self, state: dict[str, Any]) -> None:
        """Take over all that `save` wrote."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for callback, saved in zip(self.callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(saved)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        at = self.position
        at.epoch, at.batch = state["position"]
        at.seconds, at.epoch_seconds = state["seconds"]
        at.loss.copy_(state["loss"])
        self.best = None if state["best"] is None else Best(**state["best"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        set_generator_states(state["generators"])

    def interrupt(self, number: int) -> None:
        """Save, and raise TrainingInterrupted for a signal."""
        at = self.position
        where = f"stopped after batch {at.batch} of {self.steps} in epoch {at.epoch + 1} of {self.settings.epochs}"
        if self.folder is None:
            raise TrainingInterrupted(f"{where}; nothing was saved, since the trainer has no folder", number)
        self.save()
        raise TrainingInterrupted(f"{where}; saved in {self.folder}: go on with resume=True", number)


def _device(settings: Settings) -> str:
    """Return "cuda" or "cpu"; raise ValueError where CUDA is asked for and not there."""
    if settings.accelerator != "cpu" and torch.cuda.is_available():
        return "cuda"
    if settings.accelerator == "cuda":
        raise ValueError("accelerator='cuda': torch finds no CUDA device here; take 'cpu' or 'auto'")
    return "cpu"
