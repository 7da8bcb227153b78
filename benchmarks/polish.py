"""Presets before and after polishing: accuracy on the official test part, which chooses nothing.

    python -m benchmarks.polish [PRESET[:LUTS] ...] [--seeds 0 1 2] [--set candidates=58] [--data DIR] [--runs DIR]

`mnist-2k:1500` is the preset with 1,500 LUTs. A network that is in the folder `--runs` already is not trained again.
Validation rows, those that training held out, choose the sweep that is kept; settings were chosen on them too. Tables
without a test part are measured on the fifth that training holds out. Data come from `--data` or `LUTSMITH_DATA`.
`--speed MODEL` compares the kernel with the slow and clear form instead, on 60,000 rows; `--others` polishes networks
of two layers of 300 LUTs for several labels and for numbers instead.
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
from lutsmith.runs import polish
from lutsmith.search.effects import table_effects
from lutsmith.search.followed import FollowedLoss
from lutsmith.search.losses import CrossEntropy

PRESETS = ("mnist-1k", "dwn-mnist-n6-sm", "mnist-2k", "dwn-mnist-n6-lg", "mnist-4k")
TABLES = ("adult", "magic-gamma", "dry-bean", "unsw-nb15")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=[*PRESETS, *TABLES])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="fields of PolishSettings, as JSON")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/polish"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--speed", type=Path, metavar="MODEL")
    parser.add_argument("--others", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.speed, arguments.data)
        return
    if arguments.others:
        for seed in arguments.seeds:
            others(seed, arguments.data)
        return
    given = {name: json.loads(value) for name, _, value in (text.partition("=") for text in arguments.set)}
    table = Table("preset", "before %", "after %", "change", "validation", "worse", "entries", "wires", "CPU s")
    found = []
    for preset in arguments.presets:
        runs = [polished(preset, seed, arguments.runs, arguments.data, given) for seed in arguments.seeds]
        found += runs
        mean = {name: statistics.mean(run[name] for run in runs) for name in runs[0] if name != "preset"}
        table.add_row(
            preset,
            f"{100 * mean['before']:.2f}",
            f"{100 * mean['after']:.2f}",
            f"{100 * (mean['after'] - mean['before']):+.2f}",
            f"{100 * (mean['validation'] - mean['validation_before']):+.2f}",
            str(sum(run["validation"] < run["validation_before"] for run in runs)),
            f"{mean['entries']:.0f}",
            f"{mean['wires']:.0f}",
            f"{mean['cpu']:.0f}",
        )
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), "utf-8")


def polished(preset: str, seed: int, folder: Path, data: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """Train a preset with a seed, where that is not done already, and polish it."""
    name, _, luts = preset.partition(":")
    row = next(row for row in lutsmith.list_presets() if row.name == name)
    assert row.task is not None
    path = folder / f"{preset.replace(':', '-')}-{seed}"
    if not (path / "model.lut").exists():
        more = {"luts": [int(luts)]} if luts else {}
        lutsmith.train(row.task, preset=name, data=data, seed=seed, out=path, overwrite=True, quiet=True, **more)
    began = time.process_time()
    result = polish(path / "model.lut", data=data, settings=given, quiet=True)
    run = {
        "preset": preset,
        "seed": seed,
        "before": result.before,
        "after": result.score,
        "validation_before": result.validation_before,
        "validation": result.validation,
        "entries": result.changed["entries"],
        "wires": result.changed["wires"],
        "kept": result.changed["kept"],
        "cpu": time.process_time() - began,
    }
    print(json.dumps(run), flush=True)
    return run


def others(seed: int, data: Path | None) -> None:
    """Polish a network for three labels of 20,000 digits, and one for a column of magic-gamma by the nine others."""
    mnist, magic = lutsmith.data.load("mnist", data), lutsmith.data.load("magic-gamma", data)
    labels = [np.stack([y % 2, y > 4, np.isin(y, [0, 6, 8, 9])], axis=1) for y in (mnist.y_train, mnist.y_test)]
    column = 8
    arrays = {
        "multilabel": (mnist.x_train[:20_000], labels[0][:20_000], mnist.x_test, labels[1]),
        "regression": (np.delete(magic.x_train, column, axis=1), magic.x_train[:, column]),
    }
    for objective, given in arrays.items():
        architecture = {"luts": [300, 300], "connection_options": {}, "init_method": None}
        settings = {"epochs": 6 if objective == "multilabel" else 20}
        run = lutsmith.train(
            *given, objective=objective, method="gradients", architecture=architecture, settings=settings, seed=seed,
            quiet=True,
        )  # fmt: skip
        began = time.process_time()
        found = polish(run.circuit, *given, quiet=True)
        told = {"objective": objective, "seed": seed, "measure": found.measure, "measured_on": found.measured_on}
        reached = {name: getattr(found, name) for name in ("before", "score", "validation_before", "validation")}
        print(json.dumps({**told, **reached, "cpu": time.process_time() - began}), flush=True)


def speed(model: Path, data: Path | None) -> None:
    """Print what the effects of a node's table cost, for 100 nodes drawn at random of all levels, 60,000 rows."""
    circuit = lutsmith.load(model)
    mnist = lutsmith.data.load("mnist", data)
    rows = mnist.x_train.reshape(len(mnist.x_train), -1)
    samples = circuit.stages.pack(rows)
    mine, plain = (circuit.stages.evaluate(samples) for _ in range(2))
    loss = CrossEntropy(circuit.head, mnist.y_train, circuit.netlist.outputs.size)
    followed = FollowedLoss(mine, loss)
    nodes = np.random.default_rng(0).permutation(circuit.netlist.num_nodes)[:100].tolist()
    seconds, effects = {}, {}
    ways = {
        "kernel": lambda node: followed.effects(node).sums[0],
        "naive": lambda node: table_effects(plain, loss, node),
    }
    for name, effects_of in ways.items():
        effects_of(nodes[0])  # compiled, and counted
        began = time.process_time()
        effects[name] = [effects_of(node) for node in nodes]
        seconds[name] = time.process_time() - began
        print(f"{name}: {1000 * seconds[name] / len(nodes):.3f} ms of CPU a node")
    worst = max(float(np.abs(one - two).max()) for one, two in zip(*effects.values(), strict=True))
    print(f"{seconds['naive'] / seconds['kernel']:.1f} times; they differ by {worst:.1e} nats at most")


if __name__ == "__main__":
    main()
