"""Parts: what says that sub-circuits stand in a netlist, and every way in which that could be wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder, Netlist, NetlistBuilder, SharedPart
from lutsmith.circuit.parts import PartOrder, checked_parts
from tests.circuit.examples import random_part, random_rich_circuit


def full_adder() -> Netlist:
    builder = NetlistBuilder(3)
    return builder.build(builder.lut([[0, 1, 2]] * 2, np.array([0x96, 0xE8], np.uint64)))


def serial_adder() -> Netlist:
    """Sum of two bits and the carry that a register holds."""
    builder = NetlistBuilder(2)
    carry = builder.register(1)
    ends = builder.lut([[0, 1, int(carry[0])]] * 2, np.array([0x96, 0xE8], np.uint64))
    builder.connect(carry, ends[1:])
    return builder.build(ends[:1])


def adder(bits: int) -> tuple[Netlist, tuple[SharedPart, ...]]:
    """A ripple-carry adder of full adders, and loose LUTs that read it."""
    builder = NetlistBuilder(2 * bits)
    carry, sums = builder.constant(False), []
    for place in range(bits):
        total, carry = builder.instances("full_adder", full_adder(), [[place, bits + place, carry]])[0]
        sums.append(int(total))
    sums.append(int(builder.lut([[carry]], [[0, 1]])[0]))
    return builder.build_parts(sums)


@pytest.mark.parametrize("bits", [1, 2, 9])
def test_an_adder_of_full_adders_is_one_part(bits: int) -> None:
    netlist, (part,) = adder(bits)
    assert (part.name, len(part)) == ("full_adder", bits)
    assert checked_parts(netlist, [part]) == (part,)
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2, (50, 2 * bits))
    weights = 1 << np.arange(bits)
    found = netlist.evaluate(words) @ (1 << np.arange(bits + 1))
    np.testing.assert_array_equal(found, words[:, :bits] @ weights + words[:, bits:] @ weights)
    inputs = part.inputs(netlist)
    np.testing.assert_array_equal(inputs[:, :2], np.stack([np.arange(bits), bits + np.arange(bits)], axis=1))
    np.testing.assert_array_equal(inputs[1:, 2], part.outputs(netlist)[:-1, 1])  # carries


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_each_instance_computes_what_its_part_does(seed: int) -> None:
    """Of every node and register, in a netlist among other things."""
    circuit = random_rich_circuit(seed, ["parts", "registers"])
    netlist = circuit.netlist
    bits = np.random.default_rng(seed).integers(0, 2, (20, netlist.num_inputs))
    held = np.random.default_rng(seed + 1).integers(0, 2, (20, netlist.num_registers))
    values = netlist.evaluate(bits, keep="all", state=held)
    for part in circuit.parts:
        signals, first = part.signals(netlist), part.netlist.num_inputs
        np.testing.assert_array_equal(signals[:, :first], part.inputs(netlist))
        for own in signals:
            state = values[:, own[first : first + part.netlist.num_registers]]
            alone = part.netlist.evaluate(values[:, own[:first]], keep="all", state=state)
            np.testing.assert_array_equal(alone, values[:, own])
            taken = netlist.register_next[own[first : first + part.netlist.num_registers] - netlist.num_inputs]
            np.testing.assert_array_equal(values[:, taken], alone[:, part.netlist.register_next])
    order = PartOrder(netlist, circuit.parts)
    assert not order.has_cycle
    assert order.block.max() < order.level.size
    again = pickle.loads(pickle.dumps(circuit.parts))
    assert checked_parts(netlist, again) == again


NETLIST, (PART,) = adder(4)
FIRST = NETLIST.num_inputs


def with_array(netlist: Netlist, name: str, place: int, value: int) -> Netlist:
    array = getattr(netlist, name).copy()
    array[place] = value
    return replace(netlist, **{name: array})


def with_tables(netlist: Netlist, node: int, table: int) -> Netlist:
    tables = netlist.tables().copy()
    tables[node] = table
    return replace(netlist, table_pool=tables, table_index=np.arange(tables.size))


def with_nodes(part: SharedPart, change: Callable[[np.ndarray], Any]) -> SharedPart:
    nodes = part.nodes.copy()
    change(nodes)
    return replace(part, nodes=nodes)


def swapped(nodes: np.ndarray) -> None:
    nodes[1] = nodes[1, ::-1]


def twice(nodes: np.ndarray) -> None:
    nodes[1] = nodes[0]


SUM_2 = int(PART.nodes[2, 0])
"""The node of the third sum."""


@pytest.mark.parametrize(
    ("netlist", "parts", "message"),
    [
        (with_tables(NETLIST, SUM_2, 0x97), [PART], "another table in node 0 of instance 2"),
        (
            with_array(NETLIST, "fanin", int(NETLIST.fanin_ptr[SUM_2]), 0),
            [PART],
            "wired otherwise in instance 2, where it reads signal 0 of its own",
        ),
        (NETLIST, [with_nodes(PART, swapped)], "another table in node 0 of instance 1"),
        (NETLIST, [with_nodes(PART, twice)], "a node or register of part full_adder is in two instances"),
        (NETLIST, [PART, replace(PART, name="other")], "a node or register of part other is in two instances"),
        (NETLIST, [PART, replace(PART, name="Full_Adder")], "two parts have the same name"),
        (NETLIST, [replace(PART, nodes=PART.nodes + 5)], "names node"),
        (NETLIST, [replace(PART, nodes=PART.nodes[:, ::-1] * 0)], "another"),
    ],
)
def test_what_the_netlist_does_not_show_is_refused(netlist: Netlist, parts: list[SharedPart], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_parts(netlist, parts)


def test_a_node_of_another_rank_is_refused() -> None:
    builder = NetlistBuilder(3)
    other = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    ends = builder.lut([[0, 1, 2]] * 2, np.array([0x96, 0xE8], np.uint64))
    netlist = builder.build(np.concatenate([other, ends]))
    SharedPart("full_adder", full_adder(), [[1, 2]], np.zeros((1, 0), int)).problem(netlist)
    part = SharedPart("full_adder", full_adder(), [[0, 2]], np.zeros((1, 0), int))
    with pytest.raises(ValueError, match="another rank in node 0 of instance 0"):
        checked_parts(netlist, [part])


def test_an_input_of_an_instance_is_one_signal() -> None:
    """Both LUTs of a full adder read the same carry."""
    node = int(PART.nodes[2, 1])
    moved = with_array(NETLIST, "fanin", int(NETLIST.fanin_ptr[node]) + 2, 1)
    with pytest.raises(ValueError, match="wired otherwise in instance 2, where it reads signal 2 of its own"):
        checked_parts(moved, [PART])


def test_registers_start_and_are_wired_as_the_part_says() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.compare([0, 1], [0.5, 0.5])
    ends = builder.instances("serial_adder", serial_adder(), [bits, bits[::-1]])
    circuit = builder.build(ends.reshape(-1))
    (part,) = circuit.parts
    assert part.registers.shape == (2, 1)
    started = with_array(circuit.netlist, "register_init", 1, 1)
    with pytest.raises(ValueError, match="another initial value in register 0 of instance 1"):
        replace(circuit, netlist=started)
    rewired = with_array(circuit.netlist, "register_next", 1, 0)
    with pytest.raises(ValueError, match="wired otherwise in instance 1, where it reads signal 4 of its own"):
        replace(circuit, netlist=rewired)
    crossed = replace(part, registers=part.registers[::-1])
    with pytest.raises(ValueError, match="wired otherwise"):
        replace(circuit, parts=(crossed,))
    with pytest.raises(ValueError, match="names register 9 of 2"):
        replace(circuit, parts=(replace(part, registers=part.registers + 8),))


def hidden_part() -> Netlist:
    """Of two LUTs, the first is read by the second alone."""
    builder = NetlistBuilder(2)
    low = builder.lut([[0, 1]], [[0, 1, 1, 0]])
    return builder.build(builder.lut([[*low, 0]], [[0, 0, 0, 1]]))


@pytest.mark.parametrize("reader", ["a loose node", "an output", "another instance", "a register"])
def test_a_signal_inside_of_an_instance_is_read_there_alone(reader: str) -> None:
    builder = NetlistBuilder(2)
    state = builder.register(1)
    end = builder.instances("part", hidden_part(), [[0, 1]])[0, 0]
    last = builder.instances("part", hidden_part(), [[end, 1]])[0, 0]
    builder.connect(state, end)
    loose = builder.lut([[end, *state]], [[0, 1, 1, 0]])
    netlist, (part,) = builder.build_parts([end, last, *loose])
    checked_parts(netlist, [part])
    inner, outer = netlist.num_inputs + netlist.num_registers + part.nodes[0]
    read = np.flatnonzero(netlist.fanin == outer)
    reader_of = np.searchsorted(netlist.fanin_ptr, read, side="right") - 1
    name, places = {
        "an output": ("outputs", [0]),
        "a register": ("register_next", [0]),
        "another instance": ("fanin", read[np.isin(reader_of, part.nodes[1])]),
        "a loose node": ("fanin", read[~np.isin(reader_of, part.nodes)]),
    }[reader]
    array = getattr(netlist, name).copy()
    assert (array[places] == outer).all()
    array[places] = inner
    with pytest.raises(ValueError, match=f"signal {inner} is inside of an instance, and is read from outside of it"):
        checked_parts(replace(netlist, **{name: array}), [part])


def test_instances_that_read_each_other_are_refused() -> None:
    """Two chains through both: no cycle among the LUTs, one among the instances."""
    builder = NetlistBuilder(2)
    two = NetlistBuilder(2)
    part = two.build(two.lut([[0], [1]], [[1, 0], [1, 0]]))
    a, b = builder.lut([[0], [1]], [[1, 0], [1, 0]])  # the first inverter of either instance
    c, d = builder.lut([[b], [a]], [[1, 0], [1, 0]])  # the second ones, crosswise
    netlist = builder.build([a, b, c, d])
    nodes = np.array([[0, 2], [1, 3]])
    told = SharedPart("inverters", part, nodes, np.zeros((2, 0), int))
    assert told.problem(netlist) is None
    with pytest.raises(ValueError, match="read each other in a circle"):
        checked_parts(netlist, [told])
    straight = SharedPart("inverters", part, [[0, 1], [2, 3]], np.zeros((2, 0), int))
    order = PartOrder(netlist, checked_parts(netlist, [straight]))
    assert order.level.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "1st"}, "the name of a part"),
        ({"nodes": [[0, 1, 2]]}, r"nodes of part full_adder have shape \(1, 3\)"),
        ({"nodes": [0, 1]}, r"have shape \(2,\)"),
        ({"nodes": np.zeros((0, 2), int), "registers": np.zeros((0, 0), int)}, "at least one instance"),
        ({"registers": np.zeros((3, 0), int)}, "4 rows of nodes and 3 of registers"),
        ({"nodes": [[-1, 0]] * 4}, "expected integers in"),
    ],
)
def test_arrays_of_other_shapes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PART, **change)


def test_what_is_no_part_is_refused() -> None:
    builder = NetlistBuilder(3)
    end = builder.lut([[0, 2]], [[0, 1, 1, 0]])
    with pytest.raises(ValueError, match="input 1 of part part is read by nothing"):
        builder.instances("part", builder.build(end), [[0, 1, 2]])
    builder = NetlistBuilder(1)
    end = builder.lut([[0, builder.constant(True)]], [[0, 1, 1, 0]])
    with pytest.raises(ValueError, match="part part has a constant in it"):
        builder.instances("part", builder.build(end), [[0]])
    for outputs in ([0], [1, 1], []):
        builder = NetlistBuilder(1)
        builder.lut([[0]], [[0, 1]])
        with pytest.raises(ValueError, match="each output of part part must be a node or register of its own"):
            builder.instances("part", builder.build(outputs), [[0]])
    huge = replace(random_part(0), num_inputs=2**31 - 100, fanin=random_part(0).fanin * 0)
    with pytest.raises(ValueError, match="input 1 of part part is read by nothing"):  # at once, and in little memory
        SharedPart("part", huge, [[0, 1, 2]], np.zeros((1, 0), int))
    with pytest.raises(TypeError, match="expected a Netlist"):
        NetlistBuilder(1).instances("part", None, [[0]])  # type: ignore[arg-type]
    builder = NetlistBuilder(3)
    builder.instances("part", full_adder(), [[0, 1, 2]])
    with pytest.raises(ValueError, match="was another netlist before"):
        builder.instances("part", random_part(0), [[0, 1, 2]])
    with pytest.raises(TypeError, match="a sequence of SharedPart"):
        checked_parts(NETLIST, [None])  # type: ignore[list-item]
