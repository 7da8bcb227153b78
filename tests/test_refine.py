"""`refine`: from Python and on the command line, on the rows that the model was trained on, without torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, course
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load, save, to_bytes
from lutsmith.cli import run as command
from lutsmith.runs import TrainingInterrupted, evaluate, refine, train

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(300, 4)).astype(np.float32)
Y = np.array(["low", "high"])[(X[:, 0] + X[:, 1] > 0).astype(int)]
QUIET: dict[str, Any] = {"quiet": True}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of a task with a test part."""
    folder = tmp_path_factory.mktemp("digits")
    train("digits", method="additive", max_luts=60, seed=3, out=folder, **QUIET)
    return folder / "model.lut"


def table(path: Path) -> None:
    """Two columns of numbers, one of names with missing ones, and labels."""
    names = np.array(["red", "green", ""])[np.digitize(X[:, 2], [-0.5, 1.0])]
    rows = [f"{a:.4f},{b:.4f},{name},{label}" for a, b, name, label in zip(X[:, 0], X[:, 1], names, Y, strict=True)]
    path.write_text("\n".join(["a,b,colour,kind", *rows, ""]))


def test_a_model_is_refined_on_the_command_line(digits: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "better.lut"
    before = digits.read_bytes()
    assert command(["refine", str(digits), "--sweeps", "2", "--out", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["validation"] >= result["validation_before"]
    assert result["score"] > result["before"] - 0.05  # the test part is small, and chooses nothing
    assert (result["measured_on"], result["model"], result["method"]) == ("test", str(out), "additive")
    assert result["luts"] <= result["luts_before"] == load(digits).netlist.num_nodes
    better = load(out)
    assert better.metadata.training is not None
    assert (better.metadata.task, better.metadata.training.seed) == ("digits", 3)  # so that other rows are not held out
    assert evaluate(out).accuracy == result["score"]
    assert digits.read_bytes() == before
    assert command(["refine", str(digits), "--max-seconds", "0.000001"]) == 0  # nothing is written
    page = capsys.readouterr().out
    assert f"{result['validation_before']:.2%} -> {result['validation_before']:.2%}" in page
    assert "not written" in page
    assert refine(digits, sweeps=2, **QUIET).circuit.metadata.training == better.metadata.training


def test_rows_that_were_held_out_of_a_table_stay_so(tmp_path: Path) -> None:
    data, model = tmp_path / "people.csv", tmp_path / "run" / "model.lut"
    table(data)
    run = train("csv", data=data, target="kind", method="additive", max_luts=20, seed=2, out=model.parent, **QUIET)
    for better in (
        refine(model, data=data, out=tmp_path / "better.lut", **QUIET),
        refine(run.circuit, lutsmith.data.load("csv", data, "kind"), **QUIET),
    ):
        assert (better.measured_on, better.rows, better.before) == ("held-out", run.rows, run.score)
        assert better.circuit.schema == run.circuit.schema
        assert better.circuit.metadata.target == "kind"
    found = evaluate(tmp_path / "better.lut", data)
    assert (found.rows, found.accuracy) == ("held-out", better.score)
    other = tmp_path / "other.csv"
    other.write_text(data.read_text().replace("red", "green", 1))
    assert refine(model, data=other, **QUIET).measured_on == "validation"


@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_circuits_in_memory_are_refined_on_samples_in_memory(objective: str) -> None:
    y: Any = {"classification": Y, "multilabel": (X[:, :3] > 0).astype(int), "regression": X[:, 0] * X[:, 1]}[objective]
    data = lutsmith.data.from_arrays(X, y)
    circuit = AdditiveTrainer(AdditiveSettings(max_luts=12, rank=3)).fit(data).circuit
    better = refine(circuit, X, y, sweeps=3, **QUIET)
    assert better.objective == objective
    assert better.validation_before is not None
    assert better.validation is not None
    assert better.score == better.validation > better.validation_before == better.before
    assert max(better.circuit.luts_by_rank()) <= 3  # as it was
    wider = refine(circuit, X, y, X, y, settings={"rank": 5, "validation": 0.0}, **QUIET)
    assert (wider.validation, wider.validation_before, wider.measured_on) == (None, None, "test")
    assert max(wider.circuit.luts_by_rank()) == 5


def test_a_model_is_refined_as_it_was_trained(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[AdditiveSettings] = []
    original = course.Course.__init__

    def begin(self: course.Course, settings: AdditiveSettings, *given: Any, **named: Any) -> None:
        used.append(settings)
        original(self, settings, *given, **named)

    monkeypatch.setattr(course.Course, "__init__", begin)
    circuit = load(digits)
    assert circuit.metadata.training is not None
    told = {"seed": 3, "validation": 0.25, "shift": 1, "rotate": 0.0, "epochs": 9}
    training = replace(circuit.metadata.training, settings=told, method=None)
    circuit = replace(circuit, metadata=replace(circuit.metadata, training=training))
    refine(circuit, **QUIET)
    refine(circuit, settings={"augmentation": None, "seed": 3}, **QUIET)
    refine(circuit, settings=AdditiveSettings(sweeps=0, seed=3), **QUIET)
    found = [(each.sweeps, each.validation, each.augmentation) for each in used]
    assert found == [(1, 0.25, {"shift": 1}), (1, 0.25, None), (0, 0.1, None)]


def test_mistakes_are_told_before_anything_is_done(digits: Path, tmp_path: Path, capsys) -> None:
    circuit = load(digits)
    nameless = replace(circuit, metadata=lutsmith.Metadata())
    headless = replace(circuit, head=None, classes=None, objective=None)
    refused: list[tuple[str, Circuit, dict[str, Any]]] = [
        ("does not say which task it was trained on: give task=NAME", nameless, {}),
        ("the model is one for regression: give samples", replace(circuit, objective="regression"), {}),
        ("has no head", headless, {}),
        ("there is no folder", circuit, {"out": tmp_path / "none" / "x.lut"}),
        ("sweeps is a field of the settings", circuit, {"settings": AdditiveSettings(), "sweeps": 1}),
        ("additive learning has no sweep", circuit, {"settings": {"sweep": 1}}),
        ("start is for features 64", circuit, {"source": X, "y": Y}),
    ]
    for message, given, fields in refused:
        with pytest.raises(ValueError, match=message):
            refine(given, **fields, **QUIET)
    with pytest.raises(TypeError, match="settings is "):
        refine(circuit, settings="fast", **QUIET)  # type: ignore[arg-type]
    assert refine(nameless, task="digits", settings={"sweeps": 0}, **QUIET).measured_on == "test"
    save(nameless, tmp_path / "nameless.lut")
    assert command(["refine", str(tmp_path / "nameless.lut")]) == 2
    assert capsys.readouterr().err.endswith("give --task NAME, or samples in memory\n")
    assert command(["refine", str(digits), "--out", str(digits)]) == 2
    assert "is read by this command" in capsys.readouterr().err


def test_an_interrupt_ends_it_after_a_step(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = course.Course._refit

    def refit(*given: Any) -> None:
        original(*given)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(course.Course, "_refit", refit)
    monkeypatch.setattr(course, "FRESH", 1)
    with pytest.raises(TrainingInterrupted, match="stopped in sweep 1; nothing was written"):
        refine(digits, out=tmp_path / "better.lut", **QUIET)
    assert not (tmp_path / "better.lut").exists()


def test_no_torch_is_needed(digits: Path, tmp_path: Path) -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(['torch', 'lightning_fabric', 'pyarrow', 'narwhals']))\n"
    code = f"{blocked}from lutsmith.cli import main; main()"
    line = [sys.executable, "-c", code, "refine", str(digits), "--out", str(tmp_path / "better.lut")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run(line, env=environment, check=True, timeout=200)
    assert to_bytes(load(tmp_path / "better.lut")) == to_bytes(refine(digits, **QUIET).circuit)
