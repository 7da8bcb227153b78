"""Bit planes as words and as XORs of comparators: what an encoder costs, and samples a second.

    python -m benchmarks.bit_planes [--luts N] [--images N] [--repeats N] [--json FILE]

A network of `--luts` random LUT6 on the 8 bit planes of 784 pixels, ten classes, lowered twice: with the bits of the
pixels as inputs, as `Binary` lowers them, and with the XORs of comparators that any other code is lowered to. Both say
the same of all images. Told are the encoder's LUTs and comparators with all of its bits and with those that the network
reads, the size of the model file, and `predict` on random images of bytes and of float32, one thread and all, in turn
`--repeats` times over; the median counts. Machine code is not used, and the part of packing alone is told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.blocks import BLOCK, Blocks
from lutsmith.circuit.engine.packing import Packing
from lutsmith.circuit.engine.plan import aligned
from lutsmith.circuit.engine.workers import num_threads
from lutsmith.circuit.file import to_bytes
from lutsmith.nn import Binary, GroupSum, LogicDense, to_circuit
from lutsmith.nn.encoders.codes import CodeEncoder

PIXELS, BITS = 784, 8


class Compared(Binary):
    """The same bits, as any code is lowered."""

    _lower = CodeEncoder._lower  # type: ignore[assignment]


def circuits(luts: int) -> dict[str, tuple[Circuit, Circuit]]:
    """The encoder alone, and the network, both ways."""
    generator = torch.Generator().manual_seed(0)
    layer = LogicDense(PIXELS * BITS, luts, 6, weight_init="random", generator=generator)
    found = {}
    for name, kind in (("comparators", Compared), ("words", Binary)):
        encoder = kind(BITS).fit(np.zeros((1, PIXELS), np.uint8))
        model = nn.Sequential(encoder, layer, GroupSum(10)).eval()
        found[name] = to_circuit(encoder, (PIXELS,)), to_circuit(model, (PIXELS,))
    return found


def packing(circuit: Circuit, rows: np.ndarray) -> Callable[[], object]:
    """Packing blocks of rows, and nothing else, on one thread."""
    pack = Packing(circuit.inputs, 0)
    values, scratch = aligned((len(circuit.inputs), BLOCK // 64), np.uint64), pack.scratch()

    def run() -> None:
        for start in range(0, len(rows) // BLOCK * BLOCK, BLOCK):
            pack.pack(rows[start : start + BLOCK], values, scratch)

    return run


def measure(luts: int, images: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each way and kind of image."""
    ways = circuits(luts)
    pixels = np.random.default_rng(0).integers(0, 256, (images, PIXELS), dtype=np.uint8)
    said = [circuit.decision_function(pixels[:4096]) for _, circuit in ways.values()]
    assert np.array_equal(*said), "both ways have to say the same"
    runs: dict[tuple[str, str, str], Callable[[], object]] = {}
    for name, (_, circuit) in ways.items():
        blocks = Blocks(circuit.inputs, circuit.netlist, circuit.head)  # type: ignore[arg-type]
        for kind, rows in (("uint8", pixels), ("float32", pixels.astype(np.float32))):
            for threads in sorted({1, num_threads()}):
                runs[name, kind, f"predict, threads: {threads}"] = lambda blocks=blocks, rows=rows, threads=threads: (
                    blocks.predict(rows, threads=threads)
                )
            runs[name, kind, "packing, threads: 1"] = packing(circuit, rows)
    seconds: dict[Any, list[float]] = {key: [] for key in runs}
    for each in runs.values():
        each()
    for _ in range(repeats):
        for key, each in runs.items():
            start = time.perf_counter()
            each()
            seconds[key].append(time.perf_counter() - start)
    rows_: list[dict[str, Any]] = []
    for name, (encoder, circuit) in ways.items():
        rows_.append({
            "inputs": name,
            "LUTs of the encoder": encoder.netlist.num_nodes,
            "comparators": len(encoder.encoder),
            "LUTs of the network": circuit.netlist.num_nodes,
            "comparators that it reads": len(circuit.encoder),
            "bytes of the file": len(to_bytes(circuit)),
            **{
                f"{what}, {kind}": round(images / statistics.median(seconds[own, kind, what]))
                for own, kind, what in runs
                if own == name
            },
        })  # fmt: skip
    return rows_


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--luts", type=int, default=2000)
    parser.add_argument("--images", type=int, default=16384)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = measure(arguments.luts, arguments.images, arguments.repeats)
    for key in rows[0]:
        print(f"{key:<34}", *(f"{row[key]:>14,}" if key != "inputs" else f"{row[key]:>14}" for row in rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
