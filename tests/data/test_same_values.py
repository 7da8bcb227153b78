"""A value means the same to a model wherever it stands: in text, frames, Arrow files or records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit.engine.streams import SampleStream
from lutsmith.circuit.tabular import Schema
from lutsmith.circuit.tabular.frames import as_frame
from lutsmith.data import DataError, TableOptions, TableWarning, load, read_samples
from tests.tools import module

from .test_categories import write

NAN = np.nan


def _read(schema: Schema, columns: dict[str, list[Any]], tmp_path: Path) -> list[np.ndarray]:
    """The features of the columns from Parquet, from frames and from records."""
    pyarrow, parquet = module("pyarrow"), module("pyarrow.parquet")
    table = pyarrow.table(columns)
    parquet.write_table(table, tmp_path / "rows.parquet")
    count = len(next(iter(columns.values())))
    records = [{name: values[row] for name, values in columns.items()} for row in range(count)]
    samples = SampleStream((schema.features,), schema)
    sources = [
        tmp_path / "rows.parquet",
        table,
        module("polars").DataFrame(columns),
        module("pandas").DataFrame(columns),
    ]
    found = [np.concatenate(list(samples.batches(source, 2))) for source in sources]
    frame = as_frame(records)
    assert frame is not None
    return [*found, schema.rows(frame, 0, count)]


@pytest.mark.parametrize("names", [("False", "True"), ("false", "true"), ("FALSE", "TRUE")])
def test_truth_values_are_the_names_that_say_them(names: tuple[str, ...], tmp_path: Path) -> None:
    schema = Schema(1, ("f",), (names,))
    for missing in ([], [None]):
        for rows in _read(schema, {"f": [True, False, *missing, True]}, tmp_path):
            np.testing.assert_array_equal(rows[:, 0], [1, 0, *[NAN for _ in missing], 1])


def test_numbers_are_the_names_that_say_them_however_they_are_spelt(tmp_path: Path) -> None:
    schema = Schema(1, ("f",), (("1", "2.50", "3+", str(2**53), str(2**53 + 1)),), header=True)
    text = read_samples(write(tmp_path, "f\n1\n1.0\n2.5\n2.50\n3+\n4\n1e0\n"), schema)
    np.testing.assert_array_equal(text[:, 0], [0, 0, 1, 1, 2, NAN, 0])
    for rows in _read(schema, {"f": [1.0, 2.5, 4.0]}, tmp_path):
        np.testing.assert_array_equal(rows[:, 0], [0, 1, NAN])
    for rows in _read(schema, {"f": [1, 2**53, 2**53 + 1]}, tmp_path):
        np.testing.assert_array_equal(rows[:, 0], [0, 3, 4])


def test_a_number_that_stands_for_a_missing_value_does_so_in_every_source(tmp_path: Path) -> None:
    schema = Schema(2, ("f", "g"), missing=("", "-999"), header=True)
    text = read_samples(write(tmp_path, "f,g\n-999,1.5\n3,-999\n"), schema)
    np.testing.assert_array_equal(text, [[NAN, 1.5], [3, NAN]])
    for rows in _read(schema, {"f": [-999, 3], "g": [1.5, -999.0]}, tmp_path):
        np.testing.assert_array_equal(rows, [[NAN, 1.5], [3, NAN]])


def test_large_integers_of_frames_keep_their_digits() -> None:
    frame = module("pandas").DataFrame({"f": [2**53, 2**53 + 1] * 10, "y": [2**53 + 1, 2**53 + 2] * 10})
    found = load("table", frame, "y", table=TableOptions(categories=("f",)))
    assert tuple(map(str, found.classes)) == (str(2**53 + 1), str(2**53 + 2))
    assert found.schema.categories == ((str(2**53), str(2**53 + 1)),)


def test_truth_values_are_the_same_labels_in_every_source(tmp_path: Path) -> None:
    columns = {"f": list(range(20)), "y": [True, False] * 10}
    frame = module("pandas").DataFrame(columns)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (tmp_path / "t.csv", tmp_path / "t.parquet", frame, module("polars").DataFrame(columns)):
        with pytest.warns(TableWarning, match="all different integers"):
            found = load("table", source, "y")
        assert found.classes == ("False", "True")
        assert found.y_train[:2].tolist() == [1, 0]


def test_decimals_are_refused_in_training_as_in_prediction() -> None:
    pyarrow = module("pyarrow")
    decimals = pyarrow.array([1, 2, 3], pyarrow.int64()).cast(pyarrow.decimal128(30, 2))
    with pytest.raises(DataError, match=r"'f' holds decimal128.*turn them into numbers"):
        load("table", pyarrow.table({"f": decimals, "y": ["a", "b", "a"]}), "y")
    with pytest.raises(TypeError, match="decimals"):
        list(SampleStream((1,), Schema(1, ("f",))).batches(pyarrow.table({"f": decimals}), 2))
