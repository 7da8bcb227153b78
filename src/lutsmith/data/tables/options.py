"""The options with which a user overrides what would be detected in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lutsmith.circuit.tabular.layout import UNSEEN
from lutsmith.circuit.tabular.schema import is_place, listed
from lutsmith.data.dataset import DataError
from lutsmith.ground.arguments import check_options, number, one_of

_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True)
class TableOptions:
    """How to read a table; None and () mean: as detected.

    Columns are given by name or by place (0 is the first, -1 the last).

    Attributes:
        header: whether the first row of a text file holds the names of the columns.
        delimiter: the character between its fields; `tab` is one of the names that are understood.
        decimal: the mark before the fraction, `.` or `,`, where `1,000` could be either.
        missing: the spellings of a missing value, regardless of case. They replace the default: `?`, `NA`, `N/A`,
            `NaN`, `null` and `None` in text files, no spelling in frames. An empty cell is always missing.
        numbers: columns that are read as numbers in any case: a value that is not a number is missing.
        categories: columns that are read as names, even if they hold numbers.
        drop: columns that are left out.
        min_frequency: names in fewer rows are pooled: all such names of a column are read as one. A number of rows, or
            a share of the rows below 1; None: no name is pooled.
        unseen: how the model treats a name that did not occur in training: as "missing", or as an "error".

    Raises:
        DataError: an invalid delimiter or decimal mark; a column with two contradicting options.
        TypeError: an option of a wrong type.
    """

    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] | None = None
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    min_frequency: float | None = None
    unseen: str | None = None

    def __post_init__(self) -> None:
        if self.header is not None and not isinstance(self.header, bool):
            raise TypeError(f"header is {self.header!r}; expected True, False or None")
        object.__setattr__(self, "delimiter", checked_delimiter(self.delimiter))
        if self.decimal is not None:
            one_of("decimal", self.decimal, (".", ","), DataError)
        if self.unseen is not None:
            one_of("unseen", self.unseen, UNSEEN, DataError)
        if self.min_frequency is not None:
            expected = "a number of rows, or a share below 1"
            number("min_frequency", self.min_frequency, _is_frequency, expected, DataError)
        if self.missing is not None:
            lower = (str(spelling).strip().lower() for spelling in _several(self.missing))
            object.__setattr__(self, "missing", tuple(dict.fromkeys(("", *lower))))
        chosen: set[str] = set()
        for name in ("numbers", "categories", "drop"):
            columns = tuple(map(str, _several(getattr(self, name))))
            object.__setattr__(self, name, columns)
            if twice := chosen & set(columns):
                raise DataError(f"column {min(twice)!r} is given twice among numbers, categories and drop")
            chosen |= set(columns)

    @classmethod
    def of(cls, given: TableOptions | Mapping[str, Any] | None) -> TableOptions:
        """Return options from a mapping of their names.

        Raises:
            DataError: names that are not options, or values that they cannot have.
        """
        if given is None:
            return cls()
        if isinstance(given, TableOptions):
            return given
        known = [item.name for item in fields(cls)]
        check_options("a table", given, known, DataError)
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the options that were given."""
        pairs = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in pairs.items() if value not in (None, [])}


def _is_frequency(given: float) -> bool:
    return 0 < given < 1 or (given >= 1 and given == round(given))


def _several(given: Any) -> Sequence[Any]:
    """Return one value or several as several."""
    return (given,) if isinstance(given, (str, int)) else tuple(given)


def checked_delimiter(delimiter: str | None) -> str | None:
    """Return a delimiter as one character; raise DataError where it is not valid."""
    if delimiter is None:
        return None
    if not isinstance(delimiter, str):
        raise TypeError(f"delimiter is {delimiter!r}; expected one character such as ',' or ';', or tab")
    one = _NAMED_DELIMITERS.get(delimiter, delimiter)
    if len(one) != 1 or one.isalnum() or one in '"\r\n\0' or ord(one) > 127:
        raise DataError(f"delimiter is {delimiter!r}, expected one character such as ',' or ';', or tab")
    return one


def places_of(columns: Sequence[str], names: Sequence[str] | None, width: int, source: str) -> set[int]:
    """Return the places of columns that are given by name or by place; errors as for `place_of`."""
    return {place_of(column, names, width, source) for column in columns}


def place_of(column: str, names: Sequence[str] | None, width: int, source: str) -> int:
    """Return the place of a column, by its name or else by its place.

    Raises:
        DataError: there is no such column, or there are several of that name.
    """
    if names and column in names:
        if names.count(column) > 1:
            raise DataError(
                f"{source}: {names.count(column)} columns are called {column!r}; give the place of one, such as -1"
            )
        return names.index(column)
    if is_place(column) and -width <= int(column) < width:
        return int(column) % width
    known = f"the columns are {listed(names)}" if names else f"without a header the columns are 0 to {width - 1}"
    raise DataError(f"{source}: no column {column!r}; {known}")
