"""Ensembles: the same network from several seeds, and their vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lutsmith.training.assembly import objective_of
from lutsmith.training.metrics import logits
from lutsmith.training.samples import Samples
from lutsmith.training.settings import Settings
from lutsmith.training.trainer import Fit, Trainer


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trained networks that vote.

    Attributes:
        models: in eval mode, one per seed.
        fits: how each was trained.
        scores: the score of each hardened network on the test rows: accuracy, or the objective's own score; empty
            without test rows.
        vote: the score of the mean of their hardened outputs; None without test rows.
    """

    models: tuple[nn.Module, ...]
    fits: tuple[Fit, ...]
    scores: tuple[float, ...]
    vote: float | None

    def outputs(self, x: Any) -> NDArray[np.float32]:
        """Return the mean of the hardened outputs for `x` `(N, *input_shape)`; its argmax is the vote for a class."""
        return _mean(_outputs(self.models, np.asarray(x)))


def train_ensemble(
    make_model: Callable[[int], nn.Module],
    x: Any,
    y: Any,
    seeds: Sequence[int],
    settings: Settings | None = None,
    *,
    test: tuple[Any, Any] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    sample_weight: Any = None,
    **trainer: Any,
) -> Ensemble:
    """Train one network per seed, one after the other in this process, so that kernels and data are loaded once.

        ensemble = train_ensemble(lambda seed: build(architecture, x, 10, seed), x, y, range(5), settings, test=(u, v))

    Args:
        make_model: makes the network of a seed.
        x: as for `Trainer.fit`.
        y: as for `Trainer.fit`. Each seed has its own validation split.
        seeds: distinct; each replaces that of `settings`.
        settings: of all; None: the defaults.
        test: samples and targets on which the networks and their vote are measured.
        folder: each seed's run goes to `seed-S` in it.
        resume: resume existing runs, or just read finished ones.
        sample_weight: as for `Trainer.fit`; the test rows all count the same.
        **trainer: further arguments of `Trainer`.

    Raises:
        ValueError: no seeds, or a repeated one; otherwise as `Trainer.fit`.
        TrainingInterrupted: Ctrl-C; `resume=True` goes on.
    """
    settings, seeds = settings or Settings(), tuple(seeds)
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds={seeds}: expected at least one seed, and none twice")
    objective = objective_of(settings)
    measured = None if test is None else Samples.of(*test, objective)
    models, fits = [], []
    for seed in seeds:
        place = None if folder is None else Path(folder) / f"seed-{seed}"
        model = make_model(seed)
        run = Trainer(replace(settings, seed=seed), folder=place, **trainer)
        fits.append(run.fit(model, x, y, sample_weight, resume=resume))
        models.append(model)
    if measured is None:
        return Ensemble(tuple(models), tuple(fits), (), None)
    outputs = _outputs(models, measured.x)
    scores = tuple(objective.score(output, measured.y) for output in outputs)
    return Ensemble(tuple(models), tuple(fits), scores, objective.score(_mean(outputs), measured.y))


def _outputs(models: Sequence[nn.Module], x: NDArray[Any]) -> list[NDArray[np.float32]]:
    return [logits(model, x, np.arange(len(x)), hardened=True) for model in models]


def _mean(outputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.stack(outputs).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
