"""Data in memory: whatever holds the same numbers gives the same data set, and what cannot be is one line."""

from __future__ import annotations

import enum
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
import torch

from lutsmith.data import DataError, Dataset, from_arrays
from lutsmith.data.dataset import TableWarning

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(24, 3)).astype(np.float32)
Y = np.arange(24) % 3
COLUMNS = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}


def same(one: Dataset, two: Dataset) -> None:
    assert one.x_train.dtype == two.x_train.dtype
    assert np.array_equal(one.x_train, two.x_train)
    assert np.array_equal(one.y_train, two.y_train)
    assert (one.classes, one.objective) == (two.classes, two.objective)


@pytest.mark.parametrize(
    "x",
    [
        X.astype(np.float64),
        X.tolist(),
        torch.from_numpy(X.copy()),
        torch.from_numpy(X.copy()).requires_grad_(),
        np.asfortranarray(X),
        X.astype(">f4"),
        pandas.DataFrame(COLUMNS),
        polars.DataFrame(COLUMNS),
        pyarrow.table(COLUMNS),
        pandas.DataFrame(COLUMNS).to_dict("records"),
        polars.DataFrame(COLUMNS).lazy(),
    ],
    ids=lambda x: type(x).__name__,
)
def test_the_same_numbers_are_the_same_samples(x: Any) -> None:
    same(from_arrays(x, Y), from_arrays(X, Y))


def test_memory_maps_and_arrays_of_the_right_type_are_not_copied(tmp_path: Path) -> None:
    for values in (X, (X * 9).astype(np.uint8)):
        np.save(tmp_path / "x.npy", values)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        assert np.shares_memory(from_arrays(mapped, Y).x_train, mapped)
    assert from_arrays(X > 0, Y).x_train.dtype == np.uint8
    assert from_arrays(X.astype(np.int64), Y).x_train.dtype == np.float32


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["n", "y"] * 12), ("n", "y")),
        (["n", "y"] * 12, ("n", "y")),
        (np.array(["n", "y"] * 12, object), ("n", "y")),
        (np.array([b"n", b"y"] * 12), ("n", "y")),
        (pandas.Series(["n", "y"] * 12), ("n", "y")),
        (pandas.Series(["n", "y"] * 12, dtype="category"), ("n", "y")),
        (pandas.DataFrame({"label": ["n", "y"] * 12}), ("n", "y")),
        (polars.Series(["n", "y"] * 12), ("n", "y")),
        (pyarrow.array(["n", "y"] * 12), ("n", "y")),
        (np.array([7, -2] * 12, np.int8), (-2, 7)),
        (torch.tensor([7, -2] * 12), (-2, 7)),
        (np.array([1.0, 2.0] * 12), (1.0, 2.0)),
        (np.array([True, False] * 12), (False, True)),
        ([True, False] * 12, (False, True)),
        (pandas.Series([True, False] * 12, dtype="boolean"), (False, True)),
        (np.array([[1], [2]] * 12), (1, 2)),
    ],
    ids=str,
)
def test_labels_of_any_kind_are_kept(y: Any, classes: tuple[Any, ...]) -> None:
    dataset = from_arrays(X, y)
    assert dataset.objective == "classification"
    assert dataset.classes == classes
    assert [*map(type, dataset.classes)] == [*map(type, classes)]
    assert dataset.y_train.tolist()[:2] in ([0, 1], [1, 0])


@pytest.mark.parametrize(
    ("y", "given", "objective", "shape"),
    [
        (X[:, 0], None, "regression", (24,)),
        (X[:, :1], None, "regression", (24,)),
        (X[:, :2], None, "regression", (24, 2)),
        (Y, "regression", "regression", (24,)),
        (np.arange(24.0), "regression", "regression", (24,)),
        (X > 0, None, "multilabel", (24, 3)),
        ((X > 0).astype(float), None, "multilabel", (24, 3)),
        ((X > 0).astype(int), "regression", "regression", (24, 3)),
        ((X > 0)[:, :1], "multilabel", "multilabel", (24, 1)),
        (np.round(X[:, 0]), None, "classification", (24,)),
        (X[:, 0].round(1), "classification", "classification", (24,)),
    ],
)
def test_the_objective_is_told_from_y_or_given(
    y: Any, given: str | None, objective: str, shape: tuple[int, ...]
) -> None:
    dataset = from_arrays(X, y, objective=given)
    assert (dataset.objective, dataset.y_train.shape) == (objective, shape)
    assert dataset.num_classes == (len(dataset.classes) if objective == "classification" else (*shape, 1)[1])


def test_a_frame_is_read_as_a_table_and_its_label_column_by_name() -> None:
    frame = pandas.DataFrame(
        {"n": [1.5, None, 3] * 8, "town": ["Bern", "Zürich", None] * 8, "flag": [True, False] * 12, "kind": Y}
    )
    for source in (frame, polars.DataFrame(frame), pyarrow.Table.from_pandas(frame, preserve_index=False)):
        dataset = from_arrays(source, "kind", source, "kind")
        assert dataset.feature_names == ("n", "town", "flag")
        assert dataset.category_names == (("Bern", "Zürich"),)
        assert dataset.classes == (0, 1, 2)
        assert np.isnan(dataset.x_train[1, 0])
        assert np.isnan(dataset.x_train[2, 1])
        assert dataset.x_train[:2, 2].tolist() == [1.0, 0.0]
        assert dataset.x_test is not None
        assert np.array_equal(dataset.x_test, dataset.x_train, equal_nan=True)
        assert dataset.schema is not None
        assert dataset.schema.label_name == "kind"
    apart = from_arrays(frame.drop(columns="kind"), frame["kind"])
    assert np.array_equal(apart.x_train, dataset.x_train, equal_nan=True)
    assert from_arrays(frame, "kind", table={"drop": ["town"]}).feature_names == ("n", "flag")
    shuffled = from_arrays(frame, "kind", frame[["kind", "flag", "town", "n"]], None)
    assert shuffled.x_test is not None
    assert np.array_equal(shuffled.x_test, dataset.x_train, equal_nan=True)
    unknown = from_arrays(frame, "kind", frame.assign(town="Genf"))
    assert unknown.x_test is not None
    assert np.isnan(unknown.x_test[:, 1]).all()


@pytest.mark.parametrize("index", [np.arange(24)[::-1], [f"row {n}" for n in range(24)], np.arange(24) * 2])
def test_the_index_of_a_frame_is_no_feature(index: Any) -> None:
    frame = pandas.DataFrame({**COLUMNS, "kind": Y}, index=index)
    dataset = from_arrays(frame, "kind", frame, "kind")
    same(dataset, from_arrays(frame.reset_index(drop=True), "kind"))
    assert dataset.feature_names == ("a", "b", "c")
    assert dataset.x_test is not None
    assert np.array_equal(dataset.x_test, X)


def test_names_of_target_columns_are_kept() -> None:
    dataset = from_arrays(X, pandas.DataFrame({"cat": Y == 0, "dog": Y == 1}))
    assert (dataset.objective, dataset.classes) == ("multilabel", ("cat", "dog"))
    dataset = from_arrays(X, polars.DataFrame({"price": X[:, 0], "size": X[:, 1]}))
    assert (dataset.objective, dataset.classes) == ("regression", ("price", "size"))


FRAME = pandas.DataFrame(COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((X[:0], Y[:0]), {}, r"X has shape \(0, 3\): there are no rows"),
        ((X[:, :0], Y), {}, "there are no features"),
        ((X[:, 0], Y), {}, r"expected \(N, features\) .* for one feature give X.reshape\(-1, 1\)"),
        ((X, Y[:5]), {}, "24 samples and 5 labels in the training part"),
        ((X, np.zeros(24)), {}, "1 class in 24 rows; a classifier needs two or more"),
        ((X, None), {}, "y is missing"),
        ((X, "kind"), {}, "X has no names of columns"),
        ((FRAME, "kind"), {}, "no column 'kind'; the columns are 'a', 'b', 'c'"),
        ((X, [None, "a"] * 12), {}, "y is None in row 0; drop rows without a label"),
        ((X, [float("nan"), 1] * 12), {}, "y is nan in row 0"),
        ((X, pandas.Series([1, pandas.NA] * 12, dtype="Int64")), {}, "y is nan in row 1|y is <NA> in row 1"),
        ((X, [1, "a"] * 12), {}, "y holds numbers and text"),
        ((X, np.array([1j] * 24)), {}, "y holds complex128 values"),
        ((X, np.array(["2020-01-01"] * 24, "M8[D]")), {}, "y holds datetime64"),
        ((X, X[:, None]), {}, r"y has shape \(24, 1, 3\)"),
        ((X, np.arange(24)), {}, "24 different whole numbers in 24 rows: give objective='regression'"),
        ((X, RANDOM.integers(0, 9, (24, 2))), {}, "give objective='regression' if they are"),
        ((X, ["a", "b"] * 12), {"objective": "regression"}, "y holds text, and regression has numbers"),
        ((X, Y), {"objective": "multilabel"}, r"expected 0 and 1 for each label \(N, L\)"),
        ((X, X), {"objective": "multilabel"}, "expected 0 and 1 for each label"),
        ((X, X), {"objective": "classification"}, r"expected a label for each row \(N,\)"),
        ((X, Y), {"objective": "ranking"}, "objective is 'ranking', expected None or one of"),
        ((X, Y, X), {}, "X_test is given without y_test"),
        ((X, Y, None, Y), {}, "y_test is given without X_test"),
        ((X, Y, X[:, :2], Y), {}, r"test samples have shape \(2,\), training samples \(3,\)"),
        ((X, Y, X, Y + 1), {}, "y_test: label 3 is none of the 3 known classes: 0, 1, 2"),
        ((X, X, X, X[:, :2]), {}, "expected as many targets"),
        ((X, Y, FRAME, Y), {}, "X_test is a frame and X a ndarray"),
        ((FRAME, Y, X, Y), {}, "X is a frame and X_test a ndarray"),
        ((FRAME, Y, FRAME[["a", "b"]], Y), {}, "X_test: no column 'c' in the data"),
        ((FRAME, Y, FRAME.assign(d=1), Y), {}, "X_test: unknown column 'd': leave it out"),
        ((X, Y), {"table": {"drop": ["a"]}}, "table= says how the columns of a frame are read"),
        ((X, Y), {"sample_weight": np.ones(3)}, r"sample_weight is float64 \(3,\), expected \(24,\) numbers"),
        ((X, Y), {"sample_weight": -np.ones(24)}, "sample_weight holds numbers below 0"),
        ((X, Y), {"sample_weight": np.zeros(24)}, "nothing but 0"),
        ((X, Y), {"sample_weight": np.full(24, 1e308)}, "more than float64 holds"),
        ((np.array([[1j]] * 24), Y), {}, "X holds complex128 values, expected real numbers"),
        ((np.ma.masked_less(X, 0), Y), {}, "X has masked values"),
        (([[1, 2], [3]], [0, 1]), {}, "give rows of equal length"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: tuple[Any, ...], options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        from_arrays(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_doubts_about_columns_are_told() -> None:
    frame = pandas.DataFrame({"id": np.arange(1000, 1060), "a": RANDOM.normal(size=60)})
    with pytest.warns(TableWarning, match="column 'id'"):
        from_arrays(frame, np.arange(60) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_arrays(frame, np.arange(60) % 2, table={"drop": ["id"]})


def test_reading_data_in_memory_imports_no_torch() -> None:
    code = (
        "import sys, numpy; from lutsmith.data import from_arrays\n"
        "from_arrays(numpy.zeros((4, 2)), [0, 1, 0, 1]); sys.exit('torch' in sys.modules or 'pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Answer(enum.StrEnum):
    YES = "yes"
    NO = "no"


class Colour(str, enum.Enum):  # noqa: UP042 - its text in an array would be its name
    RED = "r"
    GREEN = "green"
    BLUE = "blue"


def test_enumerations_of_text_are_the_text_that_they_hold() -> None:
    assert from_arrays(X, [list(Colour)[row] for row in Y]).classes == ("blue", "green", "r")
    assert from_arrays(X, np.array([list(Answer)[row % 2] for row in range(24)], object)).classes == ("no", "yes")


def test_labels_that_numpy_would_make_the_same_are_refused() -> None:
    with pytest.raises(DataError, match=r"y holds 'a\\x00': NumPy cuts zeros"):
        from_arrays(X, [("a", "a\0", "b")[row] for row in Y])
    with pytest.raises(DataError, match=r"y holds b'\\xfe', which is not UTF-8: decode it first"):
        from_arrays(X, np.array([b"\xfe", b"\xff", b"b"])[Y])
    assert from_arrays(X, np.array(["ä", "ö", "b"])[Y]).classes == ("b", "ä", "ö")
    assert from_arrays(X, np.char.encode(np.array(["ä", "ö", "b"])[Y], "utf-8")).classes == ("b", "ä", "ö")


def test_numbers_beyond_those_of_numpy_are_told_as_such() -> None:
    with pytest.raises(DataError, match=f"y holds numbers that no type of NumPy holds, such as {2**70 + 2}"):
        from_arrays(X, [2**70 + int(row) for row in Y])


@pytest.mark.parametrize("weights", [["a"] * 24, [None] * 24, np.ones(24) * 1j, np.ma.masked_equal(Y, 0)])
def test_weights_that_are_no_numbers_are_called_weights(weights: Any) -> None:
    with pytest.raises(DataError, match=r"^sample_weight ") as raised:
        from_arrays(X, Y, sample_weight=weights)
    assert "X" not in str(raised.value)


def test_rows_are_counted_before_labels_are_read() -> None:
    for x, y in ((X, Y[:1]), (pandas.DataFrame(COLUMNS), Y[:1].tolist()), (X, pandas.Series(Y[:1]))):
        with pytest.raises(DataError, match="24 samples and 1 labels"):
            from_arrays(x, y)


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"x_train": X.tolist()}, TypeError, r"x_train is a list; expected a NumPy array: data\.from_arrays"),
        ({"x_train": torch.from_numpy(X.copy())}, TypeError, "x_train is a Tensor; expected a NumPy array"),
        ({"y_train": None}, TypeError, "y_train is a NoneType"),
        ({"sample_weight": [1.0] * 24}, TypeError, "sample_weight is a list"),
        ({"x_train": X.astype(str)}, DataError, "x_train holds <U32 values; expected numbers"),
        ({"x_train": X.astype(object)}, DataError, "x_train holds object values"),
        ({"x_train": X * 1j}, DataError, "x_train holds complex64 values"),
        ({"classes": ("a", "b", "a")}, DataError, "expected different names"),
        ({"feature_names": ("a",)}, DataError, r"1 feature_names for samples of shape \(3,\)"),
        ({"y_train": np.full(24, 1e39), "classes": (), "objective": "regression"}, DataError, "beyond float32"),
    ],
)
def test_a_data_set_holds_what_it_says(fields: dict[str, Any], error: type[Exception], says: str) -> None:
    parts: dict[str, Any] = {"x_train": X, "y_train": Y, "x_test": None, "y_test": None, "classes": (0, 1, 2)}
    with pytest.raises(error, match=says):
        Dataset(**{**parts, "name": "mine", **fields})


def test_names_of_a_data_set_may_come_as_lists_and_arrays() -> None:
    data = Dataset(X, Y, None, None, np.array([3, 4, 5]), "mine", ["a", "b", "c"], np.array([1]), [["u", "v"]])
    assert (data.classes, data.feature_names, data.categorical) == ((3, 4, 5), ("a", "b", "c"), (1,))
    assert data.category_names == (("u", "v"),)
    assert {type(name) for name in data.classes} == {int}


def test_numbers_to_regress_that_no_score_could_hold_are_refused_before_training() -> None:
    with pytest.raises(DataError, match="y of the test part holds numbers beyond float32: scale them first"):
        from_arrays(X, X[:, 0], X, X[:, 0].astype(np.float64) * 1e300, objective="regression")


def test_a_test_part_has_the_columns_that_are_dropped_or_not() -> None:
    frame = pandas.DataFrame({"id": np.arange(24) * 7, **COLUMNS, "y": Y})
    options = {"drop": ["id"]}
    for part in (frame, frame.drop(columns="id"), frame[["y", "c", "id", "b", "a"]]):
        data = from_arrays(frame, "y", part, table=options)
        assert data.x_test is not None
        assert np.array_equal(data.x_test, data.x_train)
        assert data.feature_names == ("a", "b", "c")
    with pytest.raises(DataError, match="X_test: unknown column 'd'"):
        from_arrays(frame, "y", frame.assign(d=1), table=options)
