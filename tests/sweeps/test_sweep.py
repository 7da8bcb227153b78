"""Sweeps by Optuna in this process: what they choose, keep, refuse, and share."""

from __future__ import annotations

import csv
import json
import signal

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit.engine.workers import num_threads
from lutsmith.data import tasks
from lutsmith.data.split import validation_split
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.kernels import threads
from lutsmith.runs import shared
from lutsmith.runs.saved import differences
from lutsmith.sweeps import execution, optuna_engine, sweep, trial
from tests.sweeps.grids import QUICK, reached

pytestmark = pytest.mark.needs("optuna", "filelock")


def test_a_grid_chooses_by_the_mean_over_seeds_and_keeps_the_best(tmp_path):
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert (found.complete, found.engine, found.loads, len(found.rows)) == (True, "optuna", 1, 8)
    scores = {}
    for row in found.rows:
        scores.setdefault(json.dumps(row.settings), []).append(row.validation)
    means = {key: np.mean(values) for key, values in scores.items()}
    assert found.best["settings"] == json.loads(max(means, key=means.get))
    assert found.best["validation"] == max(scores[json.dumps(found.best["settings"])])
    data = lutsmith.data.load("digits")
    _, held_out = validation_split(data.y_train, 0.1, 0)
    on_validation = np.mean(found.circuit.predict(data.x_train[held_out]) == data.y_train[held_out])
    assert found.best["validation"] == on_validation
    assert found.best["measured_on"] == "test"
    assert found.best["score"] == np.mean(found.circuit.predict(data.x_test) == data.y_test)
    one = found.settings[0]
    assert one.validation == pytest.approx(np.mean(scores[json.dumps(one.settings)]))
    assert one.spread == pytest.approx(np.std(scores[json.dumps(one.settings)], ddof=1))


def test_the_folder_holds_the_table_the_page_and_the_model(tmp_path):
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    rows = list(csv.DictReader((tmp_path / "s" / "table.csv").read_text().splitlines()))
    lines = [json.loads(line) for line in (tmp_path / "s" / "table.jsonl").read_text().splitlines()]
    assert [(int(row["max_luts"]), int(row["seed"]), float(row["validation"])) for row in rows] == [
        (row.settings["max_luts"], row.seed, row.validation) for row in found.rows
    ]
    assert lines == [row.to_json() for row in found.rows]
    page = (tmp_path / "s" / "report.html").read_text()
    assert "Setting by setting" in page
    assert f"{100 * found.best['validation']:.2f} %" in page
    assert lutsmith.load(tmp_path / "s" / "best.lut").netlist.num_nodes == found.best["luts"]
    assert not list((tmp_path / "s").rglob("checkpoint*"))


def test_a_run_of_a_sweep_is_the_run_that_train_makes(tmp_path):
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    for row in (found.rows[0], found.rows[3]):
        run = lutsmith.train(
            "digits", method="additive", **row.settings, seed=row.seed, settings={"split_seed": 0}, quiet=True
        )
        assert run.validation == row.validation
        kept = lutsmith.load(tmp_path / "s" / "trials" / row.setting / f"seed-{row.seed}" / "model.lut")
        assert not [name for name in differences(kept, run.circuit) if name != "metadata"]
        assert kept.metadata.training.settings == run.circuit.metadata.training.settings


def test_data_are_loaded_once_and_seeds_share_the_encoded_rows(tmp_path, monkeypatch):
    calls, made = [], []
    ordinary, ready = tasks.load_digits, shared.SharedData.ready
    monkeypatch.setattr(tasks, "load_digits", lambda: calls.append(1) or ordinary())
    monkeypatch.setattr(
        shared.SharedData, "ready", lambda self, *rest: (ready(self, *rest), made.append(self.preparations))[0]
    )
    sweep("digits", space={**QUICK, "seeds": [0, 1, 2]}, out=tmp_path / "s", quiet=True)
    assert calls == [1]
    assert made == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_the_same_call_trains_nothing_again_and_another_is_refused(tmp_path, monkeypatch):
    first = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    monkeypatch.setattr(trial, "train_shared", lambda *_, **__: pytest.fail("trained again"))
    again = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert (again.rows, again.best, again.loads) == (first.rows, first.best, 0)
    with pytest.raises(ValueError, match=r"holds another sweep: seeds is \[5\] and was \[0, 1\]"):
        sweep("digits", space=QUICK, seeds=[5], out=tmp_path / "s", quiet=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds notes\.txt and is no folder of a sweep"):
        sweep("digits", space=QUICK, out=tmp_path / "other", quiet=True)


def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path):
    for space, message in (
        ({"space": {"epoch": [1, 2]}}, "the space has no setting epoch; did you mean 'epochs'"),
        ({"space": {"architecture.rnak": [1, 2]}}, "did you mean 'architecture.rank'"),
        ({"space": {"rank": [4, 9]}, "fixed": {"method": "additive"}}, "rank=9, which no run can have: rank is 9"),
        ({"space": {"lr": {"low": -1.0, "high": 0.1}}}, "the space holds lr = -1.0, which no run can have"),
        ({"space": {"preset": ["digits-fats"]}}, "digits-fats"),
        ({"space": {"max_luts": [5]}, "fixed": {"method": "additive", "epochs": 3}}, "epochs"),
    ):
        with pytest.raises((ValueError, TypeError), match=message) as caught:
            sweep("digits", space=space, out=tmp_path / "s", quiet=True)
        assert "\n" not in str(caught.value)
    for arguments, message in (
        ({"engine": "raay"}, "did you mean 'ray'"),
        ({"trials": 0}, "trials is 0"),
        ({"grid": True, "trials": 4}, "give one of them"),
        ({"cores_per_trial": 0.5}, "cores_per_trial is 0.5"),
        ({"rank": 4}, "rank=4 is given, and the space varies it"),
        ({"ranks": 4}, "takes no ranks"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True, **arguments)
    assert not (tmp_path / "s").exists()


def test_a_missing_engine_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(execution.importlib.util, "find_spec", lambda _: None)
    for engine, extra in ((None, "sweep"), ("ray", "distributed")):
        with pytest.raises(ModuleNotFoundError, match=rf"pip install 'lutsmith\[{extra}\]'"):
            sweep("digits", space=QUICK, out=tmp_path / "s", engine=engine)


@pytest.mark.parametrize("error", [ValueError("no such luck"), MemoryError(), RuntimeError("two\nlines")])
def test_a_run_that_fails_is_a_row_and_the_others_go_on(tmp_path, monkeypatch, error):
    ordinary = trial.train_shared

    def failing(request, *rest, **more):
        if (request.max_luts, request.rank) == (40, 4):
            raise error
        return ordinary(request, *rest, **more)

    monkeypatch.setattr(trial, "train_shared", failing)
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    (failed,) = [row for row in found.rows if row.state == "failed"]
    assert failed.settings == {"max_luts": 40, "rank": 4}
    assert failed.error == {ValueError: "no such luck", MemoryError: "out of memory"}.get(
        type(error), "RuntimeError: two lines"
    )
    assert sum(row.state == "finished" for row in found.rows) == 6
    assert (found.complete, found.best["settings"] != failed.settings) == (True, True)
    assert "failed: " in (tmp_path / "s" / "report.html").read_text()


def test_ctrl_c_ends_cleanly_and_the_same_call_goes_on(tmp_path, monkeypatch):
    whole = sweep("digits", space=QUICK, out=tmp_path / "whole", quiet=True)
    ordinary, calls = trial.train_shared, []

    def stopping(*arguments, **more):
        calls.append(1)
        if len(calls) == 4:
            raise TrainingInterrupted("stopped", signal.SIGTERM)
        return ordinary(*arguments, **more)

    monkeypatch.setattr(trial, "train_shared", stopping)
    with pytest.raises(TrainingInterrupted, match="1 of 4 combinations have ended") as caught:
        sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert caught.value.exit_code == 143
    assert (tmp_path / "s" / "table.csv").exists()
    found = sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert len(calls) == 9  # eight runs, and the one that was stopped
    assert reached(found.rows) == reached(whole.rows)
    assert found.best | {"model": ""} == whole.best | {"model": ""}


def test_ranges_are_drawn_and_more_can_be_asked_for(tmp_path):
    space = {
        "space": {"max_luts": {"low": 10, "high": 40}, "step": {"low": 0.1, "high": 1.0, "log": True}},
        "fixed": {"method": "additive"},
    }
    first = sweep("digits", space=space, out=tmp_path / "s", trials=3, quiet=True)
    more = sweep("digits", space=space, out=tmp_path / "s", trials=5, quiet=True)
    whole = sweep("digits", space=space, out=tmp_path / "whole", trials=5, quiet=True)
    assert len(first.rows) == 3
    assert set(reached(first.rows)) < set(reached(more.rows))
    assert reached(more.rows) == reached(whole.rows)


def test_worse_combinations_are_given_up_on_the_way(tmp_path):
    space = {"space": {"tau": [1.0, 1.5, 2.0, 2.5, 500.0]}, "fixed": {"method": "additive", "max_luts": 180}}
    found = sweep("digits", space=space, out=tmp_path / "s", prune=True, quiet=True)
    states = [row.state for row in found.rows]
    assert "pruned" in states
    assert "finished" in states
    (given_up, *_) = [row for row in found.rows if row.state == "pruned"]
    assert given_up.validation is not None
    assert not list((tmp_path / "s").rglob("checkpoint*"))
    assert found.complete


def test_rows_of_a_table_are_held_out_alike_for_all_seeds(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    found = sweep(X, y, space={"space": {"max_luts": [8, 16]}, "seeds": [0, 1]}, out=tmp_path / "s", quiet=True)
    told = [lutsmith.load(path).metadata.training.held_out for path in (tmp_path / "s").rglob("seed-*/model.lut")]
    assert len(told) == 4
    assert len({(kept.seed, kept.rows, kept.table) for kept in told}) == 1
    assert found.best["measured_on"] == "held-out"
    with pytest.raises(ValueError, match="fingerprint"):
        sweep(X + 1, y, space={"space": {"max_luts": [8, 16]}, "seeds": [0, 1]}, out=tmp_path / "s", quiet=True)


@pytest.mark.needs("torch")
def test_a_trial_uses_the_cores_that_it_is_given(monkeypatch):
    import torch

    monkeypatch.delenv("LUTSMITH_NUM_THREADS", raising=False)
    found = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        before = (num_threads(), threads.get_num_threads(), torch.get_num_threads())
        for cores in (1, 0.5):
            with trial.cores(cores):
                assert (num_threads(), threads.get_num_threads(), torch.get_num_threads()) == (1, 1, 1)
        with trial.cores(2):
            assert num_threads() == 2
        assert (num_threads(), threads.get_num_threads(), torch.get_num_threads()) == before
    finally:
        torch.set_num_threads(found)


def test_a_process_that_ends_without_a_word_again_and_again_fails_the_combination(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    space = {"space": {"max_luts": [8]}, "fixed": {"method": "additive"}}
    monkeypatch.setattr(trial, "train_shared", killed)
    for _ in range(trial.ATTEMPTS):
        with pytest.raises(Killed):
            sweep("digits", space=space, out=tmp_path / "s", quiet=True)
    found = sweep("digits", space=space, out=tmp_path / "s", quiet=True)
    assert [row.state for row in found.rows] == ["failed"]
    assert "memory may have run out" in found.rows[0].error
    assert found.best is None


def test_damaged_files_are_told_and_a_torn_journal_is_mended(tmp_path):
    sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    journal = tmp_path / "s" / optuna_engine.JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 5, "tri')
    sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
    assert journal.read_bytes().startswith(whole + b"{")
    assert journal.read_bytes().endswith(b"}\n")
    (place, *_) = (tmp_path / "s" / "trials").glob("*/setting.json")
    for text in ("{", "[1]", '{"name": 1}'):
        place.write_text(text)
        with pytest.raises(ValueError, match=r"setting\.json (is damaged|does not hold)"):
            sweep("digits", space=QUICK, out=tmp_path / "s", quiet=True)
