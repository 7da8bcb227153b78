"""MNIST by each method of search alone, from pixels: accuracy on the official test part, which chooses nothing.

    python -m benchmarks.search_mnist [ROW ...] [--seeds 0 1 2] [--seconds 120] [--data DIR] [--json FILE]

A row is a method, or a method and a network after a colon, such as `greedy:cnn_iv1`; without one it is the network of
the defaults. A tenth of the training part, which no step reads, chooses the network that is kept. No other setting
differs from the defaults but those in `SETTINGS`, which were chosen on such rows. `--seconds` limits the search alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lutsmith.data import Dataset, load
from lutsmith.search.settings import SearchSettings
from lutsmith.search.trainer import SearchTrainer

ROWS = (
    "greedy", "greedy:cnn_iv1", "memorize", "memorize:cnn_iv1", "coordinate", "pivotal", "wires", "population",
    "bitflip", "evolve", "anneal",
)  # fmt: skip

SETTINGS: dict[str, dict[str, Any]] = {
    "greedy:cnn_iv1": {"options": {"fixed": 2, "tau": 4.0}},  # its windows stay
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dataset, found = load("mnist", arguments.data), []
    table = Table("method: network", "seeds", "LUTs", "depth", "steps", "test %", "of each", "seconds", "CPU s")
    for row in arguments.rows:
        runs = [searched(dataset, row, seed, arguments.seconds) for seed in arguments.seeds]
        found += runs
        mean = {name: statistics.mean(run[name] for run in runs) for name in ("test", "seconds", "cpu", "steps")}
        table.add_row(
            row, str(len(runs)), str(runs[0]["luts"]), str(runs[0]["depth"]), f"{mean['steps']:.0f}",
            f"{100 * mean['test']:.2f}", " ".join(f"{100 * run['test']:.1f}" for run in runs),
            f"{mean['seconds']:.0f}", f"{mean['cpu']:.0f}",
        )  # fmt: skip
        print(f"{row:<20} {mean['test']:.2%} {mean['seconds']:.0f} s", flush=True)
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), "utf-8")


def searched(dataset: Dataset, row: str, seed: int, seconds: float) -> dict[str, Any]:
    """Search with a method of its defaults, as many steps as there is time for."""
    method, _, network = row.partition(":")
    settings = SearchSettings(
        method=method, network=network or None, seed=seed, steps=10**7, max_seconds=seconds, **SETTINGS.get(row, {})
    )
    trainer, began = SearchTrainer(settings), time.process_time()
    _, circuit, report = trainer.fit(dataset)
    return {
        "row": row, "seed": seed, "test": report.score, "luts": circuit.netlist.num_nodes, "depth": circuit.depth,
        "steps": trainer.looks[-1]["step"] if trainer.looks else 0, "seconds": report.train_seconds,
        "cpu": time.process_time() - began, "settings": settings.to_json(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
