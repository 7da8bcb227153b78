"""Greedy training: its kernels and its LUTs against plain NumPy, level by level; wires that stay; what it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.table_bank import TableBank
from lutsmith.data import from_arrays
from lutsmith.ground.arrays import packed, unpacked
from lutsmith.kernels.additive import naive as growing
from lutsmith.kernels.search import naive, votes
from lutsmith.search.method import method_named
from lutsmith.search.methods import greedy
from lutsmith.search.problem import BatchSchedule, Problem
from lutsmith.search.settings import SearchSettings
from lutsmith.search.trainer import SearchTrainer
from tests.search.networks import code_head, network


@given(st.integers(0, 10_000), st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(1, 4), st.sampled_from([0.5, 3.0]))
@settings(max_examples=60, deadline=None)
def test_the_kernels_of_votes_compute_what_plain_numpy_computes(seed, samples, classes, tau):
    rng = np.random.default_rng(seed)
    bits, weights = rng.random((5, samples)) < 0.5, rng.integers(-3, 4, (5, classes)).astype(np.int32)
    begun = rng.integers(-60, 60, (classes, samples))
    scores = begun.copy()
    votes.count(~packed(~bits) if samples else packed(bits), weights, scores)  # what is beyond is not read
    np.testing.assert_array_equal(scores, begun + naive.vote_count(bits, weights))
    shares = np.empty(scores.shape)
    votes.shares(scores, tau, shares)
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
    monkeypatch.setattr(greedy, "PIECE", 4)
    head = code_head(np.random.default_rng(seed).integers(0, 2, (3, 6)).tolist())
    problem = problem_of(seed, head=head)
    begin, of_output = problem.netlist, np.asarray(head.weights).T
    outputs = {int(signal) - 6: place for place, signal in reversed(list(enumerate(begin.outputs)))}
    for number in range(begin.level_ptr.size - 1):
        nodes = np.arange(*begin.level_ptr[number : number + 2])
        level = greedy.GrownLevel(problem, number, greedy.GreedySettings(candidates=candidates, tau=1.5), seed)
        weights = level._weights
        for node, row in zip(nodes.tolist(), weights, strict=True):
            assert (row == of_output[outputs[node]]).all() if node in outputs else row.tolist() in of_output.tolist()
        assert sorted(level._order) == list(range(nodes.size))
        tau = 1.5 * max(1.0, weights.var(axis=1, ddof=1).sum()) ** 0.5
        part = problem.batch()
        scores = np.zeros((3, len(part)), np.int64)
        for piece in range(-(-nodes.size // 4)):
            change = level.grown(candidates, np.random.default_rng([seed, number, piece]))
            rng = np.random.default_rng([seed, number, piece])
            wires = {(node, slot): signal for node, slot, signal in change.wires.tolist()}
            values = unpacked(part.evaluation.rows(), len(part)).T
            for at, place in enumerate(level._order[4 * piece : 4 * piece + 4]):
                node = int(nodes[place])
                assert change.nodes[at] == node
                own = begin.fanin[begin.fanin_ptr[node] : begin.fanin_ptr[node + 1]]
                reads = np.array([wires[node, slot] for slot in range(own.size)])
                gains = naive.vote_gains(naive.vote_shares(scores, tau), part.loss.labels, weights[place])
                telling = np.abs(gains).sum() > 1e-9
                unit = (2**31 - 1 - len(part)) / np.abs(gains).sum() if telling else 0.0
                whole = np.rint(gains * unit).astype(np.int64)
                among = level._candidates(place, candidates, rng)
                got = sums(values[reads], whole)
                if among.size and telling:
                    assert set(np.unique(own)) <= set(level._signals[among])
                    grown = growing.grow(values[level._signals], whole.astype(np.int32), among, own.size)
                    assert np.abs(got).sum() >= 0.999999 * np.abs(grown.sums).sum()
                else:
                    assert not telling or (reads == own).all()
                table, sure = int(change.tables[at]), np.abs(got) > 1e4
                said = [table >> entry & 1 for entry in np.flatnonzero(sure).tolist()]
                assert said == (got[sure] > 0).astype(int).tolist()
                address = sum(values[row].astype(int) << slot for slot, row in enumerate(reads))
                scores += naive.vote_count((table >> address & 1).astype(bool)[None], weights[place : place + 1])
            problem.accept(change)
            part = problem.batch()
            level = greedy.GrownLevel(problem, number, level._how, seed) if piece % 2 else level
            level.read(piece + 1) if piece % 2 else None  # as a search that goes on
            np.testing.assert_array_equal(level._scores[:, : len(part)], scores)


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
        assert method.most_steps(problem) == len(sizes)  # a step a level, since all are small
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


def test_pieces_of_a_level_go_on_to_the_same_bits_and_patience_waits_for_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(greedy, "TOGETHER", 4)
    monkeypatch.setattr(greedy, "PIECE", 8)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (240, 6)).astype(np.uint8)
    dataset = from_arrays(x, (x[:, 0] + x[:, 1] // 2) % 3, x[:40], ((x[:, 0] + x[:, 1] // 2) % 3)[:40])
    network = {"layers": [40, 30, 9], "input_shape": [6], "bits": 2, "rank": 4}
    for batch in (None, 90):
        settings = SearchSettings(method="greedy", network=network, code="drawn", batch=batch, every=1, patience=1)
        whole = SearchTrainer(settings).fit(dataset)
        assert whole.report.stopped is None
        for stop in (1, 4, 6, 10):

            def interrupt(look, stop=stop):
                assert look.steps == 5 + 4 + 2
                if look.step == stop:
                    raise KeyboardInterrupt

            path = tmp_path / f"{batch}-{stop}.npz"
            with pytest.raises(KeyboardInterrupt):
                SearchTrainer(settings).fit(dataset, checkpoint=path, watch=interrupt)
            found = SearchTrainer(settings).fit(dataset, checkpoint=path)
            for name in ("tables", "fanin"):
                mine, expected = (getattr(fit.circuit.netlist, name) for fit in (found, whole))
                assert np.array_equal(*(each() if callable(each) else each for each in (mine, expected)))
        assert whole.report.score > 0.6
    short = SearchTrainer(replace(settings, steps=3)).fit(dataset)
    assert short.report.stopped == "after 3 of 11 steps: not all is trained"


def test_wires_that_are_to_stay_stay_and_tables_stay_in_their_bank(monkeypatch):
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
    levels = kept.netlist.level_ptr.size - 1
    monkeypatch.setattr(greedy, "PIECE", 2)  # more steps than levels
    method_named("greedy", {"fixed": levels}).check(kept)  # no wire could move
    with pytest.raises(ValueError, match="give candidates=0"):
        method_named("greedy", {"fixed": levels - 1}).check(kept)
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
