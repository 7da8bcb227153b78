"""Which features matter on data: how often the answer changes with the value of each feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.names import feature_names
from lutsmith.circuit.traits import refuse
from lutsmith.data.report import score
from lutsmith.explaining.answers import answers, levels_by_feature, values_of
from lutsmith.ground.arguments import instance_of, whole_number

BATCH, BYTES = 1 << 14, 1 << 26
"""Changed rows that are answered at a time, and the bytes that they may take."""

SHOWN = 10
"""Features that a text lists."""


@dataclass(frozen=True, eq=False)
class Importances:
    """How much each feature matters; features are in the order of their places.

    Attributes:
        features: their names.
        pivotal: float64 (F,), the share of rows for which some value of the feature, all else equal, gives another
            answer; NaN for a feature that is a word too long to try all values.
        permuted: float64 (F,), the share of rows whose answer changes when the feature's values are randomly exchanged
            among the rows; the mean of several draws.
        drops: float64 (F, draws), by how much the score falls in these draws; None without targets.
        score: on the rows as they are; None without targets.
    """

    features: tuple[str, ...]
    pivotal: NDArray[np.float64]
    permuted: NDArray[np.float64]
    drops: NDArray[np.float64] | None
    score: float | None

    def __str__(self) -> str:
        order = np.argsort(-np.nan_to_num(self.pivotal), kind="stable")[:SHOWN]
        lines = [f"{'feature':24} {'pivotal':>8} {'permuted':>8}" + ("" if self.drops is None else f" {'drop':>8}")]
        for place in order.tolist():
            drop = "" if self.drops is None else f" {self.drops[place].mean():8.4f}"
            lines.append(f"{self.features[place]:24} {self.pivotal[place]:8.2%} {self.permuted[place]:8.2%}{drop}")
        return "\n".join(lines)


def importances(
    circuit: Circuit, X: Any, y: Any = None, *, rows: int = 1000, repeats: int = 5, seed: int = 0
) -> Importances:
    """Return how often the answer of a circuit changes with the value of each feature, counted on rows.

        print(lutsmith.importances(circuit, X, y))

    A feature is pivotal for a row if the circuit gives another answer for some other value of it, all else equal. This
    is exact: all values that the circuit distinguishes are tried, including the missing value. An answer is a class,
    the labels that are set, numbers, or output bits.

    Args:
        circuit: any without a state, with one result.
        X: as for `Circuit.predict`, at least one row.
        y: the targets, as labels stand in the data; None: no score is measured.
        rows: on how many rows pivotal features are counted: the first ones of a random order.
        repeats: how often the values of a feature are exchanged.
        seed: of the random choices.

    Raises:
        TypeError, ValueError: no such circuit, rows or targets.
    """
    instance_of("circuit", circuit, Circuit)
    whole_number("rows", rows, 1)
    whole_number("repeats", repeats, 1)
    who, instead = "counting what matters", "it is about one result, without a state"
    refuse(circuit, ("integers", "several heads", "places", "registers"), who, instead)
    x = circuit.read(X)
    if not len(x):
        raise ValueError("X has no rows; expected at least one")
    truth = None if y is None else _targets(circuit, y, len(x))
    before = answers(circuit, x)
    reached = None if truth is None else score(circuit.objective or "classification", *_shaped(before, truth))
    features = x.shape[1]
    pivotal, permuted = np.zeros(features), np.zeros((features, repeats))
    pivotal[np.unique(circuit.inputs.feature)] = np.nan
    drops = np.zeros((features, repeats))
    some = np.random.default_rng([seed, 0x9157]).permutation(len(x))[:rows]
    few = x[some].astype(np.result_type(x.dtype, np.float32))
    changes = [
        (levels.feature, value)
        for levels in levels_by_feature(circuit)
        for value in values_of(circuit, levels).tolist()
    ]
    turned = np.zeros((features, some.size), np.bool_)
    for part in _parts(changes, few):
        moved = np.tile(few, (len(part), 1))
        for place, (feature, value) in enumerate(part):
            moved[place * some.size : (place + 1) * some.size, feature] = value
        after = answers(circuit, moved).reshape(len(part), some.size, -1)
        for (feature, _), differs in zip(part, (after != before[some]).any(axis=2), strict=True):
            turned[feature] |= differs
    known = sorted({feature for feature, _ in changes})
    pivotal[known] = turned[known].mean(axis=1)
    draws = [(feature, draw) for feature in np.unique(circuit.inputs.feature).tolist() for draw in range(repeats)]
    for part in _parts(draws, x):
        moved = np.tile(x, (len(part), 1))
        for place, (feature, draw) in enumerate(part):
            order = np.random.default_rng([seed, feature, draw]).permutation(len(x))
            moved[place * len(x) : (place + 1) * len(x), feature] = x[order, feature]
        for (feature, draw), after in zip(part, answers(circuit, moved).reshape(len(part), len(x), -1), strict=True):
            permuted[feature, draw] = (after != before).any(axis=1).mean()
            if truth is not None and reached is not None:
                drops[feature, draw] = reached - score(circuit.objective or "classification", *_shaped(after, truth))
    return Importances(feature_names(circuit), pivotal, permuted.mean(axis=1), None if y is None else drops, reached)


def _parts(changes: list[Any], rows: NDArray[Any]) -> list[list[Any]]:
    """Changes of all rows, as many at a time as fill the engine's blocks and fit `BYTES`: one at the least."""
    most = max(1, min(BATCH, BYTES // max(rows[:1].nbytes, 1)) // len(rows))
    return [changes[start : start + most] for start in range(0, len(changes), most)]


def _targets(circuit: Circuit, y: Any, rows: int) -> NDArray[Any]:
    """Targets as `score` takes them: of classes their numbers."""
    if circuit.head is None:
        raise ValueError("y is given, and the circuit answers by bits alone: no score is known of them")
    truth = np.asarray(y)
    if len(truth) != rows or truth.ndim == 0:
        raise ValueError(f"y has shape {truth.shape} for {rows} rows")
    if not circuit.is_classifier:
        return truth.reshape(rows, -1)
    places = {label: place for place, label in enumerate(circuit.score_labels)}
    unknown = sorted({str(label) for label in truth.tolist() if label not in places})
    if unknown:
        raise ValueError(f"y holds {unknown[0]}; expected labels of the circuit: {', '.join(map(str, places))}")
    return np.array([places[label] for label in truth.tolist()])[:, None]


def _shaped(found: NDArray[Any], truth: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if found.shape != truth.shape:
        raise ValueError(f"y has {truth.shape[1]} targets a row; expected {found.shape[1]}")
    return found, truth
