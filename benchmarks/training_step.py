"""One training step (forward, backward, Adam) against torchlogix: the same shapes, both at their best thread count.

    python -m benchmarks.training_step [--rows NAME ...] [--json FILE]

One row for every parametrization and kind of connections, and some whose LUTs share tables and scores. Where torchlogix
has neither, only our own time is given.

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
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from lutsmith.nn import GroupSum, LogicDense
from lutsmith.nn.parametrizations import list_parametrizations

BATCH = 128
CLASSES = 10
EAGER, COMPILED = 15, 5  # what a step promises to be quicker than theirs by


class Row(NamedTuple):
    """A network of one kind of layer; `candidates` of 0 is fixed wiring, and `kernels` of 0 a table for each LUT.

    Each of the kernels has one table, and one score vector, at as many places as there are LUTs for it.
    """

    parametrization: str
    rank: int
    inputs: int
    widths: tuple[int, ...]
    connections: str = "fixed"
    candidates: int = 0
    kernels: int = 0

    @property
    def name(self) -> str:
        same = len(set(self.widths)) == 1
        widths = f"{len(self.widths)} x {self.widths[0]:,}" if same else " + ".join(f"{w:,}" for w in self.widths)
        among = f" {self.candidates}" if self.candidates else ""
        shared = f", {self.kernels} kernels" if self.kernels else ""
        return f"{self.parametrization}, rank {self.rank}, {widths}, {self.connections}{among}{shared}"

    @property
    def is_theirs(self) -> bool:
        """Whether torchlogix has this row."""
        ranks = {"raw": (2,), "light": (2, 4, 6), "warp": (1, 2, 4, 6)}.get(self.parametrization, ())
        return self.rank in ranks and self.connections in ("fixed", "learnable") and not self.kernels


ROWS = (
    Row("raw", 2, 2352, (8000,) * 5),
    Row("raw", 2, 2352, (8000,) * 2, "learnable", 8),
    Row("light", 2, 2352, (8000,) * 5),
    Row("light", 4, 6272, (4000,) * 2),
    Row("light", 4, 6272, (4000,) * 2, "learnable", 8),
    Row("light", 6, 2352, (2000, 1000)),
    Row("light", 6, 2352, (2000, 1000), "learnable", 8),
    Row("warp", 2, 2352, (8000,) * 5),
    Row("warp", 4, 6272, (4000,) * 2),
    Row("warp", 4, 6272, (4000,) * 2, "learnable", 8),
    Row("warp", 6, 2352, (2000, 1000)),
    *(
        Row(name, 4, 6272, (4000,) * 2)
        for name in sorted({*list_parametrizations()} - {"light", "probabilistic", "raw", "warp"})
    ),
    *(Row("light", 4, 6272, (4000,) * 2, kind, 8) for kind in ("top-k",)),
    *(Row("light", 4, 6272, (4000,) * 2, kind, among, 4) for kind, among in (("fixed", 0), ("learnable", 8))),
    *(Row("light", 6, 2352, (2000, 1000), kind, among, 4) for kind, among in (("fixed", 0), ("learnable", 8))),
    Row("light", 6, 2352, (2000, 1000), "dense"),
    Row("dwn", 6, 2352, (2000, 1000), "dense"),
)


def ours(row: Row) -> nn.Module:
    layers: list[nn.Module] = []
    inputs = row.inputs
    for width in row.widths:
        wiring: dict[str, Any] = {"num_candidates": row.candidates} if row.candidates else {}
        if row.kernels:
            owners = torch.arange(width) * row.kernels // width
            wiring |= {"table_of": owners} | ({"score_of": owners} if row.candidates else {})
        layers.append(
            LogicDense(
                inputs, width, row.rank, parametrization=row.parametrization, connections=row.connections, **wiring
            )
        )
        inputs = width
    return nn.Sequential(*layers, GroupSum(CLASSES, tau=10.0))


def theirs(row: Row) -> nn.Module:
    if sys.version_info < (3, 12):
        stand_in = types.ModuleType("torchlogix.circuit")
        stand_in.Circuit = None  # type: ignore[attr-defined]
        sys.modules["torchlogix.circuit"] = stand_in
    from torchlogix import layers as torchlogix

    layers: list[nn.Module] = []
    inputs = row.inputs
    for width in row.widths:
        wiring: dict[str, Any] = {"connections": row.connections}
        if row.candidates:
            wiring["connections_kwargs"] = {"num_candidates": row.candidates}
        layers.append(
            torchlogix.LogicDense(inputs, width, lut_rank=row.rank, parametrization=row.parametrization, **wiring)
        )
        inputs = width
    return nn.Sequential(*layers, torchlogix.GroupSum(CLASSES, tau=10.0))


def stepper(
    model: nn.Module, inputs: int, *, features_first: bool, batch: int = BATCH, mixed: bool = False
) -> Callable[[], None]:
    """A function that takes one training step on random bits, stored as the library's own encoder stores them; `mixed`:
    under autocast to bfloat16.
    """
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    x = torch.randint(0, 2, (batch, inputs)).float()
    x = x.t().contiguous().t() if features_first else x
    y = torch.randint(0, CLASSES, (batch,))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
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
    parser.add_argument("--rows", nargs="*", default=[""], help="rows whose name holds one of these words")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    console = Console(stderr=True)
    threads = sorted({1, os.cpu_count() or 1})
    table = Table("row", "lutsmith ms", "torchlogix eager ms", "compiled ms", "x eager", "x compiled")
    results = []
    for row in ROWS:
        if not any(word in row.name for word in arguments.rows):
            continue
        console.print(f"{row.name} ...")
        torch.manual_seed(0)
        steps = {"lutsmith": stepper(ours(row), row.inputs, features_first=True)}
        if row.is_theirs:
            steps["eager"] = stepper(theirs(row), row.inputs, features_first=False)
        if row.is_theirs and not arguments.no_compile:
            torch._dynamo.reset()  # type: ignore[attr-defined]
            compiled = torch.compile(theirs(row))
            steps["compiled"] = stepper(compiled, row.inputs, features_first=False)  # type: ignore[arg-type]
        ms = best(steps, threads, arguments.rounds)
        ratios = {other: ms[other] / ms["lutsmith"] for other in ms if other != "lutsmith"}
        table.add_row(
            row.name,
            *(f"{ms[key]:.2f}" if key in ms else "-" for key in ("lutsmith", "eager", "compiled")),
            *(f"{ratios[key]:.1f}" if key in ratios else "-" for key in ("eager", "compiled")),
        )
        results.append({"row": row.name, "milliseconds": ms, "ratios": ratios})
    console = Console(width=120)
    console.print(table)
    short = [r["row"] for r in results if r["ratios"].get("eager", EAGER) < EAGER]
    short += [r["row"] for r in results if r["ratios"].get("compiled", COMPILED) < COMPILED]
    console.print(
        f"promised: {EAGER} times quicker than eager, {COMPILED} than compiled; short of it: {short or 'none'}"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps({"batch": BATCH, "threads": threads, "rows": results}, indent=1))


if __name__ == "__main__":
    main()
