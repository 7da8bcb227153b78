"""Several seeds, one circuit: what members say is added up, rows that are held out stay so, and limits are of all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, ensemble
from lutsmith.additive.folds import parts_of
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import CircuitMismatchError
from tests.additive.test_trainer import blobs, numbers

SMALL = AdditiveSettings(max_luts=90, ensemble=3, rank=(2, 4), seed=5)


def labels() -> Dataset:
    x = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    return from_arrays(x, (x[:, :2] + x[:, 2:4] > 0).astype(int), objective="multilabel")


def measured(dataset: Dataset) -> Dataset:
    """With a test part, so that folds choose."""
    return replace(dataset, x_test=dataset.x_train[:50], y_test=dataset.y_train[:50])


DATA: dict[str, Any] = {"classes": blobs, "labels": labels, "number": numbers, "numbers": lambda: numbers(2)}


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
@pytest.mark.parametrize("more", [{}, {"depth": 2, "deep": 0.5}, {"weights": (1, 2)}], ids=["plain", "deep", "weights"])
def test_the_circuit_says_the_sum_of_its_members(make: Any, more: dict[str, Any]) -> None:
    dataset = make()
    trainer = AdditiveTrainer(replace(SMALL, **more))
    _, circuit, report = trainer.fit(dataset)
    members = [each.fit(replace(trainer.prepare(dataset), settings=each.settings))[1] for each in trainer.members]
    assert len(members) == 3
    x = dataset.x_train
    np.testing.assert_array_equal(circuit.decision_function(x), sum(each.decision_function(x) for each in members))
    if dataset.objective == "regression":
        mean = np.mean([each.predict(x) for each in members], axis=0)
        np.testing.assert_allclose(circuit.predict(x), mean, rtol=1e-12)
    assert len({to_bytes(each) for each in members}) == 3
    assert sum(len(each.network) for each in trainer.members) <= 90
    assert report.luts == circuit.netlist.num_nodes
    assert circuit.metadata.training.settings["ensemble"] == 3


def test_one_network_is_what_it_was_without() -> None:
    one = AdditiveTrainer(AdditiveSettings(max_luts=30, seed=5)).fit(blobs())[1]
    also = AdditiveTrainer(AdditiveSettings(max_luts=30, ensemble=1, seed=5)).fit(blobs())[1]
    assert to_bytes(one) == to_bytes(also)
    many = AdditiveTrainer(AdditiveSettings(max_luts=90, ensemble=3, seed=5))
    many.fit(blobs())
    np.testing.assert_array_equal(
        [lut.table.sum() for lut in many.members[0].network],
        [lut.table.sum() for lut in _network(AdditiveSettings(max_luts=30, seed=5))],
    )


def _network(settings: AdditiveSettings) -> Any:
    trainer = AdditiveTrainer(settings)
    trainer.fit(blobs())
    return trainer.network


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
def test_members_hold_the_same_rows_out_and_are_measured_on_them_together(make: Any) -> None:
    dataset = make()
    trainer = AdditiveTrainer(SMALL)
    ready = trainer.prepare(dataset)
    _, circuit, report = trainer.fit(ready)
    held_out = np.sort(trainer.unseen.rows)
    np.testing.assert_array_equal(held_out, np.sort(ready.held_out))
    assert not np.isin(held_out, ready.rows).any()
    for member in trainer.members:
        np.testing.assert_array_equal(np.sort(member.unseen.rows), held_out)
    x = dataset.x_train[trainer.unseen.rows]
    np.testing.assert_array_equal(trainer.unseen.scores, circuit.decision_function(x))
    assert report.measured_on == "validation"
    assert report.score == lutsmith.data.report.score(
        dataset.objective, circuit.predict(x), dataset.y_train[trainer.unseen.rows]
    )


def test_what_members_learn_does_not_depend_on_the_labels_of_rows_that_are_held_out() -> None:
    dataset = blobs(300)
    held_out = np.arange(250, 300)
    circuits = []
    for labels in (dataset.y_train, np.where(np.arange(300) >= 250, 0, dataset.y_train)):
        trainer = AdditiveTrainer(replace(SMALL, chosen_by="loss"))
        changed = replace(dataset, y_train=labels)
        ready = trainer.prepare(changed, held_out=held_out)
        trainer.fit(ready)
        circuits.append([[lut.table.tolist() for lut in each.network] for each in trainer.members])
    for one, other in zip(*circuits, strict=True):  # labels of these rows choose how many LUTs are kept, nothing else
        shorter = min(len(one), len(other))
        assert one[:shorter] == other[:shorter]


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
def test_each_member_has_folds_of_its_own_and_each_row_is_told_by_networks_without_it(make: Any, monkeypatch) -> None:
    dataset = make()
    learned: list[tuple[int, Any]] = []
    source = lutsmith.additive.trainer.RowSource

    def watching(given: Dataset, rows: Any, *rest: Any, **more: Any) -> Any:
        learned.append((more.get("seed", -1), rows))
        return source(given, rows, *rest, **more)

    monkeypatch.setattr(lutsmith.additive.trainer, "RowSource", watching)
    trainer = AdditiveTrainer(replace(SMALL, folds=4))
    ready = trainer.prepare(dataset, held_out=np.zeros(0, np.int64))
    ready = replace(ready, settings=replace(ready.settings, folds=4))
    trainer.fit(ready)
    np.testing.assert_array_equal(trainer.unseen.rows, np.arange(len(dataset.y_train)))
    told = [each.unseen.scores[np.argsort(each.unseen.rows)] for each in trainer.members]
    np.testing.assert_array_equal(trainer.unseen.scores, sum(told))
    partitions = []
    for member in trainer.members:
        seed = member.settings.seed
        mine = [rows for given, rows in learned if given == seed][:4]
        alike = dataset.y_train if dataset.objective == "classification" else np.zeros(len(dataset.y_train), int)
        part = parts_of(alike, 4, seed)
        for fold, rows in enumerate(mine):
            np.testing.assert_array_equal(rows, np.flatnonzero(part != fold))
        partitions.append(part.tolist())
    assert len({tuple(part) for part in partitions}) == 3


def test_cross_validation_of_an_ensemble_tells_what_new_rows_would() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 6)).astype(np.float32)
    y = ((x[:, 0] * x[:, 1] + rng.normal(size=3000)) > 0).astype(int)
    trainer = AdditiveTrainer(AdditiveSettings(max_luts=120, ensemble=4, folds=5))
    dataset = from_arrays(x[:600], y[:600])
    _, circuit, report = trainer.fit(trainer.prepare(dataset, held_out=np.zeros(0, np.int64)))
    assert report.measured_on == "cross-validation"
    assert report.score == pytest.approx(np.mean(circuit.predict(x[600:]) == y[600:]), abs=0.06)
    assert np.mean(circuit.predict(x[:600]) == y[:600]) > report.score + 0.03  # those that it learned from


def test_limits_are_of_all_members() -> None:
    members = ensemble.members_of(AdditiveSettings(max_luts=100, ensemble=3, max_seconds=6.0, seed=7))
    assert [each.max_luts for each in members] == [33] * 3
    assert [each.max_seconds for each in members] == [2.0] * 3
    assert members[0].seed == 7
    seeds = {each.seed for seed in range(50) for each in ensemble.members_of(AdditiveSettings(ensemble=8, seed=seed))}
    assert len(seeds) == 400
    with pytest.raises(ValueError, match=r"max_luts is 8 for 3 networks; expected at least .*: 9"):
        AdditiveTrainer(AdditiveSettings(max_luts=8, ensemble=3)).prepare(blobs())
    AdditiveTrainer(AdditiveSettings(max_luts=9, ensemble=3)).fit(blobs())


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError),
                                              ("2", TypeError), (None, TypeError)])  # fmt: skip
def test_a_number_of_members_that_is_none_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="ensemble"):
        AdditiveSettings(ensemble=value)


def test_a_start_is_fitted_anew_as_one_circuit() -> None:
    dataset = blobs()
    _, circuit, _ = AdditiveTrainer(SMALL).fit(dataset)
    _, better, _ = AdditiveTrainer(replace(SMALL, sweeps=1)).fit(dataset, start=circuit)
    assert better.netlist.outputs.size == circuit.netlist.outputs.size
    _, numbered, _ = AdditiveTrainer(SMALL).fit(numbers())
    AdditiveTrainer(replace(SMALL, sweeps=1)).fit(numbers(), start=numbered)


def test_a_watch_is_told_of_each_member_and_ends_it() -> None:
    seen: list[Any] = []
    trainer = AdditiveTrainer(replace(SMALL, sweeps=1))
    trainer.fit(blobs(), watch=seen.append)
    assert [step.stage for step in trainer.history] == [step.stage for step in seen]
    stages = {f"{stage}, network {number}" for stage in ("growing", "sweep 1") for number in (1, 2, 3)}
    assert {step.stage for step in seen} == stages
    assert [step.seconds for step in seen] == sorted(step.seconds for step in seen)
    short = AdditiveTrainer(SMALL)
    short.fit(blobs(), watch=lambda step: step.luts >= 6)
    assert [len(member.history) for member in short.members] == [2, 2, 2]


@pytest.mark.parametrize("stop", [3, 14, 25])
def test_a_run_that_stopped_goes_on_to_the_same_file(tmp_path: Path, stop: int) -> None:
    dataset = measured(blobs())
    whole: list[Any] = []
    expected = AdditiveTrainer(SMALL)
    wanted = to_bytes(expected.fit(dataset, watch=whole.append)[1])
    told: list[Any] = []

    def until(step: Any) -> None:
        told.append(step)
        if len(told) == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AdditiveTrainer(SMALL).fit(dataset, watch=until, checkpoint=tmp_path / "state.npz")
    trainer, again, earlier = AdditiveTrainer(SMALL), [], []

    def going_on(step: Any) -> None:
        earlier.append(trainer.history)
        again.append(step)

    _, circuit, _ = trainer.fit(dataset, watch=going_on, checkpoint=tmp_path / "state.npz")
    assert to_bytes(circuit) == wanted
    assert [step.luts for step in trainer.history] == [step.luts for step in expected.history]
    figures = [step.loss for step in earlier[0]] + [step.loss for step in again if not step.stage.startswith("fold")]
    assert figures == [step.loss for step in expected.history]
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_files_of_another_ensemble_are_not_gone_on_from(tmp_path: Path) -> None:
    (tmp_path / "state-2.npz").write_text("of an earlier run")
    AdditiveTrainer(SMALL).fit(blobs(), checkpoint=tmp_path / "state.npz")
    with pytest.raises(ValueError, match="other settings or data"):
        AdditiveTrainer(replace(SMALL, seed=6)).fit(blobs(), checkpoint=tmp_path / "state.npz")


def test_monotone_members_are_a_monotone_circuit() -> None:
    dataset = numbers()
    _, circuit, _ = AdditiveTrainer(replace(SMALL, monotonic_cst={0: 1})).fit(dataset)
    assert lutsmith.check_monotone(circuit, {0: 1}).ok


def test_a_circuit_that_is_not_the_sum_is_a_fault(monkeypatch) -> None:
    merge = ensemble.merge
    monkeypatch.setattr(ensemble, "merge", lambda circuits: merge([*circuits, circuits[0]]))
    with pytest.raises(CircuitMismatchError, match="sum of its members"):
        AdditiveTrainer(SMALL).fit(blobs())


def test_a_run_by_name(tmp_path: Path) -> None:
    run = lutsmith.train("digits", method="additive", settings={"ensemble": 2, "max_luts": 100}, out=tmp_path / "run",
                         quiet=True)  # fmt: skip
    assert run.circuit.metadata.merged["circuits"] == 2
    assert run.circuit.metadata.task == "digits"
    assert run.accuracy > 0.8
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in lines} == {"growing, network 1", "growing, network 2"}
    assert not list((tmp_path / "run").glob("checkpoint-*"))
