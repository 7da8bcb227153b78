"""Comparators: strict comparisons in float32."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lutsmith.circuit import Comparators

NUMBERS = st.sampled_from([np.uint8, np.int16, np.int64, np.uint64, np.float16, np.float32, np.float64])
X_ROWS = NUMBERS.flatmap(lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(0, 4), st.just(3))))


@settings(deadline=None, max_examples=60)
@given(X_ROWS, hnp.arrays(np.float32, 5, elements=st.floats(allow_nan=False, width=32)))
def test_each_bit_is_one_comparison_in_float32(X: np.ndarray, threshold: np.ndarray) -> None:
    feature = [0, 2, 2, 1, 0]
    bits = Comparators(feature, threshold, 3).encode(X)
    assert bits.shape == (len(X), 5)
    with np.errstate(over="ignore"):
        rounded = X.astype(np.float32)
    for row in range(len(X)):
        for bit in range(5):
            assert bits[row, bit] == (rounded[row, feature[bit]] > threshold[bit])


def test_comparison_is_strict_and_false_for_nan() -> None:
    encoder = Comparators([0, 0], [1.0, -np.inf], 1)
    bits = encoder.encode([[1.0], [np.nextafter(np.float32(1), 2)], [np.nan], [-np.inf], [1e300]])
    np.testing.assert_array_equal(bits, [[0, 1], [1, 1], [0, 0], [0, 0], [1, 1]])


def test_values_that_round_to_the_threshold_are_not_greater() -> None:
    assert not Comparators([0], [16777216.0], 1).encode(np.array([[16777217]])).any()


def test_no_comparators_give_no_bits() -> None:
    assert Comparators([], [], 4).encode(np.zeros((2, 4))).shape == (2, 0)


def test_comparators_are_read_only_and_survive_a_pickle() -> None:
    encoder = Comparators([1, 0], [0.5, 1.5], 2)
    again = pickle.loads(pickle.dumps(encoder))
    for one in (encoder, again):
        assert one.feature.tolist() == [1, 0]
        assert one.threshold.tolist() == [0.5, 1.5]
        assert not one.feature.flags.writeable
        assert not one.threshold.flags.writeable


@pytest.mark.parametrize(
    ("feature", "threshold", "num_features", "message"),
    [
        ([2], [0.5], 2, "feature holds 2"),
        ([-1], [0.5], 2, "feature holds -1"),
        ([0, 1], [0.5], 2, r"threshold has shape \(1,\) for 2 comparators"),
        ([0], [np.nan], 2, "threshold is NaN"),
        ([[0]], [[0.5]], 2, "feature has shape"),
        ([], [], 0, "num_features is 0"),
        ([0], [0.5], 2**31, "num_features is"),
    ],
)
def test_what_is_no_encoder_is_refused(feature, threshold, num_features: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Comparators(feature, threshold, num_features)


@pytest.mark.parametrize(("feature", "num_features"), [([0.5], 1), ([0], 1.0), ([0], True)])
def test_what_is_no_integer_is_refused(feature, num_features) -> None:
    with pytest.raises(TypeError, match="must be"):
        Comparators(feature, [0.5], num_features)


def test_encode_refuses_another_width() -> None:
    with pytest.raises(ValueError, match=r"X has shape \(2, 3\), expected \(samples, 2\)"):
        Comparators([0], [0.5], 2).encode(np.zeros((2, 3)))
