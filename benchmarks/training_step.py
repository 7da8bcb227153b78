"""One training step (forward, backward, Adam) against torchlogix: the same shapes, both at their best thread count.

    python -m benchmarks.training_step [--rows NAME ...] [--json FILE]

Both take the same bits, each in the memory layout that its own encoder gives. torchlogix is timed eagerly and under
`torch.compile`; the quickest of its thread counts counts. It is installed with `pip install --no-deps torchlogix`. Its
`circuit` module, which training does not use, needs Python 3.12; on older Pythons an empty module stands in for it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from lutsmith.nn import GroupSum, LogicDense

BATCH = 128
CLASSES = 10

# name: parametrization, rank, inputs, widths, candidates (0: fixed wiring), and the least ratios that we promise
ROWS: dict[str, tuple[str, int, int, tuple[int, ...], int, float, float]] = {
    "raw, rank 2, 5 x 8,000": ("raw", 2, 2352, (8000,) * 5, 0, 15, 5),
    "light, rank 4, 2 x 4,000": ("light", 4, 6272, (4000,) * 2, 0, 15, 5),
    "light, rank 4, 2 x 4,000, learnable 8": ("light", 4, 6272, (4000,) * 2, 8, 60, 15),
    "light, rank 6, 2,000 + 1,000": ("light", 6, 2352, (2000, 1000), 0, 15, 5),
}


def ours(parametrization: str, rank: int, inputs: int, widths: tuple[int, ...], candidates: int) -> nn.Module:
    layers: list[nn.Module] = []
    for width in widths:
        wiring = {"connections": "learnable", "num_candidates": candidates} if candidates else {"connections": "fixed"}
        layers.append(LogicDense(inputs, width, rank, parametrization=parametrization, **wiring))
        inputs = width
    return nn.Sequential(*layers, GroupSum(CLASSES, tau=10.0))


def theirs(parametrization: str, rank: int, inputs: int, widths: tuple[int, ...], candidates: int) -> nn.Module:
    if sys.version_info < (3, 12):
        stand_in = types.ModuleType("torchlogix.circuit")
        stand_in.Circuit = None  # type: ignore[attr-defined]
        sys.modules["torchlogix.circuit"] = stand_in
    from torchlogix import layers as torchlogix

    layers: list[nn.Module] = []
    for width in widths:
        wiring: dict[str, Any] = {"connections": "fixed"}
        if candidates:
            wiring = {"connections": "learnable", "connections_kwargs": {"num_candidates": candidates}}
        layers.append(torchlogix.LogicDense(inputs, width, lut_rank=rank, parametrization=parametrization, **wiring))
        inputs = width
    return nn.Sequential(*layers, torchlogix.GroupSum(CLASSES, tau=10.0))


def stepper(model: nn.Module, inputs: int, *, features_first: bool) -> Callable[[], None]:
    """A function that takes one training step on random bits, stored as the library's own encoder stores them."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    x = torch.randint(0, 2, (BATCH, inputs)).float()
    x = x.t().contiguous().t() if features_first else x
    y = torch.randint(0, CLASSES, (BATCH,))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def milliseconds(step: Callable[[], None], seconds: float = 1.5) -> float:
    """The median time of a step over at least 5 repetitions and about `seconds`."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def best(steps: dict[str, Callable[[], None]], threads: list[int], rounds: int) -> dict[str, float]:
    """The quickest thread count's time of each step function, all of them timed in turn, round after round."""
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, step in steps.items():
            for count in threads:
                torch.set_num_threads(count)
                step()
                times.setdefault((name, count), []).append(milliseconds(step))
    return {name: min(statistics.median(times[name, count]) for count in threads) for name in steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), help="rows whose name holds one of these words")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    console = Console(stderr=True)
    threads = sorted({1, os.cpu_count() or 1})
    table = Table("row", "lutsmith ms", "torchlogix eager ms", "compiled ms", "x eager", "x compiled", "promised")
    results = []
    for name, (parametrization, rank, inputs, widths, candidates, least_eager, least_compiled) in ROWS.items():
        if not any(word in name for word in arguments.rows):
            continue
        console.print(f"{name} ...")
        torch.manual_seed(0)
        shape = (parametrization, rank, inputs, widths, candidates)
        steps = {
            "lutsmith": stepper(ours(*shape), inputs, features_first=True),
            "eager": stepper(theirs(*shape), inputs, features_first=False),
        }
        if not arguments.no_compile:
            compiled = torch.compile(theirs(*shape))
            steps["compiled"] = stepper(compiled, inputs, features_first=False)  # type: ignore[arg-type]
        ms = best(steps, threads, arguments.rounds)
        ratios = {other: ms[other] / ms["lutsmith"] for other in ms if other != "lutsmith"}
        table.add_row(
            name,
            *(f"{ms[key]:.2f}" if key in ms else "-" for key in ("lutsmith", "eager", "compiled")),
            *(f"{ratios[key]:.1f}" if key in ratios else "-" for key in ("eager", "compiled")),
            f"{least_eager:g} and {least_compiled:g}",
        )
        results.append({"row": name, "milliseconds": ms, "ratios": ratios, "promised": [least_eager, least_compiled]})
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"batch": BATCH, "threads": threads, "rows": results}, indent=1))


if __name__ == "__main__":
    main()
