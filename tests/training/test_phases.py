"""Training in phases: each changes what it says, a killed run goes on in its phase, and the circuit is the network."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lutsmith
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.nn import to_circuit
from lutsmith.nn.neurons import BinaryLinear, LUTLinear
from lutsmith.nn.neurons.counts import luts_at_all_places, luts_of_layers
from lutsmith.nn.neurons.network import NeuronArchitecture, build_neurons
from lutsmith.nn.neurons.pruning import prune, sizes_of
from lutsmith.runs.folder import RunFolder
from lutsmith.training import phased
from lutsmith.training.callbacks.base import Stage
from lutsmith.training.callbacks.pruning import GradualPruning
from lutsmith.training.phases import PhasedSettings, phase_table
from lutsmith.training.trainer import Trainer

ARCHITECTURE = {"layers": [{"linear": 16}, {"linear": 12}], "bits": 2}
PHASES: list[dict[str, Any]] = [
    {"phase": "real", "epochs": 2},
    {"phase": "binary", "epochs": 2},
    {"phase": "prune", "inputs": [6, 5, 8], "epochs": 3},
    {"phase": "expand", "rank": 3, "layers": [2, 3], "epochs": 2},
    {"phase": "inputs", "density": 0.7, "layers": [2, 3], "epochs": 0},
    {"phase": "retrain", "name": "last-retrain", "epochs": 1},
]
BINARY = {"phase": "binary", "epochs": 0}
SETTINGS = {"phases": PHASES, "batch_size": 32, "validation": 0.2, "lr": 0.02}


def rows(count: int = 300) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(0)
    x = generator.random((count, 10)).astype(np.float32)
    return x, (x[:, :3] > 0.5).sum(1)


def trained(**more: Any) -> lutsmith.Run:
    x, y = rows()
    settings = {**SETTINGS, **more.pop("settings", {})}
    return lutsmith.train(
        x, y, test_share=0.2, method="phases", architecture=ARCHITECTURE, settings=settings, quiet=True, **more
    )


def test_phases_lead_from_real_weights_to_a_circuit_that_is_the_network(tmp_path: Path) -> None:
    run = trained(out=tmp_path / "run")
    assert run.phases is not None
    told = {phase["name"]: phase for phase in run.phases}
    assert [*told] == ["real", "binary", "prune", "expand", "inputs", "last-retrain", "circuit"]
    assert told["real"]["luts"] == []
    assert told["prune"]["kept"] == 16 * 6 + 12 * 5 + 4 * 8 == told["circuit"]["kept"]
    assert sum(told["prune"]["luts"]) < sum(told["binary"]["luts"])
    assert sum(told["circuit"]["luts"]) < sum(told["last-retrain"]["luts"])
    assert told["prune"]["epoch"] == 3  # the only one at its final density
    model, (x, _) = run.network, rows()
    assert [type(model.get_submodule(f"layer{n}")) for n in (1, 2, 3)] == [BinaryLinear, LUTLinear, LUTLinear]
    assert [size.read for size in sizes_of(model)][1:] == [round(0.7 * 180), round(0.7 * 96)]
    with torch.no_grad():
        said = model(torch.from_numpy(x)).argmax(1).numpy()
    np.testing.assert_array_equal(run.circuit.predict(x), said)
    assert run.circuit.metadata.training is not None
    settings = PhasedSettings.from_json(run.circuit.metadata.training.settings or {})
    assert [phase.name for phase in settings.phases] == [*told][:-1]
    again = RunFolder(tmp_path / "run").read()
    assert again is not None
    assert again.result is not None
    table = phase_table(again.result["phases"]).splitlines()
    assert len(table) == 8
    assert table[-1].split()[-2] == f"{sum(told['circuit']['luts']):,}"


def test_a_killed_run_goes_on_in_its_phase_to_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(out=tmp_path / "whole")
    begin, fit, fitted = GradualPruning.before_epoch, Trainer.fit, []

    def killed(self: GradualPruning, stage: Any) -> None:
        begin(self, stage)
        if stage.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    def watched(self: Trainer, *arguments: Any, **more: Any) -> Any:
        assert self.folder is not None
        fitted.append(self.folder.name)
        return fit(self, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(GradualPruning, "before_epoch", killed)
        with pytest.raises(TrainingInterrupted, match="resume=True"):
            trained(out=tmp_path / "killed")
    monkeypatch.setattr(Trainer, "fit", watched)
    resumed = trained(out=tmp_path / "killed", resume=True)
    assert fitted == ["3-prune", "4-expand", "6-last-retrain"]
    assert Path(str(resumed.model)).read_bytes() == Path(str(whole.model)).read_bytes()
    assert resumed.phases is not None
    assert whole.phases is not None
    same = [[{**phase, "seconds": 0} for phase in phases] for phases in (resumed.phases, whole.phases)]
    assert same[0] == same[1]


def test_a_run_written_over_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    out, own = tmp_path / "run", tmp_path / "run" / "phases" / "thesis.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    settings = {"until": "binary"}
    trained(out=out, settings=settings)
    (own.parent / "1-real" / "notes.txt").write_text("mine too")
    assert len(list(own.parent.rglob("*.pt"))) == 4
    with pytest.raises(ValueError, match="overwrite=True starts again"):
        trained(out=out, settings=settings)
    trained(out=out, settings={"until": "prune"}, overwrite=True)
    assert sorted(path.name for path in own.parent.iterdir()) == ["1-real", "2-binary", "3-prune", "thesis.txt"]
    assert (own.parent / "1-real" / "notes.txt").read_text() == "mine too"


def test_training_ends_after_any_phase_that_has_a_circuit() -> None:
    run = trained(settings={"until": "binary"})
    assert run.phases is not None
    assert [phase["name"] for phase in run.phases] == ["real", "binary", "circuit"]
    with pytest.raises(ValueError, match="after phase 'real' weights are real numbers"):
        trained(settings={"until": "real"})


def test_a_teacher_is_asked_once_for_all_phases_and_named_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = trained(settings={"until": "binary"}, out=tmp_path / "plain")
    seen, fit = [], Trainer.fit

    def watched(self: Trainer, *arguments: Any, **more: Any) -> Any:
        seen.append(self.parts.penalties)
        return fit(self, *arguments, **more)

    monkeypatch.setattr(Trainer, "fit", watched)
    taught = trained(settings={"until": "prune", "teacher": str(plain.model), "teacher_weight": 0.5})
    assert [[one.weight for one in penalties] for penalties in seen] == [[0.5]] * 3
    assert len({id(penalties[0]) for penalties in seen}) == 1
    assert taught.circuit.metadata.training.settings["teacher"] == "model.lut"
    assert plain.circuit.metadata.training.settings["teacher"] is None


def test_layers_are_counted_one_by_one() -> None:
    x, _ = rows()
    model: Any = build_neurons(NeuronArchitecture.from_json(ARCHITECTURE), x, 4)
    with pytest.raises(ValueError, match="real numbers; expected binary=True"):
        luts_of_layers(model, (10,))
    for phase in PhasedSettings.from_json(SETTINGS).phases[1:4]:
        for pruning in phase.change(model, 0):
            for name, layer in {"layer1": model.layer1, "layer2": model.layer2}.items():
                prune(layer, density=pruning.densities[name], per="output")
    counts = luts_of_layers(model, (10,))
    assert list(counts) == ["layer1", "layer2", "layer3"]
    smaller = luts_of_layers(model, (10,), simplified=True)
    assert all(0 < smaller[name] <= counts[name] for name in counts)


KERNELS = {"layers": [{"conv": 6}, {"conv": 5, "pool": 2}, {"linear": 8}], "bits": 2, "per": "global"}


def images(count: int = 120) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    x = np.random.default_rng(0).random((count, 1, 9, 9)).astype(np.float32)
    return x, (x[:, 0, :3].mean((1, 2)) > 0.5).astype(np.int64)


def test_kernels_are_counted_once_and_at_all_places() -> None:
    x, _ = images()
    model: Any = build_neurons(NeuronArchitecture.from_json(KERNELS), x, 2)
    PhasedSettings.from_json({"phases": [BINARY]}).phases[0].change(model, 0)
    every, once = (luts_of_layers(model, (1, 9, 9), once=each) for each in (False, True))
    assert list(every) == list(once)
    assert once["layer3"] == every["layer3"]
    for name, places in (("layer1", 49), ("layer2", 25)):
        assert once[name] < 0.3 * every[name] < 0.3 * once[name] * places
    unrolled = to_circuit(model.eval(), (1, 9, 9)).netlist.num_nodes
    assert 0.9 * unrolled < luts_at_all_places(model, (1, 9, 9)) < 2 * unrolled


def test_a_network_too_large_for_a_circuit_is_refused_before_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = images()
    settings = {"phases": [{"phase": "binary", "epochs": 1}, {"phase": "prune", "inputs": 3, "epochs": 1}]}
    settings |= {"batch_size": 32, "validation": 0.2}
    dataset, architecture = lutsmith.data.from_arrays(x, y), NeuronArchitecture.from_json(KERNELS)
    model: Any = build_neurons(architecture, x, 2)
    for phase in PhasedSettings.from_json(settings).phases:
        phase.change(model, 0)
    whole = luts_at_all_places(model, (1, 9, 9))
    monkeypatch.setattr(phased, "MOST_LUTS", whole - 100)
    told = rf"after phase 'binary' there would be about {whole:,} LUTs at all places, .*prune to fewer.*to_stream"
    with pytest.raises(ValueError, match=told):
        phased.PhasedPreparation.of(dataset, architecture, PhasedSettings.from_json({**settings, "until": "binary"}))
    fitted = phased.PhasedPreparation.of(dataset, architecture, PhasedSettings.from_json(settings)).fit(quiet=True)
    assert fitted.report.phases is not None
    assert [len(row["luts"]) for row in fitted.report.phases] == [4, 4, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"phases": []}, "phases is"),
        ({"phases": [{"phase": "shrink"}]}, "phase"),
        ({"phases": [{"phase": "real", "density": 0.5}]}, "density"),
        ({"phases": [{"phase": "prune"}]}, "expected one of density, inputs"),
        ({"phases": [{"phase": "prune", "density": 0.5, "inputs": 3}]}, "expected one of"),
        ({"phases": [{"phase": "real", "seed": 1}]}, "seed"),
        ({"phases": [{"phase": "real", "epochs": -1}]}, "epochs"),
        ({"phases": [{"phase": "real", "lr": -1}]}, "lr"),
        ({"phases": [{"phase": "real"}, {"phase": "real"}]}, "two phases have the name 'real'"),
        ({"phases": [{"phase": "real", "name": "../x"}]}, "name of a phase"),
        ({"phases": [{"phase": "real"}], "until": "binary"}, "until"),
        ({"phases": [{"phase": "real"}], "validation": 0}, "validation is 0"),
        ({"phases": [BINARY, {"phase": "expand", "layers": [4]}]}, "layer"),
        ({"phases": [BINARY, {"phase": "prune", "inputs": [3]}]}, "for 3 layers"),
        ({"phases": [BINARY, {"phase": "inputs", "density": 0.5, "layers": [1]}]}, "BinaryLinear by then"),
        ({"phases": [BINARY], "teacher": "none.lut"}, "there is no file none.lut"),
        ({"phases": [{**BINARY, "teacher": "cnn"}]}, "teacher"),
        ({"phases": [BINARY, {"phase": "real"}]}, "after phase 'real' weights are real numbers"),
    ],
)
def test_phases_that_cannot_be_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained(settings=settings)


def test_gradual_pruning_follows_its_schedule_and_mistakes_are_told() -> None:
    layer = BinaryLinear(100, 10)
    model, densities = torch.nn.Sequential(layer), []
    stage = Stage(model, torch.optim.Adam(model.parameters()), epochs=6)
    pruning = GradualPruning({"0": 0.1}, first=1, until=5)
    pruning.begin(stage)
    for stage.epoch in range(6):
        stage.optimizer.zero_grad()
        layer(torch.ones(1, 100)).sum().backward()
        stage.optimizer.step()
        pruning.before_epoch(stage)
        densities.append(float(layer.kept.float().mean()))
    expected = [1.0, *(round(1000 * (0.1 + 0.9 * (1 - t / 4) ** 3)) / 1000 for t in range(1, 5)), 0.1]
    np.testing.assert_allclose(densities, expected, atol=1e-6)
    moment = stage.optimizer.state[layer.weight]["exp_avg"]
    assert (moment[~layer.kept] == 0).all()
    assert (moment[layer.kept] != 0).any()
    with pytest.raises(ValueError, match="a layer to prune"):
        GradualPruning({"1": 0.1}).begin(stage)
    for arguments in (
        {"densities": {"0": 0.0}},
        {"densities": {"0": 0.5}, "per": "row"},
        {"densities": {}, "until": 0},
    ):
        with pytest.raises(ValueError, match=r"densities|per|until"):
            GradualPruning(**arguments)
