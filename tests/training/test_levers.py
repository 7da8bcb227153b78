"""Aids that settings ask for by shares of a run: what they do and when, and that a stopped run ends as another does."""

from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lutsmith
from lutsmith.nn import Architecture, LogicDense, build
from lutsmith.nn.connections.base import LearnedConnections
from lutsmith.training import (
    Callback,
    Resampling,
    RestingWires,
    SamplingChange,
    Settings,
    Stage,
    Trainer,
    TrainingInterrupted,
    WireFreezing,
    fit,
)
from lutsmith.training.assembly import callbacks_of
from lutsmith.training.loop.loop import Loop

from .models import images
from .models import network as without_connections

CONVOLUTION = Architecture(
    layers=({"conv": 6, "padding": 1, "connections": "learnable", "num_candidates": 4}, {"pool": "or"}),
    luts=(40,),
    rank=3,
    bits=2,
    num_candidates=4,
    per="channel",
)
LEVERS: dict[str, Any] = {
    "resample": 0.5,
    "freeze": (0.5,),
    "freeze_wires": 0.75,
    "score_every": 2,
    "sampling_final": "hard",
    "sampling_from": 0.5,
    "weight_average": 0.9,
}
SETTINGS = Settings(epochs=4, batch_size=64, lr=0.05, validation=0.2, shift=1, **LEVERS)


def network() -> nn.Sequential:
    return build(CONVOLUTION, images()[0], 2)


def stage(model: nn.Module, **more: Any) -> Stage:
    return Stage(model, torch.optim.Adam(model.parameters(), lr=0.1), epochs=5, **more)


class Watch(Callback):
    """What a step of each epoch is taken with."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def after_step(self, stage: Stage) -> None:
        if stage.batch == 7:
            convolution, dense = stage.model[1].conv, stage.model[3]  # type: ignore[index]
            self.seen.append(
                {
                    "tables": convolution.weight.detach().clone(),
                    "scores": dense.connections.scores.detach().clone(),
                    "sampling": dense.parametrization.forward_sampling,
                    "modes": (convolution.training, dense.training),
                }
            )


def test_shares_of_a_run_say_when_each_lever_acts() -> None:
    watch, model = Watch(), network()
    result = Trainer(SETTINGS, quiet=True, callbacks=[watch]).fit(model, *images())
    assert [epoch["sampling"] for epoch in watch.seen] == ["soft", "soft", "hard", "hard"]
    assert [epoch["modes"] for epoch in watch.seen] == [(True, True)] * 2 + [(False, True)] * 2
    for name, still in (("tables", [False, True, True]), ("scores", [False, False, True])):
        assert [torch.equal(a[name], b[name]) for a, b in zip(watch.seen, watch.seen[1:], strict=False)] == still
    assert result.best.hard > 0.8
    assert Settings.from_json(SETTINGS.to_json()) == SETTINGS
    assert [type(callback).__name__ for callback in callbacks_of(SETTINGS)] == [
        "Resampling",
        "RestingWires",
        "WireFreezing",
        "ProgressiveFreezing",
        "SamplingChange",
    ]
    assert [callbacks_of(Settings(epochs=10, freeze_wires=s))[0].epoch for s in (0.0, 0.3, 0.31)] == [0, 3, 4]


def test_a_stopped_run_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = images(400)
    dataset = lutsmith.data.from_arrays(x[:300], y[:300], x[300:], y[300:])
    settings = Settings.from_json({**SETTINGS.to_json(), "teacher": "cnn", "teacher_epochs": 3})
    whole = fit(dataset, CONVOLUTION, settings, folder=tmp_path / "whole", quiet=True)
    step, left = Loop.step, 0

    def stopping(self: Loop, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(Loop, "step", stopping)
    for steps in (1, 1, 3, 4, 2):  # the first two within the three steps of the teacher
        left = steps
        with pytest.raises(TrainingInterrupted):
            fit(dataset, CONVOLUTION, settings, folder=tmp_path / "cut", quiet=True, resume=True)
    left = 10**6
    other = fit(dataset, CONVOLUTION, settings, folder=tmp_path / "cut", quiet=True, resume=True)
    states = whole.model.state_dict(), other.model.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    lutsmith.save(whole.circuit, tmp_path / "a.lut")
    lutsmith.save(other.circuit, tmp_path / "b.lut")
    assert (tmp_path / "a.lut").read_bytes() == (tmp_path / "b.lut").read_bytes()
    assert whole.report.lowering == "proved"


def test_frozen_wires_cost_no_scores_and_the_pool_of_a_convolution_is_evaluated_with_it() -> None:
    model = network()
    run, x = stage(model, epoch=2), torch.from_numpy(images(20)[0])
    before = model(x)
    WireFreezing(2).before_epoch(run)
    assert torch.equal(model(x), before)
    after, found = model(x), set()
    todo = [after.grad_fn]
    while todo:
        node = todo.pop()
        found.add(type(node).__name__)
        todo += [above for above, _ in node.next_functions if above is not None]
    assert any("fold_pooled" in name for name in found), found
    after.sum().backward()
    for layer in (model[1].conv, model[3]):
        assert layer.connections.scores.grad is None
        assert layer.weight.grad is not None


def test_wires_rest_in_all_steps_but_one_of_so_many() -> None:
    moved: list[list[bool]] = []

    class Watch(Callback):
        scores: list[torch.Tensor]

        def before_epoch(self, stage: Stage) -> None:
            self.scores = [module.scores.detach().clone() for module in learned(stage.model)]
            moved.append([])

        def after_step(self, stage: Stage) -> None:
            now = [module.scores.detach().clone() for module in learned(stage.model)]
            changed = [not torch.equal(a, b) for a, b in zip(now, self.scores, strict=True)]
            assert changed[0] == changed[1]
            moved[-1].append(changed[0])
            self.scores = now

    model = network()
    settings = Settings(epochs=2, batch_size=64, lr=0.05, validation=0.2, score_every=3, weight_average=0.9)
    Trainer(settings, quiet=True, callbacks=[Watch()]).fit(model, *images())
    assert moved == [[step % 3 == 0 for step in range(7)]] * 2
    assert not any(module._resting for module in learned(model))


def test_resting_wires_are_what_they_were_and_do_not_outlive_a_change_of_scores() -> None:
    model, x = network().train(), torch.from_numpy(images(20)[0])
    before = model(x).detach()
    for module in learned(model):
        module.rest(True)
    assert torch.equal(model(x), before)
    with torch.no_grad():
        for module in learned(model):
            module.scores.neg_()  # as an average of the weights does, while it is measured
        assert not torch.equal(model(x), before)
    assert torch.equal(model(x), before)


def learned(model: nn.Module) -> list[LearnedConnections]:
    return [module for module in model.modules() if isinstance(module, LearnedConnections)]


def test_a_hardened_convolution_stays_so_and_its_pool_agrees() -> None:
    model = network()
    model[1].conv.harden()
    model.train()
    x = torch.from_numpy(images(20)[0])
    with torch.no_grad():
        bits = model[1](model[0](x))
        assert model[1].training
        assert torch.equal(bits, model.eval()[1](model[0](x)))


def test_layers_in_front_that_are_frozen_have_no_backward_pass() -> None:
    model = network()
    convolution = model[1].conv
    convolution.harden()
    convolution.weight.requires_grad_(False)
    convolution.freeze()
    assert not model[1](model[0](torch.from_numpy(images(20)[0]))).requires_grad


def test_samplings_that_a_parametrization_does_not_have_are_refused() -> None:
    model = nn.Sequential(LogicDense(8, 4, 2, parametrization="dwn"))
    with pytest.raises(ValueError, match="sampling_final of Dwn is 'soft'"):
        SamplingChange("soft", 1).begin(stage(model))


def settled(model: Any) -> tuple[Stage, Resampling, Any]:
    """A network whose first slot is sure, whose second is undecided, and whose third is neither."""
    run, resampling = stage(model, epoch=1, seed=3), Resampling(2)
    connections = model[3].connections
    with torch.no_grad():
        connections.scores[0] = torch.tensor([[9.0, 0, 0, 0], [0.3, 0.2, 0.1, 0], [1.5, 0, 0, 0]])
        model[3].weight[1] = 0.01
    model(torch.from_numpy(images(20)[0])).sum().backward()
    run.optimizer.step()
    with torch.no_grad():
        connections.scores[0] = torch.tensor([[9.0, 0, 0, 0], [0.3, 0.2, 0.1, 0], [1.5, 0, 0, 0]])
        model[3].weight[1] = 0.01
    resampling.begin(run)
    return run, resampling, connections


def test_what_has_settled_is_drawn_anew_and_forgotten() -> None:
    model = network()
    run, resampling, connections = settled(model)
    read, candidates = connections.inputs().clone(), connections.candidates.clone()
    scores, tables = connections.scores.detach().clone(), model[3].weight.detach().clone()
    slots, count = resampling.resample(run)
    assert torch.equal(connections.inputs(), read)
    chances = connections.scores[0].detach().softmax(1)
    assert float(chances[0, 0]) == pytest.approx(0.9)
    assert torch.allclose(chances[1], torch.full((4,), 0.25), atol=1e-5)
    assert torch.equal(connections.scores[0, 2], scores[0, 2])
    kept = connections.candidates == candidates
    assert kept[0, 0].tolist() == kept[0, 1].tolist() == [True, False, False, False]
    assert kept[0, 2].all()
    changed = (connections.scores != scores).any(2)
    moments = run.optimizer.state[connections.scores]["exp_avg"]
    assert not moments[changed].any()
    assert moments[~changed].any()
    assert slots >= 2
    fresh = model[3].parametrization.initial_weight(1)[0]
    assert torch.equal(model[3].weight[1], fresh)
    assert count == int((model[3].weight != tables).any(1).sum()) == 1
    for lut in connections.candidates.flatten(1):
        assert len(lut.unique()) == lut.numel()  # no LUT can read an input twice


def test_what_still_moves_is_left_alone() -> None:
    model = network()
    run, resampling, connections = settled(model)
    resampling._before = [1 - before for before in resampling._before]
    for measure in resampling._before:
        measure[(measure - 0.5).abs() < 0.1] = 0
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert resampling.resample(run) == (0, 0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    connections.freeze()
    resampling.begin(run)
    assert resampling.resample(run)[0] < math.prod(connections.scores.shape[:2]) + 18  # frozen ones are not counted
    assert torch.equal(connections.candidates, before["3.connections.candidates"])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Resampling(-1), "Resampling.epochs=-1"),
        (lambda: Resampling(2, sure=2.0), r"Resampling\(sure=2.0\)"),
        (lambda: Resampling(2, sure=0.2), "expected unsure below sure"),
        (lambda: SamplingChange("loud", 1), "expected one of soft"),
        (lambda: SamplingChange("hard", 1.5), "SamplingChange.epoch=1.5"),  # type: ignore[arg-type]
        (lambda: RestingWires(0), "RestingWires.every=0"),
        (lambda: RestingWires(2).begin(stage(without_connections())), "no layer of the model learns its connections"),
        (
            lambda: RestingWires(2).begin(stage(nn.Sequential(LogicDense(8, 4, 2, connections="top-k")))),
            "soft connections need their scores",
        ),
        (lambda: Settings(score_every=0), "score_every=0: expected an integer >= 1"),
        (lambda: WireFreezing(-2), "WireFreezing.epoch=-2"),
        (lambda: WireFreezing(0).begin(stage(without_connections())), "no layer of the model learns its connections"),
        (lambda: Settings(freeze=(0.7, 0.5)), "freeze=.* expected ascending shares"),
        (lambda: Settings(freeze=(True,)), "freeze=.* expected ascending shares"),
        (lambda: Settings(freeze=0.5), "freeze=0.5: expected ascending shares"),  # type: ignore[arg-type]
        (lambda: Settings(freeze="half"), "freeze='half': expected ascending shares"),  # type: ignore[arg-type]
        (lambda: Settings(freeze=(1.0,)), "freeze=.* expected ascending shares"),
        (lambda: Settings(freeze_wires=1.0), r"freeze_wires=1.0: expected None or a share of the epochs in \[0, 1\)"),
        (lambda: Settings(sampling_final="loud"), "expected one of soft"),
        (lambda: Settings(resample=1.5), "resample=1.5: expected a share of the epochs"),
        (lambda: Settings(teacher=""), "teacher='': expected None, 'cnn'"),
        (lambda: Settings(teacher="cnn", objective="regression"), "teachers are of classification"),
        (lambda: Settings(teacher_epochs=0), "teacher_epochs=0"),
        (lambda: Trainer(Settings(teacher="cnn")), "is asked by training.fit"),
    ],
)
def test_levers_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        make()


def test_averages_of_what_is_frozen_do_not_lag_behind() -> None:
    seen: list[bool] = []

    class Average(Callback):
        def after_step(self, stage: Stage) -> None:
            if stage.epoch == 2 and stage.average is not None:
                live = [p.detach().clone() for p in stage.model[1].conv.parameters()]  # type: ignore[index]
                with stage.average.applied():
                    averaged = list(stage.model[1].conv.parameters())  # type: ignore[index]
                    seen.append(all(torch.equal(a, b) for a, b in zip(live, averaged, strict=True)))

    Trainer(SETTINGS, quiet=True, callbacks=[Average()]).fit(network(), *images(200))
    assert seen
    assert all(seen)


def test_the_images_are_as_the_teacher_needs_them() -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32), np.arange(60) % 3
    dataset = lutsmith.data.from_arrays(x, y, x, y)
    with pytest.raises(ValueError, match="teacher='cnn' reads images"):
        fit(dataset, Architecture(luts=(12,), rank=2), Settings(epochs=1, teacher="cnn"), quiet=True)
