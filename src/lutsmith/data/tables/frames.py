"""Frames, records and arrays of objects as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lutsmith.circuit.tabular.frames import as_frame, is_records, is_text_array
from lutsmith.circuit.tabular.schema import is_null
from lutsmith.data.dataset import DataError

_SINGLE = (str, int, float, bool, np.number, np.bool_)
"""Kinds of values that a column of several kinds may hold."""


def is_frame(X: Any) -> bool:
    """Return whether the columns of X may be of different kinds: a frame, a list of dicts, or an array of text or
    objects.
    """
    return (
        is_records(X) or is_text_array(X) or hasattr(type(X), "columns")
    )  # of the class: to ask a lazy frame itself is to run it


def arrow_of(frame: Any) -> Any:
    """Return a frame, a list of dicts, or an array of text or objects, whose columns are 0, 1, ..., as an Arrow table.

    Raises:
        DataError: it is neither, or holds what is not a number, a truth value or text, and what Arrow does not know.
        ModuleNotFoundError: pyarrow or narwhals is not installed (`pip install 'lutsmith[tables]'`).
    """
    import narwhals

    try:
        if is_records(frame):
            as_frame(frame)  # the keys are those of all rows
            return _table((str(name), [row[name] for row in frame]) for name in frame[0])
        if is_text_array(frame):
            return _table((str(place), cells.tolist()) for place, cells in enumerate(frame.T))
        known: Any = narwhals.from_native(frame)
        if isinstance(known, narwhals.LazyFrame):
            known = known.collect()
    except (TypeError, ValueError) as error:  # pyarrow's errors are of these
        if isinstance(error, DataError) or is_frame(frame):
            raise
        raise DataError(
            f"a {type(frame).__name__} is not a table; expected a path, or a frame of pandas, polars, pyarrow ..."
        ) from error
    if not known.implementation.is_pandas_like():
        return known.to_arrow()
    native = known.to_native().reset_index(drop=True)  # an index would become a column
    try:
        return narwhals.from_native(native).to_arrow()
    except (TypeError, ValueError, OverflowError, NotImplementedError):  # columns of several kinds
        return _table((str(name), native.iloc[:, place]) for place, name in enumerate(native.columns))


def arrow_column(values: list[Any], title: str) -> Any:
    """Return values as an Arrow array. Values of several kinds become numbers, with truth values as 0 and 1; if some
    are text, all become text, with numbers as Python spells them.

    Raises:
        DataError: a value of another kind, or a number that no float can hold.
    """
    import pyarrow

    try:
        return pyarrow.array(values, from_pandas=True)
    except (TypeError, ValueError, OverflowError, NotImplementedError):  # pyarrow's errors are of these
        pass
    there = [value for value in values if not is_null(value)]
    if odd := [value for value in there if not isinstance(value, _SINGLE)]:
        raise DataError(
            f"the frame: column {title!r} holds a {type(odd[0]).__name__} among other values; expected numbers, truth "
            "values or text"
        )
    text = any(isinstance(value, str) for value in there)
    try:
        return pyarrow.array([None if is_null(value) else str(value) if text else float(value) for value in values])
    except OverflowError as error:
        raise DataError(f"the frame: column {title!r} holds a number that is too large for a float") from error


def _table(columns: Iterable[tuple[str, Any]]) -> Any:
    """Return an Arrow table of columns, lists or columns of pandas."""
    import pyarrow

    arrays, names = [], []
    for name, column in columns:
        if isinstance(column, list) or column.dtype == object:
            arrays.append(arrow_column(column if isinstance(column, list) else column.tolist(), name))
        else:
            try:
                arrays.append(pyarrow.array(column, from_pandas=True))
            except (TypeError, ValueError, NotImplementedError) as error:
                raise DataError(f"the frame: column {name!r} holds {column.dtype} values; turn them into numbers, or "
                                f"leave the column out: drop=[{name!r}]") from error  # fmt: skip
        names.append(name)
    return pyarrow.table(arrays, names)
