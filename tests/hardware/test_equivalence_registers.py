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
from lutsmith.hardware.equivalence import induction, machines, netlists, sequential
from lutsmith.hardware.tools.tool import ToolFailed

from ..circuit.examples import random_netlist
from ..machines import serial_adder
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


@needs_abc
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
    assert proof.equal
    assert proof.note == "by induction over cycles: 12 and 12 registers hold 0 values besides constants"


def waiting_ring(stages: int, *, faithful: bool) -> Netlist:
    """A ring with a single one in it that moves on at one of 2**12 words; the output is whether two ones are in it."""
    builder = NetlistBuilder(12)
    state = builder.register(stages, np.arange(stages) == 0)
    halves = builder.lut(np.arange(12).reshape(2, 6), np.array([1 << 37, 1 << 11], np.uint64))
    go = builder.lut([halves], np.array([8], np.uint64))[0]
    moved = builder.lut(
        np.stack([np.roll(state, 1), state, np.full(stages, go)], axis=1), np.full(stages, 0xAC, np.uint64)
    )
    builder.connect(state, moved)
    both = builder.lut(np.stack([state, np.roll(state, 2)], axis=1), np.full(stages, 8, np.uint64))
    any_ = builder.lut(both[None, :6], np.array([2**64 - 2], np.uint64))[0]
    return builder.build([any_ if faithful else builder.constant(False), state[0]])


@needs_abc
def test_a_fault_in_a_state_that_many_inputs_never_reach_is_none_for_abc() -> None:
    """That a single register is 1 is nothing that equal registers say: ABC finds it."""
    a, b = waiting_ring(6, faithful=True), waiting_ring(6, faithful=False)
    proof = prove(a, b, 60)
    assert proof.equal
    assert proof.method in ("abc dprove", "abc pdr")
    assert prove(a, replace(b, register_init=~b.register_init), 60).verdict == "different"


def counter(kind: str) -> Netlist:
    """Counts to four, one step at a word of 2**12; told is whether it is at 3."""
    builder = NetlistBuilder(12)
    halves = builder.lut(np.arange(12).reshape(2, 6), np.array([1 << 37, 1 << 11], np.uint64))
    go = builder.lut([halves], np.array([8], np.uint64))[0]
    if kind == "one-hot":
        state = builder.register(4, np.arange(4) == 0)
        following = np.stack([state, np.roll(state, 1), np.full(4, go)], axis=1)
        builder.connect(state, builder.lut(following, np.full(4, 0b11001010, np.uint64)))
        return builder.build([state[3]])
    twice = 2 if kind == "binary twice" else 1
    state = builder.register(2 * twice, [False, kind == "binary inverted"] * twice)
    low, high = state[0], state[-1]
    carry = 0b01111000 if kind != "binary inverted" else 0b10000111
    if kind == "binary inverted":  # high is the inverse of the higher bit
        step = builder.lut([[low, go], [go, low]], np.array([6, 8], np.uint64))
        made = [step[0], builder.lut([[step[1], high]], np.array([6], np.uint64))[0]]
        end = builder.lut([[low, high]], np.array([0b0010], np.uint64))
    else:
        step = builder.lut([[low, go]], np.array([6], np.uint64))
        made = [step[0], builder.lut([[low, go, high]], np.array([carry], np.uint64))[0]]
        end = builder.lut([[state[-2], high]], np.array([8], np.uint64))
    builder.connect(state, made * twice)
    return builder.build(end)


@needs_abc
@pytest.mark.parametrize("kind", ["binary twice", "binary inverted", "one-hot"])
def test_registers_that_synthesis_has_doubled_inverted_or_coded_anew_are_equal(kind: str) -> None:
    a, b = counter("binary"), counter(kind)
    proof = prove(a, b, 60)
    assert proof.equal, proof
    if kind != "one-hot":
        assert "by induction over cycles" in proof.note
    for node in range(b.num_nodes - 1, b.num_nodes - 3, -1):
        faulty = flipped(b, node, 0)
        assert_shown(a, faulty, prove(a, faulty, 60))


def late_fault(bits: int) -> Netlist:
    """A counter; at its last number, of twenty inputs three ones are seen."""
    builder = NetlistBuilder(20)
    state, carry, following = builder.register(bits), builder.constant(True), []
    for register in state:
        following.append(builder.lut([[register, carry]], np.array([6], np.uint64))[0])
        carry = builder.lut([[register, carry]], np.array([8], np.uint64))[0]
    builder.connect(state, following)
    words = builder.lut(np.arange(18).reshape(3, 6), np.array([1 << 63, 1 << 5, 1], np.uint64))
    return builder.build(builder.lut([[*words, carry]], np.array([1 << 15], np.uint64)))


@needs_abc
def test_a_fault_after_many_cycles_at_one_word_of_many_is_found_by_abc() -> None:
    never = NetlistBuilder(20)
    never = never.build([never.constant(False)])
    late = late_fault(6)
    proof = prove(late, never, 100)
    assert_shown(late, never, proof)
    assert proof.method.startswith("abc ")
    assert proof.trace is not None
    assert len(proof.trace) >= 64


@needs_abc
def test_what_nothing_decides_is_equal_for_some_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    never = NetlistBuilder(20)
    never = never.build([never.constant(False)])
    late = late_fault(6)
    monkeypatch.setattr(sequential, "LEGS", ())
    monkeypatch.setattr(sequential, "MAX_CYCLES", 32)
    proof = prove(late, never, 100)
    assert (proof.verdict, proof.method, proof.cycles) == ("undecided", "bounded", 32)
    assert "6 registers against 0: they cannot be matched" in proof.note
    assert "no difference within 32 cycles from the initial state on" in proof.note
    monkeypatch.setattr(sequential, "MAX_CYCLES", 64)
    assert_shown(late, never, prove(late, never, 100))
    hurried = prove(late, never, 0)
    assert (hurried.verdict, hurried.cycles) == ("undecided", 0)


@needs_abc
def test_registers_in_another_order_are_matched_and_ones_that_are_swapped_are_found() -> None:
    machine = random_netlist(7, inputs=20, registers=8, luts=80, outputs=9, max_rank=6)
    order = edited(machine, "order", 3)
    proof = prove(machine, order, 60)
    assert proof.equal
    assert "by induction over cycles: 8 and 8 registers" in proof.note
    following = order.register_next.copy()
    following[:2] = following[1::-1]
    swapped = replace(order, register_next=following)
    assert_shown(machine, swapped, prove(machine, swapped, 60))


@pytest.mark.parametrize(("a", "b"), [("carry", "borrow"), ("carry", "two"), ("borrow", "two")])
def test_serial_adders_of_any_form_are_equal_for_numbers_of_any_width(a: str, b: str) -> None:
    assert prove(serial_adder(a), serial_adder(b)).equal
    wrong = replace(serial_adder(b), register_init=~serial_adder(b).register_init)
    assert_shown(serial_adder(a), wrong, prove(serial_adder(a), wrong))


@pytest.mark.parametrize(
    "printed", ["", "Status = 1  Frames = 1\nStatus = 1  Frames = 1\n", "Status = 2  Frames = 0\n"]
)
def test_without_one_verdict_on_a_machine_there_is_none(printed: str) -> None:
    with pytest.raises(ToolFailed, match="ABC gave no verdict on a machine"):
        sequential.status(printed)


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


@needs_abc
def test_a_run_that_cannot_be_repeated_is_no_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (netlists, induction, sequential):
        monkeypatch.setattr(module, "shown", lambda *arguments: None)
    proof: Proof = prove(shift(3), shift(4))
    assert proof.verdict == "undecided"
