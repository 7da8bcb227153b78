"""What every reader returns: rows of raw features with targets, already split into a training and a test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.heads import OBJECTIVES
from lutsmith.circuit.tabular import Schema
from lutsmith.data.large.source import StreamedRows
from lutsmith.ground.arguments import as_python
from lutsmith.ground.labels import Label


class DataError(ValueError):
    """Data that are missing, damaged or not what the task needs; the message is one line that says what to do."""


class MissingDataError(DataError, FileNotFoundError):
    """Data that could not be found; the message says where it was looked for, and what to do."""


class TableWarning(UserWarning):
    """A column of a table that may have been misread; the message names the option that decides."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers, and a label for each where a label column was asked for.

    Attributes:
        source: the file, for messages.
        x: the features: `(N, F)` float32 from a table (missing values are NaN, names are codes), uint8 or float32 of
            any shape from `.npz`.
        labels: `(N,)`, or None: text as it stands in a text file, whatever other files hold.
        names: the names of the feature columns, or None where the file has none.
        schema: how the columns were read; None for `.npz`.
    """

    source: str
    x: NDArray[Any]
    labels: NDArray[Any] | None
    names: tuple[str, ...] | None
    schema: Schema | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and targets, to fit a network to and to measure it on.

    Attributes:
        x_train: raw features `(N, *input_shape)`, uint8 where the data are bytes, else float32 (NaN: missing).
        y_train: depends on the objective. Classification: class ids `(N,)`, int64, in `0 .. len(classes) - 1`.
            Regression: finite numbers `(N,)` or `(N, k)`. Several labels: 0 and 1, or truth values, `(N, L)`.
        x_test: the test part's features, or None where the data have no test part.
        y_test: the test part's targets, or None.
        classes: the label that each class id stands for; or the names of the targets or labels, empty without names.
        name: the task, such as `mnist`, or the file's name.
        feature_names: the names of the columns of a table, where they are known.
        categorical: the columns of a table `(N, F)`, ascending, whose values are codes of categories; a missing or
            unknown one is NaN.
        category_names: for each of them, what the codes 0, 1, ... stand for.
        schema: how a table was read, so that a model reads other tables the same way; None where the data were not a
            table.
        objective: "classification", "regression" or "multilabel".
        sample_weight: how much each training row counts, `(N,)` numbers of at least 0, or None: all alike.
        stream: all training rows, where they are not held in memory: then those above are a sample of them.

    Raises:
        TypeError: samples, targets or weights that are not arrays: `data.from_arrays` takes lists, tensors and frames.
        DataError: parts of different lengths or shapes, a part without rows or features, targets or weights that the
            objective does not have, or categorical columns that are not there.
    """

    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any] | None
    y_test: NDArray[Any] | None
    classes: tuple[Label, ...]
    name: str
    feature_names: tuple[str, ...] | None = None
    categorical: tuple[int, ...] = ()
    category_names: tuple[tuple[str, ...], ...] = ()
    schema: Schema | None = None
    objective: str = "classification"
    sample_weight: NDArray[Any] | None = None
    stream: StreamedRows | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise DataError(f"{self.name}: objective is {self.objective!r}, expected one of {', '.join(OBJECTIVES)}")
        for name in ("classes", "feature_names", "categorical", "category_names"):
            object.__setattr__(self, name, _as_tuples(getattr(self, name)))
        for name in ("x_train", "y_train", "x_test", "y_test", "sample_weight"):
            _check_array(name, getattr(self, name))
        self._check("training", self.x_train, self.y_train)
        if (self.x_test is None) != (self.y_test is None):
            raise DataError(f"{self.name}: the test part needs both samples and labels")
        if self.x_test is not None and self.y_test is not None:
            self._check("test", self.x_test, self.y_test)
            if self.x_test.shape[1:] != self.x_train.shape[1:]:
                raise DataError(
                    f"{self.name}: test samples have shape {self.x_test.shape[1:]}, "
                    f"training samples {self.x_train.shape[1:]}; they must be equal"
                )
            if self.y_test.shape[1:] != self.y_train.shape[1:]:
                raise DataError(
                    f"{self.name}: y has shape {self.y_train.shape} in training and {self.y_test.shape} in the test "
                    "part; expected as many targets"
                )
        if self.classes and len(self.classes) != self.num_classes:
            raise DataError(f"{self.name}: {len(self.classes)} names of {self.num_classes} targets or labels")
        if len(set(self.classes)) < len(self.classes):
            raise DataError(f"{self.name}: classes are {self.classes}; expected different names")
        if self.feature_names is not None and self.x_train.shape[1:] != (len(self.feature_names),):
            raise DataError(
                f"{self.name}: {len(self.feature_names)} feature_names for samples of shape {self.input_shape}; "
                "expected one for each column of a table"
            )
        if self.categorical or self.category_names:
            self._check_categories()
        if self.stream is not None and len(self.stream.sample) != len(self.x_train):
            raise DataError(
                f"{self.name}: {len(self.x_train)} samples, and numbers of {len(self.stream.sample)} rows of the stream"
            )
        if self.sample_weight is not None:
            if self.stream is not None:
                raise DataError(f"{self.name}: rows that are read block by block all count the same: no sample_weight")
            self._check_weights(self.sample_weight)

    def check_in_memory(self, what: str) -> None:
        """Raise DataError where not all rows are in memory, for what reads all of them at once."""
        if self.stream is not None:
            raise DataError(
                f"{self.name} has {len(self.stream):,} training rows that are read block by block, and {what} reads "
                "all at once: train with method='gradients', or hold them, as np.array(X)"
            )

    def _check(self, part: str, x: NDArray[Any], y: NDArray[Any]) -> None:
        if len(x) != len(y):
            raise DataError(f"{self.name}: {len(x)} samples and {len(y)} labels in the {part} part; expected as many")
        if len(x) == 0:
            raise DataError(f"{self.name}: the {part} part has no rows")
        if x.ndim < 2 or x.size == 0:
            raise DataError(f"{self.name}: samples of the {part} part have shape {x.shape}, expected (N, features)")
        if self.objective == "classification":
            if y.ndim != 1 or y.dtype.kind not in "iu":
                raise DataError(
                    f"{self.name}: y is {y.dtype} {y.shape} in the {part} part, expected class ids ({len(x)},)"
                )
            if y.min() < 0 or y.max() >= len(self.classes):
                raise DataError(
                    f"{self.name}: class ids of the {part} part lie in {y.min()} .. {y.max()}, "
                    f"expected 0 .. {len(self.classes) - 1}"
                )
            return
        if y.ndim > 2 or y.size == 0 or y.dtype.kind not in "biuf" or not np.isfinite(y).all():
            raise DataError(
                f"{self.name}: y is {y.dtype} {y.shape} in the {part} part, expected finite numbers ({len(x)},) or "
                f"({len(x)}, targets)"
            )
        if self.objective == "regression" and np.abs(y.astype(np.float64)).max() > np.finfo(np.float32).max:
            raise DataError(f"{self.name}: y of the {part} part holds numbers beyond float32: scale them first")
        if self.objective == "multilabel" and (y.ndim != 2 or not ((y == 0) | (y == 1)).all()):
            raise DataError(f"{self.name}: y of the {part} part is not 0 and 1 of shape ({len(x)}, labels)")

    def _check_weights(self, weights: NDArray[Any]) -> None:
        rows = len(self.x_train)
        if weights.shape != (rows,) or weights.dtype.kind not in "biuf":
            raise DataError(
                f"{self.name}: sample_weight is {weights.dtype} {weights.shape}, expected ({rows},) numbers: one for "
                "each training row"
            )
        if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
            raise DataError(f"{self.name}: sample_weight holds numbers below 0, NaN, infinity, or nothing but 0")
        if len(weights) * float(weights.max()) > np.finfo(np.float64).max:
            raise DataError(f"{self.name}: sample_weight adds up to more than float64 holds: scale it down")

    def _check_categories(self) -> None:
        width = self.x_train.shape[1] if self.x_train.ndim == 2 else 0
        if list(self.categorical) != sorted({c for c in self.categorical if 0 <= c < width}):
            raise DataError(
                f"{self.name}: categorical columns {self.categorical}; expected ascending places below {width}"
            )
        if len(self.category_names) != len(self.categorical):
            raise DataError(
                f"{self.name}: names for {len(self.category_names)} of {len(self.categorical)} categorical columns"
            )

    @property
    def categories(self) -> tuple[tuple[str, ...] | None, ...]:
        """For each column of a table the names of its categories, None where it holds numbers; empty if no column is
        categorical.
        """
        if not self.categorical:
            return ()
        named = dict(zip(self.categorical, self.category_names, strict=True))
        return tuple(tuple(named[place]) if place in named else None for place in range(self.x_train.shape[1]))

    @property
    def ordered(self) -> tuple[int, ...]:
        """The categorical columns whose names have an order: their codes are compared as numbers."""
        return () if self.schema is None else self.schema.ordered

    @property
    def one_hot(self) -> tuple[int, ...]:
        """The categorical columns whose names have no order: each name is encoded by itself."""
        return tuple(place for place in self.categorical if place not in self.ordered)

    def recoded(self, orders: Mapping[int, Sequence[str]]) -> Dataset:
        """Return the same data with the codes of columns of categories in other orders of their names.

        Args:
            orders: by column, all of its names, in the order that their codes are to have. The order has a meaning from
                then on: these columns are `ordered`.

        Raises:
            DataError: a column without names, or other names than it has.
        """
        names = dict(zip(self.categorical, self.category_names, strict=True))
        x_train, x_test = self.x_train.copy(), None if self.x_test is None else self.x_test.copy()
        self.check_in_memory("another order of categories")
        for place, order in orders.items():
            own = names.get(place, ())
            if sorted(own) != sorted(order):
                raise DataError(f"{self.name}: {len(order)} names in order for column {place}, which has {len(own)}")
            numbers = {name: code for code, name in enumerate(order)}
            codes = np.array([numbers[name] for name in own], np.float32)
            for x in (x_train, x_test):
                if x is not None:
                    known = ~np.isnan(x[:, place])
                    x[known, place] = codes[x[known, place].astype(np.int64)]
            names[place] = tuple(order)
        categories = tuple(names.get(place) for place in range(self.x_train.shape[1]))
        schema = self.schema or Schema(len(categories), self.feature_names)
        ordered = tuple(sorted({*self.ordered, *orders}))
        return replace(
            self,
            x_train=x_train,
            x_test=x_test,
            category_names=tuple(names[place] for place in self.categorical),
            schema=replace(schema, categories=categories, ordered=ordered),
        )

    @property
    def holds_integers(self) -> bool:
        """Whether every feature of the training part is an integer or missing."""
        if self.x_train.dtype.kind in "biu":
            return True
        parts = np.array_split(self.x_train, -(-len(self.x_train) // 4096))
        return all(bool((np.isnan(part) | (part == np.round(part))).all()) for part in parts)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one sample, such as `(1, 28, 28)` or `(16,)`."""
        return tuple(int(size) for size in self.x_train.shape[1:])

    @property
    def num_classes(self) -> int:
        """The number of classes, targets or labels: the number of scores that a head gives."""
        if self.objective == "classification":
            return len(self.classes)
        return 1 if self.y_train.ndim == 1 else int(self.y_train.shape[1])


def _check_array(name: str, values: Any) -> None:
    """Raise TypeError where something is not an array, DataError where it is one of other things than numbers."""
    if values is None and name not in ("x_train", "y_train"):
        return
    if not isinstance(values, np.ndarray):
        raise TypeError(f"{name} is a {type(values).__name__}; expected a NumPy array: data.from_arrays makes them")
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {values.dtype} values; expected numbers")


def _as_tuples(values: Any) -> Any:
    """Return lists and arrays of names or places as tuples of Python's values."""
    plain = as_python(values)
    return tuple(map(_as_tuples, plain)) if isinstance(plain, (list, tuple)) else plain


def as_features(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in the type in which features are kept: uint8 for bytes and truth values, else float32, the type
    in which thresholds compare.

    Arrays that already have that type are not copied.
    """
    if array.dtype.kind == "b" or array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):  # beyond float32 is infinity, as it is to a comparator
        return array.astype(np.float32, copy=False)
