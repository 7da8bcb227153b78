"""The engine in stages: one changed table, and every node's rows, on samples that are packed once. One thread.

    python -m benchmarks.stages [--samples N] [--changes N] [--repeats N] [--json FILE]

The circuit: some 4,500 thresholds on 784 features, 2,000 + 2,000 random LUT6, popcounts of 10 classes. Samples are
random bytes. Times are those that the thread had the core for, so that what others do on it counts little; medians are
of one run, whose rows are measured in turn.

    changes   a random node gets a random table: its cone is run, the changed outputs are named and the popcounts of all
              samples follow; then it is taken back, and the same with one bit of the table. By the nodes of the cone,
              which are those that a change of the node may reach.
    rows      every node's row of all samples, beside `predict` of the same rows, by the interpreter and by machine code
    look      what data show of a netlist (`circuit.simplify.care`), which reads the same rows
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.engine import made, random_model
from lutsmith.circuit import Circuit, Netlist
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples, Stages
from lutsmith.circuit.simplify.care import look

CLASSES = 10


def cone_sizes(netlist: Netlist) -> np.ndarray:
    """int64 (nodes,), how many nodes depend on each, itself included."""
    first = netlist.num_inputs + netlist.num_registers
    readers: list[list[int]] = [[] for _ in range(netlist.num_nodes)]
    for node in range(netlist.num_nodes):
        for signal in netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]].tolist():
            if signal >= first:
                readers[signal - first].append(node)
    cones: list[set[int]] = [set() for _ in readers]
    for node in reversed(range(netlist.num_nodes)):
        cones[node] = {node}.union(*(cones[reader] for reader in readers[node]))
    return np.array([len(cone) for cone in cones])


def changes(evaluation: PackedEvaluation, netlist: Netlist, number: int) -> list[dict[str, object]]:
    """Times of changes, in microseconds, by what is changed and by the size of the cone."""
    rng, sizes = np.random.default_rng(0), cone_sizes(netlist)
    nodes = rng.integers(0, netlist.num_nodes, number)
    tables, words = rng.integers(0, 2**64, number, dtype=np.uint64), netlist.tables()
    bits = words[nodes] ^ (np.uint64(1) << rng.integers(0, 64, number).astype(np.uint64))
    evaluation.counts(CLASSES)
    evaluation.change(0, 0)
    evaluation.undo()  # compiled
    seconds = np.empty((4, number))
    changed = np.empty((2, number))
    for index, node in enumerate(nodes.tolist()):
        for kind, given in enumerate((tables[index], bits[index])):
            start = time.thread_time()
            changed[kind, index] = evaluation.change(node, given).outputs.size
            between = time.thread_time()
            evaluation.undo()
            seconds[2 * kind : 2 * kind + 2, index] = between - start, time.thread_time() - between
    bounds = [(1, 1), (2, 4), (5, 8), (9, 16), (17, int(sizes.max())), (1, int(sizes.max()))]
    return [
        {
            "what": what,
            "cone": f"{low} to {high}" if low < high else str(low),
            "nodes": int(chosen.sum()),
            "outputs": float(changed[kind // 2][chosen].mean()),
            **{name: float(np.quantile(seconds[kind][chosen], q)) * 1e6 for name, q in QUANTILES.items()},
        }
        for kind, what in enumerate(("another table", "taken back", "one bit of a table", "taken back"))
        for low, high in bounds
        if (chosen := (sizes[nodes] >= low) & (sizes[nodes] <= high)).any()
    ]


QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def rows(circuit: Circuit, images: np.ndarray, repeats: int) -> list[dict[str, object]]:
    """Times of whole runs, in milliseconds, in turn; ratios are medians of the ratios of one turn."""
    stages = Stages(circuit.encoder, circuit.netlist)
    samples = stages.pack(images, threads=1)
    code, _ = made(circuit.netlist)
    interpreter = Blocks(circuit.inputs, circuit.netlist, circuit.head)
    coded = Blocks(circuit.inputs, code.netlist, circuit.head, coded=(plan := code.plan(), code.load(plan)))

    def evaluate(given: PackedSamples) -> None:
        stages.evaluate(given, threads=1).node_rows()

    runs: dict[str, Callable[[], object]] = {
        "predict, by the interpreter": lambda: interpreter.predict(images, threads=1),
        "predict, by machine code": lambda: coded.predict(images, threads=1),
        "every node's rows, of raw samples": lambda: stages.node_rows(images, threads=1),
        "pack, and every signal's rows kept": lambda: evaluate(stages.pack(images, threads=1)),
        "pack": lambda: stages.pack(images, threads=1),
        "every node's rows, of packed samples": lambda: evaluate(samples),
        "look": lambda: look(circuit.encoder, circuit.netlist, images),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            start = time.thread_time()
            run()
            if turn:  # compiled by now
                seconds[name].append(time.thread_time() - start)

    def ratio(name: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[name], seconds[other], strict=True))

    predictions = list(runs)[:2]
    return [
        {
            "what": name,
            "ms": statistics.median(seconds[name]) * 1e3,
            "interpreter": ratio(name, predictions[0]),
            "code": ratio(name, predictions[1]),
        }
        for name in runs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    circuit = random_model()
    images = np.random.default_rng(0).integers(0, 256, (arguments.samples, 784), dtype=np.uint8)
    whole = rows(circuit, images, arguments.repeats)
    stages = Stages(circuit.encoder, circuit.netlist)
    samples = stages.pack(images)
    evaluation = stages.evaluate(samples)
    changed = changes(evaluation, circuit.netlist, arguments.changes)

    title = (
        f"{circuit!r}, {arguments.samples:,} samples, one thread; {samples!r}, rows {evaluation.nbytes / 1e6:.1f} MB"
    )
    console = Console(width=140)
    table = Table("what", "median ms", "to predict, interpreted", "to predict, by code", title=title)
    for row in whole:
        table.add_row(str(row["what"]), *(f"{row[key]:.2f}" for key in ("ms", "interpreter", "code")))
    console.print(table)
    table = Table("one node", "nodes of its cone", "changes", "outputs changed", *(f"{name} us" for name in QUANTILES))
    for row in changed:
        numbers = (f"{row['outputs']:.1f}", *(f"{row[name]:.0f}" for name in QUANTILES))
        table.add_row(str(row["what"]), str(row["cone"]), str(row["nodes"]), *numbers)
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": whole, "changes": changed}, indent=2) + "\n")


if __name__ == "__main__":
    main()
