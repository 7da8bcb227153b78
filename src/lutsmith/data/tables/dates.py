"""Dates and times as numbers: each column becomes columns of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lutsmith.data.dataset import DataError
from lutsmith.data.tables.options import place_of
from lutsmith.ground.arguments import one_of

DATE_PARTS = ("year", "month", "day", "weekday", "hour", "minute", "second")
"""Parts of a date; weekday 1 is Monday."""


def split_dates(
    frame: Any, columns: str | Sequence[str], parts: Sequence[str] = ("year", "month", "day", "weekday", "hour")
) -> Any:
    """Return a frame in which columns of dates are columns of numbers, such as `when.year` and `when.weekday`.

    The model then reads these columns, so split the data for predictions in the same way.

    Args:
        frame: of pandas, polars, pyarrow or another library that narwhals knows; the result is of the same.
        columns: of dates, times with dates, or text that narwhals reads as such (2026-05-31 or 2026-05-31T12:30:00).
        parts: of `DATE_PARTS`; what is missing in a date is missing in its parts.

    Raises:
        DataError: not a frame, a column that does not exist or holds no dates, or unknown parts.
        ModuleNotFoundError: narwhals is not installed (`pip install 'lutsmith[tables]'`).
    """
    import narwhals

    for part in parts:
        one_of("one of the parts", part, DATE_PARTS, DataError)
    try:
        known: Any = narwhals.from_native(frame, eager_only=True)
    except TypeError as error:
        raise DataError(f"a {type(frame).__name__} is not a frame whose dates could be split ({error})") from error
    names = list(known.columns)
    for column in [columns] if isinstance(columns, str) else columns:
        name = names[place_of(str(column), names, len(names), "the frame")]
        dates, kind = narwhals.col(name), known.schema[name]
        if kind in (narwhals.String, narwhals.Categorical, narwhals.Object):
            try:
                known = known.with_columns(dates.cast(narwhals.String).str.to_datetime())
            except Exception as error:  # each library has its own
                raise DataError(f"column {name!r} is text that is not all dates: {str(error)[:100]}") from error
        elif kind not in (narwhals.Date, narwhals.Datetime):
            raise DataError(f"column {name!r} holds {kind} values; expected dates, or text such as 2026-05-31")
        only_date = known.schema[name] == narwhals.Date
        found = []
        for part in parts:
            if only_date and part in ("hour", "minute", "second"):
                number = dates.dt.day() * 0
            else:
                number = getattr(dates.dt, part)()
            found.append(number.cast(narwhals.Float32).alias(f"{name}.{part}"))
        known = known.with_columns(*found).drop(name)
    return known.to_native()
