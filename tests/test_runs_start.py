"""Runs that go on with a circuit: from a file or memory, stopped and resumed, and measured on rows it has not seen."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import to_bytes
from lutsmith.data.split import validation_split
from lutsmith.runs import TrainingInterrupted, train
from lutsmith.training.loop import loop

QUICK: dict[str, Any] = {"epochs": 2, "quiet": True}


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    data = lutsmith.data.load("digits")
    return AdditiveTrainer(AdditiveSettings(max_luts=60, rank=4)).fit(data).circuit


@pytest.fixture
def model(circuit: Circuit, tmp_path: Path) -> Path:
    lutsmith.save(circuit, tmp_path / "additive.lut")
    return tmp_path / "additive.lut"


def wires(circuit: Circuit) -> list[tuple[float, ...]]:
    """Return features and thresholds of what the LUT of each output reads; all have the same rank."""
    netlist, encoder = circuit.netlist, circuit.encoder
    reads = netlist.fanin.reshape(netlist.num_nodes, -1)[netlist.outputs - netlist.num_inputs]
    return [(*encoder.feature[slots].tolist(), *encoder.threshold[slots].tolist()) for slots in reads]


def test_a_run_goes_on_with_a_file_and_with_a_circuit_alike(circuit: Circuit, model: Path) -> None:
    runs = [train("digits", start=start, **QUICK) for start in (model, str(model), circuit)]
    assert len({to_bytes(run.circuit) for run in runs}) == 1
    run = runs[0]
    assert (run.method, run.lowering, run.luts) == ("gradients", "proved", circuit.netlist.num_nodes)
    assert run.circuit.metadata.training is not None
    architecture = run.circuit.metadata.training.architecture
    assert architecture is not None
    assert (architecture["luts"], architecture["num_candidates"], architecture["init_method"]) == ((60,), 8, "local")
    tau = train("digits", start=model, architecture={"tau": 3, "connections": "fixed"}, **QUICK)
    assert tau.network[-1].tau == 3
    assert wires(tau.circuit) == wires(circuit)


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_stopped_run_remembers_its_start(
    circuit: Circuit, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    step, left = loop.Loop.step, 5

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    monkeypatch.setattr(loop.Loop, "step", interrupting)
    start, out = circuit if in_memory else model, tmp_path / "run"
    with pytest.raises(TrainingInterrupted):
        train("digits", start=start, out=out, **QUICK)
    assert (json.loads((out / "run.json").read_text())["arguments"]["start"] == str(model)) != in_memory
    other = AdditiveTrainer(AdditiveSettings(max_luts=20, rank=4)).fit(lutsmith.data.load("digits")).circuit
    with pytest.raises(ValueError, match="start is circuit"):
        train("digits", start=other, out=out, resume=True, quiet=True)
    if in_memory:
        with pytest.raises(ValueError, match=r"began with a circuit in memory: give the same start= again"):
            train("digits", out=out, resume=True, quiet=True)
    run = train("digits", start=circuit if in_memory else None, out=out, resume=True, quiet=True)
    assert to_bytes(run.circuit) == to_bytes(train("digits", start=start, **QUICK).circuit)


def test_a_start_is_not_measured_on_rows_that_it_has_learned_from() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    small: dict[str, Any] = {"luts": [8], "rank": 2, "bits": 3, **QUICK}
    first = train(x, y, **small)
    assert train(x, y, start=first.circuit, **QUICK).measured_on == "held-out"
    with pytest.raises(ValueError, match=r"give test_share=0.2 and seed=0, which held out others then"):
        train(x, y, start=first.circuit, seed=1, **QUICK)
    with pytest.raises(ValueError, match=r"give test_share=0.2 and seed=0"):
        train(x, y, start=first.circuit, test_share=0.3, **QUICK)


def test_starts_that_cannot_be_are_refused(circuit: Circuit, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="start is a int; expected a Circuit, or the path of a model file"):
        train("digits", start=3, **QUICK)  # type: ignore[arg-type]
    lutsmith.save(circuit, tmp_path / "model.lut")
    with pytest.raises(ValueError, match="lies where the run's own model will"):
        train("digits", start=tmp_path / "model.lut", out=tmp_path, overwrite=True, **QUICK)
    with pytest.raises(ValueError, match="start is for samples of shape"):
        train(np.zeros((50, 3), np.float32), np.arange(50) % 2, start=circuit, **QUICK)


def test_gradients_go_on_from_what_was_memorised(tmp_path: Path) -> None:
    start = train("digits", method="memorize", settings={"steps": 1}, quiet=True).circuit
    run = train(
        "digits",
        start=start,
        out=tmp_path / "run",
        architecture={"residual_probability": 0.7, "connections": "fixed"},  # entries that are sure get no gradients
        settings={"epochs": 15, "validate_every": 5},
        quiet=True,
    )
    x, y = lutsmith.data.load("digits").x_train, lutsmith.data.load("digits").y_train
    _, held_out = validation_split(y, 0.1, 0)
    begun, *epochs = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    reached = [epoch["hard"] for epoch in epochs if epoch["hard"] is not None]
    assert begun["hard"] == np.mean(start.predict(x[held_out]) == y[held_out]) > 0.7
    assert np.mean(run.circuit.predict(x[held_out]) == y[held_out]) == max(reached) > begun["hard"] + 0.02
