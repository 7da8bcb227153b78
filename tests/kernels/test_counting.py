"""The kernel of memorisation counts what plain NumPy counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.ground.arrays import packed
from lutsmith.kernels.counting import naive, targets


@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.sampled_from([0, 1, 63, 64, 65, 200]),
    rank=st.sampled_from([0, 1, 2, 5, 6, 7, targets.MAX_RANK]),
    luts=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_the_kernel_counts_what_plain_numpy_counts(seed: int, samples: int, rank: int, luts: int) -> None:
    rng = np.random.default_rng(seed)
    bits, wanted = rng.random((9, samples)) < rng.choice([0.1, 0.5, 1.0], (9, 1)), rng.random((3, samples)) < 0.4
    inputs, target_of = rng.integers(0, 9, (luts, rank)).astype(np.int32), rng.integers(0, 3, luts)
    found = np.full((luts, 2, 1 << rank), -1, np.int64)
    words = ~packed(~bits) if samples else packed(bits)  # what is beyond the last sample is not read
    targets.count(words, inputs, packed(wanted), target_of, samples, found)
    np.testing.assert_array_equal(found, naive.count(bits, inputs, wanted, target_of))
    assert (found.sum(axis=(1, 2)) == samples).all()
