"""All parts of a run together: they are stopped and resumed to the bit, and told apart."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.nn import to_circuit
from lutsmith.training import (
    L1,
    L2,
    Affine,
    Area,
    Batch,
    CandidateRefresh,
    ConnectionTemperatureSchedule,
    Consistency,
    Distillation,
    Gap,
    GradientNormalization,
    ProgressiveFreezing,
    RhoSchedule,
    Settings,
    Spectral,
    Stage,
    TemperatureSchedule,
    Trainer,
    TrainingInterrupted,
    WeightAverage,
)
from lutsmith.training.augmentation.bits import BitFlips

from . import killed
from .models import InterruptAfter, candidates_network, images, same_state

EVERYTHING = Settings(
    epochs=4,
    batch_size=32,
    lr=0.05,
    score_lr=0.1,
    validation=0.2,
    bit_flip=0.02,
    shift=1,
    crop=1,
    flip=0.5,
    rotate=10,
    elastic=0.5,
    cutout=2,
    temperature_final=0.3,
    connection_temperature_final=0.5,
    refresh=0.5,
    refresh_epochs=(1, 2, 3),
    weight_average=0.9,
    optimizer="adamw",
    score_weight_decay=0.0,
)


def trainer(folder: Path | None = None, settings: Settings = EVERYTHING) -> Trainer:
    teacher = np.eye(2)[images()[1]]
    return Trainer(
        settings,
        folder=folder,
        quiet=True,
        penalties=[Distillation(teacher, 0.5)],
        callbacks=[RhoSchedule(0.9, shape="linear")],
        augmentations=[Affine(shear=10)],
    )


def lut_trainer(folder: Path | None = None) -> Trainer:
    return Trainer(
        killed.SETTINGS,
        folder=folder,
        quiet=True,
        penalties=[Gap(0.1), Consistency(0.1), Spectral(0.01), L1(0.01), L2(0.01, "logits"), Area(0.1)],
        callbacks=[GradientNormalization(0.1), ProgressiveFreezing((1,)), ConnectionTemperatureSchedule(0.5)],
    )


@pytest.mark.slow
@pytest.mark.parametrize("passes", [3, 25, 27])  # each step has two: the consistency penalty's is the other
@pytest.mark.parametrize("again", ["a new model", "the same model"])
def test_penalties_and_freezing_resume_to_the_bit_as_well(tmp_path: Path, passes: int, again: str) -> None:
    whole = killed.network()
    lut_trainer().fit(whole, *killed.data())
    cut = killed.network()
    left = [passes]

    def count(module: nn.Module, inputs: Any) -> None:
        left[0] -= torch.is_grad_enabled()
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)

    counting = cut[1].register_forward_pre_hook(count)
    with pytest.raises(TrainingInterrupted):
        lut_trainer(tmp_path).fit(cut, *killed.data())
    counting.remove()
    resumed = killed.network() if again == "a new model" else cut
    lut_trainer(tmp_path).fit(resumed, *killed.data(), resume=True)
    assert same_state(whole, resumed)
    to_circuit(resumed, (1, 6, 6))  # no hook is left behind


def stopping(passes: int) -> nn.Sequential:
    model = candidates_network()
    model[0] = nn.Sequential(InterruptAfter(passes, lambda: os.kill(os.getpid(), signal.SIGINT)), model[0])
    return model


@pytest.mark.parametrize("passes", [5, 15, 17, 31])  # within an epoch, at its end and just after a refresh
@pytest.mark.parametrize("again", ["a new model", "the same model"])
def test_a_stop_and_a_resume_change_nothing(tmp_path: Path, passes: int, again: str) -> None:
    whole = candidates_network()
    expected = trainer().fit(whole, *images())
    cut = stopping(passes)
    with pytest.raises(TrainingInterrupted):
        trainer(tmp_path).fit(cut, *images())
    resumed = candidates_network() if again == "a new model" else nn.Sequential(cut[0][1], *list(cut)[1:])
    result = trainer(tmp_path).fit(resumed, *images(), resume=True)
    assert same_state(whole, resumed)
    assert [{**e.to_json(), "seconds": 0} for e in result.history] == [
        {**e.to_json(), "seconds": 0} for e in expected.history
    ]
    assert resumed[2].parametrization.temperature == whole[2].parametrization.temperature


def test_each_part_changes_the_run() -> None:
    plain, seen = Settings(epochs=2, batch_size=32, lr=0.05, validation=0.2), []
    everything = EVERYTHING.to_json()
    changes: list[dict[str, Any]] = [{}]
    changes += [
        {name: everything[name]}
        for name in ("crop", "flip", "rotate", "elastic", "cutout", "temperature_final", "weight_average")
    ]
    changes += [
        {"connection_temperature_final": 0.5},
        {"rho_final": 0.9},
        {"refresh": 0.5, "refresh_epochs": [1]},
        {"optimizer": "adamw", "score_weight_decay": 0.0},
        {"optimizer": "adamw", "score_weight_decay": 0.9},
        {"zoom": 0.2},
        {"shear": 10.0},
    ]
    for change in changes:
        model = candidates_network()
        Trainer(Settings.from_json({**plain.to_json(), **change}), quiet=True).fit(model, *images())
        seen.append(torch.cat([parameter.detach().flatten() for parameter in model.parameters()]))
    for one in range(len(seen)):
        for other in range(one):
            assert not torch.equal(seen[one], seen[other]), (changes[one], changes[other])


def half(outputs: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(outputs, targets) / 2


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"loss": half}, "loss is half and was none"),
        ({"callbacks": [CandidateRefresh(0.5, (3,))]}, r"callbacks is CandidateRefresh\(share=0.5, epochs=\(3,\)\)"),
        ({"augmentations": [Affine(10)]}, r"augmentations is Affine\(rotate=10"),
        ({"penalties": [Distillation(np.zeros((600, 2)))]}, r"penalties is Distillation\(weight=1.0.*600x2 logits"),
    ],
)
def test_a_run_is_resumed_with_its_own_parts_only(tmp_path: Path, parts: Any, says: str) -> None:
    settings = Settings(epochs=1, batch_size=64)
    Trainer(settings, folder=tmp_path, quiet=True).fit(candidates_network(), *images())
    with pytest.raises(ValueError, match=says):
        Trainer(settings, folder=tmp_path, quiet=True, **parts).fit(candidates_network(), *images(), resume=True)


def test_teachers_are_told_apart_by_their_logits() -> None:
    one, two = np.zeros((600, 2)), np.zeros((600, 2))
    two[599, 1] = 1
    assert repr(Distillation(one)) == repr(Distillation(one.copy()))
    assert repr(Distillation(one)) != repr(Distillation(two))


def test_penalties_that_are_plain_functions_are_added_to_the_loss() -> None:
    def norm(model: nn.Module, batch: Any, logits: Tensor) -> Tensor:
        return 10 * (model[2].weight ** 2).mean()  # type: ignore[index]

    models = [candidates_network(), candidates_network()]
    for model, penalties in zip(models, ([], [norm]), strict=True):
        Trainer(Settings(epochs=3, batch_size=32), quiet=True, penalties=penalties).fit(model, *images())
    assert models[1][2].weight.norm() < 0.5 * models[0][2].weight.norm()


def test_every_part_works_in_a_loop_of_ones_own() -> None:
    x, y = images()
    model = killed.network_of(x)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    average = WeightAverage(model, 0.9)
    stage = Stage(model, optimizer, epochs=3, seed=1, average=average)
    callbacks = [TemperatureSchedule(0.5), CandidateRefresh(0.25, (1, 2)), ProgressiveFreezing((2,))]
    penalty, bend, flips = Distillation(4.0 * np.eye(2)[y]), Affine(5, 0.05), BitFlips(model, 0.02)
    order = np.random.default_rng(0)
    for callback in callbacks:
        callback.begin(stage)
    for stage.epoch in range(3):
        model.train()
        for callback in callbacks:
            callback.before_epoch(stage)
        for rows in np.split(order.permutation(600), 12):
            batch = Batch(torch.from_numpy(bend(x[rows], order)), torch.from_numpy(y[rows]), rows)
            with GradientNormalization(1e-3).active(model), flips.active(order):
                logits = model(batch.x)
                loss = nn.functional.cross_entropy(logits, batch.y) + penalty(model, batch, logits)
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            average.update()
    average.apply()
    assert np.mean(to_circuit(model, (1, 8, 8)).predict(x) == y) > 0.85
