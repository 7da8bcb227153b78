"""What sweeps refuse before they begin, and runs that fail late; all are compared on the same rows."""

from __future__ import annotations

import contextlib
import errno

import optuna
import pytest

from lutsmith.cli import run
from lutsmith.sweeps import ray_engine, sweep, trial
from lutsmith.sweeps.folder import SeedRow, SweepFolder
from lutsmith.sweeps.space import Space
from lutsmith.sweeps.table import best_row, summaries

pytestmark = pytest.mark.needs("optuna", "filelock")
SMALL = {"space": {"max_luts": [4, 8]}, "fixed": {"method": "additive"}}


@pytest.mark.parametrize(
    ("fixed", "varied", "more", "message"),
    [
        ({"validation": 0}, {}, {}, "validation is 0, and combinations are compared on validation rows"),
        ({}, {"validation": [0.1, 0.3]}, {}, r"validation is 0.1 with .* and 0.3 with .*different validation rows"),
        ({}, {"split_seed": [1, 2]}, {}, r"split_seed is 1 with .* and 2 with"),
        ({"split_seed": None}, {}, {"seeds": [0, 1]}, "split_seed is None"),
        ({"settings.max_luts": 4}, {}, {}, "settings.max_luts and max_luts of the space are the same setting"),
        ({"settings": {"tau": 2.0}}, {"tau": [1.0, 2.0]}, {}, "settings.tau and tau of the space are the same"),
        ({}, {"tau": [1.0, 2.0]}, {"settings": {"tau": 3.0}}, "tau=3.0 is given, and the space varies it"),
        ({}, {"settings.tau": [1.0, 2.0]}, {"settings": {"tau": 3.0}}, "tau=3.0 is given, and the space varies it"),
        ({}, {"settings.rank": [2, 3]}, {"rank": 4}, "rank=4 is given, and the space varies it"),
        ({}, {"sweeps": {"low": 1, "high": 10**30}}, {}, r"expected numbers below 2\*\*63"),
    ],
)
def test_settings_that_contradict_or_change_the_rows_are_refused(tmp_path, fixed, varied, more, message):
    space = {"space": {**SMALL["space"], **varied}, "fixed": {**SMALL["fixed"], **fixed}}
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        sweep("digits", space=space, out=tmp_path / "s", quiet=True, **more)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


@pytest.mark.needs("torch")
def test_seeds_that_no_run_can_have_are_refused(tmp_path):
    space = {"space": {"epochs": [1]}, "fixed": {"preset": "digits-fast"}}
    with pytest.raises(ValueError, match=f"seeds holds {2**70}, which no run can have"):
        sweep("digits", space=space, seeds=[0, 2**70], out=tmp_path / "s", quiet=True)


def test_options_of_the_call_count_more_than_fixed_ones(tmp_path):
    space = {"space": {"max_luts": [8]}, "fixed": {"method": "additive", "tau": 50.0}}
    told = sweep("digits", space=space, out=tmp_path / "a", settings={"tau": 1.0}, quiet=True)
    alone = sweep(
        "digits", space={**SMALL, "space": {"max_luts": [8]}}, settings={"tau": 1.0}, out=tmp_path / "b", quiet=True
    )
    assert told.rows[0].validation == alone.rows[0].validation
    assert told.circuit.metadata.training.settings["tau"] == 1.0


def test_data_that_cannot_be_read_leave_no_folder(tmp_path, capsys):
    (tmp_path / "my.csv").write_text("a,b,y\n" + "".join(f"{n % 7},{n % 5},{n % 2}\n" for n in range(60)))
    (tmp_path / "space.toml").write_text('[space]\nmax_luts = [2]\n[fixed]\nmethod = "additive"\n')
    call = ["sweep", str(tmp_path / "my.csv"), "--space", str(tmp_path / "space.toml"), "--out", str(tmp_path / "s")]
    assert run([*call, "--target", "nope"]) == 2
    assert "nope" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
    assert run([*call, "--target", "y"]) == 0  # a path in place of a task, as `train` takes it
    assert "held-out" in capsys.readouterr().out


def test_a_later_seed_that_fails_is_a_row_and_the_combination_has_failed(tmp_path, monkeypatch, capsys):
    ordinary = trial.train_shared

    def failing(request, *rest, **more):
        if request.seed == 1:
            raise ValueError("[red] luck")
        return ordinary(request, *rest, **more)

    monkeypatch.setattr(trial, "train_shared", failing)
    found = sweep("digits", space={**SMALL, "seeds": [0, 1, 2]}, out=tmp_path / "s", quiet=True)
    assert [(row.seed, row.state, row.error) for row in found.rows] == [
        (0, "finished", None),
        (1, "failed", "[red] luck"),
    ] * 2
    assert [(one.state, one.error) for one in found.settings] == [("failed", "[red] luck")] * 2
    assert (found.complete, found.best) == (True, None)
    (tmp_path / "space.toml").write_text(
        'seeds = [0, 1, 2]\n[space]\nmax_luts = [4, 8]\n[fixed]\nmethod = "additive"\n'
    )
    call = ["sweep", "digits", "--space", str(tmp_path / "space.toml"), "--out", str(tmp_path / "s")]
    assert run(call) == 1  # nothing was found
    assert "failed: max_luts=4: [red] luck" in capsys.readouterr().out


def test_a_full_disk_ends_the_sweep_and_fails_no_combination(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(trial, "train_shared", full)
        for _ in range(trial.ATTEMPTS + 1):
            with pytest.raises(OSError, match="No space left"):
                sweep("digits", space=SMALL, out=tmp_path / "s", quiet=True)
    found = sweep("digits", space=SMALL, out=tmp_path / "s", quiet=True)
    assert [row.state for row in found.rows] == ["finished"] * 2


def test_a_process_killed_as_it_chooses_leaves_no_combination_of_a_grid_out(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    for name in ("ask", "add_trial"):
        with monkeypatch.context() as patch:
            ordinary = getattr(optuna.Study, name)

            def killed(self, *arguments, ordinary=ordinary, **more):
                ordinary(self, *arguments, **more)
                raise Killed

            patch.setattr(optuna.Study, name, killed)
            with contextlib.suppress(Killed):
                sweep("digits", space=SMALL, out=tmp_path / name, quiet=True)
        found = sweep("digits", space=SMALL, out=tmp_path / name, quiet=True)
        assert [(row.settings, row.state) for row in found.rows] == [
            ({"max_luts": 4}, "finished"),
            ({"max_luts": 8}, "finished"),
        ]


def test_of_equals_the_best_does_not_depend_on_which_was_begun_first():
    rows = [SeedRow(name, {"tau": name}, 0, "finished", 0.5, 8, 1.0) for name in "ab"]
    assert best_row(rows, 1).setting == best_row(rows[::-1], 1).setting == "a"
    assert [one.setting for one in summaries(rows[::-1], 1)] == ["a", "b"]


def test_what_ray_gives_up_keeps_no_checkpoint(tmp_path):
    class Given:
        config, last_result, status = {"settings": {"max_luts": 4}}, {"validation": 0.5, "step": 3}, "TERMINATED"

    class Job:
        rung, space = 1, Space.of(SMALL)

    (tmp_path / "trials").mkdir()
    folder = SweepFolder(tmp_path)
    run = folder.run_folder(folder.begin({"max_luts": 4}).name, 0)
    run.mkdir()
    (run / "checkpoint.npz").write_bytes(b"x")
    ray_engine._close(Job, folder, Given)
    assert folder.combinations()[0].state == "pruned"
    assert not (run / "checkpoint.npz").exists()


def test_numbers_are_printed_as_the_page_has_them(tmp_path, capsys):
    (tmp_path / "space.toml").write_text(
        '[space]\ntau = {low = 0.5, high = 4.0}\n[fixed]\nmethod = "additive"\nmax_luts = 4\n'
    )
    call = ["sweep", "digits", "--space", str(tmp_path / "space.toml"), "--out", str(tmp_path / "s"), "--trials", "1"]
    assert run(call) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "s" / "report.html").read_text()
    found = SweepFolder(tmp_path / "s").combinations()[0].settings["tau"]
    table = printed.split("\nbest ")[0]
    assert f"{found:.4g}" in table
    assert str(found) not in table
    assert f"tau={found}" in printed  # which can be given again
    assert f"{found:.4g}" in page
    assert str(found) in page
