"""Additive learning on tables, beside scikit-learn's histogram boosting as it comes.

    python -m benchmarks.additive_tables [TASK ...] [--data DIR] [--seeds N] [--rows N] [--folds own|official]
                                         [--set NAME=VALUE ...] [--gradients [kept|most]] [--json FILE]

Both see the same rows and are measured on the same others. With `--folds own` these are a random fifth of the training
part, drawn anew for each seed; official test parts are not looked at. With `--folds official` they are the official
test part, where there is one, and the seed changes the training alone. The additive trainer holds out its validation
rows from the rows that it gets. `--set rank=5 tau=15` changes settings of all tasks, `--rows` the rows trained on.
Scores are accuracies (R^2 of numbers), in percent. Seconds are those of training: encoding and growing here, `fit`
there. Everything that is compiled has run before. LUTs are those that vote, `all` those of the names of categories
too. Data come from `--data` or `LUTSMITH_DATA`.

With `--gradients` a network of as many LUTs as the additive one kept (`most`: as many as it may have) learns by
gradients from the same rows too, with all else as the preset `table` has it.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.data import Dataset, from_arrays, load
from lutsmith.data.folders import find_files
from lutsmith.data.report import score

TASKS = (
    "adult", "magic-gamma", "dry-bean", "skin-seg", "unsw-nb15", "cancer-wisconsin", "cancer-ljubljana", "wine",
    "digits", "iris", "monks-1", "monks-2", "monks-3",
)  # fmt: skip
NUMBERS = ("diabetes", "friedman", "friedman-2")
"""Tasks of regression: asked for by name."""

SHARED = ("unsw-nb15",)
"""Tasks whose official split keeps equal rows on one side, and so do ours."""


def read(task: str, data: Path | None) -> Dataset:
    """Return a task, with its official test part where it has one."""
    toys = {
        "wine": datasets.load_wine, "iris": datasets.load_iris, "cancer-wisconsin": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
    }  # fmt: skip
    if task in toys:
        x, y = toys[task](return_X_y=True)
        kind = "regression" if task in NUMBERS else "classification"
        return from_arrays(x.astype(np.float32), y, objective=kind, name=task)
    if task == "friedman":
        x, y = datasets.make_friedman1(5000, noise=1.0, random_state=0)
        return from_arrays(x.astype(np.float32), y, objective="regression", name=task)
    if task == "friedman-2":
        x, y = datasets.make_friedman2(5000, noise=100.0, random_state=0)
        return from_arrays(x.astype(np.float32), y, objective="regression", name=task)
    if task == "cancer-ljubljana":
        (path,) = find_files(task, data, "breast_cancer", ("breast-cancer.data",))
        with path.open(encoding="utf-8", newline="") as file:
            rows = np.array([[field.strip("'") for field in row] for row in csv.reader(file, quotechar='"') if row])
        classes, y = np.unique(rows[:, 0], return_inverse=True)
        names = tuple(tuple(np.unique(column[column != "?"]).tolist()) for column in rows[:, 1:].T)
        x = [[np.nan if text == "?" else known.index(text) for text, known in zip(row, names, strict=True)]
             for row in rows[:, 1:].tolist()]  # fmt: skip
        return Dataset(np.array(x, np.float32), y, None, None, tuple(classes.tolist()), task,
                       categorical=tuple(range(9)), category_names=names)  # fmt: skip
    return load(task, data)


def fold(dataset: Dataset, seed: int, folds: str, most: int | None) -> Dataset:
    """Return the data set with the test part that is measured on."""
    rng = np.random.default_rng([seed, 0x7AB])
    rows = np.arange(len(dataset.y_train))
    x_test, y_test = dataset.x_test, dataset.y_test
    if folds == "own" or x_test is None:
        if dataset.name in SHARED:
            alike = np.unique(dataset.x_train, axis=0, return_inverse=True)[1].ravel()
            held_out = (rng.random(alike.max() + 1) < 0.2)[alike]
        else:
            held_out = np.zeros(len(rows), np.bool_)
            kinds = dataset.y_train if dataset.objective == "classification" else np.zeros(len(rows), np.int64)
            for kind in np.unique(kinds):
                places = rng.permutation(np.flatnonzero(kinds == kind))
                held_out[places[: round(len(places) / 5)]] = True
        rows = np.flatnonzero(~held_out)
        x_test, y_test = dataset.x_train[held_out], dataset.y_train[held_out]
    rows = np.sort(rng.permutation(rows)[:most])
    return replace(dataset, x_train=dataset.x_train[rows], y_train=dataset.y_train[rows], x_test=x_test, y_test=y_test)


def boosting(dataset: Dataset) -> tuple[float, float]:
    """Return the score of histogram boosting, and the seconds of fitting."""
    kind = HistGradientBoostingRegressor if dataset.objective == "regression" else HistGradientBoostingClassifier
    model = kind(categorical_features=list(dataset.categorical) or None, random_state=0)
    x, x_test = (part.reshape(len(part), -1).astype(np.float32) for part in (dataset.x_train, dataset.x_test))
    began = time.perf_counter()
    model.fit(x, dataset.y_train)
    seconds = time.perf_counter() - began
    return score(dataset.objective, model.predict(x_test), dataset.y_test), seconds


def gradients(dataset: Dataset, luts: int, seed: int) -> tuple[float, float]:
    """Return the score of a layer of so many LUTs that learned by gradients, and the seconds that it took."""
    run = lutsmith.train(dataset, preset="table", luts=(luts,), seed=seed, quiet=True)
    return run.score, run.setup_seconds + run.train_seconds


def measure(dataset: Dataset, settings: AdditiveSettings, beside: str | None = None) -> dict[str, float]:
    """Return the figures of one fold; `beside` says how many LUTs gradients have: "kept", "most", or None."""
    other, other_seconds = boosting(dataset)
    _, circuit, report = AdditiveTrainer(settings).fit(dataset)
    luts = circuit.netlist.outputs.size
    found = {
        "rows": len(dataset.y_train),
        "features": int(np.prod(dataset.input_shape)),
        "luts": luts,
        "all luts": circuit.netlist.num_nodes,
        "score": report.score,
        "boosting": other,
        "seconds": report.setup_seconds + report.train_seconds,
        "boosting seconds": other_seconds,
    }
    if beside is not None:
        scores = dataset.num_classes
        most = luts if beside == "kept" else settings.max_luts // scores * scores
        found["gradients"], found["gradients seconds"] = gradients(dataset, most, settings.seed)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=[*TASKS], metavar="TASK", help=", ".join(TASKS + NUMBERS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--folds", choices=("own", "official"), default="own")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--gradients", nargs="?", choices=("kept", "most"), const="kept")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    changes: dict[str, Any] = {}
    for change in arguments.set:
        name, value = change.split("=", 1)
        try:
            changes[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            changes[name] = value
    small = AdditiveSettings.from_json(changes | {"max_luts": 30})
    measure(fold(read("iris", None), 0, "own", None), small, arguments.gradients)
    heads = [f"{'task':16} {'rows':>7} {'feat.':>5} {'LUTs':>5} {'all':>5} {'score':>7} {'boosting':>8} {'apart':>12}"]
    heads += [f"{'s':>7} {'boosting s':>10}", *[f"{'gradients':>9} {'gradients s':>11}"] * bool(arguments.gradients)]
    print(*heads)
    found: dict[str, list[dict[str, float]]] = {}
    apart = []
    for task in arguments.tasks:
        dataset = read(task, arguments.data)
        found[task] = [
            measure(
                fold(dataset, seed, arguments.folds, arguments.rows),
                AdditiveSettings.from_json(changes | {"seed": seed}),
                arguments.gradients,
            )
            for seed in range(arguments.seeds)
        ]
        mean = {name: float(np.mean([run[name] for run in found[task]])) for name in found[task][0]}
        each = np.array([100 * (run["score"] - run["boosting"]) for run in found[task]])
        error = each.std(ddof=1) / len(each) ** 0.5 if len(each) > 1 else np.nan
        apart.append(each.mean())
        beside = ""
        if arguments.gradients:
            beside = f" {100 * mean['gradients']:9.2f} {mean['gradients seconds']:11.2f}"
        row = (
            f"{task:16} {mean['rows']:7.0f} {mean['features']:5.0f} {mean['luts']:5.0f} {mean['all luts']:5.0f}",
            f"{100 * mean['score']:7.2f} {100 * mean['boosting']:8.2f} {each.mean():+6.2f} ±{error:4.2f}",
            f"{mean['seconds']:7.2f} {mean['boosting seconds']:10.2f}{beside}",
        )
        print(*row, flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=1), "utf-8")
    print(f"above on {sum(value > 0 for value in apart)} of {len(apart)}; the worst {min(apart):+.2f} points apart")


if __name__ == "__main__":
    main()
