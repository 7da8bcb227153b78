"""One training step with activations of float32 and of bfloat16 (`precision="bf16-mixed"`), in turn.

    python -m benchmarks.mixed_precision [--rows NAME ...] [--turns 60] [--json FILE]

Two threads of the kernels, or as many as there are cores; torch has one, as in training. Times are medians, the ratio
is that of the two medians. MB is what one step keeps of activations for its backward pass: below one half of that of
float32 it cannot fall.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.training_step import Row, ours, stepper

ROWS = (
    Row("raw", 2, 2352, (8000,) * 5),
    Row("light", 2, 2352, (8000,) * 5),
    Row("warp", 2, 2352, (8000,) * 5),
    Row("light", 2, 2352, (8000,) * 2, "learnable", 8),
    Row("raw", 2, 2352, (64000,) * 5),
    Row("light", 3, 2352, (8000,) * 4),
    Row("light", 4, 6272, (4000,) * 2),
    Row("warp", 4, 6272, (4000,) * 2),
    Row("light", 4, 6272, (4000,) * 2, "learnable", 8),
    Row("light", 4, 2352, (64000,) * 2),
    Row("light", 6, 2352, (2000, 1000)),
)
BATCHES = (128, 512)
LARGE = 64000  # LUTs of a layer that is measured with the smaller batch alone


@contextmanager
def kept() -> Iterator[list[int]]:
    """The bytes of activations that are kept for backward passes from here on, tensor by tensor."""
    found: dict[int, int] = {}
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        if tensor.ndim == 2 and tensor.is_floating_point() and not tensor.is_leaf:
            found[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield sizes
    sizes += found.values()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=[""], help="rows whose name holds one of these words")
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("row", "batch", "float32 ms", "bfloat16 ms", "ratio", "MB", "MB")
    results = []
    for row in ROWS:
        if not any(word in row.name for word in arguments.rows):
            continue
        for batch in BATCHES[: 1 if LARGE in row.widths else 2]:
            steps, sizes = [], []
            for mixed in (False, True):
                torch.manual_seed(0)
                steps.append(stepper(ours(row), row.inputs, features_first=True, batch=batch, mixed=mixed))
                with kept() as found:
                    steps[-1]()
                sizes.append(sum(found) / 1e6)
            times: list[list[float]] = [[], []]
            for _ in range(arguments.turns):
                for step, measured in zip(steps, times, strict=True):
                    step()
                    begin = time.perf_counter()
                    step()
                    measured.append(1e3 * (time.perf_counter() - begin))
            ms = [statistics.median(measured) for measured in times]
            table.add_row(
                row.name,
                str(batch),
                *(f"{value:.1f}" for value in ms),
                f"{ms[1] / ms[0]:.2f}",
                *(f"{size:.0f}" for size in sizes),
            )
            results.append({"row": row.name, "batch": batch, "ms": ms, "megabytes": sizes})
    Console(width=110).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
