"""Unate tables: the best one is found, where all can be tried, and the kernel finds the one of the minimum cut."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lutsmith.kernels.additive import closure, naive
from lutsmith.kernels.additive.growth import Grower
from lutsmith.kernels.additive.naive import FALLS, RISES
from tests.kernels.test_additive import data, packed

BOTH = RISES | FALLS


def is_unate(tables: NDArray[np.bool_], unate: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which tables (T, 2**n) depend on their inputs as they may: by the definition, entry by entry."""
    right = np.ones(len(tables), np.bool_)
    entries = np.arange(tables.shape[1])
    for slot, allowed in enumerate(unate):
        off = entries[entries >> slot & 1 == 0]
        low, high = tables[:, off], tables[:, off | 1 << slot]
        if allowed & RISES:
            right &= (low <= high).all(axis=1)
        if allowed & FALLS:
            right &= (low >= high).all(axis=1)
    return right


@cache
def all_unate(unate: tuple[int, ...]) -> NDArray[np.bool_]:
    rank = len(unate)
    tables = (np.arange(1 << (1 << rank))[:, None] >> np.arange(1 << rank) & 1).astype(np.bool_)
    return tables[is_unate(tables, unate)]


def weights_of(seed: int, rank: int) -> NDArray[np.int64]:
    """Small ones, with many equal sums, and large ones."""
    rng = np.random.default_rng(seed)
    size = int(rng.choice([1, 3, 100, 2**31]))
    return rng.integers(-size, size + 1, 1 << rank) * (rng.random(1 << rank) < rng.choice([0.3, 1.0]))


def fast(weights: NDArray[np.int64], unate: NDArray[np.uint8]) -> NDArray[np.bool_]:
    table = np.ones(weights.size, np.bool_)
    assert closure.best_unate(weights, unate, table) == weights[table].sum()
    return table


@pytest.mark.parametrize("rank", range(5))
@pytest.mark.parametrize("search", [naive.best_unate, fast], ids=["naive", "fast"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_table_that_may_be_gains_more(search, rank: int, seed: int) -> None:
    weights = weights_of(seed, rank)
    unate = tuple(np.random.default_rng(seed).integers(0, 4, rank).tolist())
    found, tables = search(weights, np.array(unate, np.uint8)), all_unate(unate)
    assert is_unate(found[None], unate).all()
    sums = tables @ weights
    assert weights[found].sum() == sums.max()
    best = tables[sums == sums.max()]
    assert (best >= found).all()  # the smallest: each of the best ones has its ones


def test_there_are_as_many_monotone_tables_as_dedekind_counts() -> None:
    assert [len(all_unate((RISES,) * rank)) for rank in range(5)] == [2, 3, 6, 20, 168]


@pytest.mark.parametrize("rank", range(9))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_kernel_finds_the_table_of_the_minimum_cut(rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = weights_of(seed, rank)
    unate = rng.choice([[RISES] * 4, [0, RISES, FALLS, RISES], [0, RISES, FALLS, BOTH]][seed % 3], rank)
    unate = unate.astype(np.uint8)
    found = fast(weights, unate)
    assert is_unate(found[None], tuple(unate.tolist())).all()
    np.testing.assert_array_equal(found, naive.best_unate(weights, unate))


def test_without_a_constraint_the_table_is_what_gains() -> None:
    weights = weights_of(5, 6)
    np.testing.assert_array_equal(fast(weights, np.zeros(6, np.uint8)), weights > 0)


@pytest.mark.parametrize("rank", range(1, 7))
@given(seed=st.integers(0, 2**32 - 1), samples=st.sampled_from([1, 64, 130]))
@settings(max_examples=6, deadline=None)
def test_inputs_are_chosen_for_what_the_best_unate_table_gains(rank: int, seed: int, samples: int) -> None:
    bits, gains, candidates = data(seed, samples, 70, 64, rank)
    rng = np.random.default_rng(seed)
    unate = rng.choice([0, RISES, FALLS, BOTH], len(bits), p=[0.3, 0.3, 0.3, 0.1]).astype(np.uint8)
    how = {"pairs": int(rng.choice([0, 2])), "exchanges": int(rng.choice([0, 2]))}
    expected = naive.grow(bits, gains, candidates, rank, unate=unate, **how)
    found = Grower(samples, 64, rank).grow(packed(bits), gains, candidates, unate=unate[candidates], **how)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(found.sums, expected.sums)


def test_masks_of_other_shapes_are_refused() -> None:
    bits, gains, candidates = data(0, 100, 80, 64, 2)
    for wrong in (np.zeros(63, np.uint8), np.zeros(64, np.int64)):
        with pytest.raises(ValueError, match="unate is"):
            Grower(100, 64, 2).grow(packed(bits), gains, candidates, unate=wrong)
