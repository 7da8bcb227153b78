"""The tasks by name: where each one's samples come from, and the one call that loads any of them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Label
from lutsmith.data.archive import read_npz_table
from lutsmith.data.categories import Categories
from lutsmith.data.dataset import DataError, Dataset
from lutsmith.data.digits import load_digits
from lutsmith.data.images import FASHION_MNIST, MNIST, load_images, read_images
from lutsmith.data.labels import class_ids, find_classes, parse_labels
from lutsmith.data.table import Table, read_column_names, read_csv
from lutsmith.data.tabular import TABULAR_TASKS, load_tabular, load_tabular_test

_IMAGE_TASKS = {task.name: task for task in (MNIST, FASHION_MNIST)}
_TABLE_TASKS = ("csv", "npz")
TASKS = ("digits", *_IMAGE_TASKS, *TABULAR_TASKS, *_TABLE_TASKS)
"""The names of all tasks."""

Source = str | PathLike[str] | None
Target = str | int | None


def load(task: str, data: Source = None, target: Target = None, test: Source = None) -> Dataset:
    """Return the samples of a task.

    Args:
        task: `digits` (embedded), `mnist` or `fashion-mnist` (IDX files), a public table such as `adult` (see
            `tabular`), `csv` or `npz` (a table in a file).
        data: the folder with the task's files or its parent (None: the environment variable `LUTSMITH_DATA`), or the
            table's file.
        target: the label column of a table, by name or by place; for `npz` the key of the labels (None: `y`).
        test: a file with the test rows of a table, of the same columns.

    Raises:
        DataError: an unknown task, an argument that the task does not take or lacks, data that are missing or damaged.
    """
    _check_task(task)
    if task in _TABLE_TASKS:
        return _load_table(task, data, target, test)
    _refuse_table_arguments(task, target, test)
    if task == "digits":
        _refuse_data(task, data)
        return load_digits()
    folder = None if data is None else Path(data)
    return (
        load_tabular(TABULAR_TASKS[task], folder) if task in TABULAR_TASKS else load_images(_IMAGE_TASKS[task], folder)
    )


def load_test(
    task: str,
    classes: Sequence[Label],
    data: Source = None,
    target: Target = None,
    feature_names: Sequence[str] | None = None,
    categories: Categories = (),
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the samples and class ids that a trained model is measured on.

    For `digits`, images and public tables this is the test part; for a table in a file it is every row of `data`.

    Args:
        task: as for `load`.
        classes: the model's classes; class ids count in them.
        data: as for `load`.
        target: as for `load`.
        feature_names: the model's columns; they are picked by name where the file names its columns.
        categories: the names of the model's categorical columns, by column (see `Dataset.categories`); other names in
            the data are NaN.

    Raises:
        DataError: as `load`; or a label that is none of the classes.
    """
    _check_task(task)
    if task in _TABLE_TASKS:
        table, labels = _read_labelled(task, data, target, feature_names, classes, categories)
        return table.x, class_ids(labels, classes, table.source)
    _refuse_table_arguments(task, target, None)
    if task == "digits":
        _refuse_data(task, data)
        digits = load_digits()
        assert digits.x_test is not None and digits.y_test is not None  # noqa: PT018 - embedded with a test part
        return digits.x_test, digits.y_test
    folder = None if data is None else Path(data)
    if task in TABULAR_TASKS:
        return load_tabular_test(TABULAR_TASKS[task], folder, classes, categories)
    return read_images(_IMAGE_TASKS[task], folder, "test")


def _load_table(task: str, data: Source, target: Target, test: Source) -> Dataset:
    table, labels = _read_labelled(task, data, target)
    classes = find_classes(labels, table.source)
    x_test, y_test = None, None
    if test is not None:
        table_test, labels_test = _read_labelled(task, test, target, table.names, classes, table.categories)
        if (table.names is None) != (table_test.names is None):
            with_names, without = (table, table_test) if table.names else (table_test, table)
            raise DataError(
                f"{without.source} names no columns; {with_names.source} does: give both a header or neither"
            )
        x_test, y_test = table_test.x, class_ids(labels_test, classes, table_test.source)
    y_train = class_ids(labels, classes, table.source)
    named = {place: tuple(names) for place, names in enumerate(table.categories) if names is not None}
    return Dataset(
        table.x,
        y_train,
        x_test,
        y_test,
        classes,
        Path(table.source).name,
        table.names,
        tuple(named),
        tuple(named.values()),
    )


def _read_labelled(
    task: str,
    data: Source,
    target: Target,
    columns: Sequence[str] | None = None,
    classes: Sequence[Label] | None = None,
    categories: Categories | None = None,
) -> tuple[Table, NDArray[Any]]:
    """Return a table and its labels, typed: those of a text file become numbers where all of them are.

    Without `categories` the categorical columns of a text file are found.
    """
    if data is None:
        raise DataError(f"{task}: no file; give --data FILE (in Python: data=)")
    path = Path(data)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{task}: {path} {problem}; expected a .{task} file")
    if task == "npz":
        table = read_npz_table(path, target, columns)
        if table.labels is None:
            raise DataError(f"{path}: no labels; give --target KEY (in Python: target=) or call the array y")
        return table, table.labels
    if target is None:
        names = read_column_names(path)
        known = f"; the columns are {', '.join(names)}" if names else ", by place (-1 is the last)"
        raise DataError(f"{path}: no label column; give --target COLUMN (in Python: target=){known}")
    table = read_csv(path, target, columns, categories)
    assert table.labels is not None  # a target was given
    return table, parse_labels(table.labels.tolist(), f"{path}, column {target!r}", classes)


def _check_task(task: str) -> None:
    if task not in TASKS:
        raise DataError(f"unknown task {task!r}; the tasks are {', '.join(TASKS)}")


def _refuse_table_arguments(task: str, target: Target, test: Source) -> None:
    given = "--target" if target is not None else "--test" if test is not None else None
    if given:
        raise DataError(f"{task} takes no {given}: its labels and its test part are fixed; csv and npz take it")


def _refuse_data(task: str, data: Source) -> None:
    if data is not None:
        raise DataError(f"{task} is embedded and takes no --data; leave it out")
