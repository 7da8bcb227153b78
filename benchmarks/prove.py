"""Proofs of equality: seconds for a network against the form that ABC makes of it.

    python -m benchmarks.prove [MODEL.lut ...] [--recipe NAME] [--repeats N] [--json FILE]

The first row is 2,000 + 1,000 random LUTs of rank 6, the second layer wired to the first; further rows are model files.
Each is optimised once (seconds given, without the proof), read back, and proved `--repeats` times; the median and the
best are given. A proof is the whole call of `prove`: random inputs tried, both sides written as AIGER (the column says
how long that alone takes), ABC started and its verdict read. "CPU" is what it takes of a core, children included:
on a busy machine the better figure. "fault" is the same call where one table bit is flipped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats import to_aiger
from lutsmith.hardware import RECIPES, abc, prove

INPUTS, WIDTHS = 1000, (2000, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--recipe", choices=RECIPES, default="default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    netlists = {"2,000 + 1,000 random LUT6": random_luts()}
    netlists |= {path.parent.name or path.name: lutsmith.load(path).netlist for path in arguments.models}
    table = Table(
        "network", "LUTs", "after", "ABC s", "AIGER s", "proof s, median", "best", "CPU", "verdict", "fault s"
    )
    results = []
    for name, netlist in netlists.items():
        row = measured(netlist, arguments.recipe, arguments.repeats)
        results.append({"network": name, "recipe": arguments.recipe, **row})
        shown = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()]
        table.add_row(name, *shown)
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


def measured(netlist: Netlist, recipe: str, repeats: int) -> dict[str, object]:
    chosen = RECIPES[recipe]
    made = abc.run(netlist, chosen.commands.format(rank=6), exchange=chosen.exchange)
    began = time.perf_counter()
    to_aiger(netlist)
    to_aiger(made.netlist)
    written = time.perf_counter() - began
    used = cpu_seconds()
    proofs = [prove(netlist, made.netlist) for _ in range(repeats)]
    used = (cpu_seconds() - used) / repeats
    seconds = [proof.seconds for proof in proofs]
    return {
        "luts": netlist.num_nodes,
        "after": made.netlist.num_nodes,
        "abc_seconds": made.seconds,
        "aiger_seconds": written,
        "proof_median_seconds": statistics.median(seconds),
        "proof_best_seconds": min(seconds),
        "proof_cpu_seconds": used,
        "verdict": proofs[0].verdict,
        "fault_seconds": prove(netlist, faulty(made.netlist)).seconds,
    }


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def random_luts() -> Netlist:
    """Layers of LUTs of rank 6 with random tables; each reads six different signals of the layer before."""
    rng = np.random.default_rng(0)
    builder = NetlistBuilder(INPUTS)
    signals = np.arange(INPUTS, dtype=np.int32)
    for width in WIDTHS:
        fanin = np.stack([rng.choice(signals, 6, replace=False) for _ in range(width)])
        signals = builder.lut(fanin, rng.integers(0, 2**64, width, dtype=np.uint64))
    return builder.build(signals)


def faulty(netlist: Netlist) -> Netlist:
    """One bit of the middle table is another."""
    tables = netlist.tables().copy()
    tables[tables.size // 2] ^= np.uint64(1)
    return replace(netlist, table_pool=tables, table_index=np.arange(tables.size, dtype=np.int32))


if __name__ == "__main__":
    main()
