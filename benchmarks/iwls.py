"""The functions of the IWLS 2020 contest: cells learned from one output bit, and cells that an ALU has already.

    python -m benchmarks.iwls [--data FOLDER] [--functions ex00 ex01 ...] [--cells FILE] [--json FILE]

    own        Each function from its own 6,400 training rows; the operation is not told: a serial cell, an array, rows
               with feedback are tried from simple to complex. Where several cells are right on all training rows,
               that with the fewest errors on validation rows is taken, the first of equals; test rows are for the
               score alone. Seconds include the search of fabrics that did not fit, and no compilation.
    ALU        The cells of + * / % < and isqrt unchanged, at each function's width: the textbook's, or those of a
               model file; a suitable one is written by
               `lutsmith train alu --ops + --ops '*' --ops / --ops % --ops '<' --ops isqrt --out runs/iwls`.

Edges are pairs of operands such as 0, 1, all ones, powers of two and their neighbours, of which examples show few: the
share that a circuit says right, by the oracle.
Nodes are ANDs that the output depends on, before any simplification; the contest's limit of 5,000 is told and not
enforced.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lutsmith.alu.device import LearnedALU
from lutsmith.cells import TEXTBOOK, LearnedCell
from lutsmith.cells.learning.one_bit import learn_one_bit
from lutsmith.cells.readings import READINGS, bit_netlist, read_bit
from lutsmith.circuit.netlist import Netlist
from lutsmith.data import MissingDataError
from lutsmith.data.functions import KNOWN, BooleanFunction, Minterms, load_function
from lutsmith.formats.scoring import NODE_LIMIT, Score, score


def own(function: BooleanFunction) -> dict[str, Any]:
    """Return what is found from the function's own rows."""
    begin = time.perf_counter()
    found = learn_one_bit(function.train.x, function.train.y)
    seconds = time.perf_counter() - begin
    if found is None:
        return {"fabric": "none", "seconds": seconds}
    netlists = [
        bit_netlist(cell, function.num_inputs, found.operands) for cell in found.survivors[:16] or (found.cell,)
    ]
    scores = [score(netlist, function) for netlist in netlists]
    confirmed = max(range(len(scores)), key=lambda place: scores[place].valid)
    kept = {"survivors": len(found.survivors), "fabric": found.fabric, "seconds": seconds}
    return {**kept, "edges": edges(netlists[confirmed], function), **told(scores[confirmed])}


def alu(function: BooleanFunction, cells: Mapping[str, LearnedCell]) -> dict[str, Any]:
    """Return what an ALU's cells are worth on it."""
    begin = time.perf_counter()
    width = function.known.width
    assert width is not None
    netlist = read_bit(function.known.kind, cells, width)
    seconds = time.perf_counter() - begin
    operation = READINGS[function.known.kind].operation
    return {
        "operation": operation, "seconds": seconds, "edges": edges(netlist, function), **told(score(netlist, function))
    }  # fmt: skip


def edges(netlist: Netlist, function: BooleanFunction) -> float | None:
    """Return the share of edge operands that a netlist says right; None where no oracle is known."""
    width = function.known.width
    if width is None:
        return None
    powers = [1 << place for place in {0, 1, 2, width // 2, width - 2, width - 1}]
    numbers = sorted({(power + near) % (1 << width) for power in powers for near in (-1, 0, 1)})
    operands = np.array([[number >> place & 1 for place in range(width)] for number in numbers], np.bool_)
    both = np.stack(np.meshgrid(*[np.arange(len(numbers))] * function.known.operands, indexing="ij"), axis=-1)
    x = operands[both.reshape(-1, function.known.operands)].reshape(-1, function.num_inputs)
    rows = Minterms(x, function.known.oracle(x))
    return score(netlist, BooleanFunction(function.name, rows, rows, rows)).train


def told(found: Score) -> dict[str, Any]:
    return {"train": found.train, "valid": found.valid, "test": found.test, "nodes": found.nodes}


def functions(names: list[str], data: Path | None) -> Iterator[BooleanFunction]:
    for name in names:
        try:
            yield load_function(name, data)
        except MissingDataError:
            continue  # ex14, ex19 and ex90 to ex99 are not in the archive


def shown(title: str, rows: Mapping[str, dict[str, Any]]) -> Table:
    table = Table(title=title)
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    for column in ("function", "kind", "width", *columns):
        table.add_column(column, justify="left" if column in ("function", "kind", "fabric", "operation") else "right")
    for name, row in rows.items():
        known = KNOWN[name]
        cells = [_written(column, row.get(column)) for column in columns]
        table.add_row(name, known.kind, str(known.width or ""), *cells)
    return table


def _written(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in ("train", "valid", "test", "edges"):
        return f"{100 * value:.2f}"
    if column == "nodes":
        return f"{value:,}{' > limit' if value > NODE_LIMIT else ''}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--functions", nargs="+", default=[name for name in KNOWN if KNOWN[name].width])
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cells: Mapping[str, LearnedCell] = TEXTBOOK
    if arguments.cells:
        cells = LearnedALU(arguments.cells).cells
    rng = np.random.default_rng(0)
    learn_one_bit(rng.random((64, 16)) < 0.5, rng.random(64) < 0.5, most=64)  # compiled
    found: dict[str, dict[str, dict[str, Any]]] = {"own": {}, "ALU": {}}
    for function in functions(arguments.functions, arguments.data):
        found["own"][function.name] = {"fabric": "", "survivors": 0, **own(function)}
        if function.known.kind in READINGS:
            found["ALU"][function.name] = alu(function, cells)
    console = Console(width=140)
    for title, rows in found.items():
        if rows:
            console.print(shown(title, rows))
            exact = sum(row.get("test") == 1 for row in rows.values())
            console.print(f"{title}: {exact} of {len(rows)} with every test row right")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
