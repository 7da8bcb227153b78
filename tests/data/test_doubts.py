"""Columns that may not hold what they are read as are named, with how many values look like what, and the option."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.data import DataError, TableOptions, TableWarning, load, read_samples

from .test_categories import kept, write


def table(folder: Path, cells: list[str], name: str = "c", delimiter: str = ";") -> Path:
    rows = "".join(f"{cell}{delimiter}{'xy'[row % 2]}\n" for row, cell in enumerate(cells))
    return write(folder, f"{name}{delimiter}kind\n{rows}")


def told(file: Path, **options: Any) -> tuple[Any, list[str]]:
    """The data set, and what was said of its columns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = load("csv", file, "kind", table=options)
    assert all(entry.category is TableWarning for entry in caught)
    return dataset, [str(entry.message) for entry in caught]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["23,5", "1,25", "?", "7"], [23.5, 1.25, np.nan, 7]),
        (["1,000.5", "20", "3,000", "1,000"], [1000.5, 20, 3000, 1000]),
        (["50%", "7.5%", "", "50%"], [50, 7.5, np.nan, 50]),
        (["$5", "$1,250.50", "-$3", "NA"], [5, 1250.5, -3, np.nan]),
        (["0x10", "0xff", "0x0", "0x10"], [16, 255, 0, 16]),
    ],
)
def test_numbers_in_local_dress_are_numbers_and_are_read_again(
    tmp_path: Path, cells: list[str], numbers: list[float]
) -> None:
    file = table(tmp_path, cells)
    dataset, messages = told(file)
    assert messages == []
    assert dataset.categorical == ()
    np.testing.assert_array_equal(dataset.x_train[:, 0], np.array(numbers, np.float32))
    np.testing.assert_array_equal(read_samples(file, kept(dataset)), dataset.x_train)
    new = write(tmp_path, "c;kind\nx;x\n", "new.csv")
    with pytest.raises(DataError, match=r"column 'c' is text \('x' in line 2\); expected (numbers with|hexadecimal)"):
        read_samples(new, kept(dataset))


def test_a_decimal_comma_elsewhere_decides_what_a_comma_is(tmp_path: Path) -> None:
    rows = "".join(f"{row},5;1,25{row % 10};{'xy'[row % 2]}\n" for row in range(12))
    file = write(tmp_path, "a;b;kind\n" + rows)
    dataset, messages = told(file)
    assert dataset.x_train[1].tolist() == [1.5, np.float32(1.251)]
    assert len(messages) == 1
    assert "column 'b': '1,250' is read as 1.25, and could be 1250; give decimal='.' or decimal=','" in messages[0]
    dataset, messages = told(file, decimal=",")
    assert (dataset.x_train[1].tolist(), messages) == ([1.5, np.float32(1.251)], [])


def test_a_comma_that_may_be_either_is_told(tmp_path: Path) -> None:
    file = table(tmp_path, ["1,250", "3,000", "1,250"])
    dataset, (message,) = told(file)
    assert dataset.x_train[0, 0] == 1250
    assert "column 'c': '1,250' is read as 1250, and could be 1.25; give decimal='.'" in message
    assert told(file, decimal=",")[0].x_train[0, 0] == 1.25
    assert told(file, decimal=".")[0].x_train[0, 0] == 1250
    assert told(table(tmp_path, ["1.250", "3.125"]))[0].x_train[0, 0] == 1.25


def test_a_column_that_disagrees_is_told_with_counts_and_options(tmp_path: Path) -> None:
    cells = ["23,5", "1,5", "23,5", "50%", "high", "7"] * 4
    file = table(tmp_path, cells, "how much")
    dataset, (message,) = told(file)
    assert dataset.category_names == (("1,5", "23,5", "50%", "7", "high"),)
    for part in (
        "column 'how much': of 24 values",
        "12 look like numbers with a decimal comma (such as '23,5')",
        "4 look like numbers with the sign % (such as '50%')",
        "4 look like plain numbers (such as '7')",
        "4 like other text (such as 'high')",
        "5 names",
        "numbers=['how much']",
        "categories=['how much']",
        "drop=['how much']",
    ):
        assert part in message
    numbers, messages = told(file, numbers=["how much"])
    assert messages == []
    np.testing.assert_array_equal(numbers.x_train[:6, 0], np.array([23.5, 1.5, 23.5, np.nan, np.nan, 7], np.float32))
    np.testing.assert_array_equal(read_samples(file, kept(numbers)), numbers.x_train)
    names, messages = told(file, categories=["how much"])
    assert (names.category_names, messages) == (dataset.category_names, [])


def test_names_that_hold_a_number_or_two_are_not_in_doubt(tmp_path: Path) -> None:
    assert told(table(tmp_path, ["low", "high", "5%", "middle"] * 6))[1] == []
    assert told(table(tmp_path, ["1", "2", "3+"] * 8))[1] == []


@pytest.mark.parametrize("form", ["2020-01-{:02}", "{:02}.03.2021", "3/{}/21", "2020-01-{:02}T08:30:00Z", "10:{:02}"])
def test_dates_are_told(tmp_path: Path, form: str) -> None:
    cells = [form.format(1 + row % 12) for row in range(24)]
    _, (message,) = told(table(tmp_path, cells, "when"))
    assert f"column 'when': of 24 values 24 look like dates or times (such as {cells[0]!r})" in message
    assert "12 names without order" in message
    assert "drop=['when']" in message
    assert told(write(tmp_path, "when;a;kind\n2020-01-01;1;x\n2020-01-02;2;y\n"), drop=["when"])[1] == []


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("id", [str(7 * row) for row in range(20)]),
        ("", [str(row) for row in range(20)]),
        ("n", [str(row) for row in range(20, 40)]),
        ("n", [str(row * row) for row in range(50)]),
        ("customerId", [f"{row}.0" for row in range(3, 30)]),
        ("who", [f"person {row}" for row in range(20)]),
    ],
)
def test_identifiers_are_told(tmp_path: Path, name: str, cells: list[str]) -> None:
    _, (message,) = told(table(tmp_path, cells, name))
    assert f"column {name!r}: " in message
    assert "identifiers" in message
    assert "drop=[" in message


def test_measurements_are_not_identifiers(tmp_path: Path) -> None:
    assert told(table(tmp_path, [f"{row / 3:.4f}" for row in range(60)]))[1] == []
    assert told(table(tmp_path, [str(row * row) for row in range(30)], "area"))[1] == []
    assert told(table(tmp_path, [str(row // 2) for row in range(60)], "id"))[1] == []


def test_a_text_of_too_many_values_says_what_it_looks_like(tmp_path: Path) -> None:
    cells = [f"2020-01-01 10:{row:04}" for row in range(1001)]
    with pytest.raises(DataError, match=r"more than 1,000 different values .*look like dates.*drop=\['c'\]"):
        told(table(tmp_path, cells))


def test_the_rule_of_missing_values_can_be_set(tmp_path: Path) -> None:
    file = table(tmp_path, ["NA", "none", "brick", "", "?"] * 2)
    dataset, (message,) = told(file)
    assert dataset.category_names == (("brick",),)
    assert "4 values such as 'NA' are read as missing; give missing=()" in message
    dataset, messages = told(file, missing=["?"])
    assert (dataset.category_names, messages) == ((("NA", "brick", "none"),), [])
    np.testing.assert_array_equal(dataset.x_train[:5, 0], [0, 2, 1, np.nan, np.nan])
    np.testing.assert_array_equal(read_samples(file, kept(dataset)), dataset.x_train)
    dataset, _ = told(file, missing=[])
    assert dataset.category_names == (("?", "NA", "brick", "none"),)
    dataset, _ = told(table(tmp_path, ["1", "-999", "2", "-999"]), missing=["-999"])
    np.testing.assert_array_equal(dataset.x_train[:, 0], [1, np.nan, 2, np.nan])
    labels = write(tmp_path, "a;kind\n1;None\n2;some\n")
    with pytest.raises(DataError, match="row 1 has no label"):
        load("csv", labels, "kind")
    assert load("csv", labels, "kind", table={"missing": []}).classes == ("None", "some")


def test_repeated_names_are_refused_unless_they_are_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, "a,a,b,kind\n1,1,5,q\n2,2,6,p\n")
    with pytest.raises(DataError, match="several columns are called 'a', and a model finds columns by name"):
        load("csv", file, "kind")
    assert load("csv", file, "kind", table={"drop": [0, 1]}).feature_names == ("b",)
    dataset = load("csv", file, "kind", table={"drop": [1]})
    assert dataset.feature_names == ("a", "b")
    assert read_samples(file, kept(dataset)).tolist() == dataset.x_train.tolist()  # the columns of training, by place
    other = tmp_path / "other.csv"
    other.write_text("b,a,a,kind\n5,1,1,q\n", "utf-8")
    with pytest.raises(DataError, match="several columns 'a'"):
        read_samples(other, kept(dataset))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"colour": 1}, "a table has no colour; it takes header, "),
        ({"delimiter": "xx"}, "delimiter is 'xx', expected one character"),
        ({"decimal": ";"}, "decimal is ';'"),
        ({"drop": ["c"], "numbers": ["c"]}, "column 'c' is given twice"),
        ({"drop": ["d"]}, "no column 'd'; the columns are 'c', 'kind'"),
        ({"drop": ["kind"]}, "column 'kind' is the target"),
        ({"drop": ["c"]}, "expected feature columns"),
        ({"numbers": ["c"]}, "column 'c' was given as numbers, and holds none"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        load("csv", table(tmp_path, ["u", "v"]), "kind", table=options)
    with pytest.raises(TypeError, match="header is 'yes'; expected True, False or None"):
        TableOptions(header="yes")
    with pytest.raises(DataError, match="takes no header=True"):
        load("digits", table=TableOptions(header=True))
    with pytest.raises(DataError, match="npz takes no header=True"):
        load("npz", tmp_path / "t.csv", table={"header": True})


def test_many_doubtful_columns_do_not_flood(tmp_path: Path) -> None:
    names = ",".join(f"d{place}" for place in range(30))
    rows = "".join(",".join(["2020-01-01"] * 30) + f",{'xy'[row]}\n" for row in range(2))
    _, messages = told(write(tmp_path, f"{names},kind\n{rows}"))
    assert len(messages) == 21
    assert "10 more columns have doubtful values" in messages[-1]
