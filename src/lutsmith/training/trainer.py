"""The training loop: short, on Lightning Fabric, and able to stop and go on at any batch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from lutsmith.training import checkpoint
from lutsmith.training.augment import BitFlips, shift_images
from lutsmith.training.batches import Array, Rows, Samples, epoch_order, split, step_generator, steps_per_epoch
from lutsmith.training.isolation import (
    Interrupts,
    generator_states,
    no_trace,
    own_generators,
    set_generator_states,
    torch_threads,
)
from lutsmith.training.metrics import Epoch, MetricsLog, accuracy
from lutsmith.training.optimizers import OptimizerFactory, make_optimizer
from lutsmith.training.progress import TrainingProgress
from lutsmith.training.schedules import rate_factor
from lutsmith.training.settings import Settings

CHECKPOINT = "checkpoint.pt"
_SAVING_SHARE = 0.05  # an epoch's end is saved only while saving costs at most this share of the time


class TrainingError(RuntimeError):
    """Training cannot go on: the loss or a parameter is not finite."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C: the batch was finished and the checkpoint saved; the message says how to go on."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a training run gave; the model it was given holds the best epoch's weights, in eval mode.

    Attributes:
        history: one entry an epoch.
        best: the validated epoch with the highest hardened accuracy, the latest of equals; without validation the last.
        validation_rows: the rows that were held out, ascending int64.
        train_seconds: wall time from first batch to last, validation and checkpoints included, over all sittings.
        setup_seconds: wall time of this call before its first batch: checks, loading or compiling kernels.
    """

    history: tuple[Epoch, ...]
    best: Epoch
    validation_rows: Rows
    train_seconds: float
    setup_seconds: float


class Trainer:
    """Trains a model whose first module takes raw samples.

    Args:
        settings: how to train.
        folder: where metrics.jsonl and checkpoint.pt are written; None writes nothing, and nothing can be resumed.
        optimizer: called with the parameter groups instead of the optimizer that `settings` names; a class of
            `torch.optim` will do.
        checkpoint_seconds: within an epoch the checkpoint is written this often.
        quiet: show no progress.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        folder: Path | None = None,
        optimizer: OptimizerFactory | None = None,
        checkpoint_seconds: float = 30.0,
        quiet: bool = False,
    ) -> None:
        self.settings = Settings() if settings is None else settings
        self.folder = None if folder is None else Path(folder)
        self.optimizer = optimizer
        self.checkpoint_seconds = checkpoint_seconds
        self.quiet = quiet

    def fit(self, model: nn.Module, x: Any, y: Any, *, resume: bool = False) -> Fit:
        """Train `model` on `x` `(N, *input_shape)`, any numeric dtype, and class ids `y` `(N,)`.

        `x` stays as it is; each batch is gathered, augmented if the settings say so, and handed to the model raw. The
        same settings, data and starting weights give the same weights, bit for bit, on the same machine and thread
        count, whether or not the run was stopped and resumed on the way.

        Args:
            model: logits `(B, classes)` of a batch. `train()` mode is trained; `eval()` mode is the hardened network.
                Modules with a method `clamp_` have it called after each step.
            x: an array, a CPU tensor or a memory map.
            y: integers from 0.
            resume: go on from the folder's checkpoint, if there is one.

        Raises:
            ValueError: data that cannot be trained on; a checkpoint of other settings, data or model.
            CheckpointError: a checkpoint that cannot be read or written.
            TrainingError: the loss is not finite.
            TrainingInterrupted: Ctrl-C, after saving.
        """
        began = time.perf_counter()
        samples = Samples.of(x, y)
        rows, held_out = split(samples.y, self.settings.validation, self.settings.seed)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        elif resume:
            raise ValueError("resume=True needs the folder of the run: Trainer(settings, folder=...)")
        with torch_threads(self.settings.torch_threads), own_generators(self.settings.seed):
            loop = _Loop(self, model, samples, rows, held_out)
            if resume:
                loop.restore()
            loop.warm_up()
            setup_seconds = time.perf_counter() - began
            return loop.run(setup_seconds)


@dataclass
class _Best:
    """The weights of the best epoch so far, on the CPU."""

    epoch: int
    hard: float
    state: dict[str, Tensor]

    @classmethod
    def of(cls, epoch: Epoch, model: nn.Module) -> _Best:
        state = {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}
        return cls(epoch.epoch, -1.0 if epoch.hard is None else epoch.hard, state)


@dataclass
class _Position:
    """Where training stands: batches done in this epoch, and what they added up to."""

    epoch: int = 0
    batch: int = 0
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    seconds: float = 0.0
    epoch_seconds: float = 0.0


class _Loop:
    """One sitting of a training run."""

    def __init__(self, trainer: Trainer, model: nn.Module, samples: Samples, rows: Rows, held_out: Rows) -> None:
        self.trainer, self.settings = trainer, trainer.settings
        self.samples, self.rows, self.held_out = samples, rows, held_out
        self.steps = steps_per_epoch(len(rows), self.settings.batch_size)
        self.fabric = Fabric(accelerator=self.settings.accelerator, devices=1, precision=self.settings.precision)  # type: ignore[arg-type]
        self.model = model.to(self.fabric.device)
        plain = make_optimizer(self.model, self.settings, trainer.optimizer)
        self.rates = [float(group["lr"]) for group in plain.param_groups]
        self.network, self.optimizer = self.fabric.setup(self.model, plain)
        self.clamps: list[Callable[[], None]] = [
            m.clamp_ for m in model.modules() if callable(getattr(m, "clamp_", None))
        ]
        self.flips = BitFlips(model, self.settings.bit_flip) if self.settings.bit_flip else None
        self.position = _Position(loss=torch.zeros((), dtype=torch.float64, device=self.fabric.device))
        self.best: _Best | None = None
        self.history: list[Epoch] = []
        self.progress = TrainingProgress(self.settings.epochs, self.steps, quiet=trainer.quiet)
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
        augmentation: Any = nullcontext()
        x = self.samples.x[chosen]
        if self.settings.shift or self.flips:
            generator = step_generator(self.settings.seed, at.epoch, at.batch)
            if self.settings.shift:
                x = shift_images(x, self.settings.shift, generator)
            if self.flips:
                augmentation = self.flips.active(generator)
        with augmentation:
            logits = self.network(self.tensor(x))
        loss = nn.functional.cross_entropy(
            logits, self.tensor(self.samples.y[chosen]), label_smoothing=self.settings.label_smoothing
        )
        self.fabric.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for clamp in self.clamps:
            clamp()
        at.loss += loss.detach()
        at.batch += 1

    def warm_up(self) -> None:
        """Run a batch forward and back in both modes, so that kernels are compiled; leave nothing of it behind.

        Raises:
            ValueError: the model does not give a logit for each class.
        """
        notice = self.progress.preparing()
        try:
            with no_trace(self.model):
                chosen = self.rows[: self.settings.batch_size]
                x, y = self.tensor(self.samples.x[chosen]), self.tensor(self.samples.y[chosen])
                self.network.train()
                logits = self.network(x)
                if logits.ndim != 2 or len(logits) != len(x):
                    raise ValueError(
                        f"the model gives {tuple(logits.shape)} for {len(x)} samples: expected (B, classes)"
                    )
                if (largest := int(self.samples.y.max())) >= logits.shape[1]:
                    raise ValueError(
                        f"y holds the label {largest}: the model has classes 0 to {logits.shape[1] - 1} only"
                    )
                self.fabric.backward(nn.functional.cross_entropy(logits, y))
                self.model.eval()
                with torch.no_grad():
                    self.model(x)
        finally:
            notice.cancel()

    # The run

    def run(self, setup_seconds: float) -> Fit:
        """Train from the present position to the end."""
        folder = self.trainer.folder
        log = None if folder is None else MetricsLog(folder, self.history)
        self.saved_at = self.started_at = time.perf_counter()
        self.network.train()
        self.progress.start()
        try:
            with Interrupts() as interrupts:
                while self.position.epoch < self.settings.epochs:
                    self.epoch(log, interrupts)
        finally:
            self.progress.stop()
            if log is not None:
                log.close()
        seconds = self.clock()
        if self.best is not None:
            self.model.load_state_dict(self.best.state)
        self.model.eval()
        best = self.history[self.best.epoch - 1 if self.best is not None else -1]
        return Fit(tuple(self.history), best, self.held_out, seconds, setup_seconds)

    def epoch(self, log: MetricsLog | None, interrupts: Interrupts) -> None:
        """Train the rest of the present epoch, validate, and move to the next."""
        at, size = self.position, self.settings.batch_size
        order = epoch_order(self.rows, self.settings.seed, at.epoch)
        began = time.perf_counter() - at.epoch_seconds
        while at.batch < self.steps:
            self.step(order[at.batch * size : (at.batch + 1) * size])
            if self.progress.due():
                self.progress.draw(at.epoch * self.steps + at.batch, self.mean_loss())
            if at.batch < self.steps:
                at.epoch_seconds = time.perf_counter() - began
                if interrupts.requested:
                    self.interrupt()
                if time.perf_counter() - self.saved_at >= self.trainer.checkpoint_seconds:
                    self.save()
        loss, lr = self.mean_loss(), float(self.optimizer.param_groups[0]["lr"])
        self.check_parameters()
        done = self.validated(Epoch(at.epoch + 1, loss, None, None, None, lr, 0.0), began)
        self.history.append(done)
        self.progress.epoch(done)
        if log is not None:
            log.append(done)
        at.epoch, at.batch, at.epoch_seconds = at.epoch + 1, 0, 0.0
        at.loss.zero_()
        finished = at.epoch == self.settings.epochs
        if interrupts.requested and not finished:
            self.interrupt()
        if finished or time.perf_counter() - self.saved_at >= self.saving_seconds / _SAVING_SHARE:
            self.save()

    def validated(self, epoch: Epoch, began: float) -> Epoch:
        """Return the finished epoch with its accuracies, where it is one to validate, and keep it if it is the best."""
        soft = hard = gap = None
        due = epoch.epoch % self.settings.validate_every == 0 or epoch.epoch == self.settings.epochs
        if due and len(self.held_out):
            with no_trace(self.model):
                soft = accuracy(self.network, self.samples, self.held_out, hardened=False)
                hard = accuracy(self.model, self.samples, self.held_out, hardened=True)
            gap = soft - hard
        done = Epoch(epoch.epoch, epoch.loss, soft, hard, gap, epoch.lr, time.perf_counter() - began)
        if hard is not None and (self.best is None or hard >= self.best.hard):
            self.best = _Best.of(done, self.model)
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
        if self.trainer.folder is None:
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
            "generators": generator_states(),
            "best": None if self.best is None else vars(self.best),
            "history": [epoch.to_json() for epoch in self.history],
        }
        checkpoint.save(self.trainer.folder / CHECKPOINT, state)
        self.saved_at = time.perf_counter()
        self.saving_seconds = self.saved_at - began

    def identity(self) -> dict[str, Any]:
        """Return what a checkpoint must share with the run that resumes from it."""
        return {"settings": self.settings.to_json(), "data": self.samples.fingerprint()}

    def restore(self) -> None:
        """Go to where the folder's checkpoint stands; stay at the beginning if there is none.

        Raises:
            ValueError: the checkpoint is of other settings, data or another model.
        """
        assert self.trainer.folder is not None  # fit has checked
        path = self.trainer.folder / CHECKPOINT
        if not path.exists():
            return
        state, mine = checkpoint.load(path), self.identity()
        differences = [
            f"{name} is {mine['settings'][name]!r} and was {state['settings'].get(name)!r}"
            for name in mine["settings"]
            if mine["settings"][name] != state["settings"].get(name)
        ]
        if mine["data"] != state["data"]:
            differences.append(f"the data are {mine['data']} and were {state['data']}")
        if differences:
            raise ValueError(f"{path} is of a run with other arguments: {'; '.join(differences)}")
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ValueError(f"{path} is of another model or optimizer: {error}") from error
        at = self.position
        at.epoch, at.batch = state["position"]
        at.seconds, at.epoch_seconds = state["seconds"]
        at.loss.copy_(state["loss"])
        self.best = None if state["best"] is None else _Best(**state["best"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        set_generator_states(state["generators"])

    def interrupt(self) -> None:
        """Save, and raise TrainingInterrupted."""
        at = self.position
        where = f"stopped after batch {at.batch} of {self.steps} in epoch {at.epoch + 1} of {self.settings.epochs}"
        if self.trainer.folder is None:
            raise TrainingInterrupted(f"{where}; nothing was saved, since the trainer has no folder")
        self.save()
        raise TrainingInterrupted(
            f"{where}; saved in {self.trainer.folder}: go on with --resume (in Python resume=True)"
        )
