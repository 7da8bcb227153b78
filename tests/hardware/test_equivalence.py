"""Equivalence: what is equal is proved, what differs is shown, what is not known is not called equal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Netlist, NetlistBuilder
from lutsmith.hardware import Proof, ToolFailed, abc, prove
from lutsmith.hardware.equivalence import combinational
from lutsmith.hardware.tools.tool import Finished

from ..circuit.examples import random_circuit, random_netlist
from ..formats.examples import shapes

needs_abc = pytest.mark.needs("abc")


def flipped(netlist: Netlist, node: int, entry: int) -> Netlist:
    """One bit of one table is another."""
    tables = netlist.tables().copy()
    tables[node] ^= np.uint64(1 << entry)
    return replace(netlist, table_pool=tables, table_index=np.arange(tables.size, dtype=np.int32))


def wide_and(inputs: int = 36) -> Netlist:
    """The AND of 36 inputs of 40: no random input shows a fault at its last entry."""
    builder = NetlistBuilder(40)
    tables = np.full(inputs // 6, 2**63, np.uint64)
    parts = builder.lut(np.arange(inputs).reshape(-1, 6), tables)
    return builder.build(builder.lut([parts], tables[:1]))


def assert_shown(a: Netlist, b: Netlist, proof: Proof) -> None:
    """The counterexample is one."""
    assert proof.verdict == "different"
    assert not proof
    assert proof.counterexample is not None
    trace = proof.counterexample[None] if proof.trace is None else proof.trace
    np.testing.assert_array_equal(trace[-1], proof.counterexample)
    assert proof.trace is None or a.num_registers or b.num_registers
    states, ends = [a.register_init, b.register_init], []
    for bits in trace:
        values = [
            side.evaluate(bits[None], state=state, keep="all")[0] for side, state in zip((a, b), states, strict=True)
        ]
        states = [value[side.register_next] for side, value in zip((a, b), values, strict=True)]
        ends = [value[side.outputs] for side, value in zip((a, b), values, strict=True)]
    assert ends[0][proof.output] != ends[1][proof.output]


@needs_abc
@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32), st.integers(0, 3), st.sampled_from([3, 12, 20]))
def test_what_abc_made_is_equal_and_a_fault_in_it_is_shown(seed: int, registers: int, inputs: int) -> None:
    netlist = random_netlist(seed, inputs=inputs, registers=registers, luts=30)
    made = abc.run(netlist, "strash; if -K 6", 60).netlist
    proof = prove(netlist, made, 60)
    assert proof.equal, proof
    for node in range(0, made.num_nodes, 7):
        faulty = flipped(made, node, 0)
        proof = prove(netlist, faulty, 60)
        rng = np.random.default_rng(seed)
        if proof.verdict == "different":
            assert_shown(netlist, faulty, proof)
        elif proof.verdict == "equal":  # the entry is never addressed, or never seen
            rows = rng.integers(0, 2, (300, inputs)).astype(bool)
            np.testing.assert_array_equal(netlist.evaluate(rows), faulty.evaluate(rows))
        else:
            assert registers
            assert "registers are cut points" in proof.note


@pytest.mark.parametrize("shape", shapes())
def test_a_netlist_is_itself(shape: str) -> None:
    netlist = shapes()[shape]
    assert prove(netlist, netlist).method == "identical"


def test_few_inputs_are_all_tried() -> None:
    netlist = random_netlist(5, inputs=8)
    assert prove(netlist, flipped(netlist, 0, 0)).method == "exhaustive"


def test_a_fault_that_is_easy_to_hit_needs_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abc, "script", None)
    builder = NetlistBuilder(30)
    netlist = builder.build(builder.lut([[0, 1]], np.array([8], np.uint64)))
    faulty = flipped(netlist, 0, 0)
    proof = prove(netlist, faulty)
    assert proof.method == "random inputs"
    assert_shown(netlist, faulty, proof)


@needs_abc
def test_a_fault_at_one_input_of_two_to_the_36_is_found() -> None:
    netlist = wide_and()
    faulty = flipped(netlist, 6, 63)
    proof = prove(netlist, faulty)
    assert proof.method == "abc &cec"
    assert_shown(netlist, faulty, proof)


@needs_abc
def test_without_inputs_in_what_abc_prints_its_solver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = abc.script

    def older(commands: str, *rest: object) -> Finished:
        finished = real(commands, *rest)  # type: ignore[arg-type]
        kept = [line for line in finished.stdout.splitlines() if not line.startswith("INPUT")]
        return replace(finished, stdout="\n".join(kept))

    monkeypatch.setattr(abc, "script", older)
    netlist = wide_and()
    faulty = flipped(netlist, 6, 63)
    assert_shown(netlist, faulty, prove(netlist, faulty))


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        ("Networks are equivalent.  Time =     0.08 sec\n", "equal"),
        ("x\nNetworks are NOT EQUIVALENT.  Time =     0.08 sec\nINPUT: a = 1'h0.\n", "different"),
        ("Networks are UNDECIDED.  Time = 3 sec\n", "undecided"),
    ],
)
def test_one_line_of_abc_is_the_verdict(printed: str, verdict: str) -> None:
    assert combinational._verdict(printed) == verdict


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Error: Cannot open input file",
        "The networks are equivalent.",
        "Networks are equivalent after all",
        "Networks are equivalent.\nNetworks are NOT EQUIVALENT.\n",
    ],
)
def test_anything_else_is_an_error_and_never_equality(printed: str) -> None:
    with pytest.raises(ToolFailed, match="ABC's &cec gave no verdict"):
        combinational._verdict(printed)


@needs_abc
def test_out_of_time_is_undecided() -> None:
    netlist = wide_and()
    other = abc.run(netlist, "strash; if -K 4").netlist
    proof = prove(netlist, other, 0.0)
    assert proof.verdict == "undecided"
    assert not proof.equal
    assert "time limit" in proof.note


@needs_abc
def test_abc_that_gives_up_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = Finished("Networks are UNDECIDED.  Time = 1 sec\n", "", 1.0)
    monkeypatch.setattr(abc, "script", lambda *arguments: finished)
    proof = prove(wide_and(), flipped(wide_and(), 6, 63))
    assert (proof.verdict, proof.note) == ("undecided", "ABC gave up at its limit of conflicts")


@pytest.mark.parametrize("refuses", [False, True])
def test_what_abc_calls_different_and_nothing_shows_is_undecided(
    monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    """One netlist twice, built differently: whatever inputs ABC names, they do not differ there."""

    def claims(commands: str, *rest: object) -> Finished:
        if refuses and "iprove" in commands:
            raise ToolFailed("ABC did not do its work: ** cmd error: iprove")
        return Finished(f"Networks are NOT EQUIVALENT.\nINPUT: a = 40'h{2**36 - 1:X}.\n", "", 1.0)

    monkeypatch.setattr(abc, "script", claims)
    netlist = wide_and()
    rewired = replace(netlist, fanin=np.concatenate([netlist.fanin[:6][::-1], netlist.fanin[6:]]))
    proof = prove(netlist, rewired)
    assert proof.verdict == "undecided"
    assert proof.note.startswith("ABC says different, and gives no inputs that show it")


def test_no_proof_says_different_without_a_counterexample_or_has_one_otherwise() -> None:
    with pytest.raises(ValueError, match="needs a counterexample"):
        Proof("different", 0.0, "random inputs")
    with pytest.raises(ValueError, match="needs a counterexample"):
        Proof("undecided", 0.0, "random inputs", np.zeros(1, bool))


def test_registers_are_cut_points_and_proofs_say_so() -> None:
    builder = NetlistBuilder(20)
    state = builder.register(2, [False, True])
    builder.connect(state, [0, state[0]])
    twice = builder.lut([[state[1], 1, 2], [1, state[1], 2]], np.array([0x80, 0x80], np.uint64))
    shift, turned = builder.build(twice[:1]), builder.build(twice[1:])
    proof = prove(shift, turned)
    assert proof.equal
    assert "2 registers are cut points" in proof.note


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_time_limit_is_a_number_of_seconds(timeout: float) -> None:
    netlist = NetlistBuilder(2).build([0])
    with pytest.raises(ValueError, match="expected seconds, 0 or more, or None"):
        prove(netlist, netlist, timeout)


def test_different_sizes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="netlists of 2 and of 3 inputs"):
        prove(NetlistBuilder(2).build([0]), NetlistBuilder(3).build([0]))
    with pytest.raises(ValueError, match="netlists of 1 and of 2 outputs"):
        prove(NetlistBuilder(2).build([0]), NetlistBuilder(2).build([0, 1]))
    with pytest.raises(TypeError, match="cannot compare Netlist with Circuit"):
        prove(NetlistBuilder(2).build([0]), random_circuit(0))  # type: ignore[call-overload]


def permuted(circuit: Circuit, seed: int) -> Circuit:
    """The same circuit with its comparators in another order, and one more that nothing reads."""
    order = np.random.default_rng(seed).permutation(len(circuit.encoder))
    number = np.concatenate([np.argsort(order), np.arange(len(order) + 1, circuit.netlist.num_signals + 1)]).astype(
        np.int32
    )
    encoder = Comparators(
        np.append(circuit.encoder.feature[order], 0),
        np.append(circuit.encoder.threshold[order], np.float32(-7)),
        circuit.encoder.num_features,
    )
    netlist = circuit.netlist
    moved = replace(netlist, num_inputs=len(order) + 1, fanin=number[netlist.fanin], outputs=number[netlist.outputs])
    return replace(circuit, encoder=encoder, netlist=moved)


@pytest.mark.parametrize("seed", range(3))
def test_circuits_are_equal_whatever_the_order_of_their_comparators(seed: int) -> None:
    circuit = random_circuit(seed)
    assert prove(circuit, permuted(circuit, seed)).method == "identical"


@needs_abc
def test_circuits_that_differ_come_with_a_sample_that_shows_it() -> None:
    circuit = random_circuit(4)
    faulty = replace(circuit, netlist=flipped(circuit.netlist, circuit.netlist.num_nodes - 1, 3))
    proof = prove(circuit, faulty)
    assert proof.verdict == "different"
    sample = proof.counterexample
    assert sample is not None
    assert sample.dtype == np.float32
    left, right = (side.evaluate(sample[None])[0] for side in (circuit, faulty))
    assert left[proof.output] != right[proof.output]


def above_both(*, faithful: bool) -> Circuit:
    """x > 2 AND x > 5, which is x > 5, on samples though not on bits."""
    builder = CircuitBuilder((1,))
    low, high, other = builder.compare([0, 0, 0], [2.0, 5.0, 7.0]).tolist()
    both = builder.lut([[low, high, other]], np.array([0b11001000 if faithful else 0b11001100], np.uint64))
    return builder.build([int(both[0]), low, other])


def test_only_inputs_that_samples_can_make_count_for_circuits() -> None:
    a, b = above_both(faithful=True), above_both(faithful=False)
    assert prove(a.netlist, b.netlist).verdict == "different"
    proof = prove(a, b)
    assert proof.equal, proof
    assert "inputs that samples can make" in proof.note
    c = replace(b, netlist=flipped(b.netlist, 0, 1))
    proof = prove(a, c)
    assert proof.verdict == "different"
    assert proof.counterexample is not None
    sample = proof.counterexample[None]
    assert (a.evaluate(sample) != c.evaluate(sample)).any()
    assert 2 < sample[0, 0] <= 5
