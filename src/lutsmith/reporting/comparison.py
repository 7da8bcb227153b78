"""`compare`: two runs, models or circuits side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from lutsmith.data.report import MEASURES
from lutsmith.ground.arguments import is_finite
from lutsmith.reporting import structure
from lutsmith.reporting.blocks import Figure, LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import NONE, count, decimal, percent, points, size
from lutsmith.reporting.overview import Tile, summary
from lutsmith.reporting.page import HtmlPage, page
from lutsmith.reporting.rows import MeasuredRows, NoRows, Source, find_rows
from lutsmith.reporting.sections.curves import across, column
from lutsmith.reporting.sections.origin import settings
from lutsmith.reporting.sections.speed import SECONDS
from lutsmith.reporting.speed import measured
from lutsmith.reporting.subject import Subject
from lutsmith.reporting.svg import Series, line_chart

BATCH = 10_000
"""Samples at a time that the speed is measured with, on one thread."""

Rows = tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Comparison:
    """Two subjects side by side; all values are texts.

    Attributes:
        names: what the two are called.
        figures: name, value of the first, value of the second, and the difference (second minus first) where there is
            one.
        settings: those that differ: name, value of the first, value of the second.
        notes: what is odd or missing.
        page: the same as a page, with curves.
    """

    names: tuple[str, str]
    figures: Rows
    settings: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    page: HtmlPage

    def to_json(self) -> dict[str, Any]:
        """Return all but the page."""
        return {
            "names": list(self.names),
            "figures": [dict(zip(("name", "first", "second", "difference"), row, strict=True)) for row in self.figures],
            "settings": [dict(zip(("name", "first", "second"), row, strict=True)) for row in self.settings],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def compare(
    first: Any,
    second: Any,
    path: str | PathLike[str] | None = None,
    *,
    X: Any = None,
    y: Any = None,
    data: Source = None,
    task: str | None = None,
    target: str | int | None = None,
) -> Comparison:
    """Compare two runs, models or circuits side by side: scores, counts, settings that differ, and their curves.

        print(lutsmith.compare("runs/small", "runs/large", "compare.html").figures)

    Args:
        first: as `source` of `report`.
        second: likewise.
        path: where the page goes: whole or not at all; a file that is there is replaced.
        X: samples to measure both on, as for `report`; without them each is measured on its own rows.
        y: the true answers for them.
        data: where rows for both are, as for `report`.
        task: where they come from, by name.
        target: the label column of a table.

    Raises:
        TypeError, ValueError, OSError: as for `report`.
    """
    both = [Subject.of(source) for source in (first, second)]
    contexts = [Context(subject, find_rows(subject, X, y, data, task, target)) for subject in both]
    names = (both[0].name, both[1].name)
    if names[0] == names[1]:
        names = (f"{names[0]} (first)", f"{names[1]} (second)")
    figures, differing = _figures(contexts), _differing(contexts)
    notes = [f"{name}: {note}" for name, subject in zip(names, both, strict=True) for note in subject.notes]
    rows = [context.rows for context in contexts]
    if all(isinstance(each, MeasuredRows) for each in rows) and not _same_rows(contexts):
        notes.append("The two are measured on different rows: their scores cannot be compared.")
    of = [_recorded_on(subject) for subject in both]
    if None not in of and of[0] != of[1]:
        told = " and of ".join(f"{place[1]} rows of {place[0]}" for place in of if place is not None)
        notes.append(f"The scores that the runs recorded are of {told}: they cannot be compared.")
    notes += [
        f"{name}: not measured, because {each.why}."
        for name, each in zip(names, rows, strict=True)
        if isinstance(each, NoRows)
    ]
    sections = [_numbers(names, figures), _curves(names, both), _settings(names, differing)]
    if (agreed := _agreement(names, contexts)) is not None:
        sections.insert(1, agreed)
    tiles = [tile for name, context in zip(names, contexts, strict=True) for tile in _tiles(name, context)]
    told = " ".join(f"{name}: {summary(context)}" for name, context in zip(names, contexts, strict=True))
    made = page("lutsmith compare", f"{names[0]} and {names[1]}", told, tiles, notes, sections)
    if path is not None:
        made.save(path)
    return Comparison(names, figures, differing, tuple(notes), made)


def _recorded_on(subject: Subject) -> tuple[str, str] | None:
    """The task, and the rows of it, that a recorded score is of; None without one."""
    if subject.result is None or not is_finite(subject.result.get("score")):
        return None
    return subject.task or "data in memory", str(subject.result.get("measured_on"))


def _figures(contexts: Sequence[Context]) -> Rows:
    """All numbers of both, and how far they are apart."""
    columns = [_of_one(context) for context in contexts]
    found = []
    for name, shown, apart in _FIGURES:
        one, two = (values.get(name) for values in columns)
        if one is None and two is None:
            continue
        difference = NONE
        if one is not None and two is not None and is_finite(one) and is_finite(two):
            difference = "equal" if one == two else apart(two - one)
        found.append((name, shown(one), shown(two), difference))
    return tuple(found)


def _of_one(context: Context) -> dict[str, Any]:
    circuit, result = context.circuit, context.subject.result or {}
    regression = context.objective == "regression"
    found: dict[str, Any] = {
        "R²" if regression else MEASURES[context.objective]: context.reached,
        "score that the run recorded": None if regression else result.get("score"),
        "soft score that the run recorded": None if regression else result.get("soft_score"),
        "training, seconds": result.get("train_seconds"),
        "steps recorded": len(context.subject.steps) or None,
    }
    if circuit is None:
        return found
    found |= {
        "LUTs": circuit.netlist.num_nodes,
        "depth": circuit.depth,
        "different tables": circuit.netlist.table_pool.size,
        "comparators": len(circuit.encoder),
        "features that are read": int((structure.reads_by_feature(circuit) > 0).sum()),
        "model file, bytes": len(context.subject.content),
    }
    try:
        parts = structure.counts(circuit)
        found |= {"LUTs of the head": parts.head, "LUTs of comparators": parts.comparators}
        (speed,) = [one for one in measured(circuit, (BATCH,), SECONDS) if one.threads == 1]
        found["predictions a second, one thread"] = speed.batch / speed.seconds
    except (ValueError, TypeError):  # a circuit that has no design, or takes other samples: there is no such number
        pass
    return found


_FIGURES = (
    *((measure, percent, points) for objective, measure in MEASURES.items() if objective != "regression"),
    ("R²", decimal, lambda apart: f"{apart:+.4g}"),
    ("score that the run recorded", percent, points),
    ("soft score that the run recorded", percent, points),
    *((name, count, lambda apart: f"{apart:+,.0f}") for name in (
        "LUTs", "depth", "different tables", "comparators", "features that are read", "LUTs of the head",
        "LUTs of comparators", "model file, bytes", "predictions a second, one thread", "steps recorded",
    )),
    ("training, seconds", decimal, lambda apart: f"{apart:+,.1f}"),
)  # fmt: skip
"""What is told of both: its name, how it is shown, and how a difference is."""


def _differing(contexts: Sequence[Context]) -> tuple[tuple[str, str, str], ...]:
    one, two = (settings(context) for context in contexts)
    names = [name for name in dict.fromkeys((*one, *two)) if one.get(name) != two.get(name)]
    return tuple((name, one.get(name, NONE), two.get(name, NONE)) for name in names)


def _same_rows(contexts: Sequence[Context]) -> bool:
    one, two = (context.rows for context in contexts)
    return isinstance(one, MeasuredRows) and isinstance(two, MeasuredRows) and one.checksum == two.checksum


def _tiles(name: str, context: Context) -> list[Tile]:
    reached = context.reached
    shown = NONE if reached is None else decimal(reached) if context.objective == "regression" else percent(reached)
    luts = NONE if context.circuit is None else count(context.circuit.netlist.num_nodes)
    of = size(len(context.subject.content)) if context.circuit is not None else "no model yet"
    what = context.rows.what if isinstance(context.rows, MeasuredRows) else "not measured"
    return [Tile(f"score of {name}", shown, what), Tile(f"LUTs of {name}", luts, of)]


def _numbers(names: tuple[str, str], figures: Rows) -> Section:
    table = PageTable(
        "Scores, sizes and speed", ("", *names, "second minus first"), figures, numbers=(1, 2, 3), wide=True
    )
    return Section("numbers", "Numbers", [table])


def _agreement(names: tuple[str, str], contexts: Sequence[Context]) -> Section | None:
    """Which rows each gets right; None where they are not the same rows and classes."""
    one, two = contexts
    if not _same_rows(contexts) or not all(context.objective == "classification" for context in contexts):
        return None
    assert isinstance(one.rows, MeasuredRows)
    assert isinstance(two.rows, MeasuredRows)
    right = [context.said == context.rows.y for context in (one, two)]  # type: ignore[union-attr]
    told = [
        ("both are right", right[0] & right[1]),
        (f"only {names[0]} is right", right[0] & ~right[1]),
        (f"only {names[1]} is right", ~right[0] & right[1]),
        ("neither is right", ~right[0] & ~right[1]),
    ]
    rows = [[what, count(rows.sum()), percent(rows.mean())] for what, rows in told]
    table = PageTable("Rows by who is right", ("", "rows", "share"), rows, numbers=(1, 2))
    return Section("agreement", "Row by row", [table, Text(f"Both are measured on the same rows: {one.rows.what}.")])


def _curves(names: tuple[str, str], both: Sequence[Subject]) -> Section:
    found = Section("curves", "Training")
    kinds = [across(subject.steps) for subject in both]
    same = len({axis for (axis, _), subject in zip(kinds, both, strict=True) if subject.steps}) < 2
    axis = next((axis for (axis, _), subject in zip(kinds, both, strict=True) if subject.steps), "step")
    for key, title, shares in (("loss", "Loss", False), ("hard", "Score of the circuit on validation rows", True)):
        series = []
        for place, (name, subject, (_, x)) in enumerate(zip(names, both, kinds, strict=True)):
            y = column(subject.steps, key)
            if np.isfinite(y).any():
                series.append(Series(name, x if same else 100 * x / x[-1], y, place))
        if series:
            label = axis if same else "percent of training"
            chart = line_chart(f"{title} of both", series, (label, "score" if shares else "loss"), shares=shares)
            found.blocks.append(
                Figure(chart, f"{title}." if len(series) > 1 else f"{title}: only {series[0].name} has recorded one.")
            )
    if not found.blocks:
        found.blocks.append(LeftOut("Neither has curves: folders of runs hold them, model files do not."))
    return found


def _settings(names: tuple[str, str], differing: tuple[tuple[str, str, str], ...]) -> Section:
    if not differing:
        return Section("settings", "Settings that differ", [Text("None: all settings that are known are equal.")])
    return Section(
        "settings",
        "Settings that differ",
        [PageTable("Settings that differ", ("setting", *names), differing, wide=True)],
    )
