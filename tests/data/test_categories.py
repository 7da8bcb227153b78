"""Columns of text become codes, and the same text becomes the same code in every file."""

from __future__ import annotations

import json
import string
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Metadata
from lutsmith.circuit.tabular import Schema
from lutsmith.data import DataError, Dataset, TableOptions, TableWarning, load, load_test, read_samples
from lutsmith.data.labels import is_missing
from lutsmith.data.tables.table import read_table

NAN = float("nan")


def kept(dataset: Dataset, **changes: object) -> Schema:
    """The schema that a model file keeps of a table."""
    schema = dataset.schema
    metadata = Metadata(
        feature_names=dataset.feature_names, categories=dataset.categories, target=schema.target, table=schema
    )
    return Metadata.from_json(json.loads(json.dumps(metadata.to_json() | changes))).schema(schema.features)


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_names_become_codes_in_their_order_and_missing_ones_nan(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "size,colour,n\n1,red,5\n2, blue ,6\n,?,7\n3,red,8\n"), None)
    np.testing.assert_array_equal(table.x, np.array([[1, 1, 5], [2, 0, 6], [NAN, NAN, 7], [3, 1, 8]], np.float32))
    assert table.schema.categories == (None, ("blue", "red"), None)


def test_a_name_late_in_the_file_makes_the_numbers_above_it_names(tmp_path: Path) -> None:
    with pytest.warns(TableWarning, match="column 'b': of 602 values 601 look like plain numbers"):
        table = read_table(write(tmp_path, "a,b\n" + "1,1\n2,2\n" * 300 + "3,1.0\n4,many\n"), None)
    assert table.schema.categories == (None, ("1", "1.0", "2", "many"))
    assert table.x[-4:].tolist() == [[1, 0], [2, 2], [3, 1], [4, 3]]


def test_a_table_without_text_has_no_categories(tmp_path: Path) -> None:
    dataset = load("csv", write(tmp_path, "a,kind\n1,x\n?,y\n"), "kind")
    assert (dataset.categorical, dataset.category_names, dataset.categories) == ((), (), ())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(*[st.text(string.ascii_letters + string.digits + "?. ", min_size=1, max_size=3)] * 2),
        min_size=2,
        max_size=20,
    )
)
def test_codes_name_the_cells_that_were_read(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    file = write(tmp_path, "first,second\n" + "".join(f"{one},{two}\n" for one, two in rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        table = read_table(file, None, TableOptions(header=True))
    for place, names in enumerate(table.schema.categories):
        for cell, code in zip([row[place].strip() for row in rows], table.x[:, place], strict=True):
            if names is not None:
                assert is_missing(cell) if np.isnan(code) else names[int(code)] == cell
    assert all(names is None or list(names) == sorted(set(names)) for names in table.schema.categories)


@pytest.fixture
def colours(tmp_path: Path) -> Dataset:
    text = "size,colour,kind\n1,red,a\n2,blue,b\n3,red,a\n4,green,b\n"
    return load(
        "csv", write(tmp_path, text, "train.csv"), "kind", write(tmp_path, "colour,size,kind\nred,9,a\nmauve,8,b\n")
    )


def test_the_test_file_is_read_in_the_training_names(colours: Dataset) -> None:
    assert colours.categorical == (1,)
    assert colours.category_names == (("blue", "green", "red"),)
    np.testing.assert_array_equal(colours.x_test, np.array([[9, 2], [8, NAN]], np.float32))


def test_categories_survive_json_and_map_new_files(colours: Dataset, tmp_path: Path) -> None:
    schema = kept(colours)
    new = write(tmp_path, "kind,colour,size\nb,green,5\na,pink,6\na,1,7\n", "new.csv")
    expected = np.array([[5, 1], [6, NAN], [7, NAN]], np.float32)
    x, y = load_test("csv", colours.classes, new, "kind", schema)
    np.testing.assert_array_equal(x, expected)
    assert y.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(read_samples(new, schema), expected)
    alone = write(tmp_path, "5,green\n6,pink\n7,1\n", "alone.csv")
    np.testing.assert_array_equal(read_samples(alone, schema), expected)


def test_a_header_above_text_is_known_by_the_models_names(tmp_path: Path) -> None:
    file = write(tmp_path, "one,two\nx,y\n")
    np.testing.assert_array_equal(read_samples(file, Schema(2, ("one", "two"), (("x",), ("x", "y")))), [[0, 1]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("size,colour\nbig,red\n", r"column 'size' is text \('big' in line 2\)"),
        ("1,red,7\n", "3 feature columns; expected 2, as the model has"),
    ],
)
def test_what_the_model_cannot_read_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_samples(write(tmp_path, text), Schema(2, ("size", "colour"), (None, ("red",))))


def test_a_model_of_numbers_reads_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'b' is text"):
        read_samples(write(tmp_path, "a,b\n1,x\n2,y\n"), Schema(2, ("a", "b")))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"categorical": (1,)}, "categorical columns"),
        ({"categorical": (0, 0), "category_names": (("a",), ("a",))}, "categorical columns"),
        ({"categorical": (2,), "category_names": (("a",),)}, "below 2"),
        ({"category_names": (("a",),)}, "names for 1 of 0"),
    ],
)
def test_a_dataset_refuses_categories_that_do_not_fit(changes: dict[str, object], says: str) -> None:
    x, y = np.zeros((3, 2), np.float32), np.array([0, 1, 0])
    with pytest.raises(DataError, match=says if "categorical" not in changes or len(changes) > 1 else "names for 0"):
        Dataset(x, y, None, None, ("a", "b"), "t", **changes)
