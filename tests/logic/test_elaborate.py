import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Comparators, Head, Inputs, NetlistBuilder
from lutsmith.logic import Words, elaborate
from lutsmith.logic.encoder import encoder_part
from tests.circuit.examples import random_netlist
from tests.logic.examples import HOSTILE, any_circuit, hostile_patterns

seeds = st.integers(0, 10_000)
tasks = st.sampled_from([None, "classification", "multilabel", "regression"])


def check(circuit, words, X):
    """The design, and its flat form, say of the words of X what the circuit says of the numbers that they stand for."""
    design = elaborate(circuit, words=words)
    x = design.words.quantise(X)
    got = design.evaluate(x=x)
    numbers = design.words.values(x)
    scores = circuit.head.scores(circuit.evaluate(numbers))
    assert np.array_equal(got.pop("scores"), scores)
    decision = circuit.head.decide(scores, circuit.objective)
    if circuit.objective == "multilabel":
        assert np.array_equal(got.pop("labels") == 1, decision)
    elif circuit.objective != "regression":
        assert np.array_equal(got.pop("label")[:, 0], decision)
    assert not got
    bits = design.inputs[0].bits(x)
    chained = bits
    for part in design.parts:
        chained = part.evaluate(chained)
    assert np.array_equal(design.flat().evaluate(bits), chained)
    return design


@settings(max_examples=30, deadline=None)
@given(seeds, tasks, st.integers(1, 6), st.integers(1, 9), st.integers(1, 6), st.sampled_from([None, "float", 1, 3, 8]))
def test_a_design_is_the_circuit_on_the_numbers_of_its_words(seed, objective, groups, size, scores, words):
    circuit = any_circuit(seed, groups=groups, size=size, scores=scores, objective=objective)
    chosen = Words.float32(4) if words == "float" else words
    X = np.random.default_rng(seed).uniform(-4, 7, (40, 4)).astype(np.float32)
    X[:8] = np.round(X[:8])
    X[8, 0], X[9, 1], X[10, 2] = np.nan, np.inf, -np.inf
    check(circuit, chosen, X)


@pytest.mark.parametrize(("groups", "size"), [(1, 1), (1, 300), (1000, 1), (1000, 2), (2, 200)])
@pytest.mark.parametrize("plain", [True, False])
def test_one_class_and_a_thousand_classes(groups, size, plain):
    circuit = any_circuit(3, groups=groups, size=size, scores=groups, plain=True)
    if not plain:
        bias = np.random.default_rng(0).integers(-5, 5, groups)
        circuit = Circuit((4,), circuit.encoder, circuit.netlist, Head(groups, bias=bias))
    design = check(circuit, None, np.random.default_rng(0).integers(0, 4, (30, 4)))
    label = design.outputs[0]
    assert (label.name, label.width) == ("label", max(1, (groups - 1).bit_length()))


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 24))
def test_comparators_of_words_are_exact(seed, bits):
    rng = np.random.default_rng(seed)
    low, per_unit = rng.normal(size=2) * 10, 10.0 ** rng.integers(-3, 4, 2)
    words = Words.fixed(bits, low, per_unit)
    feature = rng.integers(0, 2, 20)
    top = low + (1 << bits) / per_unit
    threshold = rng.uniform(low - 1, top + 1, (20, 2))[np.arange(20), feature].astype(np.float32)
    threshold[:2] = -np.inf, 3e38
    comparators = Comparators(feature, threshold, 2)
    part = encoder_part(Inputs(comparators), words)
    near = words.limits(feature, threshold)
    x = np.clip(np.concatenate([near - 1, near, near + 1, rng.integers(0, 1 << bits, 20)]), 0, (1 << bits) - 1)
    x = np.stack([x, rng.permutation(x)], axis=1).astype(np.uint32)
    assert np.array_equal(part.evaluate(part.inputs[0].bits(x)), comparators.encode(words.values(x)))


@settings(max_examples=40, deadline=None)
@given(seeds, st.lists(st.floats(width=32, allow_nan=False), max_size=12))
def test_comparators_of_floats_are_exact_for_every_bit_pattern(seed, thresholds):
    threshold = np.concatenate([HOSTILE, np.array(thresholds, np.float32)])
    feature = np.random.default_rng(seed).integers(0, 3, threshold.size)
    comparators = Comparators(feature, threshold, 3)
    patterns = hostile_patterns(threshold, seed)
    x = np.stack([np.roll(patterns, shift) for shift in range(3)], axis=1)
    part = encoder_part(Inputs(comparators), Words.float32(3))
    expected = comparators.encode(x.view(np.float32))
    assert np.array_equal(part.evaluate(part.inputs[0].bits(x)), expected)


def test_a_comparator_of_floats_is_seven_luts_deep():
    comparators = Comparators([0] * 50, np.linspace(-1, 1, 50, dtype=np.float32), 1)
    netlist = encoder_part(Inputs(comparators), Words.float32(1)).netlist
    assert netlist.depth == 7
    assert netlist.num_nodes <= 7 * 51


def test_parts_can_be_left_out():
    circuit = any_circuit(5)
    names = [[part.name for part in elaborate(circuit, encoder=e, head=h).parts] for e in (0, 1) for h in (0, 1)]
    assert names == [
        ["network"],
        ["network", "popcount", "decision"],
        ["encoder", "network"],
        ["encoder", "network", "popcount", "decision"],
    ]
    bare = elaborate(circuit, encoder=False, head=False)
    assert bare.words is None
    assert bare.parts[0].netlist is circuit.netlist
    bits = np.random.default_rng(0).integers(0, 2, (9, 9))
    assert np.array_equal(bare.evaluate(bits=bits)["outputs"] == 1, circuit.netlist.evaluate(bits))
    assert [port.name for port in elaborate(circuit, scores=False).outputs] == ["label"]
    assert [port.name for port in elaborate(any_circuit(5, objective="regression"), scores=False).outputs] == ["scores"]


def test_scores_are_no_wider_than_they_must_be():
    encoder, netlist = Comparators([0], [0.5], 1), NetlistBuilder(1).build([0, 0, 0, 0])
    for head, width, signed in (
        (Head(2), 2, False),
        (Head(2, bias=[0, 5]), 3, False),
        (Head(2, bias=[0, 6]), 4, False),
        (Head(2, bias=[-1, 1]), 3, True),
        (Head(2, bias=[-2, -2]), 2, True),
        (Head(2, weights=[[-4, 0]], bias=[0]), 4, True),
        (Head(1, weights=[[0]]), 1, False),
        (Head(1, weights=[[-(2**29)]]), 32, True),
    ):
        port = elaborate(Circuit((1,), encoder, netlist, head)).outputs[-1]
        assert (port.width, port.signed) == (width, signed)


def test_a_circuit_without_inputs_is_a_design_of_constants():
    builder = NetlistBuilder()
    netlist = builder.build([builder.constant(True), builder.constant(False)])
    circuit = Circuit((2,), Comparators([], [], 2), netlist, Head(2))
    for words in (Words.float32(2), Words.fixed(3, [0, 0], [1, 1])):
        check(circuit, words, np.zeros((3, 2)))


def test_registers_stay_and_the_circuit_is_their_first_cycle():
    netlist = random_netlist(7, inputs=4, registers=5, outputs=6)
    circuit = Circuit((4,), Comparators(range(4), [0.5] * 4, 4), netlist, Head(3))
    design = elaborate(circuit)
    assert design.latency == 0
    assert design.flat().netlist.num_registers == 5
    X = np.random.default_rng(0).integers(0, 2, (6, 4))
    first = [design.evaluate(x=design.words.quantise(row[None]))["scores"][0] for row in X]
    assert np.array_equal(first, circuit.decision_function(X))


def test_words_of_another_circuit_are_refused():
    with pytest.raises(ValueError, match="3 features for a circuit of 4"):
        elaborate(any_circuit(0), words=Words.float32(3))
