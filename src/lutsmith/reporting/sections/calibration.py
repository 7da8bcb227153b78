"""Whether the probabilities from the scores agree with how often a classifier is right."""

from __future__ import annotations

import numpy as np

from lutsmith.data.calibration import calibration
from lutsmith.reporting.blocks import Figure, LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import NONE, count, decimal, percent
from lutsmith.reporting.rows import NoRows
from lutsmith.reporting.svg import reliability_chart

VALUES = 1 << 25
"""Probabilities, rows times classes, at the most."""

FEWEST = 20
"""Rows that a temperature is fitted on at the least: both halves of them."""


def section(context: Context) -> Section | None:
    """Reliability, expected calibration error and Brier score; None if the circuit predicts no classes."""
    if context.circuit is not None and not context.circuit.is_classifier:
        return None
    found = Section("calibration", "Calibration")
    rows = context.rows
    if isinstance(rows, NoRows):
        found.blocks.append(LeftOut(f"No calibration: {rows.why}."))
        return found
    if len(context.labels) < 2 or len(rows.y) < FEWEST or np.unique(rows.y).size < 2:
        found.blocks.append(
            LeftOut(f"No calibration: it takes at least two classes and {FEWEST} rows of more than one class.")
        )
        return found
    if len(rows.y) * len(context.labels) > VALUES:
        what = f"{len(rows.y):,} rows of {len(context.labels):,} classes"
        found.blocks.append(LeftOut(f"No calibration: {what} are more than {VALUES:,} probabilities."))
        return found
    try:
        told = calibration(context.probabilities, rows.y)
    except ModuleNotFoundError as error:
        found.blocks.append(
            LeftOut(f"No calibration: {error.name} is not installed, which fits it (pip install 'lutsmith[sklearn]').")
        )
        return found
    found.blocks.append(
        Text(
            "The circuit gives integer scores. Probabilities are their softmax at one temperature. Each half of the "
            "rows has the temperature that fits the other half, so that no row decides its own probability."
        )
    )
    chart = reliability_chart("Reliability diagram", told.confidence, told.right, told.count)
    found.blocks.append(
        Figure(
            chart,
            "On the dashed line, answers of confidence p are right in a share p of the rows. Larger dots stand for "
            "more rows.",
        )
    )
    bins = len(told.count)
    listed = [
        [f"{place / bins:.1f} to {(place + 1) / bins:.1f}", count(told.count[place]),
         *(percent(values[place]) if np.isfinite(values[place]) else NONE for values in (told.confidence, told.right))]
        for place in range(bins) if told.count[place]
    ]  # fmt: skip
    header = ("confidence", "rows", "mean confidence", "share right")
    found.blocks.append(PageTable("Rows by confidence", header, listed, numbers=(1, 2, 3)))
    found.blocks.append(
        Text(
            f"Expected calibration error: {percent(told.error)}. Brier score: {decimal(told.brier)}. Log loss: "
            f"{decimal(told.log_loss)}. Of all three lower is better."
        )
    )
    return found
