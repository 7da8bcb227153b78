"""Columns of a table before it is known what they hold: numbers, or text as its different values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError

_DATE = re.compile(
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2}))"
    r"(?:[T ]+[0-9]{1,2}:[0-9]{2}\S*(?: ?[AaPp][Mm])?)?|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?"
)


def looks_like_date(cell: str) -> bool:
    """Return whether a cell looks like a date, a time, or both."""
    return _DATE.fullmatch(cell.strip()) is not None


@dataclass(eq=False)
class Column:
    """One column: numbers, or text as its different values and, for each row, which of them.

    Attributes:
        name: what the column is called, or None.
        values: the different texts.
        codes: the place of each row's text among them, (N,).
        numbers: (N,) float64, NaN where missing, for a column of numbers; None for text.
        kind: `text`, `number`, `boolean`, or what else the column holds.
        order: the names of ordered categories, in their order; else None.
    """

    name: str | None
    values: list[str]
    codes: NDArray[np.integer[Any]]
    numbers: NDArray[np.float64] | None = None
    kind: str = "text"
    order: tuple[str, ...] | None = None

    @classmethod
    def of_text(cls, name: str | None, cells: Sequence[str]) -> Column:
        """Return a column of cells."""
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(cell, len(place)) for cell in cells), np.int32, len(cells))
        return cls(name, list(place), codes)

    @classmethod
    def of_dictionary(cls, name: str | None, column: Any) -> Column:
        """Return a chunked dictionary array of Arrow's as a column; nulls are empty cells."""
        import pyarrow

        parts = column.unify_dictionaries().chunks
        if not parts:
            return cls(name, [], np.zeros(0, np.int32))
        values = [value or "" for value in parts[-1].dictionary.to_pylist()]
        codes = [part.indices.fill_null(len(values)).cast(pyarrow.int32()).to_numpy() for part in parts]
        order = tuple(value.strip() for value in values) if column.type.ordered else None
        return cls(name, [*values, ""], np.concatenate(codes), order=order)

    @classmethod
    def of_numbers(cls, name: str | None, numbers: NDArray[np.float64], kind: str = "number") -> Column:
        """Return a column of numbers or truth values."""
        return cls(name, [], np.zeros(len(numbers), np.int32), numbers, kind)

    @classmethod
    def of_others(cls, name: str | None, kind: str) -> Column:
        """Return a column that cannot be read."""
        return cls(name, [], np.zeros(1, np.int32), None, kind)

    @property
    def length(self) -> int:
        """The number of rows."""
        return len(self.codes)

    def first(self) -> str:
        """Return the first cell."""
        return self.values[int(self.codes[0])]

    def without_first(self) -> Column:
        """Return the column without its first cell."""
        return Column(self.name, self.values, self.codes[1:])

    def head(self, rows: int) -> Column:
        """Return the column's first rows."""
        return Column(self.name, self.values, self.codes[:rows])

    def recurs(self) -> bool:
        """Return whether the first text stands in another row too."""
        return bool(np.count_nonzero(self.codes == self.codes[0]) > 1)

    def counts(self) -> Counter[str]:
        """Return how many rows have each text, without spaces around it."""
        counted: Counter[str] = Counter()
        counts = np.bincount(self.codes, minlength=len(self.values))
        for place in self.used().tolist():
            counted[self.values[place].strip()] += int(counts[place])
        return counted

    def used(self) -> NDArray[np.int64]:
        """Return the places of the texts that some row has."""
        return np.flatnonzero(np.bincount(self.codes, minlength=len(self.values))[: len(self.values)])

    def labels(self) -> NDArray[Any]:
        """Return the column as labels (N,): text, int64 or float64; truth values as text files spell them."""
        if self.numbers is None:
            if self.kind != "text":
                raise DataError(f"column {self.name!r} holds {self.kind}; expected labels: text or numbers")
            return np.array([value.strip() for value in self.values])[self.codes] if self.values else np.zeros(0, str)
        if self.kind == "boolean" and np.isfinite(self.numbers).all():
            return np.where(self.numbers == 1, "True", "False")
        whole = bool(np.isfinite(self.numbers).all() and (self.numbers == np.rint(self.numbers)).all())
        return self.numbers.astype(np.int64) if whole else self.numbers
