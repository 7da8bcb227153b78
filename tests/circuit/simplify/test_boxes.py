"""Circuits of parts stay circuits of parts when they are simplified, and stay equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith import simplify
from lutsmith.circuit import Circuit, CircuitBuilder, NetlistBuilder
from lutsmith.circuit.simplify.boxes import boxed, unboxed


def some_part(rng: np.random.Generator, registers: int) -> tuple[int, object]:
    """Two inputs at least, two outputs, maybe a register; with LUTs that can be simplified."""
    inputs = int(rng.integers(2, 4))
    builder = NetlistBuilder(inputs)
    state = builder.register(registers, rng.integers(0, 2, registers))
    first = builder.lut([np.arange(inputs)], rng.integers(0, 2, (1, 1 << inputs)))
    wire = builder.lut(first[:, None], [[0, 1]])
    sources = np.concatenate([wire, state, [0]])[:2]
    second = builder.lut([[*sources, inputs - 1]], rng.integers(0, 2, (1, 8)))
    builder.connect(state, np.resize(second, registers))
    return inputs, builder.build(np.concatenate([first, second]))


def circuit_of_parts(seed: int, level: int) -> Circuit:
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((6,))
    signals = builder.compare(rng.integers(0, 6, 12), rng.integers(-2, 3, 12))
    parts = [some_part(rng, int(registers)) for registers in rng.integers(0, 2, 2)]
    state = builder.register(2, [True, False])
    signals = np.concatenate([signals, state, [builder.constant(True)]])
    for _ in range(level):
        for name, (inputs, netlist) in zip("ab", parts, strict=True):
            made = builder.instances(name, netlist, rng.choice(signals, (int(rng.integers(1, 4)), inputs)))
            read = rng.choice(np.concatenate([made.reshape(-1), signals]), (3, 3))
            loose = builder.lut(read, rng.integers(0, 2, (3, 8)))
            signals = np.concatenate([signals, made.reshape(-1), loose])
    builder.connect(state, rng.choice(signals, 2))
    return builder.build(rng.choice(signals[-12:], 6))


def traces(circuit: Circuit, rows: np.ndarray) -> np.ndarray:
    """Outputs of five cycles."""
    bits, state, seen = circuit.inputs.encode(rows), circuit.netlist.register_init, []
    for _ in range(5):
        values = circuit.netlist.evaluate(bits, keep="all", state=state)
        seen.append(values[:, circuit.netlist.outputs])
        state = values[:, circuit.netlist.register_next]
    return np.stack(seen)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([1, 2, 3, 4]))
def test_parts_stay_parts_and_all_cycles_are_equal(seed: int, depth: int, level: int) -> None:
    circuit = circuit_of_parts(seed, depth)
    small = simplify(circuit, level)
    assert small.steps[-1].luts <= small.steps[0].luts
    rows = np.random.default_rng(seed).normal(size=(40, 6)).astype(np.float32) * 3
    assert np.array_equal(traces(small.circuit, rows), traces(circuit, rows))
    assert {part.name for part in small.circuit.parts} <= {part.name for part in circuit.parts}
    for part in small.circuit.parts:
        (was,) = (other for other in circuit.parts if other.name == part.name)
        assert len(part) <= len(was)
        assert part.netlist.num_nodes <= was.netlist.num_nodes


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_a_netlist_is_put_together_as_it_was_taken_apart(seed: int) -> None:
    circuit = circuit_of_parts(seed, 2)
    together = unboxed(boxed(circuit.netlist, circuit.parts))
    assert together is not None
    netlist, parts = together
    again = Circuit(circuit.input_shape, circuit.encoder, netlist, parts=parts)
    rows = np.random.default_rng(seed).normal(size=(40, 6)).astype(np.float32) * 3
    assert np.array_equal(traces(again, rows), traces(circuit, rows))
    assert [(part.name, len(part)) for part in parts] == [(part.name, len(part)) for part in circuit.parts]


def test_instances_that_nothing_reads_are_gone() -> None:
    part = NetlistBuilder(2)
    both = part.build(np.concatenate([part.lut([[0, 1]], [[0, 0, 0, 1]]), part.lut([[0, 1]], [[0, 1, 1, 0]])]))
    builder = CircuitBuilder((2,))
    x = builder.compare([0, 1], 0)
    first = builder.instances("half", both, [x])
    unread = builder.instances("half", both, first)
    builder.instances("half", both, unread)  # a chain of which nothing is read
    circuit = builder.build(first[0])
    assert len(circuit.parts[0]) == 3
    small = simplify(circuit).circuit
    assert len(small.parts[0]) == 1
    assert small.netlist.num_nodes == 2


@pytest.mark.parametrize("level", [2, 3])
def test_a_part_that_is_less_than_a_part_stays_as_it_was(level: int) -> None:
    part = NetlistBuilder(2)
    same = part.lut([[0, 1]], [[0, 1, 0, 1]])  # input 0: no node of its own once it is simplified
    builder = CircuitBuilder((2,))
    made = builder.instances("wire", part.build(same), [builder.compare([0, 1], 0)])
    circuit = builder.build(builder.lut(made, [[1, 0]]))
    small = simplify(circuit, level).circuit
    assert small.parts[0].netlist.same_as(circuit.parts[0].netlist)
    rows = np.array([[1, 1], [-1, 1], [1, -1]], np.float32)
    assert np.array_equal(small.outputs(rows), circuit.outputs(rows))
