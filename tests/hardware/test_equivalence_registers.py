"""Netlists with registers: equal and different are what runs from the initial states say, all else is undecided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.simplify import simplify_netlist
from lutsmith.formats import from_blif
from lutsmith.hardware import Proof, prove
from lutsmith.hardware.equivalence import machines, netlists

from ..circuit.examples import random_netlist
from .test_equivalence import assert_shown, flipped

needs_abc = pytest.mark.needs("abc")


def same_machine(a: Netlist, b: Netlist) -> bool:
    """Brute force: all joint states that are reached, each with all inputs, one after the other."""
    start = (tuple(a.register_init.tolist()), tuple(b.register_init.tolist()))
    seen, waiting = {start}, [start]
    while waiting:
        states = waiting.pop()
        for word in range(1 << a.num_inputs):
            bits = np.array([[word >> place & 1 for place in range(a.num_inputs)]], bool).reshape(1, a.num_inputs)
            ends, following = [], []
            for side, state in zip((a, b), states, strict=True):
                values = side.evaluate(bits, keep="all", state=np.array(state, bool))[0]
                ends.append(values[side.outputs].tolist())
                following.append(tuple(values[side.register_next].tolist()))
            if ends[0] != ends[1]:
                return False
            if tuple(following) not in seen:
                seen.add(tuple(following))
                waiting.append(tuple(following))
    return True


def edited(netlist: Netlist, edit: str, seed: int) -> Netlist:
    """The netlist with a change that may or may not be seen from outside."""
    rng = np.random.default_rng(seed)
    registers, first = netlist.num_registers, netlist.num_inputs
    if edit == "table" and netlist.num_nodes:
        node = int(rng.integers(netlist.num_nodes))
        return flipped(netlist, node, int(rng.integers(1 << int(netlist.ranks[node]))))
    if edit == "start" and registers:
        init = netlist.register_init.copy()
        init[rng.integers(registers)] ^= True
        return replace(netlist, register_init=init)
    if edit == "next" and registers:
        following = netlist.register_next.copy()
        following[rng.integers(registers)] = rng.integers(netlist.num_signals)
        return replace(netlist, register_next=following)
    if edit == "order" and registers:
        order = rng.permutation(registers)
        number = np.arange(netlist.num_signals)
        number[first + order] = first + np.arange(registers)
        return replace(
            netlist,
            fanin=number[netlist.fanin],
            outputs=number[netlist.outputs],
            register_next=number[netlist.register_next[order]],
            register_init=netlist.register_init[order],
        )
    if edit == "more":  # registers that nothing reads, in front of the others
        builder = NetlistBuilder()
        signals = builder.input(first)
        dead = builder.register(2, rng.integers(0, 2, 2))
        builder.connect(dead, rng.choice(np.concatenate([signals, dead]), 2))
        return builder.build(builder.embed(netlist, signals))
    return simplify_netlist(netlist)[0]


EDITS = ("table", "start", "next", "order", "more", "simplified")


@needs_abc
@pytest.mark.parametrize("few_inputs", [8, -1])  # all inputs in all states; random ones
@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    inputs=st.integers(0, 3),
    registers=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    edits=st.lists(st.sampled_from(EDITS), max_size=3),
)
def test_verdicts_are_those_of_brute_force(few_inputs, seed, inputs, registers, edits) -> None:
    a = b = random_netlist(seed, inputs=inputs, registers=registers[0], luts=8, outputs=2, max_rank=3)
    if not edits:
        b = random_netlist(seed + 1, inputs=inputs, registers=registers[1], luts=8, outputs=2, max_rank=3)
    for step, edit in enumerate(edits):
        b = edited(b, edit, seed + step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machines, "FEW_INPUTS", few_inputs)
        patch.setattr(machines, "ROUNDS", 16)
        proof = prove(a, b)
    same = same_machine(a, b)
    if proof.verdict == "different":
        assert not same
        assert_shown(a, b, proof)
    elif proof.verdict == "equal":
        assert same
    else:
        assert few_inputs < 0, proof
        assert proof.note


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(0, 5), st.integers(1, 3))
def test_registers_that_no_output_depends_on_are_dropped_and_no_others(seed, registers, outputs) -> None:
    netlist = random_netlist(seed, inputs=3, registers=registers, luts=6, outputs=outputs, max_rank=2)
    kept = machines.alive(netlist)
    bits = np.random.default_rng(seed).integers(0, 2, (12, 3)).astype(bool)
    for cycles in range(1, 12):
        np.testing.assert_array_equal(machines.run(kept, bits[:cycles]), machines.run(netlist, bits[:cycles]))
    reads = {int(signal) for signal in kept.outputs}
    for _ in range(kept.num_signals):
        for node in range(kept.num_nodes):
            if kept.num_inputs + kept.num_registers + node in reads:
                reads |= set(kept.fanin[kept.fanin_ptr[node] : kept.fanin_ptr[node + 1]].tolist())
        for register in range(kept.num_registers):
            if kept.num_inputs + register in reads:
                reads.add(int(kept.register_next[register]))
    assert set(range(kept.num_inputs, kept.num_inputs + kept.num_registers)) <= reads


DEAD = """
.model m
.inputs a
.outputs y
.latch a r 0
.latch r dead 0
.names a y
0 1
.end
"""


def test_a_netlist_without_its_dead_registers_is_the_same() -> None:
    netlist = from_blif(DEAD).netlist
    smaller = simplify_netlist(netlist)[0]
    assert (netlist.num_registers, smaller.num_registers) == (2, 0)
    assert prove(netlist, smaller).equal
    assert prove(smaller, netlist).equal


@needs_abc
def test_a_register_that_one_side_has_no_use_for_any_more_does_not_keep_the_others_apart() -> None:
    """A table that reads a signal and does not depend on it keeps a register alive, which ABC would drop."""
    builder = NetlistBuilder(20)
    state = builder.register(2)
    builder.connect(state, builder.lut([[0, 1], [2, 3]], np.array([6, 8], np.uint64)))
    nothing = builder.lut([[state[0], 4]], np.array([8], np.uint64))
    masked = builder.lut([[nothing[0], state[0], state[1]]], np.array([0b11110010], np.uint64))
    plain = builder.build([state[1]])
    told = builder.build(builder.lut([[masked[0], masked[0], state[1]]], np.array([0b11110000], np.uint64)))
    assert machines.live(plain).tolist() == [False, True]
    assert machines.live(told).tolist() == [True, True]
    proof = prove(plain, told)
    assert proof.equal
    assert "2 registers are cut points" in proof.note
    assert prove(told, plain).equal


@needs_abc
def test_registers_that_only_a_dropped_one_depends_on_are_matched_too() -> None:
    """One side reads register 1 in vain; on the other, nothing needs it, but it reads register 2 in vain."""
    sides = []
    for in_vain in (0, 1):
        builder = NetlistBuilder(20)
        state = builder.register(3)
        ignores = np.array([0b1010], np.uint64)
        following = builder.lut([[0, state[2] if in_vain else 1]], ignores)
        builder.connect(state, [2, following[0], 3])
        sides.append(builder.build(builder.lut([[state[0], 4 if in_vain else state[1]]], ignores)))
    assert [machines.live(side).tolist() for side in sides] == [[True, True, False], [True, False, False]]
    assert prove(*sides).equal
    assert prove(*sides[::-1]).equal


def shift(stages: int, inputs: int = 1) -> Netlist:
    """The first input, some cycles late."""
    builder = NetlistBuilder(inputs)
    state = builder.register(stages)
    builder.connect(state, [0, *state[:-1]])
    return builder.build([state[-1]])


@pytest.mark.parametrize("inputs", [1, 40])
def test_a_register_more_is_shown_by_a_run(inputs: int) -> None:
    a, b = shift(3, inputs), shift(4, inputs)
    proof = prove(a, b)
    assert_shown(a, b, proof)
    assert proof.trace is not None
    assert proof.trace.shape[1] == inputs
    assert proof.note == f"in cycle {len(proof.trace)} from the initial state on"


def test_registers_that_start_differently_are_shown_or_do_not_matter() -> None:
    a = shift(3)
    b = replace(a, register_init=[False, True, False])
    assert_shown(a, b, prove(a, b))
    builder = NetlistBuilder(1)  # toggles, and the output is whether it does
    state = builder.register(1)
    turned = builder.lut([state], np.array([1], np.uint64))
    builder.connect(state, turned)
    toggle = builder.build(builder.lut([[state[0], turned[0]]], np.array([6], np.uint64)))
    proof = prove(toggle, replace(toggle, register_init=[True]))
    assert (proof.verdict, proof.method) == ("equal", "exhaustive")


def one_hot(stages: int, inputs: int, *, faithful: bool) -> Netlist:
    """A ring with a single one in it; the output is whether two neighbours are both ones, which they never are."""
    builder = NetlistBuilder(inputs)
    state = builder.register(stages, np.arange(stages) == 0)
    builder.connect(state, np.roll(state, 1))
    both = builder.lut([[state[0], state[1]]], np.array([8], np.uint64))
    return builder.build([both[0] if faithful else builder.constant(False)])


def test_a_difference_in_a_state_that_is_never_reached_is_not_called_one() -> None:
    few = [one_hot(5, 2, faithful=faithful) for faithful in (True, False)]
    assert prove(*few).method == "exhaustive"
    assert prove(*few).equal
    builder = NetlistBuilder(40)
    keep = builder.register(12)
    builder.connect(keep, builder.lut([[0, register] for register in keep], np.full(12, 8, np.uint64)))
    held = builder.build([*keep[:11], keep[11]])
    other = builder.build([*keep[:11], builder.lut(keep[None, 10:], np.array([8], np.uint64))[0]])
    proof = prove(held, other)  # all registers stay 0: these differ only where the last is 1 and the one before is 0
    assert proof.verdict == "undecided"
    assert proof.counterexample is None
    assert "12 registers are cut points: output 11 differs in a state that is perhaps never reached" in proof.note
    assert "none of 1 states reached from the initial one shows a difference" in proof.note
    assert proof.suspicion is not None
    ends = [
        side.evaluate(proof.suspicion.inputs[None], state=proof.suspicion.state)[0].tolist() for side in (held, other)
    ]
    assert ends[0] != ends[1]


def test_registers_that_cannot_be_matched_are_undecided_where_no_run_tells() -> None:
    a, b = (one_hot(stages, 40, faithful=False) for stages in (5, 5))
    builder = NetlistBuilder(40)
    state = builder.register(1)
    builder.connect(state, state)
    never = builder.build(state)
    proof = prove(never, a)
    assert proof.verdict == "undecided"
    assert "1 registers against 0: they cannot be matched" in proof.note
    assert prove(a, b).equal


def test_a_difference_deep_in_time_is_found_among_many_inputs() -> None:
    """Five ones in a row on the first of twenty inputs."""
    builder = NetlistBuilder(20)
    state = builder.register(4)
    following = builder.lut(
        [[0, *([before] if before >= 0 else [0])] for before in (-1, *state[:-1])], np.full(4, 8, np.uint64)
    )
    builder.connect(state, following)
    five = builder.build(builder.lut([[0, state[3]]], np.array([8], np.uint64)))
    never = builder.build([builder.constant(False)])
    proof = prove(five, never)
    assert_shown(five, never, proof)
    assert proof.trace is not None
    assert proof.trace[:, 0].all()
    assert len(proof.trace) >= 5


def test_circuits_with_registers_differ_on_samples_one_after_the_other() -> None:
    encoder = Comparators([0, 0], [2.0, 5.0], 1)
    machine = shift(3, 2)
    late = Circuit((1,), encoder, machine)
    later = Circuit((1,), encoder, replace(shift(4, 2)))
    proof = prove(late, later)
    assert proof.verdict == "different"
    assert proof.trace is not None
    assert proof.trace.dtype == np.float32
    assert proof.trace.shape[1] == 1
    ends = [machines.run(side.netlist, side.encoder.encode(proof.trace)) for side in (late, later)]
    assert ends[0][0] != ends[1][0]


def test_registers_that_samples_never_set_are_equal() -> None:
    """Above 5 and not above 2 is not for samples: what waits for it holds still."""
    builder = NetlistBuilder(2)
    state = builder.register(1)
    never = builder.lut([[0, 1, state[0]]], np.array([0b11110100], np.uint64))
    builder.connect(state, never)
    machine = builder.build(state)
    encoder = Comparators([0, 0], [2.0, 5.0], 1)
    still = Circuit((1,), encoder, builder.build([builder.constant(False)]))
    waits = Circuit((1,), encoder, machine)
    assert prove(waits.netlist, still.netlist).verdict == "different"
    assert prove(waits, still).equal


def test_a_run_that_cannot_be_repeated_is_no_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlists, "run", lambda netlist, trace: np.zeros(netlist.outputs.size, bool))
    proof: Proof = prove(shift(3), shift(4))
    assert proof.verdict == "undecided"
