"""The inference engine: LUT evaluations a second on one core, and images a second from raw pixels on all.

    python -m benchmarks.engine [--model FILE.lut] [--images N] [--repeats N] [--json FILE]

Network only: 5 layers of 8,000 random LUTs, each wired to the layer before, blocks of 1,024 samples on one thread; each
measurement evaluates the same net on ten blocks in a row. From raw pixels: `predict` on uint8 images, encoding and
argmax included, of a model file or else of a random net with some 4,500 thresholds on 784 pixels and 2,000 + 2,000
LUTs of rank 6. The rows are measured in turn, `--repeats` times over; the median and the best are given.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, NetlistBuilder
from lutsmith.circuit.blocks import Blocks
from lutsmith.circuit.plan import Plan
from lutsmith.circuit.workers import num_threads
from lutsmith.kernels import lanes

LAYERS, WIDTH, BLOCKS = 5, 8000, 10


@dataclass
class Row:
    """What is done `work` times in one call of `run`."""

    name: str
    unit: str
    work: float
    run: Callable[[], object]
    seconds: list[float] = field(default_factory=list)

    def result(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.work / statistics.median(self.seconds),
            "best": self.work / min(self.seconds),
            "seconds": statistics.median(self.seconds),
        }


def network(rank: int) -> Row:
    rng, builder = np.random.default_rng(rank), NetlistBuilder(WIDTH)
    layer = np.arange(WIDTH)
    for _ in range(LAYERS):
        layer = builder.lut(rng.choice(layer, (WIDTH, rank)), rng.integers(0, 2, (WIDTH, 1 << rank)))
    plan = Plan(builder.build(layer))
    values, tables = plan.values(), plan.tables()

    def run() -> None:
        for _ in range(BLOCKS):
            lanes.evaluate(values, plan.fanin, tables, plan.groups)

    name = f"network, {LAYERS} x {WIDTH:,} random LUT{rank}, one core"
    return Row(name, "G evaluations/s", LAYERS * WIDTH * lanes.BLOCK * BLOCKS / 1e9, run)


def random_model() -> Circuit:
    rng, builder = np.random.default_rng(0), CircuitBuilder((28, 28))
    bits = builder.compare(rng.choice(builder.features.reshape(-1), 5000), np.float32(rng.uniform(0, 255, 5000)))
    for _ in range(2):
        bits = builder.lut(rng.choice(bits, (2000, 6)), rng.integers(0, 2, (2000, 64)))
    builder.popcount(bits, 10)
    return builder.build()


def pixels(circuit: Circuit, images: np.ndarray, name: str, threads: int) -> Row:
    engine = Blocks(circuit.encoder, circuit.netlist, circuit.head)
    cores = "one core" if threads == 1 else f"{threads} cores"
    return Row(
        f"predict, {name}, {cores}", "M images/s", len(images) / 1e6, lambda: engine.predict(images, threads=threads)
    )


def single(circuit: Circuit, images: np.ndarray, name: str) -> Row:
    circuit.predict(images[:10].reshape(10, *circuit.input_shape))  # more than a few: compiled code is loaded
    one = images[:1].reshape(1, *circuit.input_shape)
    return Row(f"predict, {name}, one image", "k images/s", 1e-3, lambda: circuit.predict(one))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    circuit = random_model() if arguments.model is None else lutsmith.load(arguments.model)
    name = "random net" if arguments.model is None else arguments.model.parent.name
    features = circuit.encoder.num_features
    images = np.random.default_rng(0).integers(0, 256, (arguments.images, features), dtype=np.uint8)
    rows = [network(rank) for rank in (6, 4, 2)]
    rows += [pixels(circuit, images, name, threads) for threads in sorted({1, num_threads()})]
    rows.append(single(circuit, images, name))
    for row in rows:
        row.run()  # compiled, and in the cache
    for _ in range(arguments.repeats):
        for row in rows:
            row.run()
            start = time.perf_counter()
            row.run()
            row.seconds.append(time.perf_counter() - start)

    table = Table("what", "median", "best", "unit", title=f"{circuit!r}", title_justify="left")
    results = [row.result() for row in rows]
    for result in results:
        table.add_row(str(result["name"]), f"{result['median']:.2f}", f"{result['best']:.2f}", str(result["unit"]))
    Console(width=110).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"threads": num_threads(), "rows": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
