"""Whether the head of a circuit decides as the last sums of a network do, judged from its bits and weights alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from lutsmith.nn.read_back.finding import ONE, ZERO
from lutsmith.nn.sums.numbers import Ids, Sums
from lutsmith.nn.sums.scores import ScoreHead, same_decisions, values_at

_Affine = tuple[dict[int, int], int]


def wrong_scores(head: ScoreHead, sums: Sums, inverse: Callable[[Ids], Ids]) -> str:
    """Return how the scores of a head differ from the numbers of the last sums (C,) in another scale; "" if they do
    not.

    Each score must be a multiple of its sum plus a constant, as a sum of bits; and for every pair of classes and all
    values of both sums the scores must decide as the numbers do.

    Args:
        head: the outputs are numbers of functions.
        sums: bits of its levels are such numbers.
        inverse: numbers of functions to those of their complements, negative where the circuit has none.
    """
    numbers = np.unique(np.concatenate([head.outputs.reshape(-1), sums.levels.bits.reshape(-1)]))
    others = inverse(numbers)
    while (new := np.setdiff1d(others[others >= 0], numbers)).size:  # complements of complements
        numbers, others = np.append(numbers, new), np.append(others, inverse(new))
    signed = _signed(numbers.tolist(), others.tolist())

    def added(bits: list[int], weights: list[int], constant: int) -> _Affine:
        terms: dict[int, int] = {}
        for bit, weight in zip(bits, weights, strict=True):
            if bit in (0, ZERO) or not weight:
                continue
            if bit in (1, ONE):
                constant += weight
                continue
            of, inverted = signed[bit]
            terms[of] = terms.get(of, 0) + (-weight if inverted else weight)
            constant += weight if inverted else 0
        return {bit: weight for bit, weight in terms.items() if weight}, constant

    rows: dict[int, tuple[_Affine, int, int, int]] = {}
    for block in sums.blocks((ZERO, ONE), merged=False):
        for row, place in np.argwhere(block.owners >= 0).tolist():
            weights, base = block.weights[row], int(block.base[row])
            least, most = base + int(np.minimum(weights, 0).sum()), base + int(np.maximum(weights, 0).sum())
            step = max(1, int(np.gcd.reduce(weights)))
            stated = added(block.bits[place].tolist(), weights.tolist(), base)
            rows[int(block.owners[row, place])] = stated, least, most, step
    outputs = head.outputs.reshape(head.num_groups, -1)
    factors = np.eye(head.num_groups, dtype=np.int64) if head.weights is None else head.weights
    bias = np.zeros(len(factors), np.int64) if head.bias is None else head.bias
    changes = sums.whole().changes(lambda x: x)
    values, scores = [], []
    for number, source in enumerate(sums.sources[:, 0].tolist()):
        (terms, constant), least, most, step = rows[source]
        used = np.flatnonzero(factors[number])
        weights = np.repeat(factors[number, used], outputs.shape[1]).tolist()
        own, more = added(outputs[used].reshape(-1).tolist(), weights, int(bias[number]))
        ratios = {Fraction(own.get(bit, 0), weight) for bit, weight in terms.items()}
        if len(ratios) > 1 or own.keys() - terms.keys():
            return f"its score {number} is not a multiple of the class's sum"
        factor = ratios.pop() if ratios else Fraction(0)
        integers = np.arange(least, most + 1, step) if terms else np.array([constant])
        found = [factor * (integer - constant) + more for integer in integers.tolist()]
        if any(score.denominator != 1 for score in found):
            return f"its score {number} is not an integer for every value of the class's sum"
        values.append(values_at(changes, number, integers))
        scores.append(np.array([int(score) for score in found]))
    return "" if same_decisions(values, scores) else "its scores do not decide as the numbers of the network do"


def _signed(numbers: list[int], inverses: list[int]) -> dict[int, tuple[int, bool]]:
    """Of each number one that it equals, or whose complement it is: the same one for all that are told so."""
    beside: dict[int, list[int]] = {number: [] for number in numbers}
    for number, other in zip(numbers, inverses, strict=True):
        if other >= 0:
            beside[number].append(other)
            beside.setdefault(other, []).append(number)
    found: dict[int, tuple[int, bool]] = {}
    for number in beside:
        waiting = [] if number in found else [(number, False)]
        while waiting:
            one, inverted = waiting.pop()
            if one not in found:
                found[one] = number, inverted
                waiting += [(other, not inverted) for other in beside[one]]
    return found
