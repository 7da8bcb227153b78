"""Proofs of an ALU's cells: seconds for each operation, and what becomes of every flipped table bit.

    python -m benchmarks.alu_proofs [--width N]

Each row is the textbook's cell: its proof and the scope of it, then all cells that have one table bit inverted: how
many are refuted, proved harmless or not decided, the seconds of all, and the most that one took. `--width` (15) is that
of the SAT solver, where no induction decides.
"""

from __future__ import annotations

import argparse
from collections import Counter

from lutsmith.cells import TEXTBOOK
from lutsmith.cells.proof import prove


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=15)
    width = parser.parse_args().width
    print(f"{'operation':10} {'seconds':>8}  {'scope':12} refuted harmless undecided  seconds  longest")
    for operation, cell in TEXTBOOK.items():
        proof = prove(cell, operation, width=width)
        flipped = [
            prove(cell.flipped(shape.name, output, address), operation, width=width)
            for shape in cell.fabric.tables
            for output in range(shape.outputs)
            for address in range(1 << shape.rank)
        ]
        counts, seconds = Counter(each.outcome for each in flipped), [each.seconds for each in flipped]
        print(
            f"{operation:10} {proof.seconds:8.3f}  {proof.scope:12} {counts['refuted']:7} {counts['proved']:8} "
            f"{counts['not decided']:9} {sum(seconds):8.3f} {max(seconds):8.3f}"
        )


if __name__ == "__main__":
    main()
