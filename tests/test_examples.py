"""The examples run as they stand, and their circuits are their models."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.tools import needs

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, capsys, monkeypatch, *arguments):
    """Run an example and return the accuracies that it prints, of models and of circuits."""
    torch.manual_seed(0)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out
    models, circuits, differing = (
        [float(number) for number in re.findall(rf"{words}: ([\d.]+)", printed)]
        for words in ("model accuracy", "circuit accuracy", "predictions that differ")
    )
    assert len(models) == len(circuits) == len(differing) >= 1
    assert set(differing) == {0}
    assert models == circuits
    return models


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "images", "least"), [("dwn_quick_start.py", "1000", 0.6), ("bitlogic_quick_start.py", "2000", 0.15)]
)
def test_a_quick_start_runs_as_published(name, images, least, datasets, capsys, monkeypatch):
    assert run(name, capsys, monkeypatch, "--limit", images, "--epochs", "1")[0] > least


def test_imported_models_train_on(capsys, monkeypatch):
    assert min(run("import_models.py", capsys, monkeypatch)) > 0.75


def test_kernels_along_time_tell_vibrations_apart(capsys, monkeypatch):
    dense, convolution = run("vibration.py", capsys, monkeypatch, "--windows", "3000", "--epochs", "8")
    assert convolution > max(0.75, dense + 0.15)


def test_arithmetic_from_examples_to_verilog(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["alu.py", "--bits", "8", "--out", str(tmp_path / "alu")])
    runpy.run_path(str(EXAMPLES / "alu.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed.count("proved: every width") == 12
    assert "* with one wrong bit: refuted; width" in printed
    assert "no wrong answer" in printed
    assert printed.count(": OK") == 3
    assert "parameter WIDTH" in (tmp_path / "alu" / "cell.v").read_text()


def test_a_search_method_of_ones_own_is_trained_with_from_the_command_line(tmp_path):
    asked = ["train", "digits", "--method", "tabu", "--max-seconds", "1", "--out", str(tmp_path / "run"), "--json"]
    command = [sys.executable, str(EXAMPLES / "search_method.py"), *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)  # it registers a method
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["method"] == "tabu"
    assert (tmp_path / "run" / "model.lut").exists()


@pytest.mark.slow
def test_the_example_for_those_who_know_lutnets(capsys, monkeypatch):
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["lutnets.py", "--rows", "200"])
    names = runpy.run_path(str(EXAMPLES / "lutnets.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert sum(names["LARGE"]) == 447_816
    assert "19,484 LUTs in 13 layers" in printed
    loss = int(re.search(r"loss: (\d+) wrong bits of 1600", printed)[1])
    steps = re.findall(r"(evolve|bitflip|pivotal): (\d+) -> (\d+) wrong bits", printed)
    assert [name for name, *_ in steps] == ["evolve", "bitflip", "pivotal"]
    assert all(int(before) == loss > int(after) for _, before, after in steps)
    assert min(json.loads(re.search(r"output bit: (\[.*\]) nodes", printed)[1])) > 0
    assert printed.count("predicts the same") == 2


def run_alone(name):
    """Run an example that starts processes, in one of its own, and return what it prints."""
    environment = {**os.environ, "LUTSMITH_COMPILE": "0", "RAY_DEDUP_LOGS": "0"}
    command = [sys.executable, str(EXAMPLES / name), "--workers", "2", "--rows", "8000"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=280).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "needed", "checks"),
    [
        ("ray_data.py", ("ray", "pyarrow"), 1),
        ("dask_collections.py", ("dask", "pandas", "pyarrow"), 2),
        ("arrow_dataset.py", ("pyarrow",), 2),
    ],
)
def test_workers_of_others_predict_what_the_circuit_does(name, needed, checks):
    needs(*needed)
    printed = run_alone(name)
    assert re.findall(r"predictions that differ: (\d+)", printed) == ["0"] * checks, printed
    assert set(re.findall(r"rows: (\d+)", printed)) == {"8000"}
    assert set(re.findall(r"workers: (\d+)", printed)) <= {"1", "2"}
    assert set(re.findall(r"threads of each: (\d+)", printed)) <= {"1"}  # a worker's share of the cores
    assert set(re.findall(r"circuits made in a worker: (\d+)", printed)) <= {"1"}


def test_every_example_is_run_by_a_test():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "additive.py",  # by tests/additive/test_page.py
        "alu.py",
        "arrow_dataset.py",
        "bitlogic_quick_start.py",
        "dask_collections.py",
        "dwn_quick_start.py",
        "import_models.py",
        "lutnets.py",
        "ray_data.py",
        "search_method.py",
        "vibration.py",
        "why.py",
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of shap, when it is imported
def test_a_model_of_a_table_says_why(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["why.py", str(tmp_path)])
    runpy.run_path(str(EXAMPLES / "why.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert float(re.findall(r"accuracy: ([\d.]+)", printed)[0]) > 0.9
    assert "pivotal" in printed
    assert "add up to the probabilities: True" in printed
    for name in ("confusion.png", "dependence.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
