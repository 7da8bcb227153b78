"""Train presets and report the circuit's accuracy on the official test set, its size, and the time.

    python -m benchmarks.accuracy [PRESET ...] [--seeds 0 1 2] [--data DIR] [--json FILE]

Data come from `--data` or `LUTSMITH_DATA`. Each run writes its model under `--out`. A row that says "equal" had every
test row's scores by the circuit equal to the model's in eval mode; a run in which one differs stops with an error.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from rich.console import Console
from rich.table import Table

import lutsmith

DEFAULT = [row.name for row in lutsmith.list_presets() if row.task and row.accuracy is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=DEFAULT, help="default: those whose row has figures")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = {row.name: row for row in lutsmith.list_presets()}
    table = Table("preset", "accuracy %", "soft %", "LUTs", "depth", "train s", "setup s", "KiB", "circuit = model")
    results = []
    for name in arguments.presets:
        task = rows[name].task
        assert task is not None, f"{name} has no task of its own: train it on a table"
        runs = []
        for seed in arguments.seeds:
            out = arguments.out / f"{name}-seed{seed}"
            data = None if task == "digits" else arguments.data
            runs.append(lutsmith.train(task, preset=name, data=data, seed=seed, out=out, overwrite=True))
        mean = statistics.mean(100 * run.accuracy for run in runs)
        spread = f" ± {statistics.stdev(100 * run.accuracy for run in runs):.2f}" if len(runs) > 1 else ""
        soft = [run.soft_accuracy for run in runs]
        table.add_row(
            name,
            f"{mean:.2f}{spread}",
            "" if None in soft else f"{statistics.mean(100 * value for value in soft):.2f}",
            f"{max(run.luts for run in runs)}",
            str(runs[0].depth),
            f"{statistics.mean(run.train_seconds for run in runs):.1f}",
            f"{statistics.mean(run.setup_seconds for run in runs):.1f}",
            f"{Path(runs[0].model).stat().st_size / 1024:.0f}",
            "equal",
        )
        results.append({"preset": name, "seeds": arguments.seeds, "runs": [run.to_json() for run in runs]})
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
