"""Arrow data: every type of number, nulls, offsets and chunks give the rows that the same numbers give as an array."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.engine.arrow import array_batch, stream_batches
from tests.tools import module

from .test_streams import CIRCUIT, FLAT, IMAGES, joined, named

pa = module("pyarrow")

TYPES = (
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bool",
)
NAMES = [f"x{number}" for number in range(12)]


def table(X: np.ndarray, names: list[str] = NAMES) -> Any:
    return pa.table({name: X[:, place] for place, name in enumerate(names)})


@given(
    seed=st.integers(0, 2**32),
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=4),
    length=st.integers(0, 40),
    cut=st.tuples(st.integers(0, 10), st.integers(0, 30)),
    nulls=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_rows_are_those_of_the_same_numbers(seed, types, length, cut, nulls) -> None:
    rng = np.random.default_rng(seed)
    arrays, expected = [], []
    for kind in types:
        values = rng.integers(0, 2 if kind == "bool" else 100, length).astype(kind)
        missing = rng.random(length) < 0.3 if nulls else np.zeros(length, bool)
        arrays.append(pa.array(values, mask=missing))
        expected.append(np.where(missing, np.nan, values.astype(np.float32)))
    batch = pa.record_batch(arrays, [str(place) for place in range(len(types))]).slice(*cut)
    wanted = np.stack(expected, 1)[cut[0] : cut[0] + cut[1]].astype(np.float32)
    record = array_batch(batch)
    start, stop = sorted(rng.integers(0, len(record) + 1, 2))
    rows = record.rows(range(len(types)), int(start), int(stop))
    assert np.array_equal(rows.astype(np.float32), wanted[start:stop], equal_nan=True)


def test_a_stream_without_pyarrow_imported_is_read() -> None:
    """The reader knows the C interface alone."""
    code = "import sys, lutsmith.circuit.engine.arrow, lutsmith.circuit.engine.streams; print('pyarrow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout == "False\n", done.stderr


def sources(tmp_path: Path) -> dict[str, Any]:
    from pyarrow import dataset, parquet

    whole = table(FLAT)
    parquet.write_table(whole, tmp_path / "x.parquet", row_group_size=170)
    batches = whole.to_batches(max_chunksize=130)
    return {
        "table": whole,
        "chunked table": pa.Table.from_batches(batches),
        "sliced table": pa.concat_tables([whole.slice(0, 77), whole.slice(77)]),
        "reader": pa.RecordBatchReader.from_batches(whole.schema, iter(batches)),
        "list of record batches": batches,
        "generator of tables": (pa.Table.from_batches([batch]) for batch in batches),
        "data set": dataset.dataset(tmp_path / "x.parquet"),
        "scanner": dataset.dataset(tmp_path / "x.parquet").scanner(batch_size=100),
        "Parquet file": parquet.ParquetFile(tmp_path / "x.parquet"),
        "path": tmp_path / "x.parquet",
        "path as text": str(tmp_path / "x.parquet"),
    }


@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs"])
def test_every_source_of_arrow_data_gives_what_the_array_gives(tmp_path: Path, method: str) -> None:
    expected = getattr(CIRCUIT, method)(IMAGES)
    for name, source in sources(tmp_path).items():
        results = list(CIRCUIT.predict_batches(source, batch=90, method=method))
        assert max(map(len, results)) <= 90, name
        assert np.array_equal(np.concatenate(results), expected), name


def test_lists_and_bytes_of_fixed_size_are_samples_and_not_copied() -> None:
    flat = pa.array(FLAT.reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(flat, 12)
    nested = pa.FixedSizeListArray.from_arrays(pa.FixedSizeListArray.from_arrays(flat, 3), 4)
    binary = pa.array([row.tobytes() for row in FLAT], pa.binary(12))
    for column in (lists, nested, binary):
        batch = pa.record_batch([column], ["pixels"])
        rows = array_batch(batch.slice(5, 100)).rows([0], 2, 50)
        assert np.array_equal(rows, FLAT[7:55])
        assert not rows.flags.owndata
        assert np.array_equal(joined(CIRCUIT.predict_batches(batch, batch=300)), CIRCUIT.predict(IMAGES))
    assert np.shares_memory(array_batch(pa.record_batch([lists], ["x"])).rows([0], 0, 1000), flat.to_numpy())


def test_arrays_keep_the_memory_that_they_show() -> None:
    values = np.arange(120_000, dtype=np.float32).reshape(-1, 12)
    before = pa.total_allocated_bytes()

    def batch() -> Any:
        return pa.record_batch(
            [pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1).tolist(), pa.float32()), 12)], ["x"]
        )

    rows = array_batch(batch()).rows([0], 0, len(values))
    gc.collect()
    assert pa.total_allocated_bytes() > before
    assert np.array_equal(rows, values)
    del rows
    gc.collect()
    assert pa.total_allocated_bytes() == before
    for record in stream_batches(pa.Table.from_batches([batch(), batch()])):
        assert len(record) == len(values)
    del record
    gc.collect()
    assert pa.total_allocated_bytes() == before


def test_a_stream_that_is_left_early_is_released() -> None:
    closed = []

    def batches() -> Iterator[Any]:
        try:
            while True:
                yield table(FLAT).to_batches()[0]
        finally:
            closed.append(True)

    results = CIRCUIT.predict_batches(pa.RecordBatchReader.from_batches(table(FLAT).schema, batches()))
    next(results)
    results.close()
    gc.collect()
    assert closed == [True]


def test_nulls_are_nan_also_within_lists() -> None:
    lists = pa.array([[1, None, 3], None, [4, 5, 6]], pa.list_(pa.int32(), 3))
    rows = array_batch(pa.record_batch([lists], ["x"])).rows([0], 0, 3)
    assert np.array_equal(rows, [[1, np.nan, 3], [np.nan] * 3, [4, 5, 6]], equal_nan=True)
    nothing = array_batch(pa.record_batch([pa.nulls(2), pa.array([1, 2], pa.int8())], ["a", "b"])).rows([0, 1], 0, 2)
    assert np.array_equal(nothing, [[np.nan, 1], [np.nan, 2]], equal_nan=True)


def test_columns_are_found_by_name() -> None:
    circuit = named(["b", "a", "c"], target="kind")
    X = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200], [0, 0, 0]], np.float32)
    shuffled = pa.table({"c": X[:, 2], "kind": ["x", "y", "z", "x"], "a": X[:, 1], "b": X[:, 0]})
    expected = circuit.decision_function(X)
    assert np.array_equal(joined(circuit.predict_batches(shuffled, method="decision_function")), expected)
    renamed = shuffled.rename_columns(["r", "kind", "q", "p"])
    given = circuit.predict_batches(renamed, columns=["p", "q", "r"], method="decision_function")
    assert np.array_equal(joined(given), expected)
    with pytest.raises(ValueError, match="no column 'b' in the data, whose columns are 'r', 'kind', 'q', 'p'"):
        next(circuit.predict_batches(renamed))


def test_a_parquet_file_gives_the_columns_by_name_and_says_which_is_missing(tmp_path: Path) -> None:
    from pyarrow import parquet

    circuit = named(["b", "a"])
    parquet.write_table(pa.table({"a": [0.0, 200], "note": ["x", "y"], "b": [200.0, 0]}), tmp_path / "t.parquet")
    expected = circuit.predict(np.array([[200, 0], [0, 200]]))
    assert np.array_equal(joined(circuit.predict_batches(tmp_path / "t.parquet")), expected)
    with pytest.raises(ValueError, match="no column 'z' in the data"):
        list(circuit.predict_batches(tmp_path / "t.parquet", columns=["a", "z"]))


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"a": [1.0]}, ValueError, r"1 columns of 1 features in all \('a'\), expected 2"),
        ({"a": [1], "b": [2], "c": [3]}, ValueError, "3 columns of 3 features in all"),
        ({"a": ["x"], "b": [1]}, ValueError, "column 0, row 0: 'x' is not a number; expected numbers"),
        ({"a": [[1, 2]], "b": [1]}, TypeError, "column 'a' holds lists"),
        ({"a": [{"x": 1}], "b": [1]}, TypeError, "column 'a' holds structs"),
        ({"a": [np.datetime64(1, "s")], "b": [1]}, TypeError, "column 'a' holds times"),
    ],
)
def test_wrong_columns_are_named(columns: dict[str, list[Any]], error: type[Exception], message: str) -> None:
    circuit = named(["p", "q"])
    bare = type(circuit)(circuit.input_shape, circuit.encoder, circuit.netlist, circuit.head)
    with pytest.raises(error, match=message):
        list(bare.predict_batches(pa.table(columns)))


def test_dictionaries_and_repeated_columns_are_refused() -> None:
    circuit = named(["p", "q"])
    with pytest.raises(ValueError, match="column 'p', row 0: 'x' is not a number"):
        list(circuit.predict_batches(pa.table({"p": pa.array(["x"]).dictionary_encode(), "q": [1]})))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["p", "p"])
    with pytest.raises(ValueError, match="several columns 'p'"):
        list(circuit.predict_batches(twice))


def test_a_stream_that_breaks_off_says_why() -> None:
    def batches() -> Iterator[Any]:
        yield table(FLAT).to_batches()[0]
        raise ValueError("the cable was cut")

    results = CIRCUIT.predict_batches(pa.RecordBatchReader.from_batches(table(FLAT).schema, batches()))
    next(results)
    with pytest.raises(OSError, match=r"the Arrow stream broke off: .*the cable was cut"):
        next(results)


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "text"])
def test_damaged_parquet_files_are_refused(tmp_path: Path, damage: str) -> None:
    from pyarrow import parquet

    path = tmp_path / "x.parquet"
    parquet.write_table(table(FLAT), path)
    data = bytearray(path.read_bytes())
    flipped = bytes(byte ^ 255 if place > len(data) // 4 else byte for place, byte in enumerate(data[:-8])) + data[-8:]
    path.write_bytes({"truncated": data[:-100], "empty": b"", "flipped": flipped, "text": b"a,b\n1,2\n"}[damage])
    with pytest.raises(ValueError, match=r"x\.parquet: not a sound Parquet file"):
        list(CIRCUIT.predict_batches(path))


def test_without_pyarrow_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lutsmith\[tables\]'"):
        list(CIRCUIT.predict_batches(tmp_path / "x.parquet"))
