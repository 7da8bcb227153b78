"""Runs of search: by the name of the method, stopped and gone on with, methods of one's own."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import lutsmith
from lutsmith.runs.methods import METHODS, asked_method
from lutsmith.runs.methods.search import NAMES, SearchLog
from lutsmith.search import methods as search_methods
from lutsmith.search.change import Change
from lutsmith.search.method import METHODS as SEARCHES
from lutsmith.search.method import SearchMethod, SearchStep, accept_best, register
from lutsmith.search.mutation import fresh_tables


@pytest.fixture(autouse=True)
def no_method_stays(monkeypatch):
    monkeypatch.setattr("lutsmith.search.method._METHODS", {name: SEARCHES[name] for name in NAMES})


QUICK = {"network": {"layers": [64, 32, 8], "input_shape": [1, 8, 8], "bits": 5, "rank": 4}, "steps": 40, "every": 10}


def test_a_run_by_each_method_learns_and_says_how(tmp_path):
    assert set(search_methods.__all__) == {SEARCHES[name].__name__ for name in NAMES}
    for name in NAMES:
        run = lutsmith.train("digits", method=name, settings=QUICK, out=tmp_path / name, seed=1, quiet=True)
        assert run.to_json()["method"] == name
        lines = [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == ([3] if name == "greedy" else [10, 20, 30, 40])  # levels
        assert name in {"anneal", "greedy"} or lines[-1]["loss"] < lines[0]["loss"]
        told = run.circuit.metadata.training
        assert (told.method, told.seed, told.settings["steps"]) == (name, 1, 40)
        assert lutsmith.load(tmp_path / name / "model.lut").info()["luts"] == 104


SCRIPT = """
import sys, lutsmith, lutsmith.search.checkpoint
lutsmith.search.checkpoint.EVERY = 0.02
lutsmith.train("digits", method="population", settings={0}, out=sys.argv[1], seed=0, quiet=True, resume=True,
               allow_new=True)
"""


def test_kill_9_and_ctrl_c_change_nothing(tmp_path, monkeypatch):
    settings = {**QUICK, "steps": 200, "ratio": 0.02, "children": 40}
    expected = lutsmith.train("digits", method="population", settings=settings, seed=0, quiet=True).circuit
    folders = [tmp_path / "killed", tmp_path / "stopped"]
    code, end = SCRIPT.format(settings), time.monotonic() + 60
    process = subprocess.Popen([sys.executable, "-c", code, str(folders[0])], stderr=subprocess.PIPE, env=os.environ)
    while not (folders[0] / "checkpoint.npz").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with monkeypatch.context() as patch:
        patch.setattr(SearchLog, "append", lambda _, look: os.kill(os.getpid(), signal.SIGINT) if look.step == 9 else 0)
        with pytest.raises(lutsmith.runs.TrainingInterrupted, match="stopped after 9 of 200 steps; saved in"):
            lutsmith.train("digits", method="population", settings=settings, seed=0, quiet=True, out=folders[1])
    for folder in folders:
        state = np.load(folder / "checkpoint.npz")
        assert json.loads(state["facts"].tobytes())["step"] in range(1, 200)
        run = lutsmith.train("digits", method="population", out=folder, resume=True, quiet=True)
        assert np.array_equal(run.circuit.netlist.tables(), expected.netlist.tables())
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == 20


def test_a_method_of_ones_own_is_a_small_class_under_a_name():
    @dataclass(frozen=True)
    class Tries:
        tries: int = 3

    class Own(SearchMethod):
        name = "own-test"
        Settings = Tries

        def step(self, problem, rng) -> SearchStep:
            nodes = rng.integers(0, problem.num_nodes, (self.settings.tries, 1))
            return accept_best(problem, [Change(one, fresh_tables(rng, one, problem.ranks)) for one in nodes])

    with pytest.raises(ValueError, match="method"):
        lutsmith.train("digits", method="own-test", quiet=True)
    register(Own)
    run = lutsmith.train("digits", method="own-test", settings={**QUICK, "tries": 5}, quiet=True)
    assert run.circuit.metadata.training.settings["options"] == {"tries": 5}


def test_search_is_never_guessed():
    assert asked_method(None, None, {"max_seconds": 3.0}) == "additive"
    assert asked_method(None, None, {"settings": {"batch": 3}}) == "gradients"
    assert asked_method("evolve", None, {"max_seconds": 3.0}) == "evolve"
    assert {"gradients", "additive", *NAMES} <= set(METHODS)
    with pytest.raises(ValueError, match="'gradients' or method='additive'"):
        asked_method("evolve", None, {"rank": 4})
    for settings, says in (({"ratio": 3}, "ratio is 3"), ({"ration": 0.1}, "did you mean 'ratio'")):
        with pytest.raises(ValueError, match=says):
            lutsmith.train("digits", method="evolve", settings=settings, quiet=True)


def test_the_example_is_a_method_on_the_command_line(tmp_path, monkeypatch):
    example = Path(__file__).parents[1] / "examples" / "search_method.py"
    line = ["train", "digits", "--method", "tabu", "--max-seconds", "0.2", "--out", str(tmp_path / "run"), "--json"]
    monkeypatch.setattr(sys, "argv", [str(example), *line])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(example), run_name="__main__")
    assert ended.value.code == 0
    assert lutsmith.load(tmp_path / "run" / "model.lut").metadata.training.method == "tabu"
