"""A table's rows that training never sees: held out by a share and a seed, and found again in the same table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.metadata import HeldOut
from lutsmith.circuit.traits import popcount_head
from lutsmith.data import DataError, Dataset, Reading, load_test
from lutsmith.data.split import stratified_split
from lutsmith.data.tables.categories import Categories, ascending

TABLES = ("table", "csv", "npz")
"""The tasks that come without a test part of their own."""

SHARE = 0.2
"""Of each class, what is held out of a table without a file of test rows."""

Kind = Literal["test", "held-out", "training", "another", "unknown"]

_CHUNK = 1 << 14  # rows whose checksum is taken at a time

KINDS: dict[Kind, str] = {
    "test": "the test rows",
    "held-out": "the rows held out of training",
    "training": "all rows of the table that it was trained on, none of them held out",
    "another": "all rows of a table that is not, or no longer, the one it was trained on: which of them were held out "
    "is not known",
    "unknown": "all rows of the table: the model does not say whether it was trained on them",
}
"""What rows that a model is measured on can be."""


def hold_out(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, HeldOut]:
    """Return the dataset with a test part taken from its training part, and how to find it again.

    Everything that is fitted, including thresholds, is fitted on the remaining rows. With a share of 0 nothing is
    taken. Of rows that are not in memory, the test part is taken from their sample.

    Raises:
        ValueError: a share that takes no row at all, or every row of a class.
    """
    seed %= 1 << 32
    table = checksum(dataset.x_train, dataset.y_train, dataset.categories)
    if share == 0:
        return dataset, HeldOut(0.0, seed, 0, table)
    of_classes = dataset.objective == "classification"
    strata = dataset.y_train if of_classes else np.zeros(len(dataset.y_train), np.int64)
    training, held_out = stratified_split(strata, share, seed)
    left = np.bincount(dataset.y_train[training], minlength=dataset.num_classes) if of_classes else training
    if dataset.stream is not None:  # a rare class may be among the rows that the sample does not have
        left = left[left > 0]
    if not held_out.size or not len(left) or (of_classes and not left.all()):
        some = of_classes and held_out.size
        what = f"no training row of {dataset.classes[int(left.argmin())]!r}" if some else "every row"
        raise ValueError(
            f"{dataset.name}: test_share={share} of {len(dataset.y_train)} rows leaves {what}; give another "
            "share by test_share=SHARE, test rows by test=FILE or X_test, or test_share=0 to measure on validation rows"
        )
    parts = replace(
        dataset,
        x_train=dataset.x_train[training],
        y_train=dataset.y_train[training],
        x_test=dataset.x_train[held_out],
        y_test=dataset.y_train[held_out],
        sample_weight=None if dataset.sample_weight is None else dataset.sample_weight[training],
        stream=None if dataset.stream is None else dataset.stream.without(training, held_out),
    )
    return parts, HeldOut(share, seed, len(held_out), table)


def split_again(
    held_out: HeldOut, x: NDArray[Any], y: NDArray[np.int64], categories: Categories = ()
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the training rows and the held-out rows of the table (x, y), with codes of these categories; None where it
    is another table.
    """
    if checksum(x, y, categories) != held_out.table:
        return None
    training, rows = stratified_split(y, held_out.share, held_out.seed)
    return (training, rows) if len(rows) == held_out.rows else None


@dataclass(frozen=True, eq=False)
class Measured:
    """The rows that a model is measured on.

    Attributes:
        x, y: samples and class ids.
        kind: a key of `KINDS`, what the rows are.
        training: the rows that it was trained on, samples and class ids, where they are known and not among x.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    kind: Kind
    training: tuple[NDArray[Any], NDArray[np.int64]] | None = None


def measured_task(circuit: Circuit, task: str | None = None) -> str:
    """Return the task whose rows a model is measured on: the one given, else that which it was trained on.

    Raises:
        DataError: it does not say which, or predicts no classes.
    """
    task = circuit.metadata.task if task is None else task
    if task is None:
        raise DataError("the model does not say which task it was trained on: give the task")
    if circuit.head is None:
        raise DataError("the model has no head and predicts no classes: there is no accuracy to measure")
    popcount_head(circuit, "an accuracy of classes", "compare its predict() with what is true", DataError)
    if not circuit.is_classifier:
        raise DataError(f"the model is one for {circuit.objective}, and accuracy counts classes: score its predict()")
    return task


def measured_rows(
    circuit: Circuit,
    task: str,
    data: Any = None,
    target: str | int | None = None,
    reading: Reading | None = None,
) -> Measured:
    """Return the rows that a model is measured on: the task's test part, or a table's held-out rows, or all of it.

    The held-out rows of a table are found if it is, row for row, the table that the model was trained on.

    Args:
        circuit: a classifier.
        task: as for `data.load`.
        data: as for `data.load_test`.
        target: the label column of a table; default: the one that the model was trained on.
        reading: of a text table, whether it has a header, and the delimiter.

    Raises:
        DataError, OSError: as for `data.load_test`.
    """
    is_table = task in TABLES
    column = circuit.metadata.target if target is None and task == "npz" else target
    column = column if is_table else None
    x, y = load_test(task, circuit.score_labels, data, column, circuit.schema, reading or Reading())
    if not is_table:
        return Measured(x, y, "test")
    kept = None if circuit.metadata.training is None else circuit.metadata.training.held_out
    if kept is None:
        return Measured(x, y, "unknown")
    parts = split_again(kept, x, y, circuit.schema.categories)
    if parts is None:
        return Measured(x, y, "another")
    if not kept.rows:
        return Measured(x, y, "training")
    training, held_out = parts
    return Measured(x[held_out], y[held_out], "held-out", (x[training], y[training]))


def fingerprint(dataset: Dataset) -> str:
    """Return a checksum of all data that are trained on and measured on: equal for the same data in memory."""
    digest = hashlib.sha256(checksum(dataset.x_train, dataset.y_train).encode())
    if dataset.x_test is not None and dataset.y_test is not None:
        digest.update(checksum(dataset.x_test, dataset.y_test).encode())
    if dataset.sample_weight is not None:
        digest.update(dataset.sample_weight.astype(np.float64).tobytes())
    if dataset.stream is not None:
        digest.update(dataset.stream.fingerprint().encode())
    digest.update(repr((dataset.objective, dataset.classes, dataset.feature_names, dataset.categories)).encode())
    return digest.hexdigest()


def checksum(x: NDArray[Any], y: NDArray[Any], categories: Categories = ()) -> str:
    """Return a checksum of samples and class ids: equal for the same table, read with the same columns and names, in
    whatever order these are.
    """
    x = ascending(x, categories)
    digest = hashlib.sha256(f"{x.shape} {x.dtype.str} ".encode())
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK]
        if part.dtype.kind == "f":
            part = np.where(np.isnan(part), np.nan, part).astype(part.dtype)  # one NaN for all
        digest.update(part.tobytes())
    digest.update(y.tobytes())
    return digest.hexdigest()
