"""The kernels that change images give what plain NumPy gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.images import naive
from lutsmith.kernels.images.warp import warp_bytes, warp_floats
from lutsmith.kernels.images.window import window

SHAPES = st.sampled_from(
    [(3, 1, 28, 28), (2, 3, 9, 7), (2, 2, 1, 5), (2, 1, 6, 1), (1, 1, 1, 1), (0, 1, 4, 4), (1, 0, 4, 4), (1, 1, 0, 3)]
)


@given(
    shape=SHAPES,
    nodes=st.sampled_from([0, 1, 2, 5, 9]),
    spread=st.sampled_from([0, 0.1, 2, 1e30]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_images_are_bent_as_plain_numpy_bends_them(
    shape: tuple[int, ...], nodes: int, spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, shape).astype(np.uint8)
    maps = (np.eye(2, 3) + spread * rng.normal(size=(shape[0], 2, 3))).astype(np.float32)
    fields = spread * rng.normal(size=(shape[0], 2, nodes, nodes))
    expected = naive.warp(images.astype(np.float32), maps, fields.astype(np.float32))
    bent, floats = np.empty_like(images), np.empty(shape, np.float32)
    warp_bytes(images, maps.reshape(-1, 6), fields, bent)
    warp_floats(images.astype(np.float32), maps.reshape(-1, 6), fields, floats)
    np.testing.assert_array_equal(floats, expected)
    np.testing.assert_array_equal(bent, np.rint(expected).astype(np.uint8))


def test_places_that_are_no_numbers_are_read_within_the_image() -> None:
    images, maps = np.full((1, 1, 4, 4), 7, np.uint8), np.full((1, 6), np.nan, np.float32)
    bent = np.empty_like(images)
    warp_bytes(images, maps, np.zeros((1, 2, 0, 0)), bent)
    assert not bent.any()


@given(shape=SHAPES, limit=st.integers(0, 40), mirrored=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("dtype", ["uint8", "uint64"])
def test_windows_are_cut_as_plain_numpy_cuts_them(
    dtype: str, shape: tuple[int, ...], limit: int, mirrored: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    if 0 in shape:
        limit = 0 if mirrored else limit  # there is nothing to mirror
    images = rng.integers(1, 256, shape).astype(dtype)
    down, right = rng.integers(-limit, limit + 1, (2, shape[0]))
    out = np.empty_like(images)
    window(images, down, right, mirrored, out)
    np.testing.assert_array_equal(out, naive.window(images, down, right, mirrored))
