"""Text tables (CSV) read row by row with Python's `csv`, as a model's schema says: without other libraries, and without
guesses.

Prediction in a plain install uses this reader. It also defines what training has to read with pyarrow (`table.py`).
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import Schema, SchemaError
from lutsmith.circuit.tabular.schema import is_place, listed, shorten
from lutsmith.data.dataset import DataError, Table
from lutsmith.data.tables.options import checked_delimiter, place_of

DELIMITERS = ",;\t|"
LONGEST_LINE = 1 << 24
LONGEST_FIELD = 131_072
"""Characters of a field: the limit of Python's `csv`."""
_SNIFFED = 100
"""Lines that are looked at to find the delimiter."""
_ROWS = 4096

Rows = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Reading:
    """How to read a text file, as far as the model does not decide it.

    Attributes:
        header: whether its first row is a header; None: it is one if it names a column of the model.
        delimiter: what separates its fields; None: as in the model's training data, else the detected one.
    """

    header: bool | None = None
    delimiter: str | None = None


AS_FOUND = Reading()


def read_text(
    path: str | os.PathLike[str],
    schema: Schema | None = None,
    target: str | int | None = None,
    reading: Reading = AS_FOUND,
) -> Table:
    """Return the rows of a text table as a model's features, with their labels.

    Columns are found by the model's names where the file has a header, which may then have further ones; else by place.

    Args:
        path: the file, plain or gzipped, UTF-8.
        schema: what the model knows of its table; None: all columns but the target are plain numbers.
        target: the label column by name, or by place (0 is the first, -1 the last); None: the model's own.
        reading: whether there is a header, and the delimiter.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty; its first row may be a header of other columns;
            rows of different lengths; a column that is not there; text that is not a number.
    """
    parts = list(_parts(Path(path), _ROWS, schema, reading, target, labelled=True))
    labels = np.array([label for _, part, _ in parts for label in part])
    return Table(str(path), np.concatenate([features for features, _, _ in parts]), labels, parts[0][2], schema)


def text_batches(
    path: str | os.PathLike[str], batch: int, schema: Schema | None = None, reading: Reading = AS_FOUND
) -> Iterator[NDArray[np.float32]]:
    """Yield the features of a text table as float32 (n, F), n <= `batch`; arguments and errors as for `read_text`.

    The label's column may be there or not. An error further down in the file is raised when its row is reached.
    """
    for features, _, _ in _parts(Path(path), batch, schema, reading, None, labelled=False):
        yield features


def _parts(
    path: Path, batch: int, schema: Schema | None, reading: Reading, target: str | int | None, labelled: bool
) -> Iterator[tuple[NDArray[np.float32], list[str], tuple[str, ...] | None]]:
    delimiter = checked_delimiter(reading.delimiter) or (schema.delimiter if schema else None)
    with read_rows(path, delimiter) as rows:
        first = next(rows, None)
        if first is None:
            raise DataError(f"{path}: no rows; expected a table")
        given = None if target is None else str(target)
        layout = _Layout.of(path, first[1], schema, given, reading.header, labelled)
        parts = columns_of(path, rows if layout.names else chain([first], rows), layout.width, batch)
        begin = next(parts, None)
        if begin is None:
            raise DataError(f"{path}: a header and no rows")
        for lines, columns in chain([begin], parts):
            yield (*layout.read(path, lines, columns), layout.feature_names)


@dataclass(frozen=True, eq=False)
class _Layout:
    """Which fields of a row are what: `places` of the features, `label` of the label, `names` of all fields."""

    schema: Schema
    width: int
    names: list[str] | None
    places: Sequence[int]
    label: int | None

    @classmethod
    def of(
        cls, path: Path, first: list[str], schema: Schema | None, target: str | None, header: bool | None,
        labelled: bool,
    ) -> _Layout:  # fmt: skip
        names, width = [cell.strip() for cell in first], len(first)
        if header is None:
            header = _is_header(path, names, schema, target)
        known = names if header else None
        label = None
        if labelled:
            wanted = target
            if wanted is None and schema is not None:
                wanted = schema.label_name if schema.label_name in (known or ()) else schema.target
            if wanted is None:
                raise DataError(f"{path}: no label column; give target=COLUMN")
            trained = schema is not None and known is not None and known.count(wanted) > 1 and schema.laid_out(known)
            label = schema.label if schema is not None and trained else None
            if label is None:
                label = place_of(wanted, known, width, str(path))
        places = _features(path, known, width, schema, label)
        return cls(schema or Schema(len(places)), width, known, places, label)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the features, where the file has them."""
        return None if self.names is None else tuple(self.names[place] for place in self.places)

    def read(
        self, path: Path, lines: Sequence[int], columns: Sequence[tuple[str, ...]]
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Return the features of some rows, float32 (n, F), and their labels as text."""
        x = np.empty((len(self.places), len(lines)), np.float32)
        for feature, place in enumerate(self.places):
            try:
                x[feature] = self.schema.text(feature, columns[place])
            except SchemaError as error:
                line = lines[error.row or 0]
                name = repr(self.names[place]) if self.names else str(place)
                raise DataError(
                    f"{path}: column {name} is text ({shorten(error.cell or '')} in line {line}); expected "
                    f"{self.schema.expected(feature)}"
                ) from error
        labels = [] if self.label is None else [cell.strip() for cell in columns[self.label]]
        return x.T, labels


def _is_header(path: Path, first: list[str], schema: Schema | None, target: str | None) -> bool:
    """Return whether the first row holds names: it names a column of the model, or it cannot be a row of values.

    Raises:
        DataError: the model's columns have names, and this row is neither theirs nor values.
    """
    if target is not None and not is_place(target):
        return target in first or not all(map(_is_value, first))
    numbered = len(first) > 2 and first == [str(place) for place in range(len(first))]
    if schema is None:
        return numbered or not any(map(_is_value, first))
    if not {*(schema.names or ()), schema.label_name}.isdisjoint(first):
        return True
    try:
        cells = [first[place] for place in _features(path, None, len(first), schema, None)]
    except DataError:
        if any(map(_is_value, first)) and not numbered:
            raise
        cells = []
    numbers = [feature for feature in range(len(cells)) if not schema.categories or schema.categories[feature] is None]
    if schema.names is None:
        known = [feature for feature, cell in enumerate(cells) if schema.reads(feature, cell)]
        if not numbered and cells and not numbers and not known:
            raise DataError(
                f"{path}: the first row ({listed(first)}) holds no value that the model knows, and may be a header: "
                "give header=True or header=False"
            )
        return numbered or (bool(numbers) and not any(feature in known for feature in numbers))
    told = numbers or [feature for feature, cell in enumerate(cells) if schema.reads(feature, cell)]
    if numbered or not told or not all(schema.reads(feature, cells[feature]) for feature in told):
        raise DataError(
            f"{path}: the first row ({listed(first)}) is neither a row of values nor a header with the model's columns "
            f"({listed(schema.names)}): rename the columns, or give header=True or header=False, and delimiter=CHAR"
        )
    return False


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or missing."""
    return _BARE.reads(0, cell)


_BARE = Schema(1)


def _features(
    path: Path, names: list[str] | None, width: int, schema: Schema | None, label: int | None
) -> Sequence[int]:
    """Return the places of the features among the fields of a row."""
    others = [place for place in range(width) if place != label]
    if not others:
        raise DataError(f"{path}: one column, the label; expected feature columns beside it")
    if schema is None:
        return others
    if names is not None and schema.names is not None:
        try:
            return schema.find(names, further=True)
        except SchemaError as error:
            raise DataError(f"{path}: {error}") from error
    if names is not None and label is None and schema.label_name in names:
        others.remove(names.index(schema.label_name))
    if len(others) == schema.features:
        return others
    if width == schema.width:
        return schema.places or [place for place in range(width) if place != schema.label]
    raise DataError(
        f"{path}: {len(others)} feature columns; expected {schema.features}, as the model has. Is the delimiter right?"
    )


@contextmanager
def read_rows(path: Path, delimiter: str | None = None) -> Iterator[Rows]:
    """Open a text table as pairs of line number and fields, empty lines left out.

    Args:
        path: the file, plain or gzipped, UTF-8.
        delimiter: what separates the fields; None: it is detected.

    Raises:
        DataError: whatever goes wrong while reading.
    """
    with _text(path) as text:
        if delimiter is None:
            delimiter = _found_delimiter(text)
            text.seek(0)
        reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)
        yield ((reader.line_num, row) for row in reader if len(row) > 1 or (row and row[0].strip()))


def columns_of(
    path: Path, rows: Rows, width: int, count: int = _ROWS
) -> Iterator[tuple[list[int], list[tuple[str, ...]]]]:
    """Yield up to `count` rows at a time: their lines, and their fields column by column.

    Raises:
        DataError: a row that does not have `width` fields.
    """
    while chunk := list(islice(rows, count)):
        for line, row in chunk:
            if len(row) != width:
                raise DataError(f"{path}: line {line} has {len(row)} fields, the first row has {width}")
        yield [line for line, _ in chunk], list(zip(*(row for _, row in chunk), strict=True))


def find_delimiter(path: Path) -> str:
    """Return the delimiter of a text table: of those that split the first lines into equally many fields, the one that
    gives the most.
    """
    with _text(path) as text:
        return _found_delimiter(text)


def _found_delimiter(text: io.TextIOWrapper) -> str:
    lines = list(islice((line for line in _lines(text) if line.strip()), _SNIFFED))
    if not lines:
        return DELIMITERS[0]

    def splits(delimiter: str) -> tuple[bool, int, bool]:
        counts = [_unquoted(line, delimiter) for line in lines]
        alike = counts[0] > 0 and all(count == counts[0] for count in counts)
        return alike, counts[0], delimiter != ","  # 1,5;2,5: a comma is the decimal mark

    found = max(DELIMITERS, key=splits)
    return found if splits(found)[1] else DELIMITERS[0]


def _unquoted(line: str, delimiter: str) -> int:
    """How often a delimiter stands outside of quotes."""
    return "".join(line.split('"')[::2]).count(delimiter) if '"' in line else line.count(delimiter)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, plain or gzipped; errors as for `read_rows`."""
    with _text(path) as text:
        return list(_lines(text))


@contextmanager
def open_bytes(path: Path) -> Iterator[Any]:
    """Open a file, unzipped where it is gzipped.

    Raises:
        DataError: it cannot be read, or the gzip data are damaged.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if zipped else raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOWrapper]:
    try:
        with open_bytes(path) as content, io.TextIOWrapper(content, encoding="utf-8-sig", newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: not a table of text fields ({error})") from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Return the lines, none longer than a table's: a file without line ends must not fill the memory."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE:,} characters")
        yield line
