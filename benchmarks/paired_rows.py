"""What `benchmarks.paired` measures, in a process with the sources and the `benchmarks` package of either checkout.

Each benchmark's rows are made of functions that its module has in both. A row makes what it measures when it is its
turn, and frees it after.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

MODEL = Path(__file__).resolve().parents[1] / "tests" / "compatibility" / "files" / "digits.lut"  # both read it
SHORTEST = 0.1
"""Seconds: runs are repeated for so long, and their median is one measurement."""

Measure = Callable[[], Mapping[str, float]]
"""Returns the seconds of each part of a row, by name."""

Rows = dict[str, Callable[[], Measure]]


def repeated(run: Callable[[], object]) -> Measure:
    def measure() -> dict[str, float]:
        seconds: list[float] = []
        while not seconds or sum(seconds) < SHORTEST:
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        return {"": statistics.median(seconds)}

    return measure


def engine(module: Any) -> Rows:
    import numpy as np

    circuit, name = module.random_model(), "random net"
    images = np.random.default_rng(0).integers(0, 256, (65_536, circuit.encoder.num_features), dtype=np.uint8)
    rows = [*map(module.layers, (6, 4, 2)), *module.gates(), *module.large(), *module.pixels(circuit, images, name)]
    rows += [*module.parts(circuit, images), module.single(circuit, images, name)]
    return {row.name: lambda row=row: repeated(row.run) for row in rows}


def training_step(module: Any) -> Rows:
    import torch

    def made(row: Any, threads: int) -> Measure:
        torch.manual_seed(0)
        torch.set_num_threads(threads)
        return repeated(module.stepper(module.ours(row), row.inputs, features_first=True))

    rows = [(row, threads) for row in module.ROWS for threads in sorted({1, os.cpu_count() or 1})]
    return {f"{row.name}, threads: {count}": lambda row=row, count=count: made(row, count) for row, count in rows}


def serving(module: Any) -> Rows:
    os.environ["LUTSMITH_NUM_THREADS"], module.STREAMED = "1", 50_000
    parts: dict[str, Callable[[Any], Mapping[str, float]]] = {
        "one sample": lambda circuit: {"": module.latency(circuit)},
        "stream": lambda circuit: {"": module.STREAMED / module.stream(circuit)[0]},
        "a block": lambda circuit: dict(zip(("interpreted", "coded", "making"), module.code(circuit), strict=True)),
    }
    every = [(name, circuit, part) for name, circuit in module.circuits([]).items() for part in parts]
    return {
        f"{name}, {part}": lambda circuit=circuit, part=part: lambda: parts[part](circuit)
        for name, circuit, part in every
    }


def startup(module: Any) -> Rows:
    sample = "np.zeros((1, *circuit.info()['input_shape']), np.uint8)"
    command = [sys.executable, "-c", module.PREDICT.replace("np.load(sys.argv[2])", sample), str(MODEL)]
    return {"load and predict in a new process": lambda: repeated(lambda: subprocess.run(command, check=True))}


BENCHMARKS = {"engine": engine, "training_step": training_step, "serving": serving, "startup": startup}


def main() -> None:
    """Write the names of the rows; then, for each name that is read, the seconds of its parts."""
    answers, sys.stdout, name = sys.stdout, sys.stderr, sys.argv[1]
    module, package = import_module(f"benchmarks.{name}"), import_module("lutsmith")
    for found in (module, package):
        assert Path(str(found.__file__)).is_relative_to(Path.cwd()), f"{found.__file__} is not of this checkout"
    rows = BENCHMARKS[name](module)
    print(json.dumps(list(rows)), file=answers, flush=True)
    current, measure = "", None
    for line in map(str.strip, sys.stdin):
        if measure is None or line != current:
            current, measure = line, None  # the row before is freed
            measure = rows[line]()
            measure()  # compiles
        print(json.dumps(measure()), file=answers, flush=True)


if __name__ == "__main__":
    main()
