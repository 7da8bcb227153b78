"""Text tables (CSV): with a header or without, quoted fields, comma, semicolon or tab, gzipped or plain."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.categories import MOST_CATEGORIES, Categories, CategoryColumn
from lutsmith.data.dataset import DataError
from lutsmith.data.labels import is_missing

_DELIMITERS = ",;\t"
_LOOK_AHEAD = 100
"""Rows that are read to tell a header from a row of values."""

_LONGEST_LINE = 1 << 24

_FEW_NUMBERS = 32
"""Different numbers that a column of names may hold, such as `1`, `2`, `3+`. Where there are more, and more than half
of the values are numbers, text is a mistake."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers, and a label for each where a label column was asked for.

    Attributes:
        source: the file, for messages.
        x: the features: `(N, F)` float32 from text (missing values are NaN, names are codes), uint8 or float32 of any
            shape from `.npz`.
        labels: `(N,)`, or None: text as it stands in a text file, whatever an `.npz` file holds.
        names: the names of the feature columns, or None where the file has none.
        categories: the names that codes stand for, by feature column.
    """

    source: str
    x: NDArray[Any]
    labels: NDArray[Any] | None
    names: tuple[str, ...] | None
    categories: Categories = ()


@dataclass(frozen=True, eq=False)
class _Layout:
    """Which fields of a row are what.

    Attributes:
        header: the names of all fields, or None.
        width: fields of a row.
        label: the place of the label, or None.
        features: the places of the features.
    """

    header: list[str] | None
    width: int
    label: int | None
    features: list[int]

    def column(self, place: int) -> str:
        """What messages call a field."""
        return repr(self.header[place]) if self.header else str(place)


@dataclass(eq=False)
class _Text:
    """The feature columns (counted among the features) that hold names.

    Attributes:
        columns: their codes.
        first: of each that was found in the file, its first name and the line of it.
        open: whether more of them may be found.
    """

    columns: dict[int, CategoryColumn]
    first: dict[int, tuple[str, int]] = field(default_factory=dict)
    open: bool = True


def read_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    columns: Sequence[str] | None = None,
    categories: Categories | None = None,
) -> Table:
    """Return the rows of a text table.

    The first row is a header if it names the target or all of `columns`, if it is text above numbers in some column, if
    no number stands in it and nothing below, or if it counts 0, 1, 2 ... as exported arrays do. The delimiter is
    the one that splits the first row into most fields.

    A feature column is categorical if a value in it is neither a number nor missing: its values, numbers too, are names
    of categories, as they are spelt, and become codes in the ascending order of the names.

    Args:
        path: the file, plain or gzipped, UTF-8.
        target: the label column by name, or by place (0 is the first, -1 the last); None: the file has no labels.
        columns: the feature columns wanted, in this order, where the file has a header; others are skipped.
            None takes all but the target.
        categories: the names of each feature column's categories, None for numbers, as a model knows them (other names
            become NaN); empty: all columns hold numbers. None: categorical columns are found.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty; rows of different lengths; an unknown or repeated
            column; text in a column of numbers, where `categories` says so or most of its values are; a categorical
            column of more than 1,000 names; another number of columns than `categories`.
    """
    path = Path(path)
    known = {} if categories is None else {k: names for k, names in enumerate(categories) if names is not None}
    text = _Text({k: CategoryColumn(names) for k, names in known.items()}, open=categories is None)
    table = _read(path, target, columns, text, categories)
    if table is None:  # names were found along the way: what stood above them was read as numbers
        text = _Text({k: CategoryColumn() for k in text.columns}, text.first, open=False)
        table = _read(path, target, columns, text, categories)
    assert table is not None
    return table


def _read(
    path: Path, target: str | int | None, columns: Sequence[str] | None, text: _Text, categories: Categories | None
) -> Table | None:
    """Return the table; None where columns of names were found that `text` did not have, which has them now."""
    with read_rows(path) as rows:
        head = list(islice(rows, _LOOK_AHEAD))
        layout = _layout(path, head, None if target is None else str(target), columns)
        if categories and len(categories) != len(layout.features):
            raise DataError(
                f"{path}: {len(layout.features)} feature columns; expected {len(categories)}, as the model has"
            )
        values = array("f")
        labels: list[str] = []
        for line, row in chain(head[1:] if layout.header else head, rows):
            if len(row) != layout.width:
                raise DataError(f"{path}: line {line} has {len(row)} fields, the first row has {layout.width}")
            cells: list[Any] = [row[place] for place in layout.features]
            for k, column in text.columns.items():
                cells[k] = column.code(cells[k])
            start = len(values)
            try:
                values.extend(map(float, cells))
            except ValueError:
                del values[start:]
                values.extend(_numbers(path, line, cells, layout, text))
            if text.first:
                _check_names(path, layout, text)
            if layout.label is not None:
                labels.append(row[layout.label])
    if not values and not labels:
        raise DataError(f"{path}: a header and no rows")
    _check_numbers(path, layout, text)
    if text.open and text.first:
        return None
    x = np.array(values, dtype=np.float32).reshape(-1, len(layout.features))
    for k, column in text.columns.items():
        x[:, k] = column.sorted_codes(x[:, k])
    found = [text.columns[k].names if k in text.columns else None for k in range(len(layout.features))]
    return Table(
        source=str(path),
        x=x,
        labels=None if layout.label is None else np.array([cell.strip() for cell in labels]),
        names=tuple(layout.header[place] for place in layout.features) if layout.header else None,
        categories=found if text.columns else (),
    )


def csv_batches(
    path: str | os.PathLike[str], batch: int, columns: Sequence[str] | None = None, categories: Categories = ()
) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of a text table as float32 (n, F), n <= `batch`: the features of `read_csv`, which holds all.

    Args:
        path: the file.
        batch: rows at a time.
        columns: the feature columns wanted, as for `read_csv`.
        categories: the names of each feature column's categories, None for numbers; empty: all columns hold numbers.

    Raises:
        DataError: as for `read_csv`; what is wrong further below is told when it is reached.
    """
    path = Path(path)
    known = {k: names for k, names in enumerate(categories) if names is not None}
    text = _Text({k: CategoryColumn(names) for k, names in known.items()}, open=False)
    with read_rows(path) as rows:
        head = list(islice(rows, _LOOK_AHEAD))
        layout = _layout(path, head, None, columns)
        if categories and len(categories) != len(layout.features):
            raise DataError(
                f"{path}: {len(layout.features)} feature columns; expected {len(categories)}, as the model has"
            )
        rest = chain(head[1:] if layout.header else head, rows)
        values = _values(path, islice(rest, batch), layout, text)
        if not len(values):
            raise DataError(f"{path}: a header and no rows")
        while len(values):
            yield values
            values = _values(path, islice(rest, batch), layout, text)


def _values(path: Path, rows: Iterator[tuple[int, list[str]]], layout: _Layout, text: _Text) -> NDArray[np.float32]:
    """The features of some rows, float32 (n, F)."""
    values = array("f")
    for line, row in rows:
        if len(row) != layout.width:
            raise DataError(f"{path}: line {line} has {len(row)} fields, the first row has {layout.width}")
        cells: list[Any] = [row[place] for place in layout.features]
        for k, column in text.columns.items():
            cells[k] = column.code(cells[k])
        start = len(values)
        try:
            values.extend(map(float, cells))
        except ValueError:
            del values[start:]
            values.extend(_numbers(path, line, cells, layout, text))
    return np.array(values, dtype=np.float32).reshape(-1, len(layout.features))


def read_column_names(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> tuple[str, ...] | None:
    """Return the names in the header of a text table, or None where it has none; as `read_csv` tells."""
    with read_rows(Path(path)) as rows:
        head = list(islice(rows, _LOOK_AHEAD))
    return tuple(cell.strip() for cell in head[0][1]) if head and _has_header(head, None, columns) else None


def _layout(
    path: Path, head: list[tuple[int, list[str]]], target: str | None, columns: Sequence[str] | None
) -> _Layout:
    if not head:
        raise DataError(f"{path}: no rows; expected a table of numbers")
    header = [cell.strip() for cell in head[0][1]] if _has_header(head, target, columns) else None
    width = len(head[0][1])
    label = None if target is None else _place(path, target, header, width)
    return _Layout(header, width, label, _features(path, header, width, label, columns))


def _numbers(path: Path, line: int, cells: list[Any], layout: _Layout, text: _Text) -> Iterator[float]:
    """Return a row's values where some cell is no number: missing values as NaN, and so are newly found names."""
    for k, cell in enumerate(cells):
        if isinstance(cell, float) or not is_missing(cell):
            try:
                yield float(cell)
                continue
            except ValueError:
                if not text.open:
                    raise _text_error(path, layout, k, cell, line) from None
                text.columns[k] = CategoryColumn()
                text.first[k] = cell, line
        yield float("nan")


def _check_names(path: Path, layout: _Layout, text: _Text) -> None:
    for k, (cell, line) in text.first.items():
        if len(text.columns[k]) > MOST_CATEGORIES:
            raise _text_error(path, layout, k, cell, line, f" and has more than {MOST_CATEGORIES:,} different values")


def _check_numbers(path: Path, layout: _Layout, text: _Text) -> None:
    for k, (cell, line) in text.first.items():
        numbers = sum(map(_is_number, text.columns[k].names))
        if numbers > max(_FEW_NUMBERS, len(text.columns[k]) / 2):
            raise _text_error(path, layout, k, cell, line, f" among {numbers} numbers")


def _text_error(path: Path, layout: _Layout, k: int, cell: str, line: int, more: str = "") -> DataError:
    return DataError(
        f"{path}: column {layout.column(layout.features[k])} is text ({_shorten(cell)} in line {line}){more}; "
        "expected numbers, or the names of a few categories: correct or drop the column"
    )


def _has_header(head: list[tuple[int, list[str]]], target: str | None, columns: Sequence[str] | None = None) -> bool:
    first = [cell.strip() for cell in head[0][1]]
    if first == [str(place) for place in range(len(first))] or (columns and set(columns) <= set(first)):
        return True
    if all(_is_number(cell) or is_missing(cell) for cell in first):
        return False
    if target is not None and not _is_place(target):
        return True  # a name can only stand in a header; `_place` says so where it does not
    below = [row for _, row in head[1:] if len(row) == len(first)]
    if all(is_missing(cell) for row in below for cell in row):
        return not any(map(_is_number, first))
    for place, cell in enumerate(first):
        if not _is_number(cell) and not is_missing(cell):
            values = [row[place] for row in below if not is_missing(row[place])]
            if values and all(map(_is_number, values)):
                return True
    return False


def _place(path: Path, target: str, header: list[str] | None, width: int) -> int:
    """Return the column of the target, by its name or else by its place."""
    if header and target in header:
        if header.count(target) > 1:
            raise DataError(
                f"{path}: {header.count(target)} columns are called {target!r}; give the place of one, such as -1"
            )
        return header.index(target)
    if _is_place(target) and -width <= int(target) < width:
        return int(target) % width
    known = f"the columns are {_list(header)}" if header else f"without a header the columns are 0 to {width - 1}"
    raise DataError(f"{path}: no column {target!r}; {known}")


def _features(
    path: Path, header: list[str] | None, width: int, label: int | None, columns: Sequence[str] | None
) -> list[int]:
    if columns is None or header is None:
        features = [place for place in range(width) if place != label]
    else:
        missing = [name for name in columns if name not in header]
        if missing:
            raise DataError(f"{path}: no column {missing[0]!r}; the columns are {_list(header)}")
        repeated = [name for name in columns if header.count(name) > 1]
        if repeated:
            raise DataError(f"{path}: several columns are called {repeated[0]!r}")
        features = [header.index(name) for name in columns]
    if not features:
        raise DataError(f"{path}: one column, the label; expected feature columns beside it")
    return features


@contextmanager
def read_rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open a text table as pairs of line number and fields, empty lines left out.

    Raises:
        DataError: whatever goes wrong while reading.
    """
    with _text(path) as text:
        first = next((line for line in _lines(text) if line.strip()), "")
        delimiter = max(_DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
        text.seek(0)
        reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)
        yield ((reader.line_num, row) for row in reader if len(row) > 1 or (row and row[0].strip()))


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, plain or gzipped; errors as for `read_rows`."""
    with _text(path) as text:
        return list(_lines(text))


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOWrapper]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            unzipped = gzip.GzipFile(fileobj=raw) if zipped else raw
            with io.TextIOWrapper(unzipped, encoding="utf-8-sig", newline="") as text:
                yield text
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: not a table of text fields ({error})") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Return the lines, none longer than a table's: a file without line ends must not fill the memory."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line of more than {_LONGEST_LINE:,} characters")
        yield line


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_place(target: str) -> bool:
    digits = target.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 9


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")


def _shorten(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
