"""Runs by additive learning: without torch, in folders that keep what they hold, and on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith import presets
from lutsmith.additive import AdditiveSettings
from lutsmith.circuit.file import load
from lutsmith.cli import run as command
from lutsmith.runs import Run, TrainingInterrupted, default_folder, evaluate, train
from lutsmith.runs.methods import METHODS, asked_method
from lutsmith.runs.methods.growth_log import GrowthLog
from lutsmith.runs.saved import differences

from .board import tensorboard

SMALL: dict[str, Any] = {
    "method": "additive",
    "max_luts": 60,
    "rank": 4,
    "seed": 3,
    "quiet": True,
    "settings": {"sweeps": 1},
}
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(240, 4)).astype(np.float32)
Y = np.array(["low", "high"])[(X[:, 0] + X[:, 1] > 0).astype(int)]
BLOCKED = "import sys; sys.modules.update(dict.fromkeys(['torch', 'lightning_fabric', 'pyarrow', 'narwhals']))\n"
"""A plain install: what extras bring cannot be imported."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """One small finished run that several tests look at and none changes."""
    folder = tmp_path_factory.mktemp("digits")
    return train("digits", out=folder, **SMALL), folder


def child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=200)


def table(path: Path) -> None:
    """Two columns of numbers, one of names, and labels."""
    names = np.where(X[:, 2] > 0, "red", "green")
    rows = [f"{a:.4f},{b:.4f},{name},{label}" for a, b, name, label in zip(X[:, 0], X[:, 1], names, Y, strict=True)]
    path.write_text("\n".join(["a,b,colour,kind", *rows, ""]))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def untimed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def signalled_at(monkeypatch: pytest.MonkeyPatch, round_: int, number: int) -> None:
    """Let a signal come in a round."""
    append, left = GrowthLog.append, round_

    def signalling(self: GrowthLog, growth: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(number)
        append(self, growth)

    monkeypatch.setattr(GrowthLog, "append", signalling)


# What a run says


def test_a_run_reports_what_its_circuit_reaches(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    data, circuit = lutsmith.data.load("digits"), load(folder / "model.lut")
    assert data.x_test is not None
    assert run.accuracy == np.mean(circuit.predict(data.x_test) == data.y_test)
    assert run.accuracy > 0.7
    assert (run.method, run.measured_on, run.preset, run.seed) == ("additive", "test", "additive-digits", 3)
    assert (run.soft_score, run.soft_accuracy, run.best_epoch, run.lowering) == (None, None, None, None)
    assert (run.rows, run.checked_rows) == (360, len(data.x_train))
    assert run.luts == circuit.netlist.num_nodes <= 60
    training = circuit.metadata.training
    assert training is not None
    assert (training.task, training.preset, training.method, training.seed) == ("digits", run.preset, "additive", 3)
    assert training.settings["max_luts"] == 60
    assert circuit.metadata.accuracy == lutsmith.circuit.Accuracy(run.accuracy, measured_on="test")
    assert run.network is None


def test_the_folder_holds_the_run_and_a_line_for_each_round(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    record = json.loads((folder / "run.json").read_text())
    assert record["result"] == run.to_json()
    assert record["arguments"]["method"] == "additive"
    assert record["arguments"]["architecture"] == {}
    assert AdditiveSettings.from_json(record["arguments"]["settings"]) == AdditiveSettings(
        max_luts=60, rank=4, seed=3, sweeps=1
    )
    lines = metrics(folder)
    assert [list(line) for line in lines] == [
        ["round", "stage", "luts", "loss", "hard", "validation_loss", "seconds"]
    ] * len(lines)
    assert [line["round"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["luts"] for line in lines if line["stage"] == "growing"] == [10, 20, 30, 40, 50, 60]
    assert lines[-1]["stage"] == "sweep 1"
    assert all(line["seconds"] >= 0 and 0 <= line["hard"] <= 1 for line in lines)
    assert str(folder).encode() not in (folder / "model.lut").read_bytes()


def test_tensorboard_gets_the_figures_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tensorboard(monkeypatch)
    train("digits", out=tmp_path, **{**SMALL, "max_luts": 20, "settings": {}})
    figures = [(name, step) for step in (1, 2) for name in ("luts", "loss", "hard", "validation_loss", "seconds")]
    assert written == [tmp_path / "tensorboard", ("start", 1), *figures, "closed"]


def test_progress_shows_rounds_and_the_time_left_and_quiet_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(X, Y, **SMALL)
    assert capsys.readouterr() == ("", "")
    train(X, Y, **{**SMALL, "quiet": False, "settings": {"sweeps": 1, "folds": 0}})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "sweep 1  " in shown.err
    assert "%  " in shown.err.partition("  validation ")[2]
    monkeypatch.setenv("FORCE_COLOR", "1")
    train(X, Y, **{**SMALL, "quiet": False, "settings": {"sweeps": 1, "folds": 0}})
    bar = capsys.readouterr().err
    assert "growing  2/60 LUTs  loss 0." in bar
    assert "ETA" in bar


# Without torch


@pytest.mark.slow
def test_a_plain_install_trains_evaluates_and_verifies(tmp_path: Path) -> None:
    """digits, arrays and tables of every kind that needs no reader of an extra, on the command line and in Python."""
    np.savez(tmp_path / "t.npz", X=X, y=Y)
    table(tmp_path / "t.csv")
    code = BLOCKED + (
        "import numpy as np, lutsmith\n"
        "from lutsmith.cli import run\n"
        "folder = sys.argv[1]\n"
        "grown = ['--method', 'additive', '--max-luts', '40', '--json', '--out']\n"
        "assert run(['train', 'digits', *grown, folder + '/digits']) == 0\n"
        "assert run(['train', 'npz', '--data', folder + '/t.npz', *grown, folder + '/npz']) == 0\n"
        "assert run(['train', 'csv', '--data', folder + '/t.csv', '--target', 'kind', *grown, folder + '/csv']) == 0\n"
        "for name in ('digits', 'npz', 'csv'):\n"
        "    assert run(['eval', folder + f'/{name}/model.lut']) == 0\n"
        "    assert run(['verify', folder + f'/{name}/model.lut', '--format', 'json', '--layers', 'read-back']) == 0\n"
        "x = np.random.default_rng(0).normal(size=(200, 3))\n"
        "grown = lutsmith.train(x, x[:, 0] > 0, quiet=True)\n"  # the default of tables
        "assert grown.accuracy > 0.9 and (grown.method, grown.network, grown.lowering) == ('additive', None, None)\n"
        "assert run(['train', 'digits', '--out', folder + '/g']) == 2\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'torch' and sys.modules[name]]\n"
    )
    done = child(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pip install 'lutsmith[train]'" in done.stderr
    assert not (tmp_path / "g").exists()
    for task in ("npz", "csv"):
        assert json.loads((tmp_path / task / "run.json").read_text())["result"]["measured_on"] == "held-out"
    train("csv", data=tmp_path / "t.csv", target="kind", out=tmp_path / "r", method="additive", max_luts=40, quiet=True)
    assert (tmp_path / "r" / "model.lut").read_bytes() == (tmp_path / "csv" / "model.lut").read_bytes()  # by pyarrow


def test_no_torch_is_imported_where_it_is_installed(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, lutsmith\n"
        "x = np.random.default_rng(0).normal(size=(200, 3))\n"
        "given = {'method': 'additive', 'max_luts': 8, 'quiet': True, 'settings': {'loss': 'absolute'}}\n"
        "for out in (None, sys.argv[1]):\n"
        "    lutsmith.train(x, x[:, 0], out=out, **given)\n"
        "lutsmith.train(x, x[:, 0], out=out, resume=True, quiet=True)\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    done = child(code, tmp_path / "run")
    assert done.returncode == 0, done.stderr


# Data and objectives


@pytest.mark.parametrize(
    ("y", "more", "objective", "least"),
    [
        (Y, {}, "classification", 0.8),
        (X[:, 0], {}, "regression", 0.5),
        (X[:, :2], {}, "regression", 0.3),
        (X > 0, {}, "multilabel", 0.8),
        (np.round(X[:, 0]).astype(int), {"settings": {"loss": "absolute"}}, "regression", 0.3),
        (np.round(X[:, 0]).astype(int), {"objective": "regression"}, "regression", 0.3),
    ],
)
def test_every_objective_is_learned_and_read_again(
    tmp_path: Path, y: Any, more: dict[str, Any], objective: str, least: float
) -> None:
    run = train(X, y, out=tmp_path, **{**SMALL, "max_luts": 120, **more})
    assert (run.objective, run.measured_on, run.rows) == (objective, "held-out", 48)
    assert run.preset == "additive-table"
    assert run.score > least
    assert run.circuit.metadata.training.held_out.rows == 48
    again = train(X, y, out=tmp_path, resume=True, **{**SMALL, "max_luts": 120, **more})
    assert again == run
    assert json.loads(json.dumps(run.to_json()))["soft_score"] is None


def test_weights_stay_with_their_rows_and_a_share_of_nothing_measures_on_validation_rows(tmp_path: Path) -> None:
    weights = np.arange(1, 241) / 7.0
    one = train(X, Y, sample_weight=weights, out=tmp_path, **SMALL)
    with pytest.raises(ValueError, match="not those of the run"):
        train(X, Y, sample_weight=weights[::-1], out=tmp_path, resume=True)
    assert any(name.startswith("netlist") for name in differences(train(X, Y, **SMALL).circuit, one.circuit))
    run = train(X, Y, test_share=0, **SMALL)
    assert (run.measured_on, run.circuit.metadata.accuracy.measured_on) == ("validation", "validation")


def test_a_public_table_is_measured_as_its_task_says(datasets: Path, tmp_path: Path) -> None:
    run = train("monks-1", data=datasets, out=tmp_path, **SMALL)
    assert (run.measured_on, run.preset) == ("test", "additive-table")
    assert evaluate(str(run.model), datasets).accuracy == run.accuracy


# Which method


@pytest.mark.parametrize(
    ("method", "preset", "given", "asked"),
    [
        (None, None, {}, None),
        (None, None, {"lr": None, "max_luts": None}, None),
        ("additive", None, {"settings": {"batch_size": 3}}, "additive"),  # which has no such setting: its own error
        (None, "additive-table", {}, "additive"),
        (None, "table", {}, "gradients"),
        (None, None, {"max_luts": 5}, "additive"),
        (None, None, {"epochs": 5}, "gradients"),
        (None, None, {"architecture": {"tau": 3.0}}, "gradients"),
        (None, None, {"settings": {"batch_size": 3}}, "gradients"),
        (None, None, {"settings": {"validation": 0.2}}, None),
        (None, None, {"settings": AdditiveSettings()}, "additive"),
    ],
)
def test_the_method_is_the_one_that_the_arguments_ask_for(
    method: str | None, preset: str | None, given: dict[str, Any], asked: str | None
) -> None:
    assert asked_method(method, preset, given) == asked


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "trees"}, "method is 'trees'; expected one of gradients, additive"),
        (
            {"epochs": 3},
            "epochs=3 goes with method='gradients' alone, and method='additive' does not: leave",
        ),
        ({"luts": (20, 10)}, r"luts=\(20, 10\) goes with method='gradients' alone"),
        ({"lr": 0.1}, "lr=0.1 goes with method='gradients' alone"),
        ({"architecture": {"tau": 3}}, "architecture goes with method='gradients' or method='phases' alone"),
        (
            {"preset": "mnist-4k"},
            "preset='mnist-4k' goes with method='gradients' alone, and method",
        ),
        ({"method": None, "preset": "additive-table", "epochs": 3}, "and preset='additive-table' does not"),
        (
            {"method": "gradients", "preset": "additive-table"},
            "preset='additive-table' goes with method='additive'",
        ),
        ({"method": "gradients"}, "max_luts=60 goes with method='additive' alone, and method='gradients' does not"),
        ({"method": None, "epochs": 2}, "max_luts=60 goes with method='additive' alone, and epochs=2 does not"),
        ({"settings": {"batch_size": 8}}, "additive learning has no batch_size; it takes max_luts"),
        ({"settings": {"loss": "squared"}}, "loss is 'squared'; expected one of cross-entropy"),
        ({"rank": 9}, "rank is 9; expected 1 to 8"),
        ({"max_luts": 0}, "max_luts is 0; expected"),
        ({"max_seconds": -1}, "max_seconds is -1"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_refused_argument_is_one_line_and_touches_no_folder(
    digits: tuple[Run, Path], tmp_path: Path, arguments: dict[str, Any], says: str, overwrite: bool
) -> None:
    before = contents(digits[1])
    for folder in (digits[1], tmp_path / "new"):
        if folder == digits[1] and not overwrite:
            continue
        with pytest.raises(ValueError, match=says):
            train("digits", out=folder, overwrite=overwrite, **{**SMALL, **arguments})
    assert contents(digits[1]) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_data_that_cannot_be_learned_from_touch_no_folder(
    digits: tuple[Run, Path], tmp_path: Path, overwrite: bool
) -> None:
    before = contents(digits[1])
    x = (X[:, :1] > 0).astype(np.float32)
    for folder in (digits[1], tmp_path / "new") if overwrite else (tmp_path / "new",):
        with pytest.raises(ValueError, match="1 bits distinguish the rows; expected at least the rank, 4"):
            train(x, Y, out=folder, overwrite=overwrite, **SMALL)
    assert contents(digits[1]) == before
    assert list(tmp_path.iterdir()) == []


def test_settings_of_another_class_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="settings is a Settings; expected AdditiveSettings or a mapping of its fields"):
        train(X, Y, method="additive", settings=lutsmith.Settings())
    with pytest.raises(TypeError, match="settings is a AdditiveSettings; expected Settings or a mapping"):
        train(X, Y, method="gradients", settings=AdditiveSettings())


def test_settings_are_taken_as_an_object_too() -> None:
    settings = AdditiveSettings(max_luts=20, rank=3, tau=3.0)
    run = train(X, Y, settings=settings, seed=5, quiet=True)
    assert run.method == "additive"
    used = AdditiveSettings.from_json(dict(run.circuit.metadata.training.settings))
    assert (used.max_luts, used.rank, used.tau, used.seed, used.encoder) == (20, 3, 3.0, 5, "balanced")


def test_time_that_is_up_ends_a_run() -> None:
    run = train("digits", **{**SMALL, "max_luts": 100_000}, max_seconds=0.2)
    assert 10 <= run.luts < 100_000


@pytest.mark.parametrize("default", ["gradients", "additive"])
def test_the_default_of_tables_can_be_changed_and_arguments_of_one_method_still_choose_it(
    monkeypatch: pytest.MonkeyPatch, default: str
) -> None:
    monkeypatch.setitem(presets.DEFAULT_METHODS, "tables", default)
    assert train(X, Y, rank=2, quiet=True, settings={"validation": 0.2}).method == default
    assert train(X, Y, luts=(8,), epochs=1, quiet=True).method == "gradients"
    assert train(X, Y, max_luts=8, quiet=True).method == "additive"


def test_a_loss_tells_the_objective_where_the_method_is_that_of_tables() -> None:
    counts = np.round(X[:, 0]).astype(int)
    run = train(X, counts, settings={"loss": "absolute"}, quiet=True)
    assert (run.method, run.objective, run.preset) == ("additive", "regression", "additive-table")


def test_where_the_default_method_has_no_run_the_one_of_another_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(*, resume: bool = False, overwrite: bool = False, **asked: Any) -> str:
        return default_folder("csv", None, None, resume=resume, overwrite=overwrite, **asked).name

    def hold_a_run(name: str) -> None:
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "run.json").touch()

    monkeypatch.chdir(tmp_path)
    hold_a_run("csv-table-seed0")
    assert folder(resume=True) == folder(resume=True, given={"epochs": 3}) == "csv-table-seed0"
    assert {folder(), folder(overwrite=True), folder(resume=True, method="additive")} == {"csv-additive-table-seed0"}
    hold_a_run("csv-additive-table-seed0")
    assert folder(resume=True) == "csv-additive-table-seed0"
    assert folder() == "csv-additive-table-seed0-2"


# Resuming


def test_a_run_killed_by_sigkill_goes_on_to_the_same_file(digits: tuple[Run, Path], tmp_path: Path) -> None:
    _, whole = digits
    rounds = len(metrics(whole))
    for place, kill in enumerate((3, rounds)):  # while growing, and in the sweep
        folder = tmp_path / str(place)
        killed = child(
            "import os, signal\n"
            "from lutsmith.additive import checkpoint\n"
            "from lutsmith.runs import train\n"
            "from lutsmith.runs.methods import growth_log\n"
            f"checkpoint.EVERY, left, append = 0.0, {kill}, growth_log.GrowthLog.append\n"
            "def killing(self, growth):\n"
            "    global left\n"
            "    append(self, growth)\n"
            "    left -= 1\n"
            "    if left == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
            "growth_log.GrowthLog.append = killing\n"
            f"train('digits', out={str(folder)!r}, **{SMALL!r})"
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (folder / "model.lut").exists()
        assert (folder / METHODS["additive"].checkpoint).exists()
        assert len(metrics(folder)) == kill
        with pytest.raises(ValueError, match="seed is 4 and was 3"):
            train("digits", out=folder, resume=True, seed=4)
        (folder / ".0123456789abcdef.tmp").write_text("half of a checkpoint")
        run = train("digits", out=folder, resume=True, quiet=True)
        assert (folder / "model.lut").read_bytes() == (whole / "model.lut").read_bytes()
        assert untimed(metrics(folder)) == untimed(metrics(whole))
        assert run.train_seconds == pytest.approx(sum(line["seconds"] for line in metrics(folder)))
        assert not (folder / ".0123456789abcdef.tmp").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_is_told_by_its_exit_code_and_changes_nothing(
    digits: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        signalled_at(patch, 4, number)
        with pytest.raises(
            TrainingInterrupted, match=r"stopped at 40 of 60 LUTs, growing; saved in .*resume=True, out="
        ) as stopped:
            train("digits", out=tmp_path, **SMALL)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) == before
    assert (tmp_path / METHODS["additive"].checkpoint).exists()
    train("digits", out=tmp_path, resume=True, quiet=True)
    assert (tmp_path / "model.lut").read_bytes() == (digits[1] / "model.lut").read_bytes()
    with monkeypatch.context() as patch:
        signalled_at(patch, 2, number)
        with pytest.raises(TrainingInterrupted, match=r"nothing was saved, .*; with out=FOLDER a run can go on"):
            train("digits", **SMALL)


def test_a_signal_on_the_command_line_ends_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signalled_at(monkeypatch, 2, signal.SIGTERM)
    line = ["train", "digits", "--method", "additive", "--max-luts", "60", "--out", str(tmp_path)]
    assert command(line) == 143
    assert f"go on with --resume --out {tmp_path}" in capsys.readouterr().err.splitlines()[-1]


def test_a_finished_run_reports_itself_and_refuses_other_arguments(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    before = contents(folder)
    assert train("digits", out=folder, resume=True) == run
    assert train("digits", out=folder, resume=True, **SMALL) == run
    for arguments, says in (
        ({"max_luts": 70}, "max_luts is 70 and was 60"),
        ({"rank": 3, "settings": {"sweeps": 2}}, "sweeps is 2 and was 1; rank is 3 and was 4"),
        ({"epochs": 3}, "method is gradients and was additive"),
        (
            {"preset": "digits-fast"},
            "method is gradients and was additive; preset is digits-fast and was",
        ),
        ({"method": "gradients"}, "method is gradients and was additive"),
    ):
        with pytest.raises(ValueError, match=f"holds a run with other arguments: {says}"):
            train("digits", out=folder, resume=True, **arguments)
    with pytest.raises(ValueError, match=r"holds .*, model.lut, run.json of a run: resume=True goes on"):
        train("digits", out=folder, **SMALL)
    assert contents(folder) == before


def test_overwriting_a_run_by_gradients_leaves_nothing_of_it(tmp_path: Path) -> None:
    train(X, Y, luts=(8,), epochs=1, out=tmp_path, quiet=True)
    assert (tmp_path / "checkpoint.pt").exists()
    run = train(X, Y, out=tmp_path, overwrite=True, **SMALL)
    assert not (tmp_path / "checkpoint.pt").exists()
    assert lutsmith.load(str(run.model)).metadata.training.method == "additive"


# On the command line


def test_the_command_line_trains_shows_evaluates_and_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: object) -> str:
        capsys.readouterr()
        assert command([str(argument) for argument in arguments]) == 0, capsys.readouterr().err
        return " ".join(capsys.readouterr().out.split())

    monkeypatch.chdir(tmp_path)
    table(tmp_path / "t.csv")
    line = ["train", "csv", "--data", "t.csv", "--target", "kind", "--max-luts", 40, "--rank", 4]
    page = said(*line, "--method", "additive")
    assert "% on the held-out rows circuit " in page
    assert "checked the circuit's scores equal the counted votes on all 192 training and validation rows" in page
    for word in ("soft", "hardened", "lowering", "recorded"):
        assert word not in page
    model = Path("runs/csv-additive-table-seed0/model.lut")
    found = json.loads(said("eval", model, "--json"))
    assert (found["rows"], found["samples"]) == ("held-out", 48)
    assert "method additive" in said("info", model)
    assert "json read-back" in said("verify", model, "--format", "json", "--layers", "read-back")
    again = said(*line, "--resume")  # --max-luts alone asks for the method, and finds the folder
    assert again == page
    page = said(*line, "--method", "additive", "--test-share", 0, "--out", "all")
    assert "on the validation rows, which chose how many LUTs are kept" in page
    assert command(["train", "digits", "--method", "additive", "--epochs", "3"]) == 2
    said_last = capsys.readouterr().err
    assert "--epochs 3 goes with --method gradients alone, and --method additive does not" in said_last


def test_presets_are_listed_with_their_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["presets", "mnist"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["preset", "task", "method"]
    assert {line.split()[0]: line.split()[2] for line in lines[1:] if " mnist " in line}[
        "additive-mnist-4k"
    ] == "additive"
    assert not any("fashion" in line for line in lines)
    assert command(["presets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["presets"]
    assert [row["name"] for row in rows] == [row.name for row in lutsmith.list_presets()]
    assert {row["method"] for row in rows} == {"additive", "gradients", "phases"}
