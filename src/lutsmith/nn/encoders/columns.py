"""Tables with numbers and categories: each kind of column by an encoder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.encoders.base import Encoder, check_batch
from lutsmith.nn.encoders.categorical import Categorical
from lutsmith.nn.encoders.gathering import gather

if TYPE_CHECKING:
    from typing import Self

    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Columns(nn.Module):
    """Numeric columns by one encoder, categorical columns one-hot; rows of a table only, `(N, F)`.

    The output is the bits of the numeric columns in their order, `num_bits` each, then those of the categorical columns
    in the order given, one for each value seen in the column. Float32 of 0 and 1, stored feature-major.

    Args:
        numeric: the encoder of all columns that are not categorical.
        categorical: the numbers of the categorical columns, from 0.
        max_categories: the most values that a categorical column keeps; see `Categorical`.

    Raises:
        TypeError, ValueError: not an encoder, or column numbers that repeat or are impossible.
    """

    fit_input_shape: Tensor

    def __init__(self, numeric: Encoder, categorical: Sequence[int], *, max_categories: int | None = None) -> None:
        super().__init__()
        if not isinstance(numeric, Encoder):
            raise TypeError(f"numeric is a {type(numeric).__name__}; expected an encoder, such as Thermometer(8)")
        if numeric.encode_axis not in (1, -1):
            raise ValueError(f"the numeric encoder has encode_axis={numeric.encode_axis}; rows of a table have axis 1")
        columns = [int(column) for column in categorical]
        if len(set(columns)) != len(columns) or any(column < 0 for column in columns):
            raise ValueError(f"categorical is {columns}; expected different column numbers, counted from 0")
        self.numeric = numeric
        self.categorical = Categorical(max_categories)
        self.categorical_columns = tuple(columns)
        self.register_buffer("fit_input_shape", torch.zeros(1, dtype=torch.int64))

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        """Fit both encoders on rows `(N, F)`; arguments and errors are those of `Encoder.fit`. Returns self.

        Raises:
            TypeError, ValueError: as there; samples of more than one dimension; a categorical column beyond F.
        """
        data = gather(x, seed)
        if data.ndim != 2:
            raise ValueError(f"fit got data of shape {data.shape}; Columns takes rows of a table, (N, columns)")
        if any(column >= data.shape[1] for column in self.categorical_columns):
            raise ValueError(f"categorical is {list(self.categorical_columns)}, and there are {data.shape[1]} columns")
        numbers = self._numeric_columns(data.shape[1])
        if numbers:
            self.numeric.fit(data[:, numbers], seed=seed)
        if self.categorical_columns:
            self.categorical.fit(data[:, list(self.categorical_columns)], seed=seed)
        self.fit_input_shape = torch.tensor([data.shape[1]], device=self.fit_input_shape.device)
        return self

    def _numeric_columns(self, count: int) -> list[int]:
        return [column for column in range(count) if column not in self.categorical_columns]

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` was called or a fitted state was loaded."""
        return int(self.fit_input_shape) > 0

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """`(F,)`.

        Raises:
            RuntimeError: the encoder is not fitted.
        """
        if not self.is_fitted:
            raise RuntimeError("Columns is not fitted: call Columns.fit(training_data) before using it")
        return (int(self.fit_input_shape),)

    @property
    def input_bits(self) -> int | None:
        """The word length of the numeric columns."""
        return self.numeric.input_bits

    @property
    def usable(self) -> Tensor:
        """Bool, one for each output: False where the bit is always 0."""
        (count,) = self.feature_shape
        parts = [self.numeric.usable] if self._numeric_columns(count) else []
        return torch.cat([*parts, torch.ones_like(self._seen(), dtype=torch.bool)])

    @property
    def num_wasted(self) -> int:
        """The number of outputs that are always 0."""
        return int((~self.usable).sum())

    @property
    def fitted_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest value of each column, `(F,)` each; equal for categorical columns."""
        (count,) = self.feature_shape
        low, high = np.empty(count, np.float32), np.empty(count, np.float32)
        for columns, encoder in self._parts(count):
            low[columns], high[columns] = encoder.fitted_range
        return low, high

    def _parts(self, count: int) -> list[tuple[list[int], Encoder]]:
        parts = [(self._numeric_columns(count), self.numeric), (list(self.categorical_columns), self.categorical)]
        return [(columns, encoder) for columns, encoder in parts if columns]

    def _seen(self) -> Tensor:
        """Which outputs of the categorical encoder stand for a value, int64."""
        if not self.categorical_columns:
            return torch.empty(0, dtype=torch.int64, device=self.fit_input_shape.device)
        return (~self.categorical.categories.isnan()).flatten().nonzero().squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Encode `(N, F)` of any real dtype to `(N, outputs)`.

        Raises:
            RuntimeError: the encoder is not fitted.
            TypeError, ValueError: not a tensor of real numbers, or a wrong shape.
        """
        shape = self.feature_shape
        check_batch(x, shape)
        rows = [
            encoder(x[:, columns]).t()[self._seen() if encoder is self.categorical else slice(None)]
            for columns, encoder in self._parts(shape[0])
        ]
        return torch.cat(rows).t()

    def lower_features(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit comparators and LUTs of both encoders; return the signals of the encoded sample.

        Raises:
            ValueError: features of another shape than the encoder was fitted on.
        """
        if features.shape != self.feature_shape:
            raise ValueError(f"the encoder was fitted on samples of shape {self.feature_shape}, not {features.shape}")
        seen = self._seen().cpu().numpy()
        signals = [
            encoder.lower_features(builder, features[columns])[seen if encoder is self.categorical else slice(None)]
            for columns, encoder in self._parts(features.size)
        ]
        joined: NDArray[np.int32] = np.concatenate(signals)
        return joined

    def extra_repr(self) -> str:
        state = f"fitted on {self.feature_shape}" if self.is_fitted else "not fitted"
        return f"categorical={list(self.categorical_columns)}, {state}"
