"""Monotone constraints: circuits are monotone by construction, however they are trained, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth, checkpoint, steps
from lutsmith.additive.monotone import Unate
from lutsmith.additive.network import VotingLut
from lutsmith.additive.objectives import Goal
from lutsmith.circuit import Circuit, Head
from lutsmith.circuit.features.monotone import check_monotone
from lutsmith.circuit.file import to_bytes
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.report import CircuitMismatchError
from lutsmith.kernels.additive.naive import FALLS, RISES
from tests.additive.test_trainer import VARIANTS

WAYS = {0: 1, 1: -1}
SMALL = AdditiveSettings(max_luts=60, rank=4, monotonic_cst=WAYS)
DIFFERENT: dict[str, dict[str, Any]] = {
    **VARIANTS,
    "pairs": {"pairs": 64, "exchanges": 3, "z": 0.0},
    "eight inputs": {"rank": 8, "bits": 5, "sweeps": 1},
    "deeper": {"depth": 2, "deep": 0.9, "rank": (2, 6), "sweeps": 2},
    "folds": {"folds": 2},
    "gauss": {"encoder": "gaussian", "bits": 8},
    "indicator": {"missing": "indicator"},
    "learned": {"missing": "learned", "depth": 2},
}


def waves(objective: str = "classification", rows: int = 500, seed: int = 0) -> Dataset:
    """Targets that rise and fall with the features; some values are missing, and rows count differently."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    x[rng.random(x.shape) < 0.03] = np.nan
    known = np.nan_to_num(x)
    t = known[:, 0] + known[:, 1] * known[:, 2] + np.sin(3 * known[:, 1]) + 0.3 * rng.normal(size=rows)
    more = known[:, 3] + known[:, 1]
    y = {
        "classification": (t > 0) * 1,
        "multilabel": np.stack([t > 0, more > 0], axis=1) * 1,
        "regression": np.stack([t, -more], axis=1),
    }[objective]
    return from_arrays(x, y, objective=objective, sample_weight=rng.uniform(0.5, 2, rows))


def goes_the_wrong_way(circuit: Circuit, ways: Mapping[int, int], pairs: int = 4000) -> bool:
    """Whether pairs of rows, drawn at random, show it: by what the circuit says alone."""
    rng = np.random.default_rng(5)
    for feature, way in ways.items():
        low = rng.normal(size=(pairs, 4)).astype(np.float32) * 1.5
        low[:, 2:][rng.random((pairs, 2)) < 0.1] = np.nan
        high = low.copy()
        high[:, feature] += rng.exponential(1, pairs).astype(np.float32)
        before, after = (circuit.decision_function(np.clip(rows, -3, 3)).astype(np.int64) for rows in (low, high))
        if circuit.is_classifier:
            before, after = before[:, 1] - before[:, 0], after[:, 1] - after[:, 0]
        if (way * (after - before) < 0).any():
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", DIFFERENT)
def test_circuits_are_monotone_however_they_are_trained(name: str) -> None:
    for objective in ("classification", "multilabel", "regression"):
        if DIFFERENT[name].get("minus") and objective != "classification":
            continue
        settings = replace(SMALL, **DIFFERENT[name])
        circuit = AdditiveTrainer(settings).fit(waves(objective)).circuit
        found = check_monotone(circuit, WAYS)
        assert found.ok, str(found)
        assert not goes_the_wrong_way(circuit, WAYS)
        assert not check_monotone(circuit, {0: -1, 2: 1}).ok


def test_without_constraints_they_are_not() -> None:
    circuit = AdditiveTrainer(replace(SMALL, monotonic_cst=None)).fit(waves()).circuit
    assert goes_the_wrong_way(circuit, WAYS)
    assert check_monotone(circuit, WAYS).counterexample is not None


@pytest.mark.parametrize("nothing", [{}, {0: 0}, (0, 0, 0, 0)])
def test_no_constraint_changes_nothing(nothing: Any) -> None:
    for objective in ("classification", "regression"):
        made = [AdditiveTrainer(replace(SMALL, monotonic_cst=given)).fit(waves(objective)) for given in (None, nothing)]
        assert made[0].circuit.netlist.same_as(made[1].circuit.netlist)
        assert made[0].report.score == made[1].report.score


def test_a_constraint_that_data_follow_anyway_costs_little() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3)).astype(np.float32)
    data = from_arrays(x, (x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=4000) > 0) * 1)
    plain, kept, wrong = (
        AdditiveTrainer(AdditiveSettings(max_luts=100, monotonic_cst=given)).fit(data).report.score
        for given in (None, WAYS, {0: -1, 1: 1})
    )
    assert kept > plain - 0.02
    assert wrong < 0.7


@pytest.mark.parametrize("name", ["plain", "sweeps", "deep"])
def test_a_stopped_run_goes_on_to_the_same_circuit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    trainer, data = AdditiveTrainer(replace(SMALL, **VARIANTS[name])), waves()
    right = trainer.fit(data).circuit
    left = iter(range(len(trainer.history) - 2))

    def watch(step: Growth) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AdditiveTrainer(trainer.settings).fit(data, watch=watch, checkpoint=tmp_path / "state")
    again = AdditiveTrainer(trainer.settings).fit(data, checkpoint=tmp_path / "state").circuit
    assert to_bytes(again) == to_bytes(right)
    with pytest.raises(ValueError, match="other settings"):
        AdditiveTrainer(replace(trainer.settings, monotonic_cst={0: 1})).fit(data, checkpoint=tmp_path / "state")


def test_refining_keeps_what_a_circuit_was_grown_with(monkeypatch: pytest.MonkeyPatch) -> None:
    data = replace(waves(rows=2500), feature_names=("a", "b", "c", "d"))
    named = replace(SMALL, monotonic_cst={"a": 1, "b": -1}, max_luts=20)
    circuit = AdditiveTrainer(named).fit(data).circuit
    better = lutsmith.refine(circuit, data.x_train, data.y_train, sweeps=2, quiet=True).circuit
    assert not better.netlist.same_as(circuit.netlist)
    assert check_monotone(better, {"a": 1, "b": -1}).ok
    free = lutsmith.refine(circuit, data.x_train, data.y_train, sweeps=2, settings={"monotonic_cst": None}, quiet=True)
    assert not check_monotone(free.circuit, WAYS).ok
    with pytest.raises(ValueError, match="not shown to be monotone"):
        lutsmith.refine(free.circuit, data.x_train, data.y_train, settings={"monotonic_cst": WAYS}, quiet=True)
    listed = lutsmith.refine(circuit, data.x_train, data.y_train, settings={"monotonic_cst": [1, 0, 0, 0]}, quiet=True)
    assert check_monotone(listed.circuit, {0: 1}).ok


def test_a_head_that_turns_numbers_round_is_refined_the_other_way() -> None:
    data = waves("regression", rows=2500)
    circuit = AdditiveTrainer(replace(SMALL, max_luts=20)).fit(data).circuit
    head = circuit.head
    turned = Head(head.num_groups, head.weights, head.bias, -head.scale, -head.offset)
    start = replace(circuit, head=turned)
    other = {0: -1, 1: 1}
    assert check_monotone(start, other).ok
    settings = {"monotonic_cst": other, "sweeps": 2}
    better = lutsmith.refine(start, data.x_train, -data.y_train, settings=settings, quiet=True).circuit
    assert not better.netlist.same_as(start.netlist)
    assert check_monotone(better, other).ok
    with pytest.raises(ValueError, match="not shown to be monotone"):
        lutsmith.refine(start, data.x_train, -data.y_train, settings={"monotonic_cst": WAYS}, quiet=True)


def test_a_circuit_that_is_not_monotone_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = steps.fill
    monkeypatch.setattr(steps, "fill", lambda bits, inputs, gains, z, unate: plain(bits, inputs, gains, z))
    with pytest.raises(CircuitMismatchError, match="not monotone in"):
        AdditiveTrainer(SMALL).fit(waves())


def test_deep_luts_are_told_by_their_tables() -> None:
    goal = Goal("classification", 2, None, np.zeros(2), None)
    unate = Unate(np.array([RISES, FALLS, 0], np.uint8), goal, room=4)

    def put(place: int, inputs: list[int], table: int) -> int:
        entries = np.array([table >> entry & 1 for entry in range(1 << len(inputs))], np.bool_)
        unate.put(VotingLut(np.array([0, 1], np.int32), np.array(inputs, np.int32), entries), place)
        return int(unate.of(np.array([0, 1], np.int32), np.array([3 + place], np.int32))[0])

    assert put(0, [0, 2], 0b1000) == RISES
    assert put(1, [3, 1], 0b0111) == RISES | FALLS  # not (both), where one rises and one falls
    assert put(2, [3, 1], 0b0010) == RISES  # the first and not the second
    assert put(3, [2], 0b01) == 0
    assert unate.of(np.array([1, 0], np.int32), np.array([0, 1, 2, 5], np.int32)).tolist() == [FALLS, RISES, 0, FALLS]


def test_settings_are_read_back() -> None:
    for given, kept in (
        ({"age": 1, 3: -1}, {"age": 1, 3: -1}),
        (np.array([1, 0, -1]), (1, 0, -1)),
        ([0, 1], (0, 1)),
        ({}, None),
    ):
        settings = AdditiveSettings(monotonic_cst=given)  # type: ignore[arg-type]
        assert settings.monotonic_cst == kept
        assert AdditiveSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({0: 2}, ValueError, "from -1 to 1"),
        ({0: 0.5}, TypeError, "expected an integer"),
        ({-1: 1}, ValueError, "of at least 0"),
        ({True: 1}, TypeError, "a feature of monotonic_cst"),
        ([1, True], TypeError, "monotonic_cst of a feature"),
        ("age", TypeError, "expected a mapping"),
        (1, TypeError, "expected a mapping"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        AdditiveSettings(monotonic_cst=given)


def test_data_that_do_not_fit_are_refused() -> None:
    def tried(given: Any, data: Dataset, **changes: Any) -> None:
        AdditiveTrainer(replace(SMALL, monotonic_cst=given, **changes)).prepare(data)

    data = waves()
    for given, text in (({4: 1}, "from 0 to 3"), ([1, 0], "2 constraints for 4 features"), ({"age": 1}, "no names")):
        with pytest.raises(ValueError, match=text):
            tried(given, data)
    with pytest.raises(ValueError, match=r"expected one of a, b, c, d; did you mean"):
        tried({"dd": 1}, replace(data, feature_names=("a", "b", "c", "d")))
    codes = replace(data, x_train=np.floor(np.abs(data.x_train)), categorical=(1,), category_names=(tuple("abcdef"),))
    tried({0: 1}, codes)
    with pytest.raises(ValueError, match="feature 1 holds categories"):
        tried({1: 1}, codes)
    with pytest.raises(ValueError, match="has 3 classes"):
        tried({0: 1}, replace(data, y_train=np.arange(500) % 3, classes=(0, 1, 2)))
    for encoder, bits in (("gray", 4), ("one-hot", 5), ("fixed-point", 3)):
        with pytest.raises(ValueError, match="take an encoder that is a thermometer"):
            tried({0: 1}, data, encoder=encoder, bits=bits)
    with pytest.raises(ValueError, match="both are to go the same way"):
        tried({0: 1}, waves("multilabel"), minus=1)
    with pytest.raises(ValueError, match="at most 6 inputs"):
        tried({0: 1}, data, depth=2, rank=7)
    constant = replace(data, x_train=np.concatenate([data.x_train[:, :3], np.ones((500, 1), np.float32)], axis=1))
    tried({3: 1}, constant)
