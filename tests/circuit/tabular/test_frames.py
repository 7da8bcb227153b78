"""Circuits predict from frames, Arrow tables and dicts: by name, in any order, with categories and missing values."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit import Circuit, CircuitBuilder, Metadata
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.tabular import Schema, SchemaError
from tests.tools import module

NAMES = ["size", "colour", "price", "new"]
TABLE: dict[str, Any] = {
    "feature_names": NAMES,
    "categories": [None, ["blue", "green", "red"], None, None],
    "target": "kind",
    "table": {
        "delimiter": ";",
        "header": True,
        "width": 5,
        "label": 4,
        "label_name": "kind",
        "missing": ["", "?"],
        "numerals": {"2": {"decimal": ",", "unit": "%"}, "3": {"form": "boolean"}},
    },
}


def make(names: list[str] | None = None, **metadata: Any) -> Circuit:
    """A circuit that says of each sample which of its features lie above 0.5."""
    builder = CircuitBuilder((4,))
    above = builder.compare(builder.features, np.full(4, 0.5, np.float32))
    luts = builder.lut(above.reshape(-1, 1), np.tile([0, 1], (4, 1)))
    builder.popcount(luts, 4)
    kept = Metadata.from_json({**TABLE, **metadata})
    return builder.build(luts, classes=("a", "b", "c", "d"), objective="classification", metadata=kept)


CIRCUIT = make()
RECORDS = [
    {"size": 1.5, "colour": "red", "price": "0,1%", "new": True},
    {"size": None, "colour": " green ", "price": "25 %", "new": False},
    {"size": 0.25, "colour": None, "price": None, "new": None},
    {"size": float("nan"), "colour": "mauve", "price": "?", "new": True},
    {"size": "7", "colour": "?", "price": 9, "new": "true"},
]
EXPECTED = np.array(
    [[1.5, 2, 0.1, 1], [np.nan, 1, 25, 0], [0.25, np.nan, np.nan, np.nan], [np.nan, np.nan, np.nan, 1],
     [7, np.nan, 9, 1]], np.float32
)  # fmt: skip
TYPED = [{**row, "price": str(row["price"] or ""), "new": bool(row["new"])} for row in RECORDS[:4]]
"""Rows whose columns are of one type each, as frames have them."""
TYPED_EXPECTED = np.where(np.isnan(EXPECTED[:4]) & (np.arange(4) == 3), 0, EXPECTED[:4])


def shuffled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(rows[0])
    random.Random(1).shuffle(names)
    return [{name: row[name] for name in names} for row in rows]


def _pandas(rows: list[dict[str, Any]]) -> Any:
    return module("pandas").DataFrame(rows)


def _pandas_typed(rows: list[dict[str, Any]]) -> Any:
    types = {"colour": "category", "new": "boolean", "size": "Float64"}
    return _pandas(rows).astype({name: kind for name, kind in types.items() if name in rows[0]})


def _polars(rows: list[dict[str, Any]]) -> Any:
    return module("polars").DataFrame(rows)


def _polars_typed(rows: list[dict[str, Any]]) -> Any:
    polars = module("polars")
    return polars.DataFrame(rows).with_columns(polars.col("colour").cast(polars.Categorical))


def _arrow(rows: list[dict[str, Any]]) -> Any:
    return module("pyarrow").Table.from_pylist(rows)


def _dictionary(rows: list[dict[str, Any]]) -> Any:
    table = _arrow(rows)
    place = table.column_names.index("colour")
    return table.set_column(place, "colour", table["colour"].dictionary_encode())


def _view(rows: list[dict[str, Any]]) -> Any:
    table, pa = _arrow(rows), module("pyarrow")
    for place, name in enumerate(table.column_names):
        if pa.types.is_string(table[name].type):
            table = table.set_column(place, name, table[name].cast(pa.string_view()))
    return table


def _batch(rows: list[dict[str, Any]]) -> Any:
    return module("pyarrow").RecordBatch.from_pylist(rows)


def _narwhals(rows: list[dict[str, Any]]) -> Any:
    return module("narwhals").from_native(_arrow(rows))


class Foreign:
    """A frame of a library that lutsmith has never heard of and that narwhals knows by its protocol."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        module("narwhals")
        self._rows = rows

    def __narwhals_dataframe__(self) -> Any:
        return module("narwhals").from_native(_arrow(self._rows))._compliant_frame


FRAMES: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "dicts": list,
    "pandas": _pandas,
    "pandas with its own types": _pandas_typed,
    "polars": _polars,
    "polars with categories": _polars_typed,
    "lazy polars": lambda rows: _polars(rows).lazy(),
    "Arrow table": _arrow,
    "Arrow dictionaries": _dictionary,
    "Arrow string views": _view,
    "record batch": _batch,
    "narwhals": _narwhals,
    "narwhals' protocol": Foreign,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_is_read_by_name(kind: str) -> None:
    frame = FRAMES[kind](shuffled(TYPED))
    for method in ("predict", "predict_labels", "decision_function", "outputs"):
        expected = getattr(CIRCUIT, method)(TYPED_EXPECTED)
        assert np.array_equal(getattr(CIRCUIT, method)(frame), expected), method
        batches = CIRCUIT.predict_batches(FRAMES[kind](shuffled(TYPED)), batch=3, method=method)
        assert np.array_equal(np.concatenate(list(batches)), expected), method
    assert np.array_equal(CIRCUIT.evaluate(frame), CIRCUIT.evaluate(TYPED_EXPECTED))


def test_dicts_hold_what_the_model_was_trained_on() -> None:
    assert np.array_equal(CIRCUIT.read(shuffled(RECORDS)), EXPECTED, equal_nan=True)
    assert CIRCUIT.predict_labels(RECORDS[:1]).tolist() == ["a"]


@pytest.mark.parametrize("kind", FRAMES)
def test_the_labels_column_may_be_there(kind: str) -> None:
    frame = FRAMES[kind]([{**row, "kind": "a"} for row in TYPED])
    assert np.array_equal(CIRCUIT.outputs(frame), CIRCUIT.outputs(TYPED_EXPECTED))


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda row: {name: value for name, value in row.items() if name != "price"}, "no column 'price' in the data"),
        (lambda row: {**row, "weight": 1}, "unknown column 'weight': leave it out"),
        (lambda row: {("Size" if name == "size" else name): value for name, value in row.items()}, "no column 'size'"),
        (
            lambda row: {**row, "price": "cheap"},
            "column 'price', row 0: 'cheap' is not a number; expected numbers with",
        ),
    ],
)
def test_other_columns_and_values_are_named(kind: str, change: Callable[[dict], dict], says: str) -> None:
    frame = FRAMES[kind]([change(row) for row in TYPED])
    with pytest.raises(ValueError, match=says):
        CIRCUIT.predict(frame)
    with pytest.raises(ValueError, match=says):
        list(CIRCUIT.predict_batches(FRAMES[kind]([change(row) for row in TYPED])))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{**RECORDS[0]}, {"size": 1}], "row 1 has other keys than row 0"),
        ([{**RECORDS[0]}, [1, 2, 3, 4]], "row 1 is a list, row 0 a dict"),
        ([{**RECORDS[0], "size": [1]}], "column 'size', row 0: holds a list; expected a number"),
        ([{**RECORDS[0], "colour": [1]}], "column 'colour', row 0: holds a list; expected the name of a category"),
        ([{**RECORDS[0], "size": np.datetime64("2020-01-01")}], "expected a number"),
    ],
)
def test_wrong_records_are_named(rows: list[Any], says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        CIRCUIT.predict(rows)


def test_dates_are_refused() -> None:
    pa = module("pyarrow")
    table = pa.table({"size": np.array(["2020-01-01"], "M8[s]"), "colour": ["red"], "price": ["1%"], "new": [True]})
    with pytest.raises(TypeError, match="column 'size' holds times, expected numbers or text"):
        CIRCUIT.predict(table)


def test_numbers_are_names_as_they_are_spelt() -> None:
    schema = Schema(1, ("rooms",), (("1", "2", "2.5", "3+", "True"),))
    cells = np.array([1, 2.0, 2.5, "3+", True, np.int64(2), None, 4], object)
    assert np.array_equal(schema.values(0, cells), [0, 1, 2, 3, 4, 1, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(schema.values(0, np.array([1, 2.5, np.nan])), [0, 2, np.nan], equal_nan=True)


def test_labels_are_as_they_stood_in_the_data() -> None:
    X = np.eye(4)
    assert CIRCUIT.predict(X).tolist() == [0, 1, 2, 3]
    assert CIRCUIT.predict_labels(X).tolist() == ["a", "b", "c", "d"]
    for classes in ((3, 1, 4, 2), (0.5, 1.5, 2.5, 3.5), ("x", 2, 2.5, "y"), ("a\0", "b", "c", "d")):
        circuit = Circuit((4,), CIRCUIT.encoder, CIRCUIT.netlist, CIRCUIT.head, classes, "classification")
        assert circuit.predict_labels(X).tolist() == list(classes)
        assert list(map(type, circuit.predict_labels(X).tolist())) == list(map(type, classes))
    unnamed = Circuit((4,), CIRCUIT.encoder, CIRCUIT.netlist, CIRCUIT.head)
    assert unnamed.predict_labels(X).tolist() == [0, 1, 2, 3]
    several = Circuit((4,), CIRCUIT.encoder, CIRCUIT.netlist, CIRCUIT.head, None, "multilabel")
    with pytest.raises(ValueError, match=r"predict_labels\(\) is for classifiers"):
        several.predict_labels(X)
    with pytest.raises(ValueError, match=r"predict_labels\(\) is for classifiers"):
        several.predict_batches(X, method="predict_labels")


def test_a_model_without_names_takes_columns_in_their_order() -> None:
    pa = module("pyarrow")
    circuit = make(feature_names=None, table=None)
    table = pa.table({"p": [1.5], "q": ["red"], "kind": ["a"], "r": [7], "s": [0]})
    assert np.array_equal(circuit.read(table), [[1.5, 2, 7, 0]])
    with pytest.raises(ValueError, match="5 columns of 5 features"):
        circuit.predict(table.rename_columns(["p", "q", "label", "r", "s"]))


def test_the_schema_is_kept_in_a_model_file() -> None:
    loaded = from_bytes(to_bytes(CIRCUIT))
    assert loaded.schema == CIRCUIT.schema
    assert np.array_equal(loaded.read(RECORDS), EXPECTED, equal_nan=True)


def test_a_model_of_before_reads_names_and_plain_numbers() -> None:
    circuit = make(table=None)
    rows = [
        {"size": 1, "colour": "green", "price": "2.5", "new": 0},
        {"size": "NA", "colour": "none", "price": 1, "new": 1},
    ]
    expected = np.array([[1, 1, 2.5, 0], [np.nan, np.nan, 1, 1]])
    assert np.array_equal(circuit.read(rows), expected, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("blocked", ["pyarrow", "narwhals"])
def test_arrays_import_neither_narwhals_nor_pyarrow_and_dicts_need_neither(blocked: str) -> None:
    code = f"""
import sys
import numpy as np
from tests.circuit.tabular.test_frames import CIRCUIT, EXPECTED, RECORDS
CIRCUIT.predict(np.zeros((3, 4))); CIRCUIT.predict([[0, 0, 0, 0]])
list(CIRCUIT.predict_batches(np.zeros((3, 4)))); CIRCUIT.predict(RECORDS)
assert not {{"narwhals", "pyarrow"}} & set(sys.modules), sys.modules.keys()
sys.modules[{blocked!r}] = None
assert np.array_equal(CIRCUIT.read(RECORDS), EXPECTED, equal_nan=True)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


class Series:
    """What pandas shows of a column."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._values, object)


class LikePandas:
    """A frame with the few attributes of pandas that are used: as pandas without pyarrow, it exports no Arrow data."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows, self.columns, self.iloc = rows, list(rows[0]), self

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: tuple[slice, int]) -> Series:
        rows, place = key
        return Series([row[self.columns[place]] for row in self._rows[rows]])

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        raise ImportError("pyarrow is needed")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


def test_a_frame_like_pandas_needs_no_pyarrow() -> None:
    assert np.array_equal(CIRCUIT.read(LikePandas(shuffled(RECORDS))), EXPECTED, equal_nan=True)
    batches = list(CIRCUIT.predict_batches(LikePandas(shuffled(RECORDS)), batch=2, method="outputs"))
    assert np.array_equal(np.concatenate(batches), CIRCUIT.outputs(EXPECTED))
