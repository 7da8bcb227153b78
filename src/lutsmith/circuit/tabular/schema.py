"""The schema of a table: its columns, what they hold, how it is written. A model keeps it in its metadata.

It says how any table of the same columns becomes features, without a guess: prediction needs nothing else. Numbers are
float32; code c of a categorical column is the c-th of its names; a value that is missing, or not among the names, is
NaN. Names that are rare may share a code, and unseen ones may be refused.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular.errors import SchemaError
from lutsmith.circuit.tabular.frames import Coded, Frame
from lutsmith.circuit.tabular.layout import TableLayout
from lutsmith.circuit.tabular.numerals import PLAIN, Numerals, plain

_NAN = float("nan")


@dataclass(frozen=True)
class Schema(TableLayout):
    """What a model knows about its table: its layout (`TableLayout`) and its columns.

    Attributes:
        features: how many features the model has, F.
        names: the names of the feature columns (F,), or None where they have none.
        categories: for each feature the names of its categories, None where it holds numbers; empty: all hold numbers.
        target: the label column as it was asked for, by name or by place, or None.
    """

    features: int
    names: tuple[str, ...] | None = None
    categories: tuple[tuple[str, ...] | None, ...] = ()
    target: str | None = None

    @property
    def is_bare(self) -> bool:
        """Whether only the number of columns is known."""
        return self.names is None and not self.categories and not self.numerals and self.label_name is None

    def column(self, place: int) -> str:
        """Return what messages call a feature."""
        return repr(self.names[place]) if self.names else str(place)

    def is_missing(self, cell: str) -> bool:
        """Return whether a cell of text stands for a missing value."""
        return cell.strip().lower() in self._missing

    def find(self, given: Sequence[str], *, further: bool) -> list[int]:
        """Return where the model's features stand among the names of a table's columns.

        A model without names takes the columns in their order, without the label's.

        Args:
            given: the names.
            further: whether there may be columns that the model does not know; else only the label's may be there.

        Raises:
            SchemaError: a column is missing, unknown or there several times, or there are too many or too few.
        """
        if self.names is None:
            places = [place for place, name in enumerate(given) if self.label_name is None or name != self.label_name]
            if len(places) != self.features:
                raise SchemaError(f"{len(places)} columns ({listed(given)}), expected {self.features}, in order")
            return places
        where: dict[str, int] = {}
        own = {name for name, count in Counter(self.names).items() if count > 1}
        repeated = set()
        for place, name in enumerate(given):
            if name in where:
                repeated.add(name)
            where[name] = place
        for name in self.names:
            if name in repeated or name in own:
                if (trained := self.laid_out(given)) is not None:
                    return trained
                raise SchemaError(f"several columns {name!r}: rename all but one, or give an array")
            if name not in where:
                raise SchemaError(
                    f"no column {name!r} in the data, whose columns are {listed(given)}; the model reads "
                    f"{listed(self.names)}"
                )
        known = {*self.names, self.label_name}
        unknown = [] if further else [name for name in given if name not in known]
        if unknown:
            raise SchemaError(f"unknown column {listed(unknown)}: leave it out; the model reads {listed(self.names)}")
        return [where[name] for name in self.names]

    def laid_out(self, given: Sequence[str]) -> list[int] | None:
        """Return where the features stand in a table whose columns are those of training, place by place; else None."""
        if self.names is None or len(given) != self.width:
            return None
        places = self.places if self.places is not None else [p for p in range(len(given)) if p != self.label]
        labelled = self.label is None or self.label_name in (None, given[self.label])
        return list(places) if labelled and [given[place] for place in places] == list(self.names) else None

    def rows(self, frame: Frame, start: int, stop: int, *, further: bool = False) -> NDArray[np.float32]:
        """Return rows start .. stop - 1 of a frame as features, float32 (n, F).

        Raises:
            SchemaError: columns or values that the model cannot read.
        """
        places = self.find(frame.names, further=further)
        result = np.empty((self.features, stop - start), np.float32)
        for place, source in enumerate(places):
            result[place] = self.values(place, frame.column(source, start, stop), start)
        return result.T

    def values(self, place: int, cells: NDArray[Any] | Coded, first: int = 0) -> NDArray[np.float32]:
        """Return a column of numbers, text or objects as feature `place`, float32 (n,). In a coded column each
        different value is read once.

        In a column of numbers text is read as in a file, and numbers that stand for a missing value are missing. In a
        column of categories a number matches the name with that value, however it is spelt, and a truth value matches
        the name `true` or `false` in any case. Messages count rows from `first`.

        Raises:
            SchemaError: a value that is neither.
        """
        if isinstance(cells, Coded):
            return self._coded(place, cells, first)
        if cells.dtype.kind in "biuf" and self._names(place) is None:
            with np.errstate(over="ignore"):
                result: NDArray[np.float32] = cells.astype(np.float32)
            if self.missing_numbers and cells.dtype.kind != "b":
                result[np.isin(cells, list(self.missing_numbers))] = np.nan
            return result
        if cells.dtype.kind in "biuf":  # names that are numbers
            return self._coded(place, Coded.of(cells), first)
        if cells.dtype.kind in "mMcV":
            raise SchemaError(f"holds {cells.dtype} values; turn them into numbers first", self.column(place))
        if cells.dtype.kind == "S":
            cells = np.char.decode(cells, "utf-8", "replace")
        return self.text(place, cells.tolist(), first)

    def _coded(self, place: int, cells: Coded, first: int) -> NDArray[np.float32]:
        """Return a coded column as feature `place`; values that stand in no row may be what the model cannot read."""
        table = np.full(len(cells.values) + 1, np.nan, np.float32)  # the last: of -1
        if len(cells.values) <= len(cells.codes):
            with contextlib.suppress(SchemaError):
                table[:-1] = self.values(place, _objects(cells.values))
                return np.take(table, cells.codes)
        used = np.flatnonzero(np.bincount(cells.codes + 1, minlength=table.size)[1:])
        try:
            table[used] = self.values(place, _objects([cells.values[each] for each in used.tolist()]))
        except SchemaError as error:
            if error.row is None:
                raise
            row = int(np.argmax(cells.codes == used[error.row]))
            raise SchemaError(error.problem, error.column, first + row, error.cell) from None
        return np.take(table, cells.codes)

    def text(self, place: int, cells: Sequence[Any], first: int = 0) -> NDArray[np.float32]:
        """Return cells of a text file, or other values, as feature `place`; as `values` says."""
        codes = self._names(place)
        if codes is not None:
            return np.array([self._code(place, codes, cell, row) for row, cell in enumerate(cells, first)], np.float32)
        numerals = self._numerals(place)
        if numerals.is_plain and not self.missing_numbers:
            try:
                return _float32(array("d", map(float, cells)))
            except (TypeError, ValueError):
                pass
        return _float32(array("d", (self._number(place, numerals, cell, row) for row, cell in enumerate(cells, first))))

    def reads(self, place: int, cell: str) -> bool:
        """Return whether a cell of text is a value of a feature: a number, a known name, or missing."""
        codes = self._names(place)
        if self.is_missing(cell):
            return True
        if codes is not None:
            return not is_null(self._known(place, codes, cell))
        numerals = self._numerals(place)
        return numerals.lenient or numerals.parse(cell) is not None

    def expected(self, place: int) -> str:
        """Return what a column expects, in words."""
        if (names := self.categories[place] if self.categories else None) is not None:
            return f"one of the names that the model was trained on: {listed(names)}"
        numerals = self._numerals(place)
        return "numbers" if numerals.is_plain else f"{numerals}, as in the data that the model was trained on"

    def _numerals(self, place: int) -> Numerals:
        return self.numerals.get(place, PLAIN)

    def _number(self, place: int, numerals: Numerals, cell: Any, row: int) -> float:
        if isinstance(cell, str):
            if self.is_missing(cell):
                return _NAN
            value = numerals.parse(cell)
            if value is None:
                if numerals.lenient:
                    return _NAN
                raise SchemaError(
                    f"{shorten(cell)} is not a number; expected {self.expected(place)}", self.column(place), row, cell
                )
            return value
        if is_null(cell):
            return _NAN
        try:
            value = float(cell)
            return _NAN if value in self.missing_numbers and not isinstance(cell, (bool, np.bool_)) else value
        except (TypeError, ValueError, OverflowError):
            kind = type(cell).__name__
            raise SchemaError(f"holds a {kind}; expected a number", self.column(place), row) from None

    def _code(self, place: int, codes: dict[str, float], cell: Any, row: int) -> float:
        try:
            code = self._known(place, codes, cell)
        except TypeError as error:
            raise SchemaError(f"{error}; expected the name of a category", self.column(place), row) from None
        if self.unseen == "error" and is_null(code) and not is_null(cell) and not self.is_missing(str(cell)):
            text = str(cell)
            raise SchemaError(f"{shorten(text)} is not {self.expected(place)}", self.column(place), row, text)
        return code

    def _known(self, place: int, codes: dict[str, float], cell: Any) -> float:
        """Return the code of a cell, NaN where it is missing or unknown; raise TypeError where it is not a name."""
        if isinstance(cell, str):
            for name in (cell, cell.strip()):
                if name in codes:
                    return codes[name]
            number = _exact(cell)
            return _NAN if number is None else self._said[place].get(number, _NAN)
        if is_null(cell):
            return _NAN
        if isinstance(cell, (bool, np.bool_)):
            return self._said[place].get(str(bool(cell)), _NAN)
        if isinstance(cell, (int, np.integer)):
            return self._said[place].get(int(cell), _NAN)
        if isinstance(cell, (float, np.floating)):
            return self._said[place].get(float(cell), _NAN)
        raise TypeError(f"holds a {type(cell).__name__}")

    @cached_property
    def _said(self) -> list[dict[int | float | str, float]]:
        """The codes of names that say a number, by the number, and of those that say `true` or `false`, by that; what
        several names say has no code.
        """
        found: list[dict[int | float | str, float]] = []
        for codes in self._codes:
            said: dict[int | float | str, set[float]] = {}
            for name, code in (codes or {}).items():
                number = _exact(name)
                if number is not None:
                    said.setdefault(number, set()).add(code)
                elif name.lower() in ("true", "false"):
                    said.setdefault(name.lower().capitalize(), set()).add(code)
            found.append({key: codes.pop() for key, codes in said.items() if len(codes) == 1})
        return found

    def _names(self, place: int) -> dict[str, float] | None:
        return self._codes[place] if self._codes else None

    @cached_property
    def _codes(self) -> list[dict[str, float] | None]:
        found: list[dict[str, float] | None] = []
        for place, names in enumerate(self.categories):
            codes = {name: float(code) for code, name in enumerate(names or ())}
            if (alike := self.pooled.get(place)) is not None:
                codes |= dict.fromkeys(alike, codes[alike[0]])
            found.append(None if names is None else codes)
        return found

    @cached_property
    def _missing(self) -> frozenset[str]:
        return frozenset(self.missing)

    @cached_property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers that stand for a missing value, such as -999."""
        found = (plain(spelling) for spelling in self.missing)
        return frozenset(value for value in found if value is not None and value == value)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _exact(text: str) -> int | float | None:
    """Return the number that text says, integers without rounding; None where it says none, or NaN."""
    value = plain(text)
    if value is None or value != value:
        return None
    digits = text.strip().removeprefix("-")
    return int(text.strip()) if digits.isascii() and digits.isdigit() and len(digits) < 40 else value


def is_null(value: Any) -> bool:
    """Return whether a value of a frame or a record is missing: None, NaN, or pandas' NA and NaT."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")


def is_place(target: str) -> bool:
    """Return whether text is a place such as 3 or -1."""
    digits = target.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 9


def listed(names: Iterable[Any]) -> str:
    """Return names for a message, at most ten."""
    every = [repr(name) for name in names]
    return ", ".join(every[:10]) + (f", ... ({len(every)})" if len(every) > 10 else "")


def shorten(cell: str) -> str:
    """Return a cell for a message."""
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")


def _float32(values: array[float]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32 is infinity, as it is to a comparator
        return np.frombuffer(values, np.float64).astype(np.float32) if len(values) else np.zeros(0, np.float32)
