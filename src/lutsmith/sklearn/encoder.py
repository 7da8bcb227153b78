"""`ThermometerEncoder`: features as bits."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from lutsmith.additive.encoding import Encoding
from lutsmith.data.tables.table import features_by
from lutsmith.sklearn.reading import InputForm


class ThermometerEncoder(TransformerMixin, BaseEstimator):
    """Features as bits: each says whether a number is above a threshold, or which category it is.

    The bits are those that networks of this library read. Bits that would be alike for all rows are left out.

    Args:
        bits: thresholds of a feature; None: the usual number for the encoder.
        encoder: a name of `lutsmith.encodings.kinds.KINDS` that needs no training: "balanced", which gives common
            values no more thresholds than they need, "distributive" (quantiles), "uniform", "gaussian", "gray", ...
        categorical_features: columns whose values are names, as for `LUTClassifier`: a bit for each name.

    Attributes:
        encoding_: a `lutsmith.additive.encoding.Encoding`.
        n_features_in_, feature_names_in_: as of any estimator.
    """

    def __init__(
        self, *, bits: int | None = None, encoder: str = "balanced", categorical_features: Any = "from_dtype"
    ) -> None:
        self.bits = bits
        self.encoder = encoder
        self.categorical_features = categorical_features

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Find thresholds and names.

        Args:
            X: (N, F) numbers, NaN where missing, or a table.
            y: not read.

        Raises:
            TypeError, ValueError: data or parameters that cannot be used.
        """
        self._reading, table = InputForm.first(self, X, categorical=self.categorical_features)
        self._schema = table.schema
        names = () if table.schema is None else table.schema.categories
        self._names = {place: found for place, found in enumerate(names) if found is not None}
        self.encoding_ = Encoding.fit(table.x, self.bits, sorted(self._names), encoder=self.encoder)
        return self

    def transform(self, X: Any) -> NDArray[np.uint8]:
        """Return the bits, uint8 (N, B)."""
        check_is_fitted(self)
        rows = self._reading.again(self, X)
        if self._schema is not None:
            rows = features_by(self._schema, rows, "X", further=False)
        words = self.encoding_.packed(rows)
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little", count=len(rows))
        return np.ascontiguousarray(bits.T)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the bits, (B,): `age > 37.5`, `city = Zürich`; of other codes `age, bit 2`.

        Args:
            input_features: names of the features; None: those of `fit`, or x0, x1, ...
        """
        check_is_fitted(self)
        known = _check_feature_names_in(self, input_features)
        encoding = self.encoding_
        starts = np.cumsum(encoding.count) - encoding.count
        found: list[str] = []
        number, last = 0, -1
        for feature, count, start in zip(encoding.feature.tolist(), encoding.count, starts, strict=True):
            number, last = (0, feature) if feature != last else (number + 1, last)
            edges = encoding.threshold[start : start + count]
            if feature in self._names and count <= 2:
                name = self._names[feature][int(np.ceil(edges[0]))]
                found.append(f"{known[feature]} = {name}")
            elif count == 1:
                found.append(f"{known[feature]} > {edges[0]!s}")
            else:
                found.append(f"{known[feature]}, bit {number}")
        return np.array(found, object)
