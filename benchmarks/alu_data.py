"""How fast examples of an ALU are made: sampled, put into parts, computed and encoded. One core.

    python -m benchmarks.alu_data [--seconds S] [--json FILE]

Rates are examples a second of the time that the thread had the core for, of batches one after the other; the first
batch, which draws a block of each operation, is not counted, all later blocks are. All twelve operations of ALU_Net but
where said.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lutsmith.data.alu import ALU

EDGES = {"alunet": 0.7, "edge": 0.3}
FLOATS = {"name": "flat", "dtype": "float32"}


def rate(alu: ALU, part: str, batch_size: int, seconds: float) -> float:
    """Return examples a second."""
    stream = alu.stream(part, batch_size)
    next(stream)
    made, start = 0, time.thread_time()
    while (passed := time.thread_time() - start) < seconds:
        made += len(next(stream).x)
    return made / passed


def rows(seconds: float) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        kinds: list[tuple[str, ALU, str, int]] = [
            ("flat, uint8", ALU(), "train", 2048),
            ("flat, uint8", ALU(), "train", 20_000),
            ("flat, float32", ALU(encoding=FLOATS), "train", 2048),
            ("flat, float32", ALU(encoding=FLOATS), "train", 20_000),
            ("flat, uint8, uniform", ALU(sampler="uniform"), "train", 2048),
            ("flat, uint8, 30 % edges", ALU(sampler=EDGES), "train", 2048),
            ("flat, uint8, from the disk", ALU(cache=folder), "train", 2048),
            ("words, uint8", ALU(encoding="words"), "train", 2048),
            ("serial, uint8, +", ALU(ops="+", encoding="serial"), "train", 2048),
            ("array, uint8, *", ALU(ops="*", encoding="array"), "train", 2048),
            ("flat, uint8, test part", ALU(), "test", 2048),
            ("flat, uint8, signed", ALU(signed=True), "train", 2048),
            ("flat, uint8, 64 bits", ALU(bits=64), "train", 2048),
            ("flat, uint8, 128 bits", ALU(bits=128), "train", 2048),
        ]
        rate(ALU(cache=folder), "train", 2048, seconds)  # fills the folder
        return [
            {"what": what, "batch": batch, "examples_per_second": rate(alu, part, batch, seconds)}
            for what, alu, part, batch in kinds
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    measured = rows(arguments.seconds)
    table = Table("what", "batch", "million examples/s", title="one core")
    for row in measured:
        table.add_row(row["what"], f"{row['batch']:,}", f"{row['examples_per_second'] / 1e6:.2f}")
    Console(width=100).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
