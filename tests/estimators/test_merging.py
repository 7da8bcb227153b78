"""Equal rows are one; weights are copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.file import to_bytes
from lutsmith.sklearn import LUTClassifier, LUTRegressor, merging
from lutsmith.sklearn.merging import COPIES, FEW, merge_equal_rows
from tests.estimators.data import moons, people


def naive(x, y, weights):
    """What merging means, row by row."""
    found = {}
    for row, target, weight in zip(x.tolist(), y.tolist(), weights.tolist(), strict=True):
        if weight > 0:
            key = tuple(1e9 if value != value else value + 0.0 for value in row), target
            found[key] = found.get(key, 0) + weight
    whole = all(weight == round(weight) for weight in found.values())
    most = max(COPIES, merging.FEW // max(1, len(found)))
    return sorted(
        (key, weight / min(weight, most) if whole else weight)
        for key, weight in found.items()
        for _ in range(int(min(weight, most)) if whole else 1)
    ), len(found)


def as_keys(x, y, weights):
    rows = [tuple(1e9 if value != value else value + 0.0 for value in row) for row in x.tolist()]
    return sorted(((row, target), weight) for row, target, weight in zip(rows, y.tolist(), weights, strict=True))


values = st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan")])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 12), st.integers(1, 3), st.booleans(), st.sampled_from([8, 30, FEW]))
def test_merging_is_what_it_says(data, rows, features, whole, few):
    with pytest.MonkeyPatch.context() as patch:  # what so many rows are told by, a few are too
        patch.setattr(merging, "FEW", few)
        check_merging(data, rows, features, whole)


def check_merging(data, rows, features, whole):
    x = np.array(data.draw(st.lists(st.lists(values, min_size=features, max_size=features), min_size=rows,
                                    max_size=rows)), np.float32).reshape(rows, features)  # fmt: skip
    y = np.array(data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows)), np.int64)
    some = st.sampled_from([0.0, 1.0, 2.0, 9.0] if whole else [0.0, 0.25, 1.5])
    weights = np.array(data.draw(st.lists(some, min_size=rows, max_size=rows)), np.float64)
    expected, _ = naive(x, y, weights)
    merged = merge_equal_rows(x, y, weights)
    assert as_keys(*merged) == [(key, weight) for key, weight in expected]
    order = np.random.default_rng(0).permutation(rows)
    for one, other in zip(merged, merge_equal_rows(x[order], y[order], weights[order]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_of_one_hash_are_told_apart(monkeypatch):
    x = np.array([[1.0], [2.0], [1.0], [3.0]], np.float32)
    monkeypatch.setattr(merging, "_hashed", lambda keys: np.zeros(len(keys[0]), np.uint64))
    merged, _, weights = merge_equal_rows(x, np.zeros(4, np.int64), np.ones(4))
    assert merged[:, 0].tolist() == [1.0, 1.0, 2.0, 3.0]
    assert weights.tolist() == [1, 1, 1, 1]


def test_evidence_is_counted_by_rows_however_often_they_stand_there():
    x = np.array([[0.0], [1.0]], np.float32)[np.arange(4000) % 2]  # two different rows
    y = np.random.default_rng(0).random(4000) < np.where(x[:, 0] > 0, 0.56, 0.44)
    model = LUTClassifier(random_state=0).fit(x, y.astype(int))
    truth = np.array([y[x[:, 0] == value].mean() for value in (0.0, 1.0)])
    np.testing.assert_allclose(model.predict_proba(x[:2])[:, 1], truth, atol=0.05)


def fitted(x, y, weights=None, **more):
    return to_bytes(LUTClassifier(max_luts=30, random_state=3, **more).fit(x, y, weights).circuit_)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_a_weight_of_k_is_k_copies_and_order_tells_nothing(seed, balanced):
    rng = np.random.default_rng(seed)
    x, y = moons(120, seed % 1000)
    weights = rng.integers(0, 9, len(x))
    more = {"class_weight": "balanced"} if balanced else {}
    copies = np.repeat(np.arange(len(x)), weights)
    assert fitted(x, y, weights, **more) == fitted(x[copies], y[copies], **more)
    order = rng.permutation(copies)
    assert fitted(x[order], y[order], np.full(len(order), 1.0), **more) == fitted(x[copies], y[copies], **more)


def test_rows_of_weight_0_are_left_out_before_thresholds_are_fitted():
    x, y = moons(200)
    far = np.concatenate([x, np.full((5, 4), 1e6)])
    weights = np.concatenate([np.ones(200), np.zeros(5)])
    assert fitted(far, np.concatenate([y, np.repeat("else", 5)]), weights) == fitted(x, y)


def test_names_in_rows_of_weight_0_are_none():
    frame, y = people(200)
    frame["city"] = np.where(np.arange(200) < 20, "Genf", frame["city"])
    weights = np.where(np.arange(200) < 20, 0, np.random.default_rng(0).integers(1, 4, 200))
    copies = np.repeat(np.arange(200), weights)
    assert fitted(frame, y, weights) == fitted(frame.iloc[copies], y[copies])


def test_numbers_are_weighed_alike():
    x, _ = moons(150)
    y = x[:, 0] + x[:, 1]
    weights = np.random.default_rng(0).integers(0, 4, len(x))
    copies = np.repeat(np.arange(len(x)), weights)
    model = LUTRegressor(max_luts=40, random_state=0)
    one = model.fit(x, y, weights).predict(x)
    np.testing.assert_array_equal(one, model.fit(x[copies], y[copies]).predict(x))


def test_rare_names_are_those_of_little_weight():
    frame, y = people(200)
    rng = np.random.default_rng(0)
    frame["code"] = rng.integers(0, 9, 200)
    frame["plan"] = [None if rng.random() < 0.02 else f"plan {code}" for code in frame["code"]]
    weights = np.where(frame["code"] % 2 == 0, 5, 1) * rng.integers(0, 3, 200)
    copies = np.repeat(np.arange(200), weights)
    more = {"table": {"min_frequency": 40, "categories": ["code"]}}
    assert fitted(frame, y, weights, **more) == fitted(frame.iloc[copies], y[copies], **more)
    model = LUTClassifier(max_luts=30, random_state=3, **more).fit(frame, y, weights)
    pooled = model.circuit_.metadata.table.pooled
    assert len(pooled) == 2
    assert all({name.removeprefix("plan ") for name in names} >= {"1", "3", "5", "7"} for names in pooled.values())
