"""Frames and records as columns by name: pandas without pyarrow, lists of dicts, and whatever narwhals knows.

Arrow data (pyarrow, polars, DuckDB) are read by `circuit.engine.arrow` where they lie. Nothing is imported for arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular.errors import SchemaError

CODED = 256
"""Rows from which on a column is coded: of fewer, each cell is read by itself."""

FEW_OBJECTS = 1 << 13
"""Objects of a column that are told apart by their addresses, at the most."""


DENSE = 1 << 12
"""Integers that are so near to each other are codes as they are, without sorting."""


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as its different values and, for each row, which of them.

    Attributes:
        values: text, numbers, truth values, or None, NaN or NA where a value is missing. Some may stand in no row.
        codes: integers (n,), the place of each row's value; -1 where it is missing.
    """

    values: Sequence[Any]
    codes: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, numbers: NDArray[Any]) -> Coded:
        """Return numbers or truth values (n,) as such a column."""
        if numbers.size and numbers.dtype.kind != "b":
            low, high = numbers.min().item(), numbers.max().item()
            if 0 <= high - low < DENSE:  # of NaN and infinity it is not
                wide = numbers.astype(np.int64) if numbers.dtype.kind == "i" else numbers
                codes = (wide - low).astype(np.int64)
                if numbers.dtype.kind != "f" or (codes + low == numbers).all():
                    return cls([low + code for code in range(int(high - low) + 1)], codes)
        different, codes = np.unique(numbers, return_inverse=True)
        return cls(different.tolist(), codes)


@dataclass(frozen=True)
class Frame:
    """Columns of equal length.

    Attributes:
        names: of the columns.
        length: rows.
        column: returns rows start .. stop - 1 of a column, (n,): numbers, truth values, text, or objects of these with
            None, NaN or NA where a value is missing; or the column coded. Arguments: the column's place, start and
            stop.
    """

    names: tuple[str, ...]
    length: int
    column: Callable[[int, int, int], NDArray[Any] | Coded]


def is_text_array(X: Any) -> bool:
    """Return whether X is an array (N, F) of text, or of objects such as text and numbers side by side."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUS"


def is_records(X: Any) -> bool:
    """Return whether X is a list of dicts."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], Mapping)


def as_frame(X: Any) -> Frame | None:
    """Return a frame, a list of dicts, or an array of text or objects (N, F), whose columns are called 0, 1, ..., as
    columns; None where X is something else: an array of numbers, or Arrow data.

    Raises:
        SchemaError: dicts of different keys.
    """
    if is_text_array(X):
        names = tuple(map(str, range(X.shape[1])))
        return Frame(names, len(X), lambda place, start, stop: X[start:stop, place])
    if isinstance(X, (np.ndarray, str, bytes)):
        return None
    if isinstance(X, (list, tuple)):
        return _records(X) if is_records(X) else None
    if hasattr(X, "iloc") and hasattr(X, "columns"):  # pandas, and what looks like it
        return Frame(
            tuple(str(name).strip() for name in X.columns),
            len(X),
            lambda place, start, stop: _pandas_column(X.iloc[start:stop, place]),
        )
    if is_arrow(X):
        return None
    return None if hasattr(X, "__array__") or hasattr(X, "__array_interface__") else _narwhals(X)


def _pandas_column(series: Any) -> NDArray[Any] | Coded:
    """Return a column of pandas: text, categories and truth values that may be missing coded, which pandas does, and
    numbers that may be missing as floats where these hold them.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(series, pandas.Series) or len(series) < CODED:
        return np.asarray(series)
    kind, types = series.dtype, pandas.api.types
    if isinstance(kind, np.dtype):
        cells = np.asarray(series)
        same = _by_address(cells) if kind.hasobject else None
        if same is not None or not kind.hasobject or types.infer_dtype(series, skipna=True) != "string":
            return cells if same is None else same
    elif isinstance(kind, pandas.CategoricalDtype):
        return Coded(kind.categories.tolist(), series.array.codes)
    if types.is_string_dtype(kind) or kind.kind == "b":
        codes, found = series.array.factorize()
        return Coded(np.asarray(found, object).tolist(), codes)
    values, gone = series.array, series.isna().any()
    if kind.kind in ("i", "u", "f") and (kind.kind == "f" or kind.itemsize <= 4 or not gone):
        numbers: NDArray[Any] = values.to_numpy(np.float64 if gone else None, na_value=np.nan)
        return numbers
    return np.asarray(series)


def _by_address(cells: NDArray[Any]) -> Coded | None:
    """Return objects coded by where they lie; None where there are many: what is read of text is shared, mostly."""
    from lutsmith.kernels.engine import texts  # compiled code: only for many rows

    codes, firsts = np.empty(len(cells), np.int32), np.empty(min(FEW_OBJECTS, len(cells)), np.int64)
    table = np.full(2 * FEW_OBJECTS, texts.EMPTY, np.int32)
    found = texts.of_words(cells.__array_interface__["data"][0], cells.strides[0], codes, table, firsts)
    return None if found < 0 else Coded(cells[firsts[:found]].tolist(), codes)


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
