"""Tables: train the preset of each task, and scikit-learn's gradient boosting on the same split.

    python -m benchmarks.tabular [TASK ...] [--method NAME] [--seeds 0 1 2] [--data DIR] [--json FILE] [--markdown]

The preset is that which the task takes for the method (default: that of tables). Accuracies are those of the circuit on
the task's test part; gradient boosting is `HistGradientBoostingClassifier()` as it comes, given the categorical columns
as such. LUTs are the network's, then the encoder's (one-hot columns join two comparators each); comparators are those
that something reads. Data come from `--data` or `LUTSMITH_DATA`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith import presets
from lutsmith.data import Dataset, load
from lutsmith.data.tables.public import TABULAR_TASKS

HEADER = ("task", "preset", "accuracy %", "boosting %", "LUTs", "encoder LUTs", "comparators", "train s", "boosting s")


def boosting(dataset: Dataset) -> tuple[float, float]:
    """Return the test accuracy of scikit-learn's gradient boosting, and the seconds that fitting took."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    assert dataset.x_test is not None and dataset.y_test is not None  # noqa: PT018 - every task has a test part
    model = HistGradientBoostingClassifier(categorical_features=list(dataset.categorical) or None, random_state=0)
    start = time.perf_counter()
    model.fit(dataset.x_train.astype(np.float32), dataset.y_train)
    seconds = time.perf_counter() - start
    return float(model.score(dataset.x_test.astype(np.float32), dataset.y_test)), seconds


def measure(task: str, method: str | None, seeds: list[int], data: Path | None, out: Path) -> dict[str, Any]:
    preset = presets.default(task, method).name
    runs = [
        lutsmith.train(task, preset=preset, data=data, seed=seed, out=out / f"{task}-seed{seed}", overwrite=True)
        for seed in seeds
    ]
    accuracy, seconds = boosting(load(task, data))
    return {
        "task": task,
        "preset": preset,
        "seeds": seeds,
        "boosting": accuracy,
        "boosting_seconds": seconds,
        "runs": [run.to_json() for run in runs],
    }


def row(result: dict[str, Any]) -> list[str]:
    runs = result["runs"]
    accuracies = [100 * run["accuracy"] for run in runs]
    spread = f" ± {statistics.stdev(accuracies):.2f}" if len(runs) > 1 else ""
    return [
        result["task"],
        f"`{result['preset']}`",
        f"{statistics.mean(accuracies):.2f}{spread}",
        f"{100 * result['boosting']:.2f}",
        f"{runs[0]['luts'] - runs[0]['encoder_luts']:,}",
        f"{runs[0]['encoder_luts']:,}",
        f"{runs[0]['comparators']:,}",
        f"{statistics.mean(run['train_seconds'] for run in runs):.0f}",
        f"{result['boosting_seconds']:.1f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TABULAR_TASKS))
    parser.add_argument("--method", choices=("gradients", "additive"))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/tabular"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/presets.md has it")
    arguments = parser.parse_args()
    results = [
        measure(task, arguments.method, arguments.seeds, arguments.data, arguments.out) for task in arguments.tasks
    ]
    if arguments.markdown:
        for cells in (HEADER, ["---"] * len(HEADER), *map(row, results)):
            print("|", " | ".join(cells), "|")
    else:
        table = Table(*HEADER)
        for result in results:
            table.add_row(*row(result))
        Console(width=140).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
