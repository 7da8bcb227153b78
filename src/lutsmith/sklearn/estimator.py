"""The common part of the estimators: from data to a grown or trained network and its circuit, and the methods that use
the circuit.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_random_state

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.additive.course import Growth
from lutsmith.additive.opinions import Teacher
from lutsmith.additive.settings import FEW
from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.workers import threads_limited
from lutsmith.data.dataset import Dataset, Table
from lutsmith.data.in_memory import named_categories
from lutsmith.data.report import Report
from lutsmith.data.split import validation_split
from lutsmith.data.start import coded_as
from lutsmith.data.tables.table import features_by
from lutsmith.explaining import importances
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.runs.methods.growth_log import GrowthLog
from lutsmith.sklearn.fitted import FittedCircuit
from lutsmith.sklearn.merging import equal_rows, merged_rows
from lutsmith.sklearn.reading import InputForm
from lutsmith.sklearn.teachers import check_teacher, make_teacher, taken

METHODS = ("auto", "additive", "gradients")
"""How a network may be trained."""

SAMPLE = 1000
"""Rows on which importances are measured while fitting."""


class LUTEstimator(FittedCircuit):
    """The common part of `LUTClassifier` and `LUTRegressor`, which document the parameters."""

    @abstractmethod
    def _targets(self, y: Any, weights: NDArray[np.float64]) -> NDArray[Any]:
        """Return y as a `Dataset` has it, and remember what it was; `weights` are those of the rows."""

    @abstractmethod
    def _again(self, y: Any) -> NDArray[Any]:
        """Return further targets as `_targets` returned those of `fit`."""

    @abstractmethod
    def _described(self) -> dict[str, Any]:
        """Return the fields of a `Dataset` that belong to the targets: objective and classes."""

    @abstractmethod
    def _shown(self, targets: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return targets of a `Dataset` as a teacher is to see them, and what `make_teacher` has to know of them."""

    def _factors(self, y: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64] | None:  # noqa: ARG002
        """Return by how much more the rows of each class count; None: all alike."""
        return None

    def _learned(self, unseen: tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]] | None, tau: float) -> None:
        """Look at what is said of rows that were not learned from: scores, targets, weights. `tau` is training's."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Train a network and keep its circuit.

        Before anything is drawn, equal rows are merged, their weights are added up, and all rows are sorted by their
        contents. So the order of rows does not matter, and a weight of k is exactly k copies.

        Args:
            X: (N, F) numbers, NaN where missing; or a table: a frame of pandas, polars, pyarrow or another library that
                narwhals knows, or an array that holds text.
            y: (N,) or (N, targets).
            sample_weight: (N,) numbers of at least 0; rows of weight 0 are left out of everything.
            eval_set: (X, y), or a list of one such pair: the rows that choose how many LUTs are kept, or the epoch, in
                place of those that `early_stopping` holds out.

        Raises:
            TypeError, ValueError: data or parameters that cannot be used.
        """
        before = dict(self.__dict__)
        try:
            self._fit(X, y, sample_weight, eval_set)
        except BaseException:  # what was fitted before stays whole
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any) -> None:
        one_of("method", self.method, METHODS)
        check_teacher(self.teacher, self.teacher_weight, numbers=isinstance(self, RegressorMixin))
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        given = None if sample_weight is None else _weights(sample_weight, X)
        self._reading, table = InputForm.first(
            self, X, categorical=self.categorical_features, options=self.table, shape=self.input_shape,
            weights=given,
        )  # fmt: skip
        count = len(table.x) if given is None else len(given)
        weights = np.ones(count) if given is None else given
        targets = self._targets(y, weights)
        if len(targets) != count:
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[count, len(targets)]}")
        given_rows = np.arange(count)
        if len(table.x) < count:  # rows of weight 0 were not read
            given_rows = np.flatnonzero(weights > 0)
            targets, weights = targets[given_rows], weights[given_rows]
        own, weights = merged_rows(table.x, targets, weights)
        x, targets = table.x[own], targets[own]
        held_out, factors = None, self._factors(targets, weights)
        if eval_set is not None:
            x_eval, y_eval = self._eval_rows(eval_set, table)
            held_out = np.arange(len(x), len(x) + len(x_eval))
            x, targets = np.concatenate([x, x_eval]), np.concatenate([targets, y_eval])
            weights = np.concatenate([weights, np.ones(len(x_eval))])
        if factors is not None:
            weights = weights * factors[targets]
        places, names = named_categories(table)
        dataset = Dataset(
            x, targets, None, None, name="the data", feature_names=table.names, categorical=places,
            category_names=names, schema=table.schema, sample_weight=weights, **self._described(),
        )  # fmt: skip
        teacher = None if self.teacher is None else self._asks(X, dataset, given_rows[own])
        with threads_limited(_jobs(self.n_jobs)):
            self._train(dataset, held_out, teacher)

    def _asks(self, X: Any, dataset: Dataset, places: NDArray[np.int64]) -> Teacher:
        """Return what answers for the teacher about the first rows of a data set, which have these places in X."""
        assert dataset.sample_weight is not None
        x, y, weights = (each[: len(places)] for each in (dataset.x_train, dataset.y_train, dataset.sample_weight))
        told, kind = self._shown(y)
        return make_teacher(self.teacher, taken(X, places), told, weights, equal_rows(x), seed=self._seed(), **kind)

    def _eval_rows(self, eval_set: Any, table: Table) -> tuple[NDArray[Any], NDArray[Any]]:
        pair = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError("eval_set is neither a pair (X, y) nor a list of one pair")
        x = self._reading.again(self, pair[0])
        if table.schema is not None:
            x = features_by(table.schema, x, "eval_set", further=False)
        y = self._again(pair[1])
        if len(y) != len(x):
            raise ValueError(
                f"eval_set: Found input variables with inconsistent numbers of samples: {[len(x), len(y)]}"
            )
        return x, y

    def _train(self, dataset: Dataset, held_out: NDArray[np.int64] | None, teacher: Teacher | None) -> None:
        method = "additive" if self.method == "auto" else self.method
        train = self._grow if method == "additive" else self._descend
        trained = train(dataset, held_out, teacher)
        circuit, self.circuit_, self.report_ = trained.circuit, trained.circuit, trained.report
        self.method_ = method
        self.n_luts_ = circuit.netlist.num_nodes
        own = np.delete(np.arange(len(dataset.y_train)), [] if held_out is None else held_out)
        some = np.random.default_rng(0).permutation(own)[:SAMPLE]
        rows = coded_as(circuit, dataset).x_train[some]  # names may stand in another order in the circuit
        self.feature_importances_ = np.zeros(self.n_features_in_)  # columns that are not read say nothing
        read = self._reading.read_places(self.n_features_in_)
        self.feature_importances_[read] = importances(circuit, rows, rows=1, repeats=1).permuted
        told = None
        if trained.unseen is not None and dataset.sample_weight is not None:
            places, scores = trained.unseen
            told = scores, dataset.y_train[places], dataset.sample_weight[places]
        self._learned(told, trained.tau)

    def _seed(self) -> int:
        state = self.random_state
        if isinstance(state, (int, np.integer)) and not isinstance(state, bool):
            return int(state)
        return int(check_random_state(state).randint(np.iinfo(np.int32).max))

    def _grow(self, dataset: Dataset, held_out: NDArray[np.int64] | None, teacher: Teacher | None) -> _Trained:
        """Additive learning."""
        stopping = self.early_stopping
        if stopping != "auto" and not isinstance(stopping, (bool, np.bool_)):
            raise ValueError(f"early_stopping is {stopping!r}; expected 'auto', True or False")
        ensemble = whole_number("n_estimators", self.n_estimators, 1)
        names = ("max_luts", "max_seconds", "rank", "bits", "encoder", "missing")
        fields = {name: getattr(self, name) for name in names}
        fields |= {"ensemble": ensemble, "monotonic_cst": self._constraints()}
        fields |= {"seed": self._seed(), "validation": self.validation_fraction, "patience": self.n_iter_no_change}
        fields |= {"teacher_weight": self.teacher_weight, **self._loss_fields()}
        rows = len(dataset.y_train)
        if self.max_luts is None:
            fields["max_luts"] = auto_luts(rows, dataset.num_classes)
        if stopping != "auto":
            fields["folds"] = 0
        few = rows < FEW and len(dataset.input_shape) == 1
        if held_out is None and (few if stopping == "auto" else not stopping):
            held_out = np.zeros(0, np.int64)  # folds choose, or nothing
        settings = AdditiveSettings.from_json({**fields, **(self.settings or {})})
        start = None
        if self.warm_start and hasattr(self, "circuit_"):
            start, settings = self.circuit_, replace(settings, sweeps=max(1, settings.sweeps))
        trainer = AdditiveTrainer(settings, teacher=teacher)
        prepared = trainer.prepare(dataset, start=start, held_out=held_out)
        with GrowthLog(None, quiet=not self.verbose) as log:

            def watch(growth: Growth) -> bool:
                log.append(growth)
                asked = [callback(growth) for callback in self.callbacks or ()]  # all are told, whatever one says
                return any(asked)

            _, circuit, report = trainer.fit(prepared, watch=watch)
        told = [_rounds(each, prepared.settings.chosen_by) for each in trainer.members or (trainer,)]
        self.evals_result_: Any = told[0].figures if len(told) == 1 else [each.figures for each in told]
        self.n_iter_, self.best_iteration_ = sum(each.grown for each in told), sum(each.best for each in told)
        unseen = None if trainer.unseen is None else (trainer.unseen.rows, trainer.unseen.scores)
        tau = (prepared.settings.tau or 1.0) * prepared.settings.ensemble  # of the mean of the members' scores
        return _Trained(circuit, report, unseen, tau)

    def _descend(self, dataset: Dataset, held_out: NDArray[np.int64] | None, teacher: Teacher | None) -> _Trained:
        """Training by gradients."""
        from lutsmith.nn import Architecture
        from lutsmith.presets import default_of_shape
        from lutsmith.training import Settings, fit

        if self.monotonic_cst is not None or self.missing is not None:
            raise ValueError("monotonic_cst and missing are of method='additive'; leave them out, or the method")
        if teacher is not None:
            raise ValueError("teacher is of method='additive'; gradients have one of their own: settings")
        if whole_number("n_estimators", self.n_estimators, 1) > 1:
            raise ValueError("n_estimators is of method='additive'; by gradients train each, and lutsmith.merge them")
        if held_out is not None:
            raise ValueError("eval_set is of method='additive'; by gradients validation_fraction holds rows out")
        preset = default_of_shape(dataset.input_shape, "gradients")
        shape = {"rank": self.rank, "bits": self.bits, "encoder": self.encoder}
        shape = {name: value for name, value in shape.items() if value is not None}
        if self.max_luts is not None:
            shape["luts"] = [self.max_luts]
        architecture = Architecture.from_json({**preset.architecture, **shape, **(self.architecture or {})})
        fields = {"seed": self._seed(), "validation": self.validation_fraction, **self._loss_fields()}
        if self.n_iter_no_change is not None:
            fields["patience"] = self.n_iter_no_change
        settings = Settings.from_json({**preset.settings, **fields, **(self.settings or {})})
        architecture = architecture.shared_by(dataset.num_classes)
        start = self.circuit_ if self.warm_start and hasattr(self, "circuit_") else None
        _, circuit, report = fit(dataset, architecture, settings, start=start, quiet=not self.verbose)
        self.n_iter_ = self.best_iteration_ = max(1, report.best_epoch or 0)
        self.evals_result_ = {}
        y = dataset.y_train if dataset.objective == "classification" else np.zeros(len(dataset.y_train), np.int64)
        rows = validation_split(y, settings.validation, settings.rows_seed)[1]
        return _Trained(circuit, report, (rows, circuit.decision_function(coded_as(circuit, dataset).x_train[rows])))

    def _constraints(self) -> Any:
        """Return `monotonic_cst` by the places of the features that are read; it is about the columns of X."""
        given = self.monotonic_cst
        if given is None:
            return None
        read = self._reading.read_places(self.n_features_in_)
        if not isinstance(given, Mapping):
            ways = np.asarray(given).tolist()
            if np.ndim(ways) != 1 or len(ways) != self.n_features_in_:
                raise ValueError(
                    f"monotonic_cst has {np.size(given)} values; expected {self.n_features_in_}, one a column"
                )
            return [ways[place] for place in read]
        named = {}
        for key, way in given.items():
            place = int(key) if isinstance(key, (int, np.integer)) else key
            if isinstance(place, int):
                if place not in read:
                    raise ValueError(f"monotonic_cst names column {key}, which is not there or is not read")
                place = read.index(place)
            named[place] = way
        return named

    def _loss_fields(self) -> dict[str, Any]:
        return {}


class _Trained(NamedTuple):
    """What training gave, what is said of rows that were not learned from (rows, scores), votes worth a factor e."""

    circuit: Circuit
    report: Report
    unseen: tuple[NDArray[np.int64], NDArray[Any]] | None
    tau: float = 1.0


class _Rounds(NamedTuple):
    """Losses and scores of a network round by round, how many rounds there were, and which was best."""

    figures: dict[str, Any]
    grown: int
    best: int


def _rounds(trainer: AdditiveTrainer, chosen_by: str | None) -> _Rounds:
    steps = [step for step in trainer.history if step.stage != "start"]
    figures: dict[str, Any] = {"training": {"loss": [step.loss for step in steps]}}
    count = best = max(1, len(steps))
    losses = [step.validation_loss for step in steps if step.validation_loss is not None]
    if losses:
        scores = [step.validation for step in steps if step.validation is not None]
        figures["validation"] = {"loss": losses, "score": scores}
        name, sign = ("loss", 1) if chosen_by == "loss" else ("score", -1)
        told = sign * np.array(figures["validation"][name])
        best = len(told) - int(np.argmin(told[::-1]))
    return _Rounds(figures, count, best)


def auto_luts(rows: int, scores: int) -> int:
    """Return how many voting LUTs are worth trying for so many rows: 1,000, or 4,000 from `FEW` rows on.

    These numbers come from validation rows of public tables: `python -m benchmarks.estimators --folds own`.
    """
    return max(scores, 1000 if rows < FEW else 4000)


def _weights(given: Any, X: Any) -> NDArray[np.float64]:
    rows = np.empty(_num_samples(X))
    found: NDArray[np.float64] = _check_sample_weight(given, rows, dtype=np.float64, ensure_non_negative=True)
    if not found.any():  # scikit-learn refuses it itself from 1.8 on
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return found


def _jobs(n_jobs: int | None) -> int | None:
    """Threads of `n_jobs` as scikit-learn counts them: None is as many as there are, -1 too, -2 is one fewer."""
    if n_jobs is None:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_jobs == 0:
        raise ValueError("n_jobs is 0; expected a number of threads, None, or -1 for all cores")
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
