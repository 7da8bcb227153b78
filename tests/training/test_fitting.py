"""`fit`: data in, a checked circuit out, for every head, without a folder."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import r2_score

import lutsmith
from lutsmith.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import MEASURES, CircuitMismatchError
from lutsmith.nn import Architecture, prove_lowering
from lutsmith.nn.heads import HEADS
from lutsmith.nn.lowering import Lowered
from lutsmith.training import EarlyStopping, Settings, TrainingInterrupted, fit, fitting, loop
from lutsmith.training.metrics import logits
from lutsmith.training.target_range import TargetRange

SETTINGS = Settings(epochs=8, batch_size=32, validation=0.2)
SIZES: dict[str, Any] = {"luts": (60, 30), "rank": 3, "bits": 5, "num_candidates": 4}


def data(objective: str, rows: int = 300, test: int = 60) -> Dataset:
    x = np.random.default_rng(0).normal(size=(rows, 5)).astype(np.float32)
    y: NDArray[Any] = np.digitize(x[:, 0] + x[:, 1], [-0.7, 0.7])
    if objective == "regression":
        y = np.stack([x[:, 0] + x[:, 1], 1000 * x[:, 2] + 5], axis=1)
    if objective == "multilabel":
        y = x[:, :3] > 0
    return from_arrays(x[test:], y[test:], x[:test], y[:test])


HEADS_OPTIONS: dict[str, dict[str, Any]] = {
    "output-code": {"head_options": {"length": 15}},
    "grouped-dsp": {"head_options": {"wbits": 6}},
    "reduction": {"head_options": {"bits": 3}},
}


@pytest.fixture
def nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """What lies in the working directory and in the folder for temporary files, both new."""
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return lambda: [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("head", sorted(HEADS))
def test_every_head_is_fitted_checked_and_reported_without_a_folder(
    head: str, nothing_written: Callable[[], list[Path]]
) -> None:
    made: Any = HEADS[head]
    objective = made.objective
    dataset = data(objective)
    architecture = Architecture(**SIZES, head=head, **HEADS_OPTIONS.get(head, {}))
    model, circuit, report = fit(dataset, architecture, SETTINGS, quiet=True)
    assert nothing_written() == []
    assert dataset.x_test is not None
    assert dataset.y_test is not None
    assert (report.objective, report.measure, report.measured_on) == (objective, MEASURES[objective], "test")
    assert (report.lowering, report.rows, report.checked_rows) == ("proved", 60, 60 + 48)
    assert prove_lowering(model, circuit, classes=dataset.classes or None).ok
    outputs = logits(model, dataset.x_test, np.arange(60), hardened=True)
    predicted = circuit.predict(dataset.x_test)
    if objective == "regression":
        assert np.array_equal(predicted.astype(np.float32), outputs)
        assert report.score == pytest.approx(r2_score(dataset.y_test, predicted), abs=1e-6)
        assert report.accuracy is None
    else:
        assert np.array_equal(circuit.decision_function(dataset.x_test), outputs)
        assert report.score == np.mean(predicted == dataset.y_test)
    assert report.score > {"classification": 0.5, "multilabel": 0.7, "regression": 0.4}[objective]
    assert report.soft_score > 0.4
    assert (report.luts, report.depth) == (circuit.netlist.num_nodes, circuit.depth)
    assert report.luts - (report.encoder_luts or 0) >= 90
    assert 1 <= report.best_epoch <= 8
    assert report.train_seconds > 0
    assert circuit.metadata.training.architecture["head"] == head
    assert circuit.metadata.training.settings["objective"] == objective


@pytest.mark.parametrize("objective", sorted(MEASURES))
def test_the_defaults_follow_the_objective_of_the_data(objective: str) -> None:
    model, circuit, report = lutsmith.fit(data(objective), settings=replace(SETTINGS, epochs=1), quiet=True)
    assert report.objective == circuit.objective == objective
    assert type(model[-1]).__name__ == {
        "classification": "GroupSum", "regression": "Regression", "multilabel": "MultiLabel"
    }[objective]  # fmt: skip
    fitted = lutsmith.fit(data(objective), settings=replace(SETTINGS, epochs=1), quiet=True)
    assert (fitted.model, fitted.circuit, fitted.report) == tuple(fitted)
    assert fitted.report.score == report.score


def test_without_a_test_part_the_validation_rows_are_measured() -> None:
    dataset = replace(data("classification"), x_test=None, y_test=None)
    _, _, report = fit(dataset, Architecture(**SIZES), SETTINGS, quiet=True)
    assert (report.measured_on, report.rows, report.checked_rows) == ("validation", 48, 48)
    with pytest.raises(ValueError, match="nothing would be left to measure on; give test=FILE"):
        fit(dataset, Architecture(**SIZES), replace(SETTINGS, validation=0.0), quiet=True)


@pytest.mark.parametrize(
    ("objective", "architecture", "settings", "says"),
    [
        ("classification", {"head": "regression"}, {}, "head 'regression' is for regression, and the data for class"),
        ("regression", {"head": "affine"}, {}, "head 'affine' is for classification, and the data for regression"),
        ("multilabel", {}, {"objective": "regression"}, "objective 'regression' of the settings, and the data is for"),
        ("regression", {}, {"label_smoothing": 0.1}, "regression has no labels to smooth"),
        ("regression", {}, {"huber_delta": 1.0, "objective": "regression"}, "whose ranges differ"),
        ("classification", {"luts": (60, 31)}, {}, "3 classes cannot share equally"),
    ],
)
def test_data_architecture_and_settings_that_do_not_fit_are_one_line(
    objective: str, architecture: dict[str, Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        fit(data(objective), Architecture(**{**SIZES, **architecture}), replace(SETTINGS, **settings), quiet=True)


# The circuit that is checked


def test_a_network_is_lowered_once_and_the_circuit_that_was_checked_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lutsmith.nn import lowering
    from lutsmith.runs import saved

    lowered, proved, compared, written = [], [], [], []
    lower, prove, scores, save = fitting.lower, fitting.prove_lowering, Circuit.decision_function, saved.save
    walk = lowering.ModelWalk
    visit = walk._lower
    monkeypatch.setattr(walk, "_lower", lambda self, module: (lowered.append(module), visit(self, module))[1])
    monkeypatch.setattr(fitting, "lower", lambda *a, **k: lower(*a, **k))
    monkeypatch.setattr(fitting, "prove_lowering", lambda m, c, **k: (proved.append(c), prove(m, c, **k))[1])
    monkeypatch.setattr(Circuit, "decision_function", lambda self, x: (compared.append(self), scores(self, x))[1])
    monkeypatch.setattr(saved, "save", lambda circuit, path: (written.append(circuit), save(circuit, path))[1])
    dataset = data("classification")
    run = lutsmith.train(dataset, luts=(60, 30), rank=3, epochs=1, quiet=True, out=tmp_path, settings={"seed": 3})
    assert len(lowered) == len(set(map(id, lowered)))  # no module twice
    assert all(circuit is run.circuit for circuit in (*proved, *compared, *written))
    assert (len(proved), len(compared), len(written)) == (1, 2, 1)
    assert run.model == str(tmp_path / "model.lut")


def wrong_threshold(circuit: Any) -> Any:
    thresholds = circuit.encoder.threshold.copy()
    thresholds[3] = np.nextafter(thresholds[3], np.float32(-np.inf))
    return replace(circuit, encoder=replace(circuit.encoder, threshold=thresholds))


def wrong_head(circuit: Any) -> Any:
    head = circuit.head
    if head.offset is not None:
        return replace(circuit, head=Head(head.num_groups, scale=head.scale, offset=head.offset + 1e-3))
    bias = np.zeros(head.num_classes, np.int64) if head.bias is None else head.bias.astype(np.int64)
    return replace(circuit, head=Head(head.num_groups, head.weights, bias + np.eye(len(bias), dtype=np.int64)[0]))


@pytest.mark.parametrize("objective", sorted(MEASURES))
@pytest.mark.parametrize("fault", [wrong_threshold, wrong_head])
def test_a_circuit_that_is_not_the_network_is_found_and_not_saved(
    objective: str, fault: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lower = fitting.lower

    def planted(*arguments: Any, **options: Any) -> Lowered:
        circuit, encoder_luts = lower(*arguments, **options)
        return Lowered(fault(circuit), encoder_luts)

    monkeypatch.setattr(fitting, "lower", planted)
    with pytest.raises(CircuitMismatchError, match="does not hold what the network states"):
        lutsmith.train(data(objective), luts=(60, 30), rank=3, epochs=1, quiet=True, out=tmp_path)
    assert not (tmp_path / "model.lut").exists()


@pytest.mark.parametrize("objective", sorted(MEASURES))
@pytest.mark.parametrize("part", ["test", "validation"])
def test_scores_are_compared_on_the_rows_of_both_parts(
    objective: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that the reading back does not find would be seen in the scores."""

    method = "predict" if objective == "regression" else "decision_function"
    ordinary = getattr(Circuit, method)

    def changed(self: Circuit, x: Any) -> Any:
        values = ordinary(self, x).copy()
        if len(x) == {"test": 60, "validation": 48}[part]:
            values[7, 1] += 1
        return values

    monkeypatch.setattr(Circuit, method, changed)
    with pytest.raises(CircuitMismatchError, match=rf"on 1 of \d+ {part} rows, first on row 7; nothing was saved"):
        fit(data(objective), Architecture(**SIZES), replace(SETTINGS, epochs=1), quiet=True)


def test_ctrl_c_in_memory_says_that_nothing_was_saved(
    monkeypatch: pytest.MonkeyPatch, nothing_written: Callable[[], list[Path]]
) -> None:
    step, left = loop.Loop.step, 5

    def interrupting(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(loop.Loop, "step", interrupting)
    with pytest.raises(TrainingInterrupted, match="nothing was saved"):
        fit(data("classification"), Architecture(**SIZES), SETTINGS, quiet=True)
    assert signal.getsignal(signal.SIGINT) == before
    assert nothing_written() == []


# Targets of any unit


def logic(circuit: Circuit) -> tuple[bytes, ...]:
    netlist = circuit.netlist
    return netlist.fanin.tobytes(), netlist.table_pool.tobytes(), netlist.table_index.tobytes()


def test_the_units_of_targets_change_nothing_but_the_head() -> None:
    base = data("regression")
    assert base.y_test is not None
    reached = []
    for scale, shift in ((1.0, 0.0), (2.0**-20, 0.0), (2.0**20, 2.0**24)):
        dataset = replace(base, y_train=base.y_train * scale + shift, y_test=base.y_test * scale + shift)
        model, circuit, report = fit(dataset, Architecture(**SIZES), SETTINGS, quiet=True)
        reached.append((report.score, logic(circuit)))
        assert report.lowering == "proved"
        assert model[-1].scale.detach().numpy() == pytest.approx(np.ptp(dataset.y_train, axis=0) / 2, rel=0.6)
    assert reached[0][1] == reached[1][1] == reached[2][1]
    assert [score for score, _ in reached] == pytest.approx([reached[0][0]] * 3, abs=1e-4)


def test_huber_deltas_are_in_the_units_of_the_target() -> None:
    base = data("regression")
    one = replace(base, y_train=base.y_train[:, 0], y_test=None, x_test=None)
    thousand, settings = replace(one, y_train=1024 * one.y_train), replace(SETTINGS, objective="regression")
    pools = [
        logic(fit(dataset, Architecture(**SIZES), replace(settings, huber_delta=delta), quiet=True).circuit)
        for dataset, delta in ((one, 0.25), (thousand, 256.0), (thousand, 0.25))
    ]
    assert pools[0] == pools[1] != pools[2]


def test_ranges_of_targets_are_put_back_exactly() -> None:
    y = np.array([[1.0, -5.0], [3.0, -5.0], [2.0, -5.0]])
    found = TargetRange.of(y)
    assert found.middle.tolist() == [2.0, -5.0]
    assert found.half.tolist() == [1.0, 1.0]  # a constant target is not divided by 0
    assert found.scaled(y).tolist() == [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    with pytest.raises(ValueError, match=r"target 1 lies in 1000000000.*too few numbers: subtract 1000000000\.5 from"):
        TargetRange.of(np.array([[0.0, 1e9], [1.0, 1e9 + 1]]))
    huge = TargetRange.of(np.array([-1.7e308, 1.7e308]))
    assert np.isfinite(huge.half).all()


# Weights of samples


def test_rows_without_a_weight_teach_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    truth = (x[:, 0] > 0).astype(int)
    weights = np.where(np.arange(400) % 3, 0.0, 3.0)
    for y, wrong in ((truth, 1 - truth), (x[:, 0] * 9, -x[:, 0] * 9)):
        lied = np.where(weights > 0, y, wrong)
        options: dict[str, Any] = {"objective": "regression" if y.dtype.kind == "f" else "classification"}
        reached = [
            fit(
                from_arrays(x[:300], lied[:300], x[300:], y[300:], sample_weight=given, **options),
                Architecture(**SIZES), SETTINGS, quiet=True,
            ).report.score
            for given in (weights[:300], None)
        ]  # fmt: skip
        assert reached[0] > 0.7 > 0.5 > reached[1]


def test_equal_weights_are_none() -> None:
    dataset = data("classification")
    weighted = replace(dataset, sample_weight=np.full(len(dataset.x_train), 2.5))
    one, two = (fit(given, Architecture(**SIZES), SETTINGS, quiet=True).circuit for given in (dataset, weighted))
    assert logic(one) == logic(two)


# Small and odd data


def small(x: Any, y: Any, *, luts: tuple[int, ...] = (12,), rank: int = 2, **options: Any) -> Any:
    architecture = Architecture(luts=luts, rank=rank, bits=options.pop("bits", 3), connections="fixed")
    return fit(from_arrays(x, y, x, y), architecture, Settings(epochs=2, batch_size=4, validation=0.0), quiet=True)


def test_one_sample_of_each_class() -> None:
    x = np.array([[0, 1, 2], [3, 4, 5], [9, 8, 7]], np.float32)
    _, circuit, report = small(x, ["a", "b", "c"])
    assert (report.rows, circuit.classes) == (3, ("a", "b", "c"))


def test_one_feature() -> None:
    x = np.arange(40, dtype=np.float32)[:, None]
    _, circuit, report = small(x, x[:, 0] > 20)
    assert circuit.input_shape == (1,)
    assert circuit.classes == (False, True)
    assert report.accuracy is not None


def test_constant_columns_and_duplicate_rows() -> None:
    x = np.repeat(np.arange(8, dtype=np.float32)[:, None] * [1, 0, 2], 5, axis=0)
    _, circuit, report = small(x, (x[:, 0] > 3).astype(int))
    assert np.array_equal(circuit.predict(x), np.repeat(circuit.predict(x[::5]), 5))
    assert (report.lowering, report.rows) == ("proved", 40)


def test_data_that_are_the_same_in_every_row_give_one_class() -> None:
    x = np.ones((9, 3), np.float32)
    _, circuit, report = small(x, [0, 1, 2] * 3)
    assert len(set(circuit.predict(x).tolist())) == 1
    assert report.accuracy == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([[1.0]], None, None), r"dataset is a list; expected Dataset \(data\.from_arrays"),
        ((data("classification"), {"luts": (4,)}, None), "architecture is a dict; expected Architecture"),
        ((data("classification"), None, {"epochs": 1}), "settings is a dict; expected Settings"),
        ((data("classification"), SETTINGS, Architecture()), "architecture is a Settings; expected Architecture"),
    ],
)
def test_arguments_of_another_class_are_named(arguments: tuple[Any, Any, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        fit(*arguments, quiet=True)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"metadata": {"a": 1}}, "metadata is a dict; expected Metadata"),
        ({"callbacks": EarlyStopping}, "callbacks is <class"),
        ({"callbacks": EarlyStopping(1)}, "callbacks is EarlyStopping.*expected a list"),
        ({"callbacks": [EarlyStopping]}, "callbacks holds the class EarlyStopping; expected an object of it"),
        ({"callbacks": [print]}, "which has no begin, before_epoch, .*; derive it from Callback"),
    ],
)
def test_parts_of_another_class_are_refused_before_training(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        fit(data("classification"), Architecture(**SIZES), SETTINGS, quiet=True, **parts)


def test_numbers_of_numpy_are_numbers() -> None:
    sizes = {name: tuple(map(np.int64, value)) if name == "luts" else np.int64(value) for name, value in SIZES.items()}
    architecture = Architecture(**sizes, tau=np.float32(2), head_options={"beta": np.float32(0.5)})
    plain = Architecture(**SIZES, tau=2.0, head_options={"beta": 0.5})
    assert architecture == plain == Architecture(**{**SIZES, "luts": np.array(SIZES["luts"])}, tau=2.0,
                                                 head_options={"beta": 0.5})  # fmt: skip
    settings = replace(SETTINGS, epochs=np.int64(1), lr=np.float32(0.25), optimizer_options={"eps": np.float32(0.5)})
    assert settings == replace(SETTINGS, epochs=1, lr=0.25, optimizer_options={"eps": 0.5})
    circuit = fit(data("classification"), architecture, settings, quiet=True).circuit
    assert circuit.metadata.to_json()["architecture"] == json.loads(json.dumps(plain.to_json()))


def test_options_that_change_afterwards_change_no_architecture() -> None:
    options = {"beta": 0.5}
    architecture = Architecture(head_options=options)
    options["beta"] = 2.0
    assert architecture.head_options == {"beta": 0.5}


def test_numbers_that_float32_cannot_tell_apart_are_not_called_equal() -> None:
    targets = 1e8 + np.linspace(0, 1, 60)
    with pytest.raises(ValueError, match=r"y lies in 1\d+\.0 to 100000001\.0, and all of it is 1\d+\.0 in float32"):
        fit(from_arrays(np.eye(60), targets, objective="regression"), Architecture(**SIZES), SETTINGS, quiet=True)
    with pytest.raises(ValueError, match=r"y is 3\.0 in every row: there is nothing to learn"):
        fit(from_arrays(np.eye(60), np.full(60, 3.0), objective="regression"), Architecture(**SIZES), SETTINGS)
