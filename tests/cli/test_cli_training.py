"""`lutsmith train` as a script meets it: a real process, one JSON object, a model that the other commands read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lutsmith import data as datasets
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit.file import load, save

TRAIN = ["train", "digits", "--luts", "40", "--rank", "2", "--bits", "2"]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lutsmith.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_train_eval_info_and_predict_agree(lutsmith, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(*TRAIN, "--epochs", 2, "--seed", 5, "--out", out, "--json")
    printed, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert printed.count("\n") == 1
    assert "epoch 2/2" in err
    result = json.loads(printed)
    assert result["model"] == str(out / "model.lut")
    assert [path.name for path in out.glob("**/*.lut")] == ["model.lut"]
    assert (result["luts"], result["depth"], result["seed"], result["lowering"]) == (40, 1, 5, "proved")
    assert 0.1 < result["accuracy"] <= 1
    assert {"soft_accuracy", "train_seconds", "setup_seconds"} <= result.keys()

    evaluated = json.loads(lutsmith("eval", out / "model.lut", "--json").out)
    assert (evaluated["accuracy"], evaluated["samples"]) == (result["accuracy"], 360)
    assert json.loads(lutsmith("info", out / "model.lut", "--json").out)["luts"] == 40

    again = lutsmith(*TRAIN, "--epochs", 2, "--seed", 5, "--out", out)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "--resume" in again.err
    other = lutsmith(*TRAIN, "--epochs", 3, "--out", out, "--resume")
    assert other.code == 2
    assert "epochs is 3 and was 2" in other.err
    page = lutsmith(*TRAIN, "--epochs", 2, "--out", out, "--resume")
    assert page.code == 0
    assert "proved: every table, wire, threshold and the head" in " ".join(page.out.split())


def test_training_goes_on_with_a_model_file(lutsmith, tmp_path: Path) -> None:
    model, out = tmp_path / "additive.lut", tmp_path / "run"
    data = datasets.load("digits")
    save(AdditiveTrainer(AdditiveSettings(max_luts=30, rank=3)).fit(data).circuit, model)
    result = lutsmith("train", "digits", "--start", model, "--epochs", 1, "--out", out, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["luts"] == load(model).netlist.num_nodes
    for extra, says in (
        (["--rank", 4], "--rank 4 is of a network to build, and --start FILE gives one: leave one out"),
        (["--max-luts", 9], "--max-luts"),
        (["--start", tmp_path / "none.lut"], "there is no model file"),
    ):
        refused = lutsmith("train", "digits", "--start", model, *extra, "--out", tmp_path / "other")
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert says in refused.err
        assert not (tmp_path / "other").exists()


def test_a_table_with_text_labels_trains_and_predicts_them(lutsmith, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.random((200, 3))
    rows = [f"{a:.4f};{b:.4f};{c:.4f};{'high; hot' if a > 0.5 else 'low'}" for a, b, c in x]
    table = tmp_path / "t.csv"
    table.write_text("a;b;c;kind\n" + "\n".join(row.replace("high; hot", '"high; hot"') for row in rows) + "\n")
    out = tmp_path / "run"
    arguments = ["--target", "kind", "--data", table, "--luts", 40, "--rank", 2, "--bits", 5, "--epochs", 8]
    assert lutsmith("train", "csv", *arguments, "--test", table, "--out", out).code == 0
    assert load(out / "model.lut").classes == ("high; hot", "low")
    result = json.loads(lutsmith("eval", out / "model.lut", "--data", table, "--json").out)
    assert result["accuracy"] > 0.8
    predicted = lutsmith("predict", out / "model.lut", table).out.splitlines()
    assert len(predicted) == 200
    assert set(predicted) == {"high; hot", "low"}


def test_every_command_finds_the_held_out_rows_of_a_table_again(lutsmith, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((200, 3)).round(4)
    table = tmp_path / "t.csv"
    table.write_text("a,b,c,kind\n" + "\n".join(f"{a},{b},{c},{'yes' if a > b else 'no'}" for a, b, c in x) + "\n")
    small = ["--target", "kind", "--data", table, "--luts", 40, "--rank", 2, "--bits", 5, "--epochs", 4]
    page = lutsmith("train", "csv", *small, "--out", tmp_path / "run")
    assert "on the held-out rows\n" in page.out
    model = tmp_path / "run" / "model.lut"
    found = json.loads(lutsmith("eval", model, "--data", table, "--json").out)
    assert (found["samples"], found["rows"]) == (40, "held-out")
    assert "40 samples of csv: the rows held out of training\n" in lutsmith("eval", model, "--data", table).out
    checked = lutsmith("verify", model, "--data", table, "--format", "json", "--layers", "read-back")
    assert "lutsmith: samples are the rows held out of training\n" in checked.err
    cared = lutsmith("simplify", model, "-o", tmp_path / "s.lut", "--care", table, "--json")
    assert json.loads(cared.out)["proof"]["rows"] == 160  # the don't-cares are those of the training rows
    assert json.loads(lutsmith("eval", tmp_path / "s.lut", "--data", table, "--json").out)["rows"] == "held-out"

    page = lutsmith("train", "csv", *small, "--out", tmp_path / "all", "--test-share", 0)
    assert "on the validation rows, which chose the epoch\n" in page.out
    assert "none of them held out" in lutsmith("eval", tmp_path / "all" / "model.lut", "--data", table).out
    with table.open("a") as file:
        file.write("0.1,0.2,0.3,no\n")
    assert "is not known" in lutsmith("eval", model, "--data", table).out


@pytest.mark.parametrize(
    "extra", [["--preset", "none"], ["--lr", "-1"], ["--rank", "9"], ["--luts", "15"], ["--seed", "-1"]]
)
def test_settings_that_cannot_be_are_one_line(lutsmith, tmp_path: Path, extra: list[str]) -> None:
    outcome = lutsmith("train", "digits", "--epochs", "1", "--out", tmp_path / "run", *extra)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_ctrl_c_in_training_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(*TRAIN, "--epochs", 100_000, "--out", out)
    deadline = time.monotonic() + 180
    while not (out / "metrics.jsonl").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, err = process.communicate(timeout=180)
    assert (process.returncode, printed) == (130, "")
    assert "resume" in err.splitlines()[-1]
    assert "Traceback" not in err
