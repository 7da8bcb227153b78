import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.grid import Grid

F32 = np.float32
numbers = st.floats(-(2.0**99), 2.0**99, width=32)


@st.composite
def grids(draw):
    low, high = sorted([draw(numbers), draw(numbers)])
    return Grid.covering(low, high, draw(st.integers(1, 10)))


@settings(max_examples=200, deadline=None)
@given(grids(), st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_floor_is_the_highest_word_not_above_and_ceil_the_lowest_not_below(grid, xs):
    values = grid.value(np.arange(grid.highest + 1))
    assert (np.diff(values) >= 0).all()
    xs = [*xs, *values[:5], *np.nextafter(values[-5:], F32(np.inf))]
    for x in np.array(xs, F32):
        assert grid.floor(x) == np.count_nonzero(values <= x) - 1
        assert grid.ceil(x) == min(np.count_nonzero(values < x), grid.highest)


@settings(max_examples=100, deadline=None)
@given(grids(), numbers)
def test_words_above_the_floor_of_a_threshold_are_values_above_it(grid, threshold):
    words = np.arange(grid.highest + 1)
    assert np.array_equal(words > grid.floor(threshold), grid.value(words) > F32(threshold))


def test_infinities_and_nan_saturate():
    grid = Grid.covering(0.0, 10.0, 4)
    assert grid.ceil(np.array([np.nan, -np.inf, np.inf], F32)).tolist() == [0, 0, 15]
    assert grid.floor(np.array([-np.inf, np.inf], F32)).tolist() == [-1, 15]


def test_integers_that_fit_are_words():
    grid = Grid.covering(np.zeros(3), [255.0, 17.0, 0.0], 8)
    assert grid.value(np.array([[255, 15, 255]])).tolist() == [[255.0, 1.0, 1.0]]
    assert pickle.loads(pickle.dumps(grid)).per_unit.tolist() == [1.0, 15.0, 255.0]


@pytest.mark.parametrize(
    ("bits", "low", "per_unit", "message"),
    [
        (0, 0.0, 1.0, "bits"),
        (25, 0.0, 1.0, "bits"),
        (8, np.nan, 1.0, "finite"),
        (8, 0.0, 0.0, "above 0"),
        (8, 0.0, np.inf, "finite"),
        (8, [0.0, 1.0], 1.0, "equal shapes"),
    ],
)
def test_what_is_no_grid_is_refused(bits, low, per_unit, message):
    with pytest.raises(ValueError, match=message):
        Grid(bits, low, per_unit)
