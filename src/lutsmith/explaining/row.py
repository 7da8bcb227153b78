"""The explanation of one row: its votes, and for each feature the nearest values with another answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.features.names import feature_names, number_text
from lutsmith.circuit.heads import Head
from lutsmith.circuit.traits import refuse
from lutsmith.explaining.answers import answers, categories_of, levels_by_feature, values_of
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.labels import Label


@dataclass(frozen=True)
class Turn:
    """Another value of a feature, and the circuit's answer for it.

    Attributes:
        value: a number, or the name of a category.
        condition: the comparison that holds from that value on, such as `age > 37`.
        answer: as `Explanation.answer`.
    """

    value: float | str
    condition: str
    answer: Any

    def __str__(self) -> str:
        return f"{_said(self.answer)} at {self.condition}"


@dataclass(frozen=True)
class FeatureTurns:
    """How the value of one feature decides the answer, all else equal.

    Attributes:
        feature: its name.
        value: its value in the row; None: missing.
        below: the nearest lower number with another answer; None: there is none, or the feature holds categories.
        above: the nearest higher one; for a missing value the lowest.
        names: the categories with another answer.
        missing: the answer where the value is missing, if it differs.
    """

    feature: str
    value: float | str | None
    below: Turn | None
    above: Turn | None
    names: tuple[Turn, ...]
    missing: Turn | None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns of the feature."""
        single = (self.below, self.above, self.missing)
        return tuple(turn for turn in (*single[:2], *self.names, single[2]) if turn is not None)

    def __str__(self) -> str:
        value = "missing" if self.value is None else self.value
        value = value if isinstance(value, str) else number_text(value)
        return f"{self.feature} = {value}: {'; '.join(map(str, self.turns)) or 'no value of it changes the answer'}"


@dataclass(frozen=True)
class Explanation:
    """Why a circuit gives its answer to a row.

    Attributes:
        answer: the class, the labels that are set, the number or numbers, or the output bits.
        votes: the score of each class, label or target; empty for bits.
        features: for each feature that the circuit reads, what it decides.
        too_long: features that are words too long to try all values: nothing is said about them.
    """

    answer: Any
    votes: Mapping[Label, int]
    features: tuple[FeatureTurns, ...]
    too_long: tuple[str, ...] = ()

    @property
    def deciding(self) -> tuple[FeatureTurns, ...]:
        """The features that alone can change the answer."""
        return tuple(moves for moves in self.features if moves.turns)

    def __str__(self) -> str:
        votes = ", ".join(f"{label} {count}" for label, count in self.votes.items())
        lines = [f"{_said(self.answer)}{f' (votes: {votes})' if votes else ''}", *map(str, self.deciding)]
        rest = len(self.features) - len(self.deciding)
        lines += [f"{rest} other feature{'s' * (rest > 1)} cannot change it alone"] if rest else []
        return "\n  ".join([*lines, *(f"{name} is a word that is too long to go through" for name in self.too_long)])


def explain(circuit: Circuit, row: Any) -> Explanation:
    """Explain the answer to a row: its votes, and which values of each feature would change the answer.

        print(lutsmith.explain(circuit, {"age": 39, "city": "Zürich"}))

    The explanation is exact: all values that the circuit distinguishes are tried, one feature at a time, all else
    equal. Numbers are the nearest ones, in float32, or the nearest integers where all features are integers.

    Args:
        circuit: any without a state, of one result.
        row: a sample: numbers of the shape `input_shape` or (F,), or a mapping by the names of columns.

    Raises:
        TypeError, ValueError: no such circuit, or no such row.
    """
    instance_of("circuit", circuit, Circuit)
    who, instead = "explaining a row", "it is about one result, without a state"
    refuse(circuit, ("integers", "several heads", "places", "registers"), who, instead)
    x = circuit.read([dict(row)] if isinstance(row, Mapping) else np.asarray(row)[None])
    if len(x) != 1:
        raise ValueError(f"{len(x)} rows; expected one")
    whole = levels_by_feature(circuit)
    tried = [_tried(circuit, x[0], levels) for levels in whole]
    rows = np.concatenate([x, *tried])
    found = answers(circuit, rows)
    votes: dict[Label, int] = {}
    if isinstance(circuit.head, Head):
        scores = circuit.head.scores(circuit.evaluate(x))[0].tolist()
        votes = dict(zip(circuit.score_labels, scores, strict=True))
    features, start, names = [], 1, feature_names(circuit)
    for levels, each in zip(whole, tried, strict=True):
        own = found[start : start + len(each)]
        start += len(each)
        features.append(_moves(circuit, x[0], levels, names[levels.feature], own, found[0]))
    known = {levels.feature for levels in whole}
    too_long = tuple(names[place] for place in np.unique(circuit.inputs.feature).tolist() if place not in known)
    return Explanation(_answer(circuit, found[0]), votes, tuple(features), too_long)


def _tried(circuit: Circuit, row: NDArray[Any], levels: FeatureLevels) -> NDArray[Any]:
    """Rows with all values of a feature, the missing value last."""
    values = values_of(circuit, levels)
    rows = np.tile(row.astype(np.result_type(row.dtype, np.float32)), (values.size, 1))
    rows[:, levels.feature] = values
    return rows


def _moves(
    circuit: Circuit, row: NDArray[Any], levels: FeatureLevels, name: str, found: NDArray[Any],
    before: NDArray[Any],
) -> FeatureTurns:  # fmt: skip
    """What a feature decides, from the answers to other values of it, the missing value last."""
    value, differs = float(row[levels.feature]), (found != before).any(axis=1)
    told = [_answer(circuit, each) for each in found]
    missing = Turn(np.nan, f"{name} missing", told[-1]) if differs[-1] and not np.isnan(value) else None
    categories = categories_of(circuit, levels.feature)
    if categories is not None:
        turns = tuple(
            Turn(category, f'{name} = "{category}"', told[place])
            for place, category in enumerate(categories)
            if differs[place]
        )
        known = not np.isnan(value) and 0 <= value < len(categories) and value == int(value)
        return FeatureTurns(name, categories[int(value)] if known else None, None, None, turns, missing)
    here = -1 if np.isnan(value) else levels.of_number(value)
    below = above = None
    for place in range(here - 1, -1, -1):
        number = _nearest(circuit, levels, place, downwards=True)
        if differs[place] and number is not None:
            below = Turn(number, f"{name} <= {number_text(levels.high[place])}", told[place])
            break
    for place in range(here + 1, len(levels)):
        number = _nearest(circuit, levels, place, downwards=False)
        if differs[place] and number is not None:
            bound = f"> {number_text(levels.high[place - 1])}" if place else f"<= {number_text(levels.high[0])}"
            above = Turn(number, f"{name} {bound}", told[place])
            break
    return FeatureTurns(name, None if np.isnan(value) else value, below, above, (), missing)


def _nearest(circuit: Circuit, levels: FeatureLevels, place: int, *, downwards: bool) -> float | None:
    """The number of a level that lies nearest, coming from above or below; None where it has no integer to be one."""
    low, high = float(levels.low[place]), float(levels.high[place])
    if not circuit.metadata.integer_features:
        return high if downwards else low
    if not math.isfinite(high if downwards else low):
        return None
    nearest = math.floor(high) if downwards else math.ceil(low)
    inside = nearest >= low or place == 0 if downwards else nearest <= high or place == len(levels) - 1
    return float(nearest) if inside else None


def _answer(circuit: Circuit, found: NDArray[Any]) -> Any:
    """An answer as it is told: a label, the labels that are set, a number, or several numbers or bits by name."""
    if circuit.head is None:
        return tuple(found.astype(int).tolist())
    labels = circuit.score_labels
    if circuit.is_classifier:
        return labels[int(found[0])]
    if circuit.objective == "multilabel":
        return tuple(label for label, there in zip(labels, found.tolist(), strict=True) if there)
    return float(found[0]) if found.size == 1 else tuple(found.tolist())


def _said(answer: Any) -> str:
    if isinstance(answer, tuple):
        return ", ".join(map(_said, answer)) or "no label"
    return f"{answer:g}" if isinstance(answer, float) else f"{answer}"
