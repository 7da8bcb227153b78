"""Functions of levels as short conditions: a sum of products whose literals are intervals of numbers and sets of names.

A product is a box: for each feature an interval of levels, or a set of names. Boxes are chosen greedily: the one that
covers most of what is left, and among equals the one with the fewest literals. Boxes that others cover are left out. A
literal is one comparison, so that `25 < age <= 37` counts two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.features.functions import LevelFunction
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.features.names import number_text

BOXES = 1 << 16
"""Boxes that are tried for a function at the most."""

INTERVALS, SETS = 64, 10
"""Levels, and sets of names, of a feature that a function tells apart at the most."""

ALWAYS, NEVER = "always", "never"


@dataclass(frozen=True, eq=False)
class Literal:
    """A condition on one feature.

    Attributes:
        places: bool (n,), for which places of the axis it holds.
        cost: how many comparisons it needs; 0: it always holds.
        text: what it says; "" if it always holds.
    """

    places: NDArray[np.bool_]
    cost: int
    text: str


def condition(
    function: LevelFunction, names: Sequence[str], categories: Sequence[tuple[str, ...] | None] | None
) -> str | None:
    """Return for what samples a function is 1, as text; `ALWAYS`, `NEVER`, or None where it takes too many boxes.

    Args:
        function: of levels.
        names: of all features.
        categories: of each feature that holds categories their names, None of others; None: there are none.
    """
    values, axes = function.values, []
    for axis, (levels, more) in enumerate(zip(function.levels, function.tells_missing, strict=True)):
        own = None if categories is None else categories[levels.feature]
        name = names[levels.feature]
        values, literals = (
            _of_numbers(values, axis, levels, more, name)
            if own is None
            else _of_names(values, axis, levels, more, name, own)
        )
        axes.append(literals)
    if values.all() or not values.any():
        return ALWAYS if values.all() else NEVER
    if not all(axes) or math.prod(map(len, axes)) > BOXES:
        return None
    costs, text = _sum(values, axes)
    other_costs, other = _sum(~values, axes)
    return text if costs <= other_costs else f"not ({other})"


def _of_numbers(
    values: NDArray[np.bool_], axis: int, levels: FeatureLevels, more: bool, name: str
) -> tuple[NDArray[np.bool_], list[Literal]]:
    """The function on levels that it tells apart, and the literals of its axis: intervals, and the missing value; none
    where there are too many.

    Of a missing value comparisons say what they say of the lowest number, in all texts.
    """
    turned = np.moveaxis(values, axis, 0)
    numbers = turned[: len(levels)].reshape(len(levels), -1)
    starts = np.flatnonzero(np.append(True, (numbers[1:] != numbers[:-1]).any(axis=1)))
    kept = np.append(starts, len(levels)) if more else starts
    stops = np.append(starts[1:], len(levels)) - 1
    count, bounds = starts.size, [number_text(bound) for bound in levels.high[stops].tolist()]
    found: list[Literal] = []
    for low in range(count if count <= INTERVALS else 0):
        for high in range(low, count):
            places = np.zeros(kept.size, np.bool_)
            places[low : high + 1] = True
            left = f"{bounds[low - 1]} < " if low else ""
            right = f" <= {bounds[high]}" if high < count - 1 else ""
            text = f"{left}{name}{right}" if right else f"{name} > {bounds[low - 1]}" if low else ""
            cost = int(low > 0) + int(high < count - 1)
            if not more:
                found.append(Literal(places, cost, text))
                continue
            gone, either = places.copy(), (cost, text)  # a missing value is below all thresholds
            gone[-1] = True
            if low:
                either = (cost + 1, f"({text} or {name} is missing)")
            else:
                text, cost = f"{text} and {name} is not missing".removeprefix(" and "), cost + 1
            found += [Literal(places, cost, text), Literal(gone, *either)]
    if more and found:
        found.append(Literal(np.arange(kept.size) == count, 1, f"{name} is missing"))
    return np.moveaxis(turned[kept], 0, axis), found


def _of_names(
    values: NDArray[np.bool_], axis: int, levels: FeatureLevels, more: bool, name: str, categories: tuple[str, ...]
) -> tuple[NDArray[np.bool_], list[Literal]]:
    """The same of categories: sets of names. What is missing or unknown is none of the names."""
    codes = np.arange(len(categories))
    level = np.searchsorted(levels.high[:-1], codes, side="left")  # a level ends with a threshold
    turned = np.moveaxis(values, axis, 0)
    each = turned[np.append(level, -1 if more else 0)]
    groups, first, which = np.unique(each.reshape(len(each), -1), axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    found = []
    for size in range(1, len(groups) + 1 if len(groups) <= SETS else 0):
        for chosen in combinations(range(len(groups)), size):
            places = np.isin(np.arange(len(groups)), chosen)
            holds = places[which]
            listed = [f'"{category}"' for category, yes in zip(categories, holds[:-1], strict=True) if yes != holds[-1]]
            one, several = ("!=", "not in") if holds[-1] else ("=", "in")
            text = f"{name} {one} {listed[0]}" if len(listed) == 1 else f"{name} {several} ({', '.join(listed)})"
            found.append(Literal(places, len(listed), text if listed else ""))
    return np.moveaxis(each[first], 0, axis), found


def _sum(values: NDArray[np.bool_], axes: list[list[Literal]]) -> tuple[int, str]:
    """A sum of boxes that is a function, and how many literals it has."""
    masks = [np.array([literal.places for literal in literals], np.int64) for literals in axes]
    cost = np.zeros((1,) * len(axes), np.int64)
    for axis, literals in enumerate(axes):
        shape = [1] * len(axes)
        shape[axis] = -1
        cost = cost + np.array([literal.cost for literal in literals]).reshape(shape)
    inside = _counted(~values, masks) == 0
    left, chosen = values.copy(), []
    while left.any():
        gains = np.where(inside, _counted(left, masks), 0)
        order = np.lexsort([cost.ravel(), -gains.ravel()])
        box = tuple(int(place) for place in np.unravel_index(order[0], gains.shape))
        chosen.append(box)
        left &= ~_box(masks, box)
    for box in list(chosen):
        others = [_box(masks, other) for other in chosen if other != box]
        if others and (np.logical_or.reduce(others) >= values).all():
            chosen.remove(box)
    terms = [_product([literals[place].text for literals, place in zip(axes, box, strict=True)]) for box in chosen]
    return int(sum(cost[box] for box in chosen)), " or ".join(terms)


def _product(texts: list[str]) -> str:
    return " and ".join(text for text in texts if text)


def _box(masks: list[NDArray[np.int64]], box: tuple[int, ...]) -> NDArray[np.bool_]:
    found = np.ones((1,) * len(masks), np.bool_)
    for axis, (mask, place) in enumerate(zip(masks, box, strict=True)):
        shape = [1] * len(masks)
        shape[axis] = -1
        found = found & (mask[place] != 0).reshape(shape)
    return found


def _counted(values: NDArray[np.bool_], masks: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """How many cells of a function are 1 in each box, (literals of each axis)."""
    found = values.astype(np.int64)
    for axis, mask in enumerate(masks):
        found = np.moveaxis(np.tensordot(mask, found, axes=(1, axis)), 0, axis)
    return found
