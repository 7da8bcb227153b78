"""Rows of samples out of JSON: lists by position, or records by the names of columns.

A number stands where numbers belong, `null` where a value is missing, and text where a column has names of categories;
what is read so is what `circuit.predict` reads of the same values. A number is the float64 next to it, as RFC 8259
advises, except for circuits whose words float32 does not hold. The first value that is something else is told with
its row and its column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.thresholds import as_float32
from lutsmith.circuit.tabular import SchemaError
from lutsmith.circuit.tabular.schema import shorten
from lutsmith.serving.json_text import kind, row_parts
from lutsmith.serving.problems import RequestError, unreadable

_NUMBERS = {int, float, bool, type(None)}
_CELLS = {*_NUMBERS, str}
_TEXT = {str}
_WHOLE = 2**53

ROW_LETTERS, CELL_LETTERS = 65_536, 512
"""Letters that a row of a long body may have, and as many more for each feature."""


class JsonRows:
    """Reads the rows of requests for a circuit.

    Args:
        circuit: whose rows are read.
        max_rows: of a request.

    Attributes:
        exact: whether rows are integers or float64 because the circuit reads words that float32 does not hold; then
            rows come as lists.
        takes_fractions: whether a number may have a fraction.
    """

    def __init__(self, circuit: Circuit, max_rows: int) -> None:
        self._shape, self._features = circuit.input_shape, circuit.encoder.num_features
        self._schema, self._max_rows = circuit.schema, max_rows
        self.exact = circuit.words is not None and circuit.words.formats.is_long
        self._type: Any = circuit.words.formats.row_type if circuit.words is not None else np.float32
        self.takes_fractions = self._type in (np.float32, np.float64)
        self._codes = [self._known(place) for place in range(self._features)] if self._schema.categories else []
        self._plain = not any(codes is not None for codes in self._codes) and not self._schema.missing_numbers
        self._found: tuple[list[str], list[str]] = [], []

    def read(self, body: bytes | bytearray) -> NDArray[Any]:
        """Return the rows of a body, (N, F): float32, or of the type that holds the words of an `exact` circuit.

        Raises:
            RequestError: 400 where it is not JSON, 413 for too many rows, 422 for what the circuit cannot read.
        """
        parts: list[NDArray[Any]] = []
        first, head = 0, None
        plain = self._plain and body.count(b'"') == 2  # those of "rows": no cell is text
        for rows in row_parts(body, ROW_LETTERS + CELL_LETTERS * self._features):
            if first + len(rows) > self._max_rows:
                raise too_many(self._max_rows)
            head = rows[0] if head is None else head
            if isinstance(head, dict):
                parts.append(self._records(rows, head, first))
            else:
                parts.append(self._lists(rows, first, plain))
            first += len(rows)
        if not parts:
            return np.zeros((0, self._features), self._type)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _records(self, rows: list[Any], head: dict[str, Any], first: int) -> NDArray[Any]:
        if self._schema.names is None or self.exact:
            raise RequestError(422, f"row 0 is an object; the model takes rows as lists of {self._features} numbers")
        keys = head.keys()
        for number, row in enumerate(rows, first):
            if not isinstance(row, dict):
                raise RequestError(422, f"row {number} is {kind(row)}, row 0 an object: give objects", row=number)
            if row.keys() != keys and row.keys() ^ keys != {self._schema.label_name}:
                odd = sorted(row.keys() ^ keys)[0]
                raise RequestError(
                    422,
                    f"row {number} has other keys than row 0 ({shorten(odd)} is in one of them): give null for a "
                    "missing value",
                    row=number,
                    column=odd[:200],
                )
        names = self._named(list(keys))
        return self._columns([[row[name] for row in rows] for name in names], first)

    def _named(self, given: list[str]) -> list[str]:
        """Return the key of each feature among those that are given; the last answer is kept."""
        known, names = self._found
        if known != given or not given:
            try:
                names = [given[place] for place in self._schema.find(given, further=False)]
            except SchemaError as error:
                raise unreadable(error) from None
            self._found = given, names
        return names

    def _lists(self, rows: list[Any], first: int, plain: bool) -> NDArray[Any]:
        """Return lists as rows; `plain`: all columns hold numbers, and no cell is text, of which NumPy would make an
        array as wide as the longest.
        """
        if self.exact:
            return self._exactly(rows, first)
        if plain:
            try:
                array = np.array(rows)
            except (ValueError, TypeError, OverflowError):
                array = np.zeros(0, object)
            shaped = array.dtype.kind in "biuf" and array.shape[1:] in (self._shape, (self._features,))
            if shaped and (array.dtype.kind != "f" or np.isfinite(array).all()):
                if array.dtype.kind in "iu" and not -_WHOLE <= array.min() <= array.max() <= _WHOLE:
                    array = array.astype(np.float64)  # whatever stands beside them in other rows
                return as_float32(array.reshape(len(array), self._features))
        flat = [self._flat(number, row) for number, row in enumerate(rows, first)]
        return self._columns(list(zip(*flat, strict=True)), first)

    def _flat(self, number: int, row: Any) -> list[Any]:
        """Return a row, which may be nested as `input_shape` is, as a list of F values."""
        if isinstance(row, list) and len(row) == self._features and not (row and isinstance(row[0], list)):
            return row
        layer = [row]
        for size in self._shape:
            if not all(isinstance(part, list) and len(part) == size for part in layer):
                layer = []
                break
            layer = [value for part in layer for value in part]
        if layer and len(self._shape) > 1:
            return layer
        shaped = f", or nested as {list(self._shape)}" if len(self._shape) > 1 else ""
        what = f"a list of {len(row)}" if isinstance(row, list) else kind(row)
        expected = f"expected a list of {self._features} values{shaped}"
        raise RequestError(422, f"row {number} is {what}; {expected}", row=number)

    def _columns(self, columns: list[Sequence[Any]], first: int) -> NDArray[Any]:
        """Return columns of values as rows (N, F)."""
        if self._codes:
            columns = [
                cells if codes is None else self._categories(place, codes, cells, first)
                for place, (cells, codes) in enumerate(zip(columns, self._codes, strict=True))
            ]
        for place, cells in enumerate(columns):
            if not set(map(type, cells)) <= _NUMBERS:
                self._refuse(place, cells, first)
        try:
            values = np.array(columns, np.float64)
        except OverflowError:
            values = np.full((len(columns), len(columns[0])), np.inf)
        if np.isinf(values).any():
            for place in np.flatnonzero(np.isinf(values).any(axis=1)).tolist():
                self._refuse(place, columns[place], first)
        if missing := self._schema.missing_numbers:
            for place, cells in enumerate(columns):
                if not self._codes or self._codes[place] is None:
                    truths = np.array([type(cell) is bool for cell in cells])
                    values[place, np.isin(values[place], list(missing)) & ~truths] = np.nan
        return as_float32(values).T

    def _categories(self, place: int, codes: dict[str, float], cells: Sequence[Any], first: int) -> list[Any]:
        if set(map(type, cells)) == _TEXT:
            found = [codes.get(cell) for cell in cells]
            if None not in found:
                return found
        for number, cell in enumerate(cells, first):
            if type(cell) not in _CELLS or (type(cell) is not str and cell is not None and not _fits(cell)):
                raise self._wrong(place, number, cell, "the name of a category or null")
        try:
            read: list[Any] = self._schema.values(place, _objects(cells), first).tolist()
        except SchemaError as error:
            raise self._problem(place, error) from None
        return read

    def _refuse(self, place: int, cells: Sequence[Any], first: int) -> None:
        """Raise the error of the first cell of a column that is not a number, if there is one."""
        for number, cell in enumerate(cells, first):
            if type(cell) not in _NUMBERS:
                raise self._wrong(place, number, cell, "a number or null")
            if cell is not None and not _fits(cell):
                raise self._wrong(place, number, cell, "a number that float64 holds")

    def _wrong(self, place: int, row: int, cell: Any, expected: str) -> RequestError:
        return self._problem(place, SchemaError(f"{_shown(cell)} is not {expected}", self._schema.column(place), row))

    def _problem(self, place: int, error: SchemaError) -> RequestError:
        column = self._schema.names[place] if self._schema.names else place
        return RequestError(422, str(error), row=error.row, column=column)

    def _exactly(self, rows: list[Any], first: int) -> NDArray[Any]:
        """Return rows for words of more than 24 bits: integers where the type of the rows is one, without rounding."""
        whole = not self.takes_fractions
        limits = np.iinfo(self._type) if whole else None
        values: list[Any] = []
        for number, row in enumerate(rows, first):
            for place, cell in enumerate(self._flat(number, row)):
                integral = type(cell) is int or (type(cell) is float and cell.is_integer())
                if whole and not integral:
                    raise self._wrong(place, number, cell, "an integer")
                if not whole and (type(cell) not in _NUMBERS - {type(None)} or not _fits(cell)):
                    raise self._wrong(place, number, cell, "a number that float64 holds")
                values.append(cell if limits is None else min(max(int(cell), int(limits.min)), int(limits.max)))
        return np.array(values, self._type).reshape(len(rows), self._features)

    def _known(self, place: int) -> dict[str, float] | None:
        """Return the codes of the names of a column of categories, by name; None of one of numbers."""
        categories = self._schema.categories[place]
        if categories is None:
            return None
        names = [*categories, *self._schema.pooled.get(place, ())]
        codes = self._schema.values(place, _objects(names)).tolist() if names else []
        return {name: code for name, code in zip(names, codes, strict=True) if code == code}


def too_many(most: int) -> RequestError:
    """Return the problem of a request with too many rows."""
    return RequestError(413, f"there are more than {most:,} rows, which a request may have: send several requests")


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _fits(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _shown(cell: Any) -> str:
    if isinstance(cell, str):
        return f"the text {shorten(cell)}"
    if type(cell) in (int, float):
        return f"the number {cell:g}" if _fits(cell) else "a number beyond float64"
    return kind(cell)
