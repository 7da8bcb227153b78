"""Labels: the names of classes, as they stand in the data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Label = str | int | float
"""The name of a class, as it stands in the data."""


def checked_labels(labels: Iterable[object]) -> tuple[Label, ...]:
    """Return labels, NumPy's scalars as Python's; TypeError where one is none, ValueError where two are the same."""
    plain: tuple[Any, ...] = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
    for label in plain:
        if not isinstance(label, (str, int, float)) or label != label or label in (math.inf, -math.inf):
            raise TypeError(f"class label {label!r} is not a string, an integer or a finite float")
    if len(set(plain)) != len(plain):
        raise ValueError("two classes have the same label")
    return plain
