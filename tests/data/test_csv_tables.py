"""Text tables: headers, quotes, delimiters, missing values and labels are read as people write them."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.data import DataError, load, load_test
from lutsmith.data.tables.table import read_table

FILES = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


NUMBERS = "a,b\n" + "".join(f"{row},{row % 99}\n" for row in range(100))
MANY = "a,b\n" + "".join(f"{row},id {row}\n" for row in range(1001))


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b,label\n1,2,x\n3,4,y\n", ("a", "b", "label")),
        ("1,2,x\n3,4,y\n", None),
        ("1,2\n3,4\n", None),
        ("0,1,2\n5,6,7\n", ("0", "1", "2")),  # as exported arrays name their columns
        ("a;b\n1;2\n", ("a", "b")),
        ("a\tb\n1\t2\n", ("a", "b")),
        ('"a, b",c\n1,2\n', ("a, b", "c")),
        ("\ufeffa,b\n1,2\n", ("a", "b")),
        ("\n\na,b\n\n1,2\n", ("a", "b")),
        ("a,b\n?,1\n2,\n", ("a", "b")),
        ("5.1,Iris\n4.9,Iris\n", None),
    ],
)
def test_headers_are_told_from_values(tmp_path: Path, text: str, names: tuple[str, ...] | None) -> None:
    assert read_table(write(tmp_path, text), None).names == names


def test_a_named_target_makes_the_first_row_a_header(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "1,kind\n2,x\n3,y\n"), target="kind")
    assert table.names == ("1",)
    assert table.x.tolist() == [[2], [3]]
    assert table.labels.tolist() == ["x", "y"]


@pytest.mark.parametrize(("target", "labels"), [("2", "xy"), (-1, "xy"), (2, "xy")])
def test_a_target_may_be_a_place(tmp_path: Path, target: str | int, labels: str) -> None:
    table = read_table(write(tmp_path, "1,2,x\n3,4,y\n"), target)
    assert "".join(table.labels) == labels
    assert table.x.tolist() == [[1, 2], [3, 4]]


def test_missing_values_become_nan(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b,c,d,e\n1,,?,NA, nan \n2,null,None,N/A,5\n"), None)
    np.testing.assert_array_equal(np.isnan(table.x), [[0, 1, 1, 1, 1], [0, 1, 1, 1, 0]])


def test_rows_of_missing_values_are_rows(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a,b\n1,2\n,\n3,4\n"), None).x.shape == (3, 2)


def test_gzipped_tables_are_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(file, None).x.tolist() == [[1, 2]]


@FILES
@given(
    rows=st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(st.floats(width=32), min_size=width, max_size=width), min_size=1, max_size=6)
    ),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.booleans(),
)
def test_what_is_written_is_what_is_read(
    tmp_path: Path, rows: list[list[float]], delimiter: str, quoting: int, end: str, header: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    if header:
        writer.writerow([f'{delimiter}name "{i}"' for i in range(len(rows[0]))])
    if len(rows[0]) == 1 and not header:
        rows = [[0.5], *rows]  # one field a row: no delimiter to be found
    writer.writerows(rows)
    file = tmp_path / "t.csv"
    file.write_bytes(text.getvalue().encode())
    np.testing.assert_array_equal(read_table(file, None).x, np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", None, "no rows"),
        ("a,b\n", None, "a header and no rows"),
        ("a,b\n1,2\n3\n", None, "line 3 has 1 fields, the first row has 2"),
        (NUMBERS + "1,blue\n", None, r"column 'b' is text \('blue' in line 102\) among 99 numbers"),
        ("1,2\n" * 200 + NUMBERS[4:] + "1,blue\n", None, r"column 1 is text \('blue' in line 301\) among 99 numbers"),
        (MANY, None, r"column 'b' is text \('id 0' in line 2\) and has more than 1,000 different values"),
        ("a,b\n1,2\n", "c", "no column 'c'; the columns are 'a', 'b'"),
        ("1,2\n3,4\n", "5", "no column '5'; without a header the columns are 0 to 1"),
        ("1,2\n3,4\n", "label", "no column 'label'"),
        ("a,a\n1,2\n", "a", "2 columns are called 'a'"),
        ("a\n1\n", "a", "expected feature columns"),
        ('a,b\n1,"' + "x" * 200_000 + '"\n', None, "not a table of text fields"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, text: str, target: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read_table(write(tmp_path, text), target)
    assert "\n" not in str(raised.value)


def test_files_that_are_no_text_are_errors(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"a,b\n1,\xe9\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_table(tmp_path / "latin.csv", None)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    with pytest.raises(DataError, match="gzip"):
        read_table(tmp_path / "cut.gz", None)
    (tmp_path / "long.gz").write_bytes(gzip.compress(bytes(40 << 20), 9))
    with pytest.raises(DataError, match="characters"):
        read_table(tmp_path / "long.gz", None)


@FILES
@given(
    content=st.binary(max_size=80) | st.text(",;\"'\n\r\t 1a.?", max_size=80).map(str.encode),
    target=st.sampled_from([None, -1, "a"]),
)
def test_any_bytes_read_or_are_a_data_error(tmp_path: Path, content: bytes, target: str | int | None) -> None:
    (tmp_path / "any.csv").write_bytes(content)
    with contextlib.suppress(DataError):
        table = read_table(tmp_path / "any.csv", target)
        assert table.x.ndim == 2
        assert table.labels is None or len(table.labels) == len(table.x)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        ("3 1 2 1", (1, 2, 3)),
        ("-1 1", (-1, 1)),
        ("1.0 2.5", (1.0, 2.5)),
        ("007 1", ("007", "1")),
        ("x y", ("x", "y")),
        ("1 y", ("1", "y")),
        ("True False", ("False", "True")),
    ],
)
def test_labels_keep_their_values_and_types(tmp_path: Path, cells: str, classes: tuple[object, ...]) -> None:
    text = "f,kind\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells.split()))
    dataset = load("csv", write(tmp_path, text), target="kind")
    assert dataset.classes == classes
    assert [type(label) for label in dataset.classes] == [type(label) for label in classes]
    assert [str(dataset.classes[i]) for i in dataset.y_train] == [str(type(classes[0])(c)) for c in cells.split()]


def test_test_rows_are_matched_by_name_and_counted_in_the_training_classes(tmp_path: Path) -> None:
    train = write(tmp_path, "a,b,kind\n1,2,x\n3,4,y\n5,6,z\n")
    test = write(tmp_path, "kind,b,extra,a\nz,20,0,10\nx,40,0,30\n", "test.csv")
    dataset = load("csv", train, "kind", test)
    assert dataset.x_test.tolist() == [[10, 20], [30, 40]]
    assert dataset.y_test.tolist() == [2, 0]
    assert dataset.feature_names == ("a", "b")
    x, y = load_test("csv", dataset.classes, test, "kind", dataset.schema)
    assert x.tolist() == dataset.x_test.tolist()
    assert y.tolist() == [2, 0]


def test_text_classes_read_number_like_labels_as_text(tmp_path: Path) -> None:
    train = write(tmp_path, "a,kind\n1,007\n2,8\n3,x\n")
    test = write(tmp_path, "a,kind\n1,8\n", "test.csv")
    assert load("csv", train, "kind", test).y_test.tolist() == [1]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("a,kind\n1,x\n2,y\n", "a,kind\n1,q\n", "label 'q' is none of the 2 known classes: 'x', 'y'"),
        ("a,kind\n1,x\n2,y\n", "b,kind\n1,x\n", "no column 'a' in the data, whose columns are 'b', 'kind'"),
        ("a,kind\n1,x\n2,\n", None, "row 2 has no label"),
        ("a,kind\n1,x\n2,x\n", None, "1 class in 2 rows"),
        ("a,kind\n" + "".join(f"1,{i}.5\n" for i in range(1500)), None, "is this a column of labels"),
    ],
)
def test_labels_that_make_no_classes_are_errors(tmp_path: Path, train: str, test: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load("csv", write(tmp_path, train), "kind", None if test is None else write(tmp_path, test, "test.csv"))


def test_without_a_target_the_error_lists_the_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"give target=COLUMN; the columns are a, kind"):
        load("csv", write(tmp_path, "a,kind\n1,x\n"))


def test_iris_has_three_classes_of_fifty(datasets: Path) -> None:
    iris = load("csv", datasets / "iris" / "iris.data", target=-1)
    assert iris.x_train.shape == (150, 4)
    assert iris.classes == ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    assert np.bincount(iris.y_train).tolist() == [50, 50, 50]
