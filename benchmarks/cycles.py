"""Machines: cycles of streams a second, by the engine and by the specification in plain NumPy.

    python -m benchmarks.cycles [--repeats N] [--json FILE]

    adder      a serial adder: 2 features, 2 LUTs, 1 register; 10,000 streams of 64 cycles, one byte a bit
    machine    64 comparators on 16 features, 4,000 LUT6 in 8 layers, 256 registers, 32 outputs; 4,096 streams

Each row is measured `--repeats` times in turn; median and best are given, on one thread and on all. The specification
runs once, on as many streams as it does in some seconds; its results are compared with the engine's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lutsmith.circuit import Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.cycles import evaluate_cycles
from lutsmith.circuit.engine.cycles import Machine
from lutsmith.circuit.engine.workers import num_threads

LAYERS, WIDTH, INPUTS, REGISTERS, OUTPUTS = 8, 500, 64, 256, 32


def adder() -> Netlist:
    builder = NetlistBuilder(2)
    carry = builder.register(1)
    total, following = builder.lut([[0, 1, carry[0]]] * 2, np.array([0x96, 0xE8], np.uint64))
    builder.connect(carry, [following])
    return builder.build([total])


def large() -> Netlist:
    rng, builder = np.random.default_rng(6), NetlistBuilder(INPUTS)
    state = builder.register(REGISTERS, rng.integers(0, 2, REGISTERS))
    layer = np.concatenate([np.arange(INPUTS), state])
    for _ in range(LAYERS):
        layer = builder.lut(rng.choice(layer, (WIDTH, 6)), rng.integers(0, 2, (WIDTH, 64)))
    builder.connect(state, layer[:REGISTERS])
    return builder.build(layer[-OUTPUTS:])


def cases() -> dict[str, tuple[Comparators, Netlist, NDArray[np.uint8], int]]:
    """Encoder, netlist, streams, and how many of these the specification runs."""
    rng = np.random.default_rng(0)
    wide = Comparators(np.repeat(np.arange(16), 4), rng.integers(0, 255, INPUTS) + 0.5, 16)
    return {
        "adder": (Comparators([0, 1], [0.5, 0.5], 2), adder(), rng.integers(0, 2, (10_000, 64, 2), np.uint8), 10_000),
        "machine": (wide, large(), rng.integers(0, 256, (4_096, 64, 16), np.uint8), 256),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    for name, (encoder, netlist, streams, few) in cases().items():
        machine, work = Machine(encoder, netlist), streams.shape[0] * streams.shape[1]
        expected = machine.run(streams, method="outputs")
        began = time.perf_counter()
        bits = encoder.encode(streams[:few].reshape(-1, streams.shape[2])).reshape(few, streams.shape[1], -1)
        said, _ = evaluate_cycles(netlist, bits)
        slow = few * streams.shape[1] / (time.perf_counter() - began)
        if not np.array_equal(said, expected[:few]):
            raise SystemExit(f"{name}: the engine says something else than the specification")
        seconds: dict[int, list[float]] = {threads: [] for threads in sorted({1, num_threads()})}
        for _ in range(arguments.repeats):
            for threads, taken in seconds.items():
                began = time.perf_counter()
                machine.run(streams, method="outputs", threads=threads)
                taken.append(time.perf_counter() - began)
        for threads, taken in seconds.items():
            median, best = work / statistics.median(taken), work / min(taken)
            results.append({"name": name, "threads": threads, "median": median, "best": best, "numpy": slow})
    table = Table("machine", "threads", "M cycles/s", "best", "NumPy", "times")
    for row in results:
        median, best, slow = (float(row[key]) / 1e6 for key in ("median", "best", "numpy"))
        cells = (
            str(row["name"]),
            str(row["threads"]),
            f"{median:,.2f}",
            f"{best:,.2f}",
            f"{slow:,.3f}",
            f"{median / slow:,.0f}",
        )
        table.add_row(*cells)
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
