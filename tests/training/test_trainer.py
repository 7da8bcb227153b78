"""The trainer: it learns, it keeps the best, it stops cleanly and it goes on to the bit."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import to_circuit
from lutsmith.training import Settings, Trainer, TrainingError, TrainingInterrupted
from lutsmith.training.files import checkpoint
from lutsmith.training.loop import feed, loop
from lutsmith.training.metrics import logits
from lutsmith.training.samples import Samples

from ..board import tensorboard
from . import killed
from .models import Bits, InterruptAfter, SoftHard, images, network, same_state

FAST = Settings(epochs=3, batch_size=32, lr=0.1, validation=0.2)


def fit(model: nn.Module, settings: Settings = FAST, **trainer: Any) -> Any:
    return Trainer(settings, quiet=True, **trainer).fit(model, *images())


def test_it_learns_and_leaves_the_model_hardened_at_its_best() -> None:
    model = network()
    result = fit(model)
    assert result.best.hard > 0.9
    assert not model.training
    x, y = images()
    rows = result.validation_rows
    assert np.mean(logits(model, x, rows, hardened=True).argmax(1) == y[rows]) == result.best.hard
    assert result.best.gap == result.best.soft - result.best.hard
    assert result.train_seconds > 0
    assert len(result.history) == 3


def test_equal_seeds_give_equal_weights_and_other_seeds_do_not() -> None:
    models = [network(noise=0.5) for _ in range(3)]
    settings = Settings(epochs=2, batch_size=32, lr=0.1, validation=0.2, bit_flip=0.05, shift=1)
    for model, seed in zip(models, (0, 0, 1), strict=True):
        torch.rand(3)  # the state of the process does not matter
        fit(model, Settings.from_json({**settings.to_json(), "seed": seed}))
    assert same_state(models[0], models[1])
    assert not same_state(models[0], models[2])


def test_training_leaves_the_process_as_it_was() -> None:
    states, threads, handler = torch.get_rng_state(), torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    fit(network(noise=0.5))
    assert torch.equal(torch.get_rng_state(), states)
    assert torch.get_num_threads() == threads
    assert signal.getsignal(signal.SIGINT) is handler


def test_the_best_of_equal_epochs_is_the_latest_and_its_weights_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.5, 0.6, 0.5, 0.9, 0.5, 0.9, 0.5, 0.7])  # soft, hard of four epochs
    weights: list[torch.Tensor] = []
    model = network()

    def score(*_: Any, hardened: bool) -> float:
        if hardened:
            weights.append(model[2].weight.detach().clone())
        return next(figures)

    monkeypatch.setattr(feed, "score", score)
    result = fit(model, Settings(epochs=4, batch_size=32, lr=0.1, validation=0.2))
    assert result.best.epoch == 3
    assert torch.equal(model[2].weight, weights[2])
    assert not torch.equal(weights[2], weights[3])


def test_without_validation_the_last_epoch_is_kept_and_every_row_is_trained_on() -> None:
    result = fit(network(), Settings(epochs=2, batch_size=32, validation=0.0))
    assert result.best is result.history[-1]
    assert len(result.validation_rows) == 0
    assert result.best.hard is None


def test_validation_may_be_rarer_but_never_misses_the_last_epoch() -> None:
    result = fit(network(), Settings(epochs=5, batch_size=32, validation=0.2, validate_every=2))
    assert [epoch.epoch for epoch in result.history if epoch.hard is not None] == [2, 4, 5]


def test_validation_and_warm_up_leave_no_trace(tmp_path: Path) -> None:
    for every in (1, 3):
        settings = Settings(epochs=3, batch_size=32, validation=0.2, validate_every=every)
        fit(network(noise=0.5), settings, folder=tmp_path / str(every))
    often, seldom = (checkpoint.load(tmp_path / name / "checkpoint.pt")["model"] for name in ("1", "3"))
    assert often["2.calls"] == 3 * 15  # training batches only
    assert all(torch.equal(often[name], seldom[name]) for name in often)


def test_scores_and_tables_have_learning_rates_of_their_own() -> None:
    seen: list[tuple[float, set[tuple[int, ...]]]] = []

    def factory(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        seen.extend((group["lr"], {tuple(p.shape) for p in group["params"]}) for group in groups)
        return torch.optim.SGD(groups)

    fit(network(), Settings(epochs=1, batch_size=32, lr=0.5, score_lr=0.25), optimizer=factory)
    assert seen == [(0.5, {(64, 2)}), (0.25, {(64,)})]


def test_a_score_rate_of_zero_leaves_the_scores_alone() -> None:
    model = network()
    fit(model, Settings(epochs=1, batch_size=32, score_lr=0.0))
    assert not model[2].connections.scores.any()


@pytest.mark.parametrize("name", ["adam", "AdamW", "sgd", "rmsprop"])
def test_optimizers_go_by_their_torch_names(name: str) -> None:
    assert fit(network(), Settings(epochs=1, batch_size=32, optimizer=name)).best.loss > 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"optimizer": "adamant"}, r"optimizer is 'adamant'; expected one of .*adam, .*sgd"),
        ({"optimizer_options": {"speed": 3}}, "the optimizer 'adam' has no speed; it takes .*betas"),
        ({"optimizer": "sgd", "optimizer_options": {"momentum": -1}}, "momentum"),
    ],
)
def test_optimizers_that_cannot_be_are_explained(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fit(network(), Settings(**settings))


def test_layers_are_clamped_after_each_step() -> None:
    model = network()
    fit(model, Settings(epochs=2, batch_size=32, lr=2.0, schedule="constant"))
    assert model[2].weight.abs().max() == 1.5


def test_bfloat16_mixed_precision_trains() -> None:
    assert fit(network(), Settings(epochs=2, batch_size=32, lr=0.1, precision="bf16-mixed")).best.hard > 0.9


def test_a_set_smaller_than_a_batch_is_one_batch() -> None:
    x, y = images(20)
    result = Trainer(Settings(epochs=2, batch_size=64, validation=0.2), quiet=True).fit(network(), x, y)
    assert len(result.history) == 2


def test_memory_maps_and_read_only_arrays_are_taken(tmp_path: Path) -> None:
    x, y = images()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one, two = network(), network()
    Trainer(FAST, quiet=True).fit(one, mapped, y)
    Trainer(FAST, quiet=True).fit(two, x, y)
    assert same_state(one, two)


class Explodes(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.factor, self.value = nn.Parameter(torch.ones(())), value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor if not torch.is_grad_enabled() else x * self.factor * self.value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_training_and_saves_nothing(tmp_path: Path, value: float) -> None:
    model = nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 2), Explodes(value))
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) in epoch 1, by batch \d+ of 15: a smaller lr"):
        fit(model, folder=tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_parameter_that_is_not_finite_stops_training_even_where_the_loss_hides_it() -> None:
    class Hides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.sqrt(self.weight)  # an infinite gradient at 0

    model = nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 2), Hides())
    with pytest.raises(TrainingError, match="not finite"):
        fit(model, Settings(epochs=1, batch_size=512, validation=0.0, optimizer="sgd"))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Sequential(Bits(), nn.Flatten()), "no parameter that requires a gradient"),
        (nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 1)), "y holds the label 1: the model has classes 0 to 0"),
        (nn.Sequential(Bits(), nn.Conv2d(1, 2, 3)), r"the model gives \(32, 2, 6, 6\) for 32 samples"),
    ],
)
def test_models_that_cannot_be_trained_are_explained(model: nn.Module, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fit(model)


def test_metrics_are_one_json_line_an_epoch(tmp_path: Path) -> None:
    result = fit(network(), folder=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [epoch.to_json() for epoch in result.history]
    assert list(lines[0]) == ["epoch", "loss", "soft", "hard", "gap", "lr", "seconds"]


def test_progress_goes_to_stderr_and_quiet_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(FAST).fit(network(), *images())
    shown = capsys.readouterr()
    assert "epoch 3/3" in shown.err
    assert "hardened" in shown.err
    Trainer(FAST, quiet=True).fit(network(), *images())
    assert capsys.readouterr() == ("", "")
    assert shown.out == ""


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    Trainer(FAST).fit(network(), *images())
    shown = capsys.readouterr()
    assert "ETA" in shown.err
    assert "epoch 1/3" in shown.err
    assert shown.out == ""


def test_tensorboard_gets_the_figures_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tensorboard(monkeypatch)
    fit(network(), folder=tmp_path)
    names = ["loss", "soft", "hard", "gap", "lr", "seconds"]
    assert written == [
        tmp_path / "tensorboard", ("start", 1), *((name, step) for step in (1, 2, 3) for name in names), "closed"
    ]  # fmt: skip


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_that_is_not_there_is_one_error_and_auto_does_without() -> None:
    with pytest.raises(ValueError, match="torch finds no CUDA device"):
        fit(network(), Settings(accelerator="cuda"))
    assert fit(network(), Settings(epochs=1, batch_size=32, accelerator="auto")).best.loss > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="training on CUDA")
def test_training_on_cuda_resumes_to_the_bit(tmp_path: Path) -> None:
    settings = Settings(epochs=3, batch_size=32, lr=0.1, validation=0.2, accelerator="cuda", bit_flip=0.05)
    whole, resumed = network(noise=0.3), network(noise=0.3)
    assert fit(whole, settings).best.hard > 0.9
    cut = network(noise=0.3)
    cut[0] = nn.Sequential(InterruptAfter(9, lambda: os.kill(os.getpid(), signal.SIGINT)), cut[0])
    with pytest.raises(TrainingInterrupted):
        fit(cut, settings, folder=tmp_path)
    fit_resumed(resumed, tmp_path, settings)
    assert same_state(whole, resumed)


def stopped(folder: Path, model: nn.Module, passes: int, action: Callable[[], None]) -> None:
    wrapped = copy.deepcopy(model)
    wrapped[0] = nn.Sequential(InterruptAfter(passes, action), wrapped[0])
    trainer = Trainer(FAST, folder=folder, quiet=True)
    with pytest.raises(TrainingInterrupted, match=f"saved in {folder}: go on with resume=True"):
        trainer.fit(wrapped, *images())


@pytest.mark.parametrize("passes", [2, 9, 16, 31])  # the first is the warm-up; 16 is the last batch of epoch 1
def test_ctrl_c_finishes_the_batch_saves_and_resumes_to_the_bit(tmp_path: Path, passes: int) -> None:
    whole, resumed = network(noise=0.3), network(noise=0.3)
    expected = fit(whole, folder=tmp_path / "whole")
    stopped(tmp_path / "cut", network(noise=0.3), passes, lambda: os.kill(os.getpid(), signal.SIGINT))
    result = fit_resumed(resumed, tmp_path / "cut")
    assert same_state(whole, resumed)
    without_times = [{**epoch.to_json(), "seconds": 0} for epoch in expected.history]
    assert [{**epoch.to_json(), "seconds": 0} for epoch in result.history] == without_times
    lines = (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()
    assert [{**json.loads(line), "seconds": 0} for line in lines] == without_times


def fit_resumed(model: nn.Module, folder: Path, settings: Settings = FAST) -> Any:
    return Trainer(settings, folder=folder, quiet=True).fit(model, *images(), resume=True)


def test_an_interrupt_without_a_folder_says_that_nothing_was_saved() -> None:
    model = network()
    model[0] = nn.Sequential(InterruptAfter(3, lambda: os.kill(os.getpid(), signal.SIGINT)), model[0])
    with pytest.raises(TrainingInterrupted, match="nothing was saved"):
        fit(model)


def test_the_second_ctrl_c_interrupts_at_once() -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    model = network()
    model[0] = nn.Sequential(InterruptAfter(3, twice), model[0])
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(model)
    assert not isinstance(caught.value, TrainingInterrupted)


def test_it_trains_in_a_thread_where_no_signal_can_be_caught() -> None:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(fit(network())))
    thread.start()
    thread.join()
    assert results[0].best.hard > 0.9


def test_resuming_a_finished_run_gives_its_result_again(tmp_path: Path) -> None:
    model, again = network(), network()
    first = fit(model, folder=tmp_path)
    second = fit_resumed(again, tmp_path)
    assert same_state(model, again)
    assert second.best == first.best
    assert second.train_seconds == pytest.approx(first.train_seconds, abs=0.2)


def test_resuming_where_nothing_was_saved_starts_from_the_beginning(tmp_path: Path) -> None:
    model, resumed = network(), network()
    fit(model)
    fit_resumed(resumed, tmp_path)
    assert same_state(model, resumed)


def test_resuming_another_run_names_what_differs(tmp_path: Path) -> None:
    fit(network(), folder=tmp_path)
    with pytest.raises(ValueError, match=r"other arguments: epochs is 9 and was 3; lr is 0.2 and was 0.1"):
        fit_resumed(network(), tmp_path, Settings(epochs=9, batch_size=32, lr=0.2, validation=0.2))
    with pytest.raises(ValueError, match=r"data are 500x1x8x8 uint8 .* and were 600x1x8x8 uint8"):
        Trainer(FAST, folder=tmp_path, quiet=True).fit(network(), *images(500), resume=True)
    with pytest.raises(ValueError, match=r"cannot resume from .*checkpoint.pt: Error\(s\) in loading state_dict"):
        fit_resumed(nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 3)), tmp_path)


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(tmp_path: Path) -> None:
    fit(network(), folder=tmp_path)
    path, earlier = tmp_path / "checkpoint.pt", Samples.of(*images()).earlier_fingerprint()
    state = checkpoint.load(path)
    assert state["data"] == Samples.of(*images()).fingerprint() != earlier
    checkpoint.save(path, {**state, "data": earlier})
    whole, resumed = network(), network()
    fit(whole)
    fit_resumed(resumed, tmp_path)
    assert same_state(whole, resumed)


def test_a_checkpoint_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    fit(network(), folder=tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match="holds a checkpoint: resume=True goes on from it"):
        fit(network(), folder=tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    with pytest.raises(ValueError, match="needs the folder"):
        Trainer(FAST, quiet=True).fit(network(), *images(), resume=True)


@pytest.mark.parametrize(
    "key", ["position", "seconds", "history", "best", "generators", "optimizer", "model", "settings"]
)
def test_a_checkpoint_with_nonsense_inside_is_one_error(tmp_path: Path, key: str) -> None:
    fit(network(), folder=tmp_path)
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    checkpoint.save(tmp_path / "checkpoint.pt", {**state, key: [1]})
    with pytest.raises(ValueError, match="cannot resume from"):
        fit_resumed(network(), tmp_path)


def test_checkpoints_cost_at_most_a_twentieth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saves: list[Path] = []
    now = [0.0]

    def slow(path: Path, state: object) -> None:
        saves.append(path)
        now[0] += 10.0

    def tick() -> float:
        now[0] += 0.01
        return now[0]

    monkeypatch.setattr(checkpoint, "save", slow)
    monkeypatch.setattr(loop.time, "perf_counter", tick)
    Trainer(Settings(epochs=20, batch_size=32), folder=tmp_path, quiet=True).fit(network(), *images())
    assert len(saves) == 2  # the first epoch's end, which tells what saving costs, and the end of training


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_killed_process_resumes_to_the_same_circuit(tmp_path: Path, number: int, code: int) -> None:
    program = Path(killed.__file__)
    passes = 2 + 11 + 11 // 2 + 2  # warm-up, an epoch, its validation, and half of the next
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(passes), str(int(number))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    epoch, batch = checkpoint.load(tmp_path / "checkpoint.pt")["position"]
    assert (epoch, batch > 0) == (1, True)
    whole, resumed = killed.network(), killed.network()
    Trainer(killed.SETTINGS, quiet=True).fit(whole, *killed.data())
    Trainer(killed.SETTINGS, folder=tmp_path, quiet=True).fit(resumed, *killed.data(), resume=True)
    assert same_state(whole, resumed)
    one, two = (to_circuit(model, (1, 6, 6)).netlist for model in (whole, resumed))
    for name in ("fanin", "table_pool", "table_index", "outputs"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
