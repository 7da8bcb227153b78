"""Samples for prediction: the file's name tells the format, and the model's columns are found by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit.tabular import Schema
from lutsmith.data import DataError, read_samples

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_npy_is_memory_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    samples = read_samples(tmp_path / "x.npy")
    assert isinstance(samples, np.memmap)
    np.testing.assert_array_equal(samples, X)


@pytest.mark.parametrize(
    "arrays", [{"X": X}, {"x": X, "y": X[:, 0]}, {"anything": X}, {"b": X[:, 1], "a": X[:, 0], "c": X[:, 2]}]
)
def test_npz_samples_are_found(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    np.testing.assert_array_equal(read_samples(tmp_path / "x.npz", Schema(3, ("a", "b", "c"))), X)


def test_csv_columns_are_picked_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("kind,b,a\np,1,0\nq,3,2\n")
    assert read_samples(tmp_path / "x.csv", Schema(2, ("a", "b"))).tolist() == [[0, 1], [2, 3]]
    assert read_samples(tmp_path / "x.csv", Schema(2, label_name="kind")).tolist() == [[1, 0], [3, 2]]
    with pytest.raises(DataError, match="no column 'c'"):
        read_samples(tmp_path / "x.csv", Schema(2, ("a", "c")))


def test_csv_without_a_header_is_all_columns(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,0\n3,2\n")
    assert read_samples(tmp_path / "x.csv", Schema(2, ("a", "b"), label_name="kind")).tolist() == [[1, 0], [3, 2]]


@pytest.mark.parametrize("name", ["x.idx", "x.idx.gz", "t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "X.IDX"])
def test_idx_is_read_under_its_usual_names(tmp_path: Path, name: str) -> None:
    content = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 5, 6, 7, 8])
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_samples(tmp_path / name).tolist() == [[[5, 6], [7, 8]]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"1,2\n", "unknown kind of file"),
        ("x.npy", b"", "not a sound .npy"),
        ("x.npy", b"\x93NUMPY\x01\x00\x04\x00{}  ", "not a sound .npy"),
        ("x.npz", b"PK", "not a sound .npz"),
        ("x.idx", b"\0\0\x08\x01\0\0\0\1\5", "labels"),
    ],
)
def test_files_without_samples_are_errors(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        read_samples(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_arrays_that_are_no_samples_are_errors(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.array([["a"]]))
    np.save(tmp_path / "flat.npy", X[0])
    np.save(tmp_path / "object.npy", np.array([[None]]), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "flat.npy").read_bytes()[:-4])
    np.savez(tmp_path / "flat.npz", a=X[0])
    for file in ("text.npy", "flat.npy", "object.npy", "cut.npy", "flat.npz"):
        with pytest.raises(DataError, match=file):
            read_samples(tmp_path / file)
    with pytest.raises(DataError, match="does not exist"):
        read_samples(tmp_path / "none.npy")
    with pytest.raises(DataError, match="is a folder"):
        read_samples(tmp_path)
