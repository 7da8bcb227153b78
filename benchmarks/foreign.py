"""Circuits that others made: read, simplified, written, read again and proved equal, beside ABC's LUT count.

    python -m benchmarks.foreign FOLDER [--only NAME ...] [--level 4] [--timeout 600] [--json FILE]

Each BLIF or AIGER file of the folder is read and simplified (`simplify_netlist`, level 4: LUTs are taken apart too).
The result is written as BLIF and as AIGER, and both are read again. `&cec` proves what was read from the AIGER equal to
what ABC itself reads from the given file, and what was read from the BLIF equal to the result. Registers are cut
points: combinational parts are compared.

ABC gets the file as it stands and runs `strash; if -K 6 -a`. `ABC` is the number of nodes that it then prints; buffers
and equal nodes are among them. `alike` is what our local passes leave of ABC's result: both are then counted alike, and
the ratio is to that. Seconds are those of reading and simplifying here, and of ABC's process; kernels are compiled
before. The exit status is 1 where a circuit has more than 1.05 times ABC's LUTs, or is not proved equal.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.circuit.simplify import simplify_netlist
from lutsmith.formats import FormatError, FormatWarning, NamedNetlist, from_aiger, from_blif, to_aiger, to_blif
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence import prove
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import ToolFailed

SUFFIXES = (".aag", ".aig", ".blif")
MAPPING = "strash; if -K 6 -a"
LIMIT = 1.05
"""Of our LUTs to ABC's."""


@dataclass
class Row:
    """One circuit; counts are of LUTs, constants left out."""

    name: str
    inputs: int = 0
    outputs: int = 0
    registers: int = 0
    read: int = 0
    luts: int = 0
    depth: int = 0
    seconds: float = 0.0
    abc: int | None = None
    abc_alike: int | None = None
    abc_seconds: float | None = None
    ratio: float | None = None
    proof: str = ""
    proof_seconds: float | None = None

    @property
    def failed(self) -> bool:
        return self.proof != "equal" or self.ratio is None or self.ratio > LIMIT


def read(path: Path) -> NamedNetlist:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        if path.suffix == ".blif":
            return from_blif(path.read_text(encoding="utf-8", errors="replace"))
        return from_aiger(path.read_bytes())


def luts(netlist: Netlist) -> int:
    return netlist.num_nodes - netlist.luts_by_rank().get(0, 0)


def measured(path: Path, level: int, timeout: float) -> Row:
    row = Row(path.stem)
    try:
        begin = time.perf_counter()
        given = read(path).netlist
        small, _ = simplify_netlist(given, level)
        row.seconds = time.perf_counter() - begin
        row.inputs, row.outputs, row.registers = given.num_inputs, given.outputs.size, given.num_registers
        row.read, row.luts, row.depth = luts(given), luts(small), small.depth
        original = mapped_by_abc(path, row, timeout)
        row.ratio = row.luts / row.abc_alike if row.abc_alike else float(row.luts > 0) + 1.0
        from_text, from_bytes = from_blif(to_blif(small), strict=True), from_aiger(to_aiger(small), strict=True)
        proofs = [
            prove(original, abc.combinational(from_bytes.netlist), timeout=timeout),
            prove(small, from_text.netlist, timeout=timeout),
        ]
        row.proof = ", ".join(dict.fromkeys(proof.verdict for proof in proofs))
        row.proof_seconds = sum(proof.seconds for proof in proofs)
    except (FormatError, ToolFailed) as problem:
        row.proof = str(problem).partition("\n")[0]
    return row


def mapped_by_abc(path: Path, row: Row, timeout: float) -> Netlist:
    """Fill in what ABC maps the file to; return the file's combinational part as ABC reads it."""
    with toolchain.workspace() as folder:
        given = folder / f"given{path.suffix}"
        given.write_bytes(path.read_bytes())
        finished = abc.script(f"read {given.name}; {MAPPING}; print_stats", folder, timeout)
        row.abc_seconds = finished.seconds
        printed = re.findall(r"\bnd = +(\d+)", finished.stdout)
        if not printed:
            raise ToolFailed("ABC printed no number of nodes", finished.stdout)
        row.abc = int(printed[-1])
        cut = "comb; " if row.registers else ""
        commands = f"read {given.name}; strash; {cut}write_aiger original.aig; if -K 6 -a; write_blif mapped.blif"
        abc.script(commands, folder, timeout)
        mapped = from_blif((folder / "mapped.blif").read_text(encoding="utf-8", errors="replace"), strict=True)
        row.abc_alike = luts(simplify_netlist(mapped.netlist, 1)[0])
        return read(folder / "original.aig").netlist


def show(rows: list[Row]) -> None:
    table = Table(
        *("circuit", "inputs", "outputs", "registers", "read", "LUTs", "depth", "s"),
        *("ABC", "alike", "ABC s", "ratio", "proof", "proof s"),
    )
    for row in rows:
        table.add_row(*(_cell(value) for value in asdict(row).values()))
    Console(width=160).print(table)
    above = [row.name for row in rows if row.ratio is not None and row.ratio > LIMIT]
    unproved = [row.name for row in rows if row.proof != "equal"]
    said = f"{len(above)} of {len(rows)} circuits above {LIMIT} times ABC's LUTs, {len(unproved)} not proved equal"
    print(": ".join([said, ", ".join(dict.fromkeys(above + unproved))]) if above or unproved else said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="circuits, by their names without the suffix")
    parser.add_argument("--level", type=int, choices=(1, 2, 4), default=4)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for each run of ABC and each proof")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder")
    paths = sorted(path for path in arguments.folder.iterdir() if path.suffix in SUFFIXES)
    unknown = set(arguments.only or ()) - {path.stem for path in paths}
    if unknown:
        parser.error(f"{arguments.folder} has no circuit {', '.join(sorted(unknown))}")
    paths = [path for path in paths if not arguments.only or path.stem in arguments.only]
    if not paths:
        parser.error(f"{arguments.folder} has no files {', '.join(SUFFIXES)}")
    _compile(arguments.level)
    rows = []
    for path in paths:
        rows.append(measured(path, arguments.level, arguments.timeout))
        print(f"{path.name}: {rows[-1].luts} LUTs, {rows[-1].proof}", file=sys.stderr, flush=True)
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    sys.exit(any(row.failed for row in rows))


def _compile(level: int) -> None:
    """Compile the kernels, or load them, so that no circuit's seconds hold that."""
    builder = NetlistBuilder(4)
    simplify_netlist(builder.build(builder.lut([np.arange(4)], np.array([0x6996], np.uint64))), level)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
