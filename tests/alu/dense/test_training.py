"""Training on a stream: what is learned, going on to the bit, stopping, weights of operations, and limits of time."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lutsmith.alu.dense import DenseReport, TrainedModel, describe_device, search, search_dense, train_dense
from lutsmith.alu.dense.feed import ALUFeed, StreamPosition
from lutsmith.alu.dense.losses import kernel_decay
from lutsmith.alu.dense.scores import EncodedPoints, exact, measured
from lutsmith.circuit.file import load
from lutsmith.data.alu import ALU
from lutsmith.training import CheckpointError, Epoch, TrainingInterrupted
from lutsmith.training.loop import loop

TINY: dict[str, Any] = {
    "ops": ["AND", "+", ">"],
    "bits": 5,
    "model": "res_mod",
    "options": {"units": 16, "layers": 2, "stacks": 1, "l2": 1e-6},
    "steps": 12,
    "measure_every": 5,
    "batch_size": 32,
    "validation_points": 20,
    "points": 50,
    "adaptive": True,
    "quiet": True,
    "device": "cpu",
}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return TrainedModel.load(folder / "model.pt").network.state_dict()


def lines(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, number: signal.Signals) -> None:
    step, left = loop.Loop.step, [after]

    def interrupting(self: loop.Loop, chosen: Any) -> None:
        step(self, chosen)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(loop.Loop, "step", interrupting)


@pytest.mark.parametrize("model", [{}, {"model": "flat", "options": {"luts": 64, "layers": 2}}])
@pytest.mark.parametrize(("after", "number", "code"), [(3, signal.SIGINT, 130), (10, signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_goes_on_to_the_same_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: dict[str, Any],
    after: int,
    number: signal.Signals,
    code: int,
) -> None:
    arguments = {**TINY, **model}
    whole = train_dense(**arguments, out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt(patch, after, number)
        with pytest.raises(TrainingInterrupted) as stopped:
            train_dense(**arguments, out=tmp_path / "parts")
    assert stopped.value.exit_code == code
    parts = train_dense(**arguments, out=tmp_path / "parts", resume=True)
    assert parts.steps == whole.steps == 15
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert lines(tmp_path / "whole") == lines(tmp_path / "parts")
    assert [answer.to_json() for answer in whole.answers] == [answer.to_json() for answer in parts.answers]
    assert {"exact AND", "exact +", "exact >"} <= lines(tmp_path / "whole")[0].keys()


def test_a_checkpoint_of_another_run_or_a_broken_one_is_refused(tmp_path: Path) -> None:
    train_dense(**TINY, out=tmp_path)
    with pytest.raises(ValueError, match="holds a checkpoint"):
        train_dense(**TINY, out=tmp_path)
    for other, says in (({"ops": ["AND"]}, "data are"), ({"lr": 0.5}, "lr is 0.5"), ({"adaptive": False}, "adaptive")):
        with pytest.raises(ValueError, match=says):
            train_dense(**{**TINY, **other}, out=tmp_path, resume=True)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="not a whole checkpoint"):
        train_dense(**TINY, out=tmp_path, resume=True)


def test_a_dense_network_learns_logic_and_comparison() -> None:
    options = {"units": 64, "layers": 2, "stacks": 1}
    report = train_dense(
        ["AND", "OR", ">"], 8, "res_mod", options=options, steps=500, batch_size=256, lr=5e-3, points=1000, quiet=True
    )
    shares = {answer.op: answer for answer in report.answers}
    assert shares["AND"].exact > 0.99 < shares["OR"].exact
    assert shares[">"].exact > 0.9 > 0.6 > shares[">"].constant
    assert "published" in report.table()
    assert json.loads(json.dumps(report.to_json()))["mean"] == report.mean


@pytest.mark.slow
def test_a_flat_network_of_luts_is_measured_soft_and_hard_and_is_its_circuit(tmp_path: Path) -> None:
    options = {"luts": 512, "layers": 3}
    report = train_dense(
        "AND", 8, "flat", options=options, steps=800, batch_size=256, points=256, out=tmp_path, quiet=True
    )
    (answer,) = report.answers
    assert answer.soft_exact is not None
    assert answer.exact > 0.95 < answer.soft_exact
    assert report.lowering == "proved"
    alu = ALU(8, "AND")
    examples = EncodedPoints.of(alu, "AND", 256, "test")
    answers = load(tmp_path / "model.lut").predict(examples.x)
    assert exact(examples, answers) == answer.exact
    soft = exact(examples, examples.bits(TrainedModel.load(tmp_path / "model.pt").network, hardened=False))
    assert soft == answer.soft_exact


def test_answers_are_counted_as_one_by_one() -> None:
    alu = ALU(3, ["/", "="], held_out=0.3)
    network = TrainedModel.untrained("minimal_2021", alu, {"units": 8}).network
    for answer in measured(network, alu, 40, soft=False):
        examples = EncodedPoints.of(alu, answer.op, 40, "test")
        given = [[v > 0 for v in row] for row in network(torch.from_numpy(examples.x)).tolist()]
        truth = [[bool(v) for v in row] for row in examples.y]
        pairs = [g == t for one, other in zip(given, truth, strict=True) for g, t in zip(one, other, strict=True)]
        assert answer.exact == sum(g == t for g, t in zip(given, truth, strict=True)) / 40
        assert answer.bits == pytest.approx(sum(pairs) / len(pairs))
        assert answer.constant == max(truth.count(row) for row in truth) / 40
        columns = list(zip(*truth, strict=True))
        most = sum(max(sum(column), 40 - sum(column)) for column in columns)
        assert answer.constant_bits == pytest.approx(most / (40 * len(columns)))


def test_weights_of_operations_reach_the_next_batch() -> None:
    feed = ALUFeed(ALU(5, ["AND", "*"], seed=1), 4000, 2, 10, soft=False)
    figures = {"exact AND": 1.0, "exact *": 0.0}
    batches = feed.batches(0)
    shares = []
    for number in range(2):
        x, _, _ = feed.batch(next(batches))
        code = x[:, 6:-6]
        shares.append(code[:, feed.alu.encoder.ops.index("*")].mean())
        if number == 0:
            position = StreamPosition(feed, adaptive=True)
            position.after_epoch(None, Epoch(1, 0.0, None, 0.5, None, 0.1, 1.0, figures))  # type: ignore[arg-type]
    np.testing.assert_allclose(shares, [1 / 2, 110 / 120], atol=0.03)


def test_a_limit_of_time_ends_a_run_with_its_cosine(tmp_path: Path) -> None:
    report = train_dense(**{**TINY, "steps": None}, seconds=0.4, out=tmp_path)
    assert report.stopped == "the limit of 0.4 seconds"
    assert 0.3 < report.seconds < 5
    assert report.steps >= 2
    rates = [line["lr"] for line in lines(tmp_path)]
    assert rates[0] > rates[-1] < 1e-4  # of 2e-3


def test_decay_is_of_kernels_alone() -> None:
    network = TrainedModel.untrained("minimal_2021", ALU(), {"l2": 0.5}).network
    kernels = [p for name, p in network.named_parameters() if p.ndim == 2][:3]
    expected = 0.5 * sum(float(kernel.detach().square().sum()) for kernel in kernels)
    assert float(kernel_decay(network, None, None).detach()) == pytest.approx(expected, rel=1e-5)  # type: ignore[arg-type]


def test_half_precision_trains_and_devices_are_told() -> None:
    report = train_dense(**{**TINY, "precision": "bf16-mixed", "loss": "bce", "schedule": "constant"})
    assert isinstance(report, DenseReport)
    assert report.settings["precision"] == "bf16-mixed"
    assert describe_device("cpu").startswith("cpu: ")
    for wrong in ("abacus", "mps" if not torch.backends.mps.is_available() else "tpu"):
        with pytest.raises(ValueError, match="device is"):
            train_dense(**{**TINY, "device": wrong})


def test_a_search_finds_the_best_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    space = {"a": [1, 2, 3], "b": [0.1, 0.2], "c": ["x", "y"]}
    asked: list[dict[str, Any]] = []

    def score(values: Any) -> float:
        if len(asked) == stop:
            raise KeyboardInterrupt
        asked.append(values)
        return float("nan") if values["a"] == 3 else values["a"] * values["b"] + (values["c"] == "y")

    stop = -1
    whole = search(space, score, tmp_path / "whole.json")
    assert whole.best.values == {"a": 2, "b": 0.2, "c": "y"}
    assert len(asked) == len({str(values) for values in asked}) < 12  # nothing twice, and not everything
    expected, asked, stop = asked, [], 3
    with pytest.raises(KeyboardInterrupt):
        search(space, score, tmp_path / "parts.json")
    stop = -1
    assert search(space, score, tmp_path / "parts.json") == whole
    assert asked == expected
    with pytest.raises(ValueError, match="is of a search of"):
        search({**space, "a": [1]}, score, tmp_path / "parts.json")
    (tmp_path / "parts.json").write_text("{")
    with pytest.raises(ValueError, match="not the progress of a search"):
        search(space, score, tmp_path / "parts.json")
    for wrong in ({}, {"a": []}):
        with pytest.raises(ValueError, match="space"):
            search(wrong, score)
    with pytest.raises(ValueError, match="start has a 7"):
        search(space, score, start={"a": 7})


def test_a_search_trains_and_keeps_its_runs(tmp_path: Path) -> None:
    fixed = {name: value for name, value in TINY.items() if name not in ("model", "options")}
    found = search_dense({"units": [8, 16], "lr": [1e-2, 1e-4]}, tmp_path, rounds=1, **fixed)
    assert len(found.trials) == 3
    again = search_dense({"units": [8, 16], "lr": [1e-2, 1e-4]}, tmp_path, rounds=1, **fixed)
    assert again == found
