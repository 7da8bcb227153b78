"""Losses of labels and numbers: the kernels against plain NumPy, and these against the formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.ground.arrays import packed
from lutsmith.kernels.search import naive, separate
from lutsmith.search.effects import table_effects
from lutsmith.search.followed import FollowedLoss
from lutsmith.search.separate_losses import LabelEntropy, SquaredError
from lutsmith.search.steps import better_entries, flipped
from tests.search.networks import evaluation, network


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(0, 5), st.booleans(), st.booleans()
)
def test_the_kernels_compute_what_plain_numpy_computes(seed, samples, outputs, mixed, logistic):
    draw = np.random.default_rng(seed)
    groups = np.sort(draw.integers(0, 3, outputs))
    weights = draw.integers(-4, 5, (4, 3)).astype(np.int32) if mixed else np.empty((0, 0), np.int32)
    dense = weights if mixed else np.eye(3, dtype=np.int32)
    before, after = draw.random((2, outputs, samples)) < 0.5
    slopes = draw.choice([0.2, 1.0, 3.0], len(dense)) * (1 if logistic else draw.choice([-1, 1], len(dense)))
    padded, wide = 64 * -(-samples // 64), np.zeros((len(dense), 64 * -(-samples // 64)), np.int32)
    scores = wide[:, :samples] = draw.integers(-400, 400, (len(dense), samples))
    wanted = np.zeros((len(dense), padded))
    wanted[:, :samples] = draw.choice([-1.0, 1.0], scores.shape) if logistic else draw.normal(0, 30, scores.shape)
    listed, values, rows = np.empty(padded, np.int32), np.empty(padded), (packed(before), packed(after))
    count = separate.rises(*rows, groups, weights, wide, wanted, slopes, logistic, listed, values)
    later = scores + naive.change(before, after, groups, dense).astype(np.int64)
    known = wanted[:, :samples], slopes, logistic
    expected = naive.separate_losses(later, *known) - naive.separate_losses(scores, *known)
    assert np.array_equal(listed[:count], np.flatnonzero((before != after).any(axis=0)))
    found = np.zeros(samples)
    found[listed[:count]] = values[:count]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-6)
    separate.follow(*rows, groups, weights, wide)
    assert np.array_equal(wide[:, :samples], later)


HEADS = (
    Head(4, bias=[-1, 0, 0, -1]),
    Head(2, weights=[[1, -2], [0, 3], [2, 2]], scale=[0.5, -1.5, 2], offset=[0, 1, -3]),
    Head(1, scale=[0.25]),
)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from(HEADS), st.sampled_from([0, 1, 64, 130]), st.integers(0, 4), st.booleans()
)
def test_effects_stay_exact_while_tables_and_wires_change(seed, head, samples, rank, labels):
    netlist, draw = network(seed, rank=rank), np.random.default_rng(seed)
    mine, plain = evaluation(netlist, samples)[0], evaluation(netlist, samples)[0]
    scores = head.scores(plain.outputs())
    if labels:
        truth = draw.integers(0, 2, (samples, head.num_classes))
        loss, chance = LabelEntropy(head, truth, 4, 0.7), 1 / (1 + np.exp(-(scores - 0.5) / 0.7))
        each = -np.log(np.where(truth == 1, chance, 1 - chance))
    else:
        truth, units = draw.normal(size=(samples, head.num_classes)), draw.uniform(0.5, 2, head.num_classes)
        loss = SquaredError(head, truth, 4, units)
        each = ((head.decide(scores, "regression").reshape(truth.shape) - truth) / units) ** 2
    assert np.allclose(loss.of_samples(plain), each.sum(axis=1), rtol=1e-9, atol=1e-9)
    followed = FollowedLoss(mine, loss, draw.integers(0, 2, samples))
    for node in draw.permutation(netlist.num_nodes).tolist():
        found, expected = followed.effects(node), table_effects(plain, loss, node)
        assert np.allclose(found.sums.sum(axis=0), expected, atol=1e-6)
        table, before = flipped(int(mine.tables[node]), better := better_entries(found, 0.0)), followed.total()
        slots = draw.integers(0, rank, 1) if rank and node % 2 else np.empty(0, np.int64)
        signals = draw.integers(0, netlist.num_inputs, len(slots))
        followed.change(node, table, slots, signals)
        if len(slots):
            plain.rewire([node], slots, signals, [table])
        else:
            plain.change([node], [table])
            assert followed.total() == pytest.approx(before + expected[better].sum(), abs=1e-6)
        assert followed.total() == pytest.approx(loss.total(plain), abs=1e-6)
    assert mine.num_changes == 0
