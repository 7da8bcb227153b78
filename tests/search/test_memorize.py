"""Memorisation against counting sample by sample, level by level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.search.method import method_named
from lutsmith.search.methods.memorize import drawn_readers, memorised, targets_of
from lutsmith.search.problem import Problem
from tests.search.networks import code_head, network


def problem_of(seed, samples=90, head=None, inputs=6, layers=(9, 7, 6), rank=3):
    rng = np.random.default_rng(seed)
    bits, labels = rng.random((samples, inputs)) < 0.5, rng.integers(0, 3, samples)
    return Problem(network(seed, inputs, layers, rank), PackedSamples.of_bits(bits), labels, head or Head(3))


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_every_entry_is_what_most_of_its_samples_ask_for(seed, balanced):
    code = np.random.default_rng(seed).integers(0, 2, (3, 6))
    problem = problem_of(seed, head=code_head(code.tolist()))
    netlist, part = problem.netlist, problem.batch()
    targets = targets_of(netlist, drawn_readers(netlist, np.random.default_rng(seed)))
    value, change = part.value, memorised(part, netlist, targets, None, balanced)
    assert part.value == value  # all was taken back
    tables = problem.tables
    tables[change.nodes] = change.tables
    wanted = code[part.loss.labels]
    signals = list(part.evaluation.samples.bits().T.astype(int))
    for node in range(netlist.num_nodes):
        reads = netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]
        address = sum(signals[signal] << slot for slot, signal in enumerate(reads))
        target = wanted[:, targets[node]]
        for entry in range(8):
            ones, zeros = target[address == entry].sum(), (1 - target[address == entry]).sum()
            if balanced:
                ones, zeros = ones * max(1, (1 - target).sum()), zeros * max(1, target.sum())
            kept = int(problem.tables[node]) >> entry & 1
            assert int(tables[node]) >> entry & 1 == (kept if ones == zeros else int(ones > zeros))
        signals.append(int(tables[node]) >> address & 1)


def test_outputs_learn_their_own_target_and_others_that_of_a_reader_any_of_them():
    netlist = problem_of(3).netlist
    first, drawn = netlist.num_inputs, [set() for _ in range(netlist.num_nodes)]
    outputs = netlist.outputs - first
    for seed in range(60):
        readers = drawn_readers(netlist, np.random.default_rng(seed))
        targets = targets_of(netlist, readers)
        for node, reader in enumerate(readers.tolist()):
            drawn[node].add(reader)
            assert targets[node] == (targets[reader] if reader >= 0 else -1 - reader)
    for node in range(netlist.num_nodes):
        entries = np.flatnonzero(netlist.fanin == first + node)
        own = set((-1 - np.flatnonzero(outputs == node)).tolist())
        reading = set((np.searchsorted(netlist.fanin_ptr, entries, side="right") - 1).tolist())
        assert drawn[node] == (own or reading or set(range(-6, 0)))


def test_what_few_samples_say_is_learned_by_heart_and_ties_are_drawn_with_the_network():
    """Random labels: what no rule tells is remembered; entries that no sample reads differ from seed to seed."""
    kept = []
    for seed in range(3):
        problem = problem_of(5, samples=40, inputs=40, layers=(300, 200, 96), rank=6)
        fresh = np.random.default_rng(seed).integers(0, 2**64, problem.num_nodes, np.uint64)
        problem.restore(0, fresh, problem.fanin)
        method = method_named("memorize")
        assert problem.batch().accuracy < 0.7
        assert method.step(problem, np.random.default_rng(0)).accepted
        assert problem.batch().accuracy == 1
        kept.append(problem.tables[:300])
    differ = [np.bitwise_count(one ^ two).mean() for one, two in pairwise(kept)]
    assert all(8 < mean < 32 for mean in differ)


def test_a_target_that_is_always_the_same_is_learned_too():
    for balanced in (True, False):
        head = code_head([[1, 0], [1, 1], [1, 0]])
        problem = problem_of(6, head=head, layers=(5, 2))
        method_named("memorize", {"balanced": balanced}).step(problem, np.random.default_rng(0))
        assert problem.batch().evaluation.outputs()[:, 0].all()


def test_mistakes():
    for options, error, says in (
        ({"share": 0}, ValueError, "share is 0"),
        ({"balanced": 1}, TypeError, "balanced"),
        ({"shares": 1}, ValueError, "did you mean 'share'"),
    ):
        with pytest.raises(error, match=says):
            method_named("memorize", options)
