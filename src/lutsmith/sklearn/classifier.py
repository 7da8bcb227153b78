"""`LUTClassifier`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y, check_is_fitted

from lutsmith.data.calibration import calibration, cross_fitted, fit_temperature
from lutsmith.sklearn.estimator import LUTEstimator


class LUTClassifier(ClassifierMixin, LUTEstimator):
    """A network of look-up tables that predicts classes, or several labels, as a scikit-learn estimator.

        model = LUTClassifier(random_state=0).fit(X_train, y_train)
        model.score(X_test, y_test)
        model.export("verilog", "hardware/")

    Networks are grown LUT by LUT (`lutsmith.additive`), without PyTorch and within seconds, or trained by gradients.
    The result is a circuit, and its exports give the same answers as `predict`.

    Args:
        method: "auto", which is "additive"; "additive"; or "gradients" (`pip install 'lutsmith[train]'`).
        n_estimators: the number of networks, of different seeds. They share the LUTs and the seconds, and one circuit
            adds up their votes. All hold the same rows out, but each has folds of its own.
        max_luts: the largest number of voting LUTs; None: a number that is worth trying for so many rows.
        max_seconds: no LUT is begun after so many seconds; None: no limit. The result then depends on the machine.
        rank: inputs of a LUT, 1 to 8, or several numbers, one of which is drawn for each LUT; None: what suits tables.
        bits: thresholds of a feature; None: the usual number for the encoder.
        encoder: a name of `lutsmith.encodings.kinds.KINDS`; None: what suits tables.
        categorical_features: columns whose values are names though they are numbers, by place, name or truth value;
            "from_dtype": as the types of a frame say.
        missing: how a missing value is treated: "below" all thresholds of its column; "indicator": the same, and a bit
            of its own; "learned": on the side of the thresholds that suits the column; None: chosen on validation rows.
        monotonic_cst: features with which the probability of the second class never falls (1) or never rises (-1) as
            they grow, all else equal: a mapping from names or places, or one of -1, 0, 1 for each feature. The circuit
            is checked for this. For two classes, or for each of several labels.
        table: how a table is read, fields of `lutsmith.data.TableOptions`: `{"drop": ["id"], "min_frequency": 20}`.
        class_weight: how much the rows of each class count: a dict, "balanced", or None.
        early_stopping: whether held-out rows choose how many of the grown LUTs are kept. "auto": a share of the rows
            does, or with fewer than 2,000 rows five networks that each leave out a fifth; True: always a share of the
            rows; False: no rows are held out, and all LUTs are kept.
        validation_fraction: that share.
        n_iter_no_change: growing ends after so many rounds (one LUT for each class) without a better network; training
            by gradients after so many measurements. None: it goes on to the last.
        input_shape: the shape of a sample, where rows of X are images: (28, 28), (3, 32, 32).
        teacher: a classifier with `predict_proba`, whose probabilities of the training rows are learned beside their
            classes (distillation). A teacher that is not fitted is fitted in five parts, so that it has not seen the
            targets of the rows that it answers; a fitted one is used as it is. Held-out rows are always measured by
            their true classes.
        teacher_weight: the share of the loss that comes from its opinions, 0 to 1.
        settings: further fields of `lutsmith.additive.AdditiveSettings`; for gradients of `lutsmith.training.Settings`.
        architecture: for gradients, fields of `lutsmith.Architecture`.
        callbacks: functions that are called after each round with a `lutsmith.additive.Growth`; one that returns True
            ends growing.
        warm_start: go on from the circuit of the last `fit`: its LUTs are fitted again, one after the other.
        n_jobs: threads; None and -1: all cores. The result does not depend on it.
        random_state: the source of all random choices; an integer gives the same circuit each time.
        verbose: whether progress is shown.

    Attributes:
        classes_: (K,) the classes, ascending; for several labels 0 and 1.
        circuit_: the `lutsmith.Circuit`.
        report_: a `lutsmith.data.Report`: what it reaches on rows that it was not trained on, with the calibration
            error and the Brier score of its probabilities there; LUTs, seconds.
        feature_importances_: (F,) the share of training rows, at most 1,000, whose answer changes where the values of a
            feature are exchanged among them.
        temperature_: how many votes are worth a factor e of probability, fitted on those rows.
        n_luts_: LUTs of the circuit.
        n_iter_, best_iteration_: rounds that were grown, and how many of them are kept, of all networks together.
        evals_result_: losses and scores, round by round; for several networks a list of these.
        n_features_in_, feature_names_in_: as of any estimator.
    """

    def __init__(
        self,
        *,
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
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.class_weight = class_weight
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
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags

    # Targets

    def _targets(self, y: Any, weights: NDArray[np.float64]) -> NDArray[Any]:
        plain = y if hasattr(y, "todense") else np.asarray(y)
        if plain.dtype.kind == "f":
            assert_all_finite(plain, input_name="y")
        check_classification_targets(plain)
        if type_of_target(plain).startswith("multilabel"):
            truth = _truth(y)
            self.classes_ = np.array([0, 1])
            self._labels = truth.shape[1]
            return truth
        values = column_or_1d(y, warn=True)
        _check_y(values, y_numeric=False, estimator=self)
        there: NDArray[Any] = values[weights > 0] if len(weights) == len(values) else values
        self.classes_ = np.unique(there)
        self._labels = 0
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds one class only, {self.classes_[:1].tolist()}, in the rows that count: a classifier needs "
                "samples of at least 2 classes"
            )
        return self._ids(values)

    def _ids(self, values: NDArray[Any]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.searchsorted(self.classes_, values).clip(0, len(self.classes_) - 1)
        return found

    def _again(self, y: Any) -> NDArray[Any]:
        if self._labels:
            truth = _truth(y)
            if truth.shape[1:] != (self._labels,):
                raise ValueError(f"eval_set: y has shape {truth.shape}; expected 0 and 1 for {self._labels} labels")
            return truth
        values = column_or_1d(y)
        ids = self._ids(values)
        if (wrong := values[self.classes_[ids] != values]).size:
            raise ValueError(f"eval_set: y holds {wrong[0]!r}, which is none of the classes of training")
        return ids

    def _described(self) -> dict[str, Any]:
        if self._labels:
            return {"objective": "multilabel", "classes": ()}
        return {"classes": tuple(self.classes_.tolist())}

    def _shown(self, targets: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
        if self._labels:
            return targets.astype(np.int64), {"labels": True}
        return self.classes_[targets], {"classes": self.classes_}

    def _factors(self, y: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
        chosen = self.class_weight
        if chosen is None:
            return None
        if self._labels:
            raise ValueError("class_weight is given, and y holds several labels: give sample_weight")
        if isinstance(chosen, str):
            if chosen != "balanced":
                raise ValueError(f"class_weight is {chosen!r}; expected a dict, 'balanced' or None")
            total = np.bincount(y, weights, len(self.classes_))
            each = total.sum() / (len(total) * np.where(total > 0, total, np.inf))
        else:
            if unknown := [label for label in chosen if label not in self.classes_]:
                raise ValueError(f"The classes, {unknown}, are not in class_label: they have a class_weight")
            each = np.array([float(chosen.get(label, 1.0)) for label in self.classes_.tolist()])
            if not (np.isfinite(each) & (each >= 0)).all():
                raise ValueError(f"class_weight is {dict(chosen)}; expected numbers of at least 0")
        found: NDArray[np.float64] = each
        return found

    # Probabilities

    def _learned(self, unseen: tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]] | None, tau: float) -> None:
        if unseen is None:
            self.temperature_ = tau
            return
        scores, y, counted = unseen
        weights = counted if counted.any() else None
        self.temperature_ = fit_temperature(scores.astype(np.float64), y, weights)
        if not self._labels and len(y) > 1:
            told = calibration(cross_fitted(scores, y, weights), y, weights)
            self.report_ = replace(self.report_, calibration_error=told.error, brier=told.brier)

    def _scores(self, X: Any) -> NDArray[np.float64]:
        rows = self._rows(X)
        scores: NDArray[np.float64] = self.circuit_.decision_function(rows).astype(np.float64)
        return scores

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the votes: for two classes (N,), those of the second less those of the first; else (N, K)."""
        scores = self._scores(X)
        return scores if self._labels or scores.shape[1] != 2 else scores[:, 1] - scores[:, 0]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, (N, K), with rows that add up to 1; for several labels, the probability
        that each is set.

        Probabilities come from the votes divided by `temperature_`; the circuit itself has none.
        """
        scaled = self._scores(X) / self.temperature_
        found: NDArray[np.float64] = expit(scaled) if self._labels else softmax(scaled, axis=1)
        return found

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithms of `predict_proba`."""
        found: NDArray[np.float64] = np.log(self.predict_proba(X))
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row, (N,); for several labels 0 and 1, (N, L)."""
        check_is_fitted(self)
        answer = self.circuit_.predict(self._rows(X))
        found: NDArray[Any] = answer.astype(np.int64) if self._labels else self.classes_[answer]
        return found


def _truth(y: Any) -> NDArray[np.bool_]:
    """Labels that are set, bool (N, L)."""
    values = np.asarray(y.todense() if hasattr(y, "todense") else y)
    if values.ndim != 2 or not ((values == 0) | (values == 1)).all():
        raise ValueError(f"y has shape {values.shape} for several labels; expected 0 and 1 for each, (N, labels)")
    return values.astype(np.bool_)
