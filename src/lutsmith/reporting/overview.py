"""The head of a report: what it is about, and the numbers that matter most."""

from __future__ import annotations

from typing import NamedTuple

from lutsmith.data.report import MEASURES
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import count, counted, decimal, percent, size
from lutsmith.reporting.rows import MeasuredRows

MEASURED_ON = {
    "test": "test rows, as recorded",
    "held-out": "held-out rows, as recorded",
    "validation": "validation rows, as recorded",
    "cross-validation": "cross-validation, as recorded",
    "training": "training rows, as recorded",
}
"""Which rows a recorded score is of, in words."""


class Tile(NamedTuple):
    """A number with what it is, and a line below."""

    name: str
    value: str
    note: str


def tiles(context: Context) -> list[Tile]:
    """Return the numbers that matter most."""
    found = []
    score = _score(context)
    if score is not None:
        found.append(score)
    circuit = context.circuit
    if circuit is None:
        return [*found, Tile("steps recorded", count(len(context.subject.steps)), "of a run that has no model")]
    netlist = circuit.netlist
    ranks = [rank for rank in circuit.luts_by_rank() if rank]
    of = f"of rank {ranks[0]}" if len(ranks) == 1 else f"of ranks {min(ranks)} to {max(ranks)}" if ranks else "no LUTs"
    found.append(Tile("LUTs", count(netlist.num_nodes), of))
    found.append(Tile("depth", count(circuit.depth), "levels of LUTs"))
    inputs = len(circuit.inputs)
    found.append(Tile("inputs", count(inputs), f"of {counted(circuit.encoder.num_features, 'feature')}"))
    if netlist.num_registers:
        found.append(Tile("registers", count(netlist.num_registers), "a state over clock cycles"))
    found.append(Tile("model file", size(len(context.subject.content)), "predicts without PyTorch"))
    return found


def _score(context: Context) -> Tile | None:
    measure = MEASURES[context.objective].capitalize() if context.objective != "regression" else "R²"
    shown = decimal if context.objective == "regression" else percent
    if isinstance(context.rows, MeasuredRows):
        return Tile(measure, shown(context.reached), f"{counted(len(context.rows.y), 'row')}: {context.rows.what}")
    recorded = context.subject.recorded_score()
    if recorded is None:
        return None
    return Tile(measure, shown(recorded[0]), MEASURED_ON.get(recorded[1], "as recorded"))


def summary(context: Context) -> str:
    """Return one line about the subject."""
    subject, circuit = context.subject, context.circuit
    task = f" on {subject.task}" if subject.task else ""
    if circuit is None:
        return f"{_capital(subject.kind)}{task}, without a model yet."
    what = "a network of look-up tables" if circuit.netlist.num_nodes else "a circuit without look-up tables"
    if subject.is_alu:
        what = "an arithmetic unit of look-up tables"
    said = {
        "classification": counted(len(context.labels), "class", "classes"),
        "multilabel": counted(len(context.labels), "label"),
        "regression": counted(len(context.labels), "target"),
    }
    labels = f", {said[context.objective]}" if context.labels else ""
    return f"{_capital(subject.kind)}{task}: {what}, input {' × '.join(map(str, circuit.input_shape))}{labels}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
