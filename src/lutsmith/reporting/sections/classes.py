"""Which classes are confused, and how well each class or label is found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.reporting.blocks import Block, Figure, LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import NONE, count, counted, percent
from lutsmith.reporting.rows import NoRows
from lutsmith.reporting.scores import ClassScores, class_scores, confused_pairs, confusion, label_scores
from lutsmith.reporting.svg import grid_chart

MOST_IN_GRID = 20
"""Classes of a matrix that is drawn; of more, the pairs that are confused most are listed."""

MOST_ROWS = 40
"""Classes, or pairs of them, that a table lists."""


def section(context: Context) -> Section | None:
    """The confusion matrix and the scores of classes; None for regression and for circuits without scores."""
    if context.objective == "regression" or (context.circuit is not None and not context.labels):
        return None
    found = Section("classes", "Scores by class" if context.objective == "classification" else "Scores by label")
    rows = context.rows
    if isinstance(rows, NoRows):
        found.blocks.append(LeftOut(f"No confusion matrix and no scores by class: {rows.why}."))
        return found
    what = f"Measured on {counted(len(rows.y), 'row')}: {rows.what}."
    found.blocks.append(Text(what))
    if context.objective == "multilabel":
        found.blocks.append(_table(label_scores(rows.y.astype(np.bool_), context.said), context.labels, "label"))
        return found
    scores = class_scores(rows.y, context.said, len(context.labels))
    found.blocks += _confused(rows.y, context.said, context.labels, scores)
    found.blocks.append(_table(scores, context.labels, "class"))
    absent = int((scores.rows == 0).sum())
    if absent:
        found.blocks.append(
            Text(
                f"{absent:,} of {counted(len(scores.rows), 'class', 'classes')} have no rows here: no recall is known."
            )
        )
    return found


def _confused(
    truth: NDArray[np.int64], said: NDArray[np.int64], names: tuple[str, ...], scores: ClassScores
) -> list[Block]:
    if len(names) <= MOST_IN_GRID:
        counts = confusion(truth, said, len(names))
        chart = grid_chart("Confusion matrix", counts, names, ("true class", "predicted class"))
        told = (
            "Rows are true classes, columns what the circuit says. The diagonal is right; the stronger the colour, the "
            "larger the share of the row."
        )
        return [Figure(chart, told)]
    pairs = confused_pairs(truth, said, len(names))
    more = max(len(pairs) - MOST_ROWS, 0)
    listed = [[names[i], names[j], count(n), percent(n / scores.rows[i])] for i, j, n in pairs[:MOST_ROWS]]
    rest = f"; {counted(more, 'further pair')} of classes are confused no more often" if more else ""
    return [
        Text(f"{len(names):,} classes are too many for a matrix{rest}."),
        PageTable(
            "Classes that are confused most",
            ("true class", "predicted class", "rows", "share of the class"),
            listed,
            numbers=(2, 3),
        ),
    ]


def _table(scores: ClassScores, names: tuple[str, ...], noun: str) -> PageTable:
    order = np.arange(len(names))
    caption = f"Scores of each {noun}"
    if len(names) > MOST_ROWS:
        order = np.argsort(np.nan_to_num(scores.f1, nan=2.0), kind="stable")[:MOST_ROWS]
        caption = f"The {MOST_ROWS} of {len(names):,} {noun}{'es' if noun == 'class' else 's'} with the lowest F1"
    rows = [
        [
            names[i],
            *(
                percent(value) if np.isfinite(value) else NONE
                for value in (scores.precision[i], scores.recall[i], scores.f1[i])
            ),
            count(scores.rows[i]),
        ]
        for i in order
    ]
    if len(names) <= MOST_ROWS:
        rows.append(
            [
                "mean",
                *(_mean(values) for values in (scores.precision, scores.recall, scores.f1)),
                count(scores.rows.sum()),
            ]
        )
    return PageTable(caption, (noun, "precision", "recall", "F1", "rows"), rows, numbers=(1, 2, 3, 4))


def _mean(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return percent(known.mean()) if known.size else NONE
