"""The engine in stages: rows of bits are what the netlist says, whatever was changed, taken back or shared."""

from __future__ import annotations

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, Head, Netlist, NetlistBuilder
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples, Stages, cones
from lutsmith.circuit.engine.stages.fanout import Fanout
from tests.circuit.examples import random_circuit, random_images, random_netlist
from tests.circuit.test_word_bits import some_inputs

SAMPLES = (0, 1, 63, 64, 65, 1023, 1024, 1025, 5000)


def words_of(values: np.ndarray) -> np.ndarray:
    """Booleans (N, k) as rows of words (k, W), by Python's integers: the meaning of a row."""
    width = -(-len(values) // 64)
    numbers = [sum(1 << int(sample) for sample in np.flatnonzero(column)) for column in values.T]
    mask = 2**64 - 1
    rows = [[number >> 64 * word & mask for word in range(width)] for number in numbers]
    return np.array(rows, np.uint64).reshape(values.shape[1], width)


def netlist_of(seed: int, samples: int, **options: int) -> tuple[Netlist, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    netlist = random_netlist(seed, inputs=int(rng.integers(0, 12)), max_rank=6, **options)
    return netlist, rng.random((samples, netlist.num_inputs)) < rng.random(), rng


def tables_of(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(0, 2**64, count, dtype=np.uint64)


def assert_is(evaluation: PackedEvaluation, netlist: Netlist, bits: np.ndarray, **how: np.ndarray) -> None:
    """All that an evaluation says is what the netlist says."""
    expected = netlist.evaluate(bits, keep="all", **how)
    np.testing.assert_array_equal(evaluation.bits(), expected)
    rows = evaluation.rows()
    np.testing.assert_array_equal(rows[:, -1:], words_of(expected)[:, -1:])  # bits beyond the last sample
    np.testing.assert_array_equal(evaluation.node_rows(), rows[len(rows) - netlist.num_nodes :])
    np.testing.assert_array_equal(evaluation.outputs(), expected[:, netlist.outputs])
    np.testing.assert_array_equal(evaluation.ones(), expected.sum(axis=0))


@given(
    seed=st.integers(0, 2**32),
    luts=st.integers(0, 100),
    registers=st.integers(0, 3),
    samples=st.sampled_from(SAMPLES),
    threads=st.integers(1, 3),
)
@settings(deadline=None, max_examples=60)
def test_every_signal_is_that_of_the_netlist_at_every_rank(seed, luts, registers, samples, threads):
    netlist, bits, rng = netlist_of(seed, samples, luts=luts, registers=registers, outputs=12)
    packed = PackedSamples.of_bits(bits)
    assert_is(PackedEvaluation(netlist, packed, threads=threads), netlist, bits)
    for state in (rng.random(registers) < 0.5, rng.random((samples, registers)) < 0.5):
        tables = tables_of(rng, netlist.num_nodes)
        evaluation = PackedEvaluation(netlist, packed, tables=tables, state=state, threads=threads)
        assert_is(evaluation, netlist, bits, tables=tables, state=state)
        for groups in (1, 3, 12):
            counts = evaluation.counts(groups)
            assert counts.dtype == np.int32
            np.testing.assert_array_equal(counts, Head(groups).counts(evaluation.outputs()))


@pytest.mark.slow
@given(seed=st.integers(0, 2**32), samples=st.sampled_from(SAMPLES), shared=st.booleans(), spare=st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_changes_rewires_and_undos_leave_what_a_fresh_evaluation_says(seed, samples, shared, spare):
    """Random moves; `told` is the values after each move that can still be taken back."""
    netlist, bits, rng = netlist_of(seed, samples, luts=40, registers=2, outputs=12)
    nodes = netlist.num_nodes
    table_of = rng.integers(0, 10, nodes) if shared else np.arange(nodes)
    tables = tables_of(rng, 10 if shared else nodes)
    pool = {"tables": tables, "table_of": table_of} if shared else {"tables": tables}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cones, "SPARE", spare)
        evaluation = PackedEvaluation(netlist, PackedSamples.of_bits(bits), **pool)
        present, told = evaluation.netlist(), []
        if rng.random() < 0.5:
            evaluation.counts(4)
        for _ in range(12):
            before, values = present, evaluation.bits()
            move = rng.integers(0, 5)
            if move == 4:
                evaluation.accept()
                told.clear()
                continue
            if move == 3:
                if not told:
                    continue
                change, present = evaluation.undo(), told.pop()
            elif move == 2 and (slots := np.flatnonzero(netlist.ranks)).size:
                change, present = rewired(evaluation, netlist, rng, slots, shared)
                told.append(before)
            else:
                chosen = rng.permutation(tables.size)[: rng.integers(0, 4)]
                change = evaluation.change(chosen, tables_of(rng, chosen.size))
                told.append(before)
                present = evaluation.netlist()
                np.testing.assert_array_equal(present.fanin, before.fanin)
            after = evaluation.bits()
            assert_is(evaluation, present, bits)
            np.testing.assert_array_equal(change.signals, np.flatnonzero((values != after).any(axis=0)))
            moved = (values[:, netlist.outputs] != after[:, netlist.outputs]).any(axis=0)
            np.testing.assert_array_equal(change.outputs, np.flatnonzero(moved))
            np.testing.assert_array_equal(evaluation.counts(4), Head(4).counts(evaluation.outputs()))
            if move < 3:
                np.testing.assert_array_equal(evaluation.bits(before=True), values)
        assert evaluation.num_changes == len(told)


def rewired(evaluation, netlist, rng, lowest, shared):
    """Move one or two wires of nodes of rank 1 or more, maybe with tables; the change, and the netlist by hand."""
    before = evaluation.netlist()
    nodes = rng.choice(lowest, 2)
    slots = rng.integers(0, netlist.ranks[nodes])
    if rng.random() < 0.3:  # one wire twice: the last counts
        nodes[1], slots[1] = nodes[0], slots[0]
    level_of = np.searchsorted(netlist.level_ptr, nodes, side="right") - 1
    signals = rng.integers(0, netlist.num_inputs + netlist.num_registers + netlist.level_ptr[level_of])
    fanin, words = before.fanin.copy(), before.tables()
    for entry, signal in zip(netlist.fanin_ptr[nodes] + slots, signals, strict=True):
        fanin[entry] = signal
    given = None
    if not shared and rng.random() < 0.5:
        given = np.repeat(tables_of(rng, 1), 2)
        words[nodes] = given & ((1 << (1 << netlist.ranks[nodes].astype(object))) - 1).astype(np.uint64)
    change = evaluation.rewire(nodes, slots, signals, given)
    after = evaluation.netlist()
    np.testing.assert_array_equal(after.fanin, fanin)
    np.testing.assert_array_equal(after.tables(), words)
    return change, after


@given(seed=st.integers(0, 2**32), moves=st.integers(1, 200))
@settings(deadline=None, max_examples=40)
def test_readers_are_those_of_the_wires_after_any_moves(seed, moves):
    netlist, _, rng = netlist_of(seed, 0, luts=20)
    fanout = Fanout(netlist)
    kept = fanout.copy()
    fanin = netlist.fanin.copy()
    for _ in range(moves if fanin.size else 0):
        entry, signal = int(rng.integers(fanin.size)), int(rng.integers(min(5, netlist.num_signals)))
        fanin[entry] = signal
        fanout.move(entry, signal)
    for wires, expected in ((fanout, fanin), (kept, netlist.fanin)):
        first, following, node = wires.readers
        np.testing.assert_array_equal(wires.fanin[: fanin.size], expected)
        np.testing.assert_array_equal(node, np.repeat(np.arange(netlist.num_nodes), netlist.ranks))
        for signal in range(netlist.num_signals):
            found, entry = [], first[signal]
            while entry >= 0 and len(found) <= fanin.size:
                found.append(entry)
                entry = following[entry]
            assert sorted(found) == np.flatnonzero(expected == signal).tolist()


def layered(seed: int, samples: int) -> tuple[Netlist, PackedSamples, np.random.Generator]:
    rng, builder = np.random.default_rng(seed), NetlistBuilder(40)
    layer = np.arange(40)
    for _ in range(3):
        layer = builder.lut(rng.choice(layer, (200, 6)), rng.integers(0, 2, (200, 64)))
    return builder.build(layer), PackedSamples.of_bits(rng.integers(0, 2, (samples, 40))), rng


def test_clones_and_evaluations_of_one_packed_object_run_at_once_and_do_not_disturb_each_other():
    """Threads change clones of one evaluation, and evaluations of their own, while rows go back to the shared pool."""
    netlist, samples, _ = layered(0, 3000)
    bits, base = samples.bits(), PackedEvaluation(netlist, samples)
    base.change(7, 0)
    base.rewire(300, 1, 5)
    at_first, first_netlist = base.rows(), base.netlist()

    def work(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        mine = base.clone() if seed % 2 else PackedEvaluation(netlist, samples, threads=1)
        for number in range(30):
            mine.change(rng.permutation(600)[:3], tables_of(rng, 3))
            mine.rewire(rng.integers(200, 600), rng.integers(6), rng.integers(40))
            if number % 3:
                mine.undo()
            if number % 4 == 0:
                mine.accept()
        return bool((mine.bits() == mine.netlist().evaluate(bits, keep="all")).all())

    clones = [base.clone() for _ in range(6)]
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(work, range(12)))
    np.testing.assert_array_equal(base.rows(), at_first)
    for clone in clones:
        np.testing.assert_array_equal(clone.rows(), at_first)
        assert clone.num_changes == 0
    base.undo()  # of wires that the clones share
    base.undo()
    assert_is(base, netlist, bits)
    np.testing.assert_array_equal(clones[0].rows(), at_first)
    clones[0].change(0, 2**64 - 1)
    np.testing.assert_array_equal(clones[0].netlist().fanin, first_netlist.fanin)


def test_memory_is_used_again_after_undo_accept_and_the_end_of_clones():
    netlist, samples, rng = layered(1, 9000)
    evaluation = PackedEvaluation(netlist, samples)

    def search(steps: int) -> None:
        for number in range(steps):
            evaluation.change(rng.integers(600), tables_of(rng, 1))
            clone = evaluation.clone()
            clone.change(np.arange(600), tables_of(rng, 600))
            if number % 2:
                evaluation.undo()
            else:
                evaluation.accept()

    search(20)
    gc.collect()
    used = evaluation.nbytes
    search(200)
    gc.collect()
    assert evaluation.nbytes == used
    assert used < 1e7  # its own rows and a chunk or two of spare ones


def test_what_was_read_stays_as_it_is():
    netlist, samples, rng = layered(2, 1500)
    evaluation = PackedEvaluation(netlist, samples)
    rows, counts = evaluation.node_rows(), evaluation.counts(10)
    assert rows.base is not None  # not copied
    kept, counted = rows.copy(), counts.copy()
    for _ in range(20):
        evaluation.change(rng.permutation(600)[:50], tables_of(rng, 50))
        evaluation.accept()
    np.testing.assert_array_equal(rows, kept)
    assert (counts != counted).any()  # these follow
    np.testing.assert_array_equal(counts, Head(10).counts(evaluation.outputs()))
    for array in (rows, counts, evaluation.node_rows(), samples.words):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(ValueError, match="no change"):
        evaluation.undo()


def test_only_the_cone_is_run_and_only_where_values_change(monkeypatch):
    """A node that reads an input which is 1 on one sample alone changes one block; an equal table changes nothing."""
    builder = NetlistBuilder(2)
    chain = builder.lut([[0, 1]], [[0, 0, 0, 1]])
    ends = [chain[0]]
    for _ in range(3):
        ends.append(builder.lut([[ends[-1], 0]], [[0, 1, 0, 1]])[0])
    netlist = builder.build(ends)
    bits = np.ones((5000, 2), bool)
    bits[:, 0] = np.arange(5000) == 4000
    evaluation = PackedEvaluation(netlist, PackedSamples.of_bits(bits))
    assert evaluation.change(0, 0b1000).signals.size == 0
    assert evaluation.change(0, 0).signals.tolist() == [2, 3, 4, 5]
    differ = evaluation.rows(2) ^ evaluation.rows(2, before=True)
    assert np.flatnonzero(differ).tolist() == [4000 // 64]
    assert evaluation.change(1, 0).signals.size == 0
    assert evaluation.undo().signals.size == 0
    assert evaluation.undo().outputs.tolist() == [0, 1, 2, 3]


@given(seed=st.integers(0, 2**32), samples=st.sampled_from(SAMPLES), threads=st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_raw_samples_are_packed_and_run_as_specified(seed, samples, threads):
    circuit = random_circuit(seed, input_shape=(5, 7), luts=30)
    rng = np.random.default_rng(seed)
    images = random_images(seed, circuit, samples).reshape(samples, 35)
    stages = Stages(circuit.encoder, circuit.netlist)
    bits = circuit.encoder.encode(images)
    expected = circuit.netlist.evaluate(bits, keep="all")
    for rows in (images, images.astype(np.float32), images.astype(np.int64), images[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(stages.pack(rows, threads=threads).words, PackedSamples.of_bits(bits).words)
    assert_is(stages.evaluate(stages.pack(images)), circuit.netlist, bits)
    nodes = words_of(expected[:, circuit.netlist.num_inputs :]) if samples < 100 else None
    found = stages.node_rows(images, threads=threads)
    np.testing.assert_array_equal(
        found, nodes if nodes is not None else stages.evaluate(stages.pack(images)).node_rows()
    )
    tables = tables_of(rng, circuit.netlist.num_nodes)
    exchanged = stages.evaluate(stages.pack(images), tables=tables).node_rows()
    np.testing.assert_array_equal(stages.node_rows(images, tables=tables, threads=threads), exchanged)


@given(
    seed=st.integers(0, 2**32),
    samples=st.sampled_from(SAMPLES),
    dtype=st.sampled_from(["u1", "f4", "f8", "i8", "?"]),
)
@settings(deadline=None, max_examples=40)
def test_words_and_missing_values_are_packed_as_specified(seed, samples, dtype):
    inputs, rng = some_inputs(seed, long=dtype == "i8")
    with np.errstate(invalid="ignore"):
        rows = (rng.normal(size=(samples, inputs.num_features)) * 200).astype(dtype)
    if rows.dtype.kind == "f":
        rows[rng.random(rows.shape) < 0.1] = np.nan
    builder = NetlistBuilder(len(inputs))
    stages = Stages(inputs, builder.build(builder.lut([rng.integers(0, len(inputs), 3)], [rng.integers(0, 2, 8)])))
    bits = inputs.encode(rows)
    samples = stages.pack(rows)
    np.testing.assert_array_equal(samples.words, PackedSamples.of_bits(bits).words)
    np.testing.assert_array_equal(stages.node_rows(rows), stages.evaluate(samples).node_rows())
    for part, (values, count) in enumerate(stages.signal_rows(rows, memory=1)):
        width = -(-count // 64)
        np.testing.assert_array_equal(values[: len(inputs), :width], samples.words[:, 16 * part : 16 * part + width])


@pytest.mark.parametrize("memory", [1, 1 << 16, 1 << 26])
@pytest.mark.parametrize("samples", [0, 1, 1000, 5000, 8192])
def test_signals_are_yielded_part_by_part(memory, samples):
    netlist = random_netlist(3, inputs=9, luts=60, registers=2, max_rank=6)
    rows = np.random.default_rng(3).integers(0, 2, (samples, 9), dtype=np.uint8)
    stages = Stages(Comparators(np.arange(9), np.full(9, 0.5), 9), netlist)
    parts = []
    for values, count in stages.signal_rows(rows, memory=memory):
        assert not values[-1].any()
        octets = np.ascontiguousarray(values[:, : -(-count // 64)]).view(np.uint8)
        bits = np.unpackbits(octets, axis=1, bitorder="little")
        assert not bits[:, count:].any()
        parts.append(bits[:-1, :count].T)
    found = np.concatenate([np.empty((0, netlist.num_signals), np.uint8), *parts])
    np.testing.assert_array_equal(found, netlist.evaluate(rows, keep="all"))
    np.testing.assert_array_equal(
        np.unpackbits(stages.node_rows(rows).view(np.uint8), axis=1, bitorder="little")[:, :samples].T, found[:, 11:]
    )


def test_packed_samples_are_values():
    bits = np.random.default_rng(0).integers(0, 2, (100, 3))
    samples = PackedSamples.of_bits(bits)
    assert (len(samples), samples.num_inputs, samples.words.shape) == (100, 3, (3, 2))
    assert samples.nbytes >= samples.words.nbytes
    assert "100 samples, 3 inputs" in repr(samples)
    np.testing.assert_array_equal(samples.words, words_of(bits))
    for same in (pickle.loads(pickle.dumps(samples)), copy.deepcopy(samples)):
        np.testing.assert_array_equal(same.bits(), bits)
    beyond = samples.words | np.array([0, 1 << 63], np.uint64)
    np.testing.assert_array_equal(PackedSamples.of_words(beyond, 100).words, samples.words)
    assert PackedSamples.of_bits(np.empty((70, 0), bool)).words.shape == (0, 2)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_copies_of_evaluations_are_evaluations(copied, shared):
    netlist, bits, rng = netlist_of(7, 130, luts=80, registers=3)
    samples = PackedSamples.of_bits(bits)
    numbers = np.arange(netlist.num_nodes) % 50 if shared else None
    tables = rng.integers(0, 2**64, 50 if shared else netlist.num_nodes, dtype=np.uint64)
    state = rng.integers(0, 2, (130, 3)).astype(bool)
    evaluation = PackedEvaluation(netlist, samples, tables=tables, table_of=numbers, state=state)
    evaluation.rewire(netlist.num_nodes - 1, 0, 0)
    same = copied(evaluation)
    np.testing.assert_array_equal(same.rows(), evaluation.rows())
    np.testing.assert_array_equal(same.tables, evaluation.tables)
    assert same.num_changes == 0
    before = evaluation.rows()
    same.change([3, 4], [0, 2**64 - 1])  # lists in which NumPy would see floats
    evaluation.clone().change([3, 4], np.array([0, 2**64 - 1], np.uint64))
    np.testing.assert_array_equal(evaluation.rows(), before)
    fresh = PackedEvaluation(same.netlist(), samples, state=state)
    np.testing.assert_array_equal(same.rows(), fresh.rows())


WRONG = {
    "a node that is not there": (lambda e: e.change(600, 0), ValueError, "nodes holds 600"),
    "a node twice": (lambda e: e.change([1, 1], [0, 0]), ValueError, "given twice"),
    "fewer tables": (lambda e: e.change([1, 2], [0]), ValueError, "one word a node"),
    "tables that are not integers": (lambda e: e.change(1, 0.5), TypeError, "must be integers"),
    "a table beyond 64 bits": (lambda e: e.change(1, -1), ValueError, "tables holds -1"),
    "a table of 65 bits": (lambda e: e.change([1, 2], [0, 1 << 64]), ValueError, "tables holds 18446744073709551616"),
    "a table of a half among integers": (lambda e: e.change([1, 2], [0.5, 1 << 63]), TypeError, "must be integers"),
    "nodes in two dimensions": (lambda e: e.change([[1]], [0]), ValueError, "one dimension"),
    "a wire to the same level": (lambda e: e.rewire(0, 0, 41), ValueError, "not of a lower level"),
    "a wire to itself": (lambda e: e.rewire(0, 0, 40), ValueError, "not of a lower level"),
    "a slot beyond the rank": (lambda e: e.rewire(600 - 1, 6, 0), ValueError, "slots holds 6"),
    "a signal that is not there": (lambda e: e.rewire(0, 0, 999), ValueError, "signals holds 999"),
    "a wire too few": (lambda e: e.rewire([0, 1], [0, 0], 1), ValueError, "as many of each"),
    "two tables for a node": (lambda e: e.rewire([0, 0], [0, 1], [1, 2], [3, 4]), ValueError, "equal tables"),
    "groups that do not divide": (lambda e: e.counts(7), ValueError, "do not fall into 7"),
    "groups of text": (lambda e: e.counts("7"), TypeError, "must be integers"),
    "no change": (lambda e: e.rows(before=True), ValueError, "no change"),
    "a signal too many": (lambda e: e.bits(640), ValueError, "signals holds 640"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_told_and_changes_nothing(mistake):
    netlist, samples, _ = layered(3, 100)
    evaluation = PackedEvaluation(netlist, samples)
    make, error, text = WRONG[mistake]
    with pytest.raises(error, match=text):
        make(evaluation)
    assert evaluation.num_changes == 0
    assert_is(evaluation, netlist, samples.bits())


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda n, s: PackedEvaluation(n, PackedSamples.of_bits(np.zeros((5, 3)) == 0)), ValueError, "3 bits"),
        (lambda n, s: PackedEvaluation(n, s, tables=np.zeros(3, np.uint64)), ValueError, "one word a node"),
        (lambda n, s: PackedEvaluation(n, s, tables=np.zeros(600, np.int64)), TypeError, "uint64"),
        (lambda n, s: PackedEvaluation(n, s, table_of=np.zeros(600, int)), ValueError, "needs tables"),
        (lambda n, s: PackedEvaluation(n, s, tables=np.zeros(2, np.uint64), table_of=[0]), ValueError, "1 entries"),
        (
            lambda n, s: PackedEvaluation(n, s, tables=np.zeros(2, np.uint64), table_of=np.full(600, 2)),
            ValueError,
            "table_of holds 2",
        ),
        (lambda n, s: PackedEvaluation(n, s, state=[1]), ValueError, r"state has shape \(1,\)"),
        (lambda n, s: PackedEvaluation(n, s, threads=0), ValueError, "threads"),
        (lambda n, s: Stages(Comparators([0], [0.5], 1), n), ValueError, "1 bits, the netlist 40"),
        (lambda n, s: PackedEvaluation(n, s.bits()), TypeError, "pack them"),
        (lambda n, s: PackedEvaluation(None, s), TypeError, "expected a Netlist"),
        (lambda n, s: stages_of(n).evaluate(s.bits()), TypeError, "pack them"),
        (lambda n, s: Stages(Comparators([0], [0.5], 1), s), TypeError, "expected a Netlist"),
        (lambda n, s: Stages(s, n), TypeError, "expected Comparators or Inputs"),
        (lambda n, s: PackedSamples(s.words, 10), TypeError, "of_bits and of_words"),
        (lambda n, s: PackedSamples(s.bits(), 10), TypeError, "of_bits and of_words"),
        (lambda n, s: stages_of(n).pack(np.ma.array(np.zeros((2, 40)), mask=True)), ValueError, "masked values"),
        (lambda n, s: stages_of(n).pack(np.zeros((2, 39))), ValueError, "expected"),
        (lambda n, s: stages_of(n).pack(np.full((2, 40), "a")), TypeError, "real numbers"),
        (lambda n, s: stages_of(n).node_rows(np.zeros((2, 40)), tables=[1]), ValueError, "one word a node"),
        (lambda n, s: PackedSamples.of_bits([1, 0]), ValueError, "expected"),
        (lambda n, s: PackedSamples.of_bits([[2]]), ValueError, "holds 2"),
        (lambda n, s: PackedSamples.of_words(np.zeros((3, 1), np.uint64), 65), ValueError, r"expected \(inputs, 2\)"),
        (lambda n, s: PackedSamples.of_words(np.zeros((3, 1)), 64), TypeError, "uint64"),
        (lambda n, s: PackedSamples.of_words(np.zeros((3, 1), np.uint64), 6.0), TypeError, "integers"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, text):
    netlist, samples, _ = layered(4, 10)
    with pytest.raises(error, match=text):
        make(netlist, samples)


def stages_of(netlist: Netlist) -> Stages:
    count = netlist.num_inputs
    return Stages(Comparators(np.arange(count), np.full(count, 0.5), count), netlist)
