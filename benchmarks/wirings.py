"""Fixed wirings of dense layers against each other: accuracy on validation rows, by seeds.

    python -m benchmarks.wirings [TASK ...] [--wirings NAME ...] [--seeds 0 1 2] [--epochs 8] [--luts 8000,8000]
                                 [--rank 6] [--bits 3] [--data DIR] [--json FILE]

"iid" draws each input by itself, as difflogic does; "random", the default, deals inputs out evenly; "random-unique"
never the same set twice; "butterfly" as an FFT, "local" from windows of the image in the first layer, and the default
behind it. Rows that `--json` holds already are not trained again. The test part is not looked at. "unused" is the share
of the first layer's usable inputs that no LUT reads, "most" how many read the same one.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import lutsmith
from benchmarks.levers import Clock
from lutsmith.ground.atomic import write_atomically
from lutsmith.nn import Architecture
from lutsmith.training import Settings
from lutsmith.training.fitting import Preparation

WIRINGS = ("iid", "random", "random-unique", "butterfly", "local")
LOCAL = {"window": 9}
"""Options of the wiring "local", which has the first layer alone."""


def measured(dataset: Any, wiring: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one network, and return what its last epoch reached on the validation rows."""
    behind = [None if wiring == "local" else wiring] * (len(arguments.luts) - 1)
    architecture = Architecture(
        luts=arguments.luts,
        rank=arguments.rank,
        bits=arguments.bits,
        connections="fixed",
        init_method=(wiring, *behind),
        connection_options=(LOCAL if wiring == "local" else {}, *({} for _ in behind)),
    )
    every = {"epochs": arguments.epochs, "validate_every": arguments.epochs, "temperature_final": 0.3}
    settings = Settings(**every, seed=seed)
    prepared = Preparation.of(dataset, architecture.shared_by(dataset.num_classes), settings)
    first, clock = prepared.model[2].connections, Clock()
    used = first.inputs().flatten().long().bincount(minlength=first.in_dim)[first.usable]
    prepared.fit(quiet=True, callbacks=[clock])
    last = clock.epochs[-1]
    return {
        "hard": last.hard,
        "soft": last.soft,
        "seconds": clock.seconds,
        "unused": float((used == 0).float().mean()),
        "most": int(used.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=["mnist", "fashion-mnist"], metavar="TASK")
    parser.add_argument("--wirings", nargs="*", default=WIRINGS, choices=WIRINGS, metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--luts", type=lambda text: tuple(map(int, text.split(","))), default=(8000, 8000))
    parser.add_argument("--rank", type=int, default=6)
    parser.add_argument("--bits", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    kept: dict[str, Any] = {}
    if arguments.json and arguments.json.exists():
        kept = json.loads(arguments.json.read_text())
    table = Table("task", "wiring", "hard %", "soft %", "train s", "unused %", "most")
    for task in arguments.tasks:
        dataset = lutsmith.data.load(task, None if task == "digits" else arguments.data)
        dataset = replace(dataset, x_test=None, y_test=None)
        for wiring in arguments.wirings:
            rows = []
            for seed in arguments.seeds:
                sizes = arguments.luts, arguments.rank, arguments.bits, arguments.epochs
                key = json.dumps([task, wiring, seed, *sizes])
                if key not in kept:
                    kept[key] = measured(dataset, wiring, seed, arguments)
                    print(f"{task}, {wiring}, seed {seed}: {kept[key]}", flush=True)
                    if arguments.json:
                        write_atomically(arguments.json, (json.dumps(kept, indent=1) + "\n").encode())
                rows.append(kept[key])
            mean = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
            spread = f" ± {100 * statistics.stdev(row['hard'] for row in rows):.2f}" if len(rows) > 1 else ""
            table.add_row(
                task,
                wiring,
                f"{100 * mean['hard']:.2f}{spread}",
                f"{100 * mean['soft']:.2f}",
                f"{mean['seconds']:.1f}",
                f"{100 * mean['unused']:.1f}",
                f"{mean['most']:.0f}",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
