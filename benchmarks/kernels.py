"""Milliseconds of the training kernels at the shapes of the presets: forward, backward, look-up, encoder.

A second table sets the backward pass of learned connections with eight candidates a slot against that of fixed ones, in
time of the processor, at the same inputs, which need a gradient in both.

    python -m benchmarks.kernels [--turns 30] [--json FILE]

The inputs are bits, as an encoder gives them, or soft values, as a hidden layer does. Jobs take turns of four runs, of
which the last two count, so that a busy moment of the machine meets them all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.ops import Reads, encode, fold, lookup

BATCH = 128


class Shape(NamedTuple):
    """One layer."""

    luts: int
    rank: int
    features: int
    choices: int = 0  # candidates a slot; 0: fixed connections
    soft: bool = True  # inputs between 0 and 1 that need a gradient, else bits that need none


SHAPES = (
    Shape(8000, 2, 8000),
    Shape(4000, 4, 4000),
    Shape(4000, 4, 4000, choices=8),
    Shape(4000, 4, 2352, choices=8, soft=False),
    Shape(2000, 6, 2352, soft=False),
    Shape(1000, 6, 2000),
    *(Shape(2000, 6, 2352, choices=choices, soft=False) for choices in (8, 16, 32)),
)


# Layers that are timed with fixed and with learned connections.
COMPARED = (
    Shape(8000, 2, 8000),
    Shape(4000, 4, 4000),
    Shape(2000, 6, 2352),
    Shape(1000, 6, 2000),
)
CHOICES = 8


def problem(shape: Shape) -> tuple[Tensor, Tensor, Reads, Tensor]:
    """Random activations, tables, reads and gradient of a shape."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape.features, BATCH, generator=generator)
    x = x.requires_grad_() if shape.soft else x.round()
    tables = torch.rand(shape.luts, 1 << shape.rank, generator=generator, requires_grad=True)
    slots = shape.luts, shape.rank
    reads = Reads(torch.randint(shape.features, slots, generator=generator).int())
    if shape.choices:
        candidates = torch.randint(shape.features, (*slots, shape.choices), generator=generator).int()
        scores = torch.randn(*slots, shape.choices, generator=generator, requires_grad=True)
        reads = Reads(candidates[:, :, 0].contiguous(), None, candidates, scores)
    return x, tables, reads, torch.randn(shape.luts, BATCH, generator=generator)


def actions(shape: Shape) -> dict[str, Callable[[], Any]]:
    """What is timed at a shape."""
    x, tables, reads, grad = problem(shape)
    leaves = [tensor for tensor in (x, tables, reads.scores) if tensor is not None and tensor.requires_grad]
    soft, hard = fold(x, tables, reads), lookup(x, tables, reads)
    return {
        "fold": lambda: fold(x, tables, reads),
        "fold backward": lambda: torch.autograd.grad(soft, leaves, grad, retain_graph=True),
        "lookup": lambda: lookup(x, tables, reads),
        "lookup backward": lambda: torch.autograd.grad(hard, leaves, grad, retain_graph=True),
    }


def measure(jobs: dict[tuple[str, str, int], Callable[[], Any]], turns: int) -> dict[tuple[str, str, int], list[float]]:
    """Milliseconds of every job, in turns."""
    times: dict[tuple[str, str, int], list[float]] = {key: [] for key in jobs}
    for turn in range(turns + 3):
        for key, job in jobs.items():
            threads.set_num_threads(key[2])
            for repeat in range(4):
                start = time.perf_counter()
                job()
                if turn >= 3 and repeat >= 2:
                    times[key].append(1e3 * (time.perf_counter() - start))
    threads.set_num_threads(None)
    return times


def compare(turns: int) -> list[dict[str, Any]]:
    """Milliseconds of the processor in the backward pass, fixed and learned, one thread; the fastest of all turns."""
    threads.set_num_threads(1)
    rows = []
    for shape in COMPARED:
        jobs = {choices: actions(shape._replace(choices=choices)) for choices in (0, CHOICES)}
        for what in ("fold backward", "lookup backward"):
            times: dict[int, list[float]] = {choices: [] for choices in jobs}
            for _ in range(turns):
                for choices, repeat in product(jobs, range(3)):
                    start = time.thread_time()
                    jobs[choices][what]()
                    if repeat:  # the first one finds the other's rows in the caches
                        times[choices].append(1e3 * (time.thread_time() - start))
            fixed, learned = (min(found) for found in times.values())
            name = name_of(shape).removesuffix(", fixed")
            rows.append({"shape": name, "what": what, "fixed_ms": fixed, "learned_ms": learned})
    threads.set_num_threads(None)
    return rows


def name_of(shape: Shape) -> str:
    connections = f"{shape.choices} candidates" if shape.choices else "fixed"
    values = "soft values" if shape.soft else "bits"
    return f"rank {shape.rank}, {shape.luts} LUTs of {shape.features} {values}, {connections}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    counts = sorted({1, threads.get_num_threads()})
    pixels, thresholds = torch.randint(256, (BATCH, 784), dtype=torch.uint8), 255 * torch.rand(784, 3)
    jobs: dict[tuple[str, str, int], Callable[[], Any]] = {}
    for count in counts:
        for shape in SHAPES:
            jobs.update({(name_of(shape), what, count): job for what, job in actions(shape).items()})
        jobs["784 pixels, 3 bits", "encode", count] = lambda: encode(pixels, thresholds)
    times = measure(jobs, arguments.turns)

    table = Table("shape (batch 128)", "what", *(f"{count} threads: fastest / median ms" for count in counts))
    rows = []
    for shape, what in dict.fromkeys(key[:2] for key in jobs):
        cells = []
        for count in counts:
            found = times[shape, what, count]
            fastest, median = min(found), statistics.median(found)
            cells.append(f"{fastest:.3f} / {median:.3f}")
            rows.append({"shape": shape, "what": what, "threads": count, "fastest_ms": fastest, "median_ms": median})
        table.add_row(shape, what, *cells)
    Console(width=130).print(table)
    compared = compare(arguments.turns)
    table = Table("shape (batch 128, one thread)", "what", "fixed ms", f"{CHOICES} candidates ms", "ratio")
    for row in compared:
        fixed, learned = row["fixed_ms"], row["learned_ms"]
        table.add_row(row["shape"], row["what"], f"{fixed:.3f}", f"{learned:.3f}", f"{learned / fixed:.2f}")
    Console(width=130).print(table)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"batch": BATCH, "turns": arguments.turns, "rows": rows, "compared": compared}, indent=1)
        )


if __name__ == "__main__":
    main()
