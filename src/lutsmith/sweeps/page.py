"""The page of a sweep: the best combination, all of them in order, how each setting matters, and every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lutsmith.reporting.blocks import Block, Figure, LeftOut, PageTable, Section, Text
from lutsmith.reporting.numerals import NONE, count, decimal
from lutsmith.reporting.overview import Tile
from lutsmith.reporting.page import HtmlPage, page
from lutsmith.reporting.svg import scatter_chart
from lutsmith.sweeps.job import Job, value_shown

MOST = 500
"""Rows of a table; of more, the first ones are shown, and the CSV has them all."""


def sweep_page(found: Mapping[str, Any], names: Sequence[str], job: Job) -> HtmlPage:
    """Return the page.

    Args:
        found: what `SweepResult.to_json` gives.
        names: of the settings that vary.
        job: the sweep.
    """
    task = found["task"] or "data in memory"
    best, settings = found["best"], found["settings"]
    states = {
        state: sum(one["state"] == state for one in settings) for state in ("finished", "pruned", "failed", "running")
    }
    told = ", ".join(f"{number} {state}" for state, number in states.items() if number)
    summary = (
        f"{found['measure'].capitalize()} on validation rows chose among {job.trials} combinations of settings"
        f" ({told or 'none begun'}), each trained with {len(job.space.seeds)} seeds, by {found['engine']}."
    )
    tiles = [Tile("combinations", count(len(settings)), told)]
    notes = []
    if best is not None:
        tiles.insert(0, Tile("validation", _score(best["validation"]), f"seed {best['seed']} of the best combination"))
        tiles.append(Tile("LUTs", count(best["luts"]), "of the best circuit"))
        if best["score"] is not None:
            tiles.append(Tile(best["measured_on"], _score(best["score"]), "nothing was chosen by these rows"))
    else:
        notes.append("No combination has finished yet.")
    sections = [
        Section("best", "The best combination", _best(best)),
        Section("settings", "Combinations", _settings(settings, names)),
        Section("influence", "Setting by setting", _influence(settings, names)),
        Section("runs", "Runs", _runs(found["rows"], names)),
    ]
    return page("lutsmith sweep", f"Sweep of {task}", summary, tiles, notes, sections)


def _best(best: Mapping[str, Any] | None) -> list[Block]:
    if best is None:
        return [LeftOut("There is none yet.")]
    exact = {
        name: repr(value) if isinstance(value, float) else value_shown(value)
        for name, value in best["settings"].items()
    }
    rows = [[name, value] for name, value in exact.items()]
    return [PageTable("Its settings", ("setting", "value"), rows), Text(f"The model is {best['model']}.")]


def _settings(settings: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Block]:
    header = (*names, "state", "seeds", "validation", "spread", "LUTs", "seconds")
    rows = [
        [
            *(value_shown(one["settings"].get(name)) for name in names),
            one["state"] + (f": {one['error']}" if one["error"] else ""),
            str(one["seeds"]),
            _score(one["validation"]),
            _score(one["spread"]),
            NONE if one["luts"] is None else count(one["luts"]),
            NONE if one["seconds"] is None else decimal(one["seconds"]),
        ]
        for one in settings[:MOST]
    ]
    numbers = tuple(range(len(names) + 1, len(header)))
    table = PageTable("Combinations, the best first", header, rows, numbers=numbers, wide=True)
    return [table, *_cut(len(settings))]


def _influence(settings: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Block]:
    """A table of the mean score of each value, or a chart of points for numbers."""
    done = [one for one in settings if one["state"] == "finished" and one["validation"] is not None]
    found: list[Block] = []
    for name in names:
        values = [one["settings"][name] for one in done]
        scores = np.array([one["validation"] for one in done], np.float64)
        different = list(dict.fromkeys(map(value_shown, values)))
        if len(different) < 2:
            continue
        if len(different) > 12 and all(isinstance(value, (int, float)) for value in values):
            chart = scatter_chart(f"{name} and validation", np.array(values, np.float64), scores, (name, "validation"))
            found.append(Figure(chart, f"Score on validation rows by {name}."))
            continue
        keys = np.array(list(map(value_shown, values)))
        own = {key: scores[keys == key] for key in different[:MOST]}
        rows = [[key, str(of.size), _score(of.mean()), _score(of.max())] for key, of in own.items()]
        header = (name, "combinations", "mean", "best")
        found.append(PageTable(f"Validation by {name}", header, rows, numbers=(1, 2, 3)))
    return found or [LeftOut("Fewer than two values of each setting have finished.")]


def _runs(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Block]:
    header = (*names, "seed", "state", "validation", "LUTs", "seconds", "folder")
    cells = [
        [
            *(value_shown(row["settings"].get(name)) for name in names),
            str(row["seed"]),
            row["state"],
            _score(row["validation"]),
            NONE if row["luts"] is None else count(row["luts"]),
            NONE if row["seconds"] is None else decimal(row["seconds"]),
            f"trials/{row['setting']}/seed-{row['seed']}",
        ]
        for row in rows[:MOST]
    ]
    numbers = (len(names), len(names) + 2, len(names) + 3, len(names) + 4)
    return [PageTable("Every run", header, cells, numbers=numbers, wide=True), *_cut(len(rows))]


def _cut(rows: int) -> list[Block]:
    return [LeftOut(f"{rows - MOST:,} more are in table.csv.")] if rows > MOST else []


def _score(value: Any) -> str:
    return NONE if value is None else f"{100 * float(value):.2f} %"
