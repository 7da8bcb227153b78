"""The answers of a circuit to made-up rows, without warnings about rows outside its range."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.rows import OutOfRangeWarning


def answers(circuit: Circuit, rows: NDArray[Any]) -> NDArray[Any]:
    """Return the answers of a circuit, (N, A): class, labels, numbers or bits, one column each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        found = circuit.outputs(rows) if circuit.head is None else circuit.predict(rows)
    told: NDArray[Any] = np.asarray(found).reshape(len(rows), -1)
    return told


def categories_of(circuit: Circuit, feature: int) -> tuple[str, ...] | None:
    """Return the names of a feature's categories; None where it holds numbers."""
    categories = circuit.metadata.categories
    return None if not categories else categories[feature]


def values_of(circuit: Circuit, levels: FeatureLevels) -> NDArray[np.float64]:
    """Return a number of each level of a feature, or the code of each category; and the missing value last."""
    categories = categories_of(circuit, levels.feature)
    return np.append(levels.low if categories is None else np.arange(len(categories), dtype=np.float64), np.nan)


def levels_by_feature(circuit: Circuit) -> list[FeatureLevels]:
    """Return the levels of each feature that a circuit reads, except words that are too long to try all values."""
    features = circuit.inputs.feature
    found = [FeatureLevels.of(circuit.inputs, np.flatnonzero(features == feature)) for feature in np.unique(features)]
    return [levels for levels in found if levels is not None]
