"""Whether a circuit is monotone in a feature, shown by its tables; if not, where, and two rows that disprove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.changes import FALLS, RISES, STAYS, changes
from lutsmith.circuit.features.functions import LevelFunction
from lutsmith.circuit.features.levels import LONGEST, FeatureLevels
from lutsmith.circuit.features.names import feature_names, number_text
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.traits import popcount_head, refuse
from lutsmith.ground.arguments import as_python, instance_of, one_of, whole_number
from lutsmith.ground.labels import Label

Constraints = Mapping[Any, int] | Sequence[int]
"""1 or -1 for features, by name or place; or -1, 0 or 1 for each feature."""

SHOWN = 5
"""Failures that a text lists."""

TRIED = 32
"""Steps that are not shown for which rows are looked for."""


def directions(given: Constraints, features: int, names: Sequence[str] | None) -> dict[int, int]:
    """Return the constraints that are not 0, 1 or -1 by the places of features, ascending.

    Args:
        given: as for `check_monotone`.
        features: F.
        names: of the features, where they have any.

    Raises:
        TypeError, ValueError: other numbers, features that are not there, a feature twice, or not F numbers.
    """
    given = as_python(given)
    if isinstance(given, Mapping):
        pairs = [(_place(key, features, names), key, value) for key, value in given.items()]
    elif isinstance(given, (list, tuple)):
        if len(given) != features:
            raise ValueError(f"{len(given)} constraints for {features} features; expected one for each, or a mapping")
        pairs = [(place, place, value) for place, value in enumerate(given)]
    else:
        raise TypeError(f"constraints are {given!r}; expected a mapping of features to 1 or -1, or a number for each")
    found: dict[int, int] = {}
    for place, key, value in pairs:
        whole_number(f"the constraint of {key!r}", value, -1, 1)
        if place in found:
            raise ValueError(f"there are two constraints of feature {key!r}")
        found[place] = int(value)
    return {place: found[place] for place in sorted(found) if found[place]}


def _place(key: Any, features: int, names: Sequence[str] | None) -> int:
    if isinstance(key, str):
        if names is None:
            raise ValueError(f"a constraint is for {key!r}, and the features have no names; expected their places")
        return list(names).index(one_of("a constrained feature", key, names))
    return whole_number("a constrained feature", key, 0, features - 1)


@dataclass(frozen=True)
class Failure:
    """A step of a feature at which a score is not shown to move in the right direction.

    Attributes:
        feature: its name.
        above: the step: from a value that is not above this to one that is.
        score: the class, label or target.
        luts: nodes of the netlist, and inputs as -1, -2, ..., that may change in the wrong direction.
        least: how far the score may move in the wrong direction according to the tables, in votes; below 0.
    """

    feature: str
    above: float
    score: Label
    luts: tuple[int, ...]
    least: int

    def __str__(self) -> str:
        named = [f"LUT {lut}" if lut >= 0 else f"input {-1 - lut}" for lut in self.luts[:SHOWN]]
        more = f" and {len(self.luts) - SHOWN} more" if len(self.luts) > SHOWN else ""
        step = f"{self.feature} > {number_text(self.above)}"
        return f"{self.score} at {step}: {', '.join(named)}{more} may take it {-self.least} the wrong way"


@dataclass(frozen=True, eq=False)
class Violation:
    """Two rows that differ in one feature, and a score that moves in the wrong direction between them.

    Attributes:
        feature: its name.
        rows: (2, F), the feature grows from the first to the second.
        score: the class, label or target.
        scores: its values for the two rows; for two classes the lead of the second class.
    """

    feature: str
    rows: NDArray[np.float64]
    score: Label
    scores: tuple[float, float]


@dataclass(frozen=True, eq=False)
class MonotoneCheck:
    """What `check_monotone` found.

    Attributes:
        constraints: 1 or -1 by the names of features.
        scores: the class, labels or targets that were checked.
        failures: where it is not shown.
        too_long: features whose words are too long to try all values: nothing is shown about them.
        counterexample: two rows that show that it is not monotone; None where none was found.
    """

    constraints: dict[str, int]
    scores: tuple[Label, ...]
    failures: tuple[Failure, ...] = ()
    too_long: tuple[str, ...] = ()
    counterexample: Violation | None = None

    @property
    def ok(self) -> bool:
        """Whether it is shown, for all numbers."""
        return not self.failures and not self.too_long

    def __str__(self) -> str:
        names = [f"{name} ({'rises' if way > 0 else 'falls'})" for name, way in self.constraints.items()]
        told = f"in {', '.join(names) or 'no feature'}"
        if self.ok:
            return f"monotone {told}: shown by its tables"
        lines = [str(failure) for failure in self.failures[:SHOWN]]
        if len(self.failures) > SHOWN:
            lines.append(f"and {len(self.failures) - SHOWN} more")
        lines += [f"{name} is a word of more than {LONGEST} bits" for name in self.too_long]
        found = self.counterexample
        if found is None:
            return "\n  ".join([f"not shown to be monotone {told}:", *lines])
        low, high = found.scores
        lines.insert(0, f"{found.score} goes from {low:g} to {high:g} where {found.feature} alone grows")
        return "\n  ".join([f"not monotone {told}:", *lines])


def check_monotone(circuit: Circuit, constraints: Constraints, *, rows: int = 256, seed: int = 0) -> MonotoneCheck:
    """Check from the tables of a circuit whether its scores are monotone in features, however it was trained.

        found = lutsmith.check_monotone(circuit, {"age": 1})
        print(found)  # monotone in age (rises): shown by its tables

    With two classes, the score is that of the second class less that of the first, which decides the probability of the
    second class. With several labels or targets, each one is checked; for numbers, the prediction. The result holds for
    all numbers of the feature while the other features stay equal, whether or not they are missing. A missing value of
    the feature itself is not a number: the check says nothing about it.

    The check looks at each step from one value of a feature that the circuit distinguishes to the next. It finds the
    voting LUTs that can change in the wrong direction (`changes`), and asks whether the votes that surely move in the
    right direction make up for them. If they do at every step, the circuit is monotone. If not, it may still be
    monotone, but this is not shown, and the check searches for rows that show that it is not.

    Args:
        circuit: any with one decision by popcounts: two classes, several labels, or numbers. It may be simplified.
        constraints: 1 (never falls as the feature grows) or -1 (never rises), by names or places of features; or -1, 0
            or 1 for each feature.
        rows: how many rows to try for each of some steps that are not shown; 0: none.
        seed: of these rows.

    Raises:
        TypeError, ValueError: no such circuit or constraints, more than two classes, or a feature of categories.
    """
    instance_of("circuit", circuit, Circuit)
    whole_number("rows", rows, 0)
    who, instead = "a check of monotone features", "it is about one decision by popcounts, without a state"
    head = popcount_head(circuit, who, instead)
    refuse(circuit, ("registers",), who, instead)
    if head is None:
        raise ValueError("the circuit has no head: its outputs are bits, and no score is to rise or fall")
    names = feature_names(circuit)
    ways = directions(constraints, circuit.encoder.num_features, names)
    for place in ways:
        if (circuit.metadata.categories or {place: None})[place] is not None:
            raise ValueError(f"{names[place]} holds categories, which have no order: it cannot be monotone")
    weights, labels = _weights(circuit, head)
    signals = np.flatnonzero(weights.any(axis=1))
    failures, too_long, counterexample = [], [], None
    rng = np.random.default_rng(seed)
    for place, way in ways.items():
        which = np.flatnonzero(circuit.inputs.feature == place)
        levels = FeatureLevels.of(circuit.inputs, which) if which.size else None
        if levels is None:
            too_long += [names[place]] if which.size else []
            continue
        own = way * weights[signals]
        sets = changes(circuit.inputs, circuit.netlist, levels, signals)
        worst = _worst(sets, own)
        tried = 0
        for step, score in np.argwhere(worst.sum(axis=0) < 0).tolist():
            wrong = signals[worst[:, step, score] < 0]
            luts = np.where(wrong < len(circuit.inputs), -1 - wrong, wrong - len(circuit.inputs))
            least = int(worst[:, step, score].sum())
            failures.append(Failure(names[place], float(levels.high[step]), labels[score], tuple(luts.tolist()), least))
            if counterexample is None and rows and tried < TRIED:
                tried += 1
                found = _counterexample(circuit, weights, levels, step, score, way, wrong, rows, rng)
                if found is not None:
                    counterexample = Violation(names[place], found[0], labels[score], found[1])
    return MonotoneCheck(
        {names[place]: way for place, way in ways.items()}, labels, tuple(failures), tuple(too_long), counterexample
    )


def _weights(circuit: Circuit, head: Head) -> tuple[NDArray[np.int64], tuple[Label, ...]]:
    """What each signal counts for each score that is looked at, int64 (S, C), and what these are called."""
    counted = signal_weights(head, circuit.netlist)
    labels = circuit.score_labels
    if not circuit.is_classifier:
        return counted * np.sign(np.ones(len(labels)) if head.scale is None else head.scale).astype(np.int64), labels
    if len(labels) > 2:
        raise ValueError(
            f"the circuit has {len(labels)} classes; expected two, whose second gets more or less probable, "
            "several labels, or numbers"
        )
    return counted[:, -1:] - counted[:, :1], labels[-1:]


def signal_weights(head: Head, netlist: Netlist) -> NDArray[np.int64]:
    """Return how much each signal of a netlist adds to each score of a head where it is 1, int64 (S, C)."""
    group = np.repeat(np.arange(head.num_groups), netlist.outputs.size // head.num_groups)
    weights = np.eye(head.num_groups, dtype=np.int64) if head.weights is None else head.weights.astype(np.int64)
    counted = np.zeros((netlist.num_signals, len(weights)), np.int64)
    np.add.at(counted, netlist.outputs, weights.T[group])
    return counted


def _worst(sets: NDArray[np.uint8], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least by which each signal changes each score at each step, (O, steps, C)."""
    stays = (sets & STAYS) != 0
    least = np.where(sets & FALLS, -1, np.where(stays, 0, 1))[:, :, None]
    most = np.where(sets & RISES, 1, np.where(stays, 0, -1))[:, :, None]
    rates = weights[:, None]
    found: NDArray[np.int64] = np.where(rates > 0, least * rates, most * rates)
    return found


def _counterexample(
    circuit: Circuit, weights: NDArray[np.int64], levels: FeatureLevels, step: int, score: int, way: int,
    wrong: NDArray[np.int64], count: int, rng: np.random.Generator,
) -> tuple[NDArray[np.float64], tuple[float, float]] | None:  # fmt: skip
    """Rows, and their scores, that differ in this step and go the wrong way; None where none was found. They are drawn
    at random, but for what makes one of the LUTs go the wrong way.
    """
    rows = random_rows(circuit.inputs, count, rng)
    for place, row in enumerate(rows):
        signal = int(rng.choice(wrong))
        function = LevelFunction.of(circuit.inputs, circuit.netlist, signal)
        sign = int(np.sign(way * weights[signal, score]))
        if function is not None and place % 2 == 0:
            _make_wrong(row, function, levels, step, sign, rng)
    before, after = rows.copy(), rows
    before[:, levels.feature], after[:, levels.feature] = levels.high[step], levels.low[step + 1]
    outputs = [circuit.evaluate(each).astype(np.int64) for each in (before, after)]
    counted = [np.zeros((count, circuit.netlist.num_signals), np.int64) for _ in outputs]
    for each, bits in zip(counted, outputs, strict=True):
        each[:, circuit.netlist.outputs] = bits
    low, high = (each @ weights[:, score] for each in counted)
    found = np.flatnonzero(way * (high - low) < 0)
    if not found.size:
        return None
    first = int(found[0])
    return np.stack([before[first], after[first]]), (float(low[first]), float(high[first]))


def _make_wrong(
    row: NDArray[np.float64],
    function: LevelFunction,
    levels: FeatureLevels,
    step: int,
    sign: int,
    rng: np.random.Generator,
) -> None:
    """Let a row be one for which a LUT goes the wrong way in a step, where there is one."""
    axis = [each.feature for each in function.levels].index(levels.feature)
    own = function.levels[axis]
    places = np.searchsorted(levels.inputs, own.inputs)
    at = [own.level(levels.bits[each, places]) for each in (step, step + 1)]
    low, high = (np.take(function.values, each, axis=axis) for each in at)
    cells = np.argwhere(low & ~high if sign > 0 else ~low & high)
    if not len(cells):
        return
    others = [each for place, each in enumerate(function.levels) if place != axis]
    for each, level in zip(others, cells[int(rng.integers(len(cells)))].tolist(), strict=True):
        row[each.feature] = np.nan if level == len(each) else each.low[level]


def random_rows(inputs: Inputs, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return rows (N, F) of numbers on both sides of the thresholds of each feature; 0 where it has none."""
    rows = np.zeros((count, inputs.num_features))
    for feature in np.unique(inputs.feature).tolist():
        levels = FeatureLevels.of(inputs, np.flatnonzero(inputs.feature == feature))
        if levels is not None:
            rows[:, feature] = rng.choice(levels.low, count)
    return rows
