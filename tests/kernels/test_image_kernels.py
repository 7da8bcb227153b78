"""The kernels that change images give what plain NumPy gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.images import naive
from lutsmith.kernels.images.tone import tone
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


@given(shape=SHAPES, limit=st.integers(0, 40), fill=st.sampled_from(list(naive.FILLS)), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("dtype", ["uint8", "uint64"])
def test_windows_are_cut_as_plain_numpy_cuts_them(
    dtype: str, shape: tuple[int, ...], limit: int, fill: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    if 0 in shape:
        limit = limit if fill == "zeros" else 0  # there is nothing to go on with
    images = rng.integers(1, 256, shape).astype(dtype)
    down, right = rng.integers(-limit, limit + 1, (2, shape[0]))
    out = np.empty_like(images)
    window(images, down, right, list(naive.FILLS).index(fill), out)
    np.testing.assert_array_equal(out, naive.window(images, down, right, fill))


@given(shape=SHAPES, spread=st.sampled_from([0, 0.3, 1, 40]), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_tones_change_as_plain_numpy_changes_them(shape: tuple[int, ...], spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, shape).astype(np.uint8)
    contrast = (1 + spread * rng.uniform(-1, 1, shape[0])).astype(np.float32)
    gains = (1 + spread * rng.uniform(-1, 1, shape[:2])).astype(np.float32)
    out = np.empty_like(images)
    tone(images, contrast, gains, out)
    expected = naive.tone(images.astype(np.float32), contrast, gains)
    np.testing.assert_array_equal(out, np.rint(np.clip(expected, 0, 255)).astype(np.uint8))
