"""Data larger than memory: predictions part by part, and training from a mapped file.

    python -m benchmarks.big_data [--parts 8] [--rows 200000] [--steps 300] [--gb 2]

`predict`: parts of `--rows` rows of 64 bytes, as `.npy`, Parquet and CSV, are predicted by `lutsmith predict` with one
core and with all; rows a second of wall time, the start of the processes (about a second) included. `train`: steps a
second of a network of 2,000 + 1,000 LUT6 in batches of 256, on a mapped file of `--gb` GB whose rows are read block by
block, and on 100,000 of its rows in memory; MB are the peak of the process's anonymous memory so far.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith.circuit.engine.workers import cores_given


def written(folder: Path, kind: str, parts: int, rows: int) -> Path:
    """A folder of parts of one kind."""
    folder.mkdir()
    for number in range(parts):
        x = np.random.default_rng(number).integers(0, 17, (rows, 64)).astype(np.uint8)
        path = folder / f"{number}.{kind}"
        if kind == "npy":
            np.save(path, x)
        elif kind == "csv":
            np.savetxt(path, x, "%d", ",")
        else:
            import pyarrow as pa
            from pyarrow import parquet

            parquet.write_table(pa.table({f"x{column}": x[:, column] for column in range(64)}), path)
    return folder


def seconds(model: Path, samples: Path, out: Path, cores: int) -> float:
    """The wall time of the command."""
    command = [sys.executable, "-m", "lutsmith.cli", "predict", str(model), str(samples), "-o", str(out)]
    began = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "LUTSMITH_NUM_THREADS": str(cores)}, capture_output=True)
    return time.perf_counter() - began


def anonymous() -> float:
    """MB of anonymous memory now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon"))


def trained(dataset: lutsmith.Dataset, steps: int) -> tuple[float, float]:
    """Steps a second, and the peak of anonymous memory."""
    from lutsmith.nn import Architecture
    from lutsmith.training import Callback, Settings, fit

    class Watch(Callback):
        """Ends training after so many steps."""

        peak, begun = 0.0, 0.0
        taken = 0

        def after_step(self, stage: Any) -> None:
            self.peak, self.taken = max(self.peak, anonymous()), self.taken + 1
            if self.taken == 10:  # kernels are loaded
                self.begun = time.perf_counter()
            if self.taken == steps + 10:
                self.rate = steps / (time.perf_counter() - self.begun)
                stage.stopped = "enough"

    watch = Watch()
    architecture = Architecture(luts=(2000, 1000), rank=6, bits=3)
    fit(dataset, architecture, Settings(epochs=50, batch_size=256, validation=0.02), callbacks=[watch], quiet=True)
    return watch.rate, watch.peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--gb", type=float, default=2.0)
    given = parser.parse_args()
    digits = lutsmith.data.load("digits")
    x = digits.x_train.reshape(len(digits.x_train), -1)
    table = Table("predict", "one core, M rows/s", f"{cores_given()} cores, M rows/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        circuit = lutsmith.train(x, digits.y_train, method="additive", max_luts=600, quiet=True).circuit
        lutsmith.save(circuit, folder / "model.lut")
        for kind in ("npy", "parquet", "csv"):
            rows = given.rows if kind != "csv" else max(1, given.rows // 10)
            samples = written(folder / kind, kind, given.parts, rows)
            rates = []
            for cores in (1, cores_given()):
                took = seconds(folder / "model.lut", samples, folder / f"{kind}-{cores}", cores)
                rates.append(given.parts * rows / took / 1e6)
            table.add_row(kind, *(f"{rate:.2f}" for rate in rates))
        Console().print(table)

        rows = int(given.gb * 1e9) // 64
        mapped = np.lib.format.open_memmap(folder / "X.npy", "w+", np.uint8, (rows, 64))
        labels = np.zeros(rows, np.uint8)
        for start in range(0, rows, 1 << 20):
            some = np.random.default_rng(start).integers(0, len(x), len(mapped[start : start + (1 << 20)]))
            mapped[start : start + (1 << 20)], labels[start : start + (1 << 20)] = x[some], digits.y_train[some]
        mapped.flush()
        del mapped
        table = Table("train", "steps/s", "MB")
        found = np.load(folder / "X.npy", mmap_mode="r")
        for what, dataset in (
            ("block by block", lutsmith.data.stream_arrays(found, labels)),
            ("in memory", lutsmith.data.from_arrays(np.array(found[:100_000]), labels[:100_000])),
        ):
            rate, peak = trained(dataset, given.steps)
            table.add_row(what, f"{rate:.1f}", f"{peak:,.0f}")
        Console().print(table)


if __name__ == "__main__":
    main()
