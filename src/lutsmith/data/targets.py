"""Targets as users pass them in: class labels of any kind, numbers, or 0 and 1 for several labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.heads import OBJECTIVES
from lutsmith.circuit.tabular.schema import is_null
from lutsmith.data.dataset import DataError
from lutsmith.data.labels import class_ids, find_classes
from lutsmith.data.tables.frames import arrow_of, is_frame
from lutsmith.ground.labels import Label

_FEW = 20
"""Whole numbers that may be classes, however few rows there are."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What a network should predict for each row.

    Attributes:
        objective: "classification", "regression" or "multilabel".
        values: class ids `(N,)` int64, numbers `(N,)` or `(N, k)` float64, or truth values `(N, L)` bool.
        classes: the labels of the class ids, ascending; or the names of the columns of a frame, () without.
    """

    objective: str
    values: NDArray[Any]
    classes: tuple[Label, ...]

    @classmethod
    def of(cls, y: Any, objective: str | None = None) -> Targets:
        """Return targets from an array, list, tensor, series or frame.

        Without an objective, it is inferred as in scikit-learn: `(N,)` text, truth values and integers are classes,
        floats too where all of them are whole; other floats, `(N,)` or `(N, k)`, are numbers to regress; `(N, L)` zeros
        and ones are several labels. A column `(N, 1)` is `(N,)`.

        Args:
            y: `(N,)` or `(N, columns)`.
            objective: what y is, where that should not be inferred.

        Raises:
            DataError: y of another shape or type, missing or infinite values, one class only, or what the objective
                does not have.
        """
        if objective is not None and objective not in OBJECTIVES:
            raise DataError(f"objective is {objective!r}, expected None or one of {', '.join(OBJECTIVES)}")
        values, names = _array(y, "y")
        if values.ndim == 2 and values.shape[1] == 1 and objective != "multilabel":
            values = values[:, 0]
        found = objective or _told(values)
        if found == "classification":
            labels = _labels(values, "y")
            classes = find_classes(labels, "y")
            if objective is None and labels.dtype.kind in "iuf" and len(classes) > max(_FEW, len(labels) / 2):
                raise DataError(
                    f"y holds {len(classes)} different whole numbers in {len(labels)} rows: give "
                    "objective='regression' if they are numbers, 'classification' if they are names of classes"
                )
            named = tuple(map(bool, classes)) if labels.dtype.kind == "b" else classes
            return cls(found, class_ids(labels, classes, "y"), named)
        return cls(found, _numbers(values, found, "y"), names)

    def again(self, y: Any, what: str) -> NDArray[Any]:
        """Return the values of further targets of the same kind, such as those of the test part; errors as for `of`."""
        values, _ = _array(y, what)
        if values.ndim == 2 and values.shape[1] == 1 and self.values.ndim == 1:
            values = values[:, 0]
        if self.objective == "classification":
            return class_ids(_labels(values, what), self.classes, what)
        return _numbers(values, self.objective, what)


def as_targets(y: Any, what: str) -> NDArray[Any]:
    """Return targets of any kind as an array of truth values, integers, finite floats or text.

    Raises:
        DataError: missing values, mixed kinds, or more than two axes.
    """
    return _array(y, what)[0]


def _told(values: NDArray[Any]) -> str:
    """Return the objective that values have."""
    kind = values.dtype.kind
    if values.ndim == 1:
        fractions = kind == "f" and not (values[np.isfinite(values)] % 1 == 0).all()
        return "regression" if fractions else "classification"
    if kind in "biuf" and ((values == 0) | (values == 1)).all():
        return "multilabel"
    if kind == "f":
        return "regression"
    raise DataError(
        f"y has shape {values.shape} and holds {values.dtype}; expected a label for each row (N,), 0 and 1 for several "
        "labels (N, L), or numbers: give objective='regression' if they are"
    )


def _labels(values: NDArray[Any], what: str) -> NDArray[Any]:
    if values.ndim != 1:
        raise DataError(f"{what} has shape {values.shape}, expected a label for each row (N,)")
    return values


def _numbers(values: NDArray[Any], objective: str, what: str) -> NDArray[Any]:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{what} holds text, and {objective} has numbers; leave objective out for classes")
    if objective == "regression":
        return values.astype(np.float64)
    if values.ndim != 2:
        raise DataError(f"{what} has shape {values.shape}, expected 0 and 1 for each label (N, L)")
    other = values[(values != 0) & (values != 1)]
    if other.size:
        raise DataError(f"{what} holds {other[0]}, expected 0 and 1 for each label")
    return values.astype(np.bool_)


def _array(y: Any, what: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return y as truth values, integers, finite floats or text, `(N,)` or `(N, columns)`, and its columns' names."""
    if is_frame(y):
        table = arrow_of(y)
        columns = [_plain(_column(column), what) for column in table.columns]
        names = tuple(str(name) for name in table.column_names)
        if len(columns) == 1:
            return columns[0], names
        if not columns or any(column.dtype.kind not in "biuf" for column in columns):
            raise DataError(f"{what} has {len(columns)} columns ({', '.join(names)}); of several, all hold numbers")
        return np.stack(columns, axis=1), names
    if hasattr(y, "detach") and hasattr(y, "cpu"):  # a torch tensor; torch itself is never imported here
        y = y.detach().cpu()
        y = y.float() if str(y.dtype) == "torch.bfloat16" else y
    if np.ma.is_masked(y):
        raise DataError(f"{what} has masked values: fill them first, or drop the rows")
    try:
        values = np.asarray(y)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{what} cannot become an array ({' '.join(str(error).split())})") from error
    if values.ndim not in (1, 2):
        raise DataError(f"{what} has shape {values.shape}, expected (N,) or (N, columns)")
    if isinstance(y, (list, tuple)) and values.dtype.kind in "US":
        values = np.array(y, object)  # NumPy makes text of numbers that stand beside text
    return _plain(values, what), ()


def _column(column: Any) -> NDArray[Any]:
    from pyarrow import types

    plain = column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
    return np.asarray(plain.to_numpy())


def _plain(values: NDArray[Any], what: str) -> NDArray[Any]:
    """Return values as an array of truth values, integers, finite floats or text; missing ones are refused."""
    if values.dtype.kind == "O":
        values = _of_objects(values, what)
    if values.dtype.kind == "S":
        try:
            values = np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:  # replaced bytes would make one class of several
            raise DataError(f"{what} holds {error.object!r}, which is not UTF-8: decode it first") from error
    if values.dtype.kind not in "biufU":
        raise DataError(f"{what} holds {values.dtype} values; expected labels (text, numbers, truth values) or numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise DataError(f"{what} is {values[row]} in row {row}; drop rows without a label, or fill them")
    return values


def _of_objects(values: NDArray[Any], what: str) -> NDArray[Any]:
    flat: Sequence[Any] = values.reshape(-1).tolist()
    for place, value in enumerate(flat):
        if is_null(value):
            row = place // (values.shape[1] if values.ndim == 2 else 1)
            raise DataError(f"{what} is {value} in row {row}; drop rows without a label, or fill them")
    kinds = {_kind(value) for value in flat}
    if kinds == {"text"}:
        flat = [str.__str__(value) for value in flat]  # enumerations too are what they hold, not their names
        if cut := next((text for text in flat if text.endswith("\0")), None):
            raise DataError(f"{what} holds {cut!r}: NumPy cuts zeros off the end of text; remove them")
    if len(kinds) == 1 and kinds <= {"text", "truth values", "numbers"}:
        found = np.array(flat)
        if found.dtype.kind in "biufU" and found.shape == (len(flat),):
            return found.reshape(values.shape)
        if kinds == {"numbers"}:
            raise DataError(
                f"{what} holds numbers that no type of NumPy holds, such as {max(flat, key=abs)}: scale them"
            )
    raise DataError(f"{what} holds {' and '.join(sorted(kinds))}; expected text, numbers or truth values alone")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, (bool, np.bool_)):
        return "truth values"
    return "numbers" if isinstance(value, (int, float, np.number)) else f"{type(value).__name__} objects"
