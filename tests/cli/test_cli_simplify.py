"""`lutsmith simplify`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load, save
from lutsmith.data import load as load_data

DIGITS = load_data("digits")


def last_line(outcome) -> dict:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out.splitlines()[-1])


def test_a_model_is_simplified_and_predicts_the_same(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    out = tmp_path / "small.lut"
    shown = lutsmith("simplify", model, "-o", out, "--rank", 4)
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[0].split()[:2] == ["pass", "LUTs"]
    assert shown.out.splitlines()[-1] == f"{out} written"
    small = load(out)
    np.testing.assert_array_equal(small.outputs(DIGITS.x_test), circuit.outputs(DIGITS.x_test))
    assert small.metadata.simplified["rank"] == 4
    result = last_line(lutsmith("simplify", model, "-o", out, "--level", 1, "--json"))
    assert (result["level"], result["equal"]) == (1, "for every sample")
    assert result["steps"][0]["luts"] == circuit.netlist.num_nodes


def test_care_with_a_task_measures_both_parts(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    result = last_line(lutsmith("simplify", model, "-o", tmp_path / "small.lut", "--care", "digits", "--json"))
    assert result["equal"] == "on the given data only"
    assert result["proof"]["rows"] == len(DIGITS.x_train) == result["accuracy"]["samples"]
    assert result["accuracy"]["before"] == result["accuracy"]["after"]
    small = load(tmp_path / "small.lut")
    assert result["held_out"]["after"] == float(np.mean(small.predict(DIGITS.x_test) == DIGITS.y_test))
    np.testing.assert_array_equal(small.outputs(DIGITS.x_train), circuit.outputs(DIGITS.x_train))


def test_care_with_a_file_of_samples_needs_no_labels(lutsmith, model: Path, circuit: Circuit, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", DIGITS.x_train[:50].reshape(50, 8, 8))
    result = last_line(lutsmith("simplify", model, "-o", tmp_path / "s.lut", "--care", tmp_path / "x.npy", "--json"))
    assert result["accuracy"] is None
    assert result["held_out"] is None
    assert result["proof"]["rows"] == 50
    small = load(tmp_path / "s.lut")
    np.testing.assert_array_equal(small.outputs(DIGITS.x_train[:50]), circuit.outputs(DIGITS.x_train[:50]))


def test_care_with_a_table_reads_its_label_column(lutsmith, make_circuit, tmp_path: Path) -> None:
    save(make_circuit((2,), ("no", "yes")), tmp_path / "table.lut")
    (tmp_path / "t.csv").write_text("a,b,kind\n1,9,yes\n12,4,no\n8,8,yes\n")
    arguments = ("simplify", tmp_path / "table.lut", "-o", tmp_path / "s.lut", "--care", tmp_path / "t.csv")
    result = last_line(lutsmith(*arguments, "--target", "kind", "--json"))
    assert result["accuracy"]["samples"] == 3
    page = lutsmith(*arguments, "--target", "kind").out
    assert "equal on the given data only" in page
    assert "accuracy on given data" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("simplify", "Missing argument 'MODEL'"),
        ("simplify model.lut", "Missing option '-o'"),
        ("simplify none.lut -o y.lut", "no model file none.lut"),
        ("simplify model.lut -o model.lut", "model.lut is read by this command; give OUT another name"),
        ("simplify model.lut -o none/y.lut", "there is no folder none"),
        ("simplify model.lut -o folder", "folder is a folder; give OUT the name of a file"),
        ("simplify model.lut -o y.lut --level 5", "level is 5, expected 1 (local passes), 2"),
        ("simplify model.lut -o y.lut --rank 7", "rank is 7, expected 2 to 6"),
        ("simplify model.lut -o y.lut --target a", "--target names the label column of --care DATA"),
        ("simplify model.lut -o y.lut --care none.npy", "none.npy does not exist"),
        ("simplify model.lut -o y.lut --care wide.npy", "X has shape (3, 65)"),
        ("simplify model.lut -o y.lut --care folder", "digits is embedded and takes no --care FOLDER"),
        ("simplify model.lut -o y.lut --care empty.npy", "X has no rows"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    lutsmith, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.lut").write_bytes(model.read_bytes())
    Path("folder").mkdir()
    np.save("wide.npy", np.zeros((3, 65)))
    np.save("empty.npy", np.zeros((0, 64)))
    outcome = lutsmith(*arguments.split())
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert message in outcome.err
    assert not Path("y.lut").exists()
    assert Path("model.lut").read_bytes() == model.read_bytes()
