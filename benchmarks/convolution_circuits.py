"""Circuits of convolutional presets: lowering, proof, predictions a second from raw pixels, and exports.

    python -m benchmarks.convolution_circuits [--presets NAME ...] [--samples N] [--repeats N] [--json FILE]
    python -m benchmarks.convolution_circuits --exports [--presets NAME ...]

Networks are untrained, with random tables; images are random bytes. `predict` is what `Circuit.predict` runs, without
compiled code (`interpreted`) and with it (`compiled`; `-` where the engine makes none), on all of `--samples` images by
one and by two threads; the best of `--repeats`, by the clock of the wall, and on one thread by that of the processor.
`by levels` is the interpreter without bands (`circuit/engine/bands.py`). `values` is the memory of a block of 1,024
samples; by levels; and with pools evaluated apart from what they read. `--exports` writes each format
of the whole circuit in a process of its own: seconds of the processor, the most memory that the process had (the
circuit and Python included), and the megabytes of the files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.engine import made
from lutsmith import presets
from lutsmith.circuit import Circuit
from lutsmith.circuit.engine import bands, machine_code
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.plan import EnginePlan
from lutsmith.export.errors import ExportError
from lutsmith.export.registry import FORMATS
from lutsmith.kernels.engine import lanes
from lutsmith.nn import Architecture, build, prove_lowering, to_circuit

PRESETS = ("conv-mnist-60k", "conv-cifar-130k", "conv-cifar-270k", "logictreenet-mnist-s", "logictreenet-cifar-10-s")
SHAPES = {"mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar-10": (3, 32, 32)}


def random_model(name: str) -> tuple[torch.nn.Module, tuple[int, ...]]:
    """A preset's network with random tables, and the shape of its images."""
    preset = presets.get(name)
    shape = SHAPES[preset.task]
    images = np.random.default_rng(0).integers(0, 256, (1000, *shape), dtype=np.uint8)
    model = build(Architecture.from_json(preset.architecture), images, 10)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
    return model.eval(), shape


@contextlib.contextmanager
def by_levels() -> Iterator[None]:
    """Plans without bands."""
    before, bands.WORTH = bands.WORTH, 0.0
    try:
        yield
    finally:
        bands.WORTH = before


def fastest(run: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    seconds = []
    for _ in range(repeats):
        start = clock()
        run()
        seconds.append(clock() - start)
    return min(seconds)


def measured(name: str, samples: int, repeats: int) -> dict[str, Any]:
    """One preset's row."""
    model, shape = random_model(name)
    start = time.perf_counter()
    circuit = to_circuit(model, shape)
    lowering = time.perf_counter() - start
    proof = prove_lowering(model, circuit)
    assert proof.ok, str(proof)
    together = EnginePlan(circuit.netlist, fixed=True)
    apart = EnginePlan(circuit.netlist, fixed=True, pools=False)
    with by_levels():
        levels = EnginePlan(circuit.netlist, fixed=True)
        engine_by_levels = Blocks(circuit.inputs, circuit.netlist, circuit.head)
    images = np.random.default_rng(1).integers(0, 256, (samples, int(np.prod(shape))), dtype=np.uint8)
    ways = {"by_levels": engine_by_levels, "interpreted": Blocks(circuit.inputs, circuit.netlist, circuit.head)}
    making = math.inf
    if machine_code.making(circuit.netlist) < math.inf:
        code, making = made(circuit.netlist)
        plan = code.plan()
        ways["compiled"] = Blocks(circuit.inputs, code.netlist, circuit.head, coded=(plan, code.load(plan)))
    row: dict[str, Any] = {
        "preset": name, "luts": circuit.netlist.num_nodes, "lowering_seconds": lowering, "proof_seconds": proof.seconds,
        "values_megabytes": together.num_rows * lanes.ROW_BYTES / 1e6,
        "values_by_levels_megabytes": levels.num_rows * lanes.ROW_BYTES / 1e6,
        "values_apart_megabytes": apart.num_rows * lanes.ROW_BYTES / 1e6, "making_seconds": making,
    }  # fmt: skip
    labels = [engine.predict(images) for engine in ways.values()]
    assert all(np.array_equal(labels[0], others) for others in labels[1:])
    for way, engine in ways.items():
        for threads in (1, 2):
            seconds = fastest(lambda: engine.predict(images, threads=threads), repeats, time.perf_counter)  # noqa: B023
            row[f"{way}_{threads}"] = samples / seconds
        seconds = fastest(lambda: engine.predict(images, threads=1), repeats, time.process_time)  # noqa: B023
        row[f"{way}_processor"] = samples / seconds
    return row


def export(circuit: Circuit, format_name: str, ends: Connection) -> None:
    """Write one format, and tell seconds, memory and size, or why it does not take the circuit."""
    start = time.process_time()
    try:
        files = FORMATS[format_name].files(circuit)
    except (ExportError, ValueError) as error:
        ends.send({"refused": str(error)})
        return
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends.send({"seconds": seconds, "memory": memory * 1024 / 1e6, "megabytes": sum(map(len, files.values())) / 1e6})


def exported(circuit: Circuit, format_name: str) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=export, args=(circuit, format_name, theirs))
    process.start()
    theirs.close()
    try:
        found: dict[str, Any] = ours.recv()
    except EOFError:
        found = {"refused": "it ended before it was done: out of memory?"}
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--samples", type=int, default=32_768)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--exports", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    if arguments.exports:
        table = Table("preset", "format", "seconds", "memory MB", "size MB")
        for name in arguments.presets:
            model, shape = random_model(name)
            circuit = to_circuit(model, shape)
            for format_name in FORMATS:
                found = exported(circuit, format_name)
                results.append({"preset": name, "format": format_name, **found})
                said = found.get("refused") or f"{found['seconds']:.1f}"
                rest = [] if "refused" in found else [f"{found['memory']:.0f}", f"{found['megabytes']:.1f}"]
                table.add_row(name, format_name, said, *rest)
    else:
        table = Table(
            "preset",
            "LUTs",
            "lowering s",
            "proof s",
            "values MB",
            "making s",
            "by levels k/s",
            "interpreted k/s",
            "compiled k/s",
        )
        for name in arguments.presets:
            row = measured(name, arguments.samples, arguments.repeats)
            results.append(row)
            rates = [
                f"{row[f'{way}_1'] / 1e3:,.0f} and {row[f'{way}_2'] / 1e3:,.0f} ({row[f'{way}_processor'] / 1e3:,.0f})"
                if f"{way}_1" in row
                else "-"
                for way in ("by_levels", "interpreted", "compiled")
            ]
            table.add_row(
                name, f"{row['luts']:,}", f"{row['lowering_seconds']:.2f}", f"{row['proof_seconds']:.2f}",
                f"{row['values_megabytes']:.1f}; {row['values_by_levels_megabytes']:.1f}; "
                f"{row['values_apart_megabytes']:.1f}",
                f"{row['making_seconds']:.1f}" if "compiled_1" in row else "-",
                *rates,
            )  # fmt: skip
    Console(width=170).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
