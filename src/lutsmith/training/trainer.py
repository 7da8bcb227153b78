"""The trainer: settings, a model and compact arrays in, the best weights and what they reached out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lutsmith.data.augmentation.images import Augmentation
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.data.large.arrays import is_large, stream_of
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.training.assembly import objective_of
from lutsmith.training.callbacks.base import Callback, checked_callbacks
from lutsmith.training.files.folder import TrainingFolder
from lutsmith.training.isolation import own_generators, torch_threads
from lutsmith.training.loop.devices import Devices, check_processes
from lutsmith.training.loop.feed import Feed, InMemory
from lutsmith.training.loop.loop import Loop
from lutsmith.training.loop.streamed import Streamed
from lutsmith.training.metrics import Epoch
from lutsmith.training.objectives import Loss
from lutsmith.training.optimization.optimizers import OptimizerFactory
from lutsmith.training.parts import Parts
from lutsmith.training.penalties.base import PenaltyFunction
from lutsmith.training.penalties.distillation import Distillation
from lutsmith.training.ranks.handing import take_over
from lutsmith.training.ranks.launching import launch
from lutsmith.training.ranks.ranks import kernel_threads, launched
from lutsmith.training.samples import Array, Rows, Samples
from lutsmith.training.settings import Settings


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of a training run; the model that was passed in holds the best epoch's weights, in eval mode.

    Attributes:
        history: one entry per epoch, preceded by epoch 0 if the start was to be kept.
        best: the validated epoch with the highest hardened score (accuracy, R^2 or share of right bits), of equals the
            latest; without validation the last epoch.
        validation_rows: the held-out rows, ascending int64; none with a feed.
        train_seconds: wall time from first batch to last, validation and checkpoints included, over all sittings.
        setup_seconds: wall time of this call before its first batch: checks, loading or compiling kernels.
        stopped: why a callback stopped the run in the last epoch of `history`; None: all epochs were trained.
    """

    history: tuple[Epoch, ...]
    best: Epoch
    validation_rows: Rows
    train_seconds: float
    setup_seconds: float
    stopped: str | None = None


class Trainer:
    """Trains a model whose first module takes raw samples.

    Args:
        settings: how to train.
        folder: where metrics.jsonl and checkpoint.pt are written; with None nothing is written, and nothing can be
            resumed.
        optimizer: called with the parameter groups instead of the optimizer that `settings` names; a class of
            `torch.optim` will do.
        checkpoint_seconds: within an epoch the checkpoint is written this often.
        quiet: show no progress.
        loss: (outputs, targets) of a batch to a scalar, instead of the loss of `settings.objective`; the objective
            still says which targets are valid and how epochs are compared. If samples have weights it is also called
            with `sample_weight=`, `(B,)` float32 with a mean of 1 over the training rows, and returns the mean of each
            sample's loss times its weight.
        penalties: (model, batch, outputs) to a scalar that is added to the loss; see `penalties`.
        callbacks: called between the steps, after those that the settings ask for; see `callbacks.base`.
        augmentations: changes to batches of raw samples, after those that the settings ask for; see
            `data.augmentation.images`.
        devices: processes on this machine that train together, each on its part of every batch: one for each GPU, or
            for a core or more. With more than one, `fit` starts them and ends them; arguments, model and data have to
            be what pickle takes, and a script has to do its work under `if __name__ == "__main__":`. None: one, or
            those that torchrun started.
        num_nodes: machines; several are started by torchrun, once on each of them. None: as torchrun has it, or one.

    Several processes train the network that one would with the same `batch_size`, which is that of all of them
    together, up to the order in which sums are added. Every process runs all callbacks and penalties;
    `Stage.ranks.first` says whether one is rank 0, which alone writes the folder's files and shows progress. A run may
    be resumed with any number of processes.

    A run is resumed with the same parts that it began with. Parts of lutsmith are recognised by their arguments, others
    by their names.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        folder: Path | None = None,
        optimizer: OptimizerFactory | None = None,
        checkpoint_seconds: float = 30.0,
        quiet: bool = False,
        loss: Loss | None = None,
        penalties: Sequence[PenaltyFunction] = (),
        callbacks: Sequence[Callback] = (),
        augmentations: Sequence[Augmentation] = (),
        devices: int | None = None,
        num_nodes: int | None = None,
    ) -> None:
        self.settings = Settings() if settings is None else settings
        instance_of("settings", self.settings, Settings)
        self.folder = None if folder is None else Path(folder)
        self.optimizer = optimizer
        self.checkpoint_seconds = checkpoint_seconds
        self.quiet = quiet
        self.devices = None if devices is None else whole_number("devices", devices, 1)
        self.num_nodes = None if num_nodes is None else whole_number("num_nodes", num_nodes, 1)
        if self.num_nodes not in (None, 1) and not launched():
            raise ValueError(
                f"num_nodes={num_nodes}: processes on several machines are started by torchrun, once on each of them"
            )
        if self.settings.teacher is not None and not any(isinstance(penalty, Distillation) for penalty in penalties):
            raise ValueError(
                f"teacher={self.settings.teacher!r} is asked by training.fit, and so by every run: to a Trainer give "
                "penalties=[Distillation(...)]"
            )
        self.parts = Parts(loss, tuple(penalties), checked_callbacks(callbacks), tuple(augmentations))

    def fit(
        self,
        model: nn.Module,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        resume: bool = False,
        keep_start: bool = False,
    ) -> Fit:
        """Train `model` on `x` `(N, *input_shape)` of any numeric dtype and targets `y`, such as class ids `(N,)`.

        `x` stays as it is; each batch is gathered, augmented if the settings say so, and given to the model raw. The
        same settings, data and starting weights give the same weights, bit for bit, on the same machine, for any number
        of threads of the kernels, whether or not the run was stopped and resumed on the way.

        Args:
            model: gives logits `(B, classes)` of a batch, or whatever else the objective expects. `train()` mode is
                trained; `eval()` mode is the hardened network. Modules with a method `clamp_` have it called after each
                step.
            x: an array, a CPU tensor or a memory map. A map of more than 1 GB, without weights, is read block by block,
                and rows are shuffled within some blocks at a time; validation rows are then taken from a sample.
            y: integers from 0, `(N, *places)` where each pixel has a class of its own; in regression numbers `(N,)` or
                `(N, k)`; for several labels 0 and 1, `(N, labels)`.
            sample_weight: `(N,)` finite numbers >= 0, not all 0: how much each row counts; None: all the same. The loss
                of a batch of B rows is `sum_i w_i loss_i / (B m)`, m the mean weight of all rows that are trained on
                (not of the batch, so that batches that weigh more count more). Scaling all weights changes nothing,
                equal weights are the same as none, and an integer weight counts like that many copies of the row.
                Validation scores are weighted likewise, and so are `Distillation`, `Consistency` and `Gap`.
            resume: resume from the folder's checkpoint, if there is one.
            keep_start: the model as given counts as epoch 0: it is validated before the first step, and kept if no
                epoch is as good. A network that was trained before therefore never ends worse on the validation rows.

        Raises:
            ValueError: data that cannot be trained on; a checkpoint of another run, or one in the way.
            CheckpointError: a checkpoint that cannot be read or written.
            TrainingError: the loss is not finite.
            TrainingInterrupted: Ctrl-C or SIGTERM, after saving.
            ProcessLostError: one of several processes was killed; all others have ended.
        """
        began = time.perf_counter()
        stream = None
        if sample_weight is None and is_large(x):
            x, y, stream = stream_of(x, y)
        samples = Samples.of(x, y, objective_of(self.settings), sample_weight)
        if self.settings.objective == "classification" and samples.y.ndim > 1:
            moving = [name for name in ImageAugmentation.MOVING if getattr(self.settings, name)]
            if moving:
                raise ValueError(
                    f"{', '.join(moving)} would move pixels and leave their class ids, of shape {samples.y.shape}, "
                    "where they are: leave it out, and give copies of both that were moved before, or fit_feed() a feed"
                )
        if stream is None:
            return self._fit(model, samples, resume, keep_start, began)
        feed = Streamed(samples, stream, self.settings, self.parts.loss, partial(_targets, self.settings))
        fit = self._fit(model, feed, resume, keep_start, began)
        return replace(fit, validation_rows=stream.sample[fit.validation_rows])

    def fit_feed(self, model: nn.Module, feed: Feed, *, resume: bool = False, keep_start: bool = False) -> Fit:
        """Train a model on batches that a feed makes on demand, such as an endless stream.

        Args:
            model: as in `fit`.
            feed: gives batches, and scores by which epochs are compared; `settings.validation` is not read.
            resume: as in `fit`.
            keep_start: as in `fit`.

        Raises:
            ValueError: a feed that cannot be trained on; a checkpoint of another run, or one in the way.
            CheckpointError: as in `fit`.
            TrainingError: as in `fit`.
            TrainingInterrupted: as in `fit`.
        """
        return self._fit(model, feed, resume, keep_start, time.perf_counter())

    def _fit(self, model: nn.Module, data: Samples | Feed, resume: bool, keep_start: bool, began: float) -> Fit:
        if self.devices not in (None, 1) and not launched():
            return self._fit_together(model, data, resume, keep_start, began)
        devices = Devices(self.settings, self.devices, self.num_nodes)
        ranks = devices.ranks
        folder = TrainingFolder(self.folder if ranks.first else None)
        ranks.first_does(partial(folder.prepare, resume=resume))
        feed = InMemory(data, self.settings, self.parts.loss) if isinstance(data, Samples) else data
        with torch_threads(self.settings.torch_threads), own_generators(self.settings.seed), kernel_threads(ranks):
            loop = Loop(
                self.settings,
                model,
                feed,
                devices=devices,
                parts=self.parts,
                folder=folder,
                factory=self.optimizer,
                checkpoint_seconds=self.checkpoint_seconds,
                quiet=self.quiet or not ranks.first,
                keep_start=keep_start,
            )
            try:
                loop.begin(resume=resume)
                setup_seconds = time.perf_counter() - began
                loop.run()
            finally:
                loop.end()
        state = loop.state
        return Fit(
            tuple(state.history),
            state.kept(),
            feed.held_out if isinstance(feed, InMemory) else np.zeros(0, np.int64),
            state.position.seconds,
            setup_seconds,
            state.stage.stopped,
        )

    def _fit_together(
        self, model: nn.Module, data: Samples | Feed, resume: bool, keep_start: bool, began: float
    ) -> Fit:
        """Fit in several new processes, and give `model` what they reached."""
        assert self.devices is not None
        check_processes(self.settings, self.devices)
        folder = TrainingFolder(self.folder)
        folder.prepare(resume=resume)
        act = partial(_trained, self, model, data, resume, keep_start)
        checkpoint = None if folder.path is None else folder.checkpoint
        trained, fit, seconds = launch(act, self.devices, checkpoint)
        take_over(model, trained)
        result: Fit = fit
        return replace(result, setup_seconds=time.perf_counter() - began - seconds)


def _targets(settings: Settings, y: Array) -> Array:
    """Return what the objective makes of the targets of some rows of a stream."""
    return objective_of(settings).targets(y, len(y))


def _trained(
    trainer: Trainer, model: nn.Module, data: Samples | Feed, resume: bool, keep_start: bool
) -> tuple[nn.Module, Fit, float]:
    """Return what one of several processes trained, on the CPU, and the seconds after its first batch."""
    began = time.perf_counter()
    fit = trainer._fit(model, data, resume, keep_start, began)
    return model.cpu(), fit, time.perf_counter() - began - fit.setup_seconds
