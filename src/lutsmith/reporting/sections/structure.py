"""Fan-out, depth, and the counts of encoder, network and head."""

from __future__ import annotations

from lutsmith.reporting import structure
from lutsmith.reporting.blocks import Figure, LeftOut, PageTable, Section
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import NONE, count
from lutsmith.reporting.svg import column_chart

MOST_LEVELS = 64
"""Levels that are drawn."""


def section(context: Context) -> Section | None:
    """How the circuit is built."""
    if context.circuit is None:
        return None
    circuit = context.circuit
    found = Section("structure", "Structure")
    try:
        parts = structure.counts(circuit)
    except (ValueError, TypeError) as error:
        found.blocks.append(LeftOut(f"LUTs are not split into encoder, network and head: {error}."))
    else:
        rows = [
            [
                "comparators",
                count(len(circuit.encoder)),
                NONE if parts.comparators is None else count(parts.comparators),
            ],
            ["encoder", count(parts.encoder), count(parts.encoder)],
            ["network", count(parts.network), count(parts.network)],
            ["head", NONE, count(parts.head)],
        ]
        total = (parts.comparators or 0) + parts.encoder + parts.network + parts.head
        rows.append(["all" if parts.comparators is not None else "all but comparators", NONE, count(total)])
        found.blocks.append(
            PageTable(
                "LUTs of up to six inputs, written as logic and not yet simplified",
                ("part", "in the model", "as LUTs"),
                rows,
                numbers=(1, 2),
            )
        )
        if parts.comparators is None and len(circuit.encoder):
            found.blocks.append(
                LeftOut(
                    "Comparators are not counted as LUTs: what one takes depends on the word that holds its feature, "
                    "and features are not known to be integers."
                )
            )
    levels = structure.luts_by_level(circuit.netlist)
    if levels.size:
        columns = [(str(place + 1), (float(size),)) for place, size in enumerate(levels[:MOST_LEVELS])]
        chart = column_chart("LUTs by level", columns, ("LUTs",), ("level", "LUTs"))
        more = f"; the first {MOST_LEVELS} are shown" if levels.size > MOST_LEVELS else ""
        found.blocks.append(Figure(chart, f"Depth {levels.size}: a LUT of a level reads only lower ones{more}."))
    groups = structure.fanout_groups(structure.fanout(circuit.netlist))
    columns = [(name, (float(size),)) for name, size in groups]
    chart = column_chart("Signals by fan-out", columns, ("signals",), ("times read", "signals"))
    found.blocks.append(Figure(chart, "Fan-out: how many signals, inputs and LUTs, are read so often."))
    return found
