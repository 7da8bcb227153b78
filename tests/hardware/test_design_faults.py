"""Each obligation of `check_design` has a twin: a planted fault that it finds, and no other row fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Comparators, Head, Netlist, NetlistBuilder
from lutsmith.hardware import ToolFailed, ToolTimeout, verify
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.verification.design import functions
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.hardware.verification.design.specification import counts_specification, label_specification
from lutsmith.logic import Design, Port, Words, elaborate, pipelined
from tests.circuit.examples import random_circuit
from tests.hardware.examples import tiny

needs_abc = pytest.mark.needs("abc")


def failed(circuit: Circuit, design: Design) -> list[str]:
    return [check.part for check in check_design(circuit, design, 60) if check.verdict == "failed"]


def with_part(design: Design, name: str, netlist: Netlist, **changes: object) -> Design:
    """The design with another netlist in one of its parts."""
    parts = tuple(replace(part, netlist=netlist, **changes) if part.name == name else part for part in design.parts)
    return replace(design, parts=parts)


def netlist_of(design: Design, name: str) -> Netlist:
    return next(part.netlist for part in design.parts if part.name == name)


def four_classes(objective: str = "classification", **head: object) -> Circuit:
    """Groups of twelve outputs, and integer features of four bits."""
    circuit = random_circuit(7, input_shape=(3,), classes=4, group=12, luts=30, objective=objective)
    return replace(circuit, classes=None, **({"head": Head(4, **head)} if head else {}))


# Comparators


@needs_abc
@pytest.mark.parametrize("words", ["grid", "float"])
@pytest.mark.parametrize("fault", ["up", "down", "feature", "order"])
def test_a_comparator_that_is_off_by_one_unit_or_reads_another_feature_is_found(words: str, fault: str) -> None:
    circuit = random_circuit(2)
    chosen = Words.derive(circuit) if words == "grid" else Words.float32(12)
    feature, threshold = circuit.encoder.feature.copy(), circuit.encoder.threshold.copy()
    if fault == "feature":
        feature[3] = (feature[3] + 1) % 12
    elif fault == "order":
        feature[[3, 4]], threshold[[3, 4]] = feature[[4, 3]], threshold[[4, 3]]
    elif words == "grid":
        threshold[3] += 1 if fault == "up" else -1
    else:
        threshold[3] = np.nextafter(threshold[3], np.float32(np.inf if fault == "up" else -np.inf))
    wrong = elaborate(replace(circuit, encoder=Comparators(feature, threshold, 12)), words=chosen)
    assert failed(circuit, elaborate(circuit, words=chosen)) == []
    assert failed(circuit, wrong) == ["encoder"]


@needs_abc
def test_a_comparator_that_takes_nan_for_a_number_is_found() -> None:
    """Of 2^32 words, 2^22 NaNs: their exponents are all ones, and two bits of their fractions, the lowest one too."""
    circuit = random_circuit(2, input_shape=(1,), luts=4)
    design = elaborate(circuit, words=Words.float32(1))
    builder = NetlistBuilder(32)
    bits = builder.embed(netlist_of(design, "encoder"), np.arange(32))
    nan = builder.lut([[22, *range(26, 31)]], np.array([1 << 63], np.uint64))
    nan = builder.lut([[nan[0], 23, 24, 25, 0]], np.array([1 << 31], np.uint64))
    bits[0] = builder.lut([[bits[0], nan[0]]], np.array([0b1110], np.uint64))[0]
    assert failed(circuit, with_part(design, "encoder", builder.build(bits))) == ["encoder"]


# Network


@needs_abc
def test_one_minterm_of_twelve_inputs_is_found_in_the_network() -> None:
    encoder = Comparators(np.arange(12), np.zeros(12, np.float32), 12)
    sides = []
    for table in (1 << 62, 1 << 62 | 1 << 63):
        builder = NetlistBuilder(12)
        signal = builder.lut([np.arange(6)], np.array([table], np.uint64))
        signal = builder.lut([[signal[0], *range(6, 11)]], np.array([1 << 63], np.uint64))
        sides.append(builder.build(builder.lut([[signal[0], 11]], np.array([8], np.uint64))))
    circuit = Circuit((12,), encoder, sides[0])
    design = elaborate(circuit, encoder=False)
    checks = list(check_design(circuit, with_part(design, "network", sides[1]), 60))
    assert [check.part for check in checks if check.verdict == "failed"] == ["network"]


def test_swapped_outputs_of_the_network_are_found() -> None:
    """Within a group too, where no score shows it."""
    circuit = four_classes()
    design = elaborate(circuit, encoder=False)
    for a, b in ((0, 1), (0, 12)):
        order = np.arange(48)
        order[[a, b]] = b, a
        netlist = replace(circuit.netlist, outputs=circuit.netlist.outputs[order])
        assert failed(circuit, with_part(design, "network", netlist)) == ["network"]


# Sums


def popcount_with(design: Design, change: Callable[[NetlistBuilder, np.ndarray], np.ndarray]) -> Design:
    """The design with other counts: `change` makes them from the 48 outputs and the right counts (4, 4)."""
    builder = NetlistBuilder(48)
    counts = builder.embed(netlist_of(design, "popcount"), np.arange(48)).reshape(4, 4)
    return with_part(design, "popcount", builder.build(change(builder, counts).reshape(-1)))


def test_a_count_that_differs_in_a_product_of_inputs_alone_is_found() -> None:
    circuit = four_classes()
    design = elaborate(circuit, encoder=False)

    def product(builder: NetlistBuilder, counts: np.ndarray) -> np.ndarray:
        """The lowest bit is another where all twelve inputs are ones: one row of 4,096."""
        all_ = builder.lut([np.arange(6), np.arange(6, 12)], np.full(2, 1 << 63, np.uint64))
        counts[0, 0] = builder.lut([[counts[0, 0], *all_]], np.array([0b01101010], np.uint64))[0]
        return counts

    def small(builder: NetlistBuilder, counts: np.ndarray) -> np.ndarray:
        """The lowest bit is that of the count and of x_0 x_1."""
        counts[1, 0] = builder.lut([[counts[1, 0], 12, 13]], np.array([0b01101010], np.uint64))[0]
        return counts

    for change in (product, small):
        assert failed(circuit, popcount_with(design, change)) == ["popcount"]


def test_an_input_that_is_counted_twice_or_in_another_group_is_found() -> None:
    circuit = four_classes()
    design = elaborate(circuit, encoder=False)
    right = netlist_of(design, "popcount")
    for place, instead in ((3, 4), (11, 12), (12, 11)):
        builder = NetlistBuilder(48)
        given = np.arange(48)
        given[place] = instead
        wrong = builder.build(builder.embed(right, given))
        assert failed(circuit, with_part(design, "popcount", wrong)) == ["popcount"]


def test_swapped_counts_and_carries_that_are_lost_are_found() -> None:
    circuit = four_classes()
    design = elaborate(circuit, encoder=False)

    def lost(builder: NetlistBuilder, counts: np.ndarray) -> np.ndarray:
        counts[2, 3] = builder.constant(False)
        return counts

    for change in (lost, lambda builder, counts: counts[[1, 0, 2, 3]]):
        assert failed(circuit, popcount_with(design, change)) == ["popcount"]


def test_a_sum_that_is_no_tree_of_adders_fails_where_inputs_show_it_and_is_not_decided_else(monkeypatch) -> None:
    from lutsmith.logic import sums

    circuit = four_classes()
    design = elaborate(circuit, encoder=False)
    monkeypatch.setattr(sums, "MAX_TERMS", 3)
    checks = {check.part: check.verdict for check in check_design(circuit, design, 60)}
    assert (checks["popcount"], checks["decision"]) == ("not decided", "proved")
    inverted = popcount_with(
        design,
        lambda builder, counts: builder.lut(counts.reshape(-1, 1), np.full(16, 1, np.uint64)),
    )
    assert failed(circuit, inverted) == ["popcount"]


WEIGHTS = np.array([[3, 0, -2, 1], [0, 5, 1, 0], [-1, 2, 0, 4], [7, -3, 1, 0]])
BIAS = np.array([2, -7, 0, 1])


def changed_heads() -> dict[str, Head]:
    """Heads that are wrong in one number, though their scores need as many bits."""
    weights, bias = {}, {}
    for name, place, value in (
        ("a weight of 0 taken for 1", (1, 0), 1),
        ("a weight of 1 taken for 0", (3, 2), 0),
        ("a weight off by one", (1, 1), 4),
        ("a sign of a weight", (2, 0), 1),
    ):
        weights[name] = WEIGHTS.copy()
        weights[name][place] = value
    for name, step in (("a bias too high by one", 1), ("a bias too low by one", -1)):
        bias[name] = BIAS.copy()
        bias[name][2] += step
    swapped = {"classes in another order": Head(4, WEIGHTS[[1, 0, 2, 3]], bias=BIAS[[1, 0, 2, 3]])}
    return (
        {name: Head(4, changed, bias=BIAS) for name, changed in weights.items()}
        | {name: Head(4, WEIGHTS, bias=changed) for name, changed in bias.items()}
        | swapped
    )


@needs_abc
@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("fault", changed_heads())
def test_scores_that_are_not_those_of_the_head_are_found(fault: str, objective: str) -> None:
    circuit = four_classes(objective, weights=WEIGHTS, bias=BIAS)
    design = elaborate(circuit, encoder=False)
    wrong = elaborate(replace(circuit, head=changed_heads()[fault]), encoder=False)
    assert design.parts[-1].outputs == wrong.parts[-1].outputs
    assert failed(circuit, design) == []
    assert failed(circuit, wrong) == ["decision"]


# Decisions


def last_wins(count: int, port: Port) -> Netlist:
    """The highest class of the highest score: the search from the other end."""
    builder = NetlistBuilder(port.size)
    backwards = np.arange(port.size).reshape(count, port.width)[::-1].reshape(-1)
    label = builder.embed(label_specification(count, port.width, signed=port.signed), backwards)
    return builder.build(builder.lut(label[:, None], np.full(label.size, 1, np.uint64)))  # count - 1 less it


@needs_abc
@pytest.mark.parametrize("head", [{}, {"weights": WEIGHTS, "bias": BIAS}])
def test_a_tie_that_the_highest_class_wins_is_found(head: dict[str, object]) -> None:
    circuit = four_classes(**head)
    design = elaborate(circuit, encoder=False)
    label, port = design.outputs
    assert label == Port("label", 2)
    builder = NetlistBuilder(16)
    ends = builder.embed(netlist_of(design, "decision"), np.arange(16))
    wrong = builder.build([*builder.embed(last_wins(4, port), ends[2:]), *ends[2:]])
    assert failed(circuit, design) == []
    assert failed(circuit, with_part(design, "decision", wrong)) == ["decision"]


@needs_abc
def test_signed_scores_that_are_compared_as_unsigned_ones_are_found() -> None:
    circuit = four_classes(weights=WEIGHTS, bias=BIAS)
    design = elaborate(circuit, encoder=False)
    port = design.outputs[1]
    assert port.signed
    builder = NetlistBuilder(16)
    ends = builder.embed(netlist_of(design, "decision"), np.arange(16))
    label = builder.embed(label_specification(4, port.width, signed=False), ends[2:])
    wrong = builder.build([*label, *ends[2:]])
    assert failed(circuit, with_part(design, "decision", wrong)) == ["decision"]


@needs_abc
@pytest.mark.parametrize("fault", ["zero", "sign"])
def test_a_label_that_is_set_at_zero_or_below_is_found(fault: str) -> None:
    circuit = four_classes("multilabel", weights=WEIGHTS, bias=BIAS)
    design = elaborate(circuit, encoder=False)
    port = design.outputs[1]
    builder = NetlistBuilder(16)
    ends = builder.embed(netlist_of(design, "decision"), np.arange(16))
    labels, scores = ends[:4], ends[4:].reshape(4, port.width)
    sign = scores[:, -1]
    if fault == "zero":  # x >= 0
        labels = builder.lut(sign[:, None], np.full(4, 1, np.uint64))
    else:
        labels = builder.lut(np.stack([labels, sign], axis=1), np.full(4, 0b1110, np.uint64))
    wrong = builder.build([*labels, *ends[4:]])
    assert failed(circuit, design) == []
    assert failed(circuit, with_part(design, "decision", wrong)) == ["decision"]


@needs_abc
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(("above", "verdict"), [(12, "proved"), (11, "failed"), (8, "failed")])
def test_a_label_that_reads_counts_beside_the_scores_is_compared_on_all_counts_that_there_are(
    plain: bool, above: int, verdict: str
) -> None:
    """The label is another where the first count is above a number; groups have twelve bits."""
    circuit = four_classes(**({} if plain else {"weights": WEIGHTS, "bias": BIAS}))
    design = elaborate(circuit, encoder=False)
    builder = NetlistBuilder(16)
    ends = builder.embed(netlist_of(design, "decision"), np.arange(16))
    table = sum(1 << address for address in range(16) if address > above)
    wrong = builder.lut([[0, 1, 2, 3]], np.array([table], np.uint64))
    first = builder.lut([[ends[0], wrong[0]]], np.array([0b0110], np.uint64))
    other = with_part(design, "decision", builder.build([first[0], *ends[1:]]))
    (check,) = [check for check in check_design(circuit, other, 60) if check.part == "decision"]
    assert check.verdict == verdict
    assert "of any counts" in check.reason


@pytest.mark.parametrize(("width", "size"), [(1, 1), (3, 4), (3, 7), (4, 9)])
def test_the_specification_of_counts_is_what_a_group_can_have(width: int, size: int) -> None:
    port = Port("counts", width, 2)
    every = np.stack(np.meshgrid(*[np.arange(1 << width)] * 2), axis=-1).reshape(-1, 2)
    found = port.words(counts_specification(port, size).evaluate(port.bits(every)))
    np.testing.assert_array_equal(found, np.where(every <= size, every, 0))


# Registers


def test_a_register_more_on_one_path_is_found() -> None:
    circuit = tiny()
    design = pipelined(elaborate(circuit, encoder=False), 2)
    network = next(part for part in design.parts if part.name == "network")
    builder = NetlistBuilder(network.netlist.num_inputs)
    ends = builder.embed(network.netlist, np.arange(network.netlist.num_inputs))
    more = builder.register(1)
    builder.connect(more, ends[:1])
    wrong = with_part(design, "network", builder.build([more[0], *ends[1:]]))
    assert failed(circuit, design) == []
    assert failed(circuit, wrong) == ["registers"]


def test_cycles_that_are_promised_without_registers_are_found() -> None:
    circuit = tiny()
    design = elaborate(circuit, encoder=False)
    late = with_part(design, "network", netlist_of(design, "network"), latency=2)
    assert failed(circuit, late) == ["registers"]


def test_registers_that_feed_themselves_are_found() -> None:
    circuit = tiny()
    design = elaborate(circuit, encoder=False)
    network = netlist_of(design, "network")
    builder = NetlistBuilder(network.num_inputs)
    ends = builder.embed(network, np.arange(network.num_inputs))
    state = builder.register(1)
    builder.connect(state, state)
    held = builder.lut([[ends[0], state[0]]], np.array([0b1110], np.uint64))
    wrong = with_part(design, "network", builder.build([held[0], *ends[1:]]))
    checks = {check.part: check for check in check_design(circuit, wrong, 60)}
    assert checks["network"].verdict == "failed"
    assert checks["network"].reason == "its registers feed themselves"
    assert checks["registers"].verdict == "failed"


# Tools


def hidden(name: str, environment: object) -> str:
    return f"{name} is needed and not there: it is hidden. Install it: pip install 'lutsmith[hardware]'"


def test_without_abc_what_needs_none_is_proved_and_the_rest_says_what_installs_it(monkeypatch) -> None:
    monkeypatch.setattr(toolchain, "_find", hidden)
    circuit = four_classes(weights=WEIGHTS, bias=BIAS)
    checks = {check.part: check for check in check_design(circuit, elaborate(circuit), 60)}
    assert {part: check.verdict for part, check in checks.items()} == {
        "ports": "proved",
        "encoder": "not run",
        "network": "proved",
        "popcount": "proved",
        "decision": "not run",
    }
    assert all("pip install" in check.reason for check in checks.values() if check.verdict == "not run")
    regression = four_classes("regression", weights=WEIGHTS, bias=BIAS)
    found = {check.part: check.verdict for check in check_design(regression, elaborate(regression, encoder=False), 60)}
    assert set(found.values()) == {"proved"}


def test_without_abc_faults_that_are_easy_to_hit_are_found_all_the_same(monkeypatch) -> None:
    monkeypatch.setattr(toolchain, "_find", hidden)
    circuit = four_classes(weights=WEIGHTS, bias=BIAS)
    design = elaborate(circuit, encoder=False)
    inverted = replace(
        circuit.netlist,
        table_pool=circuit.netlist.tables() ^ np.uint64(0xFFFF),
        table_index=np.arange(circuit.netlist.num_nodes),
    )
    assert failed(circuit, with_part(design, "network", inverted)) == ["network"]
    assert failed(circuit, elaborate(replace(circuit, head=Head(4, WEIGHTS, bias=[2, -7, 1, 1])), encoder=False)) == [
        "decision"
    ]


def test_verify_goes_on_without_abc(monkeypatch) -> None:
    monkeypatch.setattr(toolchain, "_find", hidden)
    found = verify(tiny(), ("json",))
    assert found.ok
    assert {check.verdict for check in found.of("json")} == {"proved", "simulated"}
    assert "not run" in {check.verdict for check in found.of("design")}


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (
            ToolTimeout("abc was stopped at its time limit of 3 s; it printed:\n  x"),
            "abc was stopped at its time limit of 3 s",
        ),
        (ToolFailed("abc was ended by signal 11\n  x"), "abc was ended by signal 11"),
    ],
)
def test_a_tool_that_fails_or_is_too_slow_leaves_its_part_open(monkeypatch, raised, reason) -> None:
    def fails(*given: object) -> None:
        raise raised

    monkeypatch.setattr(functions, "prove", fails)
    circuit = tiny()
    checks = {check.part: check for check in check_design(circuit, elaborate(circuit), 60)}
    assert (checks["encoder"].verdict, checks["encoder"].reason) == ("not decided", reason)
    assert (checks["popcount"].verdict, checks["ports"].verdict) == ("proved", "proved")
