"""Netlist: what it means, what it refuses, what it cannot be made to do."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from tests.circuit.examples import random_netlist

FIELDS = (
    "fanin",
    "fanin_ptr",
    "table_pool",
    "table_index",
    "level_ptr",
    "outputs",
    "register_next",
    "register_init",
)


def two_nodes(**changes: object) -> Netlist:
    """Inputs 0 and 1, register 2, node 3 = x0 AND x1, node 4 = node 3 XOR the register."""
    fields: dict[str, object] = {
        "num_inputs": 2,
        "fanin": [0, 1, 3, 2],
        "fanin_ptr": [0, 2, 4],
        "table_pool": np.array([8, 6], np.uint64),
        "table_index": [0, 1],
        "level_ptr": [0, 1, 2],
        "outputs": [4, 0],
        "register_next": [4],
        "register_init": [False],
    }
    return Netlist(**{**fields, **changes})  # type: ignore[arg-type]


def by_hand(netlist: Netlist, bits: list[bool], state: list[bool]) -> list[bool]:
    """Every signal for one sample: one node, one bit of the address at a time."""
    values = [*bits, *state]
    for node in range(netlist.num_nodes):
        start, stop = netlist.fanin_ptr[node : node + 2]
        address = sum(values[signal] << place for place, signal in enumerate(netlist.fanin[start:stop]))
        values.append(bool(int(netlist.table_pool[netlist.table_index[node]]) >> address & 1))
    return values


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 3), st.sampled_from([0, 1, 5]))
def test_evaluate_is_the_address_arithmetic_of_each_node(seed: int, registers: int, samples: int) -> None:
    netlist = random_netlist(seed, registers=registers)
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (samples, netlist.num_inputs)).astype(bool)
    state = rng.integers(0, 2, (samples, registers)).astype(bool)
    expected = np.array([by_hand(netlist, x.tolist(), s.tolist()) for x, s in zip(bits, state, strict=True)], bool)
    expected = expected.reshape(samples, netlist.num_signals)
    np.testing.assert_array_equal(netlist.evaluate(bits, keep="all", state=state), expected)
    np.testing.assert_array_equal(netlist.evaluate(bits, state=state), expected[:, netlist.outputs])


def test_input_0_is_the_least_significant_bit_of_the_address() -> None:
    builder = NetlistBuilder(2)
    netlist = builder.build(builder.lut([[0, 1]] * 5, np.array([10, 12, 8, 14, 6], np.uint64)))
    rows = [[0, 0], [1, 0], [0, 1], [1, 1]]
    gates = np.array([[a, b, a & b, a | b, a ^ b] for a, b in rows])
    np.testing.assert_array_equal(netlist.evaluate(rows), gates)


def test_registers_start_at_their_init_and_step_through_keep_all() -> None:
    builder = NetlistBuilder()
    state = builder.register(2, [True, False])
    toggle = builder.lut(state[:1, None], [[1, 0]])
    carry = builder.lut(state[None, :], [[0, 1, 1, 0]])
    builder.connect(state, np.concatenate([toggle, carry]))
    counter = builder.build(state)
    held, seen = counter.register_init, []
    for _ in range(4):
        values = counter.evaluate(np.zeros((1, 0), bool), keep="all", state=held)
        seen.append(values[0, counter.outputs].tolist())
        held = values[0, counter.register_next]
    assert seen[0] == [True, False]
    assert seen == [[True, False], [False, True], [True, True], [False, False]]


def test_tables_override_the_nodes_own() -> None:
    netlist = two_nodes()
    rows = np.array([[0, 1], [1, 1]])
    swapped = netlist.evaluate(rows, tables=np.array([14, 9], np.uint64))
    np.testing.assert_array_equal(swapped, [[False, False], [False, True]])
    np.testing.assert_array_equal(netlist.evaluate(rows), [[False, False], [True, True]])


def test_table_bits_beyond_the_rank_are_never_read_in_an_override() -> None:
    netlist = two_nodes()
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    dirty = netlist.tables() | np.uint64(0xFFFF_FFFF_FFFF_FFF0)
    np.testing.assert_array_equal(netlist.evaluate(rows, tables=dirty), netlist.evaluate(rows))


def test_an_empty_netlist_evaluates() -> None:
    netlist = NetlistBuilder().build([])
    assert netlist.evaluate(np.zeros((3, 0), bool)).shape == (3, 0)
    assert netlist.depth == 0
    assert netlist.luts_by_rank() == {}


def test_wires_and_constants_have_no_depth() -> None:
    builder = NetlistBuilder(1)
    one = builder.constant(True)
    assert builder.build([0, one]).depth == 0
    inverted = builder.lut([[one]], [[1, 0]])
    netlist = builder.build(inverted)
    assert netlist.depth == 1
    assert netlist.luts_by_rank() == {0: 1, 1: 1}


@pytest.mark.parametrize("name", FIELDS)
def test_arrays_are_private_and_read_only(name: str) -> None:
    given_array = np.array(getattr(two_nodes(), name))
    netlist = two_nodes(**{name: given_array})
    before = getattr(netlist, name).copy()
    given_array[...] = 0
    np.testing.assert_array_equal(getattr(netlist, name), before)
    with pytest.raises(ValueError, match="read-only"):
        getattr(netlist, name)[...] = 0
    with pytest.raises(AttributeError):
        setattr(netlist, name, before)


@pytest.mark.parametrize("clone", [lambda n: pickle.loads(pickle.dumps(n)), copy.copy, copy.deepcopy])
def test_copies_and_pickles_are_the_same_and_read_only(clone) -> None:
    netlist = random_netlist(5, registers=2)
    again = clone(netlist)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(again, name), getattr(netlist, name))
        assert not getattr(again, name).flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_inputs": -1}, "num_inputs is -1"),
        ({"num_inputs": 2**31}, "num_inputs is"),
        ({"fanin": [0, 1, 3, -1]}, "fanin holds -1"),
        ({"fanin": [0, 1, 3, 5]}, "fanin holds 5"),
        ({"fanin": [0, 1, 4, 2]}, "node 1 reads signal 4"),
        ({"fanin": [0, 3, 3, 2]}, "node 0 reads signal 3"),
        ({"fanin": [0, 1, 3]}, "fanin_ptr"),
        ({"fanin": [[0, 1], [3, 2]]}, "fanin has shape"),
        ({"fanin_ptr": [0, 3, 2, 4]}, "fanin_ptr must rise"),
        ({"fanin_ptr": [1, 2, 4]}, "fanin_ptr must rise"),
        ({"fanin_ptr": []}, "fanin_ptr must rise"),
        ({"table_index": [0, 2]}, "table_index holds 2"),
        ({"table_index": [0]}, "table_index has 1 entries for 2 nodes"),
        ({"table_pool": np.array([8, 16], np.uint64)}, "node 1 has bits beyond"),
        ({"level_ptr": [0, 1]}, "level_ptr must rise"),
        ({"level_ptr": [0, 2]}, "node 1 reads signal 3, which is not of a lower level"),
        ({"level_ptr": [0, 2, 1]}, "level_ptr must rise"),
        ({"level_ptr": [0, 0, 2]}, "level 0 is empty"),
        ({"level_ptr": [0, 2, 2]}, "level 1 is empty"),
        ({"level_ptr": [0, 1, 1, 2]}, "level_ptr has 3 levels for 2 nodes"),
        ({"outputs": [5]}, "outputs holds 5"),
        ({"register_next": [4, 4]}, "2 signals for 1 registers"),
        ({"register_next": [9]}, "register_next holds 9"),
        ({"register_init": [[False]]}, "register_init has shape"),
        ({"register_init": [2]}, "register_init holds 2"),
    ],
)
def test_what_is_no_netlist_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_nodes(**changes)


def test_a_node_of_rank_7_is_refused() -> None:
    with pytest.raises(ValueError, match="node 0 has rank 7, expected at most 6"):
        Netlist(7, range(7), [0, 7], np.array([1], np.uint64), [0], [0, 1], [7])  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"num_inputs": 2.0}, {"num_inputs": True}, {"fanin": [0.0, 1, 3, 2]}])
def test_what_is_no_integer_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="must be"):
        two_nodes(**changes)


@pytest.mark.parametrize(
    ("bits", "options", "error", "message"),
    [
        (np.zeros((3, 1), bool), {}, ValueError, r"bits has shape \(3, 1\), expected \(samples, 2\)"),
        (np.zeros(2, bool), {}, ValueError, "bits has shape"),
        ([[0, 2]], {}, ValueError, "bits holds 2"),
        ([[0.0, 1.0]], {}, TypeError, "bits must be integers, not float64"),
        ([[0, 1]], {"keep": "some"}, ValueError, "keep is 'some'"),
        ([[0, 1]], {"tables": np.zeros(3, np.uint64)}, ValueError, "tables has shape"),
        ([[0, 1]], {"tables": np.zeros(2, np.int64)}, TypeError, "tables must be uint64"),
        ([[0, 1]], {"state": [[0, 0]]}, ValueError, "state has shape"),
    ],
)
def test_evaluate_refuses_wrong_arguments(bits, options, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        two_nodes().evaluate(bits, **options)
