"""The last sums of a network as the scores of a head: integers in the same order as the network's numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.nn.sums.counting import Maker
from lutsmith.nn.sums.numbers import Changes, Ids, Sums

MAX_FRACTION = 30
"""Fractional bits of weights that are tried, at most."""
MAX_EXPONENT = 128
"""Numbers of float32 are less than two to the power of this."""


class ScoreHead(NamedTuple):
    """What a circuit's head will be: `CircuitBuilder.popcount` takes these."""

    outputs: Ids
    num_groups: int
    weights: NDArray[np.int64] | None
    bias: NDArray[np.int64] | None


def values_at(changes: Changes, place: int, integers: NDArray[np.int64]) -> NDArray[np.float64]:
    """The numbers of a place at integers."""
    start, stop = np.searchsorted(changes.place, [place, place + 1])
    steps = np.concatenate([changes.first[place : place + 1], changes.values[start:stop]])
    found: NDArray[np.float64] = steps[np.searchsorted(changes.at[start:stop], integers, side="right")]
    return found


def same_decisions(values: list[NDArray[np.float64]], scores: list[NDArray[np.int64]]) -> bool:
    """Whether scores decide as numbers do, whatever number each class has: for the largest, of equals the lowest class.

    Args:
        values: for each class all numbers that it can have.
        scores: for each class the scores instead.
    """
    ordered = []
    for value, score in zip(values, scores, strict=True):
        order = np.lexsort((score, value))
        ordered.append((value[order], score[order]))
        if (np.diff(score[order]) < 0).any():
            return False
    for high, (value, score) in enumerate(ordered):
        for other, rival in ordered[:high]:
            # The higher class wins against those that are less: by numbers and by scores the same ones.
            if not np.array_equal(np.searchsorted(other, value), np.searchsorted(rival, score)):
                return False
    return True


def head_of(maker: Maker, numbers: Sums) -> ScoreHead:
    """Return the head of the last numbers of a network, (C,).

    Raises:
        ValueError: numbers of another shape, after a pool, or not finite; or no 32-bit integers decide as they do.
    """
    numbers = numbers.whole()
    if len(numbers.shape) != 1 or numbers.sources.shape[-1] > 1:
        raise ValueError(
            f"a network ends in numbers (classes,), without a pool behind the sums; these are {numbers.shape}"
        )
    rows = rows_of(maker, numbers)
    changes = numbers.changes(lambda x: x)
    magnitudes = np.unique(np.concatenate([np.abs(row.weights) for row in rows] + [np.ones(0, np.int64)]))
    step = int(np.gcd.reduce(magnitudes)) if magnitudes.size else 1
    most = [int(np.abs(row.weights).sum()) // step for row in rows]
    least = [row.base + int(np.minimum(row.weights, 0).sum()) for row in rows]
    words = [np.arange(high + 1) for high in most]
    values = [
        values_at(changes, place, low + step * word) for place, (low, word) in enumerate(zip(least, words, strict=True))
    ]
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError("it makes numbers beyond float32 of sums; was the training unstable?")
    for factors, bias in _candidates(step, least, most, values):
        if max(abs(f) * high + abs(more) for f, more, high in zip(factors, bias, most, strict=True)) >= 1 << 62:
            break
        scores = [factor * word + more for factor, more, word in zip(factors, bias, words, strict=True)]
        if max(int(np.abs(score).max()) for score in scores) >= 1 << 31:
            break
        if same_decisions(values, scores):
            return _head(maker, rows, magnitudes, step, factors, bias)
    raise ValueError(
        "no integers of 32 bits decide as its float32 numbers do, some of which are equal or nearly so by rounding; "
        "leave the batch norm, scale and bias behind the last sums out"
    )


class Row(NamedTuple):
    """A sum as bits: base + sum of weights[i] * bits[i]."""

    bits: Ids
    weights: NDArray[np.int64]
    base: int


def rows_of(maker: Maker, numbers: Sums) -> list[Row]:
    """The sums (C,) one by one."""
    found: dict[int, Row] = {}
    for block in maker.blocks(numbers):
        for row, place in np.argwhere(np.ones_like(block.owners)).tolist():
            there = np.flatnonzero(block.weights[row])
            bits = block.bits[place, there]
            found[int(block.owners[row, place])] = Row(bits, block.weights[row, there], int(block.base[row]))
    return [found[int(source)] for source in numbers.sources[:, 0]]


def _candidates(
    step: int, least: list[int], most: list[int], values: list[NDArray[np.float64]]
) -> list[tuple[list[int], list[int]]]:
    """Integers a and b of each class to try, the shortest first: a score is a times its word, plus b."""
    offsets = [low - least[0] for low in least]
    common = int(np.gcd.reduce([step, *offsets]))
    found = [([step // common] * len(least), [offset // common for offset in offsets])]
    slopes = [(value[-1] - value[0]) / max(1, high) for value, high in zip(values, most, strict=True)]
    if not any(slopes):  # constants: their ranks
        ranks = np.unique([value[0] for value in values], return_inverse=True)[1]
        found.append(([0] * len(least), ranks.reshape(-1).tolist()))
    for fraction in range(-MAX_EXPONENT, MAX_FRACTION + 1):
        factors = [round(slope * 2.0**fraction) for slope in slopes]
        bias = [round((value[0] - values[0][0]) * 2.0**fraction) for value in values]
        if any(factors):
            found.append((factors, bias))
    return found


def _head(
    maker: Maker, rows: list[Row], magnitudes: NDArray[np.int64], step: int, factors: list[int], bias: list[int]
) -> ScoreHead:
    """The bits of each class and each size of weights as a group, as they add up or inverted."""
    size = max([1, *(int((np.abs(row.weights) == each).sum()) for row in rows for each in magnitudes)])
    kinds = magnitudes if magnitudes.size else np.ones(1, np.int64)
    outputs = np.full((len(rows), kinds.size, size), maker.constants[0], np.int64)
    turned = np.zeros(outputs.shape, np.bool_)
    for number, row in enumerate(rows):
        for kind, magnitude in enumerate(kinds.tolist()):
            some = np.flatnonzero(np.abs(row.weights) == magnitude)
            outputs[number, kind, : some.size] = row.bits[some]
            turned[number, kind, : some.size] = row.weights[some] < 0
    inverted, place = np.unique(outputs[turned], return_inverse=True)
    outputs[turned] = maker.lut(inverted[:, None], 0b01)[place.reshape(-1)]
    weights = np.kron(np.diag(factors), kinds[None] // step)
    plain = kinds.size == 1 and factors == [1] * len(rows)
    return ScoreHead(
        outputs.reshape(-1),
        len(rows) * kinds.size,
        None if plain else weights,
        None if not any(bias) else np.array(bias),
    )
