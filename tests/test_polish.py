"""`polish`: from Python and on the command line, on the rows that the model was trained on, without torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit.file import load, save, to_bytes
from lutsmith.circuit.netlist import table_mask
from lutsmith.cli import run as command
from lutsmith.runs import TrainingInterrupted, evaluate, polish, refine, train
from lutsmith.search import polish as search
from lutsmith.search.polish_state import with_tables

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(400, 4)).astype(np.float32)
Y = np.array(["low", "high"])[(X[:, 0] + X[:, 1] + 0.3 * X[:, 2] > 0).astype(int)]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of a task with a test part, whose tables have lost a tenth of their entries."""
    folder = tmp_path_factory.mktemp("digits")
    circuit = train("digits", method="additive", max_luts=60, seed=3, out=folder, quiet=True).circuit
    tables = circuit.netlist.tables()
    flips = np.random.default_rng(0).random((len(tables), 64)) < 0.1
    tables ^= (flips * (np.uint64(1) << np.arange(64, dtype=np.uint64))).sum(axis=1, dtype=np.uint64)
    tables &= table_mask(circuit.netlist.ranks)
    damaged = with_tables(circuit.netlist, circuit.netlist.fanin, tables)
    save(replace(circuit, netlist=damaged), folder / "damaged.lut")
    return folder / "damaged.lut"


def test_a_model_is_polished_on_the_command_line(digits: Path, tmp_path: Path, capsys) -> None:
    out, folder = tmp_path / "better.lut", tmp_path / "run"
    before = digits.read_bytes()
    line = ["polish", str(digits), "--sweeps", "3", "--candidates", "20", "--folder", str(folder), "-o", str(out)]
    assert command([*line, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["validation"] > result["validation_before"]
    assert result["score"] > result["before"]
    assert (result["measured_on"], result["model"]) == ("test", str(out))
    better = load(out)
    assert better.metadata.to_json()["polished"] == result["changed"]
    assert (better.metadata.task, better.metadata.training.seed) == ("digits", 3)
    assert evaluate(out).accuracy == result["score"]
    assert digits.read_bytes() == before
    assert _sweeps(folder) == [1, 2, 3]
    assert command(line) == 0  # from the checkpoint: there is nothing left to do
    page = capsys.readouterr().out
    assert f"{result['validation_before']:.2%} -> {result['validation']:.2%}" in page
    assert to_bytes(load(out)) == to_bytes(better)
    again = polish(out, sweeps=0, quiet=True)  # the same rows are held out once more
    assert again.validation_before == result["validation"]
    assert refine(out, settings={"sweeps": 0}, quiet=True).validation == result["validation"]


def test_numbers_and_labels_are_polished_too(tmp_path: Path) -> None:
    for objective, y in (("regression", X @ [1.0, 2.0, 0.5, 0.0]), ("multilabel", X[:, :2] + X[:, 2:] > 0)):
        model, out = tmp_path / "model.lut", tmp_path / f"{objective}.lut"
        first = train(X, y, objective=objective, method="additive", max_luts=30, quiet=True).circuit
        tables = first.netlist.tables()
        tables[::3] ^= np.uint64(0b1011)
        save(replace(first, netlist=with_tables(first.netlist, first.netlist.fanin, tables)), model)
        found = polish(model, X, y, out=out, quiet=True)
        measure = "R^2" if objective == "regression" else "share of right bits"
        assert (found.measured_on, found.measure) == ("held-out", measure)
        assert (found.validation, found.score) > (found.validation_before, found.before)
        assert to_bytes(load(out)) == to_bytes(found.circuit)


def _sweeps(folder: Path) -> list[int]:
    return [json.loads(text)["sweep"] for text in (folder / "metrics.jsonl").read_text().splitlines()]


def test_rows_that_were_held_out_of_a_table_stay_so(tmp_path: Path) -> None:
    data, model = tmp_path / "people.csv", tmp_path / "run" / "model.lut"
    names = np.array(["red", "green", ""])[np.digitize(X[:, 2], [-0.5, 1.0])]
    rows = [f"{a:.4f},{b:.4f},{name},{label}" for a, b, name, label in zip(X[:, 0], X[:, 1], names, Y, strict=True)]
    data.write_text("\n".join(["a,b,colour,kind", *rows, ""]))
    run = train("csv", data=data, target="kind", method="additive", max_luts=20, seed=2, out=model.parent, quiet=True)
    better = polish(model, data=data, out=tmp_path / "better.lut", settings={"z": 0.5}, quiet=True)
    assert (better.measured_on, better.rows, better.before) == ("held-out", run.rows, run.score)
    assert better.changed["rows"] + better.changed["validation_rows"] + run.rows == len(X)
    assert better.circuit.schema == run.circuit.schema
    found = evaluate(tmp_path / "better.lut", data)
    assert (found.rows, found.accuracy) == ("held-out", better.score)


def test_samples_in_memory_and_names_of_classes(tmp_path: Path) -> None:
    circuit = train(X, Y, method="additive", max_luts=10, rank=2, quiet=True).circuit
    assert polish(circuit, X, Y, sweeps=0, quiet=True).measured_on == "held-out"
    circuit = replace(circuit, metadata=lutsmith.Metadata())
    better = polish(circuit, X, Y, settings={"z": 0.5, "candidates": 8, "sweeps": 3}, quiet=True)
    assert better.measured_on == "validation"
    assert better.score == better.validation >= better.validation_before == better.before
    assert better.circuit.classes == circuit.classes == ("high", "low")


def test_mistakes_are_told_before_anything_is_done(digits: Path, tmp_path: Path, capsys) -> None:
    circuit = load(digits)
    nameless = replace(circuit, metadata=lutsmith.Metadata())
    refused = [
        ("does not say which task it was trained on: give task=NAME", nameless, {}),
        ("has no head", replace(circuit, head=None, classes=None, objective=None), {}),
        ("is one for regression", replace(circuit, objective="regression"), {}),
        ("there is no folder", circuit, {"out": tmp_path / "none" / "x.lut"}),
        ("sweeps is a field of the settings", circuit, {"settings": search.PolishSettings(), "sweeps": 1}),
        ("polishing has no sweep", circuit, {"settings": {"sweep": 1}}),
        ("has samples of shape", circuit, {"source": X, "y": Y}),
    ]
    for message, model, fields in refused:
        with pytest.raises(ValueError, match=message):
            polish(model, **fields, quiet=True)
    with pytest.raises(TypeError, match="settings is "):
        polish(circuit, settings="fast", quiet=True)  # type: ignore[arg-type]
    save(nameless, tmp_path / "nameless.lut")
    assert command(["polish", str(tmp_path / "nameless.lut")]) == 2
    assert capsys.readouterr().err.endswith("give --task NAME, or samples in memory\n")
    assert command(["polish", str(digits), "--out", str(digits)]) == 2
    assert "is read by this command" in capsys.readouterr().err
    assert command(["polish", str(digits), "--sweeps", "-1"]) == 2
    assert "--sweeps is -1" in capsys.readouterr().err


def test_an_interrupt_ends_it_and_it_goes_on(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = polish(digits, sweeps=3, quiet=True)
    original = search.better_entries
    calls = []

    def better(*given):
        calls.append(1)
        if len(calls) == 100:  # in the second sweep
            os.kill(os.getpid(), signal.SIGINT)
        return original(*given)

    monkeypatch.setattr(search, "better_entries", better)
    with pytest.raises(TrainingInterrupted, match="stopped in sweep 2; give the same folder to go on"):
        polish(digits, sweeps=3, folder=tmp_path, out=tmp_path / "better.lut", quiet=True)
    assert not (tmp_path / "better.lut").exists()
    assert _sweeps(tmp_path) == [1]
    state, whole_lines = (tmp_path / "checkpoint.npz").read_bytes(), (tmp_path / "metrics.jsonl").read_bytes()
    for left in (
        whole_lines[:-9],
        b"",
        whole_lines + b'{"sweep": 2, "ent',
        b"[1]\n\xff",
    ):  # the checkpoint says what was done
        (tmp_path / "metrics.jsonl").write_bytes(left)
        with monkeypatch.context() as patch:
            patch.setattr(search, "better_entries", original)
            polish(digits, sweeps=2, folder=tmp_path, quiet=True)
        assert _sweeps(tmp_path) == [1, 2]
        assert (tmp_path / "metrics.jsonl").read_bytes().startswith(whole_lines)
        (tmp_path / "checkpoint.npz").write_bytes(state)
    rest = polish(digits, sweeps=3, folder=tmp_path, quiet=True)
    assert _sweeps(tmp_path) == [1, 2, 3]
    assert rest.circuit.netlist.same_as(whole.circuit.netlist)


def test_no_torch_is_needed(digits: Path, tmp_path: Path) -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(['torch', 'lightning_fabric', 'pyarrow', 'narwhals']))\n"
    code = f"{blocked}from lutsmith.cli import main; main()"
    line = [sys.executable, "-c", code, "polish", str(digits), "--sweeps", "1", "--out", str(tmp_path / "better.lut")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run(line, env=environment, check=True, timeout=200)
    assert load(tmp_path / "better.lut").netlist.same_as(polish(digits, sweeps=1, quiet=True).circuit.netlist)
