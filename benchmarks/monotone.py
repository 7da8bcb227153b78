"""What monotone constraints cost: additive learning on adult with two features constrained, beside without.

    python -m benchmarks.monotone [--data DIR] [--seeds N] [--rows N] [--features NAME=WAY ...] [--folds own|official]

Each network is trained on the training rows as they come (defaults, at most 1,000 LUTs), and measured on the official
test part (`--folds own`: on a fifth of the training rows, drawn for each seed). Then pairs of rows are drawn at random:
a training row, twice, with two values of one constrained feature, both from the data. It is counted on how many the
score of the second class goes the wrong way. `check_monotone` says whether tables show that there are none at all.
Seconds are processor seconds of `fit`, the check included. scikit-learn's histogram boosting is trained with and
without the same constraints.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

import lutsmith
from benchmarks.additive_tables import fold
from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit
from lutsmith.data import Dataset, load


def wrong_pairs(
    score: Callable[[NDArray[np.float32]], NDArray[np.float64]], x: NDArray[np.float32], ways: dict[int, int],
    count: int, seed: int,
) -> int:  # fmt: skip
    """On how many of so many pairs a score goes the wrong way."""
    rng = np.random.default_rng([seed, 0x0A11])
    rows = x[rng.integers(0, len(x), count)]
    places = rng.choice(list(ways), count)
    values = np.sort(x[rng.integers(0, len(x), (2, count)), places], axis=0)
    low, high = rows.copy(), rows.copy()
    low[np.arange(count), places], high[np.arange(count), places] = values
    risen = score(high) - score(low)
    return int(np.count_nonzero(risen * np.array([ways[place] for place in places.tolist()]) < 0))


def ahead(circuit: Circuit) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """By how many votes the second class is ahead."""

    def score(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        scores = circuit.decision_function(rows).astype(np.float64)
        found: NDArray[np.float64] = scores[:, 1] - scores[:, 0]
        return found

    return score


def boosting(dataset: Dataset, ways: dict[int, int]) -> tuple[float, HistGradientBoostingClassifier]:
    """Return the accuracy of histogram boosting, and the model."""
    constraints = [ways.get(place, 0) for place in range(dataset.x_train.shape[1])]
    model = HistGradientBoostingClassifier(
        categorical_features=list(dataset.categorical), monotonic_cst=constraints, random_state=0
    ).fit(dataset.x_train, dataset.y_train)
    return float((model.predict(dataset.x_test) == dataset.y_test).mean()), model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100_000, help="pairs of rows")
    parser.add_argument("--features", nargs="+", default=["education-num=1", "capital-gain=1"], metavar="NAME=WAY")
    parser.add_argument("--folds", choices=("own", "official"), default="official")
    arguments = parser.parse_args()
    ways = {name: int(way) for name, way in (each.rsplit("=", 1) for each in arguments.features)}
    whole = load("adult", arguments.data)
    names = list(whole.feature_names or ())
    places = {names.index(name): way for name, way in ways.items()}
    warm = replace(whole, x_train=whole.x_train[:500], y_train=whole.y_train[:500])
    AdditiveTrainer(AdditiveSettings(max_luts=20, monotonic_cst=ways)).fit(warm)
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for seed in range(arguments.seeds):
        dataset = fold(whole, seed, arguments.folds, None)
        for kind, given in (("additive", None), ("additive, monotone", ways)):
            began = time.process_time()
            _, circuit, report = AdditiveTrainer(AdditiveSettings(seed=seed, monotonic_cst=given)).fit(dataset)
            seconds = time.process_time() - began
            wrong = wrong_pairs(ahead(circuit), dataset.x_train, places, arguments.rows, seed)
            shown = lutsmith.check_monotone(circuit, ways, rows=0).ok
            found.setdefault(kind, []).append((report.score, wrong, float(shown), seconds))
        for kind, constraints in (("boosting", {}), ("boosting, monotone", places)):
            began = time.process_time()
            accuracy, model = boosting(dataset, constraints)
            seconds = time.process_time() - began
            wrong = wrong_pairs(model.decision_function, dataset.x_train, places, arguments.rows, seed)
            found.setdefault(kind, []).append((accuracy, wrong, np.nan, seconds))
    print(f"adult, {', '.join(arguments.features)}, {arguments.seeds} seeds; pairs of {arguments.rows:,}")
    print(f"{'':20} {'accuracy':>8} {'wrong pairs':>11} {'shown':>5} {'CPU s':>6}")
    for kind, runs in found.items():
        score, wrong, shown, seconds = np.mean(runs, axis=0)
        told = "" if np.isnan(shown) else f"{shown:.0%}"
        print(f"{kind:20} {100 * score:8.2f} {wrong:11.1f} {told:>5} {seconds:6.2f}")


if __name__ == "__main__":
    main()
