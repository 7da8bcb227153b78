"""Labels as they stand in the data, and the class ids that networks count in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.tabular import MISSING
from lutsmith.data.dataset import DataError
from lutsmith.ground.labels import Label

_MANY_CLASSES = 1000


def is_missing(cell: str) -> bool:
    """Return whether a text cell stands for a missing value: empty, `?`, `NA`, `NaN`, `null` or `None`."""
    return cell.strip().lower() in MISSING


def parse_labels(
    cells: Sequence[str],
    source: str,
    classes: Sequence[Label] | None = None,
    missing: Collection[str] = MISSING,
) -> NDArray[Any]:
    """Return text labels as int64 where each is a plain integer, else as float64 where each is a number, else as text.

    An integer with leading zeros, such as `007`, makes all labels text: labels are printed as they were read.

    Args:
        cells: the labels of all rows.
        source: the file and the column, for the message.
        classes: the classes that a model knows; where they are text, so are these labels.
        missing: the spellings of a missing label, in lower case.

    Raises:
        DataError: a label is missing.
    """
    stripped = [cell.strip() for cell in cells]
    for row, cell in enumerate(stripped):
        if cell.lower() in missing:
            raise DataError(f"{source}: row {row + 1} has no label ({cell!r}); drop the row or fill it")
    if classes is not None and all(isinstance(label, str) for label in classes):
        return np.array(stripped, dtype=np.str_)
    kinds = {cell: _parse(cell) for cell in dict.fromkeys(stripped)}
    types = {type(value) for value in kinds.values()}
    if str in types:
        return np.array(stripped, dtype=np.str_)
    return np.array([kinds[cell] for cell in stripped], dtype=np.float64 if float in types else np.int64)


def _parse(cell: str) -> Label:
    digits = cell.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        # Canonical, and small enough for int64; longer numbers are identifiers: text.
        return int(cell) if str(int(digits)) == digits and len(digits) <= 18 else cell
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if np.isfinite(value) and "_" not in cell else cell


def find_classes(labels: NDArray[Any], source: str) -> tuple[Label, ...]:
    """Return the different labels in ascending order.

    Raises:
        DataError: the labels are not integers, finite numbers or text; there is only one class; or nearly every row has
            its own label, as in a column of measurements.
    """
    if labels.dtype.kind not in "biufU":
        raise DataError(f"{source}: labels of type {labels.dtype}; expected integers, numbers or text")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"{source}: some labels are missing or infinite; drop these rows or fill them")
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(f"{source}: {len(classes)} class in {len(labels)} rows; a classifier needs two or more")
    if len(classes) > _MANY_CLASSES and len(classes) > len(labels) / 2:
        raise DataError(f"{source}: {len(classes)} different labels in {len(labels)} rows; is this a column of labels?")
    kind = {"b": int, "i": int, "u": int, "f": float, "U": str}[labels.dtype.kind]
    return tuple(kind(value) for value in classes)


def class_ids(labels: NDArray[Any], classes: Sequence[Label], source: str) -> NDArray[np.int64]:
    """Return each label's place in `classes`; numbers are equal by value (1 and 1.0), text by its characters.

    Raises:
        DataError: a label that is not among the classes.
    """
    place = {label: index for index, label in enumerate(classes)}
    different, inverse = np.unique(labels, return_inverse=True)
    values = different.tolist()
    unknown = [value for value in values if value not in place]
    if unknown:
        shown = ", ".join(map(repr, classes[:10])) + (", ..." if len(classes) > 10 else "")
        raise DataError(f"{source}: label {unknown[0]!r} is none of the {len(classes)} known classes: {shown}")
    ids = np.array([place[value] for value in values], dtype=np.int64)
    return ids[inverse.reshape(labels.shape)]
