"""`train` with data in memory: arrays, frames and data sets; with a folder and without."""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest
import torch

import lutsmith
from lutsmith.circuit import Circuit
from lutsmith.nn import Architecture
from lutsmith.runs import Run
from lutsmith.runs.held_out import hold_out
from lutsmith.runs.saved import differences
from lutsmith.training import TrainingInterrupted, loop

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(240, 4)).astype(np.float32)
COUNTS = np.round(X[:, 0]).astype(int)
Y = np.array(["low", "high"])[(X[:, 0] + X[:, 1] > 0).astype(int)]
SMALL: dict[str, Any] = {
    "luts": (40, 20),
    "rank": 3,
    "bits": 4,
    "epochs": 3,
    "quiet": True,
    "settings": {"batch_size": 16},
}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the working directory and that for temporary files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def same(one: Circuit, two: Circuit) -> bool:
    return not set(differences(one, two)) - {"metadata"}


def test_without_out_nothing_is_kept_and_the_run_has_the_circuit(empty: Path) -> None:
    run = lutsmith.train(X[40:], Y[40:], X[:40], Y[:40], **SMALL)
    assert list(empty.iterdir()) == []
    assert (run.model, run.task, run.preset, run.measured_on, run.rows) == (None, None, "table", "test", 40)
    assert run.circuit.classes == ("high", "low")
    assert run.accuracy == np.mean(run.circuit.predict_labels(X[:40]) == Y[:40])
    assert run.accuracy > 0.6
    assert run.lowering == "proved"
    labels = run.network(torch.from_numpy(X[:40])).argmax(-1)
    assert np.array_equal(labels, run.circuit.predict(X[:40]))
    assert json.loads(json.dumps(run.to_json()))["accuracy"] == run.accuracy
    assert {"circuit", "network"}.isdisjoint(run.to_json())


def test_a_task_without_out_keeps_nothing_either(empty: Path) -> None:
    run = lutsmith.train("digits", **{**SMALL, "epochs": 1})
    assert list(empty.iterdir()) == []
    assert (run.task, run.model) == ("digits", None)
    with pytest.raises(ValueError, match="resume=True needs the folder of the run: give out=FOLDER"):
        lutsmith.train("digits", resume=True)
    with pytest.raises(ValueError, match="overwrite=True needs the folder of the run"):
        lutsmith.train("digits", overwrite=True)


def test_whatever_holds_the_same_numbers_gives_the_same_circuit() -> None:
    whole = lutsmith.train(X, Y, **SMALL)
    columns = {name: X[:, place] for place, name in enumerate("abcd")}
    for x, y in (
        (X.astype(np.float64), Y.tolist()),
        (torch.from_numpy(X), pandas.Series(Y)),
        (pandas.DataFrame(columns), Y),
        (polars.DataFrame({**columns, "label": Y}), "label"),
    ):
        assert same(lutsmith.train(x, y, **SMALL).circuit, whole.circuit)
    assert same(lutsmith.train(lutsmith.data.from_arrays(X, Y), **SMALL).circuit, whole.circuit)


def test_rows_are_held_out_of_data_without_a_test_part() -> None:
    run = lutsmith.train(X, Y, **SMALL)
    assert (run.measured_on, run.rows) == ("held-out", 48)
    assert run.circuit.metadata.accuracy.measured_on == "held-out"
    assert run.circuit.metadata.training.held_out.rows == 48
    other = lutsmith.train(X, Y, test_share=0, **SMALL)
    assert other.measured_on == "validation"
    with pytest.raises(ValueError, match="the test rows are given: leave out test_share"):
        lutsmith.train(X, Y, X, Y, test_share=0.5, **SMALL)
    with pytest.raises(ValueError, match="leaves no training row of"):
        lutsmith.train(X[:4], ["a", "a", "b", "b"], test_share=0.9, **SMALL)


def test_weights_stay_with_their_rows_where_rows_are_held_out(tmp_path: Path) -> None:
    """Each row that is trained on has the weight that says which row it is."""
    weights = np.arange(1, 241) / 7.0
    dataset = lutsmith.data.from_arrays(np.arange(240.0)[:, None], Y, sample_weight=weights)
    left, kept = hold_out(dataset, 0.2, 3)
    assert kept.rows == 48
    assert left.sample_weight is not None
    assert np.array_equal(left.sample_weight, (left.x_train[:, 0].astype(np.float64) + 1) / 7)
    one = lutsmith.train(X, Y, sample_weight=weights, out=tmp_path, **SMALL)
    assert lutsmith.train(X, Y, sample_weight=weights, out=tmp_path, resume=True) == one
    with pytest.raises(ValueError, match="not those of the run"):
        lutsmith.train(X, Y, sample_weight=weights[::-1], out=tmp_path, resume=True)
    assert not same(one.circuit, lutsmith.train(X, Y, **SMALL).circuit)


@pytest.mark.parametrize(
    ("y", "options", "objective", "head"),
    [
        (X[:, 0], {}, "regression", "regression"),
        (X[:, :2], {}, "regression", "regression"),
        (X > 0, {}, "multilabel", "multi-label"),
        (COUNTS, {"objective": "regression"}, "regression", "regression"),
        (COUNTS, {"architecture": {"head": "regression"}}, "regression", "regression"),
        (
            np.round(X[:, 0]).astype(int),
            {"settings": {"objective": "regression", "batch_size": 16}},
            "regression",
            "regression",
        ),
        ((X > 0)[:, 0].astype(float), {"architecture": {"head": "affine"}}, "classification", "affine"),
    ],
)
def test_the_objective_is_told_by_y_or_by_what_is_given(
    y: Any, options: dict[str, Any], objective: str, head: str
) -> None:
    run = lutsmith.train(X, y, preset="dwn-table", **{**SMALL, **options})  # whose tau is of classes
    assert (run.objective, run.circuit.objective) == (objective, objective)
    assert run.circuit.metadata.training.architecture["head"] == head
    assert run.accuracy == (run.score if objective == "classification" else None)
    assert run.score > 0.3


def test_architectures_and_settings_are_taken_as_objects_too() -> None:
    architecture = lutsmith.Architecture(luts=(30,), rank=2, bits=3, connections="fixed", head="output-code")
    settings = lutsmith.Settings(epochs=2, batch_size=16, seed=5)
    run = lutsmith.train(X, Y, architecture=architecture, settings=settings, quiet=True)
    assert lutsmith.Architecture.from_json(run.circuit.metadata.training.architecture) == architecture
    assert lutsmith.Settings.from_json(run.circuit.metadata.training.settings) == settings
    assert run.seed == 5
    again = lutsmith.fit(lutsmith.data.from_arrays(X, Y), architecture, settings, quiet=True)
    assert again.report.measured_on == "validation"


def test_presets_follow_the_shape_of_images() -> None:
    assert lutsmith.presets.default_of_shape((4,)).name == "additive-table"
    assert lutsmith.presets.default_of_shape((4,), "gradients").name == "table"
    assert lutsmith.presets.default_of_shape((1, 8, 8)).name == "digits-fast"
    assert lutsmith.presets.default_of_shape((28, 28)).name == "mnist-fast"
    images = np.repeat((Y == "low").astype(np.uint8), 64).reshape(240, 1, 8, 8)
    images[:, 0, 2:6] = RANDOM.integers(0, 16, (240, 4, 8))
    run = lutsmith.train(images, Y, luts=(40,), rank=2, epochs=2, quiet=True)
    assert (run.preset, run.circuit.input_shape) == ("digits-fast", (1, 8, 8))


@pytest.mark.parametrize(
    ("source", "arguments", "says"),
    [
        ("digits", {"y": Y}, "y is of samples in memory, and 'digits' is the name of a task: leave it out"),
        ("digits", {"y": "digits-fast"}, "did you mean preset='digits-fast'"),
        ("digits", {"objective": "regression"}, "objective is of samples in memory"),
        (X, {"y": Y, "data": "t.csv"}, "data is of tasks, and the samples are given"),
        (X, {"y": Y, "target": "a"}, "target is of tasks"),
        (X, {}, "y is missing"),
        (X, {"y": Y, "preset": "best"}, "preset is 'best'; expected one of digits-fast"),
        (X, {"y": Y, "architecture": {"depth": 3}}, "an architecture has no depth"),
        (X, {"y": np.zeros(240)}, "1 class in 240 rows"),
        (lutsmith.data.from_arrays(X, Y), {"y": Y}, "a Dataset has its targets"),
    ],
)
def test_arguments_that_do_not_go_together_are_one_line(
    tmp_path: Path, source: Any, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        lutsmith.train(source, **arguments, out=tmp_path / "run", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_without_a_folder_says_what_would_have_kept_the_run(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(monkeypatch, 5)
    with pytest.raises(TrainingInterrupted, match=r"nothing was saved, .*; with out=FOLDER a run can go on") as stopped:
        lutsmith.train(X, Y, **SMALL)
    assert stopped.value.exit_code == 130
    assert list(empty.iterdir()) == []


# With a folder


def interrupt_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    step, left = loop.Loop.step, number

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(loop.Loop, "step", interrupting)


def test_a_run_on_arrays_resumes_with_the_same_arrays_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lutsmith.train(X, Y, out=tmp_path / "whole", **SMALL)
    assert isinstance(whole, Run)
    assert not differences(lutsmith.load(str(whole.model)), whole.circuit)
    interrupt_at(monkeypatch, 12)
    with pytest.raises(TrainingInterrupted):
        lutsmith.train(X, Y, out=tmp_path / "run", **SMALL)
    for x, y in ((X[::-1], Y), (X, np.where(Y == "low", "high", "low")), (X.astype(np.uint8), Y)):
        with pytest.raises(ValueError, match="the data in memory are not those of the run, which were others"):
            lutsmith.train(x, y, out=tmp_path / "run", resume=True, quiet=True)
    with pytest.raises(ValueError, match="task is digits and was None; the data are a task's"):
        lutsmith.train("digits", out=tmp_path / "run", resume=True, quiet=True)
    run = lutsmith.train(X, Y, out=tmp_path / "run", resume=True, quiet=True)
    assert (tmp_path / "run" / "model.lut").read_bytes() == (tmp_path / "whole" / "model.lut").read_bytes()
    again = lutsmith.train(X, Y, out=tmp_path / "run", resume=True, quiet=True)
    assert again == run
    assert not differences(again.circuit, run.circuit)
    assert again.network is None
    with pytest.raises(ValueError, match="overwrite=True starts again"):
        lutsmith.train(X, Y, out=tmp_path / "run", **SMALL)


def test_a_circuit_of_truth_values_and_numbers_is_saved_and_read_as_it_was(tmp_path: Path) -> None:
    for y in (X[:, 0] > 0, X[:, :2] > 0, X[:, 0] * 3):
        run = lutsmith.train(X, y, out=tmp_path / "run", overwrite=True, **SMALL)
        loaded = lutsmith.load(str(run.model))
        assert not differences(loaded, run.circuit)
        assert np.array_equal(loaded.predict(X), run.circuit.predict(X))
        if y.ndim == 1 and y.dtype == bool:
            assert loaded.predict_labels(X).dtype == bool
            assert np.mean(loaded.predict_labels(X) == y) > 0.8


def test_numbers_of_numpy_are_arguments_and_are_kept_as_numbers(tmp_path: Path) -> None:
    given = {"luts": np.array([8, 4]), "epochs": np.int64(1), "seed": np.uint8(3), "lr": np.float32(0.25)}
    first = lutsmith.train(X, Y, **{**SMALL, **given}, out=tmp_path / "run")
    assert (first.seed, type(first.seed)) == (3, int)
    again = lutsmith.train(X, Y, **{**SMALL, "luts": (8, 4), "epochs": 1, "seed": 3, "lr": 0.25},
                           out=tmp_path / "run", resume=True)  # fmt: skip
    assert again.to_json() == first.to_json()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"luts": 8.5}, "luts is 8.5; expected the width of each layer"),
        ({"luts": "8"}, "luts is '8'; expected the width of each layer"),
        ({"architecture": 5}, "architecture is a int; expected Architecture or a mapping of its fields"),
        ({"settings": lutsmith.Architecture()}, "settings is a Architecture; expected Settings or a mapping"),
    ],
)
def test_arguments_of_a_wrong_type_are_named(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        lutsmith.train(X, Y, **{**SMALL, **arguments})


@pytest.mark.parametrize("luts", [10, np.int64(10)])
def test_one_layer_is_one_number(luts: Any) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    given = lutsmith.train(x, x[:, 0] > 0, luts=luts, epochs=1, seed=0, quiet=True)
    wanted = lutsmith.train(x, x[:, 0] > 0, luts=(10,), epochs=1, seed=0, quiet=True)
    assert np.array_equal(given.circuit.netlist.tables(), wanted.circuit.netlist.tables())
    assert Architecture(luts=luts) == Architecture(luts=(10,)) == Architecture.from_json({"luts": 10})
    assert Architecture(luts=luts).to_json()["luts"] == (10,)


@pytest.mark.parametrize("luts", [0, -3, True, False])
def test_a_number_that_is_no_width_is_refused(luts: Any) -> None:
    for make in (lambda: Architecture(luts=luts), lambda: lutsmith.train(np.eye(9), [0, 1, 2] * 3, luts=luts)):
        with pytest.raises((TypeError, ValueError), match=rf"luts.*{luts!r}.*width of each layer"):
            make()


def test_an_empty_out_is_no_folder() -> None:
    with pytest.raises(ValueError, match="out='' names no folder"):
        lutsmith.train("digits", out="")
