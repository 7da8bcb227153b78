"""How many samples a second are predicted on the machine that made the report."""

from __future__ import annotations

from lutsmith.reporting.blocks import LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import count, decimal
from lutsmith.reporting.speed import machine, measured

BATCHES = (1, 10_000)
"""Samples at a time, fewer of them where they are wide."""

VALUES = 1 << 24
"""Numbers of a batch at most."""

SECONDS = 0.15
"""How long each is measured."""


def section(context: Context) -> Section | None:
    """Predictions a second."""
    circuit = context.circuit
    if circuit is None:
        return None
    found = Section("speed", "Predictions a second")
    if circuit.netlist.num_registers:
        found.blocks.append(
            LeftOut("Not measured: the circuit has registers, and how often it is clocked is its user's choice.")
        )
        return found
    if circuit.head is None and not circuit.netlist.outputs.size:
        found.blocks.append(LeftOut("Not measured: the circuit has no outputs."))
        return found
    most = max(1, VALUES // circuit.encoder.num_features)
    batches = tuple(dict.fromkeys(min(batch, most) for batch in BATCHES))
    try:
        rows = [
            [count(one.batch), str(one.threads), f"{decimal(one.seconds * 1e3)} ms", count(one.batch / one.seconds)]
            for one in measured(circuit, batches, SECONDS)
        ]
    except (ValueError, TypeError) as error:
        found.blocks.append(LeftOut(f"Not measured: {error}."))
        return found
    header = ("samples at a time", "threads", "median time", "samples a second")
    found.blocks.append(
        PageTable("Prediction of random samples, from features to answers", header, rows, numbers=(0, 1, 2, 3))
    )
    found.blocks.append(
        Text(
            f"Measured when this report was made: {machine()}. Other work on the machine slows it down; "
            "lutsmith bench measures for longer."
        )
    )
    return found
