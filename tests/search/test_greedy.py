"""Greedy training: its kernels and its LUTs against plain NumPy, level by level; wires that stay; what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.table_bank import TableBank
from lutsmith.ground.arrays import packed, unpacked
from lutsmith.kernels.additive import naive as growing
from lutsmith.kernels.search import naive, votes
from lutsmith.search.method import method_named
from lutsmith.search.methods import greedy
from lutsmith.search.problem import BatchSchedule, Problem
from tests.search.networks import code_head, network


def powers(tau: float) -> np.ndarray:
    return np.exp(-np.arange(int(40 * tau) + 1) / tau)


@given(st.integers(0, 10_000), st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(1, 4), st.sampled_from([0.5, 3.0]))
@settings(max_examples=60, deadline=None)
def test_the_kernels_of_votes_compute_what_plain_numpy_computes(seed, samples, classes, tau):
    rng = np.random.default_rng(seed)
    bits, weights = rng.random((5, samples)) < 0.5, rng.integers(-3, 4, (5, classes)).astype(np.int32)
    begun = rng.integers(-60, 60, (classes, samples)).astype(np.int32)
    scores = begun.copy()
    votes.count(~packed(~bits) if samples else packed(bits), weights, scores)  # what is beyond is not read
    np.testing.assert_array_equal(scores, begun + naive.vote_count(bits, weights))
    shares = np.empty(scores.shape)
    votes.shares(scores, powers(tau), shares)
    expected = naive.vote_shares(scores, tau)
    np.testing.assert_allclose(shares, expected, rtol=1e-9, atol=1e-16)
    labels, found = rng.integers(0, classes, samples), np.full(samples, 7, np.int32)
    for row in weights:
        votes.gains(shares, labels, row, 2**31 - 1, np.empty(samples), found)
        exact = naive.vote_gains(expected, labels, row)
        assert np.abs(found, dtype=np.int64).sum() <= 2**31 - 1
        if (total := np.abs(exact).sum()) > 1e-9:
            np.testing.assert_allclose(found / (2**31 - 1), exact / total, atol=1e-6)


def problem_of(seed, samples=130, head=None, layers=(9, 7, 6), rank=3, **options):
    rng = np.random.default_rng(seed)
    bits = rng.random((samples, 6)) < 0.5
    labels = (bits[:, 1].astype(int) + bits[:, 4]) % 3
    return Problem(
        network(seed, 6, layers, rank), PackedSamples.of_bits(bits), labels, head or Head(3), seed=seed, **options
    )


def wires_and_tables(problem):
    return problem.fanin, problem.tables


@pytest.mark.parametrize("candidates", [0, 9])
@pytest.mark.parametrize("seed", range(4))
def test_a_level_is_grown_as_boosting_one_lut_after_the_other_grows_it(seed, candidates, monkeypatch):
    """Slow and clear, in floating point: the votes so far weigh the samples, a LUT takes what gains most."""
    monkeypatch.setattr(greedy, "TOGETHER", 1)
    head = code_head(np.random.default_rng(seed).integers(0, 2, (3, 6)).tolist())
    problem = problem_of(seed, head=head)
    netlist, part = problem.netlist, problem.batch()
    of_output = np.asarray(head.weights).T
    for level in range(netlist.level_ptr.size - 1):
        nodes = np.arange(*netlist.level_ptr[level : level + 2])
        rng = np.random.default_rng([seed, level])
        order, weights = rng.permutation(nodes.size), greedy.vote_weights(netlist, head, nodes, rng)
        outputs = {int(signal) - 6: place for place, signal in reversed(list(enumerate(netlist.outputs)))}
        for node, row in zip(nodes.tolist(), weights, strict=True):
            assert (row == of_output[outputs[node]]).all() if node in outputs else row.tolist() in of_output.tolist()
        how = greedy.GreedySettings(candidates=candidates, tau=1.5)
        level_now = greedy.GrownLevel(problem, level, how)
        change = level_now.grown(candidates, np.random.default_rng([seed, level]))
        wires = {(node, slot): signal for node, slot, signal in change.wires.tolist()}
        tau = 1.5 * max(1.0, weights.var(axis=1, ddof=1).sum()) ** 0.5
        values = unpacked(part.evaluation.rows(), len(part)).T
        scores = np.zeros((3, len(part)), np.int64)
        for place in order:
            node = int(nodes[place])
            own = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]
            reads = np.array([wires[node, slot] for slot in range(own.size)])
            gains = naive.vote_gains(naive.vote_shares(scores, tau), part.loss.labels, weights[place])
            telling = np.abs(gains).sum() > 1e-9
            unit = (2**31 - 1 - len(part)) / np.abs(gains).sum() if telling else 0.0
            whole = np.rint(gains * unit).astype(np.int64)
            among = level_now._candidates(place, candidates, rng)
            if among.size and telling:
                assert set(np.unique(own)) <= set(level_now._signals[among])
                grown = growing.grow(values[level_now._signals], whole.astype(np.int32), among, own.size)
                best, got = np.abs(grown.sums).sum(), sums(values[reads], whole)
                assert np.abs(got).sum() >= 0.999999 * best
            else:
                assert not telling or (reads == own).all()
                got = sums(values[reads], whole)
            table = int(change.tables[place])
            sure = np.abs(got) > 1e4
            assert [table >> entry & 1 for entry in np.flatnonzero(sure)] == (got[sure] > 0).astype(int).tolist()
            address = sum(values[row].astype(int) << slot for slot, row in enumerate(reads))
            said = (table >> address & 1).astype(bool)
            scores += naive.vote_count(said[None], weights[place : place + 1])
        problem.accept(change)
        part = problem.batch()


def sums(rows, gains):
    """What is gained at each address, int64 (2**n,)."""
    address = sum(row.astype(int) << slot for slot, row in enumerate(rows))
    return np.array([gains[address == entry].sum() for entry in range(1 << len(rows))])


@pytest.mark.parametrize("threads", [1, 3])
def test_it_learns_what_there_is_and_ends_for_any_number_of_threads(threads):
    kept = []
    for batch in (None, 65):
        problem = problem_of(1, layers=(30, 20, 9), threads=threads, schedule=BatchSchedule(batch=batch))
        method = method_named("greedy")
        sizes = np.diff(problem.netlist.level_ptr).tolist()
        assert method.most_steps(problem) == len(sizes)
        for step in range(len(sizes)):
            taken = method.step(problem, np.random.default_rng(step))
            assert taken.accepted
            problem.step += 1
        assert taken.tried == sizes[-1]
        assert taken.after == problem.accepting().value
        assert problem.batch().accuracy == 1
        kept.append(wires_and_tables(problem))
    again = problem_of(1, layers=(30, 20, 9), threads=2)
    for step in range(method.most_steps(again)):
        method_named("greedy").step(again, np.random.default_rng(step))
        again.step += 1
    for one, two in zip(kept[0], wires_and_tables(again), strict=True):
        np.testing.assert_array_equal(one, two)


def test_wires_that_are_to_stay_stay_and_tables_stay_in_their_bank():
    problem = problem_of(2)
    before = problem.fanin
    ends = problem.netlist.fanin_ptr[problem.netlist.level_ptr]
    method = method_named("greedy", {"fixed": 2})
    for _ in range(method.most_steps(problem)):
        method.step(problem, np.random.default_rng(0))
        problem.step += 1
    np.testing.assert_array_equal(problem.fanin[: ends[2]], before[: ends[2]])
    assert (problem.fanin[ends[2] :] != before[ends[2] :]).any()
    words = np.unique(problem.tables)
    bank = TableBank(words, 3)
    kept = problem_of(2)
    kept.restore(0, np.resize(words, kept.num_nodes), kept.fanin)
    kept.bank = bank
    with pytest.raises(ValueError, match="give candidates=0"):
        method_named("greedy").check(kept)
    method = method_named("greedy", {"candidates": 0})
    method.check(kept)
    for _ in range(method.most_steps(kept)):
        method.step(kept, np.random.default_rng(0))
        kept.step += 1
    assert bank.contains(kept.tables).all()


def test_one_sample_one_class_and_columns_that_never_vary():
    for samples, head in ((1, None), (1, Head(1)), (130, Head(1))):
        problem = problem_of(3, samples=samples)
        if head is not None:
            bits = np.zeros((samples, 6), np.bool_)
            problem = Problem(problem.netlist, PackedSamples.of_bits(bits), np.zeros(samples, int), head)
        before = problem.fanin
        for _ in range(method_named("greedy").most_steps(problem)):
            method_named("greedy").step(problem, np.random.default_rng(0))
            problem.step += 1
        assert problem.batch().accuracy == 1
        np.testing.assert_array_equal(problem.fanin, before)  # nothing varies: no wire moves


def test_mistakes():
    for options, error, says in (
        ({"candidates": -1}, ValueError, "candidates is -1"),
        ({"tau": 0}, ValueError, "tau is 0"),
        ({"tau": float("nan")}, ValueError, "tau is nan"),
        ({"fixed": 1.5}, TypeError, "fixed"),
        ({"candidate": 1}, ValueError, "did you mean 'candidates'"),
    ):
        with pytest.raises(error, match=says):
            method_named("greedy", options)
