"""Additive learning: how fast LUTs are grown, and what they reach on rows that were held out.

python -m benchmarks.additive [--data DIR] [--luts N] [--sweeps N] [--json FILE]

kernel   the next LUT of rank 6 on 54,976 random rows, 64 and 256 candidates, one thread, beside a plain loop in Numba
         that counts one candidate after the other: candidates x rows x slots a second
mnist    `AdditiveTrainer` on MNIST, tau 4: seconds of growing, and the share of a tenth of the training rows, held
         out, that is predicted; the test part is not looked at
memory   the peak of a process that trains `additive-mnist-1k`, with four changed copies of each image, and 100 LUTs:
         rows are what takes memory
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.data import load
from lutsmith.kernels.additive.growth import Grower

ROWS, FEATURES, RANK, REPEATS = 54_976, 2_352, 6, 9


@numba.njit
def plain(bits, gains, candidates, rank):  # pragma: no cover - compiled
    """The same greedy choice by a histogram of each candidate."""
    address = np.zeros(gains.size, np.int64)
    for slot in range(rank):
        best, pick = -1, 0
        for k in range(candidates.size):
            sums = np.zeros(2 << slot, np.int64)
            row = bits[candidates[k]]
            for sample in range(gains.size):
                bit = np.int64(row[sample >> 6] >> np.uint64(sample & 63)) & 1
                sums[address[sample] | bit << slot] += gains[sample]
            gain = np.maximum(sums, 0).sum()
            if gain > best:
                best, pick = gain, k
        row = bits[candidates[pick]]
        for sample in range(gains.size):
            address[sample] |= (np.int64(row[sample >> 6] >> np.uint64(sample & 63)) & 1) << slot
    return address


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The least of some runs, after one that is not counted."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--luts", type=int, default=1000)
    parser.add_argument("--sweeps", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, (FEATURES, ROWS // 64), dtype=np.uint64)
    gains = rng.integers(-500, 500, ROWS).astype(np.int32)
    found: dict[str, float] = {}
    for count in (64, 256):
        candidates, grower = rng.permutation(FEATURES)[:count].astype(np.int32), Grower(ROWS, count, RANK)
        work = ROWS * count * RANK
        fast = seconds(lambda: grower.grow(bits, gains, candidates), REPEATS)  # noqa: B023 - called at once
        slow = seconds(lambda: plain(bits, gains, candidates, RANK), 2)  # noqa: B023
        found[f"kernel, {count} candidates, G/s"], found[f"kernel, {count} candidates, times plain"] = (
            work / fast / 1e9,
            slow / fast,
        )
    mnist = replace(load("mnist", arguments.data), x_test=None, y_test=None)
    report = (
        AdditiveTrainer(AdditiveSettings(max_luts=arguments.luts, tau=4.0, sweeps=arguments.sweeps)).fit(mnist).report
    )
    found |= {"mnist, LUTs": report.luts, "mnist, seconds": report.train_seconds, "mnist, held out": report.score}
    code = (
        "import resource, sys, lutsmith; lutsmith.train('mnist', preset='additive-mnist-1k', data=sys.argv[1] or None, "
    )
    code += " max_luts=100, quiet=True); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    command = [sys.executable, "-c", code, str(arguments.data or "")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found["mnist and four copies, peak MiB"] = float(said)
    for name, value in found.items():
        print(f"{name:40} {value:.4g}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
