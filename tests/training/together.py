"""Run as a program: train on several processes, started by a Trainer or by torchrun, and be killed on the way.

python -m tests.training.together FOLDER DEVICES [ACTION RANK EPOCH STEP]
torchrun --nproc-per-node 2 -m tests.training.together FOLDER cases
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.training import (
    L2,
    Callback,
    Consistency,
    Fit,
    Flip,
    Gap,
    GradientNormalization,
    Settings,
    Stage,
    TimeLimit,
    Trainer,
    TrainingInterrupted,
)
from lutsmith.training.files import checkpoint

from . import killed
from .models import images

EPOCHS = 4
PLAIN = Settings(epochs=2, batch_size=33, lr=0.2, optimizer="sgd", seed=5)
ALL = replace(
    killed.SETTINGS,
    epochs=3, batch_size=33, optimizer="sgd", optimizer_options={"momentum": 0.9}, lr=0.2, score_lr=0.2, elastic=1.0,
    flip=0.3, crop=1, brightness=0.1, contrast=0.1, channel=0.1, cutout=2,
)  # fmt: skip


@dataclass
class Action(Callback):
    """Does something to one process after one step: raises, waits without end, or sends itself a signal. "slow" makes
    all steps slow, and says when the second epoch has begun.
    """

    what: str = field(repr=False)
    rank: int = field(repr=False)
    epoch: int = field(repr=False)
    step: int = field(repr=False)
    folder: Path = field(repr=False)

    def after_step(self, stage: Stage) -> None:
        if self.what in ("slow", "wait"):
            time.sleep(0.05)
            if stage.ranks.first and stage.epoch == 1:
                (self.folder / "began").touch()
        if self.what == "slow" or (stage.ranks.rank, stage.epoch, stage.batch) != (self.rank, self.epoch, self.step):
            return
        if self.what == "raise":
            raise KeyError("asked for by a callback")
        if self.what == "wait":
            time.sleep(600)
        os.kill(os.getpid(), getattr(signal, self.what))


class Doubled:
    """An augmentation of one's own, which draws in a way that nobody else knows."""

    def __call__(self, batch: Any, generator: np.random.Generator) -> Any:
        order = generator.permutation(len(batch))
        return np.maximum(batch, batch[order] // 2)


class Floats(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float() / 255


class OwnStatistics(nn.Module):
    """A layer of one's own with a buffer that follows its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(x.mean() if len(x) else self.mean, 0.1)
        return x


def normed() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Sequential(
            Floats(), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(),
            nn.Linear(144, 8), nn.BatchNorm1d(8, momentum=None), OwnStatistics(), nn.Linear(8, 2),
        )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A training that one process and several do alike."""

    settings: Settings
    model: Callable[[], nn.Module] = killed.network
    rows: int = 400
    weighted: bool = False
    trainer: Callable[[], dict[str, Any]] = dict

    def fit(self, **more: Any) -> tuple[nn.Module, Fit]:
        model = self.model()
        x, y = killed.data() if self.model is killed.network else images(400)
        weights = np.random.default_rng(1).integers(1, 4, self.rows) if self.weighted else None
        trainer = Trainer(self.settings, quiet=True, **self.trainer(), **more)
        return model, trainer.fit(model, x[: self.rows], y[: self.rows], weights)


def penalties() -> dict[str, Any]:
    return {
        "penalties": [Gap(0.1), Consistency(0.1), L2(0.1)],
        "callbacks": [GradientNormalization(1e-2)],
        "augmentations": [Flip(0.5), Doubled()],
    }


CASES = {
    "all": Case(ALL),
    "norms": Case(replace(PLAIN, flip=0.5, label_smoothing=0.1), normed),
    "penalties": Case(replace(PLAIN, weight_average=0.9), weighted=True, trainer=penalties),
    "each sample": Case(PLAIN, trainer=lambda: {"callbacks": [GradientNormalization(1e-2, over="sample")]}),
    "resting": Case(replace(PLAIN, epochs=4, score_every=2, freeze_wires=0.5, freeze=(0.5,), sampling_final="hard")),
    "gumbel": Case(replace(PLAIN, sampling_final="gumbel_soft", sampling_from=0.0)),
    "one row a step": Case(replace(PLAIN, epochs=1, batch_size=1, flip=0.5, bit_flip=0.1), rows=40),
    "one row, penalties": Case(replace(PLAIN, epochs=1, batch_size=1), rows=40, trainer=penalties),
    "one row, norms": Case(replace(PLAIN, epochs=1, batch_size=3, validation=0.0), normed, rows=30),
}


def save(path: Path, model: nn.Module, fit: Fit) -> None:
    kept = {"state": model.state_dict(), "losses": [epoch.loss for epoch in fit.history]}
    torch.save({**kept, "hard": [epoch.hard for epoch in fit.history], "stopped": fit.stopped}, path)


def state_of(path: Path) -> tuple[int, int]:
    """The epochs that are done in a checkpoint, and the batches of the next one."""
    epoch, batch = checkpoint.load(path)["position"]
    return epoch, batch


def run_cases(folder: Path) -> None:
    first = os.environ["RANK"] == "0"
    for name, case in CASES.items():
        model, fit = case.fit()
        save(folder / f"{name}-{os.environ['RANK']}.pt", model, fit)
    limited = Case(replace(PLAIN, epochs=10**6, schedule="cosine"), trainer=lambda: {"callbacks": [TimeLimit(1.5)]})
    model, fit = limited.fit(folder=folder / "limited")
    save(folder / f"limited-{os.environ['RANK']}.pt", model, fit)
    for number, (why, wrong) in enumerate({"data": images(300), "settings": images(400)}.items()):
        settings = replace(PLAIN, lr=0.1 if why == "data" or first else 0.2)
        x, y = wrong if first else images(400)
        try:
            Trainer(settings, quiet=True).fit(normed(), x, y)
        except ValueError as error:
            (folder / f"refused-{number}-{os.environ['RANK']}").write_text(str(error))
    model = normed()
    with torch.no_grad():
        model[1].weight.mul_(1.0 if first else 2.0)  # not the same in both: rank 0's counts
    Trainer(PLAIN, quiet=True).fit(model, *images(400))
    torch.save(model.state_dict(), folder / f"rank 0's-{os.environ['RANK']}.pt")


def main(folder: str, devices: str, *action: str) -> None:
    place = Path(folder)
    if devices == "cases":
        run_cases(place)
        return
    given = {} if devices == "torchrun" else {"devices": int(devices)}
    what, *where = action or ("nothing", "0", "-1", "0")
    trainer = Trainer(
        replace(ALL, epochs=EPOCHS), folder=place, quiet=True, checkpoint_seconds=0.5,
        callbacks=[Action(what, *map(int, where), place)], **given,
    )  # fmt: skip
    model = killed.network()
    try:
        fit = trainer.fit(model, *killed.data(), resume=(place / "checkpoint.pt").exists())
    except (TrainingInterrupted, ChildProcessError, KeyError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(getattr(error, "exit_code", 1)) from None
    if "RANK" not in os.environ:
        save(place / "result.pt", model, fit)


if __name__ == "__main__":
    main(*sys.argv[1:])
