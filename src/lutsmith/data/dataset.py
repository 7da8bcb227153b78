"""What every reader returns: rows of raw features with class ids, already split into a training and a test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import Schema
from lutsmith.ground.labels import Label


class DataError(ValueError):
    """Data that are missing, damaged or not what the task needs; the message is one line that says what to do."""


class TableWarning(UserWarning):
    """A column of a table that may not hold what it is read as; the message names the option that decides."""


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
    """Samples and class ids of one task.

    Attributes:
        x_train: raw features `(N, *input_shape)`, uint8 where the data are bytes, else float32 (NaN: missing).
        y_train: class ids `(N,)`, int64, in `0 .. len(classes) - 1`.
        x_test: the test part's features, or None where the data have no test part.
        y_test: the test part's class ids, or None.
        classes: the label that each class id stands for.
        name: the task, such as `mnist`, or the file's name.
        feature_names: the names of the columns of a table, where they are known.
        categorical: the columns of a table `(N, F)`, ascending, whose values are codes of categories; a missing or
            unknown one is NaN.
        category_names: for each of them, what the codes 0, 1, ... stand for.
        schema: how a table was read, so that a model reads others alike; None where the data were none.

    Raises:
        DataError: parts of different lengths or shapes, a part without rows, class ids out of range, or categorical
            columns that are not there.
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any] | None
    y_test: NDArray[np.int64] | None
    classes: tuple[Label, ...]
    name: str
    feature_names: tuple[str, ...] | None = None
    categorical: tuple[int, ...] = ()
    category_names: tuple[tuple[str, ...], ...] = ()
    schema: Schema | None = None

    def __post_init__(self) -> None:
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
        if self.categorical or self.category_names:
            self._check_categories()

    def _check(self, part: str, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        if len(x) != len(y):
            raise DataError(f"{self.name}: {len(x)} samples and {len(y)} labels in the {part} part; expected as many")
        if len(x) == 0:
            raise DataError(f"{self.name}: the {part} part has no rows")
        if y.min() < 0 or y.max() >= len(self.classes):
            raise DataError(
                f"{self.name}: class ids of the {part} part lie in {y.min()} .. {y.max()}, "
                f"expected 0 .. {len(self.classes) - 1}"
            )

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
    def categories(self) -> list[list[str] | None]:
        """For each column of a table the names of its categories, None where it holds numbers; empty without any."""
        if not self.categorical:
            return []
        named = dict(zip(self.categorical, self.category_names, strict=True))
        return [list(named[place]) if place in named else None for place in range(self.x_train.shape[1])]

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
        """The number of classes."""
        return len(self.classes)
