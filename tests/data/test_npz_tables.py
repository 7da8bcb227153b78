"""NPZ archives: two layouts, no pickle, and damage that ends in one clear error."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.data import DataError, load, load_test
from lutsmith.data.archive import read_npz, read_npz_table

X = np.arange(12, dtype=np.uint8).reshape(4, 3)


def save(folder: Path, name: str = "t.npz", **arrays: object) -> Path:
    np.savez_compressed(folder / name, **arrays)
    return folder / name


def test_samples_and_labels(tmp_path: Path) -> None:
    names = np.array(["a", "b", "c"])
    dataset = load("npz", save(tmp_path, X=X, y=np.array([5, 5, 9, 5]), feature_names=names))
    assert dataset.x_train.dtype == np.uint8
    assert dataset.x_train.flags.writeable
    assert dataset.classes == (5, 9)
    assert type(dataset.classes[0]) is int
    assert dataset.y_train.tolist() == [0, 0, 1, 0]
    assert dataset.feature_names == ("a", "b", "c")


def test_columns_as_arrays_of_their_own(tmp_path: Path) -> None:
    file = save(
        tmp_path, width=np.array([1.5, 2, 3]), kind=np.array(["p", "q", "p"]), height=np.array([True, False, True]),
        kind__categories=np.array(["p", "q"]),
    )  # fmt: skip
    dataset = load("npz", file, target="kind")
    assert dataset.feature_names == ("width", "height")
    assert dataset.x_train.tolist() == [[1.5, 1], [2, 0], [3, 1]]
    assert dataset.classes == ("p", "q")


def test_an_array_called_columns_gives_their_order(tmp_path: Path) -> None:
    ones = np.ones(3)
    file = save(tmp_path, b=ones, a=ones * 2, t=np.array([0, 1, 0]), split=ones, columns=np.array(["a", "b", "t"]))
    dataset = load("npz", file, target="t")
    assert dataset.feature_names == ("a", "b")
    assert dataset.x_train.tolist() == [[2, 1]] * 3


def test_a_test_file_counts_in_the_training_classes(tmp_path: Path) -> None:
    train, test = save(tmp_path, X=X, y=np.array(list("abca"))), save(tmp_path, "u.npz", X=X[:1], y=np.array(["c"]))
    dataset = load("npz", train, test=test)
    assert dataset.y_test.tolist() == [2]
    assert load_test("npz", dataset.classes, test)[1].tolist() == [2]


@pytest.mark.parametrize(
    ("arrays", "target", "message"),
    [
        ({"X": X}, None, "no labels"),
        ({"X": X, "y": np.arange(4)}, "label", "no array 'label'; the archive holds 'X', 'y'"),
        ({"X": X, "y": np.arange(3)}, None, r"y has shape \(3,\); expected \(4,\)"),
        ({"X": X[0], "y": np.arange(3)}, None, r"X has shape \(3,\)"),
        ({"X": X.astype(str), "y": np.arange(4)}, None, "X is text; features must be numbers"),
        ({"X": X.astype(complex), "y": np.arange(4)}, None, "X is complex128"),
        ({"X": X, "y": np.array([1, np.nan, 0, 0])}, None, "missing or infinite"),
        ({"X": X, "y": X[:, 0].astype(complex)}, None, "labels of type complex128"),
        ({"a": np.ones(3), "b": np.ones(4), "t": np.arange(3)}, "t", r"b has shape \(4,\), a has \(3,\)"),
        ({"a": np.array(["u", "v"]), "t": np.arange(2)}, "t", "a is text"),
        ({"t": np.arange(2)}, "t", "no feature arrays"),
        ({"X": np.zeros((0, 3)), "y": np.zeros(0, int)}, None, "0 class in 0 rows"),
        ({"X": np.array([[1, None]]), "y": np.arange(1)}, None, "Python objects"),
    ],
)
def test_what_is_no_table_is_one_clear_line(tmp_path: Path, arrays: dict, target: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        load("npz", save(tmp_path, **arrays), target=target)
    assert "\n" not in str(raised.value)


def test_values_beyond_float32_are_infinite(tmp_path: Path) -> None:
    assert np.isposinf(read_npz_table(save(tmp_path, X=np.array([[1e300]]))).x).all()


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", ">u4", "?", "<U3"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_read_back(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(6).reshape(2, 3).astype(dtype), order=order)
    np.testing.assert_array_equal(read_npz(save(tmp_path, a=array, b=np.zeros((0, 2))))["a"], array)


def member(header: str, values: bytes) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + values


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (member("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 9)}", b""), "declares"),
        (member("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}", b"x" * 16), "declares"),
        (member("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", b"x" * 16), "its header says 8"),
        (member("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"x" * 16), "Python objects"),
        (member("{'descr': '<f8', 'fortran_order': False", b""), "not a sound"),
        (member("(" * 4000, b""), "not a sound"),
        (b"\x93NUMPY\x03\x00", "format 3.0"),
        (b"GIF89a", "not a sound"),
        (b"", "not a sound"),
    ],
)
def test_damaged_members_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("X.npy", content)
    with pytest.raises(DataError, match=message) as raised:
        read_npz(tmp_path / "t.npz")
    assert "\n" not in str(raised.value)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), compressed=st.booleans())
def test_any_change_of_an_archive_reads_or_is_a_data_error(
    tmp_path: Path, data: st.DataObject, compressed: bool
) -> None:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, X=X, y=np.arange(4))
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "t.npz").write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with contextlib.suppress(DataError):
        read_npz_table(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("name", "rows", "features", "dtype"),
    [("dry_bean", 13611, 16, "float32"), ("magic_gamma", 19020, 10, "float32"), ("skin_seg", 245057, 3, "uint8")],
)
def test_real_archives(datasets: Path, name: str, rows: int, features: int, dtype: str) -> None:
    dataset = load("npz", datasets / name / f"{name}.npz")
    assert dataset.x_train.shape == (rows, features)
    assert dataset.x_train.dtype == dtype
    assert len(dataset.feature_names) == features
