"""Rules say what the circuit says, rows are explained exactly, and what matters is counted."""

from __future__ import annotations

import math
import re
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Head, IntegerHead, Metadata, OutputWord
from lutsmith.circuit.features.functions import LevelFunction
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.features.monotone import random_rows
from lutsmith.explaining import explain, importances, rules
from tests.circuit.test_monotone import OBJECTIVES, any_circuit, values_of

CITIES = ("Bern", "Genf", "Zürich")


def rows_of(circuit: Circuit, seed: int, count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = random_rows(circuit.inputs, count, rng)
    rows[rng.random(rows.shape) < 0.15] = np.nan
    return rows


def with_cities(seed: int, objective: str) -> Circuit:
    """A circuit whose feature 1 holds categories: a bit for each name, and two numbers."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((3,))
    edges = builder.compare(1, np.arange(4) - 0.5)
    names = builder.lut(np.stack([edges[:-1], edges[1:]], axis=1), np.array([[False, True, True, False]] * 3))
    numbers = builder.compare([0, 0, 0, 2, 2, 1], [-1.0, 0.25, 1e-7, 0.0, 5e9, 1.0])  # and a code compared
    signals = np.concatenate([names, numbers, builder.missing([2])])
    rank = int(rng.integers(1, 5))
    reads = np.array([rng.permutation(signals)[:rank] for _ in range(6)])
    tables = rng.random((6, 1 << rank)) < rng.choice([0.2, 0.5, 0.9])
    scores = 2
    affine: dict[str, Any] = {"bias": [3, -1]} if objective != "classification" else {}
    if objective == "regression":
        affine |= {"scale": [0.5, -2.0], "offset": [10.0, 0.0]}
    builder.popcount(builder.lut(reads, tables), scores, **affine)
    metadata = Metadata(feature_names=("age", "city", "pay"), categories=(None, CITIES, None))
    return builder.build(classes=("no", "yes"), objective=objective, metadata=metadata)


def holds(text: str, names: list[str], row: np.ndarray, categories: tuple[Any, ...]) -> bool:
    """What a condition says of a row, read as Python reads it."""
    known: dict[str, Any] = {"inf": math.inf}
    for name, value, own in zip(names, row.tolist(), categories, strict=True):
        missing = math.isnan(value)
        known[f"{name}_missing"] = missing
        known[name] = np.float32(-np.inf if missing else value)  # numbers of a text become float32 beside it
        if own is not None:
            known[name] = own[int(value)] if not missing and 0 <= value < len(own) else None
    text = re.sub(r"(\w+) is not missing", r"(not \1_missing)", text)
    text = re.sub(r"(\w+) is missing", r"\1_missing", text).replace(' = "', ' == "').replace("always", "True")
    return bool(eval(text, {}, known))


@given(seed=st.integers(0, 2**32 - 1), objective=st.sampled_from(OBJECTIVES), named=st.booleans())
@settings(max_examples=60, deadline=None)
def test_rules_say_what_the_circuit_says(seed: int, objective: str, named: bool) -> None:
    circuit = with_cities(seed, objective) if named else any_circuit(seed, objective, luts=4)
    found = rules(circuit, most=1000)
    rows = rows_of(circuit, seed)
    if named:
        rows[:, 1] = np.random.default_rng(seed).choice([0, 1, 2, np.nan], len(rows))
    rows = rows.astype(np.float32).astype(float)
    names = list(circuit.metadata.feature_names or ("x0", "x1", "x2"))
    categories = circuit.metadata.categories or (None, None, None)
    scores = circuit.head.scores(circuit.evaluate(rows))
    expected = np.atleast_2d(circuit.head.decide(scores, objective).T).T if objective == "regression" else scores
    for row, told in zip(rows, expected, strict=True):
        counted = dict(found.start)
        for rule in found.rules:
            if holds(rule.condition, names, row, categories):
                for label, votes in rule.votes.items():
                    counted[label] += votes
        np.testing.assert_allclose([counted[label] for label in circuit.score_labels], told, rtol=1e-9, atol=1e-6)


def test_rules_are_short() -> None:
    builder = CircuitBuilder((2,))
    low, high, other = builder.compare([0, 0, 1], [25.0, 37.0, 0.5])
    tables = [[a & ~b & 1, ~(a & ~b) & 1, a | b & c, a ^ c] for c in (0, 1) for b in (0, 1) for a in (0, 1)]
    builder.popcount(builder.lut([[low, high, other]] * 4, np.array(tables, np.bool_).T), 4)
    circuit = builder.build(classes=("a", "b", "c", "d"), metadata=Metadata(feature_names=("age", "x")))
    assert [rule.condition for rule in rules(circuit).rules] == [
        "25 < age <= 37",
        "age <= 25 or age > 37",
        "age > 25",
        "age <= 25 and x > 0.5 or age > 25 and x <= 0.5",
    ]
    assert str(rules(circuit)).splitlines()[:2] == [
        "the class with the most votes, the first of equals",
        "a +1 if 25 < age <= 37",
    ]
    with pytest.raises(ValueError, match="4 outputs vote; expected at most 3"):
        rules(circuit, most=3)


def test_rules_of_output_bits_and_of_constants() -> None:
    builder = CircuitBuilder((1,))
    bit = builder.compare([0], [1.0])
    circuit = builder.build(np.concatenate([bit, [builder.constant(True), builder.constant(False)]]))
    assert [str(rule) for rule in rules(circuit).rules] == ["output 0 +1 if x0 > 1", "output 1 +1 if always"]


def parity(builder: CircuitBuilder, bits: np.ndarray) -> np.ndarray:
    """Whether an odd number of bits is 1, by LUTs of two inputs one after the other."""
    found = bits[:1]
    for bit in bits[1:]:
        found = builder.lut([[found[0], bit]], np.array([[False, True, True, False]]))
    return found


def test_what_depends_on_too_much_to_be_read_is_refused() -> None:
    features, intervals, names = CircuitBuilder((13,)), CircuitBuilder((1,)), CircuitBuilder((3,))
    features.popcount(parity(features, features.compare(np.arange(13), np.zeros(13))), 1)
    intervals.popcount(parity(intervals, intervals.compare(0, np.arange(70) + 0.5)), 1)
    codes = np.arange(1, 16)
    digits = [parity(names, names.compare(0, codes[(codes ^ codes - 1) >> j & 1 == 1] - 0.5)) for j in range(4)]
    mux = [[entry >> (entry >> 4) & 1 for entry in range(64)]]  # a digit of the code, as two other features choose
    names.popcount(names.lut([[*np.concatenate(digits), *names.compare([1, 2], [0.0, 0.0])]], mux), 1)
    metadata = Metadata(categories=(tuple("abcdefghijklmnop"), None, None))
    for circuit in (
        features.build(objective="regression"),
        intervals.build(objective="regression"),
        names.build(objective="regression", metadata=metadata),
    ):
        with pytest.raises(ValueError, match="too many thresholds to be read"):
            rules(circuit)
    few = replace(intervals.build(objective="regression"), metadata=Metadata(categories=(tuple("abc"),)))
    assert rules(few).rules[0].condition == 'x0 = "b"'


def test_signals_of_many_features_are_not_gone_through() -> None:
    builder = CircuitBuilder((40,))
    circuit = builder.build(parity(builder, builder.compare(np.arange(40), np.zeros(40))))
    assert LevelFunction.of(circuit.inputs, circuit.netlist, int(circuit.netlist.outputs[0]), 1 << 62) is None


@given(seed=st.integers(0, 2**32 - 1), objective=st.sampled_from(OBJECTIVES))
@settings(max_examples=60, deadline=None)
def test_a_row_is_explained_by_the_nearest_values_that_change_its_answer(seed: int, objective: str) -> None:
    circuit = any_circuit(seed, objective)
    row = rows_of(circuit, seed, 1)[0].astype(np.float32).astype(float)
    found = explain(circuit, row)

    def answered(feature: int, value: float) -> Any:
        other = row.copy()
        other[feature] = value
        answer = circuit.predict(other[None])[0]
        return tuple(np.atleast_1d(answer).tolist())

    same = answered(0, row[0])
    assert list(found.votes.values()) == circuit.decision_function(row[None])[0].tolist()
    named = {moves.feature: moves for moves in found.features}
    assert set(named) == {f"x{place}" for place in np.unique(circuit.inputs.feature)}
    for feature in np.unique(circuit.inputs.feature).tolist():
        moves = named[f"x{feature}"]
        values = np.array(values_of(circuit, feature))
        values = values[np.isfinite(values) & (values != row[feature])]
        differs = np.array([answered(feature, value) != same for value in values], bool)
        here = -np.inf if np.isnan(row[feature]) else row[feature]
        for turn, side in ((moves.below, values < here), (moves.above, values > here)):
            if turn is None:
                assert not differs[side].any()
                continue
            assert answered(feature, float(turn.value)) != same
            between = side & (values > turn.value if turn is moves.below else values < turn.value)
            assert ("<=" in turn.condition and np.isinf(here)) or not differs[between].any()
        if not np.isnan(row[feature]):
            assert (moves.missing is not None) == (answered(feature, np.nan) != same)


def test_an_explanation_reads_well() -> None:
    builder = CircuitBuilder((3,))
    old, rich = builder.compare([0, 2], [37.5, 5.0])
    edges = builder.compare(1, np.array([1.5, 2.5]))
    city = builder.lut([edges], [[False, True, True, False]])[0]
    table = np.array([[a & ~c & 1 for c in (0, 1) for b in (0, 1) for a in (0, 1)]], np.bool_)
    yes = builder.lut([[old, rich, city]], table)
    builder.popcount(np.concatenate([builder.lut([yes], [[True, False]]), yes]), 2)
    names = Metadata(feature_names=("age", "city", "pay"), categories=(None, CITIES, None), integer_features=True)
    circuit = builder.build(classes=("no", "yes"), objective="classification", metadata=names)
    found = explain(circuit, {"age": 41, "city": "Bern", "pay": None})
    assert str(found).splitlines() == [
        "yes (votes: no 0, yes 1)",
        "  age = 41: no at age <= 37.5; no at age missing",
        '  city = Bern: no at city = "Zürich"',
        "  1 other feature cannot change it alone",
    ]
    assert found.answer == "yes"
    assert found.features[0].below is not None
    assert found.features[0].below.value == 37  # the nearest integer
    assert explain(circuit, [12, 2, 3]).deciding == ()  # two things at once
    missing = explain(circuit, {"age": None, "city": "Genf", "pay": 1})
    assert missing.features[0].value is None
    assert missing.features[0].above is not None
    assert (missing.features[0].above.value, missing.features[0].above.answer) == (38, "yes")
    assert "age = missing: yes at age > 37.5" in str(missing)


def test_importances_are_counted() -> None:
    circuit = with_cities(1, "classification")
    rows = rows_of(circuit, 3, 200)
    rows[:, 1] = np.random.default_rng(0).choice([0, 1, 2, np.nan], 200)
    y = np.array(circuit.predict_labels(rows))
    y[:50] = np.where(y[:50] == "no", "yes", "no")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = importances(circuit, rows, y, rows=200, repeats=3, seed=4)
    assert found.score == 0.75
    before = circuit.predict(rows)
    for feature in range(3):
        moved = np.zeros(200, bool)
        for value in [*(range(3) if feature == 1 else values_of(circuit, feature)), np.nan]:
            other = rows.copy()
            other[:, feature] = value
            moved |= circuit.predict(other) != before
        assert found.pivotal[feature] == moved.mean()
        assert found.permuted[feature] <= 1
    assert found.drops is not None
    assert found.drops.shape == (3, 3)
    assert found.pivotal.max() > 0
    again = importances(circuit, rows, y, rows=200, repeats=3, seed=4)
    np.testing.assert_array_equal(found.permuted, again.permuted)
    assert importances(circuit, rows).drops is None
    assert str(found).splitlines()[0].split() == ["feature", "pivotal", "permuted", "drop"]
    constant = importances(circuit, np.tile(rows[:1], (5, 1)))
    assert not constant.permuted.any()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_importances_of_every_objective(objective: str) -> None:
    circuit = with_cities(1, objective)
    rows = rows_of(circuit, 3, 60)
    rows[:, 1] = np.random.default_rng(0).choice([0, 1, 2, np.nan], 60)
    y = circuit.predict_labels(rows) if objective == "classification" else circuit.predict(rows)
    found = importances(circuit, rows, y)
    assert found.score == 1
    assert found.drops is not None
    assert (found.drops[found.permuted > 0].max(axis=1) > 0).all()


def test_what_cannot_be_explained_is_refused() -> None:
    circuit = with_cities(0, "classification")
    with pytest.raises(TypeError, match="expected Circuit"):
        rules("model.lut")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected"):
        explain(circuit, [1, 2])
    with pytest.raises(ValueError, match="age"):
        explain(circuit, {"city": "Bern", "pay": 1})
    with pytest.raises(ValueError, match="no rows"):
        importances(circuit, np.zeros((0, 3)))
    with pytest.raises(ValueError, match="y holds maybe"):
        importances(circuit, np.zeros((2, 3)), ["no", "maybe"])
    with pytest.raises(ValueError, match=r"y has shape \(1,\) for 2 rows"):
        importances(circuit, np.zeros((2, 3)), ["no"])
    with pytest.raises(ValueError, match="expected 2"):
        importances(with_cities(0, "regression"), np.zeros((2, 3)), [1.0, 2.0])
    word = replace(circuit, head=IntegerHead([OutputWord("y", 6, False)]), classes=None, objective=None)
    for ask in (rules, lambda each: explain(each, [0, 0, 0]), lambda each: importances(each, np.zeros((1, 3)))):
        with pytest.raises(ValueError, match="integers as results"):
            ask(word)


def test_words_too_long_to_go_through_are_named() -> None:
    builder = CircuitBuilder((2,))
    builder.popcount(np.concatenate([builder.words([0], 16)[0, 15:], builder.compare([1], [0.0])]), 2)
    circuit = builder.build(classes=("a", "b"))
    found = explain(circuit, [70000, 1])
    assert found.too_long == ("x0",)
    assert "x0 is a word that is too long" in str(found)
    assert np.isnan(importances(circuit, np.zeros((3, 2))).pivotal[0])
    assert FeatureLevels.of(circuit.inputs, np.array([0])) is not None
    with pytest.raises(ValueError, match="too many thresholds"):
        rules(circuit)


def test_a_trained_network_is_explained_by_its_names() -> None:
    rng = np.random.default_rng(0)
    people = [
        {"age": int(a), "city": c} for a, c in zip(rng.integers(18, 80, 400), rng.choice(CITIES, 400), strict=True)
    ]
    y = ["yes" if person["age"] > 40 and person["city"] != "Bern" else "no" for person in people]
    circuit = lutsmith.train(people, y, settings={"max_luts": 6, "monotonic_cst": {"age": 1}}, quiet=True).circuit
    assert lutsmith.check_monotone(circuit, {"age": 1}).ok
    text = str(lutsmith.rules(circuit))
    assert "age > 40" in text
    assert '"Bern"' in text
    (age, city) = lutsmith.explain(circuit, {"age": 60, "city": "Genf"}).features
    assert age.below is not None
    assert (age.below.value, age.below.answer, age.above) == (40, "no", None)
    assert [turn.value for turn in city.names] == ["Bern"]
    assert isinstance(circuit.head, Head)


@given(seed=st.integers(0, 2**32 - 1), objective=st.sampled_from(OBJECTIVES), rows=st.sampled_from([1, 7, 40]))
@settings(max_examples=20, deadline=None)
def test_exchanged_values_are_those_of_the_feature_however_many_changes_are_answered_at_a_time(
    seed: int, objective: str, rows: int
) -> None:
    circuit = with_cities(seed, objective)
    x = rows_of(circuit, seed, rows)
    found = importances(circuit, x, repeats=2, seed=seed)
    before = circuit.predict(x).reshape(rows, -1)
    for feature in np.unique(circuit.inputs.feature).tolist():
        shares = []
        for draw in range(2):
            changed = x.copy()
            changed[:, feature] = x[np.random.default_rng([seed, feature, draw]).permutation(rows), feature]
            shares.append((circuit.predict(changed).reshape(rows, -1) != before).any(axis=1).mean())
        assert found.permuted[feature] == np.mean(shares)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[importances.__module__], "BATCH", 1)
        one_by_one = importances(circuit, x, repeats=2, seed=seed)
    np.testing.assert_array_equal(one_by_one.pivotal, found.pivotal)
    np.testing.assert_array_equal(one_by_one.permuted, found.permuted)
