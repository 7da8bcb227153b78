"""What a model reads is what it was trained on: the strict reader gives the features that training's reading gave."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Metadata
from lutsmith.circuit.tabular import Schema
from lutsmith.data import DataError, Reading, TableOptions, TableWarning, load, load_test, read_samples, sample_batches
from lutsmith.data.tables.table import read_table, read_table_by
from lutsmith.data.tables.text import read_text
from tests.tools import module

from .test_categories import kept, write

module("pyarrow")
CELLS = [
    "1", "2.5", "-3e2", "x", "yy", "", "?", "NA", "None", "1,5", "23,5", "1,000", "1.000,5", "50%", "$5", "0x10", " a",
    "b ", '"q"', '"a,b"', '"l\nm"', '"say ""hi"""', ' "sp"', '  "s;p"', "2020-01-01", "inf", "1_000", "é", 'a"b',
    '"ab"c', "'", "\t", "True", "nan", " ", "-999",
]  # fmt: skip


def schema_of(table: Any) -> Schema:
    """The schema as a model file keeps it."""
    schema = table.schema
    kept = Metadata(feature_names=table.names, categories=schema.categories, target=schema.target, table=schema)
    return Metadata.from_json(json.loads(json.dumps(kept.to_json()))).schema(schema.features)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text table, good or bad, and its delimiter."""
    width, delimiter = draw(st.integers(1, 4)), draw(st.sampled_from(",;\t|"))
    pools = [draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=5)) for _ in range(width)]
    rows = draw(st.lists(st.tuples(*map(st.sampled_from, pools)), max_size=10))
    if draw(st.booleans()):
        rows = [tuple("abcd"[:width]), *rows]
    ends = st.sampled_from(["\n"] * 6 + ["\r\n", "\n\n", "\r", " \n", ",z\n"])
    return "".join(delimiter.join(row) + draw(ends) for row in rows), delimiter


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    made=texts(),
    options=st.fixed_dictionaries(
        {},
        optional={
            "header": st.booleans(),
            "decimal": st.sampled_from(".,"),
            "missing": st.sampled_from([(), ("x", "-999"), ("none", "na")]),
            "numbers": st.just(("0",)),
            "categories": st.just(("1",)),
            "drop": st.just(("2",)),
        },
    ),
    target=st.sampled_from([None, "-1", "0", "a"]),
    delimited=st.booleans(),
)
def test_the_strict_reader_reads_what_training_reads(
    tmp_path: Path, made: tuple[str, str], options: dict[str, Any], target: str | None, delimited: bool
) -> None:
    text, delimiter = made
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            table = read_table(file, target, TableOptions(**options, delimiter=delimiter if delimited else None))
    except DataError:
        return
    schema = schema_of(table)
    assert table.x.dtype == np.float32
    for reading in (Reading(), Reading(table.schema.header)):
        if target is None:
            parts = list(sample_batches(file, 3, schema, reading))
            np.testing.assert_array_equal(np.concatenate(parts), table.x)
        else:
            again = read_text(file, schema, None, reading)
            np.testing.assert_array_equal(again.x, table.x)
            assert again.labels.tolist() == table.labels.tolist()
            assert again.names == table.names
            np.testing.assert_array_equal(read_samples(file, schema, reading), table.x)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    numbers=st.lists(st.none() | st.floats(width=32, allow_nan=False) | st.integers(-9, 9), min_size=2, max_size=8),
    words=st.lists(st.none() | st.sampled_from(["x", "y", "None", "?", "z z"]), min_size=8, max_size=8),
    bits=st.lists(st.none() | st.booleans(), min_size=8, max_size=8),
)
def test_parquet_feather_frames_and_text_of_them_are_read_alike(
    tmp_path: Path, numbers: list[Any], words: list[Any], bits: list[Any]
) -> None:
    import pyarrow as pa
    from pyarrow import csv, feather, parquet

    rows = len(numbers)
    columns = {"n": pa.array(numbers, pa.float64()), "w": pa.array(words[:rows], pa.string()), "b": bits[:rows]}
    frame = pa.table({**columns, "kind": ["u", "v"] * (rows // 2) + ["u"] * (rows % 2)})
    parquet.write_table(frame, tmp_path / "t.parquet")
    feather.write_feather(frame, tmp_path / "t.feather")
    csv.write_csv(frame, tmp_path / "t.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        table = read_table(frame, "kind")
        for path in (tmp_path / "t.parquet", tmp_path / "t.feather"):
            np.testing.assert_array_equal(read_table(path, "kind").x, table.x)
            np.testing.assert_array_equal(read_table_by(schema_of(table), path).x, table.x)
    again = read_text(tmp_path / "t.csv", schema_of(table))
    np.testing.assert_array_equal(again.x, table.x)
    assert again.labels.tolist() == table.labels.tolist()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_are_loaded_as_the_same_data_in_a_file(tmp_path: Path, library: str) -> None:
    text = "size,colour,kind\n1.5,red,a\n2.5,blue,b\n,red,a\n1.5,,b\n"
    file = write(tmp_path, text)
    expected = load("table", file, "kind")
    if library == "pyarrow":
        from pyarrow import csv

        frame = csv.read_csv(file)
    else:
        frame = module(library).read_csv(file)
    dataset = load("table", frame, "kind", test=frame)
    np.testing.assert_array_equal(dataset.x_train[:3], expected.x_train[:3])
    np.testing.assert_array_equal(dataset.x_test, dataset.x_train)
    assert dataset.classes == expected.classes
    assert dataset.categories == expected.categories or library == "pyarrow"  # whose reader leaves "" a name
    assert dataset.y_train.tolist() == dataset.y_test.tolist() == expected.y_train.tolist()
    x, y = load_test("table", dataset.classes, frame, schema=kept(dataset))
    np.testing.assert_array_equal(x, dataset.x_train)
    assert y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"a": np.array(["2020-01-01"] * 2, "M8[s]"), "k": [0, 1]}, r"column 'a' holds timestamp\[s\] values"),
        ({"a": [[1], [2]], "k": [0, 1]}, r"column 'a' holds list.* values; .*leave the column out: drop=\['a'\]"),
        ({"k": [0, 1]}, "one column, the label"),
        ({"a": [1.0, 2.0], "k": [None, "x"]}, "row 1 has no label"),
    ],
)
def test_frames_that_are_no_tables_of_numbers_and_text(columns: dict[str, Any], says: str) -> None:
    import pyarrow as pa

    with pytest.raises(DataError, match=says):
        load("table", pa.table(columns), "k")


def test_other_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a dict is not a table"):
        load("table", {"a": [1]}, "a")
    for name in ("t.parquet", "t.feather"):
        (tmp_path / name).write_bytes(b"PAR1")
        with pytest.raises(DataError, match=rf"{name}: not a sound"):
            load("table", tmp_path / name, "a")


def test_reading_by_a_schema_imports_neither_pyarrow_nor_narwhals(tmp_path: Path) -> None:
    file = write(tmp_path, "a;b\n1,5;x\n")
    code = f"""
import sys
sys.modules["pyarrow"] = sys.modules["narwhals"] = None
from lutsmith.circuit.tabular import Numerals, Schema
from lutsmith.data import read_samples
schema = Schema(2, ("a", "b"), (None, ("x",)), numerals={{0: Numerals(decimal=",")}}, delimiter=";", header=True)
print(read_samples({str(file)!r}, schema).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[[1.5, 0.0]]\n"


def test_without_pyarrow_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lutsmith.cli.errors import describe

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert load("csv", write(tmp_path, "a,k\n1,x\n2,y\n"), "k").classes == ("x", "y")
    (tmp_path / "t.parquet").touch()
    with pytest.raises(ModuleNotFoundError) as raised:
        load("table", tmp_path / "t.parquet", "k")
    assert "pip install 'lutsmith[tables]'" in (describe(raised.value) or "")


def test_a_header_of_12000_names_is_read_and_read_again(tmp_path: Path) -> None:
    names = [f"gene_{number:06}" for number in range(12_000)]
    rows = ["".join(f"{row + place % 7}," for place in range(12_000)) + "xy"[row] for row in range(2)]
    file = write(tmp_path, "\n".join([",".join([*names, "kind"]), *rows]))
    assert len(file.read_text().splitlines()[0]) > 131_072
    for target in ("kind", "-1"):
        dataset = load("csv", file, target)
        assert dataset.feature_names == tuple(names)
        assert dataset.classes == ("x", "y")
        np.testing.assert_array_equal(read_samples(file, kept(dataset)), dataset.x_train)


@pytest.mark.parametrize("header", [True, False])
def test_left_out_columns_are_left_out_again(tmp_path: Path, header: bool) -> None:
    rows = "1;9;x;5\n2;8;y;6\n3;7;x;7\n4;9;y;8\n"
    file = write(tmp_path, ("a;b;kind;c\n" if header else "") + rows)
    options = TableOptions(drop=("b",) if header else ("1",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = load("csv", file, 2, table=options)
    assert dataset.x_train.tolist() == [[1, 5], [2, 6], [3, 7], [4, 8]]
    schema = kept(dataset, feature_names=list(dataset.feature_names or "ac"))
    assert read_samples(file, schema).tolist() == dataset.x_train.tolist()
    unlabelled = write(tmp_path, ("c;a\n5;1\n" if header else "1;5\n"), "u.csv")
    assert read_samples(unlabelled, schema).tolist() == [[1, 5]]


def test_names_that_came_twice_are_told_apart_by_their_places(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("a,b,a\n1,2.5,7\n2,3.5,8\n", "utf-8")
    table = read_table(path, "0", TableOptions(drop=("2",), header=True))
    assert table.schema is not None
    (features,) = sample_batches(path, 3, table.schema)
    assert features.tolist() == [[2.5], [3.5]]
    assert read_text(path, table.schema).labels.tolist() == ["1", "2"]
    unlabelled = read_table(path, None, TableOptions(drop=("2",), header=True)).schema
    assert unlabelled is not None
    (features,) = sample_batches(path, 3, unlabelled)
    assert features.tolist() == [[1.0, 2.5], [2.0, 3.5]]
    path.write_text("a,a,b\n1,7,2.5\n", "utf-8")  # another order: which is which cannot be known
    with pytest.raises(DataError, match="several columns 'a'"):
        next(sample_batches(path, 3, unlabelled))
