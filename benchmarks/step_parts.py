"""Where the time of a training step goes, beside the bytes that it has to move.

    python -m benchmarks.step_parts [--rows NAME ...] [--threads N] [--json FILE]

Rows are those of `benchmarks.training_step`, fixed wiring, batch 128. `ms` of a part are those of its operations in
torch's profiler, which adds some microseconds to each. `MB` are counted: what has to be read and written once, had
every core a cache for all of a layer. Kernels read a row as often as LUTs read it, from caches. `at memory's rate` is
the time that `MB` take at the rate at which this machine copies 256 MB, read and written. Five layers of 8,000 LUTs are
larger than most caches: their steps cannot be quicker unless layers are computed again, or several at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import profile

from benchmarks.training_step import BATCH, Row, ours, stepper
from lutsmith.kernels import threads

ROWS = (
    Row("raw", 2, 784, (8000,) * 5),
    Row("raw", 2, 784, (64000,) * 5),
    Row("raw", 2, 784, (64000,) * 6),
    Row("light", 2, 784, (8000,) * 5),
    Row("warp", 2, 784, (8000,) * 5),
    Row("warp", 4, 784, (4000,) * 2),
    Row("light", 6, 2352, (2000, 1000)),
    Row("raw", 2, 64, (20,) * 5),  # what Python and torch take, whatever the size
    Row("warp", 4, 64, (20,) * 2),
)
PARTS = ("LUTs forward", "LUTs backward", "tables of weights", "head and loss", "Adam", "all else")
STEPS = 40


def part_of(name: str) -> str:
    """The part of a step that an operation belongs to."""
    if name.startswith("fold") and "backward" in name.lower():
        return "LUTs backward"
    if name.startswith("fold"):
        return "LUTs forward"
    if name.startswith(("gates", "logistic", "aten::sigmoid", "aten::mm", "aten::matmul", "aten::mul", "aten::div")):
        return "tables of weights"
    if name.startswith(("group_sums", "aten::_log_softmax", "aten::nll_loss", "aten::log_softmax", "aten::sum")):
        return "head and loss"
    return "Adam" if "adam" in name.lower() else "all else"


def bytes_of(row: Row) -> dict[str, float]:
    """Bytes of each part that have to move."""
    number, wide, found = 4, row.inputs, dict.fromkeys(PARTS, 0.0)
    entries, weights = 1 << row.rank, 16 if row.parametrization == "raw" else 1 << row.rank
    for place, width in enumerate(row.widths):
        tables, wires = width * entries, width * row.rank
        found["LUTs forward"] += number * (BATCH * (wide + width) + tables + wires)
        slopes = BATCH * wide if place else 0  # nobody asks for the gradient of the samples
        found["LUTs backward"] += number * (BATCH * (wide + width) + slopes + 2 * tables + wires)
        found["tables of weights"] += number * (3 * width * weights + 2 * tables)
        found["Adam"] += number * 7 * width * weights
        wide = width
    found["head and loss"] = number * 2 * BATCH * wide
    return found


def memory_rate() -> float:
    """Bytes a second that are read and written by copying 256 MB."""
    a = torch.ones(1 << 26)
    b, seconds = torch.empty_like(a), []
    for _ in range(7):
        began = time.perf_counter()
        b.copy_(a)
        seconds.append(time.perf_counter() - began)
    return 2 * a.nbytes / statistics.median(seconds)


def measured(row: Row) -> dict[str, float]:
    """Seconds of each part of a step; `whole` without the profiler."""
    step = stepper(ours(row), row.inputs, features_first=True)
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    found = dict.fromkeys(PARTS, 0.0)
    with profile() as profiler:
        for _ in range(STEPS):
            step()
    for event in profiler.key_averages():
        found[part_of(event.key)] += event.self_cpu_time_total / STEPS / 1e6
    return {"whole": statistics.median(times), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", nargs="*", choices=names, default=names, metavar="NAME")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.threads:
        threads.set_num_threads(given.threads)
        torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    far = memory_rate()
    console, results = Console(), []
    console.print(f"memory: {far / 1e9:.0f} GB/s, read and written")
    for row in ROWS:
        if row.name not in given.rows:
            continue
        found, moved = measured(row), bytes_of(row)
        table = Table(f"{row.name}: {1e3 * found['whole']:.1f} ms", "ms", "MB", "at memory's rate")
        for part in (*PARTS, "together"):
            chosen = PARTS if part == "together" else (part,)
            seconds, size = sum(found[each] for each in chosen), sum(moved[each] for each in chosen)
            table.add_row(part, f"{1e3 * seconds:.2f}", f"{size / 1e6:.1f}", f"{1e3 * size / far:.2f}")
        console.print(table)
        results.append({"row": row.name, "seconds": found, "bytes": moved, "memory": far})
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
