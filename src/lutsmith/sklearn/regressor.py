"""`LUTRegressor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_y, check_array, check_is_fitted

from lutsmith.sklearn.estimator import LUTEstimator


class LUTRegressor(RegressorMixin, LUTEstimator):
    """A network of look-up tables that predicts numbers, one or several for each row, as a scikit-learn estimator.

    Parameters and attributes are those of `LUTClassifier`, except class weights and probabilities.

    Args:
        loss: "squared", "absolute" or "quantile"; by gradients "squared" alone.
        quantile: for the loss "quantile": the share of targets that should lie below the prediction.
        method: as for `LUTClassifier`, like all parameters below.
        n_estimators: the number of networks; the circuit gives their mean.
        max_luts: the largest number of voting LUTs.
        max_seconds: no LUT is begun after so many seconds.
        rank: inputs of a LUT.
        bits: thresholds of a feature.
        encoder: of features.
        categorical_features: columns whose values are names.
        missing: how a missing value is treated.
        monotonic_cst: features with which the prediction never falls (1) or never rises (-1) as they grow.
        table: how a table is read.
        early_stopping: whether rows choose how many LUTs are kept.
        validation_fraction: the share of rows that does.
        n_iter_no_change: rounds without a better network, after which growing ends.
        input_shape: the shape of a sample that is an image.
        teacher: a regressor whose numbers of the training rows are learned beside the targets.
        teacher_weight: the share of the loss that comes from them.
        settings: further fields.
        architecture: for gradients.
        callbacks: called after each round.
        warm_start: go on from the circuit.
        n_jobs: threads.
        random_state: the source of all random choices.
        verbose: whether progress is shown.
    """

    def __init__(
        self,
        *,
        loss: str = "squared",
        quantile: float = 0.5,
        method: str = "auto",
        n_estimators: int = 1,
        max_luts: int | None = None,
        max_seconds: float | None = None,
        rank: int | Sequence[int] | None = None,
        bits: int | None = None,
        encoder: str | None = None,
        categorical_features: Any = "from_dtype",
        missing: str | None = None,
        monotonic_cst: Mapping[Any, int] | Sequence[int] | None = None,
        table: Mapping[str, Any] | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = None,
        input_shape: Sequence[int] | None = None,
        teacher: Any = None,
        teacher_weight: float = 0.5,
        settings: Mapping[str, Any] | None = None,
        architecture: Mapping[str, Any] | None = None,
        callbacks: Sequence[Callable[[Any], bool | None]] | None = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool = 0,
    ) -> None:
        self.loss = loss
        self.quantile = quantile
        self.method = method
        self.n_estimators = n_estimators
        self.max_luts = max_luts
        self.max_seconds = max_seconds
        self.rank = rank
        self.bits = bits
        self.encoder = encoder
        self.categorical_features = categorical_features
        self.missing = missing
        self.monotonic_cst = monotonic_cst
        self.table = table
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.input_shape = input_shape
        self.teacher = teacher
        self.teacher_weight = teacher_weight
        self.settings = settings
        self.architecture = architecture
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, y: Any, weights: NDArray[np.float64]) -> NDArray[Any]:  # noqa: ARG002
        return self._again(y)

    def _again(self, y: Any) -> NDArray[Any]:
        values = np.asarray(y)
        if values.ndim < 2:
            one: NDArray[Any] = np.asarray(_check_y(y, y_numeric=True, estimator=self)).astype(np.float64)
            return one
        several: NDArray[Any] = np.asarray(check_array(y, input_name="y", estimator=self)).astype(np.float64)
        return several

    def _shown(self, targets: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
        return targets, {}

    def _described(self) -> dict[str, Any]:
        return {"objective": "regression", "classes": ()}

    def _loss_fields(self) -> dict[str, Any]:
        if self.method == "gradients":
            if self.loss != "squared":
                raise ValueError(f"loss is {self.loss!r}; gradients have 'squared' alone, method='additive' all three")
            return {}
        return {"loss": self.loss, "quantile": self.quantile}

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the number for each row, float64 (N,), or (N, targets) for several targets."""
        check_is_fitted(self)
        found: NDArray[np.float64] = np.asarray(self.circuit_.predict(self._rows(X)), np.float64)
        return found
