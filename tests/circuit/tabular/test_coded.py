"""Columns whose different values are read once are what they are cell by cell, in every kind of frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from lutsmith.circuit.engine import arrow, streams
from lutsmith.circuit.tabular import Schema, SchemaError, as_frame, frames
from lutsmith.kernels.engine import texts
from tests.tools import module

LONG = ("longer than 12 bytes", "longer than 12 bytez", "zürich ßü and more")
NAMES = ("", "a", "b", " b", "red", "twelve bytes", *LONG, "7", "7.0", "True")
CATEGORIES = (NAMES[1:], None, None, ("False", "True"), ("1", "2", "3"))
SCHEMA = Schema(5, ("name", "number", "text", "truth", "code"), CATEGORIES, missing=("", "?", "-9"))


def cells(rng: np.random.Generator, rows: int) -> dict[str, list[Any]]:
    """Columns of one type each, with None where values are missing."""

    def of(choices: list[Any]) -> list[Any]:
        return [choices[place] for place in rng.integers(0, len(choices), rows)]

    return {
        "name": of([*NAMES, None, "?", "unseen", "unseen and longer than 12 bytes"]),
        "number": of([1.5, -9.0, 3.0, None]),
        "text": of(["1.5", " 2", "?", None, "-9", "1e3"]),
        "truth": of([True, False, None]),
        "code": of([1, 2, 4, None]),
    }  # fmt: skip


def _pandas(given: dict[str, list[Any]], kinds: dict[str, Any]) -> Any:
    pandas = module("pandas")
    return pandas.DataFrame({
        name: pandas.Series(values, dtype=kinds.get(name, object)) for name, values in given.items()
    })  # fmt: skip


def _arrow(given: dict[str, list[Any]], kind: str, *, coded: bool = False) -> Any:
    pa = module("pyarrow")
    table = pa.table({name: pa.array(values) for name, values in given.items()})
    for name in ("name", "text"):
        column = table.column(name).cast(getattr(pa, kind)())
        place = table.column_names.index(name)
        table = table.set_column(place, name, column.dictionary_encode() if coded else column)
    return table


def _mixed(given: dict[str, list[Any]]) -> Any:
    """Objects of several types in a column, none of them shared."""
    pandas = module("pandas")
    fresh = [value if value is None else "".join([*value]) for value in given["name"]]
    return _pandas({**given, "name": fresh, "truth": [pandas.NA if v is None else v for v in given["truth"]]}, {})


KINDS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "objects": lambda given: _pandas(given, {}),
    "mixed": _mixed,
    "str": lambda given: _pandas(given, {"name": "str", "text": "str", "number": "float64"}),
    "string": lambda given: _pandas(
        given, {"name": "string[python]", "truth": "boolean", "code": "Int8", "number": "Float32"}
    ),
    "category": lambda given: _pandas(given, dict.fromkeys(given, "category")),
    "arrow dtypes": lambda given: _pandas(
        given, {
        "name": "string[pyarrow]", "text": "string[pyarrow]", "truth": "boolean", "code": "Int64", "number": "Float64"
    }
    ),
    "polars": lambda given: module("polars").DataFrame(given, strict=True),
    "polars categories": lambda given: module("polars").DataFrame(given).with_columns(
        module("polars").col("name", "text").cast(module("polars").Categorical)
    ),
    "pyarrow": lambda given: _arrow(given, "string"),
    "large": lambda given: _arrow(given, "large_string"),
    "views": lambda given: _arrow(given, "string_view"),
    "dictionary": lambda given: _arrow(given, "string", coded=True),
}  # fmt: skip


def read(schema: Schema, frame: Any) -> np.ndarray:
    if frames.is_arrow(frame):
        return np.concatenate(list(streams.SampleStream((schema.features,), schema).batches(frame, 50)))
    found = as_frame(frame)
    assert found is not None
    return schema.rows(found, 0, found.length)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, 2, 63, 130]), first=st.integers(0, 9))
@settings(deadline=None, max_examples=12)
def test_coded_columns_are_what_their_cells_are(kind: str, seed: int, rows: int, first: int) -> None:
    given_cells = cells(np.random.default_rng(seed), rows)
    records = [dict(zip(given_cells, row, strict=True)) for row in zip(*given_cells.values(), strict=True)]
    wanted = read(SCHEMA, records)
    with pytest.MonkeyPatch.context() as patch:
        for where in (frames, arrow):
            patch.setattr(where, "CODED", 1)
        patch.setattr(frames, "FEW_OBJECTS", [4, 1 << 13][seed % 2])
        frame = KINDS[kind](given_cells)
        np.testing.assert_array_equal(read(SCHEMA, frame), wanted)
        first = min(first, rows - 1)
        part = frame.iloc[first:] if hasattr(frame, "iloc") else frame[first:]
        np.testing.assert_array_equal(read(SCHEMA, part), wanted[first:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_that_cannot_be_read_is_named_by_its_row(kind: str) -> None:
    given_cells = cells(np.random.default_rng(0), 600)
    given_cells["text"] = ["1.5", "2"] * 300
    given_cells["text"][431] = given_cells["text"][502] = "two"
    frame = KINDS[kind](given_cells)
    with pytest.raises(SchemaError, match=r"column 'text', row 431: 'two' is not a number"):
        read(SCHEMA, frame)
    read(SCHEMA, frame.iloc[:400] if hasattr(frame, "iloc") else frame[:400])  # an entry that stands in no row is none


def test_values_that_stand_in_no_row_are_not_read() -> None:
    cells_of = frames.Coded(["1", object(), "x", "2"], np.array([0, 3, -1], np.int8))
    np.testing.assert_array_equal(SCHEMA.values(2, cells_of), [1, 2, np.nan])
    many = frames.Coded([str(number) for number in range(300)], np.array([299, 7], np.uint16))
    np.testing.assert_array_equal(SCHEMA.values(2, many), [299, 7])


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, 400),
    words=st.lists(st.text(max_size=30), min_size=1, max_size=40),
    kind=st.sampled_from(["string", "large_string", "string_view"]),
    holes=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_texts_have_the_codes_of_a_dictionary(seed: int, rows: int, words: list[str], kind: str, holes: bool) -> None:
    pa = module("pyarrow")
    rng = np.random.default_rng(seed)
    words += [word + tail for word in words for tail in ("x", "y", "12345678x")]
    given_cells = [words[place] for place in rng.integers(0, len(words), rows)]
    if holes:
        given_cells = [None if gone else word for gone, word in zip(rng.random(rows) < 0.2, given_cells, strict=True)]
    column = pa.array(given_cells, getattr(pa, kind)())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow, "CODED", 0)
        found = arrow.array_batch(pa.record_batch([column], ["text"])).coded(0, 0, rows)
    assert found is not None
    known: dict[str, int] = {}
    wanted = [texts.MISSING if cell is None else known.setdefault(cell, len(known)) for cell in given_cells]
    assert found.codes.tolist() == wanted
    assert list(found.values) == list(known)


def test_more_texts_than_there_was_room_for_are_found() -> None:
    pa = module("pyarrow")
    given_cells = [f"name {number}" for number in range(9000)] * 2
    found = arrow.array_batch(pa.record_batch([pa.array(given_cells)], ["text"])).coded(0, 0, len(given_cells))
    assert found is not None
    assert [found.values[code] for code in found.codes.tolist()] == given_cells
    assert len(found.values) == 9000


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.sampled_from(["int8", "uint8", "int16", "int64", "uint64", "float16", "float32", "float64", "bool"])
)
def test_numbers_are_coded_exactly(data: st.DataObject, kind: str) -> None:
    number = hypothesis_numpy.from_dtype(np.dtype(kind))
    near = st.sampled_from([0, 1, 2, 7, 0.5] if kind.startswith("float") else [0, 1, 2, 7]).map(np.dtype(kind).type)
    numbers = np.array(data.draw(st.lists(data.draw(st.sampled_from([number, near])), max_size=6)), kind)
    with np.errstate(all="ignore"):
        coded = frames.Coded.of(numbers)
    np.testing.assert_array_equal(np.array([coded.values[code] for code in coded.codes], kind), numbers)


@pytest.mark.parametrize("kind", ["float32", "float64", "int16", "uint64"])
@pytest.mark.parametrize("unseen", ["missing", "error"])
def test_names_that_are_numbers_are_read_from_arrays_as_one_by_one(kind: str, unseen: str) -> None:
    schema = Schema(1, ("code",), (("1", "2", "3.5", "40"),), missing=("", "-9"), unseen=unseen)
    known = [1, 2, 40, 1] if kind[0] in "iu" else [1, 2, 3.5, 40, np.nan]
    numbers = np.array([*known, *([] if unseen == "error" else [5, 7e4 if kind[0] != "i" else 30_000])], kind)
    expected = schema.text(0, numbers.tolist())
    np.testing.assert_array_equal(schema.values(0, numbers), expected)
    if unseen == "error":
        with pytest.raises(SchemaError, match="5") as error:
            schema.values(0, np.array([1, 2, 5, 5], kind), 100)
        assert error.value.row == 102
