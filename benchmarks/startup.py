"""Seconds from starting Python to the first prediction of a `.lut` file: a new process each time, warm kernel cache.

Usage: python -m benchmarks.startup MODEL [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith

PREDICT = """
import sys, numpy as np, lutsmith
circuit = lutsmith.load(sys.argv[1])
label = circuit.predict(np.load(sys.argv[2]))
assert len(label) == 1 and "torch" not in sys.modules
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    circuit = lutsmith.load(arguments.model)
    sample = arguments.model.parent / "startup-sample.npy"
    np.save(sample, np.zeros((1, *circuit.input_shape), np.uint8))
    seconds = []
    try:
        for _ in range(arguments.runs + 1):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", PREDICT, arguments.model, sample], check=True)
            seconds.append(time.perf_counter() - start)
    finally:
        sample.unlink()
    warm = seconds[1:]  # the first run may compile
    table = Table("load and predict one sample, new process", "seconds")
    table.add_row("median", f"{statistics.median(warm):.3f}")
    table.add_row("fastest", f"{min(warm):.3f}")
    table.add_row("first (may compile)", f"{seconds[0]:.3f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"seconds": warm, "first": seconds[0]}, indent=1))


if __name__ == "__main__":
    main()
