"""The specification of a design's ports says what the logic floor makes, and nothing else passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Head, NetlistBuilder
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.hardware.verification.design.specification import encoder_specification, ports_specification
from lutsmith.logic import Design, Part, Port, Words, elaborate, pipelined
from tests.circuit.examples import random_circuit
from tests.export.cases import CASES, affine, ranks, with_range
from tests.logic.examples import any_circuit
from tests.tools import needs

LEFT_OUT = [{}, {"scores": False}, {"head": False}]


def assert_specified(circuit: Circuit, design: Design, **options: bool) -> None:
    specified = ports_specification(circuit, design.words, **options)
    assert [(part.name, part.inputs, part.outputs) for part in design.parts] == [
        (ports.name, ports.inputs, ports.outputs) for ports in specified
    ]


@pytest.mark.parametrize("options", LEFT_OUT)
@pytest.mark.parametrize("case", CASES)
def test_the_design_of_every_case_has_the_ports_that_are_specified(case: str, options: dict[str, bool]) -> None:
    circuit = CASES[case]
    assert_specified(circuit, elaborate(circuit, encoder=False, **options), **options)
    assert_specified(
        circuit, elaborate(circuit, words=Words.float32(circuit.encoder.num_features), **options), **options
    )
    ranged = with_range(circuit)
    for bits in (1, 5, 24):
        assert_specified(ranged, elaborate(ranged, words=bits, **options), **options)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    groups=st.integers(1, 9),
    size=st.integers(1, 70),
    scores=st.none() | st.integers(1, 9),
    objective=st.sampled_from(["classification", "multilabel", "regression", None]),
    plain=st.booleans(),
    options=st.sampled_from(LEFT_OUT),
)
def test_designs_of_all_heads_have_the_ports_that_are_specified(
    seed, groups, size, scores, objective, plain, options
) -> None:
    plain = plain and scores is None
    circuit = any_circuit(seed, groups=groups, size=size, scores=scores, objective=objective, plain=plain)
    assert_specified(circuit, elaborate(circuit, encoder=False, **options), **options)


@settings(deadline=None, max_examples=200)
@given(
    size=st.integers(1, 5),
    rows=st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20), st.integers(-40, 40)), min_size=1, max_size=6),
    objective=st.sampled_from(["classification", "multilabel", "regression"]),
)
def test_specified_scores_are_the_shortest_words_that_hold_all_of_them(size, rows, objective) -> None:
    """Against the head itself: every pair of counts."""
    table = np.array(rows)
    head = Head(2, table[:, :2], bias=table[:, 2])
    circuit = replace(any_circuit(0, groups=2, size=size, plain=True), head=head, objective=objective)
    port = next(port for port in ports_specification(circuit, None)[-1].outputs if port.name == "scores")
    counts = np.stack(np.meshgrid(*[np.arange(size + 1)] * 2), axis=-1).reshape(-1, 2)
    values = head.affine(counts)
    assert (port.count, port.signed) == (len(rows), bool(values.min() < 0))
    port.bits(values)  # they fit
    if port.width > 1:
        with pytest.raises(ValueError, match="scores"):
            replace(port, width=port.width - 1).bits(values)


def test_ports_of_code_words_and_of_one_class() -> None:
    circuit = ranks(1, head=False)
    codes = replace(circuit, head=Head(2, [[1, 1], [1, -1], [-1, 1], [-1, -1]], bias=[0, 12, 12, 24]))
    decision = ports_specification(codes, None)[-1]
    assert decision.inputs == (Port("counts", 4, 2),)
    assert decision.outputs == (Port("label", 2), Port("scores", 5, 4))
    only = ports_specification(replace(circuit, head=Head(1), classes=("one",)), None)[-1]
    assert only.outputs == (Port("label", 1), Port("scores", 5, 1))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_limits_of_comparators_on_words_are_found_again_by_bisection(seed: int, bits: int) -> None:
    """On grids that are finer than float32, and off their ends."""
    circuit = any_circuit(seed)
    rng = np.random.default_rng(seed)
    low = rng.choice([-3.0, 0.0, 1.0, 1e8], 4)
    words = Words.fixed(bits, low, rng.choice([0.3, 1.0, 64.0], 4))
    every = Port("x", bits, 4).bits(np.repeat(np.arange(1 << bits)[:, None], 4, axis=1))
    meant = circuit.encoder.encode(words.values(np.repeat(np.arange(1 << bits, dtype=np.uint32)[:, None], 4, axis=1)))
    np.testing.assert_array_equal(encoder_specification(circuit.inputs, words).evaluate(every), meant)


def reshaped(design: Design, name: str, /, **changes: object) -> Design:
    """The design with another port of that name: bits that are not there any more are dropped, new ones are 0."""

    def wires(old: tuple[Port, ...], new: tuple[Port, ...], signals: np.ndarray, nothing: int) -> np.ndarray:
        """Signals for the ports `new`, from those of `old`."""
        made, start = [], 0
        for before, after in zip(old, new, strict=True):
            words = signals[start : start + before.size].reshape(before.count, before.width)
            filled = np.full((after.count, after.width), nothing)
            count, width = min(before.count, after.count), min(before.width, after.width)
            filled[:count, :width] = words[:count, :width]
            made.append(filled.reshape(-1))
            start += before.size
        return np.concatenate(made)

    parts = []
    for part in design.parts:
        inputs, outputs = (
            tuple(replace(port, **changes) if port.name == name else port for port in ports)
            for ports in (part.inputs, part.outputs)
        )
        builder = NetlistBuilder(sum(port.size for port in inputs))
        nothing = builder.constant(False)
        given = wires(inputs, part.inputs, np.arange(sum(port.size for port in inputs)), nothing)
        ends = wires(part.outputs, outputs, builder.embed(part.netlist, given), nothing)
        parts.append(Part(part.name, builder.build(ends), inputs, outputs, part.latency))
    return replace(design, parts=tuple(parts))


def verdicts(circuit: Circuit, design: Design, **options: bool) -> dict[str, str]:
    return {check.part: check.verdict for check in check_design(circuit, design, 60, **options)}


def ports_of(design: Design) -> dict[str, Port]:
    return {port.name: port for part in design.parts for port in (*part.inputs, *part.outputs)}


FAULTS = {
    "narrower": lambda port: {"width": port.width - 1},
    "wider": lambda port: {"width": port.width + 1},
    "fewer": lambda port: {"count": port.count - 1},
    "more": lambda port: {"count": port.count + 1},
    "sign": lambda port: {"signed": not port.signed},
    "name": lambda port: {"name": "other"},
}


@pytest.mark.slow
@pytest.mark.needs("abc")
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (name, fault)
        for name in ("x", "bits", "outputs", "counts", "label", "labels", "scores")
        for fault in FAULTS
        if (name, fault) != ("label", "fewer") and not (name in ("bits", "outputs", "labels") and fault == "narrower")
    ],
)  # nothing would be left of one word, or of words of one bit
def test_any_other_port_than_the_specified_one_fails(name: str, fault: str) -> None:
    circuit = with_range(affine("multilabel" if name == "labels" else "classification"))
    design = elaborate(circuit, words=4)
    assert set(verdicts(circuit, design).values()) == {"proved"}
    port = ports_of(design)[name]
    changed = FAULTS[fault](port)
    wrong = reshaped(design, name, **changed)
    checks = {check.part: check for check in check_design(circuit, wrong, 60)}
    assert checks["ports"].verdict == "failed"
    assert f"{port.count} words {name} of {port.width} " in checks["ports"].reason
    touched = [part.name for part in design.parts if port in (*part.inputs, *part.outputs)]
    for part in touched:  # a proof says what it says of the specified ports, or is not made
        assert checks[part].verdict == ("proved" if fault in ("sign", "name") else "failed"), checks[part]


def test_counts_that_are_too_short_for_a_group_are_not_proved() -> None:
    """Nine bits a group, and counts modulo four: sums, if a port may say itself how long its words are."""
    circuit = replace(any_circuit(1, groups=2, size=9, plain=True), objective="regression")
    short = reshaped(elaborate(circuit, encoder=False), "counts", width=2)
    found = verdicts(circuit, short)
    assert found["ports"] == found["popcount"] == found["decision"] == "failed"
    assert found["network"] == "proved"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ("class 1", "class 0", "class 2")}, "the classes are"),
        ({"classes": None}, "the classes are"),
        ({"objective": "multilabel"}, "the objective is 'multilabel'"),
        ({"words": None}, "the parts are encoder, network, popcount, decision, specified are network"),
        ({"words": Words.float32(3)}, "encoder takes 12 words x of 4 bits, specified is 12 words x of 32 bits"),
        ({"words": Words.fixed(4, np.zeros(3), np.ones(3))}, "words of 3 features for a circuit of 12"),
    ],
)
def test_classes_task_and_words_are_those_of_the_circuit(changes, said) -> None:
    circuit = random_circuit(1)
    checks = {check.part: check for check in check_design(circuit, replace(elaborate(circuit, words=4), **changes), 60)}
    assert checks["ports"].verdict == "failed"
    assert said in checks["ports"].reason
    if "words" in changes:
        assert checks["encoder"].verdict == ("not run" if changes["words"] is None else "failed")


def test_classes_of_another_type_are_other_classes() -> None:
    circuit = replace(random_circuit(1), classes=(0, 1, 2))
    design = replace(elaborate(circuit), classes=(0.0, 1.0, 2.0))
    assert verdicts(circuit, design)["ports"] == "failed"


def test_parts_are_all_there_in_their_order_and_no_others() -> None:
    circuit = random_circuit(1)
    design = elaborate(circuit, words=4)
    encoder, network, popcount, decision = design.parts
    wires = NetlistBuilder(network.netlist.outputs.size)
    buffer = Part(
        "buffer",
        wires.build(np.arange(wires.input(0).size + network.netlist.outputs.size)),
        network.outputs,
        network.outputs,
    )
    for parts in (
        (encoder, network, popcount),
        (encoder, network),
        (network, popcount, decision),
        (encoder, network, buffer, popcount, decision),
        (encoder, network, replace(buffer, name="network"), popcount, decision),
        (encoder, network, replace(popcount, name="decision"), replace(decision, name="popcount")),
    ):
        found = list(check_design(circuit, replace(design, parts=parts), 60))
        assert found[0].part == "ports"
        assert found[0].verdict == "failed"
        assert "the parts are" in found[0].reason
        for check in found:
            if check.part == "buffer":
                assert check.verdict == "not run"
    swapped = replace(
        design, parts=(encoder, network, replace(popcount, name="decision"), replace(decision, name="popcount"))
    )
    assert verdicts(circuit, swapped)["decision"] == "failed"


def test_what_is_left_out_on_purpose_is_said_and_then_holds() -> None:
    circuit = random_circuit(1)
    without = elaborate(circuit, encoder=False, head=False)
    assert verdicts(circuit, without, head=False) == {"ports": "proved", "network": "proved"}
    assert verdicts(circuit, without)["ports"] == "failed"
    silent = elaborate(circuit, encoder=False, scores=False)
    found = verdicts(circuit, silent, scores=False)
    assert (found["ports"], found["popcount"], found["decision"]) == ("proved", "proved", "not decided")
    assert verdicts(circuit, silent)["ports"] == "failed"
    assert verdicts(circuit, elaborate(circuit, encoder=False), scores=False)["ports"] == "failed"


@pytest.mark.parametrize("encoder", [False, True])
@pytest.mark.parametrize("case", [case for case in CASES if case != "1,000 classes"])
def test_designs_of_all_cases_are_proved(case: str, encoder: bool) -> None:
    if encoder:
        needs("abc")
    circuit = CASES[case]
    design = elaborate(circuit, encoder=encoder)
    assert set(verdicts(circuit, design).values()) == {"proved"}
    assert set(verdicts(circuit, pipelined(design, 2)).values()) == {"proved"}


def test_a_circuit_with_registers_of_its_own_is_compared_with_them() -> None:
    circuit = with_range(ranks(3, registers=3))
    design = elaborate(circuit, encoder=False)
    found = verdicts(circuit, design)
    assert set(found.values()) == {"proved"}
    assert "registers" in found
    network = design.parts[0].netlist
    wrong = replace(network, register_init=~network.register_init)
    parts = (replace(design.parts[0], netlist=wrong), *design.parts[1:])
    assert verdicts(circuit, replace(design, parts=parts))["network"] in ("failed", "not decided")
