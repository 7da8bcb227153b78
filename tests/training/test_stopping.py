"""Callbacks stop a run: it ends after the step, validated and saved, says why, and stays stopped."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lutsmith.nn import Architecture, LogicDense, build
from lutsmith.training import (
    Callback,
    EarlyStopping,
    Epoch,
    ProgressiveFreezing,
    Settings,
    Stage,
    Trainer,
    TrainingError,
    TrainingInterrupted,
)
from lutsmith.training.files import checkpoint
from lutsmith.training.metrics import logits
from lutsmith.training.objectives import ClassificationObjective

from . import killed
from .models import InterruptAfter, images, network, same_state

SETTINGS = Settings(epochs=4, batch_size=32, lr=0.1, validation=0.2)
STEPS = 15  # of 32 of 480 rows


class StopAt(Callback):
    """Calls `stop` in one method, at one place of a run."""

    def __init__(self, method: str, epoch: int = 1, batch: int = 0) -> None:
        self.method, self.place, self.steps = method, (epoch, batch), 0

    def __repr__(self) -> str:
        return f"StopAt({self.method!r}, {self.place})"

    def _called(self, method: str, stage: Stage) -> None:
        if method == self.method and (stage.epoch, stage.batch) == self.place:
            stage.stop(f"in {method}")
            stage.stop("again")

    def begin(self, stage: Stage) -> None:
        self._called("begin", stage)

    def before_epoch(self, stage: Stage) -> None:
        self._called("before_epoch", stage)

    def after_backward(self, stage: Stage) -> None:
        self._called("after_backward", stage)

    def after_step(self, stage: Stage) -> None:
        self.steps += 1
        self._called("after_step", stage)

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:
        assert epoch.epoch == stage.epoch + 1
        assert epoch.seconds > 0
        self._called("after_epoch", stage)


def fit(model: nn.Module, *callbacks: Callback, folder: Path | None = None, resume: bool = False, **change: Any) -> Any:
    settings = Settings.from_json({**SETTINGS.to_json(), **change})
    return Trainer(settings, folder=folder, quiet=True, callbacks=callbacks).fit(model, *images(), resume=resume)


@pytest.mark.parametrize("validate_every", [1, 3])
@pytest.mark.parametrize(
    ("stop", "epochs", "steps"),
    [
        (StopAt("begin", 0), 1, 1),
        (StopAt("before_epoch", 0), 1, 1),
        (StopAt("before_epoch", 1), 2, STEPS + 1),
        (StopAt("after_backward", 1, 3), 2, STEPS + 4),
        (StopAt("after_step", 0, 5), 1, 5),
        (StopAt("after_step", 1, STEPS), 2, 2 * STEPS),
        (StopAt("after_epoch", 1, STEPS), 2, 2 * STEPS),
        (StopAt("after_epoch", 3, STEPS), 4, 4 * STEPS),
    ],
    ids=str,
)
def test_a_run_ends_after_the_step_validated_saved_and_with_its_reason(
    tmp_path: Path, stop: StopAt, epochs: int, steps: int, validate_every: int
) -> None:
    model, again, stop.steps = network(noise=0.2), network(noise=0.2), 0
    result = fit(model, stop, folder=tmp_path, validate_every=validate_every)
    assert result.stopped == f"in {stop.method}"
    assert (len(result.history), stop.steps) == (epochs, steps)
    assert result.history[-1].hard is not None
    assert not model.training
    x, y = images()
    rows = result.validation_rows
    assert ClassificationObjective().score(logits(model, x, rows, hardened=True), y[rows]) == result.best.hard
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [epoch.to_json() for epoch in result.history]
    resumed = fit(again, stop, folder=tmp_path, resume=True, validate_every=validate_every)
    assert stop.steps == steps
    assert (resumed.stopped, resumed.history, resumed.best) == (result.stopped, result.history, result.best)
    assert same_state(model, again)


def test_a_run_that_nothing_stops_says_so_and_steps_before_the_stop_are_the_same() -> None:
    whole, cut = network(noise=0.2), network(noise=0.2)
    result = fit(whole, epochs=1, schedule="constant", validation=0.0)
    stopped = fit(cut, StopAt("after_epoch", 0, 18), schedule="constant", validation=0.0)
    assert result.stopped is None
    assert same_state(whole, cut)
    assert stopped.best.loss == result.best.loss


def test_the_loss_of_a_short_epoch_is_the_mean_of_its_steps() -> None:
    seen: list[float] = []

    def noted(outputs: Tensor, targets: Tensor) -> Tensor:
        loss = nn.functional.cross_entropy(outputs, targets)
        seen.append(float(loss.detach()))
        return loss

    trainer = Trainer(SETTINGS, quiet=True, loss=noted, callbacks=[StopAt("after_step", 0, 5)])
    assert trainer.fit(network(), *images()).best.loss == pytest.approx(sum(seen[1:]) / 5)  # the first is the warm-up


def test_a_stop_wins_over_a_signal_that_comes_with_it(tmp_path: Path) -> None:
    class Both(Callback):
        def after_step(self, stage: Stage) -> None:
            if stage.batch == 3:
                os.kill(os.getpid(), signal.SIGINT)
                stage.stop("enough")

    assert fit(network(), Both(), folder=tmp_path).stopped == "enough"
    assert checkpoint.load(tmp_path / "checkpoint.pt")["stopped"] == "enough"


def test_what_is_not_finite_is_an_error_where_a_run_is_stopped_too() -> None:
    class Ruins(Callback):
        def after_step(self, stage: Stage) -> None:
            with torch.no_grad():
                next(stage.model.parameters()).fill_(float("nan"))
            stage.stop("ruined")

    with pytest.raises(TrainingError, match="not finite"):
        fit(network(), Ruins())


@pytest.mark.parametrize("reason", ["", "  ", None, 3])
def test_a_stop_needs_a_reason(reason: Any) -> None:
    stage = Stage(network(), torch.optim.SGD(network().parameters()), 1)
    with pytest.raises(ValueError, match="expected a text that says why"):
        stage.stop(reason)
    assert stage.stopped is None


def test_layers_whose_epoch_was_not_reached_are_not_frozen(tmp_path: Path) -> None:
    for resume in (False, True):
        model = build(Architecture(luts=(40, 30, 20), rank=2, bits=2), killed.data()[0], 2, seed=3)
        parts = [ProgressiveFreezing((1, 2)), StopAt("after_epoch", 1, 11)]
        settings = Settings(epochs=4, batch_size=32)
        trainer = Trainer(settings, folder=tmp_path, quiet=True, callbacks=parts)
        assert trainer.fit(model, *killed.data(), resume=resume).stopped is not None
        layers = [module for module in model.modules() if isinstance(module, LogicDense)]
        assert [layer.weight.requires_grad for layer in layers] == [False, True, True]


# Early stopping


def epochs_of(callback: EarlyStopping, scores: list[float | None]) -> int | None:
    """After how many epochs of these hardened scores it stops."""
    stage = Stage(network(), torch.optim.SGD(network().parameters()), len(scores), validates=True)
    callback.begin(stage)
    for stage.epoch, score in enumerate(scores):
        callback.after_epoch(stage, Epoch(stage.epoch + 1, 1.0 - (score or 0), score, score, 0.0, 0.1, 1.0))
        if stage.stopped is not None:
            return stage.epoch + 1
    return None


@pytest.mark.parametrize("monitor", ["hard", "soft", "loss"])
def test_it_stops_when_no_epoch_was_better_for_long_enough(monitor: Any) -> None:
    scores: list[float | None] = [0.5, 0.6, 0.6, 0.59, 0.61, 0.61, 0.6, 0.61, 0.9]
    assert epochs_of(EarlyStopping(1, monitor=monitor), scores) == 3
    assert epochs_of(EarlyStopping(2, monitor=monitor), scores) == 4
    assert epochs_of(EarlyStopping(3, monitor=monitor), scores) == 8
    assert epochs_of(EarlyStopping(4, monitor=monitor), scores) is None
    assert epochs_of(EarlyStopping(3, min_delta=0.05, monitor=monitor), scores) == 5


def test_epochs_that_are_not_validated_do_not_count() -> None:
    assert epochs_of(EarlyStopping(2), [0.5, None, None, None, 0.5, None, 0.4, 0.6]) == 7


@pytest.mark.parametrize("passes", [4, 33, 49])
def test_an_early_stop_comes_at_the_same_epoch_after_an_interruption(tmp_path: Path, passes: int) -> None:
    def trained(model: nn.Module, **more: Any) -> Any:
        return fit(model, EarlyStopping(2, min_delta=0.02), epochs=30, lr=0.004, schedule="constant", **more)

    whole, resumed = network(noise=0.3), network(noise=0.3)
    expected = trained(whole)
    assert expected.stopped is not None
    assert expected.stopped.startswith("hard was no better than 0.")
    assert 3 < len(expected.history) < 30
    cut = network(noise=0.3)
    cut[0] = nn.Sequential(InterruptAfter(passes, lambda: os.kill(os.getpid(), signal.SIGINT)), cut[0])
    with pytest.raises(TrainingInterrupted):
        trained(cut, folder=tmp_path)
    result = trained(resumed, folder=tmp_path, resume=True)
    assert (len(result.history), result.stopped) == (len(expected.history), expected.stopped)
    assert same_state(whole, resumed)


def test_scores_to_compare_must_be_there() -> None:
    with pytest.raises(ValueError, match=r"validation is 0: .* monitor='loss'"):
        fit(network(), EarlyStopping(2), validation=0.0)
    assert fit(network(), EarlyStopping(1, 10.0, monitor="loss"), validation=0.0).stopped is not None


@pytest.mark.parametrize(
    "arguments", [{"patience": 0}, {"patience": 1.5}, {"patience": True}, {"min_delta": -1}, {"monitor": "x"}]
)
def test_arguments_that_cannot_be_are_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"EarlyStopping\\({next(iter(arguments))}="):
        EarlyStopping(**{"patience": 1, **arguments})


def test_patience_among_the_settings_is_early_stopping() -> None:
    change: dict[str, Any] = {"epochs": 12, "lr": 0.004, "schedule": "constant"}
    one, two = network(), network()
    by_setting = fit(one, patience=1, **change)
    by_callback = fit(two, EarlyStopping(1), **change)
    assert by_setting.stopped is not None
    assert by_setting.stopped == by_callback.stopped
    assert same_state(one, two)


def test_a_checkpoint_from_before_there_was_a_setting_had_its_default(tmp_path: Path) -> None:
    whole, resumed = network(noise=0.3), network(noise=0.3)
    fit(whole)
    cut = network(noise=0.3)
    cut[0] = nn.Sequential(InterruptAfter(20, lambda: os.kill(os.getpid(), signal.SIGINT)), cut[0])
    with pytest.raises(TrainingInterrupted):
        fit(cut, folder=tmp_path)
    path = tmp_path / "checkpoint.pt"
    state = checkpoint.load(path)
    del state["settings"]["patience"], state["stopped"]
    torch.save({**state, "format": 2}, path)
    with pytest.raises(ValueError, match="patience is 2 and was 0"):
        fit(network(noise=0.3), folder=tmp_path, resume=True, patience=2)
    fit(resumed, folder=tmp_path, resume=True)
    assert same_state(whole, resumed)
