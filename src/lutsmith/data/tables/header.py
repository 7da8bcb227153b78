"""Whether the first row of a text table names its columns: found from the rows below it, or set by an option."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from lutsmith.circuit.tabular import Schema
from lutsmith.circuit.tabular.numerals import dress
from lutsmith.circuit.tabular.schema import is_place, listed
from lutsmith.data.dataset import DataError, TableWarning
from lutsmith.data.tables.columns import Column, looks_like_date

_IS_MISSING = Schema(1).is_missing
_LOOKED_AT = 10_000
"""Rows that are looked at."""
_OFTEN = 2
"""Values of a column recur if there are so many rows for each different one."""


def has_header(source: str, columns: Sequence[Column], target: str | None, given: bool | None) -> bool:
    """Return whether the first cells of the columns are their names, and name the columns if they are.

    It is a header if it names the target; or if it counts 0, 1, 2, ... as exported arrays do; or if text stands in it
    above numbers or dates; or if no cell of it recurs in its column of text, where the others do. It is a row if a cell
    of text recurs below, or if it holds numbers above numbers. There is a warning about a header that holds such
    numbers too.

    Raises:
        DataError: none of this, or more than one.
    """
    first = [column.first().strip() for column in columns]
    header = given if given is not None else _found(source, columns, first, target)
    if header:
        for column, name in zip(columns, first, strict=True):
            column.name = name
    return header


def _found(source: str, columns: Sequence[Column], first: list[str], target: str | None) -> bool:
    if first == [str(place) for place in range(len(first))]:
        return True
    if all(_is_value(cell) for cell in first):
        label = int(target) % len(first) if target is not None and _is_within(target, len(first)) else None
        if label is not None and not _IS_MISSING(first[label]) and _is_alone(columns[label], first[label]):
            raise _cannot_tell(source, first, f"no label below it is {first[label]!r}, and the others recur")
        return False
    if target is not None and not is_place(target):
        return True  # a name can only stand in a header; the reader says so where it does not
    above_values, recurs, alone, values = [], [], [], False
    for column, cell in zip(columns, first, strict=True):
        below, numbers = _below(column, cell)
        if _IS_MISSING(cell) or not below:
            continue
        if _is_value(cell):
            values = values or numbers
        elif cell in below:
            recurs.append(cell)
        elif numbers:
            above_values.append(cell)
        elif _is_alone(column, cell):
            alone.append(cell)
    if above_values and recurs:
        raise _cannot_tell(source, first, f"{above_values[0]!r} stands above numbers, and {recurs[0]!r} recurs below")
    if recurs:
        return False
    if above_values or alone:
        if values:  # a header of numbers, such as years, or a row whose text is a mistake
            why = (
                f"{above_values[0]!r} stands above numbers or dates"
                if above_values
                else f"{alone[0]!r} does not recur in its column and the other values do"
            )
            warnings.warn(
                f"{source}: the first row ({listed(first)}) is read as a header, since {why}; give header=False if it "
                "is a row, or header=True",
                TableWarning,
                stacklevel=2,
            )
        return True
    if values:
        return False
    if not any(_below(column, cell)[0] for column, cell in zip(columns, first, strict=True)):
        return not any(dress(cell) for cell in first)
    raise _cannot_tell(source, first, "it is text above text")


def _below(column: Column, cell: str) -> tuple[dict[str, int], bool]:
    """Return the rows of each value of a column below its first cell, and whether most are numbers or dates."""
    counts = column.head(_LOOKED_AT).counts()
    counts[cell] -= not column.recurs()
    below = {value: count for value, count in counts.items() if count and not _IS_MISSING(value)}
    numbers = sum(count for value, count in below.items() if _is_value(value))
    return below, 2 * numbers >= sum(below.values()) > 0


def _is_alone(column: Column, cell: str) -> bool:
    """Whether no value below is the first one, and those below recur."""
    below, _ = _below(column, cell)
    return bool(below) and cell not in below and sum(below.values()) >= _OFTEN * len(below)


def _is_value(cell: str) -> bool:
    return _IS_MISSING(cell) or dress(cell) is not None or looks_like_date(cell)


def _is_within(target: str, width: int) -> bool:
    return is_place(target) and -width <= int(target) < width


def _cannot_tell(source: str, first: Sequence[str], why: str) -> DataError:
    return DataError(
        f"{source}: the first row ({listed(first)}) may be a header or a row: {why}; give header=True or header=False"
    )
