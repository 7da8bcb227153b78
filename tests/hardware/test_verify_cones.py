"""Netlists cut into what a proof needs are the functions that they should be, at any place of any netlist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats.assembly import CycleError
from lutsmith.hardware.verification.design.cones import behind, bypassed, cone, cut, keeps_state, next_state, roots
from tests.circuit.examples import random_netlist

seeds = st.integers(0, 10_000)
some = st.integers(0, 3)


def drawn(netlist: Netlist, seed: int, rows: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, states, and the value of every signal."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (rows, netlist.num_inputs)).astype(bool)
    state = rng.integers(0, 2, (rows, netlist.num_registers)).astype(bool)
    return bits, state, netlist.evaluate(bits, keep="all", state=state)


def chains(seed: int, registers: int) -> Netlist:
    """A netlist half of whose nodes are buffers and inverters, of inputs, registers, constants and one another."""
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(4)
    state = builder.register(registers)
    signals = np.concatenate([np.arange(4), state, [builder.constant(True)]])
    for _ in range(6):
        gates = builder.lut(rng.choice(signals, (2, 2)), rng.integers(0, 2, (2, 4)))
        single = builder.lut(rng.choice(signals, (4, 1)), np.array([[0, 1], [1, 0], [1, 0], [1, 1]]))
        signals = np.concatenate([signals, gates, single])
    builder.connect(state, rng.choice(signals, registers))
    return builder.build(rng.choice(signals, 8))


@settings(max_examples=60, deadline=None)
@given(seeds, some)
def test_a_root_is_its_signal_or_the_complement_and_no_buffer(seed, registers):
    netlist = chains(seed, registers)
    _, _, values = drawn(netlist, seed)
    signals = np.arange(netlist.num_signals, dtype=np.int32)
    root, inverted = roots(netlist, signals)
    np.testing.assert_array_equal(values[:, root] ^ inverted, values)
    assert (root <= signals).all()
    nodes = root[root >= netlist.num_inputs + netlist.num_registers] - netlist.num_inputs - netlist.num_registers
    single = nodes[netlist.ranks[nodes] == 1]
    assert not np.isin(netlist.tables()[single], np.array([0b01, 0b10], np.uint64)).any()


def test_signals_of_a_netlist_without_nodes_are_their_own_roots():
    root, inverted = roots(NetlistBuilder(3).build([2, 0]), np.array([2, 0], np.int32))
    assert root.tolist() == [2, 0]
    assert not inverted.any()


@settings(max_examples=60, deadline=None)
@given(seeds, some, st.integers(0, 7), st.integers(0, 7))
def test_a_cone_is_its_outputs_and_needs_every_node(seed, registers, start, stop):
    netlist = random_netlist(seed, registers=registers)
    bits, state, values = drawn(netlist, seed)
    found = cone(netlist, slice(start, stop))
    np.testing.assert_array_equal(found.evaluate(bits, state=state), values[:, netlist.outputs[start:stop]])
    np.testing.assert_array_equal(
        found.evaluate(bits, state=state, keep="all")[:, found.register_next], values[:, netlist.register_next]
    )
    read = np.zeros(found.num_signals, bool)
    read[found.fanin] = read[found.outputs] = read[found.register_next] = True
    assert read[found.num_inputs + found.num_registers :].all()


@settings(max_examples=40, deadline=None)
@given(seeds, some)
def test_the_next_state_is_what_registers_take(seed, registers):
    netlist = random_netlist(seed, registers=registers)
    bits, state, values = drawn(netlist, seed)
    opened = next_state(netlist)
    given_ = np.concatenate([bits, state], axis=1)
    np.testing.assert_array_equal(opened.evaluate(given_), values[:, netlist.register_next])
    np.testing.assert_array_equal(keeps_state(netlist.num_inputs, registers).evaluate(given_), state)


def test_registers_in_a_row_are_wires_and_those_that_feed_themselves_are_told():
    builder = NetlistBuilder(2)
    row = builder.register(9)
    made = builder.lut([[int(row[8]), 1]], [[0, 1, 1, 0]])
    builder.connect(row, [0, *row[:8].tolist()])
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], bool)
    found = bypassed(builder.build([*made, int(row[4])]))
    assert found.num_registers == 0
    np.testing.assert_array_equal(found.evaluate(bits), np.stack([bits[:, 0] ^ bits[:, 1], bits[:, 0]], axis=1))
    builder = NetlistBuilder(1)
    ring = builder.register(3)
    builder.connect(ring, [ring[1], ring[2], ring[0]])
    with pytest.raises(CycleError):
        bypassed(builder.build([0]))


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 7), st.integers(0, 7), st.floats(0, 1))
def test_outputs_are_functions_of_signals_on_every_way_to_them_and_of_no_fewer(seed, start, stop, share):
    netlist = random_netlist(seed)
    rng = np.random.default_rng(seed)
    _, _, values = drawn(netlist, seed)
    inner = rng.permutation(np.arange(netlist.num_inputs, netlist.num_signals))
    boundary = np.concatenate([np.arange(netlist.num_inputs), inner[: int(share * inner.size)]])
    rng.shuffle(boundary)
    found = cut(netlist, boundary, slice(start, stop))
    assert found is not None
    assert found.num_inputs == boundary.size
    np.testing.assert_array_equal(found.evaluate(values[:, boundary]), values[:, netlist.outputs[start:stop]])
    for left_out in range(netlist.num_inputs):  # what is missing must make no difference
        fewer = boundary[boundary != left_out]
        found = cut(netlist, fewer, slice(start, stop))
        if found is not None:
            np.testing.assert_array_equal(found.evaluate(values[:, fewer]), values[:, netlist.outputs[start:stop]])
        else:
            needed = cone(netlist, slice(start, stop))
            assert left_out in {*needed.fanin.tolist(), *needed.outputs.tolist()}


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_what_lies_behind_inner_signals_is_compared_as_a_function_of_them(seed):
    """Of signals that are constants, inverters, and one another."""
    first, wanted = chains(seed, 0), random_netlist(seed, inputs=8, max_rank=6)
    builder = NetlistBuilder(first.num_inputs)
    signals = builder.embed(first, np.arange(first.num_inputs))
    results = builder.embed(wanted, signals)
    other = builder.lut([[int(results[0]), 0]], [[0, 1, 1, 0]])
    netlist = builder.build([*signals, *results, *other])
    inner = netlist.outputs[:8]
    pair = behind(netlist, inner, slice(8, 15), wanted)
    assert pair is not None
    rows = np.random.default_rng(seed).integers(0, 2, (60, pair[0].num_inputs)).astype(bool)
    np.testing.assert_array_equal(pair[0].evaluate(rows), pair[1].evaluate(rows))
    root, _ = roots(netlist, inner)
    distinct = {int(each) for each in root if each < netlist.num_inputs or netlist.ranks[each - netlist.num_inputs]}
    assert pair[0].num_inputs == len(distinct)
    if 0 not in distinct:
        assert behind(netlist, inner, slice(15, 16), wanted) is None
