"""A header does not become a row, and a row does not become a header; where it cannot be told, it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit.tabular import Schema
from lutsmith.data import DataError, Reading, TableOptions, TableWarning, load, read_samples
from lutsmith.data.tables.table import read_table

from .test_categories import write

ROWS = "red,big,a\nblue,small,b\nred,small,a\nblue,big,b\n"
YEARS = "5,6,a\n7,8,b\n6,6,a\n7,9,b\n"
CANNOT_TELL = "may be a header or a row: .*; give header=True or header=False"


def test_a_header_above_names_is_not_a_row(tmp_path: Path) -> None:
    for target in (-1, "kind"):
        dataset = load("csv", write(tmp_path, "colour,size,kind\n" + ROWS), target)
        assert dataset.classes == ("a", "b")
        assert dataset.feature_names == ("colour", "size")
        assert len(dataset.x_train) == 4
    dataset = load("csv", write(tmp_path, ROWS), -1)
    assert (dataset.classes, dataset.feature_names, len(dataset.x_train)) == (("a", "b"), None, 4)


def test_a_header_of_numbers_is_not_a_row(tmp_path: Path) -> None:
    file = write(tmp_path, "2019,2020,y\n" + YEARS)
    with pytest.warns(TableWarning, match="'y' does not recur in its column .*give header=False"):
        dataset = load("csv", file, -1)
    assert dataset.classes == ("a", "b")
    assert dataset.feature_names == ("2019", "2020")
    assert load("csv", file, "y").feature_names == ("2019", "2020")
    assert load("csv", file, -1, table={"header": True}).classes == ("a", "b")
    assert load("csv", file, -1, table={"header": False}).classes == ("a", "b", "y")
    assert load("csv", write(tmp_path, YEARS), -1).feature_names is None


@pytest.mark.parametrize("first", ["1.5,x,3,c", "x,2,3,a2", "x,2,3,4"])
def test_a_first_row_with_numbers_is_not_dropped_silently(first: str, tmp_path: Path) -> None:
    file = write(tmp_path, first + "\n" + "1,2,3,a\n2,2,4,b\n" * 5)
    with pytest.warns(TableWarning, match="'x' stands above numbers or dates; give header=False if it is a row"):
        assert len(read_table(file, "-1").x) == 10
    assert len(read_table(file, "-1", TableOptions(header=True)).x) == 10
    with pytest.warns(TableWarning, match=r"column .: of 11 values 10 look like plain numbers"):
        assert len(read_table(file, "-1", TableOptions(header=False)).x) == 11


@pytest.mark.parametrize(
    "text",
    [
        "one,two,three\nx,y,z\nu,v,w\n",  # nothing recurs
        "2019,2020,2021\n5,6,0\n7,8,1\n6,6,0\n7,9,1\n",  # a class of one row, or a header of years
        "size,kind,a\n1,x,kind\n2,kind,x\n",  # text above numbers, and a name among the values
    ],
)
def test_where_it_cannot_be_told_it_is_asked_for(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(DataError, match=CANNOT_TELL):
        read_table(file, "-1")
    rows = text.count("\n")
    for header in (True, False):
        assert len(read_table(file, "-1", TableOptions(header=header)).x) == rows - header


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("when,what\n2020-01-01,x\n2020-01-02,y\n", True),
        ("2020-01-01,x\n2020-01-02,y\n2020-01-03,x\n", False),
        ("price;kind\n1,5;x\n2,5;y\n", True),
        ("1,5;x\n2,5;y\n3,5;x\n", False),
        ("5.1,Iris\n4.9,Iris\n", False),
        ("3+,x\n1,y\n2,x\n3+,x\n", False),
        ("a,k\n1,x\n2,x\n3+,x\n", True),
    ],
)
@pytest.mark.filterwarnings("ignore::lutsmith.data.TableWarning")
def test_headers_are_told_from_rows_of_every_kind(tmp_path: Path, text: str, header: bool) -> None:
    assert (read_table(write(tmp_path, text), None).names is not None) == header


def test_a_named_target_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'label'; the columns are 'red', 'big', 'a'"):
        load("csv", write(tmp_path, ROWS), "label")


NUMBERS = Schema(2, ("a", "b"), header=True, delimiter=",")
NAMES = Schema(2, ("colour", "size"), (("blue", "red"), ("big", "small")), header=True, delimiter=",")


def test_a_file_of_other_columns_is_not_read_by_place(tmp_path: Path) -> None:
    for schema, text, says in [
        (NUMBERS, "b,c\n1,2\n", "no column 'a'"),
        (NUMBERS, "x,y\n1,2\n", "neither a row of values nor a header with the model's columns"),
        (NUMBERS, "1,y\n1,2\n", "neither a row of values nor"),
        (NAMES, "farbe,groesse\nred,big\n", "neither a row of values nor"),
        (NAMES, "farbe,size\nred,big\n", "no column 'colour'"),
        (Schema(3, ("a", "b", "c")), "0,1,2\n5,6,7\n", "neither a row of values nor"),
        (NUMBERS, "a;b\n1;2\n", "neither a row of values nor .*delimiter="),
        (NUMBERS, "a,b,a\n1,2,3\n", "several columns 'a'"),
    ]:
        with pytest.raises(DataError, match=says):
            read_samples(write(tmp_path, text), schema)


def test_reordered_columns_are_found_by_name(tmp_path: Path) -> None:
    assert read_samples(write(tmp_path, "b,extra,a\n1,x,2\n3,y,4\n"), NUMBERS).tolist() == [[2, 1], [4, 3]]
    assert read_samples(write(tmp_path, "size,colour\nbig,red\nsmall,blue\n"), NAMES).tolist() == [[1, 0], [0, 1]]


def test_rows_alone_are_read_by_place(tmp_path: Path) -> None:
    assert read_samples(write(tmp_path, "1,2\n3,4\n"), NUMBERS).tolist() == [[1, 2], [3, 4]]
    assert read_samples(write(tmp_path, "red,big\nblue,huge\n"), NAMES)[:1].tolist() == [[1, 0]]
    headless = Schema(2, None, (("x", "y"), ("u", "v")), header=False)
    np.testing.assert_array_equal(read_samples(write(tmp_path, "new,v\nx,v\n"), headless), [[np.nan, 1], [0, 1]])
    with pytest.raises(DataError, match="header=False"):  # values that it does not know, or names
        read_samples(write(tmp_path, "new,other\nx,v\n"), headless)


def test_what_a_person_says_of_header_and_delimiter_is_done(tmp_path: Path) -> None:
    file = write(tmp_path, "p;q\n1;2\n3;4\n")
    schema = Schema(2, None, delimiter=",")
    assert read_samples(file, schema, Reading(True, ";")).tolist() == [[1, 2], [3, 4]]
    numbers = write(tmp_path, "1,2\n3,4\n")
    assert read_samples(numbers, schema, Reading(True)).tolist() == [[3, 4]]
    with pytest.raises(DataError, match="no column 'a' in the data, whose columns are '1', '2'"):
        read_samples(numbers, NUMBERS, Reading(True))
    with pytest.raises(DataError, match="column 0 is text"):
        read_samples(write(tmp_path, "a,b\n1,2\n"), NUMBERS, Reading(False))
    for delimiter in ("", ",,", '"', "a", "\n", "é"):
        with pytest.raises(DataError, match="expected one character"):
            read_samples(file, schema, Reading(delimiter=delimiter))
    assert load("csv", write(tmp_path, "a\tk\n1\tx\n2\ty\n"), "k", table={"delimiter": "tab"}).x_train.tolist() == [
        [1],
        [2],
    ]
