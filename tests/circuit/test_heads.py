"""Heads: group counts, integer affine maps, and what scores mean for each objective."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from tests.circuit.examples import random_head

INT32 = np.iinfo(np.int32)
OBJECTIVES = ("classification", "multilabel", "regression")


def random_bits(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, shape).astype(bool)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 20), st.integers(0, 5))
def test_plain_scores_count_contiguous_groups(seed: int, groups: int, size: int, samples: int) -> None:
    bits = random_bits(seed, samples, groups * size)
    head = Head(groups)
    assert head.is_plain
    scores = head.scores(bits)
    assert scores.dtype == np.int32
    expected = [[sum(row[c * size : (c + 1) * size].tolist()) for c in range(groups)] for row in bits]
    np.testing.assert_array_equal(scores, np.reshape(expected, (samples, groups)))
    np.testing.assert_array_equal(head.affine(head.counts(bits)), scores)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    groups=st.integers(1, 7),
    scores=st.integers(1, 7),
    size=st.integers(1, 9),
    samples=st.integers(0, 5),
    objective=st.sampled_from(OBJECTIVES),
)
def test_scores_are_the_formula_and_the_fast_map_is_the_slow_one(
    seed, groups, scores, size, samples, objective
) -> None:
    head, bits = random_head(seed, groups, scores, objective), random_bits(seed, samples, groups * size)
    weights = np.eye(groups, dtype=int).tolist() if head.weights is None else head.weights.tolist()
    bias = [0] * scores if head.bias is None else head.bias.tolist()
    counts = bits.reshape(samples, groups, size).sum(2).tolist()
    expected = [
        [sum(w * n for w, n in zip(row, sample, strict=True)) + b for row, b in zip(weights, bias, strict=True)]
        for sample in counts
    ]
    slow, fast = head.scores(bits), head.affine(head.counts(bits))
    assert slow.dtype == fast.dtype == np.int32
    np.testing.assert_array_equal(slow, np.reshape(expected, (samples, scores)))
    np.testing.assert_array_equal(fast, slow)


def test_counts_beyond_16_bits_are_exact() -> None:
    assert Head(1).scores(np.ones((1, 70_000), bool)).tolist() == [[70_000]]


def test_scores_at_the_ends_of_int32_are_exact() -> None:
    head = Head(2, [[INT32.max - 1, 1], [INT32.min, 0], [1, INT32.min + 5]], [0, 0, -5])
    bits = np.array([[1, 1], [0, 0], [1, 0], [0, 1]], bool)
    expected = [
        [INT32.max, INT32.min, INT32.min + 1],
        [0, 0, -5],
        [INT32.max - 1, INT32.min, -4],
        [1, 0, INT32.min],
    ]
    assert head.scores(bits).tolist() == expected
    assert head.affine(head.counts(bits)).tolist() == expected


@pytest.mark.parametrize(
    "head",
    [
        Head(2, [[INT32.max, 1]]),
        Head(2, [[INT32.min, -1]]),
        Head(2, bias=[0, INT32.max]),
        Head(2, [[-1, 0]], [INT32.min]),
        Head(2, [[INT32.max, INT32.max]] * 3),
        Head(2, [[INT32.max, INT32.min], [0, 0]], [1, 0]),
    ],
)
def test_a_head_whose_scores_could_leave_int32_is_refused(head: Head) -> None:
    with pytest.raises(ValueError, match=r"scores could be -?\d+ to -?\d+, beyond int32"):
        head.check(2)


def test_a_million_outputs_of_the_largest_weight_are_refused_and_not_overflown() -> None:
    with pytest.raises(ValueError, match=f"scores could be 0 to {INT32.max * 1_000_000}, beyond int32"):
        Head(1, [[INT32.max]]).check(1_000_000)


@pytest.mark.parametrize("part", [1, 6, 1000])
def test_the_reach_of_scores_is_that_of_every_part(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutsmith.circuit.heads.PART", part)
    weights = np.zeros((9, 3), np.int64)
    weights[4], weights[7] = [2**30, -1, 0], [-(2**30), 0, 0]
    Head(3, weights).check(3)
    Head(3, weights, np.full(9, 2**30 - 1)).check(3)
    for bias in (2**30, -(2**30) - 1):
        with pytest.raises(ValueError, match="beyond int32"):
            Head(3, weights, np.full(9, bias)).check(3)
    with pytest.raises(ValueError, match=f"scores could be {-(2**31)} to {2**31}, beyond"):
        Head(3, weights).check(6)


def test_ties_go_to_the_lowest_class() -> None:
    labels = Head(3).labels(np.array([[1, 2, 2], [3, 3, 3], [0, 0, 1], [-1, -2, -1]], np.int32))
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize("objective", ["classification", None])
def test_classification_takes_the_highest_score(objective: str | None) -> None:
    assert Head(3).decide(np.array([[1, 2, 2], [3, 1, 0]], np.int32), objective).tolist() == [1, 0]


def test_labels_are_set_above_zero() -> None:
    decided = Head(3).decide(np.array([[-1, 0, 1], [INT32.max, INT32.min, 0]], np.int32), "multilabel")
    assert decided.dtype == np.bool_
    assert decided.tolist() == [[False, False, True], [True, False, False]]


def test_values_are_scaled_in_float64() -> None:
    scores = np.array([[3, -7], [INT32.max, 0]], np.int32)
    values = Head(2, scale=[0.1, 1e298], offset=[0.7, -0.5]).decide(scores, "regression")
    assert values.dtype == np.float64
    assert values.tolist() == [[3 * 0.1 + 0.7, -7 * 1e298 - 0.5], [INT32.max * 0.1 + 0.7, -0.5]]
    assert Head(2).decide(scores, "regression").tolist() == [[3.0, -7.0], [float(INT32.max), 0.0]]


def test_one_target_has_no_axis() -> None:
    values = Head(1, scale=[2]).decide(np.array([[3], [4]], np.int32), "regression")
    assert values.tolist() == [6.0, 8.0]
    assert Head(1, offset=[2]).decide(np.empty((0, 1), np.int32), "regression").shape == (0,)


@pytest.mark.parametrize("outputs", [0, 5])
def test_widths_that_do_not_divide_are_refused(outputs: int) -> None:
    with pytest.raises(ValueError, match=f"{outputs} outputs do not fall into 3 equal groups"):
        Head(3).scores(np.zeros((1, outputs), bool))


@pytest.mark.parametrize(("groups", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_numbers_of_groups_that_make_no_sense_are_refused(groups, error: type[Exception]) -> None:
    with pytest.raises(error, match="num_groups"):
        Head(groups)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [[1, 2]]}, r"weights has shape \(1, 2\), expected \(scores, 3\)"),
        ({"weights": [1, 2, 3]}, "weights has shape"),
        ({"weights": np.empty((0, 3), int)}, "weights has shape"),
        ({"weights": [[0.5, 1, 2]]}, "weights must be integers"),
        ({"weights": [[2**31, 1, 2]]}, "weights holds 2147483648"),
        ({"bias": [1, 2]}, r"bias has shape \(2,\), expected \(3,\)"),
        ({"weights": [[1, 2, 3]], "bias": [1, 2, 3]}, r"bias has shape \(3,\), expected \(1,\)"),
        ({"bias": [-(2**31) - 1, 0, 0]}, "bias holds -2147483649"),
        ({"scale": 1.0}, "scale has shape"),
        ({"scale": [1, np.nan, 1]}, "scale holds NaN"),
        ({"offset": [1, np.inf, 1]}, "offset holds NaN or infinity"),
        ({"offset": ["a", "b", "c"]}, "offset must be real numbers"),
        ({"scale": [1e300, 1, 1]}, "beyond what float64 holds"),
        ({"scale": [8e298, 1, 1], "offset": [1e308, 0, 0]}, "beyond what float64 holds"),
    ],
)
def test_fields_that_make_no_head_are_refused(arguments, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Head(3, **arguments)


def test_a_head_is_a_value() -> None:
    weights = np.array([[1, 2], [3, 4]])
    head = Head(2, weights, [1, 2], [0.5, 0.0], [1.0, 2.0])
    weights[0] = 9
    assert head.weights is not None
    assert head.weights.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="read-only"):
        head.weights[0, 0] = 5
    with pytest.raises(AttributeError, match="cannot be changed"):
        head.num_groups = 3  # type: ignore[misc]
    for same in (
        pickle.loads(pickle.dumps(head)),
        copy.deepcopy(head),
        Head(2, head.weights, [1, 2], [0.5, -0.0], [1, 2]),
    ):
        assert same == head
        assert hash(same) == hash(head)
    others = [
        Head(2),
        Head(
            2,
            [
                [
                    1,
                    2,
                ],
                [3, 5],
            ],
            [1, 2],
            [0.5, 0.0],
            [1.0, 2.0],
        ),
        Head(2, [[1, 2], [3, 4]], [1, 2]),
    ]
    assert all(other != head for other in others)
    assert head != 2
    assert repr(head) == "Head(2 groups, 2 scores, weights, bias, scale, offset)"
