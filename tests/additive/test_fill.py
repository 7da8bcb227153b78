"""The table of a LUT from the gains at its addresses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.additive.fill import fill
from lutsmith.kernels.additive import naive


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.sampled_from([1, 63, 64, 65, 300]),
    rank=st.integers(1, 8),
    z=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
)
@settings(max_examples=40, deadline=None)
def test_entries_are_one_where_sums_are_beyond_chance(seed: int, rows: int, rank: int, z: float) -> None:
    rng = np.random.default_rng(seed)
    said = rng.random((9, rows)) < 0.5
    packed = np.zeros((9, 8 * -(-rows // 64)), np.uint8)
    packed[:, : -(-rows // 8)] = np.packbits(said, axis=1, bitorder="little")
    inputs = rng.permutation(9)[:rank].astype(np.int32)
    gains = rng.integers(-(2**20), 2**20, rows).astype(np.int32)
    table, gain = fill(packed.view(np.uint64), inputs, gains, z)
    address = naive.address_of(said, inputs)
    for entry in range(1 << rank):
        own = gains[address == entry].astype(np.int64)
        assert table[entry] == (own.sum() > z * np.sqrt(float((own**2).sum())))
    assert gain == gains[table[address]].sum(dtype=np.int64)


@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, 8), z=st.sampled_from([0.0, 1.0, 1e30]))
@settings(max_examples=30, deadline=None)
def test_a_unate_table_is_the_best_of_what_is_beyond_chance(seed: int, rank: int, z: float) -> None:
    rng = np.random.default_rng(seed)
    said = rng.random((9, 128)) < 0.5
    packed = np.packbits(said, axis=1, bitorder="little").view(np.uint64)
    inputs = rng.permutation(9)[:rank].astype(np.int32)
    gains = rng.integers(-(2**20), 2**20, 128).astype(np.int32)
    unate = rng.integers(0, 4, rank).astype(np.uint8)
    table, gain = fill(packed, inputs, gains, z, unate)
    address = naive.address_of(said, inputs)
    sums = naive.sums_at(address, gains, rank)
    squares = [int((gains[address == entry].astype(object) ** 2).sum()) for entry in range(1 << rank)]
    beyond = sums - np.minimum(np.floor(z * np.sqrt(np.array(squares, np.float64))), 2.0**40).astype(np.int64)
    np.testing.assert_array_equal(table, naive.best_unate(beyond, unate))
    assert gain == sums[table].sum()


def test_a_single_row_is_not_significant() -> None:
    bits = np.array([[0b01]], np.uint64)
    for z, expected in ((0.0, True), (1.0, False)):
        assert fill(bits, np.array([0], np.int32), np.array([5, -3], np.int32), z)[0].tolist() == [False, expected]
