from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import NetlistBuilder
from lutsmith.logic import Design, Part, Port, Words, elaborate, is_balanced, pipelined
from tests.circuit.examples import random_netlist
from tests.logic.examples import any_circuit


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.sampled_from([None, "multilabel", "regression"]))
def test_a_pipelined_design_is_the_design_some_cycles_later(seed, every, objective):
    design = elaborate(any_circuit(seed, objective=objective), words=4)
    clocked = pipelined(design, every)
    bits = np.random.default_rng(seed).integers(0, 2, (20, design.inputs[0].size)).astype(bool)
    for before, after in zip(design.parts, clocked.parts, strict=True):
        assert is_balanced(after)
        assert (after.latency == 0) == (after.netlist.num_registers == 0)
        expected = before.evaluate(bits)
        assert np.array_equal(after.evaluate(bits), expected)
        bits = expected
    assert clocked.latency == sum(part.latency for part in clocked.parts) == clocked.flat().latency
    assert is_balanced(clocked.flat())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
@example(274, 1)  # its outputs need none of its LUTs
def test_no_path_between_registers_is_longer_than_asked(seed, every):
    netlist = random_netlist(seed)
    part = Part("any", netlist, (Port("a", 1, 9),), (Port("b", 1, 7),))
    clocked = pipelined(Design("any", (part,)), every).parts[0]
    assert clocked.netlist.depth <= every
    assert is_balanced(clocked)
    bits = np.random.default_rng(seed).integers(0, 2, (30, 9)).astype(bool)
    assert np.array_equal(clocked.evaluate(bits), netlist.evaluate(bits))


def chain():
    """Two inputs through two levels of XOR, cut after each."""
    builder = NetlistBuilder(3)
    first = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    last = builder.lut([[int(first[0]), 2]], [[0, 1, 1, 0]])
    part = Part("xor", builder.build(last), (Port("a", 3),), (Port("b", 1),))
    return pipelined(Design("xor", (part,)), 1).parts[0]


def test_waiting_values_share_their_registers():
    part = chain()
    assert (part.latency, part.netlist.num_registers) == (2, 3)
    builder = NetlistBuilder(7)
    one = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    many = builder.lut([[int(one[0]), 2]] * 4, [[0, 1, 1, 0]] * 4)
    part = Part("fan", builder.build(many), (Port("a", 7),), (Port("b", 4),))
    assert pipelined(Design("fan", (part,)), 1).parts[0].netlist.num_registers == 2 + 4


def test_a_dropped_or_a_moved_register_is_seen():
    part = chain()
    netlist = part.netlist
    assert is_balanced(part)
    assert not is_balanced(replace(part, latency=1))
    assert not is_balanced(replace(part, latency=3))
    for register in range(netlist.num_registers):
        signal = netlist.num_inputs + register
        skipped = netlist.register_next[register]
        if skipped < netlist.num_inputs:
            fanin = np.where(netlist.fanin == signal, skipped, netlist.fanin)
            assert not is_balanced(replace(part, netlist=replace(netlist, fanin=fanin)))
    fed = netlist.register_next.copy()
    fed[0] = netlist.num_inputs
    assert not is_balanced(replace(part, netlist=replace(netlist, register_next=fed)))


def test_a_register_that_feeds_itself_is_seen_even_where_no_input_reaches_it():
    builder = NetlistBuilder(1)
    toggle, plain = builder.register(2)
    builder.connect([toggle, plain], [int(builder.lut([[toggle]], [[1, 0]])[0]), 0])
    part = Part("t", builder.build([plain, toggle]), (Port("a", 1),), (Port("b", 2),), latency=1)
    assert not is_balanced(part)
    alone = replace(part, netlist=builder.build([plain, plain]))
    assert not is_balanced(alone)


def test_constants_and_wires_need_no_registers():
    builder = NetlistBuilder(2)
    part = Part("w", builder.build([1, 0, builder.constant(True)]), (Port("a", 2),), (Port("b", 3),))
    design = pipelined(Design("w", (part,)), 1)
    assert design.latency == 0
    assert design.parts[0] is part
    builder.lut([[0, 1]], [[0, 0, 0, 1]])
    unread = replace(part, netlist=builder.build([1, 0, builder.constant(True)]))
    clean = pipelined(Design("w", (unread,)), 1)
    assert clean.latency == 0
    assert clean.parts[0].netlist.depth == 0  # the LUT that no output needs is left out


def test_a_thousand_classes_are_pipelined():
    design = pipelined(elaborate(any_circuit(1, groups=1000, size=1, plain=True), words=Words.float32(4)), 4)
    assert all(map(is_balanced, design.parts))


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)])
def test_what_is_no_number_of_levels_is_refused(every, error):
    with pytest.raises(error, match="every"):
        pipelined(elaborate(any_circuit(0)), every)


def test_a_state_is_not_pipelined():
    netlist = random_netlist(1, registers=3)
    part = Part("state", netlist, (Port("a", 1, 9),), (Port("b", 1, 7),))
    with pytest.raises(ValueError, match="3 registers"):
        pipelined(Design("state", (part,)), 2)
