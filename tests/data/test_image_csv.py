"""Images as rows of CSV: read as they were written, header or not, in LUTNets' splits; errors name lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from lutsmith.data import DataError, load
from lutsmith.data.images import image_csv, row_splits
from lutsmith.data.images.image_csv import read_image_csv
from lutsmith.data.images.mnist import MNIST
from lutsmith.data.images.row_splits import read_split

HEADER = "label," + ",".join(f"{y + 1}x{x + 1}" for y in range(28) for x in range(28)) + "\n"


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8), np.arange(count) % 10


def text(images: np.ndarray, labels: np.ndarray, end: str = "\n") -> str:
    flat = images.reshape(len(images), -1)
    return "".join(f"{label},{','.join(map(str, row))}{end}" for label, row in zip(labels, flat.tolist(), strict=True))


@pytest.mark.parametrize("header", [HEADER, "", "whatever\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("chunk", [1 << 20, 5000, 1021])
def test_rows_are_read_as_written(
    header: str, end: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_csv, "_CHUNK", chunk)
    images, labels = rows(9)
    content = header.replace("\n", end) + text(images, labels, end)
    for name, data in (("a.csv", content.encode()), ("b.csv.gz", gzip.compress(content.removesuffix(end).encode()))):
        (tmp_path / name).write_bytes(data)
        read, classes = read_image_csv(tmp_path / name)
        assert np.array_equal(read, images)
        assert np.array_equal(classes, labels)
        assert (read.dtype, classes.dtype, read.flags.writeable) == (np.uint8, np.int64, True)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_task_finds_csv_files_where_there_are_no_idx_files(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for part, count in (("train", 12), ("test", 5)):
        data = (HEADER + text(*rows(count))).encode()
        (tmp_path / "mnist" / f"mnist_{part}.csv{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    for folder in (tmp_path, tmp_path / "mnist"):
        dataset = load("mnist", folder)
        assert np.array_equal(dataset.x_train, rows(12)[0])
        assert np.array_equal(dataset.y_test, rows(5)[1])
    with pytest.raises(DataError, match=r"fashion-mnist_train.csv and fashion-mnist_test.csv"):
        load("fashion-mnist", tmp_path)


def test_splits_are_lutnets_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert row_splits.FIRST_VALIDATION_ROW == 50_000
    monkeypatch.setattr(row_splits, "FIRST_VALIDATION_ROW", 20)
    for part, count in (("train", 30), ("test", 6)):
        (tmp_path / f"mnist_{part}.csv").write_text(HEADER + text(*rows(count, count)))
    train, test = rows(30, 30), rows(6, 6)
    for split, count, expected in (
        ("train", None, (train[0][:20], train[1][:20])),
        ("train", 7, (train[0][:7], train[1][:7])),
        ("val", None, (train[0][20:], train[1][20:])),
        ("val", 4, (train[0][20:24], train[1][20:24])),
        ("test", None, test),
        ("test", 2, (test[0][:2], test[1][:2])),
    ):
        for found, wanted in zip(read_split(MNIST, tmp_path, split, count), expected, strict=True):
            assert np.array_equal(found, wanted)
    for split, count, message in (
        ("train", 21, "rows is 21; expected rows of train, an integer from 1 to 20"),
        ("val", 11, "from 1 to 10"),
        ("test", 0, "rows is 0"),
        ("valid", None, "split is 'valid'; .* did you mean 'val'"),
    ):
        with pytest.raises(DataError, match=message):
            read_split(MNIST, tmp_path, split, count)
    monkeypatch.setattr(row_splits, "FIRST_VALIDATION_ROW", 40)
    with pytest.raises(DataError, match="30 rows, none from row 40 on for val"):
        read_split(MNIST, tmp_path, "val")


GOOD = text(*rows(3))
DAMAGED = {
    "empty": ("", "no rows"),
    "header alone": (HEADER, "no rows; expected a label and 28 x 28 pixels"),
    "short": (HEADER + GOOD + "1,2,3\n", "line 5: 3 fields, expected 785: a label and 28 x 28 pixels"),
    "long": (GOOD.replace("\n", ",7\n", 1), "line 1: 786 fields"),
    "32 x 32": ("1," + ",".join(["0"] * 1024) + "\n", "line 1: 1025 fields"),
    "blank line": (HEADER + GOOD + "\n" + GOOD, "line 5: 1 fields"),
    "above": (
        HEADER + GOOD + "3," + "0," * 783 + "256\n",
        "line 5: the pixel 783 is '256', expected an int",
    ),
    "four digits": (HEADER + GOOD + "3," + "0," * 783 + "1000\n", "line 5: the pixel 783 is '1000'"),
    "fraction": (HEADER + "3,0.5," + "0," * 782 + "1\n", "line 2: the pixel 0 is '0.5'"),
    "negative": (HEADER + "-3," + "0," * 783 + "1\n", "line 2: the label is '-3'"),
    "missing": (HEADER + "3,," + "0," * 782 + "1\n", "line 2: the pixel 0 is ''"),
    "name": (HEADER + "cat," + "0," * 783 + "1\n", "line 2: the label is 'cat'"),
}


@pytest.mark.parametrize("chunk", [1 << 20, 900])
@pytest.mark.parametrize("case", sorted(DAMAGED))
def test_damaged_files_say_which_line(case: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_csv, "_CHUNK", chunk)
    content, message = DAMAGED[case]
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_image_csv(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


FIRST_ROWS = {  # a data row that is not a row of plain digits is not taken for a header and dropped
    "1,-2,3,4,5": "the pixel 0 is '-2'",
    "1, 2,3,4,5": "the pixel 0 is ' 2'",
    "1,2 ,3,4,5": "the pixel 0 is '2 '",
    "1.0,2,3,4,5": "the label is '1.0'",
    "1,2,3,4,1e2": "the pixel 3 is '1e2'",
    "1,nan,3,4,5": "the pixel 0 is 'nan'",
    "1,,3,4,5": "the pixel 0 is ''",
    "cat,2,3,4,5": "the label is 'cat'",
    '"1","2","3","4","5"': """the label is '"1"'""",
    "name,0,1,2,4": "the label is 'name'",
}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("first", sorted(FIRST_ROWS))
def test_a_first_row_with_a_number_is_a_row_as_it_is_below(first: str, mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content, line in ((f"{first}\n2,2,3,4,5\n", 1), (f"2,2,3,4,5\n{first}\n", 2)):
        path.write_bytes(mark + content.encode())
        with pytest.raises(DataError, match=f"line {line}: {FIRST_ROWS[first]}, expected an integer of 0 to 255"):
            read_image_csv(path, (2, 2))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("header", ["", "label,a,b,c,d\n", "label,0,1,2,3\n", "label,1,2,3,4\n", '"y","a",,,\n'])
@pytest.mark.parametrize("chunk", [1, 2, 1 << 20])
def test_a_byte_order_mark_is_no_part_of_the_first_row(
    header: str, zipped: bool, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_csv, "_CHUNK", chunk)
    path = tmp_path / "a.csv"
    for mark in (b"", b"\xef\xbb\xbf"):
        for end in ("\n", ""):
            data = mark + f"{header}1,2,3,4,5\n2,2,3,4,6{end}".encode()
            path.write_bytes(gzip.compress(data) if zipped else data)
            images, labels = read_image_csv(path, (2, 2))
            assert labels.tolist() == [1, 2]
            assert images.reshape(2, 4).tolist() == [[2, 3, 4, 5], [2, 3, 4, 6]]
        for short in (b"", b"1"):
            path.write_bytes(mark + short)
            with pytest.raises(DataError, match="line 1: 1 fields" if short else "no rows"):
                read_image_csv(path, (2, 2))


@pytest.mark.parametrize("shape", [(0, 0), (28, 0), (-1, 3), (784,), (1, 28, 28), (2.5, 2), "2x2", (1 << 20, 1 << 20)])
def test_a_shape_that_no_image_has_is_one_clear_line(shape, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    with pytest.raises((TypeError, ValueError), match="shape") as caught:
        read_image_csv(tmp_path / "a.csv", shape)
    assert "\n" not in str(caught.value)
    assert type(caught.value) in (TypeError, ValueError)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(GOOD.encode())[:-9])
    with pytest.raises(DataError, match="damaged gzip"):
        read_image_csv(tmp_path / "cut.gz")
    with pytest.raises(DataError, match="cannot read"):
        read_image_csv(tmp_path / "none.csv")
    for part in ("train", "test"):
        (tmp_path / f"mnist_{part}.csv").write_text(HEADER + "11," + "0," * 783 + "1\n")
    with pytest.raises(DataError, match="label 11; mnist has the classes 0 to 9"):
        load("mnist", tmp_path)
