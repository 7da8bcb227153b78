"""`lutsmith sweep`: what it prints, keeps, and refuses in one line."""

from __future__ import annotations

import json

import pytest

from lutsmith.cli.commands.sweep import OF_TRAIN

pytestmark = pytest.mark.needs("optuna", "filelock")

SPACE = """
seeds = [0, 1]
[space]
max_luts = [20, 40]
"""


@pytest.fixture
def space(tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path / "space.toml"


def test_a_sweep_shows_its_table_and_keeps_the_best(lutsmith, space, tmp_path):
    arguments = ("sweep", "digits", "--method", "additive", "--space", space, "--out", tmp_path / "s")
    shown = lutsmith(*arguments, "--set", "rank=4")
    assert shown.code == 0, shown.err
    assert "Combinations, the best first" in shown.out
    assert "by which nothing was chosen" in shown.out
    assert "2/2  max_luts=" in shown.err
    told = lutsmith(*arguments, "--set", "rank=4", "--json")
    result = json.loads(told.out)
    assert result["complete"]
    assert [row["state"] for row in result["rows"]] == ["finished"] * 4
    assert result["best"]["settings"] == {"max_luts": 40}
    assert lutsmith("info", tmp_path / "s" / "best.lut").code == 0
    assert lutsmith("eval", tmp_path / "s" / "best.lut").code == 0
    run = tmp_path / "s" / "trials" / result["best"]["setting"] / "seed-0"
    assert lutsmith("report", run, "-o", tmp_path / "r.html").code == 0
    other = lutsmith(*arguments, "--set", "rank=6")
    assert other.code == 2
    assert "holds another sweep: options is" in other.err


def test_a_table_in_a_file_is_swept_with_the_options_of_train(lutsmith, space, tmp_path):
    lines = "".join(f"{i % 7};{i % 11};{'yes' if i % 7 > 3 else 'no'}\n" for i in range(200))
    (tmp_path / "t.csv").write_text("a;b;kind\n" + lines)
    arguments = ("--data", tmp_path / "t.csv", "--target", "kind", "--delimiter", ";", "--test-share", "0.25")
    told = lutsmith("sweep", "csv", *arguments, "--space", space, "--out", tmp_path / "s", "--seeds", "3", "--json")
    assert told.code == 0, told.err
    best = json.loads(told.out)["best"]
    assert (best["measured_on"], best["seed"], best["score"]) == ("held-out", 3, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--space", "nowhere.toml"), "No such file or directory: nowhere.toml"),
        (("--engine", "optunna"), "did you mean 'optuna'"),
        (("--seeds", "1,x"), "'1,x' is not a list of seeds"),
        (("--seeds", "1,1"), "expected each seed once"),
        (("--trials", "0"), "--trials is 0"),
        (("--grid", "--trials", "3"), "--grid trains each combination once, and --trials 3"),
        (("--cores-per-trial", "0"), "--cores-per-trial is 0"),
        (("--max-luts", "7"), "--max-luts 7 is given, and the space varies it"),
        (("--set", "rnak=4"), "did you mean 'rank'"),
        (("--preset", "nothing"), "nothing"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(lutsmith, space, tmp_path, options, message):
    given = () if "--space" in options else ("--space", space)
    shown = lutsmith("sweep", "digits", "--method", "additive", *given, "--out", tmp_path / "s", *options)
    assert shown.code == 2, shown.err
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_options_are_those_of_train(lutsmith):
    shown = lutsmith("sweep", "--help").out
    for name in OF_TRAIN:
        assert f"--{name.replace('_', '-')}" in shown
    assert "--resume" not in shown
