"""The kernels of search against plain NumPy, and effects of nodes against the slow and clear way."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.ground.arrays import packed
from lutsmith.kernels.search import naive, softmax


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(0, 5), st.booleans(), st.booleans()
)
def test_the_kernels_compute_what_plain_numpy_computes(seed, samples, outputs, mixed, extreme):
    draw = np.random.default_rng(seed)
    classes = 3
    groups = np.sort(draw.integers(0, classes, outputs))
    weights = draw.integers(-4, 5, (4, classes)).astype(np.int32) if mixed else np.empty((0, 0), np.int32)
    dense = weights if mixed else np.eye(classes, dtype=np.int32)
    before, after = draw.random((2, outputs, samples)) < 0.5
    spread = 3.0 if extreme else 1.0
    shares = np.exp(spread * draw.normal(size=(len(dense), samples)))
    shares /= shares.sum(axis=0)
    labels, tau = draw.integers(0, len(dense), samples), float(draw.choice([0.7, 1.0, 5.0]))
    rows = packed(before), packed(after)
    factors = np.expm1(np.arange(-outputs, outputs + 1) / tau)
    padded = 64 * -(-samples // 64)
    listed, values, room, exponents = (np.empty(padded, kind) for kind in (np.int32, float, float, np.int64))
    wide, classed = np.zeros((len(dense), padded)), np.zeros(padded, np.int64)
    wide[:, :samples], classed[:samples] = shares, labels
    count = softmax.rises(*rows, groups, weights, wide, classed, factors, tau, listed, values, room, exponents)
    expected = naive.rises(before, after, groups, dense, shares, labels, tau)
    assert np.array_equal(listed[:count], np.flatnonzero((before != after).any(axis=0)))
    found = np.zeros(samples)
    found[listed[:count]] = values[:count]
    assert np.allclose(found, expected, rtol=1e-7, atol=1e-7)
    reads, parts = draw.random((3, samples)) < 0.5, draw.integers(0, 2, samples).astype(np.uint8)
    sums, places = np.zeros((2, 8, 2)), np.empty(padded, np.uint8)
    softmax.addresses(packed(reads), places)
    softmax.sums_at(places, listed[:count], values[:count], parts, sums)
    assert np.allclose(np.moveaxis(sums, 2, 0), naive.sums_at(reads, expected, parts, 2), atol=1e-8)
    own, gained = draw.random(samples) < 0.5, np.empty(samples, np.int32)
    softmax.gains(listed[:count], values[:count], packed(own[None])[0], parts, 1, 100.0, gained)
    assert np.abs(gained - naive.gains(expected, own, parts, 1, 100.0)).max(initial=0) <= 1
    scores = np.zeros(wide.shape, np.int32)
    scores[:, :samples] = draw.integers(-1, 2, (len(dense), samples)) * draw.choice([1, 30, 3000], (1, samples))
    risen = scores[:, :samples] + naive.change(before, after, groups, dense)
    expected = entropy(risen, labels, tau) - entropy(scores[:, :samples], labels, tau)
    count = softmax.rises_of_scores(*rows, groups, weights, scores, classed, tau, listed, values)
    assert np.array_equal(listed[:count], np.flatnonzero((before != after).any(axis=0)))
    assert np.allclose(values[:count], expected[listed[:count]], rtol=1e-9, atol=1e-11)
    assert not np.any((values[:count] != 0) & (np.abs(values[:count]) < softmax.NOISE))
    softmax.follow(*rows, groups, weights, scores, wide, tau)
    assert np.array_equal(scores[:, :samples], risen)
    changed = listed[:count]
    assert np.allclose(wide[:, changed], np.exp(risen / tau - logs(risen / tau))[:, changed], rtol=1e-9, atol=1e-300)


def logs(logits):
    """The logarithms of the sums of exponentials, (N,)."""
    top = logits.max(axis=0, initial=-np.inf)
    return np.log(np.exp(logits - top).sum(axis=0)) + top


def entropy(scores, labels, tau):
    return logs(scores / tau) - np.take_along_axis(scores, labels[None], axis=0)[0] / tau
