"""The inference engine: LUT evaluations a second, and samples a second from raw numbers.

    python -m benchmarks.engine [--model FILE.lut] [--images N] [--repeats N] [--json FILE]

    network       5 layers of 8,000 random LUTs, each wired to the layer before; blocks of 1,024 samples, one thread
    gates         6 layers of 8,000 random gates of two inputs on 784 bits (all 16 functions), as they are and after
                  `simplify_netlist`, with cones of up to 3 and up to 6 inputs; one thread
    code          the LUT6 network, and `predict`, by machine code (`engine.machine_code`); its making is timed too
    large         447,816 random LUT6 in layers of 262,144 to 8 on 6,272 bits: 4,096 samples, and one sample
    predict       uint8 images to labels, of a model file or else of a random net with some 4,500 thresholds on 784
                  pixels and 2,000 + 2,000 LUT6; one thread, all threads, and one image
    encode, network, head: the parts of `predict` on one block of 1,024 images, one thread

The rows are measured in turn, `--repeats` times over; median and best are given. Rates count all LUTs of a netlist,
also those that the engine leaves out: no output depends on them, or they are constants or buffers. `network` is
evaluated as for any tables, the others as for fixed ones; all but `code` by the interpreter. The last column says what
a block takes: the LUTs that are evaluated, the rows of bits that they read and write (128 bytes each), and operations
on 512 bits, at the least.
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
from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.engine import machine_code
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.machine_code import Code
from lutsmith.circuit.engine.plan import EnginePlan, aligned
from lutsmith.circuit.engine.thresholds import Thresholds
from lutsmith.circuit.engine.workers import num_threads
from lutsmith.circuit.simplify import simplify_netlist
from lutsmith.kernels.engine import bits, lanes

LAYERS, WIDTH, PASSES = 5, 8000, 10
LARGE = (262144, 131072, 32768, 16384, 4096, 1024, 256, 64, 8)
OPERATIONS = {0: 0, 1: 1, 2: 1, 3: 1, 4: 15, 5: 31, 6: 38}
"""Vector operations of a LUT on 512 samples, ternary logic counted as one; its functions known up to rank 3."""


@dataclass
class Row:
    """What is done `work` times in one call of `run`."""

    name: str
    unit: str
    work: float
    run: Callable[[], object]
    note: str = ""
    seconds: list[float] = field(default_factory=list)

    def result(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.work / statistics.median(self.seconds),
            "best": self.work / min(self.seconds),
            "seconds": statistics.median(self.seconds),
            "note": self.note,
        }


def random_netlist(inputs: int, layers: tuple[int, ...], rank: int) -> Netlist:
    rng, builder = np.random.default_rng(rank), NetlistBuilder(inputs)
    layer = np.arange(inputs, dtype=np.int32)
    for width in layers:
        layer = builder.lut(rng.choice(layer, (width, rank)), rng.integers(0, 2, (width, 1 << rank)))
    return builder.build(layer)


def traffic(plan: EnginePlan, netlist: Netlist) -> str:
    """What one pass of 1,024 samples moves and does."""
    ranks = netlist.ranks[plan.luts]
    moved = lanes.ROW_BYTES * (ranks.sum() + plan.order.size)
    operations = 2 * sum(OPERATIONS[rank] * int((ranks == rank).sum()) for rank in range(7))
    return f"{ranks.size:,} LUTs: {moved / 1e6:.2f} MB, {operations / 1e3:,.0f} k operations"


def network(name: str, unit: str, work: float, netlist: Netlist, fixed: bool) -> Row:
    plan = EnginePlan(netlist, fixed)
    values, tables = plan.values(), plan.tables()

    def run() -> None:
        for _ in range(PASSES):
            lanes.evaluate(values, plan.fanin, tables, plan.groups)

    return Row(name, unit, work * lanes.BLOCK * PASSES, run, traffic(plan, netlist))


def layers(rank: int) -> Row:
    netlist = random_netlist(WIDTH, (WIDTH,) * LAYERS, rank)
    name = f"network, {LAYERS} x {WIDTH:,} random LUT{rank}, one core"
    return network(name, "G evaluations/s", netlist.num_nodes / 1e9, netlist, fixed=False)


def coded_layers(rank: int) -> Row:
    netlist = random_netlist(WIDTH, (WIDTH,) * LAYERS, rank)
    code, making = made(netlist)
    plan = code.plan()
    network = code.load(plan)
    values = plan.values()

    def run() -> None:
        for _ in range(PASSES):
            network(values)

    name = f"code, {LAYERS} x {WIDTH:,} random LUT{rank}, one core"
    work = netlist.num_nodes / 1e9 * lanes.BLOCK * PASSES
    return Row(name, "G evaluations/s", work, run, f"made in {making:.1f} s, rows of {values.nbytes / 1e6:.2f} MB")


def made(netlist: Netlist) -> tuple[Code, float]:
    """Machine code, and the seconds that it took, the start of the processes that make it included."""
    start = time.perf_counter()
    data = machine_code.made(netlist)
    assert data is not None, "machine code could not be made"
    return Code.from_bytes(data), time.perf_counter() - start


def gates() -> list[Row]:
    netlist = random_netlist(784, (WIDTH,) * 6, 2)
    nets = [("as they are", netlist), ("simplified, level 1", simplify_netlist(netlist, 1)[0])]
    nets += [(f"simplified, rank {rank}", simplify_netlist(netlist, 2, rank=rank)[0]) for rank in (3, 6)]
    return [
        network(f"gates, 6 x {WIDTH:,}, {name}, one core", "M samples/s", 1e-6, net, fixed=True) for name, net in nets
    ]


def large() -> list[Row]:
    netlist = random_netlist(6272, LARGE, 6)
    inputs = np.arange(netlist.num_inputs, dtype=np.int32)
    engine = Blocks(Comparators(inputs, np.full(inputs.size, 0.5, np.float32), inputs.size), netlist)
    samples = np.random.default_rng(0).integers(0, 2, (4096, inputs.size), dtype=np.uint8)
    work, threads = netlist.num_nodes * len(samples) / 1e9, num_threads()
    name = f"large, {netlist.num_nodes:,} LUT6"
    rows = [
        Row(
            f"{name}, 4,096 samples, threads: {count}",
            "G evaluations/s",
            work,
            lambda count=count: engine.outputs(samples, threads=count),  # type: ignore[misc]
        )
        for count in sorted({1, threads})
    ]
    one = samples[:1]
    return [*rows, Row(f"{name}, one sample", "k samples/s", 1e-3, lambda: engine.outputs(one))]


def random_model() -> Circuit:
    rng, builder = np.random.default_rng(0), CircuitBuilder((28, 28))
    compared = builder.compare(rng.choice(builder.features.reshape(-1), 5000), np.float32(rng.uniform(0, 255, 5000)))
    for _ in range(2):
        compared = builder.lut(rng.choice(compared, (2000, 6)), rng.integers(0, 2, (2000, 64)))
    builder.popcount(compared, 10)
    return builder.build()


def pixels(circuit: Circuit, images: np.ndarray, name: str) -> list[Row]:
    code, making = made(circuit.netlist)
    engines = [
        (f"predict, {name}", Blocks(circuit.inputs, circuit.netlist, circuit.head), ""),
        (
            f"predict by code, {name}",
            Blocks(circuit.inputs, code.netlist, circuit.head, coded=(plan := code.plan(), code.load(plan))),
            f"made in {making:.1f} s",
        ),
    ]
    return [
        Row(
            f"{what}, {'one core' if threads == 1 else f'{threads} cores'}",
            "M images/s",
            len(images) / 1e6,
            lambda engine=engine, threads=threads: engine.predict(images, threads=threads),  # type: ignore[misc]
            note,
        )
        for what, engine, note in engines
        for threads in sorted({1, num_threads()})
    ]


def parts(circuit: Circuit, images: np.ndarray) -> list[Row]:
    """Encode, network and head of a plain head's circuit, each on all blocks one after the other."""
    head = circuit.head
    if head is None:
        return []
    plan = EnginePlan(circuit.netlist, fixed=True)
    values, tables = plan.values(), plan.tables()
    inputs = np.arange(plan.input_rows.start, plan.input_rows.stop) * lanes.ROW_BYTES
    thresholds = Thresholds(circuit.encoder, inputs.astype(np.uint32))
    scratch = thresholds.scratch()
    counter = aligned((bits.COUNTER_ROWS, bits.WORDS), np.uint64)
    totals = aligned((2, bits.BLOCK), np.int32)
    outputs = (plan.output_rows * lanes.ROW_BYTES).reshape(head.num_groups, -1)
    groups = np.zeros((len(outputs), -(-outputs.shape[1] // 8) * 8), np.uint32)
    groups[:, : outputs.shape[1]] = outputs
    labels, nothing = np.empty(bits.BLOCK, np.int64), np.empty((0, len(outputs)), np.int32)
    blocks = range(0, len(images) // bits.BLOCK * bits.BLOCK, bits.BLOCK)
    count = len(blocks) * bits.BLOCK / 1e6

    def encode() -> None:
        for start in blocks:
            thresholds.pack(images[start : start + bits.BLOCK], values, scratch)

    def evaluate() -> None:
        for _ in blocks:
            lanes.evaluate(values, plan.fanin, tables, plan.groups)

    def decide() -> None:
        for _ in blocks:
            bits.count(values, groups, counter, totals, labels, nothing)

    read, compared = images.shape[1] * bits.BLOCK / 1e6, len(circuit.encoder)
    return [
        Row(
            "encode, one core", "M images/s", count, encode, f"{read:.2f} MB read, {compared * 16:,} comparisons of 64"
        ),
        Row("network, one core", "M images/s", count, evaluate, traffic(plan, circuit.netlist)),
        Row("head, one core", "M images/s", count, decide, f"{groups.size * lanes.ROW_BYTES / 1e6:.2f} MB"),
    ]


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
    rows = [layers(rank) for rank in (6, 4, 2)] + [coded_layers(6)] + gates() + large()
    rows += [*pixels(circuit, images, name), *parts(circuit, images), single(circuit, images, name)]
    for row in rows:
        row.run()  # compiled, and in the cache
    for _ in range(arguments.repeats):
        for row in rows:
            row.run()
            start = time.perf_counter()
            row.run()
            row.seconds.append(time.perf_counter() - start)

    table = Table("what", "median", "best", "unit", "a block", title=f"{circuit!r}", title_justify="left")
    results = [row.result() for row in rows]
    for result in results:
        rates = (f"{result['median']:.2f}", f"{result['best']:.2f}")
        table.add_row(str(result["name"]), *rates, str(result["unit"]), str(result["note"]))
    Console(width=160).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"threads": num_threads(), "rows": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
