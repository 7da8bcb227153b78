"""A busy machine: what whole commands cost while other programs hold the cores, and two of them side by side.

    python -m benchmarks.busy [--only NAME ...] [--rounds N] [--threads N] [--json FILE]

Each row is a command in a process of its own, imports and all: `digits`, a preset for the digits; `table`, a table of
3,000 rows by gradients; `additive`, the same table additively; `predict`, 4 s of predictions on a quiet machine. It
runs on the quiet machine, beside one busy process, beside one for each core, and beside a second one of its own. All
take turns, so that what else the machine does hits each; the median over the rounds counts. Busy processes do nothing
but count, at normal priority. `same` says that all runs of a row gave the same circuit. Kernels are compiled before.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith

ROWS, COLUMNS = 3_000, 12
PREDICT = """
import sys, numpy as np, lutsmith
circuit = lutsmith.load(sys.argv[1])
rows = np.random.default_rng(0).integers(0, 17, (100_000, *circuit.input_shape), dtype=np.uint8)
for _ in range(int(sys.argv[2])):
    circuit.predict(rows)
"""


def write_table(path: Path) -> None:
    """Write rows whose class two products and a sum of columns tell, with some labels wrong."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, COLUMNS)).round(3)
    y = (x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4] > 0) ^ (generator.random(ROWS) < 0.05)
    names = ",".join(f"c{column}" for column in range(COLUMNS))
    lines = (",".join(map(str, row)) + f",{'yes' if label else 'no'}" for row, label in zip(x, y, strict=True))
    path.write_text("\n".join([f"{names},answer", *lines]) + "\n", "utf-8")


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """That many processes that count, while the block runs."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    time.sleep(0.5 if started else 0)
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def seconds_of(commands: list[list[str]], environment: dict[str, str]) -> float:
    """Start all commands at once; the seconds until the last has ended."""
    began = time.perf_counter()
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    failed = [process.args for process in started if process.wait()]
    if failed:
        raise RuntimeError(f"these commands failed: {failed}")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("digits", "table", "additive", "predict")
    parser.add_argument("--only", nargs="*", choices=names, default=list(names))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of each command; default: all")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    environment = dict(os.environ)
    if given.threads:
        environment |= dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), str(given.threads))
    cores = len(os.sched_getaffinity(0))
    ways = {"quiet": (0, 1), "one busy": (1, 1), "all busy": (cores, 1), "two": (0, 2)}
    console = Console()
    table = Table("command", "quiet s", "x, one busy", f"x, {cores} busy", "x, two at once", "same")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "table.csv")
        lut = [sys.executable, "-m", "lutsmith.cli"]
        of_table = [*lut, "train", "csv", "--data", str(folder / "table.csv"), "--target", "answer"]
        trained: dict[str, list[str]] = {
            "digits": [*lut, "train", "digits", "--preset", "digits-fast"],
            "table": [*of_table, "--method", "gradients"],
            "additive": of_table,
        }

        def command(which: str, number: int) -> list[str]:
            if which == "predict":
                return [sys.executable, "-c", PREDICT, str(folder / "model.lut"), str(passes)]
            return [*trained[which], "--overwrite", "--out", str(folder / f"{which}{number}")]

        seconds_of([[*trained["digits"], "--out", str(folder / "first")]], environment)
        circuit = lutsmith.load(folder / "first/model.lut")
        lutsmith.save(circuit, folder / "model.lut")
        x = np.zeros((100_000, *circuit.input_shape), np.uint8)
        circuit.predict(x)
        began = time.perf_counter()
        circuit.predict(x)
        passes = max(1, round(4 / (time.perf_counter() - began)))
        for which in given.only:
            seconds_of([command(which, 0)], environment)  # compiles
            found: dict[str, list[float]] = {way: [] for way in ways}
            circuits = set()
            for _ in range(given.rounds):
                for way, (others, copies) in ways.items():
                    with busy(others):
                        found[way].append(seconds_of([command(which, copy) for copy in range(copies)], environment))
                    if which in trained:
                        models = [folder / f"{which}{copy}/model.lut" for copy in range(copies)]
                        circuits |= {lutsmith.export.to_json_text(lutsmith.load(model)) for model in models}
            medians = {way: statistics.median(times) for way, times in found.items()}
            ratios = [f"{medians[way] / medians['quiet']:.2f}" for way in list(ways)[1:]]
            same = {0: "", 1: "yes"}.get(len(circuits), "NO")
            table.add_row(which, f"{medians['quiet']:.2f}", *ratios, same)
            rows.append({"command": which, **medians, "circuits": len(circuits)})
    console.print(table)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
