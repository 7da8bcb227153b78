"""Weighted sums as words, and words compared with constants: against integers, and their proofs against faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.netlist import Netlist
from lutsmith.logic.folding import FoldingBuilder
from lutsmith.logic.sums import LinearRewriting, NotDecided, sum_of
from lutsmith.logic.weighted_sums import MAX_WIDTH, WeightedSums, WordBounds

KINDS = st.sampled_from([(-1, 1), (-1, 0, 1), (-171, 85, 85, 171), (1, 4), tuple(range(-20, 21)), (-6, 6, 12)])


def drawn(kind: tuple[int, ...], rows: int, inputs: int, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    weights = rng.choice(kind, (rows, inputs)).astype(np.int64)
    weights[:, 0] = kind[-1]  # no row of zeros
    return weights[:, weights.any(axis=0)], rng


def words(sums: WeightedSums, x: np.ndarray) -> np.ndarray:
    bits, found = sums.netlist.evaluate(x).astype(np.int64), []
    for places in sums.places:
        found.append((bits[:, : len(places)] << np.array(places)).sum(axis=1))
        bits = bits[:, len(places) :]
    return np.stack(found, axis=1)


@settings(max_examples=80, deadline=None)
@given(KINDS, st.integers(1, 6), st.integers(1, 30), st.integers(0, 9999))
def test_words_are_the_sums(kind: tuple[int, ...], rows: int, inputs: int, seed: int) -> None:
    weights, rng = drawn(kind, rows, inputs, seed)
    sums = WeightedSums(weights)
    x = rng.random((200, weights.shape[1])) < rng.random((200, 1))
    assert np.array_equal(sums.offset + sums.step * words(sums, x), x @ weights.T)
    sums.check()


@settings(max_examples=40, deadline=None)
@given(KINDS, st.integers(1, 3), st.integers(2, 9), st.integers(0, 9999), st.data())
def test_no_fault_in_adders_is_proved(kind: Any, rows: int, inputs: int, seed: int, data: st.DataObject) -> None:
    """A bit of a table, a weight or an offset is changed: the proof fails unless all words are what they were."""
    weights, rng = drawn(kind, rows, inputs, seed)
    sums = WeightedSums(weights)
    if not sums.netlist.num_nodes:
        return
    before = sums.netlist
    tables = before.tables().copy()
    node = data.draw(st.integers(0, tables.size - 1))
    tables[node] ^= np.uint64(1 << data.draw(st.integers(0, (1 << int(before.ranks[node])) - 1)))
    sums.netlist = replace(before, table_pool=tables, table_index=np.arange(tables.size))
    x = rng.random((3000, weights.shape[1])) < rng.random((3000, 1))
    if not np.array_equal(before.evaluate(x), sums.netlist.evaluate(x)):
        with pytest.raises((ValueError, NotDecided)):
            sums.check()
    sums.netlist = before
    for field in ("offset", "weights"):
        changed = getattr(sums, field).copy()
        place = data.draw(st.integers(0, changed.size - 1))
        changed.reshape(-1)[place] += sums.step[place * rows // changed.size]
        own = getattr(sums, field)
        setattr(sums, field, changed)
        with pytest.raises(ValueError, match="another sum"):
            sums.check()
        setattr(sums, field, own)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 9999))
def test_comparisons_are_those_of_integers(widths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = tuple(tuple(sorted(rng.choice(width + 3, width, replace=False).tolist())) for width in widths)
    bounds = []
    for _ in range(5):
        word = int(rng.integers(len(places)))
        bounds.append((word, int(rng.integers(1, 1 << places[word][-1] + 1)), bool(rng.random() < 0.5)))
    compared = WordBounds(places, tuple(bounds))
    compared.check()
    x = rng.random((100, sum(widths))) < 0.5
    values, start = [], 0
    for each in places:
        values.append((x[:, start : start + len(each)].astype(np.int64) << np.array(each)).sum(axis=1))
        start += len(each)
    wanted = np.stack([(values[word] >= bound) != below for word, bound, below in bounds], axis=1)
    assert np.array_equal(compared.netlist.evaluate(x), wanted)
    word, bound, below = bounds[0]
    wrong = WordBounds(places, ((word, bound, not below), *bounds[1:]))
    vars(wrong)["netlist"] = compared.netlist
    with pytest.raises(ValueError, match="something else than the integers"):
        wrong.check()


def test_words_that_are_too_long_are_not_decided() -> None:
    with pytest.raises(NotDecided, match=f"up to {MAX_WIDTH}"):
        WordBounds((tuple(range(MAX_WIDTH + 1)),), ((0, 1, False),)).check()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 14), st.integers(0, 9999))
def test_rewriting_by_groups_of_equal_inputs_is_rewriting_node_by_node(rows: int, inputs: int, seed: int) -> None:
    weights, _ = drawn((-1, 0, 1), rows, inputs, seed)
    sums = WeightedSums(weights)
    netlist: Netlist = sums.netlist
    fast, start = LinearRewriting(netlist), 0
    for places in sums.places:
        bits = netlist.outputs[start : start + len(places)].tolist()
        start += len(places)
        assert fast.sum_of(bits, 1 << len(bits)) == sum_of(netlist, bits, 1 << len(bits))


def test_a_product_is_no_sum_of_its_inputs() -> None:
    logic = FoldingBuilder()
    inputs = logic.input(3)
    netlist = logic.build(logic.lut(inputs[None], np.uint64(0b10000000)))
    assert LinearRewriting(netlist).sum_of(netlist.outputs.tolist(), 1 << 4) is None
    assert sum_of(netlist, netlist.outputs.tolist(), 1 << 4) == {(0, 1, 2): 1}
