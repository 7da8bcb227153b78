"""Simplification: LUTs before and after, the time it takes, ABC's count beside ours, and the proof of equality.

    python -m benchmarks.simplify [MODEL.lut ...] [--care mnist] [--large] [--json FILE]

Rows: 6 layers of 8,000 random two-input gates, to LUTs of rank 6 and of rank 3, and each model given. ABC gets the same
netlist and runs `dch; if -K k -a; mfs2`; buffers and repeated outputs that its format makes are absorbed by our local
passes before its LUTs are counted: both are counted alike. Equality is proved by `&cec` of ABC: at level 2 of the
networks, at level 3 of the circuits. The time is that of level 2. Columns about ABC are empty where it is not
installed. `--large` adds 9 layers of 49,757 random LUTs of rank 6, without ABC. `--care` also simplifies each model on
the training part of a task, and measures accuracy on its test part.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith.circuit import Circuit, Netlist, NetlistBuilder
from lutsmith.circuit.simplify import simplify_netlist, simplify_on
from lutsmith.data import load
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence import prove
from lutsmith.hardware.tools.tool import ToolMissing

ABC = "dch; if -K {rank} -a; mfs2"


@dataclass
class Row:
    """One network; counts are of LUTs, constants left out."""

    name: str
    rank: int
    given: int
    level_1: int
    level_2: int
    level_3: int | None
    depth: str
    seconds: float
    abc: int | None = None
    abc_seconds: float | None = None
    proof: str = ""
    proof_seconds: float | None = None


def random_luts(layers: int, width: int, rank: int) -> Netlist:
    rng, builder = np.random.default_rng(0), NetlistBuilder(width)
    signals = np.arange(width)
    for _ in range(layers):
        signals = builder.lut(rng.choice(signals, (width, rank)), rng.integers(0, 2, (width, 1 << rank)))
    return builder.build(signals)


def measured(name: str, given: Netlist | Circuit, rank: int, with_abc: bool = True) -> Row:
    netlist = given.netlist if isinstance(given, Circuit) else given
    local = simplify_netlist(netlist, 1)[1][-1].luts
    start = time.perf_counter()
    result, steps = simplify_netlist(netlist, 2, rank=rank)
    seconds = time.perf_counter() - start
    codes = lutsmith.simplify(given, 3, rank=rank) if isinstance(given, Circuit) else None
    most = None if codes is None else codes.steps[-1].luts
    row = Row(name, rank, steps[0].luts, local, steps[-1].luts, most, f"{netlist.depth} to {result.depth}", seconds)
    if with_abc:
        try:
            mapped = abc.run(netlist, ABC.format(rank=rank), timeout=600)
            row.abc, row.abc_seconds = simplify_netlist(mapped.netlist, 1)[1][-1].luts, mapped.seconds
            proofs = [prove(netlist, result)]
            if codes is not None and isinstance(given, Circuit):
                proofs.append(prove(given, codes.circuit))
            row.proof = ", ".join(dict.fromkeys(proof.verdict for proof in proofs))
            row.proof_seconds = sum(proof.seconds for proof in proofs)
        except ToolMissing as missing:
            row.proof = str(missing)
    return row


def care_line(path: Path, task: str) -> str:
    data = load(task)
    circuit = lutsmith.load(path)
    held_out = None if data.x_test is None or data.y_test is None else (data.x_test, data.y_test)
    shape = (-1, circuit.encoder.num_features)
    rows = data.x_train.reshape(shape)
    held_out = None if held_out is None else (held_out[0].reshape(shape), held_out[1])
    start = time.perf_counter()
    result = simplify_on(circuit, rows, data.y_train, held_out=held_out)
    return f"{path.parent.name}, {time.perf_counter() - start:.1f} s\n{result}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--care", metavar="TASK")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    simplify_netlist(random_luts(2, 100, 2))  # compiled, or loaded
    gates = random_luts(6, 8000, 2)
    rows = [measured("6 x 8,000 random gates", gates, rank) for rank in (6, 3)]
    rows += [measured(path.parent.name, lutsmith.load(path), 6) for path in arguments.models]
    if arguments.large:
        rows.append(measured("9 x 49,757 random LUT6", random_luts(9, 49_757, 6), 6, with_abc=False))

    table = Table(
        "network", "rank", "LUTs", "level 1", "level 2", "level 3", "depth", "s", "ABC", "ABC s", "equal", "proof s"
    )
    for row in rows:
        cells = asdict(row).values()
        table.add_row(*(_cell(value) for value in cells))
    Console(width=160).print(table)
    if arguments.care:
        for path in arguments.models:
            print(care_line(path, arguments.care), end="\n\n")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
