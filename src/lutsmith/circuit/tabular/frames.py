"""Frames and records as columns by name: pandas without pyarrow, lists of dicts, and whatever narwhals knows.

Arrow data (pyarrow, polars, DuckDB) are read by `circuit.engine.arrow` where they lie. Nothing is imported for arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular.errors import SchemaError


@dataclass(frozen=True)
class Frame:
    """Columns of equal length.

    Attributes:
        names: of the columns.
        length: rows.
        column: returns rows start .. stop - 1 of a column, (n,): numbers, truth values, text, or objects of these with
            None, NaN or NA where a value is missing. Arguments: the column's place, start and stop.
    """

    names: tuple[str, ...]
    length: int
    column: Callable[[int, int, int], NDArray[Any]]


def is_records(X: Any) -> bool:
    """Return whether X is a list of dicts."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], Mapping)


def as_frame(X: Any) -> Frame | None:
    """Return a frame or a list of dicts as columns; None where X is something else: an array, or Arrow data.

    Raises:
        SchemaError: dicts of different keys.
    """
    if isinstance(X, (np.ndarray, str, bytes)):
        return None
    if isinstance(X, (list, tuple)):
        return _records(X) if is_records(X) else None
    if hasattr(X, "iloc") and hasattr(X, "columns"):  # pandas, and what looks like it
        return Frame(
            tuple(str(name).strip() for name in X.columns),
            len(X),
            lambda place, start, stop: np.asarray(X.iloc[start:stop, place]),
        )
    if is_arrow(X):
        return None
    return None if hasattr(X, "__array__") or hasattr(X, "__array_interface__") else _narwhals(X)


def is_arrow(X: Any) -> bool:
    """Return whether X exports Arrow data, without pyarrow: a frame of pandas does so with it alone."""
    return not hasattr(X, "iloc") and (hasattr(X, "__arrow_c_stream__") or hasattr(X, "__arrow_c_array__"))


def _records(rows: Sequence[Mapping[Any, Any]]) -> Frame:
    names = tuple(rows[0])
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise SchemaError(f"row {number} is a {type(row).__name__}, row 0 a dict: give dicts of the same keys")
        if row.keys() != rows[0].keys():
            odd = sorted(map(str, row.keys() ^ rows[0].keys()))
            raise SchemaError(
                f"row {number} has other keys than row 0 ({odd[0]!r} is in one of them): give None for a missing value"
            )

    def column(place: int, start: int, stop: int) -> NDArray[Any]:
        values = np.empty(stop - start, object)
        values[:] = [row[names[place]] for row in rows[start:stop]]
        return values

    return Frame(tuple(str(name).strip() for name in names), len(rows), column)


def _narwhals(X: Any) -> Frame | None:
    """Return a frame of another library by narwhals, if that is installed and knows it; lazy ones are collected."""
    if isinstance(X, (Mapping, int, float, complex, type(None))):
        return None
    try:
        import narwhals
    except ImportError:
        return None
    found: Any = narwhals.from_native(X, pass_through=True)
    if isinstance(found, narwhals.LazyFrame):
        found = found.collect()
    if not isinstance(found, narwhals.DataFrame):
        return None
    frame: Any = found
    return Frame(
        tuple(str(name).strip() for name in frame.columns),
        len(frame),
        lambda place, start, stop: np.asarray(frame.get_column(frame.columns[place])[start:stop].to_numpy()),
    )
