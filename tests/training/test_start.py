"""Training that goes on with a circuit: it begins as the circuit and never ends worse on the validation rows."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.split import validation_split
from lutsmith.nn import Architecture
from lutsmith.training import Callback, Settings, Stage, TrainingInterrupted, fit

SETTINGS = Settings(epochs=3, batch_size=32)


def data(objective: str = "classification") -> Dataset:
    """Without a test part, so that what is measured are the validation rows."""
    if objective == "classification":
        return replace(lutsmith.data.load("digits"), x_test=None, y_test=None)
    x = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    y = x[:, :3] > 0.3 if objective == "multilabel" else 1e3 * np.stack([x[:, 0] + x[:, 1], x[:, 2] + 7], axis=1)
    return from_arrays(x, y)


def additive(dataset: Dataset, **settings: Any) -> tuple[Circuit, float]:
    found = AdditiveTrainer(AdditiveSettings(**{"max_luts": 60, "rank": 4, **settings})).fit(dataset)
    return found.circuit, found.report.score


def epochs(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_a_rate_that_destroys_the_network_gives_the_start_back(objective: str, tmp_path: Path) -> None:
    dataset = data(objective)
    start, score = additive(dataset, max_luts=300)
    _, circuit, report = fit(dataset, None, replace(SETTINGS, lr=300.0), start=start, folder=tmp_path, quiet=True)
    history = epochs(tmp_path)
    assert [epoch["epoch"] for epoch in history] == [0, 1, 2, 3]
    assert all(epoch["hard"] < history[0]["hard"] for epoch in history[1:])
    assert history[0]["hard"] == pytest.approx(score, abs=1e-5)  # the rows are those that additive learning held out
    assert (report.best_epoch, report.lowering, report.measured_on) == (0, "proved", "validation")
    assert report.score == pytest.approx(score, abs=1e-5)
    wanted, found = start.predict(dataset.x_train), circuit.predict(dataset.x_train)
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-2) if objective == "regression" else (found == wanted).all()


@pytest.mark.parametrize("connections", ["fixed", "learnable", "top-k"])
def test_training_goes_on_from_the_start(connections: str, tmp_path: Path) -> None:
    dataset = data()
    start, score = additive(dataset)
    architecture = Architecture(connections=connections, num_candidates=4, tau=3)
    settings = replace(SETTINGS, lr=0.1)
    model, circuit, report = fit(dataset, architecture, settings, start=start, folder=tmp_path, quiet=True)
    assert epochs(tmp_path)[-1]["loss"] < epochs(tmp_path)[1]["loss"]
    assert report.score >= score
    assert report.luts == start.netlist.num_nodes
    told = circuit.metadata.training
    assert told is not None
    assert told.architecture is not None
    assert (told.architecture["luts"], told.architecture["rank"], told.architecture["bits"]) == ((60,), (4,), 3)
    assert model[-1].tau == 3
    assert to_bytes(circuit) != to_bytes(start)


def test_a_better_epoch_takes_the_place_of_the_start_and_an_equal_one_too(tmp_path: Path) -> None:
    dataset = data()
    start, score = additive(dataset, max_luts=20)
    report = fit(dataset, None, replace(SETTINGS, epochs=8), start=start, folder=tmp_path, quiet=True).report
    hard = [epoch["hard"] for epoch in epochs(tmp_path)]
    assert report.score == max(hard) > score
    assert report.best_epoch == max(number for number, value in enumerate(hard) if value == max(hard))


class Interrupt(Callback):
    """Ctrl-C after some steps of the run, once."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def after_step(self, stage: Stage) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def test_stopped_and_resumed_it_is_the_same_circuit(tmp_path: Path) -> None:
    dataset = data()
    start, _ = additive(dataset)
    settings = replace(SETTINGS, lr=300.0)  # so that what is kept is what was there before the stop
    whole = fit(dataset, None, settings, start=start, folder=tmp_path / "a", quiet=True, callbacks=[Interrupt(-1)])
    stopped: dict[str, Any] = {"start": start, "folder": tmp_path / "b", "quiet": True}
    with pytest.raises(TrainingInterrupted):
        fit(dataset, None, settings, **stopped, callbacks=[Interrupt(5)])
    assert [epoch["epoch"] for epoch in epochs(tmp_path / "b")] == [0]
    again = fit(dataset, None, settings, **stopped, resume=True, callbacks=[Interrupt(-1)])
    assert to_bytes(again.circuit) == to_bytes(whole.circuit)
    assert again.report.best_epoch == whole.report.best_epoch == 0
    assert [epoch["hard"] for epoch in epochs(tmp_path / "a")] == [epoch["hard"] for epoch in epochs(tmp_path / "b")]


def test_a_smaller_share_of_validation_rows_is_among_those_held_out_before() -> None:
    dataset = data()
    start, _ = additive(dataset, validation=0.2)
    held_out = [set(validation_split(dataset.y_train, share, 0)[1].tolist()) for share in (0.2, 0.05)]
    assert held_out[1] < held_out[0]
    assert fit(dataset, None, replace(SETTINGS, validation=0.05), start=start, quiet=True).report.rows == len(
        held_out[1]
    )


def test_a_start_for_other_data_is_refused() -> None:
    dataset = data()
    start, _ = additive(dataset)
    labels = data("multilabel")
    refused: list[tuple[Circuit, Dataset, str]] = [
        (start, labels, r"start is for samples of shape \(1, 8, 8\), and .* has \(5,\)"),
        (replace(start, classes=tuple("abcdefghij")), dataset, "start is for classes"),
        (replace(additive(labels)[0], objective="classification"), labels, "start is for objective classification"),
    ]
    for circuit, given, says in refused:
        with pytest.raises(ValueError, match=says):
            fit(given, None, SETTINGS, start=circuit, quiet=True)
    with pytest.raises(TypeError, match="start is a str; expected Circuit"):
        fit(dataset, start="model.lut")  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="start was trained with seed 0, and seed=1 holds out other validation rows"):
        fit(dataset, None, replace(SETTINGS, seed=1, epochs=1), start=start, quiet=True)
