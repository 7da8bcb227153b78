"""Rows of samples out of JSON: lists by position, or records by the names of columns.

JSON is read as RFC 8259 has it, without NaN and repeated keys. A number stands where numbers belong, `null` where a
value is missing, and text where a column has names of categories; what is read so is what `circuit.predict` reads of
the same values. The first value that is something else is told with its row and its column.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.thresholds import as_float32
from lutsmith.circuit.tabular import SchemaError
from lutsmith.circuit.tabular.schema import listed, shorten
from lutsmith.serving.problems import RequestError, unreadable

_NUMBERS = {int, float, bool, type(None)}
_CELLS = {*_NUMBERS, str}
_NONE = np.array([np.inf])  # of what is not a column of numbers
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


class JsonRows:
    """Reads the rows of requests for a circuit. Immutable.

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

    def read(self, body: bytes | bytearray) -> NDArray[Any]:
        """Return the rows of a body, (N, F): float32, or of the type that holds the words of an `exact` circuit.

        Raises:
            RequestError: 400 where it is not JSON, 413 for too many rows, 422 for what the circuit cannot read.
        """
        rows = _rows(strict_json(body))
        if len(rows) > self._max_rows:
            raise too_many(len(rows), self._max_rows)
        if not rows:
            return np.zeros((0, self._features), self._type)
        return self._records(rows) if isinstance(rows[0], dict) else self._lists(rows)

    def _records(self, rows: list[Any]) -> NDArray[Any]:
        names = self._schema.names
        if names is None or self.exact:
            raise RequestError(422, f"row 0 is an object; the model takes rows as lists of {self._features} numbers")
        keys = rows[0].keys()
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise RequestError(422, f"row {number} is {_kind(row)}, row 0 an object: give objects", row=number)
            if row.keys() != keys:
                odd = sorted(row.keys() ^ keys)[0]
                raise RequestError(
                    422,
                    f"row {number} has other keys than row 0 ({shorten(odd)} is in one of them): give null for a "
                    "missing value",
                    row=number,
                    column=odd[:200],
                )
        given = list(keys)
        try:
            places = self._schema.find(given, further=False)
        except SchemaError as error:
            raise unreadable(error) from None
        return self._columns([[row[given[place]] for row in rows] for place in places])

    def _lists(self, rows: list[Any]) -> NDArray[Any]:
        if self.exact:
            return self._exactly(rows)
        if self._plain:
            try:
                array = np.array(rows)
            except (ValueError, TypeError, OverflowError):
                array = np.zeros(0, object)
            shaped = array.dtype.kind in "biuf" and array.shape[1:] in (self._shape, (self._features,))
            if shaped and (array.dtype.kind != "f" or np.isfinite(array).all()):
                return as_float32(array.reshape(len(array), self._features))
        flat = [self._flat(number, row) for number, row in enumerate(rows)]
        return self._columns(list(zip(*flat, strict=True)))

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
        what = f"a list of {len(row)}" if isinstance(row, list) else _kind(row)
        raise RequestError(
            422, f"row {number} is {what}; expected a list of {self._features} values{shaped}", row=number
        )

    def _columns(self, columns: Sequence[Sequence[Any]]) -> NDArray[Any]:
        """Return columns of values as rows (N, F)."""
        rows = np.empty((self._features, len(columns[0])), np.float32)
        for place, cells in enumerate(columns):
            codes = self._codes[place] if self._codes else None
            rows[place] = self._numbers(place, cells) if codes is None else self._categories(place, codes, cells)
        return rows.T

    def _numbers(self, place: int, cells: Sequence[Any]) -> NDArray[np.float32]:
        try:
            values = np.array(cells, np.float64) if set(map(type, cells)) <= _NUMBERS else _NONE
        except OverflowError:
            values = _NONE
        if np.isinf(values).any():
            self._refuse(place, cells)
        if missing := self._schema.missing_numbers:
            truths = np.array([type(cell) is bool for cell in cells])
            values[np.isin(values, list(missing)) & ~truths] = np.nan
        return as_float32(values)

    def _categories(self, place: int, codes: dict[str, float], cells: Sequence[Any]) -> NDArray[np.float32]:
        if set(map(type, cells)) == {str}:
            found = [codes.get(cell) for cell in cells]
            if None not in found:
                return np.array(found, np.float32)
        for number, cell in enumerate(cells):
            if type(cell) not in _CELLS or cell in (math.inf, -math.inf):
                raise self._wrong(place, number, cell, "the name of a category or null")
        try:
            return self._schema.values(place, _objects(cells))
        except SchemaError as error:
            raise self._problem(place, error) from None

    def _refuse(self, place: int, cells: Sequence[Any]) -> NoReturn:
        """Raise the error of the first cell of a column that is not a number."""
        for number, cell in enumerate(cells):
            if type(cell) not in _NUMBERS:
                raise self._wrong(place, number, cell, "a number or null")
            if cell is not None and not _fits(cell):
                raise self._wrong(place, number, cell, "a number that float64 holds")
        raise AssertionError("a column of numbers was refused")

    def _wrong(self, place: int, row: int, cell: Any, expected: str) -> RequestError:
        return self._problem(place, SchemaError(f"{_shown(cell)} is not {expected}", self._schema.column(place), row))

    def _problem(self, place: int, error: SchemaError) -> RequestError:
        column = self._schema.names[place] if self._schema.names else place
        return RequestError(422, str(error), row=error.row, column=column)

    def _exactly(self, rows: list[Any]) -> NDArray[Any]:
        """Return rows for words of more than 24 bits: integers where the type of the rows is one, without rounding."""
        whole = not self.takes_fractions
        limits = np.iinfo(self._type) if whole else None
        values: list[Any] = []
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                self._records(rows)
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


def strict_json(body: bytes | bytearray) -> Any:
    """Return the value of a JSON document; numbers beyond float64 are infinite.

    Raises:
        RequestError: 400 where it is not one, holds NaN, repeats a key, or is nested too deeply.
    """
    try:
        return _DECODER.decode(body.decode())
    except RecursionError:
        problem = "it is nested too deeply"
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
    except ValueError as error:
        problem = "it holds a number of too many digits" if "set_int_max_str_digits" in str(error) else str(error)
    raise RequestError(400, f"the body is not JSON: {problem}")


def too_many(rows: int, most: int) -> RequestError:
    """Return the problem of a request with too many rows."""
    return RequestError(413, f"{rows:,} rows are more than the {most:,} that a request may have: send several requests")


def _rows(document: Any) -> list[Any]:
    if isinstance(document, dict) and document.keys() == {"rows"} and isinstance(document["rows"], list):
        rows: list[Any] = document["rows"]
        return rows
    expected = 'expected {"rows": [...]}, with a list of rows and nothing else'
    if isinstance(document, dict):
        unknown = [key for key in document if key != "rows"]
        if unknown:
            raise RequestError(422, f"the body has the unknown keys {listed(map(str.__str__, unknown))}; {expected}")
        what = f"rows is {_kind(document['rows'])}" if document else "the body is empty"
        raise RequestError(422, f"{what}; {expected}")
    raise RequestError(422, f"the body is {_kind(document)}; {expected}")


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _fits(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number")


def _shown(cell: Any) -> str:
    if isinstance(cell, str):
        return f"the text {shorten(cell)}"
    if type(cell) in (int, float):
        return f"the number {cell:g}" if _fits(cell) else "a number beyond float64"
    return _kind(cell)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"it repeats the key {shorten(key)}")
            seen.add(key)
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
