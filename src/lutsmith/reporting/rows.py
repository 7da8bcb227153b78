"""The rows that a circuit is measured on: passed in, found by the run, or none and why."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.traits import refuse
from lutsmith.data import DataError
from lutsmith.data.targets import Targets
from lutsmith.ground.labels import Label
from lutsmith.reporting.subject import Subject
from lutsmith.runs.evaluation import rows_for
from lutsmith.runs.held_out import KINDS, TABLES, checksum

Source = str | PathLike[str] | None


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """Samples with their true answers.

    Attributes:
        x: (N, F) numbers, as `Circuit.read` gives them.
        y: class ids int64 (N,); truth values bool (N, L); or numbers float64 (N, targets).
        what: which rows they are, in words.
        checksum: SHA-256 over samples and targets.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    what: str
    checksum: str


@dataclass(frozen=True)
class NoRows:
    """Why there are none."""

    why: str


def find_rows(
    subject: Subject,
    X: Any = None,
    y: Any = None,
    data: Source = None,
    task: str | None = None,
    target: str | int | None = None,
) -> MeasuredRows | NoRows:
    """Return the rows that a subject's circuit is measured on. Requested rows that are missing are an error; where rows
    are only searched for, the result is a reason.

    Raises:
        TypeError, ValueError, OSError: as for `reporting.report`.
    """
    circuit = subject.circuit
    if (X is None) != (y is None):
        raise ValueError(f"{'X' if X is None else 'y'} is missing: give X and y together, or neither")
    if X is not None and (data is not None or task is not None):
        raise ValueError("X and y are rows in memory: leave out data and task")
    if circuit is None:
        return NoRows("there is no model yet")
    if X is not None:
        return _given(circuit, X, y)
    asked = data is not None or task is not None
    try:
        return _found(subject, circuit, data, task, target)
    except (ValueError, OSError) as error:
        if asked:
            raise
        return NoRows(" ".join(str(error).split()))


def _given(circuit: Circuit, X: Any, y: Any) -> MeasuredRows:
    refuse(
        circuit,
        ("integers", "several heads", "places", "registers"),
        "measuring",
        "it is about one result, without a state",
    )
    if circuit.head is None:
        raise ValueError("y is given, and the circuit answers by bits alone: no score is known of them")
    x = circuit.read(X)
    if not len(x):
        raise ValueError("X has no rows; expected at least one")
    if circuit.is_classifier:
        truth = _ids(circuit.score_labels, y)
    else:
        truth = Targets.of(y, circuit.objective).values
        truth = truth.reshape(len(truth), -1)
        if truth.shape[1] != len(circuit.score_labels):
            raise ValueError(f"y has {truth.shape[1]} targets a row; expected {len(circuit.score_labels)}")
    if len(truth) != len(x):
        raise ValueError(f"X has {len(x)} rows and y {len(truth)}; expected as many")
    return MeasuredRows(x, truth, "the rows that were handed in", checksum(x, truth))


def _found(
    subject: Subject, circuit: Circuit, data: Source, task: str | None, target: str | int | None
) -> MeasuredRows:
    plan = subject.plan
    if data is None and task is None and plan is not None and plan.task is None:
        raise DataError("the run learned from data in memory: give X and y")
    if data is None and task is None and plan is not None and plan.task not in TABLES:
        data = plan.data
    task, found = rows_for(circuit, subject.model, data, task=task, target=target)
    x = circuit.read(found.x)
    if not len(x):
        raise DataError(f"{task} has no rows to measure on")
    name = f" of {Path(data).name}" if data is not None and task in TABLES else f" of {task}"
    return MeasuredRows(x, found.y, f"{KINDS[found.kind]}{name}", checksum(found.x, found.y))


def _ids(classes: tuple[Label, ...], y: Any) -> NDArray[np.int64]:
    """The class ids of labels."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}, expected a label for each row (N,)")
    places = {label: place for place, label in enumerate(classes)}
    listed = labels.tolist()
    unknown = sorted({str(label) for label in listed if label not in places})
    if unknown:
        shown = ", ".join(map(str, classes[:20])) + (", ..." if len(classes) > 20 else "")
        raise ValueError(f"y holds {unknown[0]}; expected labels of the circuit: {shown}")
    return np.array([places[label] for label in listed], np.int64)
