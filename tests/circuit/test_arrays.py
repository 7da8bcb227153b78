"""What many rooms do with arrays (numbers for equal values, runs, bits as words, other inputs) and tables of text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.circuit import NetlistBuilder
from lutsmith.circuit.netlist import drop_unread_inputs, level_offsets, with_inputs
from lutsmith.circuit.tables import merged_inputs
from lutsmith.ground.alignment import aligned
from lutsmith.ground.arrays import numbered, packed, runs


@given(st.lists(st.integers(0, 5)))
def test_values_are_numbered_in_the_order_of_their_first_use(values: list[int]) -> None:
    kinds = list(dict.fromkeys(values))
    first, number = numbered(np.array(values, np.int64))
    assert first.tolist() == [values.index(kind) for kind in kinds]
    assert number.tolist() == [kinds.index(value) for value in values]
    assert number.dtype == np.int32


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2))))
def test_columns_are_numbered_as_values_are(columns: list[tuple[int, int]]) -> None:
    kinds = list(dict.fromkeys(columns))
    first, number = numbered(np.array(columns, np.float64).reshape(-1, 2).T, axis=1)
    assert [columns[place] for place in first] == kinds
    assert [kinds[place] for place in number] == columns


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4))))
def test_runs_follow_each_other(given_: list[tuple[int, int]]) -> None:
    start, counts = np.array(given_, np.int64).reshape(-1, 2).T
    assert runs(start, counts).tolist() == [begin + step for begin, count in given_ for step in range(count)]


@pytest.mark.parametrize("shape", [(0,), (1,), (64,), (3, 65), (2, 0), (0, 7), (2, 3, 130)])
def test_bits_are_packed_the_lowest_first(shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(0).random(shape) < 0.5
    words = packed(bits)
    assert words.shape == (*shape[:-1], -(-shape[-1] // 64))
    assert words.dtype == np.uint64
    unpacked = (words[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)
    flat = unpacked.reshape(*shape[:-1], words.shape[-1] * 64)
    np.testing.assert_array_equal(flat[..., : shape[-1]], bits)
    assert not flat[..., shape[-1] :].any()
    np.testing.assert_array_equal(packed(np.asfortranarray(bits)), words)


def test_levels_without_nodes_have_no_place() -> None:
    assert level_offsets(np.array([0, 0, 3, 3, 3, 4])).tolist() == [0, 2, 5, 6]
    assert level_offsets(np.zeros(0, np.int64)).tolist() == [0]


def test_inputs_in_other_places_are_the_same_function() -> None:
    rng = np.random.default_rng(0)
    builder = NetlistBuilder(4)
    state = builder.register(1, [True])
    (read,) = builder.lut([[0, 2, 4]], [rng.random(8) < 0.5])  # input 1 and 3 are unread
    builder.connect(state, [read])
    netlist = builder.build([read, 2, 0])
    place = np.array([5, 1, 5, 0])  # inputs 0 and 2 become one
    moved = with_inputs(netlist, place, 6)
    bits = rng.random((20, 6)) < 0.5
    np.testing.assert_array_equal(moved.evaluate(bits), netlist.evaluate(bits[:, place]))
    assert moved.register_next.tolist() == [7]
    smaller, kept = drop_unread_inputs(netlist)
    assert kept.tolist() == [0, 2]
    bits = rng.random((20, 4)) < 0.5
    np.testing.assert_array_equal(smaller.evaluate(bits[:, kept]), netlist.evaluate(bits))


@given(st.integers(0, 2**64 - 1), st.permutations(range(6)))
def test_a_merged_input_is_the_other_one(word: int, inputs: list[int]) -> None:
    i, j = inputs[:2]
    (merged,) = merged_inputs(np.array([word], np.uint64), i, j).tolist()
    for address in range(64):
        source = address & ~(1 << j) | (address >> i & 1) << j
        assert merged >> address & 1 == word >> source & 1


def test_columns_begin_or_end_under_each_other() -> None:
    rows = [("part", "LUTs", "why"), ("network", "9", ""), ("a", "1,234", "so")]
    assert aligned(rows) == ["part      LUTs  why", "network      9", "a        1,234   so"]
    assert aligned(rows, left=(0, 2)) == ["part      LUTs  why", "network      9", "a        1,234  so"]
    assert aligned([("one", "two")]) == ["one  two"]
