"""Many changes judged in one go against the same changes made and undone one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples, Trials
from lutsmith.search.effects import pivotal_rows, table_effects
from lutsmith.search.losses import WrongBits
from lutsmith.search.networks import network_circuit
from tests.search.networks import evaluation, network, windows


def trials_of(netlist, samples, seed):
    packed, _ = evaluation(netlist, samples, seed)
    outputs = netlist.outputs.size
    loss = WrongBits(Head(outputs), np.random.default_rng(seed).integers(0, outputs, samples), outputs)
    return packed, loss, Trials(packed, loss.targets)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 63, 65, 200, 1024, 2100]), st.integers(1, 6), st.integers(1, 3))
def test_trials_are_what_changing_and_undoing_gives(seed, samples, rank, threads):
    netlist, draw = network(seed, rank=rank, layers=(8, 6, 4)), np.random.default_rng(seed)
    packed, loss, trials = trials_of(netlist, samples, seed)
    packed.rewire([10], [0], [2])  # of node 10; what follows is of the present wires
    chosen = [draw.permutation(netlist.num_nodes)[: draw.integers(0, 6)] for _ in range(70)]
    tables = [draw.integers(0, 2**64, nodes.size, np.uint64) for nodes in chosen]
    start = np.cumsum([0, *(nodes.size for nodes in chosen)])
    before, rows = packed.tables, packed.rows()
    found = trials.wrong_bits(start, np.concatenate(chosen), np.concatenate(tables), threads=threads)
    effects = trials.effects(np.arange(netlist.num_nodes), threads=threads)
    assert np.array_equal(packed.tables, before)
    assert np.array_equal(packed.rows(), rows)
    for nodes, words, wrong in zip(chosen, tables, found, strict=True):
        packed.change(nodes, words)
        assert loss.total(packed) == wrong
        packed.undo()
    pivotal = trials.pivotal(np.arange(netlist.num_nodes), threads=threads)
    for node in range(netlist.num_nodes):
        assert np.array_equal(pivotal[node], pivotal_rows(packed, node))
        expected = table_effects(packed, loss, node)
        assert np.array_equal(effects[node, : expected.size], expected)
        assert not effects[node, expected.size :].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 65, 1024, 1100]), st.integers(1, 6), st.sampled_from([1, 8, 300]))
def test_nodes_that_share_readers_are_what_inverting_each_gives(seed, samples, rank, outputs):
    netlist, draw = windows(seed, rank, outputs), np.random.default_rng(seed)
    packed, loss, trials = trials_of(netlist, samples, seed)
    for nodes in (np.arange(netlist.num_nodes), draw.integers(0, netlist.num_nodes, 30)):
        found = [trials.effects(nodes, threads=threads) for threads in (1, 3)]
        assert np.array_equal(*found)
        for node, sums in zip(nodes, found[0], strict=True):
            assert np.array_equal(sums[: 1 << rank], table_effects(packed, loss, node))
        assert np.array_equal(trials.rises(nodes), found[0].sum(axis=1))
        assert np.array_equal(trials.gains(nodes), np.maximum(0, -found[0]).sum(axis=1))


def test_most_nodes_of_windows_take_their_rises_from_their_readers():
    netlist = network_circuit("cnn_iv0").netlist
    _, _, trials = trials_of(netlist, 1, 0)
    plan = trials.plan(np.arange(netlist.num_nodes))
    assert sum(map(len, plan.waves)) > netlist.level_ptr[1]  # the whole first layer
    assert len(plan.starts) < 2200


def test_mistakes():
    netlist = network(0)
    packed, loss, trials = trials_of(netlist, 70, 0)
    for arguments, says in (
        (([0, 2], [1, 1], [0, 0]), "a node twice"),
        (([0, 1], [1, 2], [0, 0]), "start goes from 0 to 2"),
        (([0, 2], [1, 2], [0]), "2 nodes, 1 tables"),
        (([0, 1], [99], [0]), "nodes holds 99"),
    ):
        with pytest.raises(ValueError, match=says):
            trials.wrong_bits(*arguments)
    assert trials.wrong_bits([0], [], []).size == 0
    with pytest.raises(ValueError, match="targets are"):
        Trials(packed, loss.targets[:1])
    shared = PackedEvaluation(
        netlist,
        PackedSamples.of_bits(np.zeros((70, 5), bool)),
        tables=np.ones(1, np.uint64),
        table_of=[0] * netlist.num_nodes,
    )
    with pytest.raises(ValueError, match="share tables"):
        Trials(shared, loss.targets)
