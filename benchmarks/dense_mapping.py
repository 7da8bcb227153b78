"""A step of DWN's quick start: 2,000 + 1,000 LUT6, whose first 12,000 slots choose among all 2,352 inputs.

    python -m benchmarks.dense_mapping [--batch 32] [--steps 40] [--threads N] [--json FILE]

Each row is a network and an optimizer, which take turns: `LogicDense(connections="dense")` and `lutsmith.dwn`, with
torch's Adam, fused and plain. Milliseconds are medians of forward, backward and the optimizer's step. A pass over
MNIST's 60,000 images has 1,875 steps of 32.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from lutsmith import dwn
from lutsmith.kernels import threads
from lutsmith.nn import GroupSum, LogicDense

INPUTS, WIDTHS, RANK, CLASSES = 2352, (2000, 1000), 6, 10
PARTS = ("forward", "backward", "optimizer")


def ours() -> nn.Module:
    first = LogicDense(INPUTS, WIDTHS[0], RANK, connections="dense")
    return nn.Sequential(first, LogicDense(*WIDTHS, RANK), GroupSum(CLASSES, tau=10 / 3))


def torch_dwn() -> nn.Module:
    first = dwn.LUTLayer(INPUTS, WIDTHS[0], RANK, mapping="learnable")
    return nn.Sequential(first, dwn.LUTLayer(*WIDTHS, RANK), dwn.GroupSum(CLASSES, tau=10 / 3))


def stepper(make: Callable[[], nn.Module], batch: int, fused: bool) -> Callable[[], list[float]]:
    """A function that takes a step, and says how many seconds its parts took."""
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=fused or None)
    x, y = torch.randint(0, 2, (batch, INPUTS)).float(), torch.randint(0, CLASSES, (batch,))

    def step() -> list[float]:
        times = [time.perf_counter()]
        loss = nn.functional.cross_entropy(model(x), y)
        times.append(time.perf_counter())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        times.append(time.perf_counter())
        optimizer.step()
        times.append(time.perf_counter())
        return [b - a for a, b in pairwise(times)]

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.threads:
        threads.set_num_threads(given.threads)
        torch.set_num_threads(given.threads)
    rows = {
        ("LogicDense", "fused"): stepper(ours, given.batch, True),
        ("lutsmith.dwn", "fused"): stepper(torch_dwn, given.batch, True),
        ("lutsmith.dwn", "plain"): stepper(torch_dwn, given.batch, False),
    }
    found: dict[tuple[str, str], list[list[float]]] = {row: [] for row in rows}
    for turn in range(given.steps + 3):
        for row, step in rows.items():
            seconds = step()
            if turn >= 3:
                found[row].append(seconds)
    table, results = Table("network", "Adam", *PARTS, "whole", title=f"milliseconds, batch {given.batch}"), []
    for (network, adam), times in found.items():
        parts = [1e3 * statistics.median(column) for column in zip(*times, strict=True)]
        whole = 1e3 * statistics.median(map(sum, times))
        table.add_row(network, adam, *(f"{part:.1f}" for part in parts), f"{whole:.1f}")
        results.append({"network": network, "adam": adam, "whole": whole} | dict(zip(PARTS, parts, strict=True)))
    Console().print(table)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
