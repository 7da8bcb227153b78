"""Sweeps in processes of their own: killed and gone on with, several at once, and the same grid by Optuna and Ray."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from lutsmith.sweeps import sweep
from tests.sweeps.grids import QUICK, SPACE, process, reached

pytestmark = [pytest.mark.slow, pytest.mark.needs("optuna", "filelock", "torch")]

BY_OPTUNA = """
import json, os, signal, sys
from lutsmith.sweeps import sweep, trial
space, out, kill = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls, ordinary = [], trial.train_shared
def counted(request, folder, shared, *, told=None):
    calls.append(1)
    def telling(step, score):
        if 0 < kill <= len(calls) and step == 2:
            os.kill(os.getpid(), signal.SIGKILL)  # in the midst of a run
        if told is not None:
            told(step, score)
    return ordinary(request, folder, shared, told=telling)
trial.train_shared = counted
found = sweep("digits", space=space, out=out, quiet=True)
print(json.dumps([len(calls), found.complete]))
"""

BY_RAY = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell lets jobs in the background ignore
from lutsmith.sweeps import sweep
found = sweep("digits", space=json.loads(sys.argv[1]), out=sys.argv[2], engine="ray", all_cores=2, quiet=True)
print(json.dumps([[row.to_json() for row in found.rows], found.best, found.complete]))
"""


def ended(child, seconds=280):
    out, err = child.communicate(timeout=seconds)
    return child.returncode, out, err


def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    whole = sweep("digits", space=SPACE, out=tmp_path / "whole", quiet=True)
    code, _, err = ended(process(BY_OPTUNA, json.dumps(SPACE), tmp_path / "s", 3))
    assert code == -signal.SIGKILL, err
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "s" / "trials").glob("*/seed-*.json")}
    assert 0 < len(done) < 16
    code, out, err = ended(process(BY_OPTUNA, json.dumps(SPACE), tmp_path / "s", -1))
    assert code == 0, err
    calls, complete = json.loads(out.splitlines()[-1])
    assert (calls, complete) == (16 - len(done), True)
    assert all(path.stat().st_mtime_ns == then for path, then in done.items())
    again = sweep("digits", space=SPACE, out=tmp_path / "s", quiet=True)
    assert reached(again.rows) == reached(whole.rows)
    assert again.best | {"model": ""} == whole.best | {"model": ""}


def test_processes_share_a_sweep_and_train_nothing_twice(tmp_path):
    children = [process(BY_OPTUNA, json.dumps(QUICK), tmp_path / "s", -1) for _ in range(2)]
    told = []
    for child in children:
        code, out, err = ended(child)
        assert code == 0, err
        told.append(json.loads(out.splitlines()[-1]))
    assert sum(calls for calls, _ in told) == 8
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert found.complete
    assert reached(found.rows) == reached(sweep("digits", space=QUICK, out=tmp_path / "one", quiet=True).rows)


@pytest.mark.needs("ray")
def test_optuna_and_ray_find_the_same_and_a_killed_sweep_by_ray_goes_on(tmp_path):
    whole = sweep("digits", space=SPACE, out=tmp_path / "whole", quiet=True)
    child, trials = process(BY_RAY, json.dumps(SPACE), tmp_path / "s"), tmp_path / "s" / "trials"
    until = time.monotonic() + 250
    while len(list(trials.glob("*/seed-*.json"))) < 3 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    child.kill()
    child.communicate()
    done = {path: path.stat().st_mtime_ns for path in trials.glob("*/seed-*.json")}
    assert done, "it was not killed in the midst of the sweep"
    time.sleep(2)
    code, out, err = ended(process(BY_RAY, json.dumps(SPACE), tmp_path / "s"))
    assert code == 0, err[-2000:]
    rows, best, complete = json.loads(out.splitlines()[-1])
    assert complete
    assert {(str(row["settings"]), row["seed"]): (row["state"], row["validation"], row["luts"]) for row in rows} == (
        reached(whole.rows)
    )
    assert {**best, "model": ""} == {**whole.best, "model": ""}
    assert all(path.stat().st_mtime_ns == then for path, then in done.items())


@pytest.mark.needs("ray")
def test_ray_gives_up_what_is_worse_and_keeps_a_run_that_fails_as_a_row(tmp_path):
    space = {
        "space": {"tau": [1.0, 1.5, 500.0, 700.0], "monotonic_cst": [None, [1]]},
        "fixed": {"method": "additive", "max_luts": 180},
    }
    script = BY_RAY.replace("quiet=True", "prune=True, quiet=True, cores_per_trial=0.5")
    code, out, err = ended(process(script, json.dumps(space), tmp_path / "s"))
    assert code == 0, err[-2000:]
    rows, best, complete = json.loads(out.splitlines()[-1])
    assert complete
    assert best["settings"]["monotonic_cst"] is None
    failed = [row for row in rows if row["state"] == "failed"]
    assert len(failed) == 4
    assert all("constraints for 64 features" in row["error"] for row in failed), [row["error"] for row in failed]
    assert {row["state"] for row in rows} <= {"failed", "finished", "pruned"}


@pytest.mark.needs("ray")
def test_ctrl_c_ends_a_sweep_by_ray_cleanly_and_it_goes_on(tmp_path):
    child, trials = process(BY_RAY, json.dumps(QUICK), tmp_path / "s"), tmp_path / "s" / "trials"
    until = time.monotonic() + 250
    while not list(trials.glob("*/seed-*.json")) and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGINT)
    code, _, err = ended(child)
    assert code != 0
    assert "the same call goes on" in err, err[-2000:]
    states = [json.loads(line)["state"] for line in (tmp_path / "s" / "table.jsonl").read_text().splitlines()]
    assert "finished" in states
    assert set(states) <= {"finished", "running"}
    (tmp_path / "s" / "ray" / "sweep" / "tuner.pkl").write_bytes(b"\x80")  # the folder's own files are enough
    code, out, err = ended(process(BY_RAY, json.dumps(QUICK), tmp_path / "s"))
    assert code == 0, err[-2000:]
    rows, _, complete = json.loads(out.splitlines()[-1])
    assert complete
    assert [row["state"] for row in rows] == ["finished"] * 8
