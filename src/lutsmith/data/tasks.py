"""The tasks by name: where each one's samples come from, and the one call that loads any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import MISSING, Schema
from lutsmith.circuit.tabular.numerals import dress
from lutsmith.data.alu.stream import ALU
from lutsmith.data.archive import read_npz_table
from lutsmith.data.dataset import DataError, Dataset, MissingDataError, Table
from lutsmith.data.folders import find_files
from lutsmith.data.images import cifar, folders
from lutsmith.data.images.digits import load_digits
from lutsmith.data.images.mnist import FASHION_MNIST, MNIST, image_folder, load_images, read_images
from lutsmith.data.in_memory import from_arrays, named_categories
from lutsmith.data.labels import class_ids, find_classes, parse_labels
from lutsmith.data.large.arrays import LARGE, is_large, open_arrays, stream_arrays
from lutsmith.data.large.parquet import ParquetFolder, parquet_files
from lutsmith.data.large.source import StreamedRows
from lutsmith.data.tables.options import TableOptions
from lutsmith.data.tables.public import TABULAR_TASKS, load_tabular, load_tabular_test
from lutsmith.data.tables.table import COLUMNAR, read_table, read_table_by
from lutsmith.data.tables.text import AS_FOUND, Reading, read_rows, read_text
from lutsmith.ground.arguments import one_of
from lutsmith.ground.labels import Label

_IMAGE_TASKS = {task.name: task for task in (MNIST, FASHION_MNIST)}
_TABLE_TASKS = ("table", "csv", "npz")
TASKS = ("digits", *_IMAGE_TASKS, cifar.NAME, *TABULAR_TASKS, *_TABLE_TASKS, folders.NAME, "alu")
"""The names of all tasks."""

Source = str | PathLike[str] | None
Target = str | int | None
Options = TableOptions | Mapping[str, Any] | None


def load(
    task: str,
    data: Any = None,
    target: Target = None,
    test: Any = None,
    table: Options = None,
    alu: ALU | Mapping[str, Any] | None = None,
) -> Dataset:
    """Return the samples of a task.

    Args:
        task: `digits` (embedded), `mnist` or `fashion-mnist` (IDX files, or CSV: `mnist_train.csv`, ...), `cifar-10`
            (binary or Python batches, or npz), a public table such as `adult` (see `tabular`), `table` or `csv` (a
            text, Parquet or Feather file, by its ending, a folder of Parquet files, `X.npy` with `y.npy` beside it, or
            a frame), `npz`, `images` (PNG files in a folder for each
            class, below `train/` and `test/`), or `alu`: generated examples of arithmetic (100,000 to train on, 10,000
            as the test part; `ALU.dataset` makes others).
        data: the folder with the task's files or its parent (None: the environment variable `LUTSMITH_DATA`); or the
            table: its file, or a frame of pandas, polars, pyarrow or another library that narwhals knows.
        target: the label column of a table, by name or by place; for `npz` the key of the labels (None: `y`).
        test: a file or frame with the test rows of a table, of the same columns.
        table: how to read a table: `TableOptions`, or a mapping of their names.
        alu: which examples `alu` has: an `alu.ALU`, or a mapping of its attributes, such as `{"bits": 8, "ops": "+"}`.

    Raises:
        DataError: an unknown task, an argument that the task does not take or lacks, data that are damaged, or missing
            (`MissingDataError`).
        TypeError: an argument of a wrong type.
        ModuleNotFoundError: Parquet, Feather and frames need pyarrow and narwhals (`pip install 'lutsmith[tables]'`),
            and `images` needs Pillow (`pip install 'lutsmith[images]'`).
    """
    check(task, data, target, test, table, alu)
    if task == "alu":
        return ALU.of(alu).dataset()
    if task in _TABLE_TASKS:
        return _load_table(task, data, target, test, TableOptions.of(table))
    if task == "digits":
        return load_digits()
    folder = None if data is None else Path(data)
    if task == cifar.NAME:
        return cifar.load_cifar(folder)
    if task == folders.NAME:
        return folders.load_image_folder(folder)
    return (
        load_tabular(TABULAR_TASKS[task], folder) if task in TABULAR_TASKS else load_images(_IMAGE_TASKS[task], folder)
    )


def check(
    task: str,
    data: Any = None,
    target: Target = None,
    test: Any = None,
    table: Options = None,
    alu: ALU | Mapping[str, Any] | None = None,
    part: str = "train",
) -> None:
    """Raise what `load` would raise for wrong arguments and missing files; it reads no data and imports nothing large.
    Folders of images have to hold that `part`.

    Raises:
        DataError: as for `load`.
    """
    _check_task(task)
    options = TableOptions.of(table)
    if task == "alu":
        ALU.of(alu)
    elif alu is not None:
        raise DataError(f"{task} takes no alu=...: leave it out; the task alu takes it")
    if task in _TABLE_TASKS:
        if task == "npz" and options != TableOptions():
            given = ", ".join(f"{name}={value!r}" for name, value in options.to_json().items())
            raise DataError(f"npz takes no {given}: its arrays are named and typed")
        for source in (data, *(() if test is None else (test,))):
            if source is None:
                raise DataError(f"{task}: no file; give data=FILE")
            _check_file(task, source)
        return
    for name, value in {"target": target, "test": test, **options.to_json()}.items():
        if value is None:
            continue
        shown = value if isinstance(value, (str, int, list)) else str(value) if isinstance(value, PathLike) else None
        given = f"{name}=..." if shown is None else f"{name}={shown!r}"
        raise DataError(f"{task} takes no {given}: its labels and its test part are fixed; csv and npz take it")
    if task in ("digits", "alu"):
        if data is not None:
            raise DataError(
                f"{task} is {'embedded' if task == 'digits' else 'made'} and takes no data=FOLDER; leave it out"
            )
    elif task in TABULAR_TASKS:
        find_files(task, None if data is None else Path(data), TABULAR_TASKS[task].folder, TABULAR_TASKS[task].files)
    elif task == cifar.NAME:
        cifar.check_cifar(None if data is None else Path(data))
    elif task == folders.NAME:
        folders.check_image_folder(None if data is None else Path(data), part)
    else:
        image_folder(_IMAGE_TASKS[task], None if data is None else Path(data))


def load_test(
    task: str,
    classes: Sequence[Label],
    data: Source = None,
    target: Target = None,
    schema: Schema | None = None,
    reading: Reading = AS_FOUND,
    alu: ALU | Mapping[str, Any] | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the samples and class ids on which a trained model is measured; for `alu`, bits of results instead of
    class ids.

    For `alu`, `digits`, images and public tables this is the test part; for a table in a file it is every row of
    `data`.

    Args:
        task: as for `load`.
        classes: the model's classes; class ids count in them.
        data: as for `load`.
        target: as for `load`; None: the model's own.
        schema: what the model knows of its table (`circuit.schema`): columns are found by its names where the data have
            names, text is read as in training, and names of categories that it does not have are NaN.
        reading: of a text file, whether it has a header, and the delimiter.
        alu: as for `load`.

    Raises:
        DataError: as `load`; or a label that is none of the classes.
    """
    check(task, data, target if task not in _TABLE_TASKS else None, alu=alu, part="test")
    if task == "alu":
        made = ALU.of(alu).dataset(samples=1)
        assert made.x_test is not None and made.y_test is not None  # noqa: PT018 - a data set of ALU has a test part
        return made.x_test, made.y_test
    if task in _TABLE_TASKS:
        table, labels = _read_known(task, data, target, schema, classes, reading)
        return table.x, class_ids(labels, classes, table.source)
    if task == "digits":
        digits = load_digits()
        assert digits.x_test is not None and digits.y_test is not None  # noqa: PT018 - embedded with a test part
        return digits.x_test, digits.y_test
    folder = None if data is None else Path(data)
    if task in TABULAR_TASKS:
        return load_tabular_test(TABULAR_TASKS[task], folder, classes, schema.categories if schema else ())
    if task == cifar.NAME:
        return cifar.read_cifar(folder, "test")
    if task == folders.NAME:
        return folders.read_test_folder(folder, classes)
    return read_images(_IMAGE_TASKS[task], folder, "test")


def _load_table(task: str, data: Any, target: Target, test: Any, options: TableOptions) -> Dataset:
    if is_arrays(data):
        return _load_arrays(task, Path(data), target, test, options)
    folder, sample = None, data
    if _is_npz(task, data):
        table = read_npz_table(data, target)
        labels = _labels_of(table)
    else:
        if target is None:
            raise DataError(f"{_name(data)}: no label column; give target=COLUMN{_columns(data, options)}")
        if _is_folder(data):
            folder = ParquetFolder(Path(data))
            sample, rows = folder.sample()
        table = read_table(sample, target, options)
        if folder is not None:
            table = replace(table, source=str(folder.path))
        assert table.labels is not None  # a target was given
        labels = _parsed(table, target)
    stream = None
    if folder is None or not folder.is_large:
        classes = find_classes(labels, table.source)
    else:
        assert table.schema is not None
        assert target is not None
        source = folder.source(table.schema, target, table.schema.missing)
        stream, classes = StreamedRows(source, rows, np.zeros(0, np.int64)), source.classes
    x_test, y_test = None, None
    schema = table.schema or Schema(int(np.prod(table.x.shape[1:])), table.names)
    if test is not None:
        reading = Reading(options.header, options.delimiter)
        table_test, labels_test = _read_known(task, test, target, schema, classes, reading)
        if (table.names is None) != (table_test.names is None):
            with_names, without = (table, table_test) if table.names else (table_test, table)
            raise DataError(
                f"{without.source} names no columns; {with_names.source} does: give both a header or neither"
            )
        x_test, y_test = table_test.x, class_ids(labels_test, classes, table_test.source)
    return Dataset(
        table.x,
        class_ids(labels, classes, table.source),
        x_test,
        y_test,
        classes,
        Path(table.source).name,
        table.names,
        *named_categories(table),
        table.schema,
        stream=stream,
    )


def _load_arrays(task: str, path: Path, target: Target, test: Any, options: TableOptions) -> Dataset:
    """Return the samples of an NPY file, with the targets in the file beside it."""
    given = [name for name, value in (("test", test), *options.to_json().items()) if value is not None]
    if given:
        raise DataError(f"{task}: {path} is an array, which takes no {given[0]}=...: leave it out")
    X, y = open_arrays(path, target)
    return stream_arrays(X, y, name=path.name) if is_large(X) else from_arrays(X, y, name=path.name)


def _read_known(
    task: str, data: Any, target: Target, schema: Schema | None, classes: Sequence[Label], reading: Reading
) -> tuple[Table, NDArray[Any]]:
    """Return a table as a model reads it, with its labels, typed: text becomes numbers where the classes are."""
    if _is_npz(task, data):
        table = read_npz_table(data, target, schema.names if schema else None)
        return table, _labels_of(table)
    if _is_folder(data):  # a large one: the sample that training had, of which rows were held out
        sample, _ = ParquetFolder(Path(data)).sample()
        table = replace(read_table_by(schema or Schema(1), sample, target), source=str(data))
    elif not isinstance(data, (str, PathLike)) or str(data).lower().endswith(COLUMNAR):
        table = read_table_by(schema or Schema(1), data, target)
    else:
        table = read_text(data, schema, target, reading)
    return table, _parsed(table, target, classes)


def _parsed(table: Table, target: Target, classes: Sequence[Label] | None = None) -> NDArray[Any]:
    assert table.labels is not None
    if table.labels.dtype.kind != "U":
        return table.labels
    missing = MISSING if table.schema is None else table.schema.missing
    column = repr(target if target is not None or table.schema is None else table.schema.target)
    return parse_labels(table.labels.tolist(), f"{table.source}, column {column}", classes, missing)


def _labels_of(table: Table) -> NDArray[Any]:
    if table.labels is None:
        raise DataError(f"{table.source}: no labels; give target=KEY or call the array y")
    return table.labels


def _columns(data: Any, options: TableOptions) -> str:
    """Return which columns a text file has, for a message."""
    if not isinstance(data, (str, PathLike)) or str(data).lower().endswith(COLUMNAR) or Path(data).is_dir():
        return ""
    with read_rows(Path(data), options.delimiter) as rows:
        _, first = next(rows, (0, []))
    names = [cell.strip() for cell in first]
    if options.header is False or any(dress(name) for name in names):
        return ", by place (-1 is the last)"
    return f"; the columns are {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"


def _is_npz(task: str, data: Any) -> bool:
    return task == "npz" or (isinstance(data, (str, PathLike)) and str(data).lower().endswith(".npz"))


def _is_folder(data: Any) -> bool:
    return isinstance(data, (str, PathLike)) and Path(data).is_dir()


def is_arrays(data: Any) -> bool:
    """Return whether data are the path of an NPY file."""
    return isinstance(data, (str, PathLike)) and str(data).lower().endswith(".npy")


def is_streamed(data: Any) -> bool:
    """Return whether the rows of a path may be more than memory is used for: then gradients train on them."""
    if is_arrays(data):
        return Path(data).stat().st_size > LARGE
    return _is_folder(data) and ParquetFolder(Path(data)).is_large


def _name(data: Any) -> str:
    return str(data) if isinstance(data, (str, PathLike)) else "the frame"


def _check_file(task: str, source: Any) -> None:
    if not isinstance(source, (str, PathLike)):
        if task == "npz":
            raise DataError(f"npz: data is a {type(source).__name__}, expected the path of an .npz file")
        return
    path = Path(source)
    if path.is_dir() and task == "table":
        if not parquet_files(path):
            raise MissingDataError(f"{path} holds no Parquet files; expected names that end in .parquet")
        return
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise MissingDataError(
            f"{task}: {path} {problem}; expected a {'table in a' if task == 'table' else f'.{task}'} file"
        )


def _check_task(task: str) -> None:
    one_of("task", task, TASKS, DataError)
