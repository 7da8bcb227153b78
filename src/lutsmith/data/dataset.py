"""What every reader returns: rows of raw features with class ids, already split into a training and a test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Label


class DataError(ValueError):
    """Data that are missing, damaged or not what the task needs; the message is one line that says what to do."""


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

    Raises:
        DataError: parts of different lengths or shapes, a part without rows, or class ids out of range.
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any] | None
    y_test: NDArray[np.int64] | None
    classes: tuple[Label, ...]
    name: str
    feature_names: tuple[str, ...] | None = None

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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one sample, such as `(1, 28, 28)` or `(16,)`."""
        return tuple(int(size) for size in self.x_train.shape[1:])

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.classes)
