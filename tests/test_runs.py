"""Runs: from a task's name to a checked circuit in a folder that keeps what it holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith import runs
from lutsmith.circuit import Accuracy, Circuit, Metadata, OutOfRangeWarning
from lutsmith.circuit.file import load
from lutsmith.circuit.heads import Head
from lutsmith.data import load as load_data
from lutsmith.data.split import stratified_split
from lutsmith.data.split import validation_split as split
from lutsmith.nn.lowering import Lowered
from lutsmith.runs import CircuitMismatchError, Run, SavedFileError, evaluate, execution, train
from lutsmith.runs.saved import differences
from lutsmith.training import TrainingInterrupted
from lutsmith.training.loop import loop

SMALL: dict[str, Any] = {
    "luts": (60, 30),
    "rank": 4,
    "bits": 2,
    "epochs": 3,
    "quiet": True,
    "architecture": {"num_candidates": 4, "tau": 2.0},
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """One small finished run that several tests look at and none changes."""
    folder = tmp_path_factory.mktemp("digits")
    return train("digits", out=folder, **SMALL), folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_reports_what_its_circuit_reaches(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    circuit, data = load(folder / "model.lut"), load_data("digits")
    assert data.x_test is not None
    assert run.accuracy == np.mean(circuit.predict(data.x_test) == data.y_test)
    assert 0.3 < run.accuracy <= 1
    assert run.soft_accuracy > 0.3
    assert (run.luts, run.depth) == (circuit.netlist.num_nodes, circuit.netlist.depth)
    assert run.model == str((folder / "model.lut").resolve())
    assert (run.measured_on, run.seed, run.task, run.preset) == ("test", 0, "digits", "digits-fast")
    assert run.lowering == "proved"
    assert run.train_seconds > 0
    assert run.setup_seconds > 0
    assert circuit.classes == tuple(range(10))
    assert circuit.metadata.accuracy.value == run.accuracy
    assert circuit.metadata.training.architecture["luts"] == (60, 30)
    assert circuit.metadata.input_bits is None  # any word, unless the encoder was given one
    constant = int((data.x_train == data.x_train[0]).all(axis=0).sum())
    assert 0 < constant <= circuit.metadata.wasted_thresholds < 2 * 64


def test_the_folder_holds_the_run_and_its_arguments(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    assert {"model.lut", "run.json", "metrics.jsonl", "checkpoint.pt"} <= set(contents(folder))
    assert len(list(folder.glob("*.lut"))) == 1
    record = json.loads((folder / "run.json").read_text())
    assert record["result"] == run.to_json()
    assert record["arguments"]["settings"]["epochs"] == 3
    assert {"lutsmith", "python", "torch", "numba"} <= set(record["versions"])
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 3


def test_a_model_file_tells_no_paths(digits: tuple[Run, Path]) -> None:
    _, folder = digits
    assert str(folder).encode() not in (folder / "model.lut").read_bytes()


def test_the_same_seed_gives_the_same_circuit_and_another_does_not(digits: tuple[Run, Path], tmp_path: Path) -> None:
    fields = ("fanin", "table_pool", "table_index", "outputs")
    netlists = [load(digits[1] / "model.lut").netlist]
    for seed in (0, 1):
        netlists.append(load(train("digits", out=tmp_path / str(seed), seed=seed, **SMALL).model).netlist)
    same = [[np.array_equal(getattr(netlists[0], name), getattr(other, name)) for name in fields] for other in netlists]
    assert all(same[1])
    assert not all(same[2])


def test_evaluate_agrees_with_the_run(digits: tuple[Run, Path]) -> None:
    run, _ = digits
    result = evaluate(run.model)
    assert (result.accuracy, result.samples, result.task) == (run.accuracy, 360, "digits")
    assert (result.rows, result.measured_on) == ("test", "the test rows")


def test_evaluate_and_the_door_to_runs_need_no_torch(digits: tuple[Run, Path]) -> None:
    code = "import sys; from lutsmith.runs import evaluate; evaluate(sys.argv[1]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, digits[0].model], check=False).returncode == 0


def test_a_finished_run_is_not_written_over(digits: tuple[Run, Path]) -> None:
    _, folder = digits
    before = contents(folder)
    with pytest.raises(ValueError, match=r"holds checkpoint.pt, .* resume=True goes on with it, overwrite=True starts"):
        train("digits", out=folder, **SMALL)
    assert contents(folder) == before


def test_resuming_a_finished_run_reports_its_result(digits: tuple[Run, Path]) -> None:
    run, folder = digits
    before = contents(folder)
    assert train("digits", out=folder, resume=True, quiet=True) == run
    assert train("digits", out=folder, resume=True, **SMALL) == run
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"epochs": 4}, "epochs is 4 and was 3"),
        ({"luts": (60, 20)}, "luts is 60,20 and was 60,30"),
        ({"seed": 7}, "seed is 7 and was 0"),
        ({"rank": 3, "bits": 1}, "rank is 3 and was 4; bits is 1 and was 2"),
        ({"preset": "mnist-4k"}, "preset is mnist-4k and was digits-fast"),
        ({"settings": {"shift": 2}}, r"shift is 2 and was \d"),
        ({"architecture": {"tau": 9.0}}, "tau is 9.0 and was 2.0"),
    ],
)
def test_resuming_with_other_arguments_names_them(
    digits: tuple[Run, Path], arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=f"holds a run with other arguments: {says}"):
        train("digits", out=digits[1], resume=True, quiet=True, **arguments)


def test_resuming_another_task_names_it(digits: tuple[Run, Path]) -> None:
    with pytest.raises(ValueError, match="task is mnist and was digits"):
        train("mnist", out=digits[1], resume=True)


def test_overwrite_starts_again_and_leaves_other_files_alone(tmp_path: Path) -> None:
    train("digits", out=tmp_path, **SMALL)
    (tmp_path / "notes.txt").write_text("mine")
    run = train("digits", out=tmp_path, overwrite=True, **{**SMALL, "epochs": 1})
    assert json.loads((tmp_path / "run.json").read_text())["result"]["accuracy"] == run.accuracy
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_command_line_gives_each_run_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lutsmith.cli import run as command

    monkeypatch.chdir(tmp_path)
    arguments = ["train", "digits", "--luts", "20", "--rank", "2", "--epochs", "1", "--json"]
    models = []
    for more in ([], [], ["--resume"]):
        capsys.readouterr()
        assert command([*arguments, *more]) == 0
        models.append(Path(json.loads(capsys.readouterr().out)["model"]).relative_to(tmp_path))
    names = ["digits-digits-fast-seed0", "digits-digits-fast-seed0-2", "digits-digits-fast-seed0-2"]
    assert models == [Path("runs") / name / "model.lut" for name in names]
    assert command(["train", "digits", "--preset", "none such"]) == 2
    assert [path.name for path in Path("runs").iterdir() if "none" in path.name] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"preset": "best"}, "preset is 'best'; expected one of digits-fast"),
        ({"luts": ()}, "expected the width of each layer"),
        ({"luts": (60, 31)}, "10 classes cannot share equally"),
        ({"luts": (0, 10)}, "expected the width of each layer"),
        ({"epochs": 0}, "epochs=0: expected an integer >= 1"),
        ({"architecture": {"depth": 3}}, "an architecture has no depth; it takes .*rank"),
        ({"settings": {"rate": 3}}, "a training run has no rate; it takes .*lr"),
        ({"resume": True, "overwrite": True}, "give one of them"),
        ({"data": "somewhere"}, "digits is embedded"),
    ],
)
def test_wrong_arguments_are_one_helpful_error(tmp_path: Path, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        train("digits", out=tmp_path / "run", **{**SMALL, **arguments})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [{"rank": 9}, {"bits": 0}, {"luts": (15,)}])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_refused_argument_touches_no_folder(
    digits: tuple[Run, Path], tmp_path: Path, arguments: dict[str, Any], overwrite: bool
) -> None:
    before = contents(digits[1])
    for folder in (digits[1], tmp_path / "new"):
        with pytest.raises(ValueError, match=r"."):
            train("digits", out=folder, overwrite=overwrite, **{**SMALL, **arguments})
    assert contents(digits[1]) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_another_model_is_refused(tmp_path: Path, overwrite: bool) -> None:
    for name in ("mine.lut", "model.lut", "run.json"):
        (tmp_path / name).write_text(name)
    with pytest.raises(ValueError, match=r"holds mine\.lut, .* move the other away, or take another folder"):
        train("digits", out=tmp_path, overwrite=overwrite, **SMALL)
    assert contents(tmp_path) == {name: name.encode() for name in ("mine.lut", "model.lut", "run.json")}


def test_a_file_in_place_of_the_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="is a file: out=FOLDER takes a folder"):
        train("digits", out=tmp_path / "file", **SMALL)


def test_a_damaged_record_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="is not the record of a run"):
        train("digits", out=tmp_path, resume=True, **SMALL)


def test_an_interrupted_run_goes_on_with_its_own_arguments(
    digits: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, left = loop.Loop.step, 30

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(loop.Loop, "step", interrupting)
    with pytest.raises(TrainingInterrupted, match=rf"go on with resume=True, out='{tmp_path}'$"):
        train("digits", out=tmp_path, **SMALL)
    assert not (tmp_path / "model.lut").exists()
    assert json.loads((tmp_path / "run.json").read_text())["result"] is None
    with pytest.raises(ValueError, match="resume=True goes on with it"):
        train("digits", out=tmp_path, **SMALL)
    run = train("digits", out=tmp_path, resume=True, quiet=True)
    whole = digits[0]
    assert (run.accuracy, run.soft_accuracy, run.best_epoch) == (whole.accuracy, whole.soft_accuracy, whole.best_epoch)


@pytest.mark.slow
def test_a_run_killed_from_outside_resumes_to_the_same_circuit(digits: tuple[Run, Path], tmp_path: Path) -> None:
    code = (
        "import time; from lutsmith.runs import train; from lutsmith.training.loop import loop; step = loop.Loop.step\n"
        "def slow(self, chosen): time.sleep(0.05); step(self, chosen)\n"
        f"loop.Loop.step = slow; train('digits', out={str(tmp_path)!r}, **{SMALL!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # into the next epoch
    process.kill()
    process.wait()
    assert not (tmp_path / "model.lut").exists()
    train("digits", out=tmp_path, resume=True, quiet=True)
    one, two = (load(folder / "model.lut").netlist for folder in (digits[1], tmp_path))
    for name in ("fanin", "table_pool", "table_index", "outputs"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_a_circuit_that_is_not_the_network_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lutsmith.circuit import Circuit

    scores = Circuit.decision_function

    def wrong(self: Circuit, x: Any) -> Any:
        values = scores(self, x).copy()
        values[5, 0] += 1
        return values

    monkeypatch.setattr(Circuit, "decision_function", wrong)
    with pytest.raises(CircuitMismatchError, match="on 1 of 360 test rows, first on row 5; nothing was saved"):
        train("digits", out=tmp_path, **{**SMALL, "epochs": 1})
    assert not (tmp_path / "model.lut").exists()


def test_a_circuit_that_is_wrong_on_no_measured_row_is_not_saved_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lutsmith.circuit.encoder import Comparators
    from lutsmith.training import fitting

    lower = fitting.lower

    def wrong(*arguments: Any, **options: Any) -> Any:
        circuit, encoder_luts = lower(*arguments, **options)
        thresholds = circuit.encoder.threshold.copy()
        thresholds[7] = np.nextafter(thresholds[7], np.float32(-np.inf))  # no digit has a brightness in between
        return replace(circuit, encoder=Comparators(circuit.encoder.feature, thresholds, 64)), encoder_luts

    def lowered(*arguments: Any, **options: Any) -> Any:
        return Lowered(*wrong(*arguments, **options))

    monkeypatch.setattr(fitting, "lower", lowered)
    with pytest.raises(CircuitMismatchError, match=r"model\.0 \(.*Thermometer\): failed: 1 of .* nothing was saved"):
        train("digits", out=tmp_path, **{**SMALL, "epochs": 1})
    assert not (tmp_path / "model.lut").exists()
    assert json.loads((tmp_path / "run.json").read_text())["result"] is None


def table(path: Path, rows: int = 400, seed: int = 0) -> Path:
    """A table of three classes with names, told apart by the sum of two columns."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 4)).round(3)
    names = np.array(["low", "mid", "high"])[np.digitize(x[:, 0] + x[:, 1], [-0.7, 0.7])]
    lines = ["a,b,c,d,class", *(f"{','.join(map(str, row))},{name}" for row, name in zip(x, names, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_without_a_test_set_is_measured_on_rows_that_training_never_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lutsmith.nn.encoders import Encoder

    fitted: list[Any] = []
    fit = Encoder.fit
    monkeypatch.setattr(
        Encoder, "fit", lambda self, x, **options: (fitted.append(np.array(x)), fit(self, x, **options))[1]
    )
    whole = load_data("csv", table(tmp_path / "t.csv"), "class")
    run = train(
        "csv",
        data=tmp_path / "t.csv",
        target="class",
        out=tmp_path / "run",
        epochs=8,
        rank=4,
        quiet=True,
        seed=5,
        settings={"validation": 0.25, "batch_size": 32},
    )
    training, held_out = stratified_split(whole.y_train, 0.2, 5)
    assert run.measured_on == "held-out"
    assert load(run.model).metadata.training.held_out.rows == len(held_out) == 80
    (seen,) = fitted
    assert len(seen) == 240  # of the 320 that are left a quarter is for validation
    assert {row.tobytes() for row in seen} <= {row.tobytes() for row in whole.x_train[training]}
    x, y = whole.x_train[held_out], whole.y_train[held_out]
    assert run.accuracy == np.mean(load(run.model).predict(x) == y)
    again = evaluate(run.model, tmp_path / "t.csv")
    assert (again.accuracy, again.samples, again.rows) == (run.accuracy, 80, "held-out")
    assert again.measured_on == "the rows held out of training"
    assert run.accuracy > 0.6
    assert run.luts == 1002  # the preset's 1,000, rounded up to what three classes can share
    circuit = load(run.model)
    assert sorted(map(str, circuit.classes or ())) == ["high", "low", "mid"]
    assert circuit.metadata.feature_names == ("a", "b", "c", "d")
    assert circuit.metadata.integer_features is False
    fresh = evaluate(run.model, table(tmp_path / "fresh.csv", 200, seed=1))
    assert (fresh.samples, fresh.rows) == (200, "another")
    assert "is not known" in fresh.measured_on
    assert fresh.accuracy > 0.6


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_eval_says_which_rows_of_a_table_it_measures(tmp_path: Path, kind: str) -> None:
    data: dict[str, Any] = {"data": table(tmp_path / "t.csv"), "target": "class"}
    if kind == "npz":
        whole = load_data("csv", tmp_path / "t.csv", "class")
        np.savez(tmp_path / "t.npz", X=whole.x_train, y=whole.y_train)
        data = {"data": tmp_path / "t.npz"}
    arguments: dict[str, Any] = {**SMALL, "luts": (60,), "epochs": 1, "settings": {"batch_size": 32}}
    for share, rows, samples in ((0.25, "held-out", 100), (0, "training", 400)):
        run = train(kind, out=tmp_path / str(share), test_share=share, **data, **arguments)
        assert run.measured_on == ("held-out" if share else "validation")
        found = evaluate(run.model, data["data"])
        assert (found.rows, found.samples) == (rows, samples)
    if kind == "csv":  # one number of one row is another: the held-out rows cannot be told any more
        lines = (tmp_path / "t.csv").read_text().split("\n")
        lines[3] = "9.5" + lines[3][lines[3].index(",") :]
        (tmp_path / "t.csv").write_text("\n".join(lines))
        assert evaluate(tmp_path / "0.25" / "model.lut", tmp_path / "t.csv").rows == "another"
        circuit = load(tmp_path / "0.25" / "model.lut")
        told = {name: value for name, value in circuit.metadata.to_json().items() if name != "held_out"}
        lutsmith.save(replace(circuit, metadata=Metadata.from_json(told)), tmp_path / "old.lut")
        old = evaluate(tmp_path / "old.lut", tmp_path / "t.csv")
        assert (old.rows, old.samples) == ("unknown", 400)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"test_share": 1.0}, r"test_share is 1\.0; expected the share"),
        ({"test_share": -0.1}, r"test_share is -0\.1; expected the share"),
        ({"test_share": 0.001}, "leaves every row; give another share"),
        ({"test_share": 0.999}, "leaves no training row of 'high'"),
        ({"test_share": 0.1, "test": "u.csv"}, "the test rows are given: leave out test_share=0.1"),
        ({"test_share": 0, "settings": {"validation": 0.0}}, "nothing would be left to measure"),
    ],
)
def test_shares_that_cannot_be_held_out_are_refused(tmp_path: Path, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        train("csv", data=table(tmp_path / "t.csv"), target="class", out=tmp_path / "run", **{**SMALL, **arguments})
    with pytest.raises(ValueError, match="digits has a test part"):
        train("digits", out=tmp_path / "run", test_share=0.2)
    assert not (tmp_path / "run").exists()


def test_a_table_resumes_with_the_same_rows_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {**SMALL, "luts": (60,), "settings": {"batch_size": 32}}
    data = {"data": table(tmp_path / "t.csv"), "target": "class"}
    whole = train("csv", out=tmp_path / "whole", test_share=0.3, **data, **arguments)
    step, left = loop.Loop.step, 15

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(loop.Loop, "step", interrupting)
    with pytest.raises(TrainingInterrupted):
        train("csv", out=tmp_path / "run", test_share=0.3, **data, **arguments)
    with pytest.raises(ValueError, match=r"test_share is 0\.2 and was 0\.3"):
        train("csv", out=tmp_path / "run", resume=True, test_share=0.2)
    run = train("csv", out=tmp_path / "run", resume=True, quiet=True)
    one, two = load(whole.model), load(run.model)
    assert (run.accuracy, one.metadata.training.held_out) == (whole.accuracy, two.metadata.training.held_out)
    assert all(
        np.array_equal(getattr(one.netlist, name), getattr(two.netlist, name)) for name in ("fanin", "table_pool")
    )


def test_a_table_of_an_earlier_version_resumes_with_nothing_held_out(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {**SMALL, "luts": (60,), "epochs": 1, "settings": {"batch_size": 32}}
    run = train("csv", data=table(tmp_path / "t.csv"), target="class", out=tmp_path / "run", test_share=0, **arguments)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    del record["arguments"]["test_share"]
    record["result"] = None
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    (tmp_path / "run" / "model.lut").unlink()
    again = train("csv", out=tmp_path / "run", resume=True, quiet=True)
    assert (again.accuracy, again.measured_on) == (run.accuracy, "validation")


def spoilt(name: str) -> Callable[[Circuit], Circuit]:
    """A circuit that differs in one field."""

    def change(circuit: Circuit) -> Circuit:
        netlist, encoder, head = circuit.netlist, circuit.encoder, circuit.head
        assert head is not None
        assert circuit.fitted_range is not None
        if name == "netlist.table_pool":
            return replace(circuit, netlist=replace(netlist, table_pool=netlist.table_pool ^ np.uint64(1)))
        if name == "netlist.outputs":
            return replace(circuit, netlist=replace(netlist, outputs=netlist.outputs[::-1]))
        if name == "encoder.threshold":
            return replace(circuit, encoder=replace(encoder, threshold=encoder.threshold + 1))
        if name == "head":
            return replace(circuit, head=Head(head.num_groups, bias=[1] * 10))
        if name == "fitted_range":
            return replace(circuit, fitted_range=(circuit.fitted_range[0], circuit.fitted_range[1] + 1))
        values: dict[str, Any] = {
            "classes": tuple(f"{label}" for label in circuit.classes or ()),
            "objective": None,
            "metadata": replace(circuit.metadata, accuracy=Accuracy(1)),
            "input_shape": (8, 8),
        }
        return replace(circuit, **{name: values[name]})

    return change


FIELDS = (
    "netlist.table_pool", "netlist.outputs", "encoder.threshold", "head", "fitted_range", "classes", "objective",
    "metadata", "input_shape",
)  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_saved_file_is_compared(digits: tuple[Run, Path], tmp_path: Path, name: str) -> None:
    circuit = load(digits[0].model)
    assert differences(circuit, load(digits[0].model)) == []
    changed = spoilt(name)(circuit)
    lutsmith.save(changed, tmp_path / "model.lut")
    assert differences(circuit, load(tmp_path / "model.lut")) == [name]


@pytest.mark.parametrize("fault", ["another table", "cut off", "nothing"])
def test_a_model_file_that_is_not_what_was_written_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from lutsmith.circuit import file
    from lutsmith.runs import saved

    save = file.save

    def faulty(circuit: Circuit, path: Any) -> None:
        if fault == "another table":
            save(spoilt("netlist.table_pool")(circuit), path)
        elif fault == "cut off":
            Path(path).write_bytes(file.to_bytes(circuit)[:-3])

    monkeypatch.setattr(saved, "save", faulty)
    expected = {"another table": "netlist.table_pool", "cut off": "cannot load", "nothing": "there is no model file"}
    with pytest.raises(SavedFileError, match=rf"model\.lut did not hold the model .*{expected[fault]}"):
        train("digits", out=tmp_path, **{**SMALL, "epochs": 1})
    assert not (tmp_path / "model.lut").exists()
    assert json.loads((tmp_path / "run.json").read_text())["result"] is None
    monkeypatch.setattr(saved, "save", save)
    assert train("digits", out=tmp_path, resume=True, quiet=True).lowering == "proved"


def test_a_table_with_a_test_file_is_measured_on_it(tmp_path: Path) -> None:
    files = {"data": table(tmp_path / "t.csv"), "test": table(tmp_path / "u.csv", 77, seed=1)}
    arguments: dict[str, Any] = {**SMALL, "luts": (60,), "settings": {"validation": 0.0, "batch_size": 32}}
    run = train("csv", target="class", out=tmp_path / "run", **files, **arguments)
    assert run.measured_on == "test"
    with pytest.raises(ValueError, match="no test set and validation is 0"):
        train("csv", target="class", out=tmp_path / "other", data=files["data"], test_share=0, **arguments)
    assert evaluate(run.model, files["data"]).rows == "training"
    assert evaluate(run.model, files["test"]).rows == "another"


def test_a_table_of_one_class_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n2,x\n" * 9)
    with pytest.raises(ValueError, match="class"):
        train("csv", data=tmp_path / "t.csv", target="b", out=tmp_path / "run", **SMALL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of one process is read from /proc")
def test_mnist_trains_within_700_megabytes(datasets: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from lutsmith.runs import train; from lutsmith.training.loop import order\n"
        "order.steps_per_epoch = lambda rows, size: 60  # a short epoch needs as much memory as a whole one\n"
        f"train('mnist', data={str(datasets)!r}, out={str(tmp_path)!r}, epochs=1, bits=3, quiet=True)\n"
        # Not getrusage: its peak is that of the parent too, whose memory a child has until it starts its program.
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 700 * 1024


def test_the_public_names_are_there() -> None:
    assert set(runs.__all__) == {
        "CircuitMismatchError", "Evaluation", "Measured", "Polishing", "Refinement", "Run", "SavedFileError",
        "TrainingInterrupted", "default_folder", "evaluate", "measured_rows", "polish", "refine", "train",
    }  # fmt: skip
    assert execution.train is train


def names_table(path: Path, rows: int = 500, seed: int = 0) -> Path:
    """A table of a number and two columns of names, one of which decides the class together with the number."""
    generator = np.random.default_rng(seed)
    number, colour = generator.normal(size=rows).round(3), generator.choice(["red", "green", "blue"], rows)
    shape = generator.choice(["round", "square", "?"], rows)
    kind = np.where((colour == "red") ^ (number > 0), "yes", "no")
    lines = [
        "colour,number,shape,kind",
        *(",".join(map(str, row)) for row in zip(colour, number, shape, kind, strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_of_names_are_learned_kept_and_read_back(tmp_path: Path) -> None:
    data = names_table(tmp_path / "t.csv", 800)
    arguments: dict[str, Any] = {
        **SMALL,
        "rank": 3,
        "bits": 3,
        "epochs": 30,
        "settings": {"batch_size": 32, "validation": 0.2},
    }
    run = train("csv", data=data, target="kind", out=tmp_path / "run", **arguments)
    assert run.accuracy > 0.8
    circuit = load(run.model)
    assert circuit.metadata.categories == (("blue", "green", "red"), None, ("round", "square"))
    assert run.comparators == len(circuit.encoder)
    assert run.encoder_luts == circuit.metadata.encoder_luts == run.luts - 90  # the networks own are 60 + 30
    assert run.encoder_luts > 0
    fresh = names_table(tmp_path / "fresh.csv", 200, seed=1)
    assert evaluate(run.model, fresh).accuracy > 0.8
    fresh.write_text(fresh.read_text().replace("red", "mauve"))
    assert evaluate(run.model, fresh).accuracy < 0.8  # unknown names are not names


@pytest.mark.parametrize("encoder", ["uniform", "distributive", "gaussian"])
def test_rows_of_validation_and_test_move_no_threshold(tmp_path: Path, encoder: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = rng.normal(size=(120, 4)) + y[:, None]
    _, held_out = split(y, 0.25, 0)
    odd = x.copy()
    odd[held_out] = np.where(np.arange(held_out.size) % 2, 1e6, -1e6)[:, None]
    fitted = []
    for name, values, tests in (("plain", x, x), ("outliers", odd, 1e9 * x)):
        for file, rows in ((f"{name}.csv", values), (f"{name}-test.csv", tests)):
            lines = [",".join([*map(repr, row), f"c{label}"]) for row, label in zip(rows.tolist(), y, strict=True)]
            (tmp_path / file).write_text("\n".join(["a,b,c,d,class", *lines, ""]))
        options = {"settings": {"validation": 0.25}, "architecture": {"encoder": encoder}, "seed": 0}
        small = {**SMALL, "luts": (10, 6), "epochs": 1, **options}
        files = {"data": tmp_path / f"{name}.csv", "test": tmp_path / f"{name}-test.csv"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutOfRangeWarning)  # the test rows are far outside, on purpose
            circuit = load(train("csv", target="class", out=tmp_path / name, **files, **small).model)
        fitted.append((circuit.encoder.threshold, circuit.fitted_range))
    assert np.abs(fitted[0][0]).max() < 10
    np.testing.assert_array_equal(fitted[1][0], fitted[0][0])
    np.testing.assert_array_equal(fitted[1][1], fitted[0][1])


def test_a_public_table_is_trained_resumed_and_evaluated_by_name(tmp_path: Path, datasets: Path) -> None:
    run = train("monks-1", data=datasets, out=tmp_path, luts=(40,), epochs=80, quiet=True)
    assert (run.task, run.preset, run.measured_on) == ("monks-1", "monks-1", "test")
    assert run.accuracy > 0.7
    assert train("monks-1", data=datasets, out=tmp_path, resume=True, quiet=True) == run
    assert evaluate(run.model, datasets).accuracy == run.accuracy
    assert evaluate(run.model, datasets / "monks").samples == 432


def test_thermometers_emit_no_luts_and_codes_do(digits: tuple[Run, Path], tmp_path: Path) -> None:
    assert digits[0].encoder_luts == 0
    gray = train("digits", out=tmp_path, **{**SMALL, "epochs": 1, "architecture": {"encoder": "gray"}})
    assert (gray.encoder_luts or 0) > 0
    assert gray.luts == 90 + (gray.encoder_luts or 0)


def test_a_record_of_an_earlier_version_is_resumed(digits: tuple[Run, Path], tmp_path: Path) -> None:
    for name, content in contents(digits[1]).items():
        (tmp_path / name).write_bytes(content)
    record = json.loads((tmp_path / "run.json").read_text())
    for name in ("encoder_options", "head", "head_options", "sampling", "init_method", "connection_options"):
        del record["arguments"]["architecture"][name]
    for name in ("comparators", "encoder_luts", "lowering"):
        del record["result"][name]
    record["arguments"]["architecture"].update(connection_temperature=1.0, connection_rule="softmax")
    (tmp_path / "run.json").write_text(json.dumps(record))
    run = train("digits", out=tmp_path, resume=True, architecture={"head": "group-sum"}, quiet=True)
    assert (run.accuracy, run.comparators, run.lowering) == (digits[0].accuracy, None, None)
    (tmp_path / "model.lut").unlink()
    again = train("digits", out=tmp_path, resume=True, quiet=True)
    assert (again.accuracy, again.comparators) == (digits[0].accuracy, digits[0].comparators)


@pytest.mark.parametrize(("head", "objective"), [("regression", "regression"), ("multi-label", "multilabel")])
def test_a_task_of_classes_takes_no_other_head(tmp_path: Path, head: str, objective: str) -> None:
    with pytest.raises(ValueError, match=rf"head '{head}' is for {objective}, and digits for classification"):
        train("digits", out=tmp_path / "run", **{**SMALL, "architecture": {"head": head}})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "architecture",
    [
        {"head": "output-code", "luts": [45], "head_options": {"length": 15}},
        {"head": "grouped-dsp", "head_options": {"wbits": 6}},
        {"head": "affine"},
        {"head": "reduction", "head_options": {"bits": 3}},
        {"connections": ["top-k", "fixed"], "init_method": [None, "butterfly"], "rank": [3, 2]},
        {"connections": ["dense", "learnable"], "encoder": "one-hot", "num_candidates": [2, 3]},
    ],
)
def test_every_head_and_wiring_trains_to_a_checked_circuit(tmp_path: Path, architecture: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"bits": 2, "quiet": True}
    whole = {"luts": [60, 30], "rank": 4, "num_candidates": 4, **architecture}
    run = train("digits", out=tmp_path, epochs=1, architecture=whole, **arguments)
    assert run.accuracy > 0.05


def test_predicting_a_table_reads_names_as_training_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lutsmith.cli import run as command

    arguments = {**SMALL, "rank": 3, "epochs": 1, "settings": {"batch_size": 32}}
    run = train("csv", data=names_table(tmp_path / "t.csv"), target="kind", out=tmp_path / "run", **arguments)
    (tmp_path / "new.csv").write_text("shape,number,colour\nround,1.5,red\nnone such,?,mauve\nsquare,-1,green\n")
    capsys.readouterr()
    assert command(["predict", run.model, str(tmp_path / "new.csv")]) == 0
    circuit = load(run.model)
    codes = np.array([[2, 1.5, 0], [np.nan, np.nan, np.nan], [1, -1, 1]], np.float32)
    expected = [str((circuit.classes or ())[i]) for i in circuit.predict(codes)]
    assert capsys.readouterr().out.split() == expected
    (tmp_path / "bad.csv").write_text("shape,number,colour\nround,many,red\n")
    assert command(["predict", run.model, str(tmp_path / "bad.csv")]) != 0
    assert "column 'number' is text ('many' in line 2)" in capsys.readouterr().err
