"""Machines run by the engine: what plain NumPy says of every cycle and of the state after it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.cycles import evaluate_cycles
from lutsmith.circuit.engine.cycles import Machine
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.readout import Readout
from lutsmith.circuit.results import Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.words import WordBits, WordFormats
from tests.circuit.examples import random_head, random_netlist
from tests.machines import serial_adder

STREAMS = (0, 1, 63, 65, 1025)


def inputs_of(seed: int, netlist: Netlist, kinds: str) -> Inputs:
    """Thresholds on a few features, often several on one and in no order; and bits of words and missing values."""
    rng = np.random.default_rng(seed)
    features, count = int(rng.integers(1, 40)), netlist.num_inputs
    words, missing = (int(rng.integers(0, count // 2 + 1)) if kinds == "all" else 0 for _ in range(2))
    compared = count - words - missing
    comparators = Comparators(rng.integers(0, features, compared), rng.integers(0, 255, compared) + 0.5, features)
    formats = WordFormats.of(np.arange(features), 8, rng.integers(0, 2, features).astype(bool))
    bits = WordBits(rng.integers(0, features, words), rng.integers(0, 8, words), formats)
    return Inputs(comparators, bits if words else None, rng.integers(0, features, missing))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    inputs=st.integers(0, 12),
    registers=st.integers(0, 9),
    outputs=st.integers(0, 70),
    streams=st.sampled_from(STREAMS),
    cycles=st.sampled_from([0, 1, 2, 7, 70]),
    held=st.booleans(),
    kind=st.sampled_from([np.uint8, np.float32, np.float64]),
    kinds=st.sampled_from(["comparators", "all"]),
)
def test_every_cycle_is_that_of_the_specification(
    seed: int, inputs: int, registers: int, outputs: int, streams: int, cycles: int, held: bool, kind: type, kinds: str
) -> None:
    netlist = random_netlist(seed, inputs=inputs, registers=registers, luts=25, outputs=outputs, max_rank=6)
    encoder, rng = inputs_of(seed, netlist, kinds), np.random.default_rng(seed)
    X = rng.integers(0, 256, (streams, 1 if held else cycles, encoder.num_features)).astype(kind)
    if X.dtype.kind == "f":
        X[rng.random(X.shape) < 0.1] = np.nan
    states = [None, rng.integers(0, 2, registers).astype(bool), rng.integers(0, 2, (streams, registers)).astype(bool)]
    state = states[seed % 3]
    each = np.repeat(X, cycles, axis=1) if held else X
    bits = encoder.encode(each.reshape(-1, encoder.num_features)).reshape(streams, cycles, inputs)
    expected, final = evaluate_cycles(netlist, bits, state)
    machine = Machine(encoder, netlist)
    given_ = (X[:, 0], cycles) if held else (X,)
    found, after = machine.run(*given_, state=state, method="outputs", return_state=True)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(after, final)
    assert found.dtype == after.dtype == np.bool_
    cut = cycles // 3  # pieces of streams go on where the last one ended, on any number of threads
    parts = [(X[:, 0], cut), (X[:, 0], cycles - cut)] if held else [(X[:, :cut],), (X[:, cut:],)]
    first, between = machine.run(*parts[0], state=state, method="outputs", return_state=True, threads=1)
    second, after = machine.run(*parts[1], state=between, method="outputs", return_state=True, threads=3)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), expected)
    np.testing.assert_array_equal(after, final)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32), st.sampled_from(["classification", "multilabel", "regression"]))
def test_heads_decide_in_every_cycle(seed: int, objective: str) -> None:
    netlist = random_netlist(seed, inputs=6, registers=3, outputs=12, max_rank=6)
    head, encoder = random_head(seed, 4, 3, objective), Comparators(np.arange(6), np.full(6, 0.5), 6)
    X = np.random.default_rng(seed).integers(0, 2, (70, 9, 2, 3))
    outputs, _ = evaluate_cycles(netlist, X.reshape(70, 9, 6))
    scores = head.scores(outputs.reshape(-1, 12))
    machine = Machine(encoder, netlist, Readout(head, objective, None), (2, 3))
    np.testing.assert_array_equal(machine.run(X, method="decision_function"), scores.reshape(70, 9, -1))
    said = head.decide(scores, objective)
    np.testing.assert_array_equal(machine.run(X), said.reshape(70, 9, *said.shape[1:]))


def test_integers_and_several_heads_are_read_in_every_cycle() -> None:
    netlist = random_netlist(5, inputs=6, registers=3, outputs=12, max_rank=6)
    words = IntegerHead((OutputWord("low", 3, False), OutputWord("high", 4, True)))
    counts = Result(random_head(5, 5, 2, "classification"), 5, "classification", ("a", "b"))
    head = Heads({"count": counts, "words": Result(words, 7)})
    X = np.random.default_rng(5).integers(0, 2, (5, 9, 6))
    outputs, _ = evaluate_cycles(netlist, X)
    said = Readout(head, None, None)
    found = Machine(Comparators(np.arange(6), np.full(6, 0.5), 6), netlist, said).run(X)
    expected = said.of_outputs("predict", outputs.reshape(45, 12))
    np.testing.assert_array_equal(found["count"], expected["count"].reshape(5, 9))
    for name in ("low", "high"):
        np.testing.assert_array_equal(found["words"][name], expected["words"][name].reshape(5, 9))


def test_registers_that_read_registers_and_outputs_that_are_registers() -> None:
    """A ring of three registers whose outputs they are: nothing but state, and no node at all."""
    builder = NetlistBuilder(0)
    ring = builder.register(3, [True, False, False])
    builder.connect(ring, np.roll(ring, 1))
    machine = Machine(Comparators([], [], 1), builder.build(ring))
    found, state = machine.run(np.zeros((2, 1)), 7, method="outputs", return_state=True)
    np.testing.assert_array_equal(found[1].argmax(axis=1), np.arange(7) % 3)
    np.testing.assert_array_equal(state, [[False, True, False]] * 2)


@pytest.mark.parametrize("form", ["carry", "borrow", "two"])
def test_ten_thousand_sums_of_64_bits_come_out_bit_by_bit(form: str) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**64, (10_000, 2), dtype=np.uint64)
    numbers[:4] = [[0, 0], [2**64 - 1, 1], [2**64 - 1, 2**64 - 1], [2**63, 2**63]]
    planes = numbers[:, None, :] >> np.arange(64, dtype=np.uint64)[None, :, None] & np.uint64(1)
    machine = Machine(Comparators([0, 1], [0.5, 0.5], 2), serial_adder(form))
    sums, carry = machine.run(planes.astype(np.uint8), method="outputs", return_state=True)
    words = (sums[:, :, 0].astype(np.uint64) << np.arange(64, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    np.testing.assert_array_equal(words, numbers.sum(axis=1, dtype=np.uint64))
    over = numbers[:, 0] > np.uint64(2**64 - 1) - numbers[:, 1]
    np.testing.assert_array_equal({"carry": carry[:, 0], "borrow": ~carry[:, 0]}.get(form, carry.any(axis=1)), over)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 1]],), r"X has shape \(1, 2\), expected \(streams, cycles, 2\): for a single stream give X\[None\]"),
        ((np.zeros((2, 3, 3)),), r"X has shape \(2, 3, 3\), expected \(streams, cycles, 2\)"),
        ((np.zeros((2, 2)), -1), "cycles is -1; expected clock cycles, an integer from 0 to"),
        ((np.zeros((2, 3, 2)), 3), r"X has shape \(2, 3, 2\), expected \(samples, 2\)"),
    ],
)
def test_other_shapes_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Machine(Comparators([0, 1], [0.5, 0.5], 2), serial_adder("carry")).run(*arguments, method="outputs")


def test_other_states_and_methods_are_refused() -> None:
    machine, X = Machine(Comparators([0, 1], [0.5, 0.5], 2), serial_adder("carry")), np.zeros((4, 3, 2))
    for state in ([0, 1], np.zeros((3, 1), bool), np.zeros((4, 2), bool)):
        with pytest.raises(ValueError, match=r"state has shape .* expected \(4, 1\) or \(1,\): one bit a register"):
            machine.run(X, state=state, method="outputs")
    with pytest.raises(TypeError, match="state"):
        machine.run(X, state=[0.5], method="outputs")
    with pytest.raises(ValueError, match=r"predict\(\) needs a head and this circuit has none"):
        machine.run(X)
    with pytest.raises(ValueError, match="method"):
        machine.run(X, method="labels")
    with pytest.raises(TypeError, match="real numbers"):
        machine.run(np.array([[["a", "b"]]]), method="outputs")
