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
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError
from lutsmith.data.labels import is_missing

_DELIMITERS = ",;\t"
_LOOK_AHEAD = 100
"""Rows that are read to tell a header from a row of values."""

_LONGEST_LINE = 1 << 24


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers, and a label for each where a label column was asked for.

    Attributes:
        source: the file, for messages.
        x: the features: `(N, F)` float32 from text (missing values are NaN), uint8 or float32 of any shape from `.npz`.
        labels: `(N,)`, or None: text as it stands in a text file, whatever an `.npz` file holds.
        names: the names of the feature columns, or None where the file has none.
    """

    source: str
    x: NDArray[Any]
    labels: NDArray[Any] | None
    names: tuple[str, ...] | None


def read_csv(
    path: str | os.PathLike[str], target: str | int | None = None, columns: Sequence[str] | None = None
) -> Table:
    """Return the rows of a text table.

    The first row is a header if it names the target, if it is text above numbers in some column, if the whole of it is
    text in a file of one row, or if it counts 0, 1, 2 ... as exported arrays do. The delimiter is the one that splits
    the first row into most fields.

    Args:
        path: the file, plain or gzipped, UTF-8.
        target: the label column by name, or by place (0 is the first, -1 the last); None: the file has no labels.
        columns: the feature columns wanted, in this order, where the file has a header; others are skipped.
            None takes all but the target.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty; rows of different lengths; an unknown or repeated
            column; text in a feature column.
    """
    path = Path(path)
    with _rows(path) as rows:
        head = list(islice(rows, _LOOK_AHEAD))
        if not head:
            raise DataError(f"{path}: no rows; expected a table of numbers")
        wanted = None if target is None else str(target)
        header = [cell.strip() for cell in head[0][1]] if _has_header(head, wanted) else None
        width = len(head[0][1])
        label = None if wanted is None else _place(path, wanted, header, width)
        features = _features(path, header, width, label, columns)
        values = array("f")
        labels: list[str] = []
        for line, row in chain(head[1:] if header else head, rows):
            if len(row) != width:
                raise DataError(f"{path}: line {line} has {len(row)} fields, the first row has {width}")
            cells = [row[place] for place in features]
            start = len(values)
            try:
                values.extend(map(float, cells))
            except ValueError:
                del values[start:]
                values.extend(_numbers(path, line, cells, features, header))
            if label is not None:
                labels.append(row[label])
    if not values and not labels:
        raise DataError(f"{path}: a header and no rows")
    return Table(
        source=str(path),
        x=np.array(values, dtype=np.float32).reshape(-1, len(features)),
        labels=None if label is None else np.array([cell.strip() for cell in labels]),
        names=tuple(header[place] for place in features) if header else None,
    )


def read_column_names(path: str | os.PathLike[str]) -> tuple[str, ...] | None:
    """Return the names in the header of a text table, or None where it has none; errors as in `read_csv`."""
    with _rows(Path(path)) as rows:
        head = list(islice(rows, _LOOK_AHEAD))
    return tuple(cell.strip() for cell in head[0][1]) if head and _has_header(head, None) else None


def _numbers(path: Path, line: int, cells: list[str], features: list[int], header: list[str] | None) -> Iterator[float]:
    """Return a row's values where some cell is no number: missing values as NaN."""
    for cell, place in zip(cells, features, strict=True):
        if is_missing(cell):
            yield float("nan")
            continue
        try:
            yield float(cell)
        except ValueError:
            column = repr(header[place]) if header else str(place)
            raise DataError(
                f"{path}: column {column} is text ({_shorten(cell)} in line {line}); feature columns must be "
                "numbers: drop the column or write it as numbers"
            ) from None


def _has_header(head: list[tuple[int, list[str]]], target: str | None) -> bool:
    first = [cell.strip() for cell in head[0][1]]
    if first == [str(place) for place in range(len(first))]:
        return True
    if all(_is_number(cell) or is_missing(cell) for cell in first):
        return False
    if target is not None and not _is_place(target):
        return True  # a name can only stand in a header; `_place` says so where it does not
    below = [row for _, row in head[1:] if len(row) == len(first)]
    if not below:
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
def _rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open a text table as pairs of line number and fields; whatever goes wrong while reading becomes a DataError."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            unzipped = gzip.GzipFile(fileobj=raw) if zipped else raw
            with io.TextIOWrapper(unzipped, encoding="utf-8-sig", newline="") as text:
                first = next((line for line in _lines(text) if line.strip()), "")
                delimiter = max(_DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
                text.seek(0)
                reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)
                yield ((reader.line_num, row) for row in reader if len(row) > 1 or (row and row[0].strip()))
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
