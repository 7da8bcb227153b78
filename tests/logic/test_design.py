import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import NetlistBuilder
from lutsmith.logic import Design, Part, Port
from tests.circuit.examples import random_netlist


def chained(seed, middle=7):
    one = random_netlist(seed, outputs=middle)
    two = random_netlist(seed + 1, inputs=middle, outputs=6)
    between = Port("outputs", 1, middle)
    return Design(
        "chain",
        (
            Part("first", one, (Port("x", 3, 3),), (between,)),
            Part("second", two, (between,), (Port("scores", 2, 2, signed=True), Port("label", 2))),
        ),
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_flat_design_and_its_parts_are_the_same_function(seed):
    design = chained(seed)
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 8, (50, 3))
    bits = design.inputs[0].bits(words)
    one, two = (part.netlist for part in design.parts)
    expected = two.evaluate(one.evaluate(bits))
    assert np.array_equal(design.flat().evaluate(bits), expected)
    found = design.evaluate(x=words)
    assert np.array_equal(found["scores"], design.outputs[0].words(expected[:, :4]))
    assert np.array_equal(found["label"], design.outputs[1].words(expected[:, 4:]))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 32), st.booleans(), st.integers(0, 10_000))
def test_words_become_bits_and_again_words(width, signed, seed):
    port = Port("x", width, 3, signed)
    low = -(1 << width - 1) if signed else 0
    words = np.random.default_rng(seed).integers(low, low + (1 << width), (5, 3))
    words[0] = low, low + (1 << width) - 1, max(low, 0)
    assert np.array_equal(port.words(port.bits(words)), words)
    assert (port.bits(words).dtype, port.words(port.bits(words)).dtype) == (np.bool_, np.int64)
    with pytest.raises(ValueError, match="x holds"):
        port.bits(words + (1 << width))


def test_a_part_with_registers_gives_a_sample_after_its_latency():
    builder = NetlistBuilder(2)
    delay = builder.register(2, [True, False])
    builder.connect(delay[:1], builder.lut([[0, 1]], np.array([0b0110], np.uint64)))
    builder.connect(delay[1:], delay[:1])
    part = Part("late", builder.build(delay[1:]), (Port("x", 2),), (Port("label", 1),), latency=2)
    samples = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    assert part.evaluate(samples)[:, 0].tolist() == [True, False, True, False]


def test_a_netlist_embedded_in_a_builder_keeps_its_function_and_registers():
    netlist = random_netlist(3, registers=4)
    builder = NetlistBuilder(netlist.num_inputs)
    copy = builder.build(builder.embed(netlist, np.arange(netlist.num_inputs)))
    bits = np.random.default_rng(0).integers(0, 2, (64, netlist.num_inputs))
    assert np.array_equal(copy.evaluate(bits), netlist.evaluate(bits))
    assert np.array_equal(copy.register_init, netlist.register_init)
    state = netlist.evaluate(bits, keep="all")[:, netlist.register_next]
    assert np.array_equal(copy.evaluate(bits, keep="all")[:, copy.register_next], state)
    with pytest.raises(ValueError, match="expected"):
        builder.embed(netlist, [0])


def test_parts_that_do_not_fit_are_refused():
    part = chained(0).parts[0]
    with pytest.raises(ValueError, match="9 inputs"):
        Part("first", part.netlist, (Port("x", 2, 3),), part.outputs)
    with pytest.raises(ValueError, match="same name"):
        Part("first", part.netlist, (Port("x", 3), Port("x", 6)), part.outputs)
    with pytest.raises(ValueError, match="takes"):
        Design("twice", (part, part))
    with pytest.raises(ValueError, match="at least one part"):
        Design("empty", ())
    with pytest.raises(ValueError, match="expected \\['x'\\]"):
        chained(0).evaluate(y=np.zeros((1, 3), int))
