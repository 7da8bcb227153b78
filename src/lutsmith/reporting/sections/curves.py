"""How training went: the loss, what the soft and the hard network reached, and the gap between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.reporting.blocks import Figure, LeftOut, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import counted
from lutsmith.reporting.svg import Series, line_chart

STEPS = {"epoch": "epoch", "round": "round", "step": "step", "generation": "generation"}
"""What the first key of a line of metrics may be called."""


def section(context: Context) -> Section | None:
    """The curves of a run."""
    found = Section("curves", "Training")
    subject = context.subject
    if subject.is_alu:
        return None  # cells are learned exactly: their section says from how many examples
    if not subject.steps:
        why = (
            "A model alone does not hold the curves of its training"
            if subject.folder is None
            else "The folder has no metrics.jsonl"
        )
        found.blocks.append(LeftOut(f"{why}; the folder of a run does."))
        return found
    axis, x = across(subject.steps)
    losses = [Series(name, x, values) for name, values in _columns(subject.steps, LOSSES)]
    scores = [Series(name, x, values, colour) for (name, values), colour in zip(*_scores(subject.steps), strict=True)]
    if losses:
        found.blocks.append(Figure(line_chart("Loss over training", losses, (axis, "loss")), "Loss. Lower is better."))
    if scores:
        chart = line_chart("Scores on validation rows over training", scores, (axis, "validation score"), shares=True)
        soft = len(scores) > 1
        told = (
            "Hard is the circuit; soft is the network before its tables are rounded."
            if soft
            else "What the circuit reaches on validation rows."
        )
        found.blocks.append(Figure(chart, told))
    gap = column(subject.steps, "gap")
    if np.isfinite(gap).any():
        chart = line_chart(
            "Gap between soft and hard", [Series("soft − hard", x, gap)], (axis, "gap"), shares=True, from_zero=True
        )
        found.blocks.append(Figure(chart, "What rounding the tables costs: soft minus hard."))
    luts = column(subject.steps, "luts")
    if np.isfinite(luts).any() and np.unique(luts[np.isfinite(luts)]).size > 1:
        chart = line_chart("LUTs over training", [Series("LUTs", x, luts)], (axis, "LUTs"), from_zero=True)
        found.blocks.append(Figure(chart, "How the network grew."))
    broken = sum(not np.isfinite(float(step["loss"])) for step in subject.steps if isinstance(step.get("loss"), float))
    if broken:
        found.blocks.append(
            Text(f"The loss is not a finite number in {counted(broken, 'step')}: curves are broken there.")
        )
    if not any(isinstance(block, Figure) for block in found.blocks):
        found.blocks.append(LeftOut("The lines of metrics.jsonl hold no losses and no scores."))
    elif not scores:
        found.blocks.append(LeftOut("No scores were recorded: training had no validation rows."))
    return found


LOSSES = {"loss": "training", "validation_loss": "validation"}
"""Keys of losses, and what curves of them are called."""

SCORES = {"hard": "hard", "soft": "soft"}
"""Keys of scores."""


def across(steps: Sequence[Mapping[str, Any]]) -> tuple[str, NDArray[np.float64]]:
    """Return the name of the axis of steps, and where each step lies on it."""
    name = next(iter(steps[0])) if steps else "step"
    if name in STEPS:
        x = column(steps, name)
        if np.isfinite(x).all():
            return STEPS[name], x
    return "step", np.arange(1, len(steps) + 1, dtype=np.float64)


def column(steps: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """Return float64 (steps,), an entry of each step; NaN where it has none, or one that is not a number."""
    return np.array([_number(step.get(name)) for step in steps], np.float64)


def _columns(steps: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[tuple[str, NDArray[np.float64]]]:
    found = [(shown, column(steps, name)) for name, shown in names.items()]
    return [(shown, values) for shown, values in found if np.isfinite(values).any()]


def _scores(steps: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, NDArray[np.float64]]], list[int]]:
    found = _columns(steps, SCORES)
    return found, [0 if name == "hard" else 1 for name, _ in found]


def _number(value: Any) -> float:
    """A number as float64; NaN for what is none, and for integers beyond what float64 holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.nan
