"""Several processes that train one network against one process with as many threads, at the same batch.

    python -m benchmarks.scaling [--only NAME ...] [--processes N] [--steps N] [--rounds N] [--json FILE]

Each row is a network on random bytes of the size of MNIST's images. Rates are in steps a second: `threads`, one process
with N threads; `processes`, N processes of one thread at the same batch (strong scaling, their ratio is `strong`);
`alone`, one process of one thread, and `weak`: N processes of one thread with N times its batch, over it. `sums` is the
share of the time in which a process of `processes` waits for the others and adds up gradients; `MB` is what these are.

All take turns in rounds, each in a process of its own, so that what else the machine does hits all of them. The median
over the rounds counts, of the median of a step after the first ones; kernels are compiled before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lutsmith.nn import Architecture, build
from lutsmith.training import Callback, Settings, Stage, Trainer

ROWS, FIRST = 20_000, 10

NETWORKS: dict[str, tuple[int, dict[str, Any]]] = {
    "2,000 + 1,000 learned": (128, {"luts": (2000, 1000), "rank": 6, "bits": 3, "num_candidates": 8}),
    "4,000 fixed": (128, {"luts": (4000,), "rank": 6, "bits": 3, "connections": "fixed"}),
    "8,000 + 4,000 learned, batch 512": (512, {"luts": (8000, 4000), "rank": 6, "bits": 3, "num_candidates": 16}),
    "40,000 fixed, batch 512": (512, {"luts": (40000,), "rank": 6, "bits": 3, "connections": "fixed"}),
}
"""The batch and the architecture of each row."""


@dataclass
class Clock(Callback):
    """Times steps, and what of them is talking to the other processes; rank 0 writes it down."""

    path: Path
    steps: int
    _times: list[tuple[float, float, float]] = field(default_factory=list, init=False, repr=False)

    def after_step(self, stage: Stage) -> None:
        self._times.append((time.perf_counter(), stage.ranks.waited, time.process_time()))
        if len(self._times) == self.steps + FIRST:
            stage.stop("timed")

    def end(self, stage: Stage) -> None:
        if stage.ranks.first:
            taken = np.diff(np.array(self._times[FIRST:]), axis=0)
            numbers = sum(p.numel() for p in stage.model.parameters() if p.requires_grad)
            found = {
                "seconds": float(np.median(taken[:, 0])),
                "sums": float(taken[:, 1].sum() / taken[:, 0].sum()),
                "cpu": float(np.median(taken[:, 2])),
                "megabytes": numbers * 4e-6,
            }
            self.path.write_text(json.dumps(found), "utf-8")


def train(name: str, devices: int, batch: int, steps: int, path: Path) -> None:
    """Time the steps of one training, in this process or in several that it starts."""
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (ROWS, 784), dtype=np.uint8), generator.integers(0, 10, ROWS)
    model = build(Architecture.from_json(NETWORKS[name][1]), x[:2000], 10, seed=0)
    settings = Settings(epochs=1 + (steps + FIRST) * batch // (ROWS - batch), batch_size=batch, validation=0.0)
    Trainer(settings, quiet=True, devices=devices, callbacks=[Clock(path, steps)]).fit(model, x, y)


def measured(name: str, devices: int, threads: int, batch: int, steps: int) -> dict[str, float]:
    """What `train` finds in a new process, with that many threads of kernels for all processes together."""
    environment = {**os.environ, **dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.scaling", "--one", name, str(devices), str(batch), str(steps)]
        subprocess.run([*command, str(path)], env=environment, check=True)
        found: dict[str, float] = json.loads(path.read_text("utf-8"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(NETWORKS), default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, devices, batch, steps, path = given.one
        train(name, int(devices), int(batch), int(steps), Path(path))
        return
    count, console = given.processes, Console()
    table = Table("network", "MB", f"{count} threads", f"{count} processes", "strong", "sums", "alone", "weak")
    rows = []
    for name in given.only:
        batch = NETWORKS[name][0]
        ways = {
            "threads": (1, count, batch),
            "processes": (count, count, batch),
            "alone": (1, 1, batch),
            "weak": (count, count, count * batch),
        }
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(given.rounds):
            for way, (devices, threads, size) in ways.items():
                found[way].append(measured(name, devices, threads, size, given.steps))
        seconds = {way: statistics.median(each["seconds"] for each in times) for way, times in found.items()}
        sums = statistics.median(each["sums"] for each in found["processes"])
        strong, weak = seconds["threads"] / seconds["processes"], seconds["alone"] / seconds["weak"]
        megabytes = found["alone"][0]["megabytes"]
        rates = {way: f"{1 / value:.0f}" for way, value in seconds.items()}
        table.add_row(
            name, f"{megabytes:.1f}", rates["threads"], rates["processes"], f"{strong:.2f}", f"{sums:.0%}",
            rates["alone"], f"{weak:.2f}",
        )  # fmt: skip
        rows.append({"network": name, **seconds, "sums": sums, "strong": strong, "weak": weak, "megabytes": megabytes})
    console.print(table)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
