"""Builders: LUTs in any order in, netlists and circuits out."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder, Head, Netlist, NetlistBuilder
from tests.circuit.examples import random_netlist


def all_addresses(rank: int) -> np.ndarray:
    return np.arange(1 << rank)[:, None] >> np.arange(rank) & 1


@pytest.mark.parametrize("rank", range(9))
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 5))
def test_a_lut_of_every_rank_equals_its_table(rank: int, seed: int, count: int) -> None:
    tables = np.random.default_rng(seed).integers(0, 2, (count, 1 << rank))
    builder = NetlistBuilder(rank)
    netlist = builder.build(builder.lut(np.tile(np.arange(rank), (count, 1)), tables))
    np.testing.assert_array_equal(netlist.evaluate(all_addresses(rank)), tables.T)


@pytest.mark.parametrize(("rank", "nodes", "depth"), [(6, {6: 2}, 1), (7, {3: 2, 6: 4}, 2), (8, {6: 10}, 2)])
def test_ranks_7_and_8_become_two_levels_of_rank_6_or_less(rank: int, nodes: dict[int, int], depth: int) -> None:
    builder = NetlistBuilder(rank)
    tables = np.random.default_rng(rank).integers(0, 2, (2, 1 << rank), dtype=np.uint8)
    netlist = builder.build(builder.lut(np.tile(np.arange(rank), (2, 1)), tables))
    assert netlist.luts_by_rank() == nodes
    assert netlist.depth == depth


@pytest.mark.parametrize("rank", range(7))
def test_tables_are_taken_as_words_or_as_entries(rank: int) -> None:
    entries = np.random.default_rng(rank).integers(0, 2, (3, 1 << rank))
    words = np.array([sum(int(bit) << a for a, bit in enumerate(row)) for row in entries], np.uint64)
    fanin = np.tile(np.arange(rank), (3, 1))
    built = []
    for tables in (entries, entries.astype(bool), entries.tolist(), words):
        builder = NetlistBuilder(rank)
        built.append(builder.build(builder.lut(fanin, tables)))
    for netlist in built:
        np.testing.assert_array_equal(netlist.tables(), built[0].tables())
        np.testing.assert_array_equal(netlist.outputs, built[0].outputs)


@pytest.mark.parametrize("rank", range(9))
def test_luts_that_share_tables_equal_luts_with_copies_of_them(rank: int) -> None:
    rng = np.random.default_rng([rank, 1])
    tables, table_of = rng.integers(0, 2, (3, 1 << rank)), np.array([2, 0, 2, 2, 1, 0, 2])
    fanin = rng.integers(0, 10, (7, rank))
    words = [np.packbits(row, bitorder="little") for row in tables]
    words = np.array([int.from_bytes(word.tobytes(), "little") for word in words], np.uint64 if rank < 7 else object)
    built = []
    for arguments in ((tables[table_of],), (tables, table_of), *([(words, table_of.tolist())] if rank < 7 else [])):
        builder = NetlistBuilder(10)
        built.append(builder.build(builder.lut(fanin, *arguments)))
    for netlist in built:
        for name in ("fanin", "table_pool", "table_index", "outputs"):
            np.testing.assert_array_equal(getattr(netlist, name), getattr(built[0], name))


@pytest.mark.parametrize("rank", [6, 8])
def test_a_table_of_a_million_places_is_never_copied_for_each(rank: int) -> None:
    places = 1_000_000
    fanin = np.broadcast_to(np.arange(rank, dtype=np.int32), (places, rank))
    builder = NetlistBuilder(rank)
    tracemalloc.start()
    signals = builder.lut(fanin, np.arange(1 << rank)[None] % 3 == 0, np.zeros(places, np.int32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert signals.shape == (places,)
    assert peak < 100 * places * (1 if rank == 6 else 4)  # tables of a byte an entry alone: 64 and 256 of them


def test_one_input_may_be_read_by_several_slots() -> None:
    builder = NetlistBuilder(1)
    netlist = builder.build(builder.lut([[0, 0, 0]], [[1, 0, 0, 0, 0, 0, 0, 0]]))
    np.testing.assert_array_equal(netlist.evaluate([[0], [1]]), [[True], [False]])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_levels_are_the_longest_paths(seed: int) -> None:
    netlist = random_netlist(seed, registers=2)
    first_node = netlist.num_inputs + netlist.num_registers
    level = np.repeat(np.arange(netlist.level_ptr.size - 1), np.diff(netlist.level_ptr))
    constants = int(0 in netlist.luts_by_rank())
    for node in range(netlist.num_nodes):
        reads = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]
        below = [level[signal - first_node] for signal in reads if signal >= first_node]
        expected = 0 if reads.size == 0 else max([constants - 1, *below]) + 1
        assert level[node] == expected


def test_equal_tables_are_pooled_in_order_of_use() -> None:
    builder = NetlistBuilder(2)
    netlist = builder.build(builder.lut([[0, 1]] * 4, np.array([14, 8, 14, 8], np.uint64)))
    assert netlist.table_pool.tolist() == [14, 8]
    assert netlist.table_index.tolist() == [0, 1, 0, 1]


def test_constants_are_shared_and_unread_ones_are_left_out() -> None:
    builder = NetlistBuilder(1)
    assert builder.constant(True) == builder.constant(True)
    ones = builder.lut(np.zeros((3, 0), int), [[1], [1], [0]])
    assert ones.tolist() == [builder.constant(True), builder.constant(True), builder.constant(False)]
    netlist = builder.build([0, *ones[:2]])
    assert netlist.num_nodes == 1
    np.testing.assert_array_equal(netlist.evaluate([[0], [1]]), [[0, 1, 1], [1, 1, 1]])
    assert builder.build([0]).num_nodes == 0


def test_inputs_and_registers_added_between_luts_keep_their_order() -> None:
    builder = NetlistBuilder(1)
    first = builder.lut([[0]], [[1, 0]])
    register = builder.register(1, True)
    late = builder.input(1)
    builder.connect(register, first)
    both = builder.lut([[int(late[0]), int(register[0])]], [[0, 0, 0, 1]])
    netlist = builder.build([*both, *late, *first])
    assert (netlist.num_inputs, netlist.num_registers) == (2, 1)
    np.testing.assert_array_equal(netlist.evaluate([[0, 1]]), [[1, 1, 1]])
    np.testing.assert_array_equal(netlist.evaluate([[0, 1]], state=[0]), [[0, 1, 1]])


def test_a_builder_goes_on_after_build() -> None:
    builder = NetlistBuilder(1)
    inverted = builder.lut([[0]], [[1, 0]])
    before = builder.build(inverted)
    after = builder.build(builder.lut(inverted[:, None], [[1, 0]]))
    assert (before.num_nodes, after.num_nodes) == (1, 2)


def test_the_same_calls_build_the_same_netlist() -> None:
    first, second = random_netlist(3, registers=1), random_netlist(3, registers=1)
    for name in ("fanin", "fanin_ptr", "table_pool", "table_index", "level_ptr", "outputs", "register_next"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_450_000_luts_build_in_less_than_two_seconds() -> None:
    rng = np.random.default_rng(0)
    wires = [rng.integers(0, 50_000, (50_000, 6)) for _ in range(9)]
    tables = [rng.integers(0, 2, (50_000, 64), dtype=np.uint8) for _ in range(9)]
    start = time.process_time()
    builder = NetlistBuilder()
    signals = builder.input(50_000)
    for layer in range(9):
        signals = builder.lut(signals[wires[layer]], tables[layer])
    netlist = builder.build(signals)
    seconds = time.process_time() - start
    assert netlist.luts_by_rank() == {6: 450_000}
    assert netlist.depth == 9
    assert seconds < 2, f"took {seconds:.2f} s"


@pytest.mark.parametrize(
    ("fanin", "tables", "error", "message"),
    [
        ([[0, 3]], [[0, 0, 0, 1]], ValueError, "fanin holds 3"),
        ([[0, -1]], [[0, 0, 0, 1]], ValueError, "fanin holds -1"),
        ([[0.0, 1.0]], [[0, 0, 0, 1]], TypeError, "fanin must be integers, not float64"),
        ([0, 1], [[0, 0, 0, 1]], ValueError, r"fanin has shape \(2,\)"),
        ([[0] * 9], np.zeros((1, 512), int), ValueError, "expected .LUTs, rank. with a rank of 0 to 8"),
        (
            [[0, 1]],
            [[0, 0, 1]],
            ValueError,
            r"tables has shape \(1, 3\), expected \(1, 4\) or, as uint64 words, \(1,\)",
        ),
        ([[0, 1]], [[0, 0, 0, 2]], ValueError, "tables holds 2"),
        ([[0, 1]], [[0, 0, 0, 0.5]], TypeError, "tables must be integers, not float64"),
        ([[0, 1]], np.array([16], np.uint64), ValueError, "bits beyond the 4 entries"),
        ([[0, 1]], np.array([8]), TypeError, "must be uint64 words, not int64"),
        ([[0] * 7], np.array([8], np.uint64), ValueError, r"expected \(1, 128\) for rank 7"),
    ],
)
def test_lut_refuses_wrong_arguments(fanin, tables, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NetlistBuilder(3).lut(fanin, tables)


@pytest.mark.parametrize(
    ("tables", "table_of", "error", "message"),
    [
        ([[0, 1]], [0, 1], ValueError, r"table_of holds 1, expected integers in \[0, 1\)"),
        ([[0, 1]], [0, -1], ValueError, "table_of holds -1"),
        ([[0, 1]], [0.0, 0.0], TypeError, "table_of must be integers"),
        ([[0, 1]], [0], ValueError, r"table_of has shape \(1,\), expected \(2,\)"),
        (1, [0, 0], ValueError, "tables is a single number"),
        ([[0, 1, 1]], [0, 0], ValueError, r"tables has shape \(1, 3\), expected \(1, 2\)"),
    ],
)
def test_shared_tables_are_checked(tables, table_of, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NetlistBuilder(3).lut([[0], [1]], tables, table_of)


def test_registers_must_be_connected_once() -> None:
    builder = NetlistBuilder(1)
    register = builder.register(2)
    builder.connect(register[0], 0)
    with pytest.raises(ValueError, match="1 registers were never connected"):
        builder.build([0])
    with pytest.raises(ValueError, match="connected twice"):
        builder.connect(register, [0, 0])
    with pytest.raises(ValueError, match="signal 0 is not a register"):
        builder.connect([0], [0])
    with pytest.raises(ValueError, match="expected equal lengths"):
        builder.connect(register, [0])
    with pytest.raises(ValueError, match="init has shape"):
        builder.register(2, [True])


def test_build_refuses_outputs_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="outputs holds 1"):
        NetlistBuilder(1).build([1])
    with pytest.raises(ValueError, match="outputs has shape"):
        NetlistBuilder(1).build([[0]])


def test_equal_comparators_are_shared_across_calls() -> None:
    builder = CircuitBuilder((2,))
    first = builder.compare([0, 0, 1], [0.5, 0.5, 0.5])
    assert first[0] == first[1] != first[2]
    assert builder.compare(0, np.float32(0.5)) == first[0]
    assert builder.compare(0, -0.0) == builder.compare(0, 0.0)


def test_compare_broadcasts_features_against_thresholds() -> None:
    builder = CircuitBuilder((2, 3))
    signals = builder.compare(builder.features[..., None], [1.0, 2.0])
    assert signals.shape == (2, 3, 2)
    assert np.unique(signals).size == 12


def test_nothing_is_greater_than_infinity_or_nan() -> None:
    builder = CircuitBuilder((1,))
    signals = builder.compare([0, 0, 0], [np.inf, np.nan, 1e300])
    assert (signals == builder.constant(False)).all()
    circuit = builder.build(signals)
    assert len(circuit.encoder) == 0
    assert not circuit.evaluate(np.array([[np.inf], [0]])).any()


def test_comparators_that_nothing_reads_are_dropped() -> None:
    builder = CircuitBuilder((3,))
    bits = builder.compare(builder.features[:, None], [1.0, 2.0, np.inf])
    inverted = builder.lut(bits[1:2, :1], [[1, 0]])
    circuit = builder.build([*inverted, bits[2, 1]])
    assert circuit.encoder.feature.tolist() == [1, 2]
    assert circuit.encoder.threshold.tolist() == [1.0, 2.0]
    assert circuit.netlist.luts_by_rank() == {1: 1}
    np.testing.assert_array_equal(circuit.evaluate([[0, 0, 3], [9, 2, 2]]), [[True, True], [False, False]])


def test_popcount_sets_outputs_and_head() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.compare(builder.features[:, None], [1.0, 2.0]).reshape(-1)
    builder.popcount(bits, 2)
    circuit = builder.build()
    np.testing.assert_array_equal(circuit.decision_function([[3, 1.5], [0, 2]]), [[2, 1], [0, 1]])
    with pytest.raises(ValueError, match="already has a head"):
        builder.popcount(bits, 2)
    with pytest.raises(ValueError, match="not the signals that were given to the head"):
        builder.build(bits[:2])


def test_a_circuit_needs_outputs() -> None:
    with pytest.raises(ValueError, match="has no outputs"):
        CircuitBuilder((2,)).build()
    builder = CircuitBuilder((3,))
    bits = builder.compare(builder.features, 0.5)
    with pytest.raises(ValueError, match="3 outputs do not fall into 2 equal groups"):
        builder.popcount(bits, 2)


@pytest.mark.parametrize("shape", [(), (0,), (2, -1), (1.5,), (2**20, 2**20), (1,) * 33, None])
def test_input_shapes_that_make_no_sense_are_refused(shape) -> None:
    with pytest.raises((ValueError, TypeError), match="input_shape"):
        CircuitBuilder(shape)


def inverter() -> Netlist:
    builder = NetlistBuilder(1)
    return builder.build(builder.lut([[0]], [[1, 0]]))


MISTAKES: dict[str, tuple[Callable[[CircuitBuilder, np.ndarray], object], type[Exception], str]] = {
    "thresholds that are text": (lambda b, s: b.compare([0], ["1.5"]), TypeError, "thresholds must be real"),
    "no threshold": (lambda b, s: b.compare(0, None), TypeError, "thresholds must be real"),
    "complex thresholds": (lambda b, s: b.compare([0], [1j]), TypeError, "thresholds must be real"),
    "an offset that is text": (lambda b, s: b.words([0], 8, offset="1"), TypeError, "offset must be real"),
    "a scale that is none": (lambda b, s: b.words([0], 8, per_unit=None), TypeError, "per_unit must be real"),
    "a length for each word": (lambda b, s: b.words([0, 1], [8, 4]), TypeError, "bits is"),
    "a length of text": (lambda b, s: b.words([0], "8"), TypeError, "bits is '8'"),
    "a word too long": (lambda b, s: b.words([0], 65), ValueError, "from 1 to 64"),
    "a part without a name": (lambda b, s: b.instances("9x", inverter(), [[0]]), ValueError, "name of a part"),
    "a part whose name is a number": (lambda b, s: b.instances(9, inverter(), [[0]]), TypeError, "name of a part"),
    "a name with other capitals": (lambda b, s: b.instances("NOT", inverter(), [[0]]), ValueError, "same name"),
    "a netlist that is none": (lambda b, s: b.embed(None, s), TypeError, "expected a Netlist"),
    "counts of what are not signals": (lambda b, s: b.popcount([98, 99], 2), ValueError, "holds 9"),
    "bits that are not signals": (lambda b, s: b.integers({"a": [0.5]}), TypeError, "must be integers"),
    "words without names": (lambda b, s: b.integers([s]), TypeError, "mapping of names"),
    "a head without fields": (lambda b, s: b.heads({"a": s}), TypeError, r"head 'a' is .* expected \(signals"),
    "fields that are a head": (lambda b, s: b.heads({"a": (s, Head(3))}), TypeError, r"expected \(signals"),
    "no places": (lambda b, s: b.popcount(s, 1, shape=(-3,)), ValueError, "^shape holds -3"),
    "places by their number": (lambda b, s: b.popcount(s, 1, shape=3), ValueError, "^shape is 3"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_at_once_and_the_builder_goes_on(mistake: str) -> None:
    make, error, message = MISTAKES[mistake]
    builder = CircuitBuilder((3,))
    signals = builder.compare(builder.features, 0.5)
    ends = builder.instances("not", inverter(), signals[:, None])[:, 0]
    with pytest.raises(error, match=message):
        make(builder, signals)
    assert builder.instances("none", inverter(), np.zeros((0, 1), int)).shape == (0, 1)  # no place: no part
    builder.popcount(ends, 3)
    circuit = builder.build()
    assert [part.name for part in circuit.parts] == ["not"]
    np.testing.assert_array_equal(circuit.decision_function([[0, 1, 0]]), [[1, 0, 1]])


def test_arrays_that_come_back_and_go_in_are_the_callers_to_change() -> None:
    def built(*, spoil: bool) -> Netlist:
        builder = NetlistBuilder()
        init, words = np.array([True, False]), np.array([6, 9], np.uint64)
        inputs, registers = builder.input(2), builder.register(2, init)
        reads = np.stack([inputs, registers], axis=1)
        luts = builder.lut(reads, words)
        placed = builder.instances("not", inverter(), luts[:, None].copy())
        builder.connect(registers, luts)
        outputs = np.concatenate([inputs, luts, placed[:, 0]])
        if spoil:
            for array in (inputs, registers, reads, init, words, luts, placed):
                array[...] = 0
        return builder.build(outputs)

    assert built(spoil=True).same_as(built(spoil=False))
