"""Tables to train on: text, Parquet and Feather by pyarrow, frames by narwhals. What is detected becomes a schema.

Without pyarrow, Python's `csv` reads text too, only more slowly.

A model keeps the schema, and reads every later table by it (`text.py`, `Schema`), without these libraries.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import MISSING, Schema, SchemaError
from lutsmith.data.dataset import DataError, Table
from lutsmith.data.tables.columns import Column
from lutsmith.data.tables.frames import arrow_of
from lutsmith.data.tables.header import has_header
from lutsmith.data.tables.kinds import read_columns
from lutsmith.data.tables.options import TableOptions, place_of, places_of
from lutsmith.data.tables.text import LONGEST_FIELD, LONGEST_LINE, columns_of, find_delimiter, open_bytes, read_rows

COLUMNAR = (".parquet", ".pq", ".feather", ".arrow")
"""Endings of the files that pyarrow reads beside text."""
_BLOCK = 1 << 20
_BATCH = 65_536


def read_table(
    source: Any,
    target: str | int | None,
    options: TableOptions = TableOptions(),  # noqa: B008
    weights: NDArray[np.float64] | None = None,
) -> Table:
    """Return the features and labels of a table, and the schema that was found.

    A column holds numbers if all of its values are numbers, written in one way: plain, with a decimal comma, grouped
    (`1,000`), with a unit (`50%`, `$5`), in hexadecimal. Else it is categorical: its values, numbers too, are names, as
    they are spelt, and become codes in the ascending order of the names. A `TableWarning` points out what may be a
    mistake.

    The first row of a text file is a header if it names the target, or if its cells differ in kind from the cells
    below. Where that is not clear, `options.header` has to say it.

    Args:
        source: the path of a text file, plain or gzipped, UTF-8, or of a Parquet or Feather file; or a frame of pandas,
            polars, pyarrow or another library that narwhals knows.
        target: the label column by name, or by place (0 is the first, -1 the last); None: there are no labels.
        options: what is known and should not be detected.
        weights: (N,), how many rows each counts as where rare names are pooled; None: one.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty; rows of different lengths; an unknown or repeated
            column; a first row that may be a header; text in a column of which most values are numbers; a categorical
            column of more than 1,000 names most of which stand in one row; times, lists or other values that are
            neither numbers nor text.
        ModuleNotFoundError: pyarrow or narwhals is not installed (`pip install 'lutsmith[tables]'`); only text is read
            without them.
    """
    wanted = None if target is None else str(target)
    if isinstance(source, (str, os.PathLike)) and not str(source).lower().endswith(COLUMNAR):
        return _read_text(Path(source), wanted, options, weights)
    name, table = _arrow(source)
    found = Schema(1, missing=("",))
    return _described(name, _of_arrow(table, name), wanted, options, found, lambda row: f"row {row}", weights)


def read_table_by(schema: Schema, source: Any, target: str | int | None = None) -> Table:
    """Return the features and labels of a Parquet or Feather file or a frame as a model reads them.

    Args:
        schema: what the model knows of its table.
        source: as for `read_table`; further columns are passed over.
        target: the label column; None: the model's own.

    Raises:
        DataError, ModuleNotFoundError: as for `read_table`; columns or values that the model cannot read.
    """
    name, table = _arrow(source)
    names = [str(column).strip() for column in table.column_names]
    wanted = str(target) if target is not None else schema.label_name or schema.target
    if wanted is None:
        raise DataError(f"{name}: no label column; give target=COLUMN")
    label = place_of(wanted, names, len(names), name)
    x = features_by(schema, table, name, further=True)
    (column,) = _of_arrow(table.select([label]), name)
    return Table(name, x, column.labels(), schema.names, schema)


def labels_of(table: Any, name: str) -> NDArray[Any]:
    """Return the labels that an Arrow table of one column holds; DataError where it holds no labels."""
    (column,) = _of_arrow(table, name)
    return column.labels()


def features_by(schema: Schema, table: Any, name: str, *, further: bool) -> NDArray[np.float32]:
    """Return the features of an Arrow table as a model reads them, float32 (N, F).

    Args:
        schema: what the model knows of its table.
        table: the Arrow table.
        name: what messages call it.
        further: whether there may be columns that the model does not know; else only the label's may be there.

    Raises:
        DataError: columns or values that the model cannot read.
    """
    from lutsmith.circuit.engine.streams import SampleStream  # only here: reading text needs no engine

    try:
        places = schema.find([str(column).strip() for column in table.column_names], further=further)
        samples = SampleStream((schema.features,), replace(schema, names=None, label_name=None))
        parts = list(samples.batches(table.select(places), _BATCH))
    except (SchemaError, TypeError, ValueError) as error:
        raise DataError(f"{name}: {error}") from error
    return np.concatenate(parts) if parts else np.zeros((0, schema.features), np.float32)


def _arrow(source: Any) -> tuple[str, Any]:
    """Return what messages call a source, and the source as an Arrow table."""
    if isinstance(source, (str, os.PathLike)):
        return str(source), _read_columnar(Path(source))
    return "the frame", arrow_of(source)


def _read_text(path: Path, target: str | None, options: TableOptions, weights: NDArray[np.float64] | None) -> Table:
    delimiter = options.delimiter or find_delimiter(path)
    columns = _cells(path, delimiter)
    header = has_header(str(path), columns, target, options.header)
    if header:
        columns = [column.without_first() for column in columns]
        if not columns[0].length:
            raise DataError(f"{path}: a header and no rows")
    found = Schema(1, missing=MISSING, delimiter=delimiter, header=header)

    def where(row: int) -> str:
        with read_rows(path, delimiter) as rows:
            return f"line {next(islice(rows, row + header, None))[0]}"

    return _described(str(path), columns, target, options, found, where, weights)


def _described(
    source: str,
    columns: Sequence[Column],
    target: str | None,
    options: TableOptions,
    found: Schema,
    where: Callable[[int], str],
    weights: NDArray[np.float64] | None,
) -> Table:
    """Return the table of columns: which one is the label, which are left out, and what the others hold."""
    names = None if columns[0].name is None else [str(column.name) for column in columns]
    label = None if target is None else place_of(target, names, len(columns), source)
    groups = {
        name: places_of(getattr(options, name), names, len(columns), source)
        for name in ("drop", "numbers", "categories")
    }
    if label is not None and any(label in places for places in groups.values()):
        raise DataError(f"{source}: column {target!r} is the target: it cannot be dropped or be a feature")
    places = [place for place in range(len(columns)) if place != label and place not in groups["drop"]]
    if not places:
        raise DataError(f"{source}: one column, the label; expected feature columns beside it")
    chosen = [columns[place] for place in places]
    if names is not None:
        _check_names(source, [name for place, name in enumerate(names) if place not in groups["drop"]])
    start = replace(
        found,
        features=len(places),
        names=None if names is None else tuple(names[place] for place in places),
        missing=found.missing if options.missing is None else options.missing,
        width=len(columns),
        places=tuple(places) if groups["drop"] else None,
        label=label,
        label_name=None if names is None or label is None else names[label],
        target=target,
        unseen=options.unseen or found.unseen,
    )
    if not columns[0].length:
        raise DataError(f"{source}: no rows")
    forced = {places.index(place): name for name in ("numbers", "categories") for place in groups[name]}
    pooling = options.min_frequency, weights
    x, schema = read_columns(source, chosen, places, start, forced, options.decimal, where, *pooling)
    labels = None if label is None else columns[label].labels()
    return Table(source, x, labels, schema.names, schema)


def _check_names(source: str, names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in first:
            raise DataError(
                f"{source}: several columns are called {name!r}, and a model finds columns by name: rename all but "
                "one, or leave them out by drop=PLACE"
            )
        first[name] = place


def _cells(path: Path, delimiter: str) -> list[Column]:
    """Return the fields of a text file as columns of text, the first row among them.

    pyarrow reads them; where it stumbles, might see other fields than Python's `csv` does, or is not installed, that
    decides and says in which line a mistake is.
    """
    with read_rows(path, delimiter) as rows:
        first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: no rows; expected a table")
    width = len(first[1])
    read = _by_pyarrow(path, delimiter, width) if width > 1 else None
    if read is not None and all(
        len(column.values) == 0 or max(map(len, column.values)) <= LONGEST_FIELD for column in read
    ):
        return read
    with read_rows(path, delimiter) as rows:
        fields: list[list[str]] = [[] for _ in range(width)]
        for _, columns in columns_of(path, rows, width):
            for cells, more in zip(fields, columns, strict=True):
                cells += more
    return [Column.of_text(None, cells) for cells in fields]


def _by_pyarrow(path: Path, delimiter: str, width: int) -> list[Column] | None:
    """Return what pyarrow reads of a text file of so many columns; None where it refuses, might err, or is missing."""
    try:
        import pyarrow
        from pyarrow import csv
    except ModuleNotFoundError:
        return None
    names = [str(place) for place in range(width)]
    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    with open_bytes(path) as content:
        if _has_spaced_quotes(content, delimiter):
            return None
    with open_bytes(path) as content:
        try:
            table = csv.read_csv(
                content,
                csv.ReadOptions(column_names=names, block_size=LONGEST_LINE, use_threads=False),
                csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True,
                    invalid_row_handler=lambda row: "error" if row.actual_columns > 1 or row.text.strip() else "skip",
                ),
                csv.ConvertOptions(column_types=dict.fromkeys(names, text), strings_can_be_null=False),
            )  # fmt: skip
        except pyarrow.ArrowInvalid:
            return None
    return [Column.of_dictionary(None, table.column(place)) for place in range(width)]


def _has_spaced_quotes(content: Any, delimiter: str) -> bool:
    """Whether a field begins with spaces and a quote: Python's `csv` skips them, pyarrow reads the quote as text."""
    spaced = re.compile(rb"[\r\n" + re.escape(delimiter.encode()) + rb']\xef?\xbb?\xbf? +"')
    before = b"\n"
    while block := content.read(_BLOCK):
        text = before + block
        if spaced.search(text):
            return True
        before = text[max(0, len(text.rstrip(b" ")) - 4) :]
    return False


def _read_columnar(path: Path) -> Any:
    import pyarrow
    from pyarrow import feather, parquet

    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            with parquet.ParquetFile(path) as file:
                return file.read()
        return feather.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a sound {path.suffix} file ({' '.join(str(error).split())})") from error


def _of_arrow(table: Any, source: str) -> list[Column]:
    """Return the columns of an Arrow table: numbers, truth values and text."""
    import pyarrow
    from pyarrow import types

    if table.num_columns == 0:
        raise DataError(f"{source}: no columns; expected a table")
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        name, kind = str(name).strip(), column.type
        if types.is_dictionary(kind):
            kind = kind.value_type
            if not (types.is_string(kind) or types.is_large_string(kind)):
                column = column.cast(kind)
        if types.is_integer(kind) and _is_beyond_float(column):  # names and labels keep every digit
            kind, column = pyarrow.string(), column.cast(pyarrow.string())
        if types.is_boolean(kind):
            columns.append(Column.of_numbers(name, _numbers(column), "boolean"))
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind):
            columns.append(Column.of_numbers(name, _numbers(column)))
        elif types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
            text = column if types.is_dictionary(column.type) else column.cast(pyarrow.string()).dictionary_encode()
            columns.append(Column.of_dictionary(name, text))
        else:
            columns.append(Column.of_others(name, str(kind)))
    return columns


def _is_beyond_float(column: Any) -> bool:
    """Whether a column holds integers that float64 would round."""
    from pyarrow import compute

    ends = compute.min_max(column).as_py()
    return any(end is not None and abs(end) > 1 << 53 for end in ends.values())


def _numbers(column: Any) -> NDArray[np.float64]:
    import pyarrow

    values: NDArray[np.float64] = np.asarray(column.cast(pyarrow.float64(), safe=False).to_numpy(), np.float64)
    return values
