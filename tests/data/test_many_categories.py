"""Categories: rare names are one, unseen ones may be refused, orders are kept, and thousands of names take few bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.additive.categories import in_order, target_order
from lutsmith.additive.sides import TargetValues
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.tabular import Schema, SchemaError
from lutsmith.data import Dataset, from_arrays
from lutsmith.data.dataset import DataError
from tests.tools import module

pandas = module("pandas")


def names_table(rows: int, count: int, seed: int = 0) -> tuple[Any, np.ndarray]:
    """A column of names that each say something of their rows, and one of numbers."""
    rng = np.random.default_rng(seed)
    code, number = rng.integers(0, count, rows), rng.normal(size=rows)
    told = rng.normal(size=count)[code] + 0.5 * number
    y = (rng.random(rows) < 1 / (1 + np.exp(-3 * told))).astype(int)
    return pandas.DataFrame({"number": number, "name": [f"name {each}" for each in code]}), y


def test_five_thousand_names_are_learned_from_with_few_bits_and_in_little_memory() -> None:
    import tracemalloc

    frame, y = names_table(40_000, 5_000)
    half = len(frame) // 2
    data = from_arrays(frame[:half], y[:half], frame[half:], y[half:])
    assert len(data.category_names[0]) > 4_900
    tracemalloc.start()
    _, circuit, report = AdditiveTrainer(AdditiveSettings(max_luts=100)).fit(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # a bit for each name and row were 12 MB packed, and their thresholds 63 times as many
    assert len(circuit.encoder) < 130
    assert circuit.metadata.encoder_luts == 0
    alone = AdditiveTrainer(AdditiveSettings(max_luts=100)).fit(
        from_arrays(frame[["number"]][:half], y[:half], frame[["number"]][half:], y[half:])
    )[2]
    assert report.score > alone.score + 0.03
    again = from_bytes(to_bytes(circuit))
    assert again.schema.ordered == (1,)
    assert np.mean(again.predict_labels(frame[half:]) == y[half:]) == pytest.approx(report.score, abs=1e-9)
    some = frame[half : half + 50]
    records = some.to_dict("records")
    assert np.array_equal(again.predict(records), again.predict(some))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_names_stand_by_their_means(seed: int, count: int, scores: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 400))
    codes = rng.integers(0, count, rows).astype(np.float32)
    values = (rng.normal(size=(rows, scores)) + 3 * rng.normal(size=(count, 1))[codes.astype(int)]).astype(np.float32)
    weight = rng.integers(1, 3, rows).astype(np.float64)
    order = target_order(codes, count, TargetValues(values, weight))
    assert sorted(order.tolist()) == list(range(count))
    if scores > 1:
        return
    place = np.argsort(order)
    times = np.bincount(codes.astype(int), minlength=count)
    means = [
        np.average(values[codes == c, 0], weights=weight[codes == c]) if times[c] else np.nan for c in range(count)
    ]
    whole, spread = np.average(values[:, 0], weights=weight), values[:, 0].std()
    far = [c for c in range(count) if times[c] >= 30 and abs(means[c] - whole) > 0.5 * spread]
    for left in far:
        for right in far:
            if means[right] - means[left] > spread:  # what is drawn to the mean of all does not pass by that
                assert place[left] < place[right]
    low, rare, high = (
        [c for c in far if means[c] < whole], [c for c in range(count) if times[c] < 5],
        [c for c in far if means[c] > whole],
    )  # fmt: skip
    assert all(place[c] < place[r] for c in low for r in rare)
    assert all(place[r] < place[c] for r in rare for c in high)
    assert [c for c in order.tolist() if c in rare] == rare  # chance gives them no order


def test_only_training_rows_give_an_order() -> None:
    frame, y = names_table(3_000, 300)
    data = from_arrays(frame, y)
    rows = np.arange(2_000)
    changed = replace(data, y_train=np.where(np.arange(3_000) < 2_000, data.y_train, 1 - data.y_train))
    chosen = AdditiveSettings(category_code="target")
    first, second = (in_order(chosen, each, rows).category_names for each in (data, changed))
    assert first == second
    assert first != in_order(chosen, data, np.arange(1_000, 3_000)).category_names
    assert in_order(AdditiveSettings(category_code="one-hot"), data, rows) is data
    assert in_order(AdditiveSettings(), data, rows).ordered == (1,)  # more than 255
    few = from_arrays(*names_table(3_000, 200))
    assert in_order(AdditiveSettings(category_code="auto"), few, rows) is few
    assert in_order(chosen, few, rows).one_hot == ()


def test_data_in_another_order_say_the_same() -> None:
    frame, y = names_table(500, 20)
    data = from_arrays(frame, y, frame, y)
    order = tuple(np.random.default_rng(0).permutation(data.category_names[0]).tolist())
    other = data.recoded({1: order})
    assert data.ordered == ()
    assert other.ordered == (1,)
    for x, again in ((data.x_train, other.x_train), (data.x_test, other.x_test)):
        assert x is not None
        assert again is not None
        told = [data.category_names[0][int(code)] for code in x[:, 1]]
        assert [order[int(code)] for code in again[:, 1]] == told
    assert np.array_equal(data.x_train, from_arrays(frame, y).x_train)  # left as it was
    for wrong in ({0: order}, {1: order[1:]}):
        with pytest.raises(DataError, match="names in order for column"):
            data.recoded(wrong)


def test_a_circuit_in_the_order_of_targets_is_refined_resumed_and_measured_again(tmp_path: Path) -> None:
    frame, y = names_table(3_000, 40)
    frame["y"] = y
    file = tmp_path / "table.csv"
    frame.to_csv(file, index=False)
    chosen = {"max_luts": 60, "category_code": "target"}
    run = lutsmith.train("csv", data=file, target="y", out=tmp_path / "run", settings=chosen, quiet=True)
    circuit = run.circuit
    assert circuit.schema.ordered == (1,)
    from lutsmith.runs.evaluation import evaluate

    measured = evaluate(run.model)
    assert measured.accuracy == run.accuracy  # on the rows that were held out: they are found again
    data = from_arrays(frame.drop(columns="y"), y)
    refined = AdditiveTrainer(AdditiveSettings(sweeps=0)).fit(data, start=circuit).circuit
    assert np.array_equal(refined.predict(frame.drop(columns="y")), circuit.predict(frame.drop(columns="y")))
    assert refined.schema.categories == circuit.schema.categories


@pytest.mark.parametrize(("min_frequency", "pool"), [(3, {"b", "d"}), (0.3, {"b", "c", "d"}), (1, set()), (2, set())])
def test_rare_names_are_one(min_frequency: float, pool: set[str]) -> None:
    cells = ["a"] * 5 + ["b"] * 2 + ["c"] * 3 + ["d"] + [None]
    if min_frequency == 2:
        pool = set()  # d alone is not a pool
    frame = pandas.DataFrame({"x": np.arange(12.0) % 5, "name": cells})
    data = from_arrays(frame, np.arange(12) % 2, table={"min_frequency": min_frequency})
    schema = data.schema
    assert schema is not None
    assert set(schema.pooled.get(1, ())) == pool
    assert len(schema.categories[1] or ()) == 4 - max(0, len(pool) - 1)
    codes = dict(zip(cells, data.x_train[:, 1].tolist(), strict=True))
    assert len({codes[name] for name in pool}) == min(1, len(pool))
    assert len({codes[name] for name in "abcd"}) == len(schema.categories[1] or ())
    assert np.isnan(codes[None])
    kept = Schema(2, ("x", "name"), schema.categories, **vars(type(schema.layout).from_json(schema.to_json())))
    assert np.array_equal(kept.text(1, cells), data.x_train[:, 1], equal_nan=True)
    for wrong in (0, -1, 1.5, 2.5):
        with pytest.raises(DataError, match="min_frequency is"):
            from_arrays(frame, np.arange(12) % 2, table={"min_frequency": wrong})


def test_unseen_names_are_missing_or_refused() -> None:
    frame = pandas.DataFrame({"x": np.arange(40.0) % 7, "name": ["a", "b", "c", None] * 10, "code": [1, 2] * 20})
    y = np.arange(40) % 2
    for unseen in (None, "missing", "error"):
        data = from_arrays(frame, y, table={"unseen": unseen, "categories": ["code"]})
        circuit = from_bytes(to_bytes(AdditiveTrainer(AdditiveSettings(max_luts=8, rank=2)).fit(data).circuit))
        assert circuit.schema.unseen == (unseen or "missing")
        assert ("unseen" in circuit.schema.to_json()) == (unseen == "error")
        good = {"x": 1.0, "name": None, "code": 2}
        circuit.predict([good, {**good, "name": " ? " if unseen is None else "a"}])
        for bad, says in (({"name": "mauve"}, "'mauve' is not one of the names"), ({"code": 3}, "'3' is not one of")):
            if unseen != "error":
                circuit.predict([good, {**good, **bad}])
                continue
            with pytest.raises(SchemaError, match=rf"column '{next(iter(bad))}', row 1: {says}"):
                circuit.predict([good, {**good, **bad}])
            many = pandas.DataFrame([good] * 400 + [{**good, **bad}])
            with pytest.raises(SchemaError, match=rf"row 400: {says}"):
                circuit.predict(many)
    with pytest.raises(DataError, match="unseen is 'ignore'"):
        from_arrays(frame, y, table={"unseen": "ignore"})


def test_an_unseen_name_in_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    frame, y = names_table(400, 4)
    frame["y"] = y
    frame.to_csv(tmp_path / "table.csv", index=False)
    data = lutsmith.data.load("csv", tmp_path / "table.csv", "y", table={"unseen": "error"})
    circuit = AdditiveTrainer(AdditiveSettings(max_luts=8, rank=2)).fit(data).circuit
    from lutsmith.data.tables.text import text_batches

    (tmp_path / "new.csv").write_text("number,name\n1.5,name 1\n2,\n3,other\n")
    with pytest.raises(DataError, match=r"'other' in line 4.*one of the names that the model was trained on: 'name 0'"):
        list(text_batches(tmp_path / "new.csv", 100, circuit.schema))


def ordered_frames() -> dict[str, Any]:
    sizes, rng = ["small", "medium", "large", "huge"], np.random.default_rng(0)
    cells = [sizes[place] for place in rng.integers(0, 4, 300)]
    frame = pandas.DataFrame({"x": rng.normal(size=300), "size": pandas.Categorical(cells, sizes, ordered=True)})
    plain = frame.assign(size=pandas.Categorical(cells, sizes))
    polars = module("polars")
    enum = polars.DataFrame({"x": frame["x"].to_numpy(), "size": polars.Series(cells, dtype=polars.Enum(sizes))})
    categorical = enum.with_columns(polars.col("size").cast(polars.String).cast(polars.Categorical))
    return {"ordered": frame, "plain": plain, "enum": enum, "categorical": categorical}


@pytest.mark.parametrize("kind", ["ordered", "plain", "enum", "categorical"])
def test_the_order_of_categories_is_kept_where_they_have_one(kind: str) -> None:
    frame = ordered_frames()[kind]
    large = np.isin(np.asarray(frame["size"]).astype(str), ["large", "huge"]).astype(int)
    data: Dataset = from_arrays(frame, large)
    if kind in ("ordered", "enum"):
        assert data.category_names == (("small", "medium", "large", "huge"),)
        assert data.ordered == (1,)
    else:
        assert data.category_names == (("huge", "large", "medium", "small"),)
        assert data.ordered == ()
    circuit = from_bytes(to_bytes(AdditiveTrainer(AdditiveSettings(max_luts=4, rank=1)).fit(data).circuit))
    assert np.array_equal(circuit.predict_labels(frame), large)
    if kind in ("ordered", "enum"):
        assert circuit.metadata.encoder_luts == 0
        assert len(circuit.encoder) <= 3  # thresholds on the order


def test_identifiers_and_free_text_are_still_refused() -> None:
    frame = pandas.DataFrame({"x": np.arange(3000) % 7, "id": [f"id {number // 2 * 2}" for number in range(3000)]})
    from_arrays(frame, np.arange(3000) % 2)  # 1,500 names, each of two rows
    frame["id"] = [f"id {max(number, 1000)}" for number in range(3000)]
    with pytest.raises(DataError, match=r"more than 1,000 different values.*most of them in one row, as identifiers"):
        from_arrays(frame, np.arange(3000) % 2)
