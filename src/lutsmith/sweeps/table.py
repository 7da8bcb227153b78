"""The table of a sweep: a row for each seed of each combination, and what each combination reaches on the average."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lutsmith.ground.atomic import write_atomically
from lutsmith.sweeps.folder import SeedRow, SweepFolder

CSV, LINES = "table.csv", "table.jsonl"


@dataclass(frozen=True)
class SettingSummary:
    """What a combination of settings reaches with its seeds.

    Attributes:
        setting: its name.
        settings: values by name.
        state: "finished" with all seeds, "pruned", "failed" or "running".
        seeds: how many have finished.
        validation: the mean over these of the score on the validation rows; None without any.
        spread: its standard deviation (of the sample); None of fewer than two.
        luts: mean over these.
        seconds: of training, all of these together.
        error: why it failed.
    """

    setting: str
    settings: Mapping[str, Any]
    state: str
    seeds: int
    validation: float | None
    spread: float | None
    luts: float | None
    seconds: float | None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def summaries(rows: Sequence[SeedRow], seeds: int) -> list[SettingSummary]:
    """Return each combination, the best one first: by the mean score on the validation rows of those that have finished
    with all seeds, of equals the one with fewer LUTs, of these the first by name, so that it does not matter which was
    begun first; then the others.
    """
    groups: dict[str, list[SeedRow]] = {}
    for row in rows:
        groups.setdefault(row.setting, []).append(row)
    found = [_summary(group, seeds) for group in groups.values()]
    return sorted(
        found, key=lambda one: (one.state != "finished", -(one.validation or 0.0), one.luts or 0.0, one.setting)
    )


def _summary(rows: Sequence[SeedRow], seeds: int) -> SettingSummary:
    done = [row for row in rows if row.state == "finished" and row.validation is not None]
    scores = [row.validation for row in done if row.validation is not None]
    others = [row for row in rows if row.state != "finished"]
    state = others[0].state if others else "finished" if len(done) == seeds else "running"
    return SettingSummary(
        setting=rows[0].setting,
        settings=rows[0].settings,
        state=state,
        seeds=len(done),
        validation=statistics.fmean(scores) if scores else None,
        spread=statistics.stdev(scores) if len(scores) > 1 else None,
        luts=statistics.fmean(row.luts or 0 for row in done) if done else None,
        seconds=sum(row.seconds or 0.0 for row in done) if done else None,
        error=next((row.error for row in rows if row.error), None),
    )


def best_row(rows: Sequence[SeedRow], seeds: int) -> SeedRow | None:
    """Return the seed of the best combination with the highest score on the validation rows, of equals the one with
    fewer LUTs; None where no combination has finished.
    """
    ranked = summaries(rows, seeds)
    if not ranked or ranked[0].state != "finished":
        return None
    own = [row for row in rows if row.setting == ranked[0].setting]
    return max(own, key=lambda row: (row.validation or 0.0, -(row.luts or 0)))


def write_table(folder: SweepFolder, rows: Sequence[SeedRow], names: Sequence[str]) -> None:
    """Write the rows as CSV and as lines of JSON; each setting is a column.

    Raises:
        OSError: the files cannot be written.
    """
    told = ("seed", "state", "validation", "luts", "seconds", "error", "setting")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *told])
    for row in rows:
        values = row.to_json()
        writer.writerow([*(_cell(row.settings.get(name)) for name in names), *(_cell(values[name]) for name in told)])
    write_atomically(folder.path / CSV, text.getvalue().encode())
    lines = "".join(json.dumps(row.to_json(), allow_nan=False) + "\n" for row in rows)
    write_atomically(folder.path / LINES, lines.encode())


def _cell(value: Any) -> Any:
    """Return a value for CSV: numbers and texts as they are, nothing for None, all else as JSON."""
    return value if value is None or isinstance(value, (str, int, float)) else json.dumps(value)


def spread_shown(one: SettingSummary) -> str:
    """Return mean and spread in words: `97.20 ± 0.31 %`; of scores that are not shares too."""
    if one.validation is None:
        return "-"
    if one.spread is None:
        return f"{one.validation:.2%}"
    return f"{100 * one.validation:.2f} ± {100 * one.spread:.2f} %"
