"""`evaluate`: the accuracy of a model file on a task's test rows or a labelled file. No torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load
from lutsmith.circuit.word_length import WordLength, word_length_report
from lutsmith.data import Reading
from lutsmith.data.images.folders import NAME as IMAGES
from lutsmith.data.images.folders import has_image_folders, images_for
from lutsmith.runs.folder import RunFolder
from lutsmith.runs.held_out import KINDS, TABLES, Kind, Measured, measured_rows, measured_task


@dataclass(frozen=True)
class Evaluation:
    """The result of measuring a model.

    Attributes:
        accuracy: share of the samples with the right label, in [0, 1].
        samples: how many there were.
        task: where they came from.
        model: absolute path of the model file.
        word_lengths: what the model reaches when its features are fixed-point words; empty if this was not requested.
        rows: which rows they were, a key of `held_out.KINDS`: "test", "held-out", "training", "another" or "unknown".
    """

    accuracy: float
    samples: int
    task: str
    model: str
    word_lengths: tuple[WordLength, ...] = ()
    rows: Kind = "unknown"

    @property
    def measured_on(self) -> str:
        """Which rows they were, in words."""
        return KINDS[self.rows]

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def evaluate(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    *,
    task: str | None = None,
    target: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    word_lengths: Sequence[int] = (),
) -> Evaluation:
    """Return the accuracy of a model file on test rows.

    For the table that a model was trained on, these are the held-out rows. For another table, or if no rows were held
    out, these are all rows, and the result says so.

    Args:
        model: the file.
        data: as for `data.load_test`: the folder of the task's files or its parent, or a table with labels. Text in a
            table's categorical columns is matched with the model's names; it does not know other names. By default, a
            model of a table in the folder of its run is measured on the run's test file.
        task: default: the task that the model was trained on; `"images"` where the data are a folder `test/` with a
            folder of PNG images for each class of the model.
        target: the label column of a table; default: the one that the model was trained on.
        header: whether the first row of a text table is a header; default: it is one if it names a column of the model.
        delimiter: what separates the fields of a text table; default: as in the model's training data.
        word_lengths: also measure the model with its features as words of so many bits each (`word_length_report`).

    Raises:
        ValueError: the model is not a classifier or has no known task; data that are missing or do not fit.
        OSError: files that cannot be read.
    """
    circuit = load(model)
    task, found = rows_for(circuit, Path(model), data, task=task, target=target, reading=Reading(header, delimiter))
    x, y = found.x, found.y
    words = word_length_report(circuit, x, y, word_lengths).rows if word_lengths else ()
    accuracy = float(np.mean(circuit.predict(x) == y))
    return Evaluation(accuracy, len(y), task, str(Path(model).absolute()), words, found.kind)


def rows_for(
    circuit: Circuit,
    model: Path | None,
    data: str | os.PathLike[str] | None = None,
    *,
    task: str | None = None,
    target: str | int | None = None,
    reading: Reading | None = None,
) -> tuple[str, Measured]:
    """Return the task and the rows that a classifier is measured on, as `evaluate` finds them.

    Args:
        circuit: the classifier.
        model: its file; None where it has none.
        data: as for `evaluate`.
        task: likewise.
        target: likewise.
        reading: of a text table, whether it has a header, and the delimiter.

    Raises:
        ValueError, OSError: as for `evaluate`.
    """
    if task is None and data is not None and len(circuit.input_shape) > 1 and has_image_folders(data, circuit.classes):
        task = IMAGES
    task = measured_task(circuit, task)
    is_test = False
    if data is None and task in TABLES:
        data, is_test = _rows_of_run(model)
    found = measured_rows(circuit, task, data, target, reading)
    if task == IMAGES:
        found = replace(found, x=images_for(circuit.input_shape, found.x))
    return task, replace(found, kind="test") if is_test else found


def _rows_of_run(model: Path | None) -> tuple[str, bool]:
    """Return the table that the run which a model lies in the folder of is measured on, and if it is its test file.

    Raises:
        ValueError: the model is not in a run's folder.
    """
    if model is None:
        raise ValueError("the circuit is in no file, and no run knows its test rows: give data=FILE")
    folder = RunFolder(model.parent)
    recorded = folder.read() if folder.model == folder.path / model.name else None
    if recorded is None or recorded[0].data is None:
        raise ValueError(f"{model} is not in the folder of a run that knows its test rows: give data=FILE")
    plan = recorded[0]
    assert plan.data is not None
    return (plan.data, False) if plan.test is None else (plan.test, True)
