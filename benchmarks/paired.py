"""Two checkouts, this one and another: the same rows in turn, so that what disturbs one disturbs the other.

    python -m benchmarks.paired OTHER [engine training_step serving startup] [--rows WORD ...] [--rounds N]
                                      [--json FILE]

OTHER is a checkout, such as `git worktree add OTHER COMMIT` makes. There are two processes, each with the sources and
the `benchmarks` package of its own checkout; rows are matched by name. In a round both measure a row, one right after
the other, in changing order. The ratio is the median over the rounds of the time here over the time there, with its
quartiles, and is

    slower     above 1.05
    faster     below 0.95
    noisy      it cannot be told, because so few ratios lie so far apart

What is called slower or faster lies wholly beyond its bound with a confidence of 99 %, by order statistics of the
ratios (the sign test), whatever their distribution. Noisy rows get up to three times the rounds. The command fails
where a row is slower. On two idle cores all rows take some ten minutes; where others use the cores, most are noisy.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import paired_rows

HERE = Path(__file__).resolve().parents[1]
LIMIT, DOUBT, FEWEST = 0.05, 0.01, 8
LONGEST = 8.0
"""Seconds that the rounds of a row may take, but for the fewest."""


@dataclass(frozen=True)
class Ratio:
    """Of a row: median seconds here and there, the median of the rounds' ratios and its quartiles."""

    row: str
    here: float
    there: float
    ratio: float
    low: float
    high: float
    rounds: int
    verdict: str


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Where the median of the distribution lies that these are drawn from, but for a probability of `DOUBT`.

    It is between the k-th lowest and the k-th highest of n but for 2 P(B < k), B heads of n throws of a coin.
    """
    ordered, outside, k = sorted(ratios), 0.0, 0
    while (outside := outside + 2 * math.comb(len(ordered), k) / 2 ** len(ordered)) <= DOUBT:
        k += 1
    return (ordered[k - 1], ordered[-k]) if k else (0.0, math.inf)


def compared(row: str, pairs: Sequence[tuple[float, float]]) -> Ratio:
    """What the seconds (here, there) of each round say of a row; fewer than `FEWEST` tell nothing."""
    ratios = [here / there for here, there in pairs]
    low, ratio, high = statistics.quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
    least, most = interval(ratios)
    if least > 1 + LIMIT or most < 1 - LIMIT:
        verdict = "slower" if least > 1 else "faster"
    else:
        verdict = "" if least >= 1 - LIMIT and most <= 1 + LIMIT else "noisy"
    here, there = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Ratio(row, here, there, ratio, low, high, len(ratios), verdict)


class Side:
    """The process of a checkout."""

    def __init__(self, checkout: Path, name: str) -> None:
        paths = os.pathsep.join((str(checkout / "src"), str(checkout)))
        environment = {**os.environ, "PYTHONPATH": paths, "LUTSMITH_COMPILE": "0"}
        command, pipe = [sys.executable, "-P", paired_rows.__file__, name], subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=checkout, env=environment, stdin=pipe, stdout=pipe, text=True)
        self.checkout = checkout

    def read(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise SystemExit(f"the benchmark of {self.checkout} ended early; what it said is above")
        return json.loads(line)

    def measured(self, row: str) -> dict[str, float]:
        assert self.process.stdin
        self.process.stdin.write(row + "\n")
        self.process.stdin.flush()
        found: dict[str, float] = self.read()
        time.sleep(0.01)  # threads that wait for more work go to sleep
        return found


def measured(here: Side, there: Side, row: str, rounds: int) -> list[Ratio]:
    """A row, or its parts, in both."""
    pairs: list[tuple[dict[str, float], dict[str, float]]] = []
    found: list[Ratio] = []
    start = time.perf_counter()
    while len(pairs) < FEWEST or time.perf_counter() < start + LONGEST:
        settled = len(pairs) == 3 * rounds or not any(ratio.verdict == "noisy" for ratio in found)
        if found and len(pairs) % rounds == 0 and settled:  # asked after each round, chance would settle it
            break
        times = {side: side.measured(row) for side in ((here, there) if len(pairs) % 2 else (there, here))}
        pairs.append((times[here], times[there]))
        found = [
            compared(f"{row}, {part}".removesuffix(", "), [(one[part], other[part]) for one, other in pairs])
            for part in pairs[0][0]
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("benchmarks", nargs="*", default=list(paired_rows.BENCHMARKS))
    parser.add_argument("--rows", nargs="*", default=[""], metavar="WORD", help="rows whose name holds one of these")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if unknown := set(arguments.benchmarks) - paired_rows.BENCHMARKS.keys():
        parser.error(f"no benchmark {min(unknown)}; there are {', '.join(paired_rows.BENCHMARKS)}")
    results: dict[str, list[Ratio]] = {}
    table = Table("row", "here", "there", "ratio", "quartiles", "rounds", "")
    for name in arguments.benchmarks:
        here, there = sides = [Side(checkout, name) for checkout in (HERE, arguments.other.resolve())]
        ours, theirs = here.read(), there.read()
        results[name] = []
        for row in (row for row in ours if row in theirs and any(word in row for word in arguments.rows)):
            print(f"{name}: {row}", file=sys.stderr)
            results[name] += measured(here, there, row, max(FEWEST, arguments.rounds))
        for side in sides:
            side.process.communicate()
        for ratio in results[name]:
            times = (f"{1e3 * seconds:.4g} ms" for seconds in (ratio.here, ratio.there))
            spread = f"{ratio.low:.3f} to {ratio.high:.3f}"
            table.add_row(ratio.row, *times, f"{ratio.ratio:.3f}", spread, str(ratio.rounds), ratio.verdict)
        for row in sorted({*ours} ^ {*theirs}):
            table.add_row(row, *["-"] * 5, "only here" if row in ours else "only there")
    Console(width=140).print(table)
    every = [ratio for ratios in results.values() for ratio in ratios]
    for verdict in ("slower", "noisy"):
        print(f"{verdict}: {'; '.join(ratio.row for ratio in every if ratio.verdict == verdict) or 'none'}")
    if arguments.json:
        written = {name: [asdict(ratio) for ratio in ratios] for name, ratios in results.items()}
        arguments.json.write_text(json.dumps(written, indent=1) + "\n")
    raise SystemExit(any(ratio.verdict == "slower" for ratio in every))


if __name__ == "__main__":
    main()
