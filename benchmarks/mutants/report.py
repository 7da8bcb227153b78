"""What came out: the score, the survivors, and the reasons that somebody gave for them."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.mutants.sampler import Mutant

REASONS = Path(__file__).with_name("survivors.toml")
LEAST = 0.9
"""The share of the mutants that have to be killed."""


@dataclass(frozen=True)
class Result:
    """One mutant that was tried.

    Attributes:
        mutant: what was changed.
        outcome: "killed", "timed out" (killed too), "survived", "not covered" (no test runs the line), "void" (the test
            that failed also fails without the mutant).
        by: the test that failed first; "" where none did.
        tests: how many were chosen.
        seconds: that the trial took.
    """

    mutant: Mutant
    outcome: str
    by: str
    tests: int
    seconds: float

    @property
    def killed(self) -> bool:
        return self.outcome in ("killed", "timed out")


def reasons(path: Path = REASONS) -> dict[tuple[str, str], str]:
    """Return why survivors may live, by the mutant's name and the text of its line."""
    listed = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {(each["mutant"], each["line"]): each["reason"] for each in listed.get("survivor", ())}


def as_json(results: Sequence[Result], why: Mapping[tuple[str, str], str], **facts: object) -> dict[str, object]:
    """Return everything as one JSON object: `facts` about the run, the counts, and each mutant."""
    rows = [
        {
            "mutant": each.mutant.name,
            "file": each.mutant.file,
            "line": each.mutant.first,
            "text": each.mutant.text,
            "operator": each.mutant.operator,
            "outcome": each.outcome,
            "by": each.by,
            "tests": each.tests,
            "seconds": round(each.seconds, 2),
            "reason": why.get((each.mutant.name, each.mutant.text), ""),
        }
        for each in results
    ]
    counts = dict(Counter(each.outcome for each in results))
    return {**facts, "mutants": len(results), "killed": score(results), "outcomes": counts, "rows": rows}


def score(results: Sequence[Result]) -> float:
    """Return the share of mutants that were killed."""
    return sum(each.killed for each in results) / len(results)


def show(results: Sequence[Result], why: Mapping[tuple[str, str], str], console: Console) -> None:
    """Print a row for each room and each survivor, and the score."""
    rooms = Table("room", "mutants", "killed", "timed out", "survived", "not covered", "void", title="mutants")
    by_room: dict[str, list[Result]] = {}
    for each in results:
        by_room.setdefault(each.mutant.file.removeprefix("src/lutsmith/").rpartition("/")[0], []).append(each)
    for room, found in [*sorted(by_room.items()), ("all", list(results))]:
        counts = Counter(each.outcome for each in found)
        outcomes = ("killed", "timed out", "survived", "not covered", "void")
        rooms.add_row(room, str(len(found)), *(str(counts[outcome]) for outcome in outcomes))
    console.print(rooms)
    alive = Table("where", "change", "line", "outcome", "tests", "why it survives", title="survivors", show_lines=True)
    for each in results:
        if not each.killed:
            reason = why.get((each.mutant.name, each.mutant.text), "no reason given")
            where = f"{each.mutant.file.removeprefix('src/lutsmith/')}:{each.mutant.first}"
            alive.add_row(where, each.mutant.name, each.mutant.text, each.outcome, str(each.tests), reason)
    console.print(alive)
    console.print(f"{score(results):.1%} of {len(results)} mutants killed, expected {LEAST:.0%} or more", style="bold")
