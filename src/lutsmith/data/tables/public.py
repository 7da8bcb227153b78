"""Public tables as tasks: the folder each one lies in, its columns, and its split.

| task | rows, train + test | columns | split |
| --- | --- | --- | --- |
| `adult` | 32,561 + 16,281 | 6 numbers, 8 categorical | official |
| `monks-1`, `-2`, `-3` | 124, 169, 122 + 432 each | 6 categorical | official |
| `skin-seg` | 196,045 + 49,012 | 3 bytes | `stratified_split` |
| `magic-gamma` | 15,216 + 3,804 | 10 numbers | `stratified_split` |
| `dry-bean` | 10,890 + 2,721 | 16 numbers | `stratified_split` |
| `unsw-nb15` | 65,457 + 16,875 | 39 numbers, 3 categorical | the file's `suggested_split`: equal rows on one side |

Categorical columns are codes of the names that the training part holds (`unsw-nb15`: that the file lists). A value that
is missing (`?` in `adult`) is NaN, which encodes to all zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.archive import read_npz
from lutsmith.data.dataset import DataError, Dataset
from lutsmith.data.folders import find_files
from lutsmith.data.labels import class_ids
from lutsmith.data.split import stratified_split
from lutsmith.data.tables.categories import Categories, CategoryColumn, recoded
from lutsmith.data.tables.text import read_lines, read_rows
from lutsmith.ground.labels import Label

_ADULT_NUMBERS = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")
_ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country",
)  # fmt: skip
_MONKS_ROWS = {"monks-1": 124, "monks-2": 169, "monks-3": 122}


@dataclass(frozen=True)
class TabularTask:
    """A table as a task: its name, its folder below the data folder, its files, and what reads them."""

    name: str
    folder: str
    files: tuple[str, ...]
    read: Callable[[str, list[Path]], Dataset]


def load_tabular(task: TabularTask, data: Path | None = None) -> Dataset:
    """Return both parts of a task.

    Args:
        task: which.
        data: the folder with its files, or its parent; None reads the environment variable `LUTSMITH_DATA`.

    Raises:
        DataError: no path is known, files are missing, cut short, damaged or not what the task needs.
    """
    return task.read(task.name, find_files(task.name, data, task.folder, task.files))


def load_tabular_test(
    task: TabularTask, data: Path | None, classes: Sequence[Label], categories: Categories
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the test part in a model's codes and class ids; errors as for `load_tabular`, or other columns or classes.

    Args:
        task: as for `load_tabular`.
        data: as for `load_tabular`.
        classes: the model's classes.
        categories: the model's names, by column; empty: those of the data.
    """
    dataset = load_tabular(task, data)
    assert dataset.x_test is not None and dataset.y_test is not None  # noqa: PT018 - every task has a test part
    labels = np.array(dataset.classes)[dataset.y_test]
    x = dataset.x_test
    if categories:
        if [names is None for names in categories] != [names is None for names in dataset.categories]:
            raise DataError(f"{task.name}: the model reads other columns as categories; train it on this task")
        x = x.copy()
        for place, names in zip(dataset.categorical, dataset.category_names, strict=True):
            x[:, place] = recoded(x[:, place], names, categories[place] or ())
    return x, class_ids(labels, classes, task.name)


def _read_adult(name: str, paths: list[Path]) -> Dataset:
    parts = [_adult_rows(path, rows) for path, rows in zip(paths, (32561, 16281), strict=True)]
    columns = {place: CategoryColumn() for place, column in enumerate(_ADULT) if column not in _ADULT_NUMBERS}
    x_train, columns = _coded(paths[0], [row[:-1] for row in parts[0]], columns)
    x_test, _ = _coded(paths[1], [row[:-1] for row in parts[1]], columns)
    classes = ("<=50K", ">50K")
    y = [
        class_ids(np.array([row[-1].strip().rstrip(".") for row in rows]), classes, str(path))
        for rows, path in zip(parts, paths, strict=True)
    ]
    return _with_categories(name, x_train, y[0], x_test, y[1], classes, _ADULT, columns)


def _adult_rows(path: Path, count: int) -> list[list[str]]:
    with read_rows(path, ",") as rows:
        return _checked(path, [row for _, row in rows if not row[0].startswith("|")], len(_ADULT) + 1, count)


def _read_monks(name: str, paths: list[Path]) -> Dataset:
    parts = []
    for path, count in zip(paths, (_MONKS_ROWS[name], 432), strict=True):
        rows = [fields for line in read_lines(path) if (fields := line.split())]
        parts.append(_checked(path, rows, 8, count))
    columns = {place: CategoryColumn() for place in range(6)}
    x_train, columns = _coded(paths[0], [row[1:7] for row in parts[0]], columns)
    x_test, _ = _coded(paths[1], [row[1:7] for row in parts[1]], columns)
    y = [
        class_ids(np.array([row[0] for row in rows]), ("0", "1"), str(path))
        for rows, path in zip(parts, paths, strict=True)
    ]
    names = tuple(f"a{number}" for number in range(1, 7))
    return _with_categories(name, x_train, y[0], x_test, y[1], (0, 1), names, columns)


def _checked(path: Path, rows: list[list[str]], width: int, count: int) -> list[list[str]]:
    wrong = next((number for number, row in enumerate(rows) if len(row) != width), None)
    if wrong is not None:
        raise DataError(
            f"{path}: row {wrong + 1} has {len(rows[wrong])} fields, expected {width}; fetch the file again"
        )
    if len(rows) != count:
        raise DataError(f"{path}: {len(rows):,} rows, the official file has {count:,}; fetch it again")
    return rows


def _coded(
    path: Path, rows: list[list[str]], columns: dict[int, CategoryColumn]
) -> tuple[NDArray[np.float32], dict[int, CategoryColumn]]:
    """Return the features of rows of text, and the columns with their names in order: the codes of any further rows."""
    x = np.empty((len(rows), len(rows[0])), np.float32)
    for place in range(x.shape[1]):
        column = columns.get(place)
        try:
            x[:, place] = [float(row[place]) if column is None else column.code(row[place]) for row in rows]
        except ValueError as error:
            raise DataError(f"{path}: column {place}: {error}; expected numbers: fetch the file again") from error
        if column is not None:
            x[:, place] = column.sorted_codes(x[:, place])
    return x, {place: CategoryColumn(column.names) for place, column in columns.items()}


def _with_categories(
    name: str,
    x_train: NDArray[Any],
    y_train: NDArray[np.int64],
    x_test: NDArray[Any],
    y_test: NDArray[np.int64],
    classes: tuple[Label, ...],
    features: tuple[str, ...],
    columns: dict[int, CategoryColumn],
) -> Dataset:
    names = tuple(column.names for column in columns.values())
    return Dataset(x_train, y_train, x_test, y_test, classes, name, features, tuple(columns), names)


def _read_archive(name: str, paths: list[Path]) -> Dataset:
    """An archive of X, y, feature_names and class_names, without a split."""
    arrays = _arrays(paths[0], ("X", "y", "feature_names", "class_names"))
    x, y, names, classes = (arrays[key] for key in ("X", "y", "feature_names", "class_names"))
    if x.ndim != 2 or x.dtype.kind not in "uif" or y.shape != x.shape[:1] or names.shape != x.shape[1:]:
        raise DataError(f"{paths[0]}: X {x.dtype} {x.shape}, y {y.shape}, names {names.shape}; fetch the file again")
    if y.dtype.kind not in "ui" or not np.isin(y, np.arange(len(classes))).all():
        raise DataError(f"{paths[0]}: labels that are none of its {len(classes)} classes; fetch the file again")
    x = x if x.dtype == np.uint8 else x.astype(np.float32)
    ids = y.astype(np.int64)
    train, test = stratified_split(ids)
    labels = tuple(str(label) for label in classes)
    return Dataset(x[train], ids[train], x[test], ids[test], labels, name, tuple(str(column) for column in names))


def _read_unsw(name: str, paths: list[Path]) -> Dataset:
    arrays = _arrays(paths[0], ("columns", "label", "suggested_split"))
    features = tuple(str(column) for column in arrays["columns"] if column not in ("label", "attack_cat"))
    label, split = arrays["label"], arrays["suggested_split"]
    x = np.empty((len(label), len(features)), np.float32)
    columns = {}
    for place, column in enumerate(features):
        values, listed = arrays.get(column), arrays.get(f"{column}__categories")
        if values is None or values.shape != label.shape or values.dtype.kind not in "uif":
            raise DataError(f"{paths[0]}: no column {column!r} of {len(label):,} numbers; fetch the file again")
        x[:, place] = values
        if listed is not None:
            if values.max(initial=0) >= len(listed):
                raise DataError(
                    f"{paths[0]}: {column!r} has code {values.max()} for {len(listed)} names; fetch it again"
                )
            columns[place] = CategoryColumn([str(text) for text in listed])
    if split.shape != label.shape or not np.isin(split, (0, 1)).all() or not np.isin(label, (0, 1)).all():
        raise DataError(f"{paths[0]}: label and suggested_split should be 0 or 1 in each row; fetch the file again")
    y, held_out = label.astype(np.int64), split == 1
    classes = ("normal", "attack")
    return _with_categories(name, x[~held_out], y[~held_out], x[held_out], y[held_out], classes, features, columns)


def _arrays(path: Path, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    arrays = read_npz(path)
    missing = [key for key in wanted if key not in arrays]
    if missing:
        raise DataError(f"{path}: no array {missing[0]!r}; it holds {', '.join(map(repr, arrays)) or 'nothing'}")
    return arrays


TABULAR_TASKS = {
    task.name: task
    for task in (
        TabularTask("adult", "adult", ("adult.data", "adult.test"), _read_adult),
        *(TabularTask(name, "monks", (f"{name}.train", f"{name}.test"), _read_monks) for name in _MONKS_ROWS),
        TabularTask("skin-seg", "skin_seg", ("skin_seg.npz",), _read_archive),
        TabularTask("magic-gamma", "magic_gamma", ("magic_gamma.npz",), _read_archive),
        TabularTask("dry-bean", "dry_bean", ("dry_bean.npz",), _read_archive),
        TabularTask("unsw-nb15", "unsw_nb15", ("unsw_nb15_test_partition.npz",), _read_unsw),
    )
}
