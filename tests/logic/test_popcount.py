"""Counts and scores as logic, on every input where there are few, and where one product of many inputs decides."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from lutsmith.circuit import Head
from lutsmith.logic.decision import decision_part, scores_port
from lutsmith.logic.heads import heads_of
from lutsmith.logic.popcount import counts_port, popcount_part


@pytest.mark.parametrize(("groups", "size"), [(1, size) for size in range(1, 13)] + [(2, 5), (3, 4), (2, 7), (12, 1)])
def test_counts_of_every_input_are_exact(groups: int, size: int) -> None:
    bits = np.arange(1 << groups * size)[:, None] >> np.arange(groups * size) & 1 == 1
    part = popcount_part(Head(groups), groups * size)
    words = part.outputs[0].words(part.netlist.evaluate(bits))
    assert np.array_equal(words, bits.reshape(-1, groups, size).sum(axis=2))


@pytest.mark.parametrize("size", [13, 31, 32, 33, 63, 64])
def test_counts_where_few_bits_differ_from_the_rest_are_exact(size: int) -> None:
    few = [places for count in range(3) for places in combinations(range(size), count)]
    runs = [tuple(range(start, stop)) for start in range(0, size, 6) for stop in range(start, size + 1, 6)]
    bits = np.zeros((len(few) + len(runs), size), bool)
    for row, places in enumerate([*few, *runs]):
        bits[row, list(places)] = True
    bits = np.concatenate([bits, ~bits])
    part = popcount_part(Head(1), size)
    assert np.array_equal(part.outputs[0].words(part.netlist.evaluate(bits))[:, 0], bits.sum(axis=1))


@pytest.mark.parametrize("bias", [[0, 0], [1, 0], [-1, 0], [7, -8], [-3, -2]])
@pytest.mark.parametrize("weights", [None, [[1, 0], [0, 1]], [[0, 0], [0, 0]], [[2, -3], [0, 5]], [[-1, -1], [7, 0]]])
def test_scores_and_labels_of_every_count_are_exact(weights: list[list[int]] | None, bias: list[int]) -> None:
    head, size = Head(2, weights=weights, bias=bias), 5
    counts = np.array(list(product(range(size + 1), repeat=2)))
    (each,) = heads_of(head, 2 * size)
    bits = counts_port(each).bits(counts)
    scores = counts @ (np.eye(2, dtype=int) if weights is None else np.array(weights)).T + bias
    for objective in ("classification", "multilabel", "regression"):
        part = decision_part(head, 2 * size, objective)
        ends = part.netlist.evaluate(bits)
        port = part.outputs[-1]
        assert port == scores_port(each)
        assert np.array_equal(port.words(ends[:, -port.size :]), scores)
        decided = part.outputs[0].words(ends[:, : part.outputs[0].size])
        if objective != "regression":
            assert np.array_equal(decided.reshape(36, -1), head.decide(scores, objective).reshape(36, -1))
