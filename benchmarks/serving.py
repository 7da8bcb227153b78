"""Serving: one sample at a time, streams, and machine code against the interpreter.

    python -m benchmarks.serving [MODEL.lut ...] [--json FILE]

One thread. Latency: `predict` of one uint8 sample in a loaded process. Stream: `predict_batches` of 400,000 samples as
a memory map, and the largest resident memory that is no file's. Network: one block of 1,024 samples of random bits by
the interpreter and by machine code, the best of 200; making the code is timed too. Without models, random networks are
measured: 3,000 LUTs of rank 6, 6 x 1,000 and 6 x 8,000 two-input gates, a chain of 300 layers of 8 LUT3.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from benchmarks.engine import made
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.engine.machine_code import SWITCH
from lutsmith.circuit.engine.plan import EnginePlan
from lutsmith.kernels.engine import lanes

STREAMED = 400_000


def random_network(layers: int, width: int, rank: int) -> Circuit:
    rng, builder = np.random.default_rng(1), CircuitBuilder((784,))
    bits = builder.compare(rng.integers(0, 784, width), rng.uniform(0, 255, width).astype(np.float32))
    for _ in range(layers):
        bits = builder.lut(rng.choice(bits, (width, rank)), rng.integers(0, 2, (width, 1 << rank)))
    builder.popcount(bits[: width // 8 * 8], 8)
    return builder.build()


def circuits(models: list[Path]) -> dict[str, Circuit]:
    if models:
        return {path.parent.name or path.name: lutsmith.load(path) for path in models}
    shapes = ((1, 3000, 6), (6, 1000, 2), (6, 8000, 2), (300, 8, 3))
    return {
        f"{layers} x {width} random LUT{rank}": random_network(layers, width, rank) for layers, width, rank in shapes
    }


def best(run: Callable[[], object], repeats: int = 200) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def latency(circuit: Circuit) -> float:
    samples = np.random.default_rng(0).integers(0, 256, (10, circuit.encoder.num_features), dtype=np.uint8)
    circuit.predict(samples)  # compiled code is loaded
    seconds = []
    for _ in range(5000):
        start = time.perf_counter()
        circuit.predict(samples[:1])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def stream(circuit: Circuit) -> tuple[float, float]:
    """Samples a second from a memory map, and MB that the process has taken for it."""
    with tempfile.TemporaryDirectory() as folder:
        path, features = Path(folder) / "x.npy", circuit.encoder.num_features
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(STREAMED, features))
        array[:] = np.random.default_rng(0).integers(0, 256, features, dtype=np.uint8)
        del array
        before, start = _anonymous_megabytes(), time.perf_counter()
        most = 0.0
        for _ in circuit.predict_batches(path):
            most = max(most, _anonymous_megabytes() - before)
        return STREAMED / (time.perf_counter() - start), most


def _anonymous_megabytes() -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon")), 0.0)


def code(circuit: Circuit) -> tuple[float, float, float]:
    """Seconds of a block by the interpreter and by machine code, and seconds to make that."""
    machine_code, seconds = made(circuit.netlist)
    own, plan = EnginePlan(circuit.netlist, fixed=True), machine_code.plan()
    network = machine_code.load(plan)
    given, values, tables = own.values(), plan.values(), own.tables()
    given[own.input_rows] = values[plan.input_rows] = np.random.default_rng(0).integers(
        0, 2**64, given[own.input_rows].shape, dtype=np.uint64
    )
    slow = best(lambda: lanes.evaluate(given, own.fanin, tables, own.groups))
    fast = best(lambda: network(values))
    assert np.array_equal(given[own.output_rows], values[plan.output_rows])
    return slow, fast, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.update({SWITCH: "0", "LUTSMITH_NUM_THREADS": "1"})
    table = Table("network", "one sample", "stream", "memory", "interpreter", "code", "times", "to make")
    results = []
    for name, circuit in circuits(arguments.models).items():
        one, (rate, memory), (slow, fast, making) = latency(circuit), stream(circuit), code(circuit)
        results.append(
            {
                "name": name, "luts": circuit.netlist.num_nodes, "one_sample_seconds": one, "samples_per_second": rate,
                "megabytes": memory, "interpreter_seconds": slow, "code_seconds": fast, "making_seconds": making,
            }
        )  # fmt: skip
        table.add_row(
            name, f"{one * 1e6:.1f} us", f"{rate / 1e6:.1f} M/s", f"{memory:.0f} MB", f"{slow * 1e6:.1f} us",
            f"{fast * 1e6:.1f} us", f"{slow / fast:.2f}", f"{making:.1f} s",
        )  # fmt: skip
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
