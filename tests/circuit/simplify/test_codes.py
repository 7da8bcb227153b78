"""`use_codes`: equal on every word that comparators can give, and what it keeps and finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.simplify import remove_dead, use_codes
from lutsmith.circuit.simplify.codes import possible
from lutsmith.circuit.simplify.luts import UNUSED, Luts

from .nets import random_net, same_arrays

EXAMPLES = settings(deadline=None, max_examples=60)
LEVELS = np.array([-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf], np.float32)
VALUES = np.array([np.nan, -np.inf, -2.0, -1.0, -0.5, 0.0, 1.0, 2.0, 3.0, np.inf], np.float32)
"""On every threshold, between any two, beyond them, and none: every word of a feature's comparators is among these."""


@st.composite
def encoded(draw: st.DrawFn) -> tuple[Netlist, Comparators]:
    """A netlist, with registers at times, behind comparators of two features: equal and infinite thresholds too."""
    inputs = draw(st.sampled_from([0, 1, 3, 5, 8]))
    seed, luts = draw(st.integers(0, 2**32)), draw(st.sampled_from([0, 1, 5, 30]))
    rng = np.random.default_rng(seed)
    encoder = Comparators(rng.integers(0, 2, inputs), rng.choice(LEVELS, inputs), 2)
    return random_net(seed, inputs=inputs, luts=luts, registers=draw(st.sampled_from([0, 0, 3]))), encoder


def words(encoder: Comparators) -> np.ndarray:
    """bool (n, I), every word that a sample can give."""
    return np.unique(encoder.encode(np.array(list(product(VALUES, VALUES)))), axis=0)


def all_values(netlist: Netlist, encoder: Comparators) -> np.ndarray:
    """Outputs and next values, for every word and every state of the registers."""
    bits = words(encoder)
    states = np.array(list(product([False, True], repeat=netlist.num_registers)), bool)
    values = netlist.evaluate(np.tile(bits, (len(states), 1)), keep="all", state=np.repeat(states, len(bits), axis=0))
    return values[:, np.concatenate([netlist.outputs, netlist.register_next])]


@EXAMPLES
@given(given=encoded())
def test_it_is_equal_on_every_word_that_comparators_can_give(given: tuple[Netlist, Comparators]) -> None:
    netlist, encoder = given
    result = use_codes(netlist, encoder)
    assert result.num_inputs == netlist.num_inputs
    np.testing.assert_array_equal(all_values(result, encoder), all_values(netlist, encoder))


@EXAMPLES
@given(given=encoded())
def test_a_second_run_finds_nothing_more(given: tuple[Netlist, Comparators]) -> None:
    once = use_codes(*given)
    assert use_codes(once, given[1]) is once


@EXAMPLES
@given(given=encoded())
def test_it_adds_no_lut_no_input_of_a_lut_and_no_level(given: tuple[Netlist, Comparators]) -> None:
    netlist = remove_dead(given[0])
    result = use_codes(netlist, given[1])
    assert result.num_nodes == netlist.num_nodes
    assert result.fanin.size <= netlist.fanin.size
    assert result.depth <= netlist.depth


@EXAMPLES
@given(given=encoded())
def test_the_addresses_left_out_are_those_that_no_word_gives(given: tuple[Netlist, Comparators]) -> None:
    """Exactly those, for LUTs that read comparators alone."""
    netlist, encoder = given
    luts = Luts.of(netlist)
    left = possible(luts, encoder)
    values = np.column_stack([words(encoder), np.zeros(len(words(encoder)), bool)])
    for node in np.flatnonzero((luts.reads < netlist.num_inputs).all(axis=1)):
        reads = np.where(luts.reads[node] == UNUSED, netlist.num_inputs, luts.reads[node])
        rank = np.count_nonzero(luts.reads[node] != UNUSED)
        given_by_words = np.unique(values[:, reads] @ (1 << np.arange(6)))
        assert [a for a in range(1 << rank) if int(left[node]) >> a & 1] == given_by_words.tolist()


def gate(
    thresholds: list[float], entries: list[int], features: tuple[int, ...] = (0, 0)
) -> tuple[Netlist, Comparators]:
    builder = NetlistBuilder(2)
    return builder.build(builder.lut([[0, 1]], [entries])), Comparators(features, thresholds, 2)


@pytest.mark.parametrize(
    ("thresholds", "entries", "rank"),
    [
        ([1.0, 2.0], [0, 0, 0, 1], 1),  # above 1 and above 2
        ([1.0, 2.0], [0, 1, 1, 1], 1),  # above 1 or above 2
        ([1.0, 2.0], [0, 1, 1, 0], 2),  # between them
        ([1.0, 1.0], [0, 1, 1, 0], 0),  # never
        ([0.0, -0.0], [0, 1, 1, 1], 1),
        ([np.inf, 2.0], [0, 1, 0, 1], 0),  # nothing is above infinity
        ([-np.inf, 2.0], [0, 1, 0, 1], 1),  # -inf and NaN are not above -inf
    ],
)
def test_what_the_order_of_thresholds_frees(thresholds: list[float], entries: list[int], rank: int) -> None:
    assert use_codes(*gate(thresholds, entries)).ranks.tolist() == [rank]


def test_comparators_of_two_features_know_nothing_of_each_other() -> None:
    netlist, encoder = gate([1.0, 2.0], [0, 0, 0, 1], features=(0, 1))
    assert use_codes(netlist, encoder) is netlist


def test_registers_are_no_comparators() -> None:
    builder = NetlistBuilder(1)
    state = builder.register(1)
    builder.connect(state, [0])
    netlist = builder.build(builder.lut([[0, int(state[0])]], [[0, 0, 0, 1]]))
    encoder = Comparators([0], [1.0], 1)
    assert same_arrays(use_codes(netlist, encoder), netlist)


def test_a_netlist_of_other_inputs_than_the_encoder_has_comparators_is_refused() -> None:
    netlist, encoder = gate([1.0, 2.0], [0, 0, 0, 1])
    with pytest.raises(ValueError, match="2 inputs and the encoder 3 comparators"):
        use_codes(netlist, replace(encoder, feature=[0, 0, 0], threshold=[1.0, 2.0, 3.0]))
