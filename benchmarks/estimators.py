"""`lutsmith.sklearn` on tables, beside the estimators that people take otherwise, all of them at their defaults.

    python -m benchmarks.estimators [TASK ...] [--data DIR] [--seeds N] [--folds own|official] [--set NAME=VALUE ...]
                                    [--teacher WEIGHT] [--luts N ...] [--peers NAME ...] [--json FILE]

Rows of the table: LUTClassifier (of numbers LUTRegressor) with `max_luts=1000`, and without a limit; histogram boosting
and a random forest of scikit-learn; LightGBM and XGBoost where they are installed (`pip install lightgbm xgboost-cpu`).
All see the same rows. With `--folds official` they are measured on the official test part with one seed after the
other; sets of fewer than 2,000 rows that have none in five folds, drawn anew for each seed. With `--folds own`, the
default, each seed holds out a fifth of the training part, and official test parts are not looked at: that is for
choosing settings. `--set bits=31` changes settings of the additive trainer, such as `--set ensemble=4`: four networks
within the same limit. With `--teacher 0.5` half of the loss is that of histogram boosting's opinions, whose fits count
among the seconds. `--luts 1000` leaves out the row without a limit.

Scores are accuracies (R^2 of numbers) in percent, means over seeds and folds. LUTs are those of names of categories,
of the network and of the head, each as logic is written out. Seconds are of the processor, for one `fit`; rows a second
those of `predict` on as many rows as 100,000, by the clock of the wall. Everything that is compiled has run before.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import ensemble
from sklearn.model_selection import KFold, StratifiedKFold

from benchmarks.additive_tables import NUMBERS, TASKS, fold, read
from lutsmith.additive.settings import FEW
from lutsmith.data import Dataset
from lutsmith.data.report import score
from lutsmith.reporting.structure import counts
from lutsmith.sklearn import LUTClassifier, LUTRegressor

ROWS = 100_000
"""Rows that are predicted to be timed."""


def splits(dataset: Dataset, seed: int, folds: str) -> Iterator[Dataset]:
    """Yield a data set for each part that is measured on."""
    if folds == "official" and dataset.x_test is None and len(dataset.y_train) < FEW:
        numbers = dataset.objective == "regression"
        parts = (KFold if numbers else StratifiedKFold)(5, shuffle=True, random_state=seed)
        x, y = dataset.x_train, dataset.y_train
        for train, test in parts.split(x, y):
            yield replace(dataset, x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])
    else:
        yield fold(dataset, seed, folds, None)


def ours(max_luts: int | None, changes: dict[str, Any], teacher: float | None = None) -> Callable[[Dataset, int], Any]:
    def make(dataset: Dataset, seed: int) -> Any:
        kind = LUTRegressor if dataset.objective == "regression" else LUTClassifier
        categorical = list(dataset.categorical) or "from_dtype"
        taught = {} if teacher is None else {"teacher": boosting(dataset, seed), "teacher_weight": teacher}
        return kind(max_luts=max_luts, random_state=seed, categorical_features=categorical, settings=changes or None,
                    **taught)  # fmt: skip

    return make


def boosting(dataset: Dataset, seed: int) -> Any:
    """Return histogram boosting at its defaults."""
    numbers = dataset.objective == "regression"
    kind = ensemble.HistGradientBoostingRegressor if numbers else ensemble.HistGradientBoostingClassifier
    return kind(categorical_features=list(dataset.categorical) or None, random_state=seed)


def peers() -> dict[str, Callable[[Dataset, int], Any]]:
    """Return who is compared with, by name."""

    def forest(dataset: Dataset, seed: int) -> Any:
        numbers = dataset.objective == "regression"
        return (ensemble.RandomForestRegressor if numbers else ensemble.RandomForestClassifier)(random_state=seed)

    def lightgbm(dataset: Dataset, seed: int) -> Any:
        import lightgbm as library

        kind = library.LGBMRegressor if dataset.objective == "regression" else library.LGBMClassifier
        return kind(random_state=seed, verbose=-1)

    def xgboost(dataset: Dataset, seed: int) -> Any:
        import xgboost as library

        return (library.XGBRegressor if dataset.objective == "regression" else library.XGBClassifier)(random_state=seed)

    found = {"boosting": boosting, "forest": forest}
    found |= {name: make for name, make in (("lightgbm", lightgbm), ("xgboost", xgboost)) if _there(name)}
    return found


def _there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def measure(make: Callable[[Dataset, int], Any], dataset: Dataset, seed: int) -> dict[str, Any]:
    """Return the figures of one estimator on one split."""
    assert dataset.x_test is not None
    x, x_test = (part.reshape(len(part), -1).astype(np.float32) for part in (dataset.x_train, dataset.x_test))
    model = make(dataset, seed)
    began = time.process_time()
    model.fit(x, dataset.y_train)
    seconds = time.process_time() - began
    found = {"score": score(dataset.objective, model.predict(x_test), dataset.y_test), "seconds": seconds}
    many = np.resize(x_test, (ROWS, x_test.shape[1]))
    model.predict(many[:1000])
    began = time.perf_counter()
    model.predict(many)
    found["rows"] = ROWS / (time.perf_counter() - began)
    if hasattr(model, "circuit_"):
        found["luts"] = counts(model.circuit_)[1:]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=[*TASKS, *NUMBERS], metavar="TASK", help=", ".join(TASKS + NUMBERS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", choices=("own", "official"), default="own")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--teacher", type=float, metavar="WEIGHT")
    parser.add_argument("--luts", nargs="*", choices=("1000", "auto"), default=["1000", "auto"])
    parser.add_argument("--peers", nargs="*", default=[*peers()], metavar="NAME", help=", ".join(peers()))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    changes = {name: ast.literal_eval(value) for name, value in (change.split("=", 1) for change in arguments.set)}
    names = {"1000": ("1,000 LUTs", 1000), "auto": ("auto", None)}
    rows = {name: ours(most, changes, arguments.teacher) for name, most in (names[each] for each in arguments.luts)}
    rows |= {name: make for name, make in peers().items() if name in arguments.peers}
    warm = fold(read("iris", None), 0, "own", None)
    measure(ours(30, {}), warm, 0)
    print(f"{'task':16} {'estimator':10} {'score':>7} {'to boosting':>12} {'fit s':>7} {'M rows/s':>9}  LUTs")
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for task in arguments.tasks:
        dataset = read(task, arguments.data)
        parts = [(seed, part) for seed in range(arguments.seeds) for part in splits(dataset, seed, arguments.folds)]
        found[task] = {name: [measure(make, part, seed) for seed, part in parts] for name, make in rows.items()}
        for name, runs in found[task].items():
            mean = {key: np.mean([run[key] for run in runs], axis=0) for key in runs[0]}
            apart = ""
            if "boosting" in rows:
                apart = f"{100 * (mean['score'] - np.mean([run['score'] for run in found[task]['boosting']])):+.2f}"
            luts = " + ".join(f"{each:,.0f}" for each in mean.get("luts", ()))
            print(
                f"{task:16} {name:10} {100 * mean['score']:7.2f} {apart:>12} {mean['seconds']:7.2f} "
                f"{mean['rows'] / 1e6:9.2f}  {luts}",
                flush=True,
            )
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
