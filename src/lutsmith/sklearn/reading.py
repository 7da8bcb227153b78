"""X as users pass it to an estimator: arrays of numbers, and tables with names, categories and missing values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from lutsmith.data import DataError
from lutsmith.data.dataset import Table, as_features
from lutsmith.data.tables.frames import arrow_column, arrow_of, is_frame
from lutsmith.data.tables.options import TableOptions
from lutsmith.data.tables.table import read_table

NAMED = "the features"
"""What messages call X."""


class InputForm:
    """How X of `fit` was read, so that a later X is read the same way.

    Attributes:
        named: whether it is a table with columns by name: a frame, records, or an array that holds text, whose columns
            are `x0`, `x1`, ...
        shape: of a sample, where rows of numbers are images; else None.
        given: of a table, the names of all columns of X.
        columns: the names of those that are read: options may drop some.
    """

    def __init__(
        self, named: bool, shape: tuple[int, ...] | None, given: Sequence[str] = (), columns: Sequence[str] = ()
    ) -> None:
        self.named, self.shape, self.given, self.columns = named, shape, tuple(given), tuple(columns)

    def read_places(self, count: int) -> list[int]:
        """Return the places in X of the features that the circuit reads; X has so many columns."""
        return [self.given.index(name) for name in self.columns] if self.named else list(range(count))

    @classmethod
    def first(
        cls,
        estimator: Any,
        X: Any,
        *,
        categorical: Any = "from_dtype",
        options: TableOptions | Mapping[str, Any] | None = None,
        shape: Sequence[int] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> tuple[InputForm, Table]:
        """Return how X is to be read, and what it holds. Sets `n_features_in_`, and `feature_names_in_` of a frame.

        Args:
            estimator: that is fitted.
            X: (N, F).
            categorical: columns whose values are names, numbers too: their places or names, truth values (F,), or
                "from_dtype": those that a frame's types say.
            options: further ones, of a table.
            shape: of a sample that is an image.
            weights: (N,), how many rows each counts as; those of weight 0 are not read of a table, for names of others
                are none. Arrays of numbers are returned whole. None: one.

        Raises:
            TypeError, ValueError: X is not such a thing.
        """
        asked = not (isinstance(categorical, str) and categorical == "from_dtype") and categorical is not None
        table = X if _is_frame(X) else _with_text(X, asked or options is not None)
        if table is None:
            array = validate_data(estimator, X, dtype="numeric", ensure_all_finite="allow-nan", ensure_min_samples=2)
            x = as_features(np.asarray(array))
            if shape is not None:
                x = x.reshape(len(x), *shape)
            return cls(False, None if shape is None else tuple(shape)), Table(NAMED, x, None, None)
        if shape is not None:
            raise ValueError(f"input_shape is {tuple(shape)}, and X is a table: images are arrays of numbers")
        frame = arrow_of(table)
        _count_columns(estimator, _titled(X, frame), reset=True)
        if weights is not None:
            frame, weights = frame.filter(weights > 0), weights[weights > 0]
        if frame.num_columns == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
        if len(frame) < 2:
            raise ValueError(f"Found array with {len(frame)} sample(s) (shape={frame.shape}) while a minimum of 2 is "
                             "required.")  # fmt: skip
        given = TableOptions.of(options)
        if asked:
            names = _columns(categorical, [str(name) for name in frame.column_names])
            given = TableOptions.of({**given.to_json(), "categories": (*given.categories, *names)})
        found = read_table(frame, None, given, weights)
        return cls(True, None, _names(frame), found.names or ()), found

    def again(self, estimator: Any, X: Any) -> Any:
        """Return X as the estimator's circuit reads it.

        Raises:
            TypeError, ValueError: X is not what the estimator was fitted to: other columns, names or values.
        """
        if not self.named:
            if isinstance(X, (list, tuple)) and is_frame(X):
                raise ValueError("X is a list of dicts, and the estimator was fitted to rows of numbers: give an array")
            array = validate_data(estimator, X, reset=False, dtype="numeric", ensure_all_finite="allow-nan")
            x = as_features(np.asarray(array))
            return x if self.shape is None else x.reshape(len(x), *self.shape)
        if _is_frame(X):
            frame = arrow_of(X)
            _count_columns(estimator, _titled(X, frame), reset=False)
            return self._read(frame)
        array = np.asarray(X)
        if array.ndim != 2:
            raise ValueError(f"Expected 2D array, got {array.ndim}D array instead: {_RESHAPE}")
        _count_columns(estimator, array, reset=False)
        return self._read(_named(array, self.given))

    def _read(self, frame: Any) -> Any:
        """Return the columns that are read: by name, or by place where names are none of those of `fit`."""
        names = _names(frame)
        if not set(self.columns) <= set(names):
            names = list(self.given)
        chosen = frame.select([names.index(name) for name in self.columns])
        return chosen.rename_columns(list(self.columns))


def _names(frame: Any) -> list[str]:
    return [str(name).strip() for name in frame.column_names]


def _is_frame(X: Any) -> bool:
    return not isinstance(X, np.ndarray) and is_frame(X)


def _titled(X: Any, frame: Any) -> Any:
    """Return what names of columns are read of: the Arrow table, for scikit-learn knows only those of pandas always."""
    return frame if _is_frame(X) and not hasattr(X, "iloc") else X


_RESHAPE = (
    "reshape your data either using array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if "
    "it contains a single sample"
)


def _count_columns(estimator: Any, X: Any, *, reset: bool) -> None:
    """Compare names and number of columns with those of `fit`, as scikit-learn does; at first set them."""
    if not hasattr(X, "column_names"):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return
    names = np.array([str(name) for name in X.column_names], object)  # scikit-learn does not read names of Arrow tables
    if reset:
        estimator.n_features_in_, estimator.feature_names_in_ = len(names), names
    elif hasattr(estimator, "feature_names_in_") and set(names) != set(estimator.feature_names_in_):
        odd = sorted(set(names) ^ set(estimator.feature_names_in_))
        raise ValueError(
            "The feature names should match those that were passed during fit: "
            f"{', '.join(odd[:5])} {'is' if len(odd) == 1 else 'are'} in one and not in the other"
        )
    elif len(names) != estimator.n_features_in_:
        raise ValueError(
            f"X has {len(names)} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input."
        )


def _with_text(X: Any, asked: bool) -> Any:
    """Return an array that holds text, or of whose columns some are named, as a table; None for numbers."""
    array = X if isinstance(X, np.ndarray) else np.asarray(X) if isinstance(X, (list, tuple)) else None
    if array is None or array.ndim != 2 or 0 in array.shape:
        return None
    if array.dtype.kind == "O" and not asked and not any(isinstance(value, str) for value in array.flat):
        return None
    if array.dtype.kind not in "OU" and not asked:
        return None
    return _named(array, [f"x{place}" for place in range(array.shape[1])])


def _named(array: Any, names: Sequence[str]) -> Any:
    """Return the columns of an array as an Arrow table: numbers where all values of a column are, text otherwise."""
    import pyarrow

    columns = []
    for place in range(array.shape[1]):
        column = array[:, place]
        if column.dtype.kind in "OU":
            values = column.tolist()
            kinds = {type(value) for value in values if value is not None and value == value}
            for odd in (kind for kind in kinds if not issubclass(kind, (str, int, float, np.number, np.bool_))):
                raise TypeError(f"column {names[place]!r}: argument must be a string or a number, not {odd.__name__!r}")
            columns.append(arrow_column(values, str(names[place])))
        else:
            columns.append(pyarrow.array(column))
    return pyarrow.table(dict(zip(map(str, names), columns, strict=True)))


def _columns(chosen: Any, names: Sequence[str]) -> list[str]:
    """Return the names of columns that are given by names, by places, or by truth values."""
    given = np.asarray(chosen)
    if given.dtype.kind == "b":
        if given.shape != (len(names),):
            raise ValueError(f"categorical_features has shape {given.shape}; expected a truth value for each of "
                             f"{len(names)} columns")  # fmt: skip
        return [name for name, here in zip(names, given.tolist(), strict=True) if here]
    if given.dtype.kind in "iu":
        wrong = given[(given < 0) | (given >= len(names))]
        if wrong.size:
            raise DataError(f"categorical_features holds {wrong[0]}; expected 0 to {len(names) - 1}")
        return [names[place] for place in given.reshape(-1).tolist()]
    found = [str(name) for name in given.reshape(-1).tolist()]
    if unknown := [name for name in found if name not in names]:
        raise DataError(f"categorical_features holds {unknown[0]!r}; the columns are {', '.join(names)}")
    return found
