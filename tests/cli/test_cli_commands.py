"""What the commands print and write when nothing is wrong."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.engine import blocks, workers
from lutsmith.circuit.file import save
from lutsmith.circuit.word_length import snapped
from lutsmith.cli.commands import bench, doctor
from lutsmith.data import load
from lutsmith.hardware.tools import toolchain
from lutsmith.reporting import speed

DIGITS = load("digits")


def last_line(outcome) -> dict:
    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith("\n")
    return json.loads(outcome.out.splitlines()[-1])


def test_info_is_the_circuit_with_its_file(lutsmith, model: Path, circuit: Circuit) -> None:
    result = last_line(lutsmith("info", model, "--json"))
    assert result["model"] == str(model)
    assert result["file_bytes"] == model.stat().st_size
    assert result["luts"] == circuit.netlist.num_nodes == 40
    assert result["luts_by_rank"] == {"3": 40}
    assert result["depth"] == 1
    assert result["facts"] == {"task": "digits", "accuracy": 0.1}
    page = lutsmith("info", model)
    assert page.code == 0
    assert "40 LUTs (40 of rank 3)" in page.out
    assert "popcount of 40 output bits into 10 scores" in page.out
    assert f"{model.stat().st_size:,} bytes" in page.out


def test_info_has_a_line_for_each_setting_and_one_for_all_that_are_zero(lutsmith, make_circuit, tmp_path: Path) -> None:
    settings = {"epochs": 80, "milestones": [], "teacher": None, "shift": 0, "lr": 0.03, "warmup": 0.0, "resume": False}
    save(make_circuit(task="digits", target=None, settings=settings), tmp_path / "model.lut")
    told = [line.split("  ", 1) for line in lutsmith("info", tmp_path / "model.lut").out.splitlines()]
    assert {name: value.strip() for name, value in told if name.startswith("trained")} == {
        "trained: task": "digits",
        "trained: settings.epochs": "80",
        "trained: settings.lr": "0.03",
        "trained: settings.resume": "False",
        "trained: settings, all 0": "shift, warmup",
    }


def test_brackets_in_names_are_not_markup(lutsmith, circuit: Circuit, tmp_path: Path) -> None:
    save(circuit, tmp_path / "[red]x.lut")
    assert "[red]x.lut" in lutsmith("info", tmp_path / "[red]x.lut").out


def test_eval_measures_the_test_part_of_the_models_task(lutsmith, model: Path, circuit: Circuit) -> None:
    result = last_line(lutsmith("eval", model, "--json"))
    correct = int((circuit.predict(DIGITS.x_test) == DIGITS.y_test).sum())
    assert (result["samples"], result["accuracy"]) == (360, correct / 360)
    assert result["task"] == "digits"
    assert f"accuracy {correct / 360:.2%} on 360 samples of digits" in lutsmith("eval", model).out


def test_eval_measures_word_lengths(lutsmith, model: Path, circuit: Circuit) -> None:
    result = last_line(lutsmith("eval", model, "--words", "1,4", "--json"))
    correct = int((snapped(circuit, 1).predict(DIGITS.x_test) == DIGITS.y_test).sum())
    assert [row["bits"] for row in result["word_lengths"]] == [1, 4]
    assert result["word_lengths"][0]["accuracy"] == correct / 360
    assert result["word_lengths"][0]["comparators"] < result["word_lengths"][1]["comparators"]
    assert " 4 bits: accuracy " in lutsmith("eval", model, "--words", "4").out
    assert "not a list of word lengths" in lutsmith("eval", model, "--words", "4;6").err


def test_eval_refuses_a_model_that_names_no_task(lutsmith, make_circuit, tmp_path: Path) -> None:
    save(make_circuit(), tmp_path / "m.lut")
    outcome = lutsmith("eval", tmp_path / "m.lut")
    assert outcome.code == 2
    assert "does not say which task" in outcome.err


@pytest.fixture
def table_model(make_circuit, tmp_path: Path) -> tuple[Path, Circuit]:
    circuit = make_circuit((2,), ("yes, please", "no"), task="csv", target="kind", feature_names=["b", "a"])
    save(circuit, tmp_path / "table.lut")
    return tmp_path / "table.lut", circuit


def test_a_tables_columns_are_found_by_name(lutsmith, table_model: tuple[Path, Circuit], tmp_path: Path) -> None:
    path, circuit = table_model
    x = np.random.default_rng(0).integers(0, 17, (50, 2))
    kinds = [circuit.classes[i] for i in circuit.predict(x)]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "kind", "b"])
        writer.writerows([row[1], kind, row[0]] for row, kind in zip(x.tolist(), kinds, strict=True))
    result = last_line(lutsmith("eval", path, "--data", tmp_path / "t.csv", "--json"))
    assert (result["samples"], result["accuracy"]) == (50, 1.0)
    assert lutsmith("predict", path, tmp_path / "t.csv", "-o", tmp_path / "out.csv").code == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["label"], *([kind] for kind in kinds)]


@pytest.mark.parametrize("kind", ["x.npy", "x.npz", "x.csv", "x.idx.gz"])
@pytest.mark.parametrize("ending", [".npy", ".csv", ".txt", None])
def test_predict_reads_and_writes_each_format(
    lutsmith, model: Path, circuit: Circuit, tmp_path: Path, kind: str, ending: str | None
) -> None:
    x = DIGITS.x_test[:20]
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (20, 8, 8))
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", X=x)
    np.savetxt(tmp_path / "x.csv", x.reshape(20, 64), delimiter=",", fmt="%d")
    (tmp_path / "x.idx.gz").write_bytes(gzip.compress(header + x.tobytes()))
    expected = circuit.predict(x).tolist()
    if ending is None:
        assert lutsmith("predict", model, tmp_path / kind).out.split() == [str(i) for i in expected]
        return
    out = tmp_path / f"y{ending}"
    result = last_line(lutsmith("predict", model, tmp_path / kind, "-o", out, "--json"))
    assert (result["samples"], result["output"]) == (20, str(out))
    if ending == ".npy":
        written = np.load(out)
        assert written.dtype == np.int64
        assert written.tolist() == expected
    else:
        lines = out.read_text().splitlines()
        assert [int(line) for line in lines[ending == ".csv" :]] == expected


def test_predict_says_where_the_labels_are(lutsmith, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", DIGITS.x_test)
    out = tmp_path / ("long-" * 30 + ".csv")
    assert lutsmith("predict", model, tmp_path / "x.npy", "-o", out).out == f"360 predictions in {out}\n"


def test_warnings_are_one_line_on_stderr(lutsmith, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", DIGITS.x_test / 16.0)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        outcome = lutsmith("predict", model, tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--json")
    assert outcome.code == 0
    assert outcome.err.startswith("warning: X does not lie in the range that the model was fitted on")
    assert outcome.err.count("\n") == 1
    assert outcome.out.count("\n") == 1


def test_with_json_whatever_is_printed_goes_to_stderr(lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Circuit.info

    def chatty(self: Circuit) -> dict:
        print("thinking")
        return original(self)

    monkeypatch.setattr(Circuit, "info", chatty)
    outcome = lutsmith("info", model, "--json")
    assert outcome.out.count("\n") == 1
    assert outcome.err == "thinking\n"


def test_bench_measures_each_batch_on_one_and_all_cores(lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_SECONDS", 0)
    monkeypatch.setattr(bench, "_BATCHES", (1, 100))
    result = last_line(lutsmith("bench", model, "--json"))
    assert {row["batch"] for row in result["rows"]} == {1, 100}
    assert {row["threads"] for row in result["rows"]} >= {1}
    assert result["dtype"] == "uint8"
    for row in result["rows"]:
        assert row["samples_per_second"] == pytest.approx(row["batch"] / row["median_seconds"])
    assert "samples/s" in lutsmith("bench", model).out


@pytest.mark.parametrize("asked_for", ["3", None])
def test_bench_threads_reach_the_engine(
    lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch, asked_for: str | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # of the processes that run tests
    if asked_for is None:
        monkeypatch.delenv("LUTSMITH_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("LUTSMITH_NUM_THREADS", asked_for)
    most = 3 if asked_for else len(os.sched_getaffinity(0))
    shared: list[int] = []

    def recording(pieces: int, threads: int, work: Any) -> None:
        shared.append(threads)
        workers.share(pieces, threads, work)

    monkeypatch.setattr(blocks, "share", recording)
    monkeypatch.setattr(bench, "_SECONDS", 0)
    monkeypatch.setattr(bench, "_BATCHES", (5000,))
    rows = last_line(lutsmith("bench", model, "--json"))["rows"]
    assert [row["threads"] for row in rows] == list(dict.fromkeys((1, most)))
    warm_up, *measured = shared
    assert warm_up == most
    assert list(dict.fromkeys(measured)) == [row["threads"] for row in rows]
    assert len(measured) == len(rows) * (speed.FEWEST + 1)
    assert os.environ.get("LUTSMITH_NUM_THREADS") == asked_for


def test_bench_takes_floats_where_the_model_was_fitted_on_floats(make_circuit) -> None:
    circuit = make_circuit((3,), ("a", "b"))
    object.__setattr__(circuit, "fitted_range", (np.float32([0, 0, -1]), np.float32([1, 0.5, 1])))
    samples = speed.random_samples(circuit, 200)
    assert samples.dtype == np.float32
    assert (samples >= [0, 0, -1]).all()
    assert (samples <= [1, 0.5, 1]).all()


def test_doctor_finds_what_is_there_and_survives_what_is_broken(
    lutsmith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in (
        ("ghdl", "echo GHDL 4.99"),
        ("iverilog", "exit 1"),
        ("nvidia-smi", "echo 'A GPU, 1 MiB, 2'"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "3")
    result = last_line(lutsmith("doctor", "--json"))
    assert result["tools"]["ghdl"] == {"source": str(tmp_path / "ghdl"), "version": "4.99"}
    assert "does not say its version" in result["tools"]["iverilog"]["missing"]
    assert result["gpus"] == ["A GPU, 1 MiB, 2"]
    assert result["packages"]["numpy"] == np.__version__
    assert result["cores"] >= 1
    assert Path(result["kernel_cache"]["folder"]).name
    assert result["kernel_cache"]["writable"] in (True, False)
    assert result["threads"]["prediction"] == 3
    assert result["threads"]["training"] >= 1
    page = lutsmith("doctor").out
    assert f"{result['threads']['training']} in training, 3 in prediction" in page
    assert f"4.99 ({tmp_path / 'ghdl'})" in page
    assert doctor.FIRST_USE in page


def test_doctor_finds_the_tools_that_verify_uses_wheels_included(
    lutsmith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = last_line(lutsmith("doctor", "--json"))
    for name in toolchain.TOOLS:
        if toolchain.available(name):
            assert result["tools"][name]["source"] == toolchain.find(name).source
        else:
            assert "Install it: " in result["tools"][name]["missing"]
    if importlib.util.find_spec("pyosys"):
        assert result["tools"]["yosys"]["source"] == "wheel pyosys"
    assert "make" in result["tools"]
    assert "not found: it is neither a Python package here nor on PATH" in lutsmith("doctor").out


def test_train_hands_its_arguments_on(lutsmith, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict = {}
    result = {
        "accuracy": 0.98, "soft_accuracy": 0.981, "luts": 3000, "depth": 2, "train_seconds": 1.5, "setup_seconds": 0.5,
        "measured_on": "test", "model": "/m.lut", "seed": 3,
    }  # fmt: skip

    def train(task: str, **arguments: object) -> types.SimpleNamespace:
        given.update(arguments, task=task)
        print("epoch 1")
        return types.SimpleNamespace(to_json=lambda: result)

    def default_folder(task: str, preset: str | None, seed: int | None, **_: object) -> Path:
        return tmp_path / f"{task}-{preset}-{seed}"

    monkeypatch.setitem(sys.modules, "lutsmith.runs", types.SimpleNamespace(train=train, default_folder=default_folder))
    line = f"train csv --data t.csv --target -1 --luts 20,10 --rank 4 --lr 0.1 --seed 3 --out {tmp_path} --json"
    outcome = lutsmith(*line.split())
    assert last_line(outcome) == result
    assert outcome.err == "epoch 1\n"
    assert outcome.out.count("\n") == 1
    assert given["luts"] == (20, 10)
    assert (given["task"], given["target"], given["data"]) == ("csv", "-1", Path("t.csv"))
    assert (given["rank"], given["lr"], given["seed"], given["out"]) == (4, 0.1, 3, tmp_path)
    assert (given["preset"], given["bits"], given["epochs"], given["resume"]) == (None, None, None, False)
    page = " ".join(lutsmith("train", "digits").out.split())
    assert given["out"] == tmp_path / "digits-None-None"
    assert "98.00% hardened" in page
    assert "lowering not recorded" in page
    result["lowering"] = "not established; model.2 (Mine): not established: nobody knows"
    assert "lowering not established; model.2 (Mine): not established: nobody knows" in " ".join(
        lutsmith("train", "digits").out.split()
    )


@pytest.mark.parametrize(
    ("objective", "affine", "names", "header", "head"),
    [
        (
            "multilabel",
            {"bias": [-2, -1, -3]},
            None,
            ["label 0", "label 1", "label 2"],
            "in 3 groups, affine map to 3 scores, multilabel",
        ),
        ("multilabel", {}, ("wet", "dry", "cold"), ["wet", "dry", "cold"], "bits into 3 scores, multilabel"),
        (
            "regression",
            {"weights": [[1, -2, 3]], "scale": [0.1], "offset": [-7.5]},
            None,
            ["value"],
            "in 3 groups, affine map to 1 score, regression",
        ),
        ("regression", {"scale": [0.1, 1 / 3, 2]}, ("x", "y", "z"), ["x", "y", "z"], "into 3 scores, regression"),
    ],
)
def test_labels_and_numbers_are_columns(lutsmith, tmp_path: Path, objective, affine, names, header, head) -> None:
    random = np.random.default_rng(0)
    builder = CircuitBuilder((2,))
    bits = builder.compare(np.tile([0, 1], 6), random.uniform(0, 16, 12))
    builder.popcount(bits, 3, **affine)
    circuit = builder.build(objective=objective, classes=names)
    save(circuit, tmp_path / "m.lut")
    x = random.uniform(0, 16, (9, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    expected = circuit.predict(x)
    table = expected.reshape(9, -1)
    for ending in (".npy", ".csv", ".txt"):
        out = tmp_path / f"y{ending}"
        assert lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy", "-o", out).code == 0
        if ending == ".npy":
            written = np.load(out)
            assert written.dtype == expected.dtype
            assert np.array_equal(written, expected)
        elif ending == ".csv":
            with out.open(newline="") as file:
                first, *rows = csv.reader(file)
            assert first == header
            assert np.array_equal(np.array(rows, np.float64), table)  # every digit of a number is written
        else:
            assert np.array_equal(
                [[float(value) for value in line.split()] for line in out.read_text().splitlines()], table
            )
    assert lutsmith("predict", tmp_path / "m.lut", tmp_path / "x.npy").out == (tmp_path / "y.txt").read_text()
    page = lutsmith("info", tmp_path / "m.lut").out
    assert head in page
    assert ("labels" if objective == "multilabel" else "targets") in page


def test_one_of_a_kind_is_no_plural(lutsmith, tmp_path: Path) -> None:
    builder = CircuitBuilder((2,))
    builder.popcount(builder.lut(builder.compare([[0, 1]], 0.5), [[0, 1, 1, 0]]), 1, bias=[1])
    save(builder.build(objective="multilabel"), tmp_path / "m.lut")
    page = lutsmith("info", tmp_path / "m.lut").out
    assert "1 different table\n" in page
    assert "popcount of 1 output bit in 1 group, affine map to 1 score, multilabel\n" in page
