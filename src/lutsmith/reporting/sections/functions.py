"""What the LUTs compute, rank by rank."""

from __future__ import annotations

import numpy as np

from lutsmith.reporting.blocks import Figure, PageTable, Section
from lutsmith.reporting.context import Context
from lutsmith.reporting.functions import KINDS, MEANINGS, kinds_by_rank
from lutsmith.reporting.numerals import count, percent
from lutsmith.reporting.svg import bar_chart


def section(context: Context) -> Section | None:
    """A histogram of kinds of functions; None without LUTs."""
    if context.circuit is None or not context.circuit.netlist.num_nodes:
        return None
    netlist = context.circuit.netlist
    by_rank = kinds_by_rank(netlist)
    found = Section("functions", "What the LUTs compute")
    total = np.sum(list(by_rank.values()), axis=0)
    rows = [(kind, (float(total[place]),)) for place, kind in enumerate(KINDS) if total[place]]
    chart = bar_chart("LUTs by kind of function", rows, ("LUTs",), count)
    distinct = f"{netlist.table_pool.size:,} different tables in {netlist.num_nodes:,} LUTs"
    found.blocks.append(Figure(chart, f"LUTs by kind of function: {distinct}."))
    meanings = [[kind, MEANINGS[kind]] for place, kind in enumerate(KINDS) if total[place]]
    found.blocks.append(PageTable("What the kinds are", ("kind", "meaning"), meanings))
    listed = []
    for rank, counts in by_rank.items():
        cells = [count(value) if value else "0" for value in counts]
        listed.append([str(rank), count(counts.sum()), percent(counts.sum() / netlist.num_nodes), *cells])
    header = ("rank", "LUTs", "share", *KINDS)
    found.blocks.append(PageTable("Kinds of functions by rank", header, listed, numbers=tuple(range(len(header)))))
    return found
