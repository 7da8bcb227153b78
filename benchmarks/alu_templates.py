"""The operation is not told: fabrics are tried from simple to complex on labelled triples, and one is identified.

    python -m benchmarks.alu_templates [--ops + '*' ...] [--triples 2000] [--held-out 200000] [--seed 0] [--json FILE]

Triples (a, b, z) of 15 bits are drawn uniform and at edges alike (no uniform pair shows a tie). `examples` are those
that the solver looked at for the cell that agrees with all of them, `operations` what it is proved to be, `wrong` how
many of the triples that were held out (drawn likewise, none of them seen) it says wrong, and `against` what each
simpler fabric failed by: the number of examples that contradict each other, or "not decided".

Exit code 1: an operation was not identified, or an answer is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.alu.learners import drawn
from lutsmith.cells.learning.templates import search_templates
from lutsmith.data.alu.operations import ALUNET, operation

BITS = 15


def measured(name: str, triples: int, held_out: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return what is found of an operation, whose name the search never sees."""
    truth = operation(name)
    given = drawn(truth, triples, BITS, rng)
    begun = time.perf_counter()
    found = search_templates(*given.columns, BITS, max_seconds=600)
    seconds = time.perf_counter() - begun
    others = drawn(truth, held_out + held_out // 10 + triples, BITS, rng)
    b = np.zeros_like(others.a) if others.b is None else others.b
    seen = set(zip(given.a.tolist(), (np.zeros_like(given.a) if given.b is None else given.b).tolist(), strict=True))
    fresh = [place for place, pair in enumerate(zip(others.a.tolist(), b.tolist(), strict=True)) if pair not in seen]
    fresh = fresh[:held_out]
    wrong = len(fresh)
    if found.cell is not None:
        mask = (1 << found.cell.fabric.result_bits(BITS)) - 1
        answers = found.cell.evaluate(others.a[fresh], b[fresh], BITS)
        wrong = int((np.asarray(answers) != (others.z[fresh] & mask)).sum())
    against = {
        trial.name: len(trial.examples) if trial.verdict == "refuted" else trial.verdict
        for trial in found.trials
        if trial.verdict != "agrees"
    }
    return {
        "operation": name, "fabric": found.name, "operations": list(found.operations), "examples": found.used,
        "seconds": seconds, "held_out": len(fresh), "wrong": wrong, "against": against,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", nargs="+", default=list(ALUNET))
    parser.add_argument("--triples", type=int, default=2000)
    parser.add_argument("--held-out", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = []
    for number, name in enumerate(given.ops):
        row = measured(name, given.triples, given.held_out, np.random.default_rng([given.seed, number]))
        rows.append(row)
        open_ = sum(why == "not decided" for why in row["against"].values())
        print(
            f"{name:<9} {row['fabric']!s:<21} proved to be {', '.join(row['operations']) or 'nothing known':<5} from "
            f"{row['examples']:>2} of {given.triples:,} examples in {row['seconds']:5.1f} s; "
            f"{row['wrong']} of {row['held_out']:,} held out are wrong; {len(row['against']) - open_} fabrics refuted, "
            f"{open_} not decided", flush=True,
        )  # fmt: skip
    identified = sum(row["operation"] in row["operations"] for row in rows)
    print(f"{identified} of {len(rows)} identified, {sum(not row['wrong'] for row in rows)} exact, in "
          f"{sum(row['seconds'] for row in rows):.1f} s")  # fmt: skip
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(identified < len(rows) or any(row["wrong"] for row in rows))


if __name__ == "__main__":
    main()
