"""Which parametrization, and which connections: accuracy on validation rows of MNIST, and seconds of training.

    python -m benchmarks.choices [--data DIR] [--ranks 2 4 6] [--rows 20000] [--luts 2000,1000] [--epochs 8]
                                 [--seeds 0 1 2] [--json FILE]

Every parametrization with fixed connections, then several kinds of connections with `light`: one network, one rate,
three thresholds a pixel. A fifth of the rows is held out and measured; the test part is not looked at. What `--json`
holds is not trained again. "hard" is the accuracy of the circuit, "soft" that of the network as it was trained.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import lutsmith
from benchmarks.levers import Clock
from lutsmith.ground.atomic import write_atomically
from lutsmith.nn import Architecture
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.training import Settings
from lutsmith.training.fitting import Preparation

CONNECTIONS: dict[str, dict[str, Any]] = {
    "fixed: random": {"connections": "fixed", "init_method": "random"},
    "fixed: random-unique": {"connections": "fixed", "init_method": "random-unique"},
    "fixed: iid": {"connections": "fixed", "init_method": "iid"},
    "fixed: butterfly": {"connections": "fixed", "init_method": "butterfly"},
    "learnable: 4 candidates": {"connections": "learnable", "num_candidates": 4},
    "learnable: 16 candidates": {"connections": "learnable", "num_candidates": 16},
    "learnable: 64 candidates": {"connections": "learnable", "num_candidates": 64},
    "top-k of 16": {"connections": "top-k", "num_candidates": 16},
}


def choices(ranks: list[int]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Name, rank and options of each network."""
    for rank in ranks:
        for name in list_parametrizations():
            if rank in setup_parametrization(name, 2).ranks:
                yield name, rank, {"parametrization": name, **CONNECTIONS["fixed: random"]}
    for rank in ranks:
        for name, options in CONNECTIONS.items():
            yield name, rank, options


def measured(dataset: Any, options: dict[str, Any], seed: int, epochs: int) -> dict[str, float]:
    """Train one network, and return what its last epoch reached on the validation rows."""
    architecture = Architecture(**options)
    settings = Settings(epochs=epochs, validate_every=epochs, validation=0.2, seed=seed)
    prepared = Preparation.of(dataset, architecture.shared_by(dataset.num_classes), settings)
    clock = Clock()
    prepared.fit(quiet=True, callbacks=[clock])
    last = clock.epochs[-1]
    return {"hard": last.hard, "soft": last.soft, "seconds": clock.seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--luts", type=lambda text: tuple(map(int, text.split(","))), default=(2000, 1000))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    kept: dict[str, Any] = json.loads(given.json.read_text()) if given.json and given.json.exists() else {}
    dataset = lutsmith.data.load("mnist", given.data)
    rows = slice(given.rows)
    dataset = replace(dataset, x_train=dataset.x_train[rows], y_train=dataset.y_train[rows], x_test=None, y_test=None)
    table = Table("choice", "rank", "hard %", "soft %", "train s")
    for name, rank, options in choices(given.ranks):
        found = []
        for seed in given.seeds:
            key = json.dumps([name, rank, seed, given.rows, given.luts, given.epochs])
            if key not in kept:
                kept[key] = measured(dataset, {"luts": given.luts, "rank": rank, **options}, seed, given.epochs)
                print(key, kept[key], flush=True)
                if given.json:
                    write_atomically(given.json, (json.dumps(kept, indent=1) + "\n").encode())
            found.append(kept[key])
        mean = {what: statistics.mean(row[what] for row in found) for what in found[0]}
        spread = f" ± {100 * statistics.stdev(row['hard'] for row in found):.2f}" if len(found) > 1 else ""
        cells = f"{100 * mean['hard']:.2f}{spread}", f"{100 * mean['soft']:.2f}", f"{mean['seconds']:.1f}"
        table.add_row(name, str(rank), *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
