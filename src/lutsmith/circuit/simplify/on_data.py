"""Circuits that are equal on given data only: table entries that no row reads are chosen so that the circuits get
smaller.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.engine import Engine
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.circuit.rows import as_rows
from lutsmith.circuit.simplify.care import entries, look, use_freedom
from lutsmith.circuit.simplify.circuits import rebuilt, recorded
from lutsmith.circuit.simplify.passes import Record, checked_settings, run_passes
from lutsmith.circuit.simplify.steps import Step, facts, table
from lutsmith.ground.arrays import integers
from lutsmith.ground.printable import html_table

ON_DATA = "on the given data only"

COMPARED = 1 << 16
"""Rows whose outputs are compared at a time."""


@dataclass(frozen=True)
class CareProof:
    """What is known about the result: its outputs are those of the given circuit on these rows; nothing is known
    elsewhere.

    Attributes:
        rows: N, all of which were evaluated on both circuits after the last change.
        outputs: O; all N O output bits are equal, and so are all scores and predictions.
        entries: table entries of the LUTs of the circuit given.
        addressed: how many of these a row reads.
        free: the others, which could be chosen.
    """

    rows: int
    outputs: int
    entries: int
    addressed: int
    free: int


@dataclass(frozen=True)
class AccuracyChange:
    """The share of samples with the right label, for the given circuit and for the result.

    Attributes:
        samples: how many there are.
        before: in [0, 1].
        after: in [0, 1].
    """

    samples: int
    before: float
    after: float


@dataclass(frozen=True, eq=False, repr=False)
class DataSimplification:
    """A simplified circuit that is equal to the given one on the given data only. On other samples it may say anything.

    Attributes:
        circuit: the result; its metadata records the simplification under `simplified_on_data`, and drops accuracies
            that were measured before.
        level: see `simplify`.
        rank: the most inputs of a LUT that cones were collapsed into.
        steps: "given", each pass that changed something, "result".
        proof: what was compared.
        accuracy: on the given rows, where labels were given: before and after are the same.
        held_out: on rows that were not used, where there were any.
    """

    circuit: Circuit
    level: int
    rank: int
    steps: tuple[Step, ...]
    proof: CareProof
    accuracy: AccuracyChange | None
    held_out: AccuracyChange | None

    def __str__(self) -> str:
        proof = self.proof
        lines = [
            table(self.steps),
            f"equal {ON_DATA}: all {proof.outputs:,} outputs on {proof.rows:,} rows compared; elsewhere it may differ",
            f"{proof.free:,} of {proof.entries:,} table entries are read by no row and could be chosen",
        ]
        for name, change in (("given data", self.accuracy), ("held-out data", self.held_out)):
            if change is not None:
                shares = f"{change.before:.2%} before, {change.after:.2%} after"
                lines.append(f"accuracy on {name}: {shares} ({change.samples:,} rows)")
        return "\n".join(lines)

    def __repr__(self) -> str:
        before, after = self.steps[0].luts, self.steps[-1].luts
        return f"DataSimplification({before} to {after} LUTs, equal {ON_DATA}: {self.proof.rows} rows)"

    def _repr_html_(self) -> str:
        return html_table("Simplification on data", facts(self.steps, f"{ON_DATA}: {self.proof.rows:,} rows"))

    def to_json(self) -> dict[str, Any]:
        """Return all but the circuit, ready for JSON."""
        return {
            "level": self.level,
            "rank": self.rank,
            "equal": ON_DATA,
            "proof": asdict(self.proof),
            "accuracy": None if self.accuracy is None else asdict(self.accuracy),
            "held_out": None if self.held_out is None else asdict(self.held_out),
            "steps": [dict(vars(step)) for step in self.steps],
        }


def simplify_on(
    circuit: Circuit,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    level: int = 2,
    rank: int = MAX_RANK,
    held_out: tuple[ArrayLike, ArrayLike] | None = None,
) -> DataSimplification:
    """Return a smaller circuit with the outputs of `circuit` on every row of X; on other samples they may differ.

    The circuit is evaluated on all rows. LUTs then drop inputs that only unread table entries depend on, and read the
    lowest of those signals that are equal on all rows; outputs that never change become constants. The exact passes
    follow, and all of it is repeated for as long as it gains; where the exact passes alone gain more, their result is
    taken (don't-cares from data: Miyasaka, Mishchenko, FCCM 2024). At the end both circuits are evaluated on all rows
    by the engine, and every output bit is compared. Instances of parts are flattened, because data show different
    things about different instances.

    Args:
        circuit: without registers.
        X: (N, *input_shape) or (N, F) real numbers, at least one row; training data as a rule.
        y: int (N,), class ids of the rows, to measure accuracy.
        level: as for `simplify`.
        rank: as for `simplify`.
        held_out: further (X, y), only to measure the result on: they show what equality on X alone costs.

    Raises:
        TypeError, ValueError: rows or labels of wrong types or shapes, no rows, labels for a circuit that predicts no
            classes, a circuit with registers, or another level or rank.
    """
    level, rank = checked_settings(level, rank)
    if circuit.netlist.num_registers:
        raise ValueError(
            f"the circuit has {circuit.netlist.num_registers} registers, and rows show one clock cycle: use simplify()"
        )
    rows = as_rows(X, circuit.input_shape)
    if len(rows) == 0:
        raise ValueError("X has no rows: nothing could be kept equal")
    labelled = None if y is None else (rows, _labels(circuit, y, len(rows), "y"))
    apart = None
    if held_out is not None:
        apart_rows = as_rows(held_out[0], circuit.input_shape)
        apart = apart_rows, _labels(circuit, held_out[1], len(apart_rows), "held_out's y")

    record = Record(circuit.netlist)
    sight = look(circuit.inputs, circuit.netlist, rows)
    total, addressed = entries(circuit.netlist, sight)
    while True:
        before = record.netlist
        record.run("use_freedom", lambda given: use_freedom(given, sight))  # noqa: B023 - called at once
        run_passes(record, level, rank, circuit.encoder)
        if (record.netlist.num_nodes, record.netlist.fanin.size) >= (before.num_nodes, before.fanin.size):
            break
        sight = look(circuit.inputs, record.netlist, rows)
    exact = Record(circuit.netlist)  # a choice of what no row reads may stand in the way of an exact pass
    run_passes(exact, level, rank, circuit.encoder)
    record = min(record, exact, key=lambda made: (made.netlist.num_nodes, made.netlist.fanin.size))
    steps = record.steps()
    result = rebuilt(circuit, record.netlist)
    _compare(circuit, result, rows)

    proof = CareProof(len(rows), circuit.netlist.outputs.size, total, addressed, total - addressed)
    changes = [None if part is None else _accuracies(circuit, result, *part) for part in (labelled, apart)]
    entry = {
        "equal": ON_DATA,
        **recorded(steps, level, rank),
        **asdict(proof),
        "accuracy": None if changes[0] is None else asdict(changes[0]),
        "held_out": None if changes[1] is None else asdict(changes[1]),
    }
    result = replace(result, metadata=replace(circuit.metadata.unmeasured(), simplified_on_data=entry))
    return DataSimplification(result, level, rank, steps, proof, *changes)


def _compare(circuit: Circuit, result: Circuit, rows: NDArray[Any]) -> None:
    given, small = Engine(circuit.inputs, circuit.netlist), Engine(result.inputs, result.netlist)
    for start in range(0, len(rows), COMPARED):
        part = rows[start : start + COMPARED]
        if not np.array_equal(given.outputs(part), small.outputs(part)):
            raise RuntimeError(
                "the simplified circuit differs on the given data: this is a fault of lutsmith, report it"
            )


def _labels(circuit: Circuit, y: ArrayLike, rows: int, name: str) -> NDArray[Any]:
    if not circuit.is_classifier:
        raise ValueError(f"{name} was given and the circuit predicts no classes: leave it out")
    labels = integers(name, y, low=0, high=len(circuit.score_labels))
    places = circuit.head.shape if isinstance(circuit.head, Head) else ()
    if labels.shape != (rows, *places):
        raise ValueError(f"{name} has shape {labels.shape}, expected {(rows, *places)}: a class id for each row")
    return labels


def _accuracies(circuit: Circuit, result: Circuit, rows: NDArray[Any], labels: NDArray[Any]) -> AccuracyChange:
    hits = []
    for each in (circuit, result):
        predicted = each.predict(rows)
        hits.append(float(np.mean(predicted == labels)) if len(rows) else 0.0)
    return AccuracyChange(len(rows), *hits)
