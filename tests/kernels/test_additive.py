"""Additive learning: the kernels grow the LUTs that plain NumPy grows, which are the best where all can be tried."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lutsmith.kernels.additive import luts, naive, softmax, thinning
from lutsmith.kernels.additive.growth import MOST, Grower
from lutsmith.kernels.additive.naive import Grown
from lutsmith.kernels.additive.thinning import thin


def packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits (F, N) as words (F, W)."""
    rows = np.zeros((len(bits), 8 * -(-bits.shape[1] // 64)), np.uint8)
    rows[:, : -(-bits.shape[1] // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return rows.view(np.uint64)


def data(seed: int, samples: int, features: int, candidates: int, rank: int):
    """Bits, gains and candidates; some columns are constant, some equal, many gains zero."""
    rng = np.random.default_rng(seed)
    bits = rng.random((features, samples)) < rng.choice([0.0, 0.1, 0.5, 1.0], (features, 1), p=[0.1, 0.4, 0.4, 0.1])
    bits[-1] = bits[0]
    gains = rng.integers(-100, 101, samples).astype(np.int32) * (rng.random(samples) < 0.6)
    chosen = rng.integers(0, features, candidates).astype(np.int32)
    chosen[:rank] = np.arange(rank)  # different ones
    return bits, gains.astype(np.int32), rng.permutation(chosen)


@pytest.mark.parametrize("rank", range(1, 9))
@given(seed=st.integers(0, 2**32 - 1), samples=st.sampled_from([1, 2, 63, 64, 65, 130, 1000]), groups=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_the_kernel_grows_what_plain_numpy_grows(rank: int, seed: int, samples: int, groups: int) -> None:
    bits, gains, candidates = data(seed, samples, 90, 64 * groups, rank)
    rng = np.random.default_rng(seed)
    known, pairs, exchanges = int(rng.integers(rank + 1)), int(rng.choice([0, 2])), int(rng.choice([0, 1, rank]))
    candidates[:known] = rng.permutation(90)[:known]
    if np.unique(candidates).size < rank:
        known = 0
    expected = naive.grow(bits, gains, candidates, rank, known=known, pairs=pairs, exchanges=exchanges)
    grower, words = Grower(samples, 64 * groups, rank), packed(bits)
    found = grower.grow(words, gains, candidates, known=known, pairs=pairs, exchanges=exchanges)
    sums = np.empty(1 << rank, np.int64)
    luts.add_up(words, found.inputs, gains, sums)
    np.testing.assert_array_equal(sums, expected.sums)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(found.sums, expected.sums)


def test_growers_work_beside_each_other_and_are_used_again() -> None:
    cases = [data(seed, 20_000 + seed, 40, 64, 5) for seed in range(6)]
    expected = [naive.grow(*case, 5) for case in cases]

    def grow(case: int) -> list[Grown]:
        bits, gains, candidates = cases[case]
        grower, words = Grower(len(gains), 64, 5), packed(bits)
        return [grower.grow(words, gains, candidates) for _ in range(2)]

    with ThreadPoolExecutor(3) as pool:
        for found, right in zip(pool.map(grow, range(6)), expected, strict=True):
            for each in found:
                np.testing.assert_array_equal(each.inputs, right.inputs)
                np.testing.assert_array_equal(each.sums, right.sums)


def test_what_stands_beyond_the_last_sample_is_not_read() -> None:
    bits, gains, candidates = data(3, 70, 30, 64, 4)
    words = packed(bits)
    dirty = words.copy()
    dirty[:, 1] |= ~np.uint64(0) << np.uint64(6)
    grower = Grower(70, 64, 4)
    clean, same = grower.grow(words, gains, candidates), grower.grow(dirty, gains, candidates)
    np.testing.assert_array_equal(clean.inputs, same.inputs)
    np.testing.assert_array_equal(clean.sums, same.sums)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_table_is_the_best_of_all_tables(seed: int) -> None:
    bits, gains, _ = data(seed, 20, 5, 64, 2)
    grown = naive.grow(bits, gains, np.arange(5, dtype=np.int32), 2)
    gain = gains[naive.values(bits, grown.inputs, grown.sums > 0)].sum()
    for word in range(16):
        table = np.array([word >> entry & 1 for entry in range(4)], np.bool_)
        assert gains[naive.values(bits, grown.inputs, table)].sum() <= gain


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_last_slot_is_the_best_of_all_inputs(seed: int) -> None:
    bits, gains, _ = data(seed, 20, 6, 64, 2)
    grown = naive.grow(bits, gains, np.arange(6, dtype=np.int32), 2)
    first, second = grown.inputs.tolist()

    def gain(*inputs: int) -> int:
        address = sum(bits[row].astype(np.int64) << slot for slot, row in enumerate(inputs))
        return int(np.maximum(naive.sums_at(address, gains, len(inputs)), 0).sum())

    assert gain(first) == max(gain(row) for row in range(6))
    assert gain(first, second) == max(gain(first, row) for row in range(6) if row != first)
    best = max(gain(*pair) for pair in combinations(range(6), 2))
    assert gain(first, second) <= best
    rows = np.arange(6, dtype=np.int32)
    assert gain(*naive.grow(bits, gains, rows, 2, pairs=6).inputs.tolist()) == best
    exchanged = naive.grow(bits, gains, rows, 2, exchanges=1).inputs.tolist()
    assert gain(*exchanged) == max(gain(exchanged[0], row) for row in range(6)) >= gain(first, second)


def test_two_inputs_that_tell_nothing_alone_are_found_as_a_pair() -> None:
    bits = np.random.default_rng(0).random((64, 512)) < 0.5
    gains = np.where(bits[17] ^ bits[40], 5, -5).astype(np.int32)
    grown = Grower(512, 64, 2).grow(packed(bits), gains, np.arange(64, dtype=np.int32), pairs=64)
    assert sorted(grown.inputs) == [17, 40]
    assert (grown.sums > 0).tolist() == [False, True, True, False]


def test_gains_of_the_largest_size_do_not_overflow() -> None:
    bits = np.ones((64, 2), np.bool_)
    gains = np.array([MOST - 1, -1], np.int32)
    grown = Grower(2, 64, 1).grow(packed(bits), gains, np.arange(64, dtype=np.int32))
    assert grown.sums.tolist() == [0, MOST - 2]
    with pytest.raises(ValueError, match="scale them down"):
        Grower(2, 64, 1).grow(packed(bits), np.array([MOST, 1], np.int32), np.arange(64, dtype=np.int32))


def test_wrong_arguments_are_refused() -> None:
    for samples, candidates, rank in ((0, 64, 1), (1, 63, 1), (1, 0, 1), (1, 64, 0), (1, 64, 9)):
        with pytest.raises(ValueError, match="expected"):
            Grower(samples, candidates, rank)
    bits, gains, candidates = data(0, 100, 80, 64, 6)
    grower, words = Grower(100, 64, 6), packed(bits)
    with pytest.raises(TypeError, match="gains is int64"):
        grower.grow(words, gains.astype(np.int64), candidates)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="C-contiguous"):
        grower.grow(words[:, ::-1], gains, candidates)
    for change in ({"bits": words[:, :1].copy()}, {"gains": gains[1:]}, {"candidates": candidates[1:]}):
        with pytest.raises(ValueError, match="has shape"):
            grower.grow(**{"bits": words, "gains": gains, "candidates": candidates, **change})
    for bad in (-1, 80):
        wrong = candidates.copy()
        wrong[5] = bad
        with pytest.raises(ValueError, match="expected rows 0 to 79"):
            grower.grow(words, gains, wrong)
    with pytest.raises(ValueError, match="5 different candidates"):
        grower.grow(words, gains, (np.arange(64) % 5).astype(np.int32))
    for known, front in ((7, candidates), (2, np.concatenate([candidates[:1], candidates[:-1]]))):
        with pytest.raises(ValueError, match=f"known is {known}"):
            grower.grow(words, gains, front, known=known)


@pytest.mark.parametrize("rank", range(1, 9))
@given(seed=st.integers(0, 2**32 - 1), samples=st.sampled_from([1, 63, 64, 200]))
@settings(max_examples=20, deadline=None)
def test_a_lut_says_of_words_what_it_says_of_bits(rank: int, seed: int, samples: int) -> None:
    bits, _, _ = data(seed, samples, 12, 64, rank)
    rng = np.random.default_rng(seed)
    inputs, table = rng.permutation(12)[:rank].astype(np.int32), rng.random(1 << rank) < 0.5
    words = packed(bits)
    out = np.empty(words.shape[1], np.uint64)
    luts.evaluate(words, inputs, table, out)
    found = np.unpackbits(out.view(np.uint8), bitorder="little")[:samples]
    np.testing.assert_array_equal(found, naive.values(bits, inputs, table))


@given(seed=st.integers(0, 2**32 - 1), samples=st.sampled_from([1, 64, 65, 300]), classes=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_gains_are_what_the_loss_falls_by(seed: int, samples: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    tau, scale = float(rng.choice([0.4, 1.0, 6.0, 20.0])), 1e5
    votes = rng.integers(0, 60, (classes, samples)).astype(np.int32)
    y, weights = rng.integers(0, classes, samples), rng.uniform(0, 2, samples).astype(np.float32)
    powers, sums = np.empty((classes, samples), np.float32), np.empty(samples, np.float32)
    softmax.begin(votes, tau, powers, sums)
    found = np.empty(samples, np.int32)
    for _ in range(5):  # as votes come and go
        if tau < 1:  # what float32 loses then is put right
            softmax.begin(votes, tau, powers, sums)
        code = rng.integers(-2, 3, classes).astype(np.int32) * (rng.random(classes) < 0.6)
        softmax.gains(powers, sums, y, code, weights, tau, scale, found)
        expected = naive.softmax_gains(votes, y, code, tau) * weights * scale
        np.testing.assert_allclose(found, expected, atol=3 + 5e-5 * scale / tau)
        said = rng.random((1, samples)) < 0.5
        sign = int(rng.choice([-1, 1]))
        before = votes.copy()
        softmax.add(votes, powers, sums, code, packed(said)[0], sign, tau)
        before += sign * code[:, None] * said
        np.testing.assert_array_equal(votes, before)


@given(seed=st.integers(0, 2**32 - 1), samples=st.sampled_from([1, 2, 65, 3000]), share=st.floats(0.02, 1.5))
@settings(max_examples=60, deadline=None)
def test_few_samples_stand_for_all(seed: int, samples: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    gains = (rng.choice([-1, 1], samples) * rng.exponential(rng.choice([1.0, 50.0, 1e5]), samples)).astype(np.int32)
    found = gains.copy()
    left = thin(found, share, seed)
    assert left == np.count_nonzero(found)
    if share >= 1 or share * samples < 64:
        np.testing.assert_array_equal(found, gains)
        return
    assert left <= share * samples + 5 * np.sqrt(share * samples) + 1
    same = found == np.sign(gains) * (np.abs(gains) >> 1)
    drawn = np.unique(np.abs(found[~same & (found != 0)]))
    assert drawn.size <= 1  # all that stand for others count the same
    if drawn.size:
        assert np.abs(gains[~same]).max() <= 2 * drawn[0] + 1
    again = gains.copy()
    thin(again, share, seed)
    np.testing.assert_array_equal(found, again)
    threshold = int(thinning._threshold(gains, share * samples))
    np.testing.assert_array_equal(found, naive.thin(gains, threshold, seed))
    assert np.minimum(1, np.abs(gains) / threshold).sum() <= share * samples


def test_sums_of_few_samples_are_right_on_average() -> None:
    gains = np.rint(np.random.default_rng(1).exponential(300, 4000)).astype(np.int32)
    sums = []
    for seed in range(400):
        found = gains.copy()
        thin(found, 0.2, seed)
        sums.append(2 * found[:1000].sum())
    error = np.std(sums) / 20
    assert np.mean(sums) == pytest.approx(gains[:1000].sum(), abs=4 * error + 1000)
