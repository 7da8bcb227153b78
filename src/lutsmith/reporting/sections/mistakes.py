"""The mistakes of which a classifier is most certain: as pictures where samples are images, else as rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.features.names import number_text
from lutsmith.ground.printable import shortened
from lutsmith.reporting.blocks import LeftOut, PageTable, Picture, Pictures, Section, Text
from lutsmith.reporting.context import Context, shown_name
from lutsmith.reporting.images import image_form, pixels
from lutsmith.reporting.numerals import NONE, counted
from lutsmith.reporting.rows import MeasuredRows, NoRows
from lutsmith.reporting.structure import reads_by_feature

SHOWN_IMAGES, SHOWN_ROWS = 24, 12
"""How many mistakes are shown."""

VALUES = 1 << 25
"""Scores that are looked at to find them; of more mistakes, the first."""

SHOWN_FEATURES = 10
"""Columns of a table of mistakes: the features that are read most."""


def section(context: Context) -> Section | None:
    """The mistakes with the largest lead of a wrong class over the true one; None if the circuit predicts no
    classes.
    """
    if context.circuit is not None and not context.circuit.is_classifier:
        return None
    found = Section("mistakes", "Mistakes")
    rows = context.rows
    if isinstance(rows, NoRows):
        found.blocks.append(LeftOut(f"No mistakes to show: {rows.why}."))
        return found
    wrong = np.flatnonzero(context.said != rows.y)
    if not wrong.size:
        found.blocks.append(Text(f"There are none: all {counted(len(rows.y), 'row')} are right."))
        return found
    looked = wrong[: max(1, VALUES // len(context.labels))]
    scores, each = context.scores_of(looked).astype(np.int64), np.arange(looked.size)
    lead = scores[each, context.said[looked]] - scores[each, rows.y[looked]]
    order = looked[np.argsort(-lead, kind="stable")]
    leads = np.sort(lead)[::-1]
    assert context.circuit is not None
    form = image_form(context.circuit.input_shape)
    shown = order[: SHOWN_ROWS if form is None else SHOWN_IMAGES]
    found.blocks.append(
        Text(
            f"{counted(wrong.size, 'mistake')} in {counted(len(rows.y), 'row')}. Shown are the {len(shown)} with the "
            "largest lead: votes of the predicted class minus votes of the true one."
        )
    )
    if form is None:
        found.blocks.append(_table(context, rows, shown, leads))
        return found
    images = pixels(rows.x[shown], form, context.circuit.fitted_range)
    pictures = []
    for image, row, votes in zip(images, shown, leads, strict=False):
        true, said = context.labels[rows.y[row]], context.labels[context.said[row]]
        alt = f"Row {row}: a sample of class {true} that was taken for {said}"
        pictures.append(Picture(image, alt, f"{shortened(true, 16)} → {shortened(said, 16)}, +{votes}"))
    found.blocks.append(Pictures(tuple(pictures)))
    found.blocks.append(Text("Below each: true class → predicted class, and the lead."))
    return found


def _table(context: Context, rows: MeasuredRows, shown: NDArray[np.int64], leads: NDArray[np.int64]) -> PageTable:
    assert context.circuit is not None
    reads = reads_by_feature(context.circuit)
    picked = np.sort(np.argsort(-reads, kind="stable")[:SHOWN_FEATURES])
    picked = picked[reads[picked] > 0]
    header = ("row", "true", "predicted", "lead", *(context.names[feature] for feature in picked))
    listed = []
    for row, votes in zip(shown, leads, strict=False):
        cells = [value_text(context, int(feature), float(rows.x[row, feature])) for feature in picked]
        listed.append([str(row), context.labels[rows.y[row]], context.labels[context.said[row]], f"+{votes}", *cells])
    some = "" if len(picked) == len(context.names) else f", with the {len(picked)} features that are read most"
    return PageTable(f"Mistakes with the largest lead{some}", header, listed, numbers=(0, 3))


def value_text(context: Context, feature: int, value: float) -> str:
    """Return a feature's value as the data had it: the name of a category, or a number."""
    if np.isnan(value):
        return "missing"
    assert context.circuit is not None
    categories = context.circuit.metadata.categories
    names = categories[feature] if categories else None
    if names is not None:
        return shown_name(names[int(value)]) if value == int(value) and 0 <= value < len(names) else NONE
    return number_text(value)
