"""What columns may hold beside numbers and names: dates, truth values, arrays of objects, constants, copies."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.data import DATE_PARTS, DataError, from_arrays, split_dates
from tests.tools import module

pandas, polars, pyarrow = module("pandas"), module("polars"), module("pyarrow")
WHEN = [dt.datetime(2026, 5, 31, 12, 30, 5), None, dt.datetime(2024, 2, 29), dt.datetime(1969, 12, 31, 23, 59)]
SMALL = AdditiveSettings(max_luts=6, rank=2)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "text", "polars text", "dates"])
def test_dates_are_split_into_numbers_on_request(kind: str) -> None:
    text = [None if each is None else each.isoformat() for each in WHEN]
    make = {
        "pandas": lambda: pandas.DataFrame({"a": range(4), "when": WHEN}),
        "polars": lambda: polars.DataFrame({"a": range(4), "when": WHEN}),
        "pyarrow": lambda: pyarrow.table({"a": range(4), "when": WHEN}),
        "text": lambda: pandas.DataFrame({"a": range(4), "when": text}),
        "polars text": lambda: polars.DataFrame({"a": range(4), "when": text}),
        "dates": lambda: polars.DataFrame({"a": range(4), "when": [each and each.date() for each in WHEN]}),
    }[kind]
    frame = split_dates(make(), "when", DATE_PARTS)
    assert type(frame) is type(make())
    data = from_arrays(frame, [0, 1, 0, 1])
    assert data.feature_names == ("a", *(f"when.{part}" for part in DATE_PARTS))
    for row, each in zip(data.x_train[:, 1:], WHEN, strict=True):
        if each is None:
            assert np.isnan(row).all()
            continue
        clock = [0, 0, 0] if kind == "dates" else [each.hour, each.minute, each.second]
        assert row.tolist() == [each.year, each.month, each.day, each.isoweekday(), *clock]


def test_dates_are_refused_with_a_hint_and_so_is_what_cannot_be_split() -> None:
    frame = pandas.DataFrame({"a": range(4), "when": WHEN, "word": ["2026-01-01", "x", "y", "z"]})
    with pytest.raises(DataError, match=r"column 'when' holds timestamp.*dates by data.split_dates, or leave"):
        from_arrays(frame, [0, 1, 0, 1])
    for column, says in (("a", "holds Int64 values; expected dates"), ("word", "text that is not all dates"),
                         ("no", "no column 'no'")):  # fmt: skip
        with pytest.raises(DataError, match=says):
            split_dates(frame, column)
    with pytest.raises(DataError, match="one of the parts is 'century'"):
        split_dates(frame, "when", ["century"])
    with pytest.raises(DataError, match="a list is not a frame"):
        split_dates([1], "when")


def test_truth_values_are_read_as_such_and_as_they_were_spelt() -> None:
    truth = [True, False, None, True] * 20
    text = [None if each is None else str(each) for each in truth]
    y = [1, 0, 0, 1] * 20
    lower = [None if each is None else str(each).lower() for each in truth]
    for cells, spelt in ((truth, ("True", "FALSE")), (text, ("True", "False")), (lower, ("true", "false"))):
        frame = pandas.DataFrame({"x": np.arange(80.0) % 9, "flag": pandas.Series(cells, dtype=object)})
        circuit = AdditiveTrainer(SMALL).fit(from_arrays(frame, y)).circuit
        for asked in ((True, False), (np.True_, np.False_), spelt):
            assert circuit.predict([{"x": 3.0, "flag": each} for each in asked]).tolist() == [1, 0]


def test_constant_and_repeated_columns_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    plain = pandas.DataFrame({"x": x, "z": rng.normal(size=300)})
    more = plain.assign(same=plain["x"], seven=7, word="always", none=None)
    y = (x > 0).astype(int)
    circuits = [AdditiveTrainer(SMALL).fit(from_arrays(frame, y)).circuit for frame in (plain, more)]
    assert all(np.mean(c.predict(f) == y) > 0.95 for c, f in zip(circuits, (plain, more), strict=True))
    read = {more.columns[feature] for feature in circuits[1].inputs.feature.tolist()}
    assert read <= {"x", "z", "same"}  # what never differs has no bits


def test_arrays_of_objects_and_of_text_are_tables() -> None:
    rng = np.random.default_rng(0)
    rows: Any = np.empty((200, 3), object)
    rows[:, 0], rows[:, 1] = rng.normal(size=200), [["red", "blue", None][c] for c in rng.integers(0, 3, 200)]
    rows[:, 2] = rng.integers(0, 5, 200)
    y = (rows[:, 1] == "red").astype(int)
    data = from_arrays(rows, y)
    assert data.category_names == (("blue", "red"),)
    circuit = AdditiveTrainer(SMALL).fit(data).circuit
    assert np.array_equal(circuit.predict(rows), y)
    assert np.array_equal(circuit.predict(rows[:, ::-1][:, ::-1][:5]), y[:5])
    words = np.array([["a", "1.5"], ["b", "2"], ["a", "?"]] * 20)
    told = from_arrays(words, [0, 1, 0] * 20, table={"numbers": ["1"]})
    assert told.category_names == (("a", "b"),)
    assert np.array_equal(told.x_train[:3], [[0, 1.5], [1, 2], [0, np.nan]], equal_nan=True)
    assert np.array_equal(AdditiveTrainer(SMALL).fit(told).circuit.predict(words), [0, 1, 0] * 20)
    with pytest.raises(ValueError, match="no column '2' in the data"):
        circuit.predict(rows[:, :2])
