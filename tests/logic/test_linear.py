"""Cones that compare sums and differences of words with constants are the integers, and a wrong one is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder
from lutsmith.logic.linear import LinearForm, placed

widths = st.tuples(st.integers(1, 5), st.integers(1, 5))


@settings(max_examples=60, deadline=None)
@given(widths, st.none() | st.lists(st.integers(-70, 70), min_size=1, max_size=4), st.integers(1, 2))
def test_every_value_of_the_words_gives_what_the_integers_say(widths, bounds, factor):
    form = LinearForm(widths, None if bounds is None else tuple(bounds), 1 if bounds is None else factor)
    form.check()
    rows = np.arange(1 << sum(widths))
    a, b = rows % (1 << widths[0]), rows >> widths[0]
    found = form.netlist.evaluate((rows[:, None] >> np.arange(sum(widths)) & 1) == 1)
    if bounds is None:
        assert np.array_equal(found @ (1 << np.arange(found.shape[1])), a + b)
    else:
        assert np.array_equal(found, (form.factor * a - b)[:, None] >= np.array(bounds))


def test_a_wrong_lut_is_found_and_long_words_are_refused():
    form = LinearForm((8, 8), (-5, 0, 9))
    netlist = form.netlist
    pool = netlist.table_pool.copy()
    pool[0] ^= np.uint64(2)
    vars(form)["netlist"] = replace(netlist, table_pool=pool)
    with pytest.raises(ValueError, match="compute something else than the integers"):
        form.check()
    with pytest.raises(ValueError, match="words of 12 and 11 bits; expected 22 together at most"):
        LinearForm((12, 11))


def test_three_thresholds_of_a_difference_of_bytes_take_eighteen_luts_and_twelve_of_multiples_of_eight():
    assert LinearForm((8, 8), (-5, 1, 7)).netlist.num_nodes == 18
    assert LinearForm((8, 8), (-8, 0, 8)).netlist.num_nodes == 12


def test_copies_stand_wherever_they_are_put():
    form, builder = LinearForm((3, 3), (-2, 0, 3)), CircuitBuilder((4,))
    words = builder.words(builder.features, 3)
    pairs = np.array([[0, 1], [1, 2], [3, 0]])
    made = placed(form.netlist, words[pairs].reshape(3, 6), builder.lut)
    x = np.random.default_rng(0).integers(0, 8, (500, 4))
    found = builder.build(made.reshape(-1)).outputs(x)
    left = x[:, pairs[:, 0]] - x[:, pairs[:, 1]]
    assert np.array_equal(found.reshape(500, 3, 3), left[:, :, None] >= np.array([-2, 0, 3]))
