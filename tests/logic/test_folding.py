"""Arithmetic in the middle of a network: a folding builder that adds to a builder that is there already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import CircuitBuilder, NetlistBuilder
from lutsmith.logic.arithmetic import argmax, at_least, choose, greater, popcount, total
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, table

FEATURES = 7
ROWS = np.arange(1 << FEATURES)[:, None] >> np.arange(FEATURES) & 1


def number(bits: np.ndarray) -> np.ndarray:
    """Words (..., bits) as integers."""
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[-1]))


def _popcount(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    return popcount(logic, words), bits.sum(axis=2)


def _total(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """An adder of three numbers of several lengths, modulo 2^5."""
    half = words.shape[1] // 2
    other = rng.permutation(words.shape[1])
    columns = [np.stack([words[:, k], words[:, other[k]]], axis=1) for k in range(words.shape[1])]
    columns[half] = np.concatenate([columns[half], words[:, :1]], axis=1)
    plain = number(bits) + number(bits[:, :, other]) + (bits[:, :, 0].astype(np.int64) << half)
    return total(logic, columns, 5), plain % 32


def _at_least(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    bounds = rng.integers(0, (1 << words.shape[1]) + 1, len(words))
    return at_least(logic, words, bounds)[:, None], number(bits) >= bounds


def _greater(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    other = rng.permutation(len(words))
    plain = number(bits)
    return greater(logic, words, words[other])[:, None], plain > plain[:, other]


def _choose(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    other = rng.permutation(len(words))
    plain = number(bits)
    return choose(logic, words[:, 0], words, words[other]), np.where(bits[:, :, 0], plain[:, other], plain)


def _argmax(logic: FoldingBuilder, words: Any, bits: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    return argmax(logic, words)[None], number(bits).argmax(axis=1)[:, None]


MIDDLES = [_popcount, _total, _at_least, _greater, _choose, _argmax]


@pytest.mark.parametrize("middle", MIDDLES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.integers(1, 3), width=st.integers(1, 9), of_circuit=st.booleans())
def test_arithmetic_between_luts_is_plain_arithmetic(
    middle: Any, seed: int, words: int, width: int, of_circuit: bool
) -> None:
    rng = np.random.default_rng(seed)
    builder: Any = CircuitBuilder((FEATURES,)) if of_circuit else NetlistBuilder(FEATURES)
    inputs = builder.compare(np.arange(FEATURES), 0.5) if of_circuit else np.arange(FEATURES)
    tables = rng.integers(0, 2, (12, 8))
    tables[0], tables[1] = [0] * 8, [0, 1] * 4  # a constant that nobody knows to be one, and a wire
    wires = rng.integers(0, FEATURES, (12, 3))
    before = builder.lut(inputs[wires], tables)
    address = ROWS[:, wires] @ (1 << np.arange(3))
    constants = np.tile([0, 1], (len(ROWS), 1))
    known = np.concatenate([ROWS, tables[np.arange(12), address], constants], axis=1)
    signals = np.concatenate([inputs, before, [builder.constant(False), builder.constant(True)]])
    taken = rng.integers(0, signals.size, (words, width))
    turned = rng.integers(0, 2, taken.shape)

    logic = FoldingBuilder(builder)
    literals = logic.literals(signals[taken]) ^ turned
    assert np.array_equal(logic.depth(literals[taken >= signals.size - 2]), np.zeros((taken >= signals.size - 2).sum()))
    made, plain = middle(logic, literals, known[:, taken] ^ turned == 1, rng)
    results = logic.signals(made)
    assert np.array_equal(builder.depth(results)[(made & 1) == 0], logic.depth(made)[(made & 1) == 0])

    after = rng.integers(0, 2, (results.size, 4))
    reads = np.stack([results.reshape(-1), rng.choice(signals, results.size)], axis=1)
    ends = np.concatenate([results.reshape(-1), builder.lut(reads, after)])
    built = builder.build(ends)
    got = built.evaluate(ROWS.astype(np.float32) if of_circuit else ROWS)
    found = got[:, : results.size].reshape(len(ROWS), *made.shape)
    np.testing.assert_array_equal(number(found), plain)
    second = known[:, [int(np.flatnonzero(signals == read)[0]) for read in reads[:, 1]]]
    expected = after[np.arange(results.size), got[:, : results.size] + 2 * second]
    np.testing.assert_array_equal(got[:, results.size :], expected)
    if of_circuit:
        simpler = lutsmith.simplify(built).circuit
        np.testing.assert_array_equal(simpler.evaluate(ROWS.astype(np.float32)), got)
        assert simpler.netlist.num_nodes <= built.netlist.num_nodes


def test_literals_and_signals_are_each_others_inverse_and_cost_a_lut_once() -> None:
    builder = NetlistBuilder(2)
    (own,) = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    logic = FoldingBuilder(builder)
    literals = logic.literals([[0, 1], [own, own], [builder.constant(True), builder.constant(False)]])
    assert literals.shape == (3, 2)
    assert literals[1, 0] == literals[1, 1]
    assert literals[2].tolist() == [TRUE, FALSE]
    assert logic.depth(literals).tolist() == [[0, 0], [1, 1], [0, 0]]
    assert logic.signals(literals).tolist() == [[0, 1], [own, own], [builder.constant(True), builder.constant(False)]]
    assert builder.num_luts == 1
    inverted = logic.signals(literals ^ 1)
    assert builder.num_luts == 4  # a, b and their sum; constants are not LUTs
    assert np.array_equal(logic.signals(literals ^ 1), inverted)
    assert np.array_equal(logic.literals(inverted), literals ^ 1)
    assert builder.num_luts == 4
    both = logic.lut(np.concatenate([literals[1:2], literals[1:2] ^ [[0, 1]]]), np.uint64(0b0110))
    assert both.tolist() == [FALSE, TRUE]
    (later,) = builder.lut([[own]], [[1, 0]])  # made behind its back
    made = logic.lut([[logic.literals(later), literals[0, 0]]], np.uint64(0b1000))
    assert logic.depth(made).tolist() == [3]
    assert logic.literals(logic.signals(made)).tolist() == made.tolist()
    values = builder.build(logic.signals(np.concatenate([made, literals.reshape(-1)]))).evaluate(ROWS[:4, :2])
    a, b = ROWS[:4, :2].T == 1
    np.testing.assert_array_equal(values.T, [~(a ^ b) & a, a, b, a ^ b, a ^ b, a | True, a & False])


def test_a_builder_of_circuits_has_inputs_and_an_end_of_its_own() -> None:
    logic = FoldingBuilder(CircuitBuilder((3,)))
    for call in (lambda: logic.input(2), lambda: logic.build([TRUE])):
        with pytest.raises(TypeError, match=r"this goes into a circuit: take its signals by literals\(\)"):
            call()
    netlist = FoldingBuilder(NetlistBuilder(2))
    a = netlist.literals(0)
    (b,) = netlist.input(1)
    built = netlist.build(netlist.lut([[a, b]], table(np.array([False, False, False, True]))))
    assert built.num_inputs == 3
    np.testing.assert_array_equal(built.evaluate([[1, 0, 1], [0, 1, 1]]), [[True], [False]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda logic: logic.literals([2]), ValueError, "signals holds 2"),
        (lambda logic: logic.literals([0.5]), TypeError, "signals must be integers"),
        (lambda logic: logic.signals([2]), ValueError, r"literals holds 2, expected integers in \[0, 2\)"),
        (lambda logic: logic.signals([-1]), ValueError, "literals holds -1"),
        (lambda logic: logic.build([7]), ValueError, "literals holds 7"),
        (lambda logic: logic.lut([[0, 8]], [1]), ValueError, "literals holds 8"),
        (lambda logic: logic.lut([[-2, 1]], [1]), ValueError, "literals holds -2"),
        (lambda logic: logic.lut([[0.5, 1]], [1]), TypeError, "literals must be integers"),
        (lambda logic: logic.lut([0, 1], [1]), ValueError, r"expected \(functions, inputs\)"),
        (lambda logic: logic.lut([[0] * 7], [1]), ValueError, "with up to 6"),
        (lambda logic: logic.lut([[0, 1]], [1.5]), TypeError, "tables must be integers"),
        (lambda logic: logic.lut([[0, 1]], [-1]), ValueError, "tables holds -1"),
        (lambda logic: logic.lut([[0, 1]], [1, 2]), ValueError, r"one word or \(1,\)"),
        (lambda logic: FoldingBuilder(3), TypeError, "expected a NetlistBuilder or a CircuitBuilder"),
    ],
)
def test_what_is_not_there_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(FoldingBuilder(NetlistBuilder(2)))
