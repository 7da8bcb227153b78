"""For regression: how far predicted numbers are from the true ones."""

from __future__ import annotations

import numpy as np

from lutsmith.data.report import score
from lutsmith.reporting.blocks import Figure, LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import counted, decimal
from lutsmith.reporting.rows import NoRows
from lutsmith.reporting.svg import scatter_chart

MOST_POINTS = 500
"""Rows that are drawn, the first of a random order."""

MOST_TARGETS = 4
"""Targets that are drawn."""


def section(context: Context) -> Section | None:
    """Errors of each target; None for other objectives."""
    if context.circuit is None or context.objective != "regression":
        return None
    found = Section("numbers", "Predicted numbers")
    rows = context.rows
    if isinstance(rows, NoRows):
        found.blocks.append(LeftOut(f"No errors: {rows.why}."))
        return found
    truth, said = rows.y.astype(np.float64), context.said.astype(np.float64)
    error = said - truth
    names = context.labels
    table = [
        [name, decimal(score("regression", said[:, [i]], truth[:, [i]])), decimal(np.abs(error[:, i]).mean()),
         decimal(np.sqrt((error[:, i] ** 2).mean()))]
        for i, name in enumerate(names)
    ]  # fmt: skip
    found.blocks.append(Text(f"Measured on {counted(len(truth), 'row')}: {rows.what}."))
    header = ("target", "R²", "mean absolute error", "root mean squared error")
    found.blocks.append(PageTable("Errors of each target", header, table, numbers=(1, 2, 3)))
    some = np.random.default_rng(0).permutation(len(truth))[:MOST_POINTS]
    for i, name in enumerate(names[:MOST_TARGETS]):
        chart = scatter_chart(
            f"Predicted and true values of {name}", truth[some, i], said[some, i], ("true", "predicted")
        )
        found.blocks.append(
            Figure(chart, f"{counted(len(some), 'row')}: on the line a prediction is exact. Target: {name}.")
        )
    return found
