"""Popcount: group counts, and labels by the highest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Popcount


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 20), st.integers(0, 5))
def test_scores_count_contiguous_groups(seed: int, classes: int, group: int, samples: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 2, (samples, classes * group)).astype(bool)
    scores = Popcount(classes).scores(bits)
    assert scores.dtype == np.int32
    expected = [[sum(row[c * group : (c + 1) * group].tolist()) for c in range(classes)] for row in bits]
    np.testing.assert_array_equal(scores, np.reshape(expected, (samples, classes)))


def test_counts_beyond_16_bits_are_exact() -> None:
    assert Popcount(1).scores(np.ones((1, 70_000), bool)).tolist() == [[70_000]]


def test_ties_go_to_the_lowest_class() -> None:
    labels = Popcount(3).labels(np.array([[1, 2, 2], [3, 3, 3], [0, 0, 1]], np.int32))
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0, 2]


@pytest.mark.parametrize("outputs", [0, 5])
def test_widths_that_do_not_divide_are_refused(outputs: int) -> None:
    with pytest.raises(ValueError, match=f"{outputs} outputs do not fall into 3 equal groups"):
        Popcount(3).scores(np.zeros((1, outputs), bool))


@pytest.mark.parametrize(("classes", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_numbers_of_classes_that_make_no_sense_are_refused(classes, error: type[Exception]) -> None:
    with pytest.raises(error, match="num_classes"):
        Popcount(classes)
