"""Train BitLogic's best shape, 2 x 64,000 LUTs of rank 4 learning among 8 candidates: step time and peak memory.

    python -m benchmarks.large_layers [--steps 20] [--batch 128] [--json FILE]

Inputs are random bits of the size that eight thresholds a pixel give for MNIST. The peak is that of the whole process,
as Linux reports it (VmHWM), imports included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from lutsmith.nn import GroupSum, LogicDense

INPUTS, WIDTH, RANK, CANDIDATES, CLASSES = 6272, 64_000, 4, 8, 10


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system reports no VmHWM in /proc/self/status")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    learnable = {"connections": "learnable", "num_candidates": CANDIDATES}
    model = nn.Sequential(
        LogicDense(INPUTS, WIDTH, RANK, **learnable),  # type: ignore[arg-type]
        LogicDense(WIDTH, WIDTH, RANK, **learnable),  # type: ignore[arg-type]
        GroupSum(CLASSES, tau=150.0),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    x = torch.randint(0, 2, (INPUTS, arguments.batch)).float().t()
    y = torch.randint(0, CLASSES, (arguments.batch,))
    times, losses = [], []
    for _ in range(arguments.steps + 2):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        times.append(time.perf_counter() - start)
        losses.append(float(loss.detach()))
    result = {
        "milliseconds": 1e3 * statistics.median(times[2:]),
        "peak_megabytes": peak_megabytes(),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    print(
        f"2 x {WIDTH:,} LUTs of rank {RANK}, {CANDIDATES} candidates, batch {arguments.batch}: "
        f"{result['milliseconds']:.0f} ms a step, peak {result['peak_megabytes']:.0f} MB, "
        f"{result['parameters']:,.0f} parameters, loss {result['first_loss']:.3f} to {result['last_loss']:.3f}"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
