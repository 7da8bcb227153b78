"""What the columns of a table hold: numbers however they are written, or names. Doubtful cases give a warning or an
error that names the option that decides.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import Numerals, Schema
from lutsmith.circuit.tabular.numerals import COMMA, PLAIN, POINT, dress, plain, plain_readings, readings
from lutsmith.circuit.tabular.schema import shorten
from lutsmith.data.dataset import DataError, TableWarning
from lutsmith.data.tables.categories import MOST_CATEGORIES
from lutsmith.data.tables.columns import Column, looks_like_date

_FEW_NUMBERS = 32
"""Different numbers that a column of names may hold, such as `1`, `2`, `3+`. Where there are more, and more than half
of the values are numbers, text is a mistake."""
_FEW_ROWS, _ROWS = 20, 50
"""Rows from which on it is remarkable that no value recurs: of names and numberings, of other integers."""
_CALLED_ID = re.compile(r"(?i:^|.*[_\W])(?i:id|key|uuid|guid|index)$|.*[a-z]I[Dd]$|^$|^Unnamed: 0$")
_TOLD = 20
"""Warnings about one table, at most."""


def read_columns(
    source: str,
    columns: Sequence[Column],
    places: Sequence[int],
    schema: Schema,
    forced: Mapping[int, str],
    decimal: str | None,
    where: Callable[[int], str],
    min_frequency: float | None = None,
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float32], Schema]:
    """Return the features, float32 (N, F), and the schema with what was found.

    Args:
        source: the table, for messages.
        columns: the feature columns.
        places: where they stand in the table, for messages.
        schema: their names, and what counts as missing.
        forced: by place, `numbers` or `categories`, where a person has said it.
        decimal: the decimal mark, where a person has said it.
        where: names the place of a row in the source.
        min_frequency: as of `TableOptions`.
        weights: how many rows each row counts as, there; None: one.

    Raises:
        DataError: as for `table.read_table`.
    """
    facts = [
        _Facts.of(source, place, column, schema.missing, decimal, where)
        for place, column in zip(places, columns, strict=True)
    ]
    mark = decimal or _decimal_mark(facts)
    categories: list[tuple[str, ...] | None] = [None] * len(columns)
    numerals: dict[int, Numerals] = {}
    pooled: dict[int, tuple[str, ...]] = {}
    told: list[str] = []
    for place, fact in enumerate(facts):
        wish = forced.get(place)
        if fact.column.kind not in ("text", "number", "boolean"):
            raise DataError(
                f"{source}: column {fact.title} holds {fact.column.kind} values; turn them into numbers"
                f"{', dates by data.split_dates' if fact.column.kind.startswith(('date', 'time')) else ''}, or leave "
                f"the column out: {fact.drop}"
            )
        if wish == "categories" or (fact.column.order is not None and wish is None):
            fact.check_names(told, asked=True)
            categories[place] = fact.names
        elif wish == "numbers" or fact.readings:
            found = fact.lenient(mark) if wish else fact.chosen(mark, decimal, told)
            if found != PLAIN:
                numerals[place] = found
        elif fact.cells:
            fact.check_names(told)
            categories[place] = fact.names
        if min_frequency is not None and (names := categories[place]) is not None:
            categories[place], rare = _pooled(names, fact.weighed(weights), min_frequency)
            pooled |= {place: rare} if rare else {}
    for message in told[:_TOLD]:
        warnings.warn(f"{source}: {message}", TableWarning, stacklevel=4)
    if len(told) > _TOLD:
        warnings.warn(f"{source}: {len(told) - _TOLD} more columns have doubtful values", TableWarning, stacklevel=4)
    ordered = [place for place, fact in enumerate(facts) if fact.column.order is not None and categories[place]]
    schema = replace(schema, numerals=numerals, pooled=pooled, ordered=tuple(ordered))
    return _read(facts, replace(schema, categories=tuple(categories) if any(categories) else ()))


def _pooled(
    names: Sequence[str], times: Mapping[str, float], min_frequency: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that stay, in their order, and those that are read as one, the most frequent of them first: it
    stays too. One rare name alone is not a pool.
    """
    least = min_frequency * sum(times.values()) if min_frequency < 1 else min_frequency
    rare = sorted((name for name in names if times[name] < least), key=lambda name: (-times[name], name))
    if len(rare) < 2:
        return tuple(names), ()
    gone = set(rare[1:])
    return tuple(name for name in names if name not in gone), tuple(rare)


def _read(facts: Sequence[_Facts], schema: Schema) -> tuple[NDArray[np.float32], Schema]:
    """Return the features as the schema reads them: each different value once."""
    x = np.empty((len(facts), facts[0].column.length), np.float32)
    for place, fact in enumerate(facts):
        column = fact.column
        if column.numbers is not None and not _is_named(schema, place):
            x[place] = schema.values(place, column.numbers)
        elif column.numbers is not None:
            x[place] = schema.text(place, fact.spelt())
        else:
            texts = fact.texts
            known = fact.numbers if place not in schema.numerals and not _is_named(schema, place) else None
            table = np.full(len(column.values), np.nan, np.float32)
            with np.errstate(over="ignore"):
                table[fact.used] = schema.text(place, texts) if known is None else known
            x[place] = table[column.codes] if column.values else np.nan
    return x.T, schema


def _is_named(schema: Schema, place: int) -> bool:
    return bool(schema.categories) and schema.categories[place] is not None


@dataclass(eq=False)
class _Facts:
    """What is known of one feature column.

    Attributes:
        source, column, where: as for `read_columns`.
        place: where it stands in the table.
        missing_spellings: what counts as missing, in lower case.
        used: the places of the column's texts that some row has.
        numbers: of text, the plain number of each of these, NaN where it is missing; None where one is not a number.
        readings: the ways of writing numbers in which all values are numbers.
    """

    source: str
    place: int
    column: Column
    missing_spellings: frozenset[str]
    used: NDArray[np.int64]
    numbers: NDArray[np.float64] | None
    readings: list[Numerals]
    where: Callable[[int], str]

    @classmethod
    def of(
        cls,
        source: str,
        place: int,
        column: Column,
        missing: Sequence[str],
        decimal: str | None,
        where: Callable[[int], str],
    ) -> _Facts:
        spellings = frozenset(missing)
        made = cls(source, place, column, spellings, column.used(), None, [], where)
        if column.numbers is not None:
            made.readings = [Numerals("boolean")] if column.kind == "boolean" else [PLAIN]
            return made
        texts = made.texts
        lost = [place for place, text in enumerate(texts) if text.strip().lower() in spellings]
        values = texts if not lost else [text for text in texts if text.strip().lower() not in spellings]
        if not values:
            return made
        try:  # most columns of most tables
            known = np.fromiter(map(float, values), np.float64, len(values))
        except ValueError:
            made.readings = readings(list(made.cells), decimal)
            return made
        made.numbers = known if not lost else np.insert(known, np.array(lost) - np.arange(len(lost)), np.nan)
        made.readings = plain_readings(values, decimal)
        return made

    @cached_property
    def texts(self) -> list[str]:
        """The column's texts that some row has."""
        return [self.column.values[place] for place in self.used.tolist()]

    @cached_property
    def cells(self) -> Counter[str]:
        """How many rows have each value of text that is not missing."""
        return self._counted[0]

    @cached_property
    def missing(self) -> Counter[str]:
        """How many rows have each spelling of a missing value."""
        return self._counted[1]

    @cached_property
    def _counted(self) -> tuple[Counter[str], Counter[str]]:
        cells, missing = Counter[str](), Counter[str]()
        for cell, count in self.column.counts().items():
            (missing if cell.lower() in self.missing_spellings else cells)[cell] += count
        return cells, missing

    @property
    def title(self) -> str:
        """What messages call the column."""
        return str(self.place) if self.column.name is None else repr(self.column.name)

    @property
    def drop(self) -> str:
        """The argument that leaves the column out."""
        return f"drop=[{self.title}]"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the categories, ascending, or in their own order where they have one."""
        order = self.column.order
        return tuple(sorted(self.times) if order is None else (name for name in order if name in self.times))

    @cached_property
    def times(self) -> Counter[str]:
        """How many rows have each name."""
        return self.cells if self.column.numbers is None else Counter(filter(None, self.spelt()))

    def weighed(self, weights: NDArray[np.float64] | None) -> Mapping[str, float]:
        """How many rows have each name, where each row counts as so many."""
        if weights is None:
            return self.times
        found = dict.fromkeys(self.times, 0.0)
        column = self.column
        if column.numbers is None:
            sums = np.bincount(column.codes, weights, len(column.values)).tolist()
            spelt: Iterable[tuple[str, float]] = zip(column.values, sums, strict=True)
        else:
            spelt = zip(self.spelt(), weights.tolist(), strict=True)
        for text, weight in spelt:
            if (name := text.strip()) in found:
                found[name] += weight
        return found

    def spelt(self) -> list[str]:
        """Return numbers or truth values as names, empty where they are missing."""
        assert self.column.numbers is not None
        if self.column.kind == "boolean":
            return ["" if value != value else str(bool(value)) for value in self.column.numbers.tolist()]
        return [
            "" if value != value else str(int(value)) if value.is_integer() else str(value)
            for value in self.column.numbers.tolist()
        ]

    def lenient(self, mark: str | None) -> Numerals:
        """Return the way of writing in which most values are numbers; the rest is missing."""
        if self.column.numbers is not None:
            return self.readings[0]
        votes: Counter[Numerals] = Counter()
        for cell, count in self.cells.items():
            for numerals in readings([cell], mark):
                votes[numerals] += count
        if not votes:
            raise DataError(f"{self.source}: column {self.title} was given as numbers, and holds none")
        best = max(votes, key=lambda numerals: (sum(
            count for cell, count in self.cells.items() if numerals.parse(cell) is not None
        ), numerals.decimal == (mark or POINT)))  # fmt: skip
        return replace(best, lenient=True)

    def chosen(self, mark: str | None, given: str | None, told: list[str]) -> Numerals:
        """Return the way in which a column of numbers is read, and tell of doubts."""
        self._tell_of_identifiers(told)
        by_mark = [numerals for numerals in self.readings if numerals.decimal == (mark or POINT)]
        found = (by_mark or self.readings)[0]
        if len(self.readings) > 1 and given is None and (found != PLAIN or mark == COMMA):
            cell = next(cell for cell in self.cells if COMMA in cell or POINT in cell)
            other = next(numerals for numerals in self.readings if numerals != found)
            told.append(
                f"column {self.title}: {shorten(cell)} is read as {found.parse(cell):.10g}, and could be "
                f"{other.parse(cell):.10g}; give decimal='.' or decimal=',' to decide"
            )
        return found

    def check_names(self, told: list[str], asked: bool = False) -> None:
        """Tell, or raise, where a column of names looks like something else."""
        count = len(self.cells)
        looked = dict(islice(self.cells.items(), MOST_CATEGORIES))
        looks, rows = _looks(looked), sum(looked.values())
        shown = ", ".join(
            f"{number:,} look like {kind} (such as {shorten(cell)})" for kind, (number, cell) in looks.items()
        )
        text = rows - sum(number for number, _ in looks.values())
        if looks and text:
            shown += f", {text:,} like other text (such as {shorten(next(c for c in self.cells if _kind(c) is None))})"
        if count > MOST_CATEGORIES and 2 * count > self.cells.total():
            raise DataError(
                f"{self.source}: column {self.title} is text ({self._somewhere()}) and has more than "
                f"{MOST_CATEGORIES:,} different values{f' ({shown})' if shown else ''}, most of them in one row, as "
                "identifiers and free text are; expected numbers, or names that recur: correct the column, or leave it "
                f"out by {self.drop}"
            )
        if asked:
            return
        numbers = sum(plain(cell) is not None for cell in self.cells)
        if numbers > max(_FEW_NUMBERS, count / 2):
            raise DataError(
                f"{self.source}: column {self.title} is text ({self._somewhere()}) among {numbers} numbers; expected "
                f"numbers, or the names of a few categories: correct the column, or give numbers=[{self.title}] to "
                f"count the text as missing, categories=[{self.title}] to keep all as names, or {self.drop}"
            )
        dates = sum(number for kind, (number, _) in looks.items() if kind == _DATES)
        dressed = sum(number for kind, (number, _) in looks.items() if kind not in (_DATES, _NUMBERS))
        mostly = 10 * looks.get(_NUMBERS, (0, ""))[0] >= 9 * rows  # a word such as `unknown` among numbers
        if 2 * dates >= rows:
            told.append(
                f"column {self.title}: of {rows:,} values {shown}; they are read as {count:,} names without order: "
                f"turn them into numbers first, as data.split_dates does, or leave the column out by {self.drop}"
            )
        elif (dressed or mostly) and 2 * (rows - text) >= rows:
            told.append(
                f"column {self.title}: of {rows:,} values {shown}; they are read as {count:,} names: give "
                f"numbers=[{self.title}] to read numbers and count the rest as missing, categories=[{self.title}] to "
                f"keep the names, or {self.drop}"
            )
        elif count == rows >= _FEW_ROWS:
            told.append(
                f"column {self.title}: each of {rows:,} values is a name of its own, as identifiers and free text are, "
                f"and says nothing about other rows: leave it out by {self.drop}"
            )
        if lost := [cell for cell in self.missing if cell.lower() in ("none", "na")]:
            number = sum(self.missing[cell] for cell in lost)
            told.append(
                f"column {self.title}: {number:,} values such as {shorten(lost[0])} are read as missing; give "
                "missing=() if that is a category"
            )

    def _tell_of_identifiers(self, told: list[str]) -> None:
        values = self._all_numbers()
        rows = len(values)
        if rows < _FEW_ROWS or not (values == np.rint(values)).all() or len(np.unique(values)) < rows:
            return
        numbering = values.max() - values.min() == rows - 1
        if numbering or rows >= _ROWS or _CALLED_ID.match(self.column.name if self.column.name is not None else "x"):
            told.append(
                f"column {self.title}: the {rows:,} rows are all different integers, as identifiers are, which say "
                f"nothing about other rows: if it is one, leave it out by {self.drop}"
            )

    def _all_numbers(self) -> NDArray[np.float64]:
        """The numbers of all rows that have one; of text, only where no value recurs."""
        if self.column.numbers is not None:
            return self.column.numbers[np.isfinite(self.column.numbers)]
        if self.numbers is None:
            values = np.array([self.readings[0].parse(cell) for cell in self.cells], np.float64)
        else:
            values = self.numbers[np.isfinite(self.numbers)]
        counts = np.bincount(self.column.codes, minlength=len(self.column.values))[self.used]
        return values if np.count_nonzero(counts == 1) >= len(values) else np.zeros(0)

    def _somewhere(self) -> str:
        """Name the first text that is not a number, and its place."""
        texts = [
            place
            for place in self.used.tolist()
            if self.column.values[place].strip() in self.cells and plain(self.column.values[place]) is None
        ]
        row = int(np.argmax(np.isin(self.column.codes, texts)))
        return f"{shorten(self.column.values[int(self.column.codes[row])])} in {self.where(row)}"


_DATES, _NUMBERS = "dates or times", "plain numbers"


def _kind(cell: str) -> str | None:
    return dress(cell) or (_DATES if looks_like_date(cell) else None)


def _looks(cells: Mapping[str, int]) -> dict[str, tuple[int, str]]:
    """Return how many rows look like what, other than text, with an example each."""
    found: dict[str, tuple[int, str]] = {}
    for cell, count in cells.items():
        kind = _kind(cell)
        if kind is not None:
            number, example = found.get(kind, (0, cell))
            found[kind] = (number + count, example)
    return found


def _decimal_mark(facts: Sequence[_Facts]) -> str | None:
    """Return the decimal mark that columns show which can be read in one way only; None without, or with both."""
    marks = {numerals[0].decimal for fact in facts if len(numerals := fact.readings) == 1 and _shows_mark(fact)}
    return marks.pop() if len(marks) == 1 else None


def _shows_mark(fact: _Facts) -> bool:
    mark, group = fact.readings[0].decimal, fact.readings[0].group
    return any(mark in text or (group and group in text) for text in fact.texts)
