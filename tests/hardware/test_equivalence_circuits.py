"""Circuits: only what samples can make counts, and what users get of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Comparators, Head, Inputs, NetlistBuilder
from lutsmith.hardware import Proof, abc, prove
from lutsmith.hardware.equivalence import circuits, comparators

from ..circuit.examples import random_circuit, random_netlist
from .test_equivalence import flipped

needs_abc = pytest.mark.needs("abc")


def said(circuit: Circuit, sample: np.ndarray) -> object:
    """What a user gets, in the names of the classes."""
    (decided,) = circuit.predict(sample[None]).tolist()
    if circuit.objective == "multilabel":
        names = circuit.classes or range(len(decided))
        return {name for name, is_set in zip(names, decided, strict=True) if is_set}
    if circuit.objective == "regression":
        return decided
    return decided if circuit.classes is None else circuit.classes[decided]


def assert_said_differently(a: Circuit, b: Circuit, proof: Proof) -> None:
    assert proof.verdict == "different"
    assert proof.counterexample is not None
    assert proof.counterexample.dtype == np.float32
    assert said(a, proof.counterexample) != said(b, proof.counterexample)


@pytest.mark.parametrize(
    ("objective", "fields"),
    [
        (None, {"head": Head(3, bias=[1, 0, 0])}),
        (None, {"head": Head(1)}),
        (None, {"head": Head(3, np.eye(3, dtype=int)[[1, 0, 2]])}),
        ("multilabel", {"head": Head(3, bias=[-1, 0, 0])}),
        ("regression", {"head": Head(3, bias=[0, 0, 1])}),
        ("regression", {"head": Head(3, scale=[1, 2, 1])}),
        (None, {"objective": "multilabel"}),
        (None, {"objective": "regression"}),
        (None, {"classes": ("a", "b", "c")}),
    ],
)
def test_circuits_of_other_heads_are_different_where_a_sample_shows_it(objective, fields) -> None:
    circuit = replace(random_circuit(1, classes=3), classes=None, objective=objective)
    other = replace(circuit, **fields)
    proof = prove(circuit, other)
    assert_said_differently(circuit, other, proof)
    assert f"the {next(iter(fields))} of one is" in proof.note
    assert "one says" in proof.note


def test_swapped_names_of_classes_are_different() -> None:
    circuit = random_circuit(1, classes=3)
    other = replace(circuit, classes=("class 1", "class 0", "class 2"))
    proof = prove(circuit, other)
    assert_said_differently(circuit, other, proof)
    assert proof.counterexample is not None
    assert f"one says {said(circuit, proof.counterexample)!r} of the sample" in proof.note


@pytest.mark.parametrize(
    "fields",
    [
        {"head": Head(3, 2 * np.eye(3, dtype=int))},  # other scores, the same labels
        {"head": Head(3, bias=[5, 5, 5])},
        {"head": None},
    ],
)
def test_what_no_sample_shows_is_undecided_and_says_what_differs(fields) -> None:
    circuit = replace(random_circuit(1, classes=3), classes=None, objective=None)
    proof = prove(circuit, replace(circuit, **fields))
    assert proof.verdict == "undecided"
    assert "the head of one is" in proof.note
    assert "none of 1024 samples shows it" in proof.note


def test_circuits_without_a_head_on_one_side_are_compared_by_their_outputs() -> None:
    circuit = replace(random_circuit(1, classes=3), classes=None, objective=None)
    wrong = replace(circuit, head=None, netlist=flipped(circuit.netlist, circuit.netlist.num_nodes - 1, 3))
    proof = prove(circuit, wrong)
    assert proof.counterexample is not None
    ends = [side.evaluate(proof.counterexample[None])[0] for side in (circuit, wrong)]
    assert ends[0][proof.output] != ends[1][proof.output]


@pytest.mark.parametrize(
    ("objective", "a", "b"),
    [
        (None, Head(3), Head(3, np.eye(3, dtype=int), bias=[0, 0, 0])),
        ("regression", Head(3, scale=[1, 1, 1]), Head(3, offset=[0, 0, 0])),
        ("classification", Head(3, bias=[0, 1, 0]), Head(3, np.eye(3, dtype=int), bias=[0, 1, 0])),
    ],
)
def test_heads_that_say_the_same_are_the_same(objective, a, b) -> None:
    circuit = replace(random_circuit(1, classes=3), classes=None, objective=objective, head=a)
    other = replace(circuit, head=b, objective=None if objective == "classification" else objective)
    assert prove(circuit, other).equal


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(0, 12), st.sampled_from(["table", "encoder", "none"]))
def test_small_circuits_are_what_all_levels_of_their_features_say(seed, luts, count, fault) -> None:
    """Samples at every combination of levels decide; thresholds repeat, and are infinite now and then."""
    rng = np.random.default_rng(seed)
    choices = np.array([-np.inf, -1.5, -0.0, 0.0, 2.0, 3.4028235e38, np.inf], np.float32)
    encoder = Comparators(rng.integers(0, 3, count), rng.choice(choices, count), 3)
    circuit = Circuit((3,), encoder, random_netlist(seed, inputs=count, luts=luts, outputs=3, max_rank=4))
    other = circuit
    if fault == "table" and circuit.netlist.num_nodes:
        other = replace(circuit, netlist=flipped(circuit.netlist, circuit.netlist.num_nodes - 1, 0))
    elif fault == "encoder" and count:
        threshold = encoder.threshold.copy()
        threshold[0] = rng.choice(choices)
        other = replace(circuit, encoder=Comparators(encoder.feature, threshold, 3))
    levels = np.array([-np.inf, -2, -1, 1, 3, np.inf, np.nan], np.float32)
    rows = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    same = np.array_equal(circuit.evaluate(rows), other.evaluate(rows))
    proof = prove(circuit, other)
    assert proof.verdict == ("equal" if same else "different")
    if not same:
        assert proof.counterexample is not None
        ends = [side.evaluate(proof.counterexample[None])[0] for side in (circuit, other)]
        assert ends[0][proof.output] != ends[1][proof.output]


def behind(inputs: int, tables: tuple[int, int], thresholds: list[float]) -> tuple[Circuit, Circuit]:
    """Two circuits of a feature a comparator; the output is a LUT of the last six bits, ANDed with the others."""
    sides = []
    for table in tables:
        builder = NetlistBuilder(inputs)
        signal = builder.lut([np.arange(inputs - 6, inputs)], np.array([table], np.uint64))
        for place in range(inputs - 6):
            signal = builder.lut([[signal[0], place]], np.array([8], np.uint64))
        encoder = Comparators(np.arange(inputs), np.array(thresholds, np.float32), inputs)
        sides.append(Circuit((inputs,), encoder, builder.build(signal)))
    return sides[0], sides[1]


@needs_abc
@pytest.mark.parametrize("inputs", [8, 14, 30])
def test_a_difference_above_infinity_is_none_and_one_below_it_is_found(inputs: int) -> None:
    """The last comparator is with +inf; 14 and 30 inputs are too many to try all."""
    thresholds = [0.0] * (inputs - 1) + [np.inf]
    a, b = behind(inputs, (1 << 40, 1 << 40 | 1 << 63), thresholds)  # entry 63: all six bits, the last one too
    assert prove(a.netlist, b.netlist).verdict == "different"
    proof = prove(a, b)
    assert proof.equal, proof
    assert "inputs that samples can make" in proof.note
    a, b = behind(inputs, (0, 1 << 31), thresholds)  # entry 31: the first five bits of the six
    proof = prove(a, b)
    assert proof.verdict == "different", proof
    assert proof.counterexample is not None
    ends = [side.evaluate(proof.counterexample[None])[0] for side in (a, b)]
    assert ends[0][proof.output] != ends[1][proof.output]


@needs_abc
def test_one_minterm_of_twelve_comparators_is_found_by_abc_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutsmith.hardware.equivalence.combinational.TRIES", 1)
    a, b = behind(12, (0, 1 << 63), [0.0] * 12)
    proof = prove(a, b)
    assert (proof.verdict, proof.method) == ("different", "abc &cec")
    assert proof.counterexample is not None
    assert (proof.counterexample > 0).all()


def test_a_sample_that_does_not_show_the_difference_is_no_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = random_circuit(4)
    faulty = replace(circuit, netlist=flipped(circuit.netlist, circuit.netlist.num_nodes - 1, 3))
    monkeypatch.setattr(abc, "script", None)
    monkeypatch.setattr(circuits, "samples", lambda *given: np.zeros((1, 12), np.float32))
    same = circuit.evaluate(np.zeros((1, 12))) == faulty.evaluate(np.zeros((1, 12)))
    assert same.all()
    assert prove(circuit, faulty).verdict == "undecided"


@pytest.mark.parametrize("seed", range(5))
def test_random_bits_are_those_that_samples_make(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.stack([rng.integers(0, 4, 20), rng.integers(-2, 3, 20)], axis=1), axis=0)
    threshold = pairs[:, 1].astype(np.float32)
    threshold[threshold == 2] = np.inf
    threshold[threshold == -2] = -np.inf
    encoder = Comparators(pairs[:, 0], threshold, 5)
    inputs = Inputs(encoder)
    bits = comparators.random_bits(inputs, 200, seed)
    np.testing.assert_array_equal(encoder.encode(comparators.samples(inputs, bits)), bits)
    finite = threshold < np.inf
    assert bits[:, finite].any(axis=0).all()
    assert not bits[:, ~finite].any()
    assert not bits.all(axis=0).any()
