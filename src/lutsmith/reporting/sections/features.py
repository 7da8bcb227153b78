"""Which features the circuit is wired to, and how often each decides."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.traits import traits_of
from lutsmith.explaining import Importances, importances
from lutsmith.reporting.blocks import Block, Figure, LeftOut, Picture, Pictures, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.images import ImageForm, heat_map, image_form
from lutsmith.reporting.numerals import counted
from lutsmith.reporting.rows import NoRows
from lutsmith.reporting.structure import reads_by_feature
from lutsmith.reporting.svg import bar_chart

SHOWN = 20
"""Features that a chart lists."""

MOST_ROWS, FEWEST_ROWS = 500, 20
"""Rows on which it is counted how often features decide."""

WORK = 6e9
"""LUTs that are evaluated for it at most; of larger circuits fewer rows are taken."""


def section(context: Context) -> Section | None:
    """Maps over the image, or bars of features."""
    if context.circuit is None:
        return None
    found = Section("features", "What it reads, and what decides")
    reads = reads_by_feature(context.circuit)
    used = int((reads > 0).sum())
    found.blocks.append(Text(f"{used:,} of {counted(reads.size, 'feature')} are wired."))
    told = _decisive(context, context.circuit)
    form = image_form(context.circuit.input_shape)
    if form is not None:
        found.blocks += _maps(reads, told, form)
    elif used:
        found.blocks += _bars(context, reads, told)
    if isinstance(told, str):
        found.blocks.append(LeftOut(f"How often features decide is left out: {told}."))
    else:
        found.blocks.append(
            Text(
                "A feature decides a row if some other value of it, all else equal, changes the answer "
                "(lutsmith.importances). It matters little where exchanging its values among rows changes few answers."
            )
        )
    return found


def _decisive(context: Context, circuit: Circuit) -> Importances | str:
    """How often each feature decides, or why that is not known."""
    told = traits_of(circuit)
    if traits := [told[trait] for trait in ("integers", "several heads", "places", "registers") if trait in told]:
        return f"the circuit has {' and '.join(traits)}"
    if isinstance(context.rows, NoRows):
        return context.rows.why
    values = len(circuit.inputs) + 3 * np.unique(circuit.inputs.feature).size  # levels, the missing value, an exchange
    rows = int(WORK / max(1.0, values * max(circuit.netlist.num_nodes, 64)))
    rows = max(FEWEST_ROWS, min(MOST_ROWS, rows))
    some = np.sort(np.random.default_rng(0).permutation(len(context.rows.x))[:rows])
    return importances(circuit, context.rows.x[some], rows=rows, repeats=1)


def _maps(reads: NDArray[np.int64], told: Importances | str, form: ImageForm) -> list[Block]:
    grey = "" if form.channels == 1 else " The channels are added up."
    most = int(reads.reshape(form).sum(axis=0).max(initial=0))
    maps = [
        Picture(
            heat_map(reads.astype(np.float64), form),
            f"Map of {form.height} by {form.width} pixels: how often LUTs read each; at most {most:,} times",
            f"How often each pixel is read: at most {most:,} times.{grey}",
        )
    ]
    if not isinstance(told, str):
        high = float(np.nanmax(told.pivotal, initial=0.0))
        alt = f"Map of {form.height} by {form.width} pixels: the share of rows that each decides; at most {high:.1%}"
        maps.append(
            Picture(
                heat_map(told.pivotal, form), alt, f"How often each pixel decides: in at most {high:.1%} of the rows."
            )
        )
    return [Pictures(tuple(maps), large=True)]


def _bars(context: Context, reads: NDArray[np.int64], told: Importances | str) -> list[Block]:
    key = reads.astype(np.float64) if isinstance(told, str) else np.nan_to_num(told.pivotal)
    order = np.lexsort([-reads, -key])[:SHOWN]
    order = order[reads[order] > 0]
    some = "" if int((reads > 0).sum()) <= len(order) else f" The first {len(order)} are shown."
    names = [context.names[place] for place in order]
    blocks: list[Block] = []
    if not isinstance(told, str):
        rows = [(name, (told.pivotal[place], told.permuted[place])) for name, place in zip(names, order, strict=True)]
        chart = bar_chart("How often each feature decides", rows, ("decides", "exchanged"), _percent)
        blocks.append(
            Figure(
                chart,
                "Share of rows whose answer some other value of the feature changes, and whose answer changes where "
                f"its values are exchanged.{some}",
            )
        )
    wired = [(name, (float(reads[place]),)) for name, place in zip(names, order, strict=True)]
    blocks.append(
        Figure(
            bar_chart("How often each feature is read", wired, ("reads",)),
            f"Inputs of LUTs and outputs that read the feature.{some}",
        )
    )
    return blocks


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else "–"
