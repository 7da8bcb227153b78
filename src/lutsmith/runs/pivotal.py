"""`pivotal`: which nodes and inputs of a circuit matter on data: how often inverting each one changes the answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit, Head
from lutsmith.circuit.file import load
from lutsmith.data import Reading
from lutsmith.ground.arguments import whole_number
from lutsmith.runs.refining import own_dataset, without_held_out

ROWS = 1000


@dataclass(frozen=True, eq=False)
class Pivotal:
    """How often each node, input bit and feature matters, on rows of the training part.

    Attributes:
        rows: N, how many rows.
        levels: int64 (nodes,), the level of each node, from 0; the last ones give outputs.
        node_outputs: int64 (nodes,), on how many rows inverting the node changes an output bit.
        node_answers: int64 (nodes,), on how many rows it changes the class; -1 where the circuit has no classes.
        input_outputs: int64 (I,), the same for the bits that the netlist reads.
        input_answers: int64 (I,).
        features: int64 (I,), the feature of each of these bits.
        feature_counts: int64, of the shape of a sample: pairs of a row and a bit of the feature whose inversion changes
            the class, or where there are no classes an output bit.
    """

    rows: int
    levels: NDArray[np.int64]
    node_outputs: NDArray[np.int64]
    node_answers: NDArray[np.int64]
    input_outputs: NDArray[np.int64]
    input_answers: NDArray[np.int64]
    features: NDArray[np.int64]
    feature_counts: NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {name: value if isinstance(value, int) else value.tolist() for name, value in vars(self).items()}


def pivotal(
    model: Circuit | str | os.PathLike[str],
    X: Any = None,
    *,
    task: str | None = None,
    data: Any = None,
    target: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    rows: int = ROWS,
) -> Pivotal:
    """Return how often inverting each node and input of a circuit changes its output bits and its class, exactly.

        found = lutsmith.runs.pivotal("model.lut", X)

    A node is inverted on all rows at once, and only what depends on it is run.

    Args:
        model: a circuit or its file.
        X: samples in memory; None: the training rows of a task, never those it is measured on.
        task: one of `data.TASKS`; default: the one that the circuit was trained on.
        data: of a task, the folder with its files or the parent of that, or the table's file.
        target: the label column of a table; default: the one that it was trained on.
        header: whether the first row of a text table names its columns.
        delimiter: of a text table.
        rows: how many rows are used, from the first on.

    Raises:
        ValueError: data that are not the circuit's; no rows.
        OSError: files that cannot be read.
    """
    from lutsmith.search.importance import importance

    circuit = model if isinstance(model, Circuit) else load(model)
    whole_number("rows", rows, 1)
    if X is None:
        dataset = without_held_out(circuit, own_dataset(circuit, task, data, target, Reading(header, delimiter)))
        X = dataset.x_train
    x = np.asarray(X)[:rows]
    if not len(x):
        raise ValueError("there are no rows to look at")
    head = circuit.head if circuit.is_classifier and isinstance(circuit.head, Head) else None
    netlist = circuit.netlist
    found = importance(netlist, circuit.stages.pack(x.reshape(len(x), -1)), head)
    features = circuit.inputs.feature.astype(np.int64)
    counted = found.input_outputs if head is None or head.places != 1 else found.input_answers
    per_feature = np.bincount(features, counted, minlength=int(np.prod(circuit.input_shape))).astype(np.int64)
    return Pivotal(
        rows=found.samples,
        levels=np.repeat(np.arange(len(netlist.level_ptr) - 1), np.diff(netlist.level_ptr)),
        node_outputs=found.node_outputs,
        node_answers=found.node_answers,
        input_outputs=found.input_outputs,
        input_answers=found.input_answers,
        features=features,
        feature_counts=per_feature.reshape(circuit.input_shape),
    )
