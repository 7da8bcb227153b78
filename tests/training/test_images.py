"""Augmentation of images: each is the plain loop, keeps to its limits and leaves the batch that it was given alone."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lutsmith.training import Affine, Crop, Cutout, Flip, Shift
from lutsmith.training.augmentation.warping import warp

SHAPES = st.sampled_from([(1, 5), (4, 4), (3, 7), (1, 8, 8), (2, 5, 3), (1, 1)])
EVERY = [Shift(2), Crop(2), Flip(), Affine(30, 0.2, 10, 1.5), Cutout(3)]


def batch(shape: tuple[int, ...], seed: int, count: int = 6) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 255, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize("change", EVERY, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "bool", "int16"])
@pytest.mark.parametrize("shape", [(6, 9, 7), (6, 3, 9, 7), (1, 1, 1), (0, 8, 8)])
def test_a_new_batch_of_the_same_kind_comes_back(change: Any, dtype: str, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    before = images.copy()
    changed = change(images, np.random.default_rng(3))
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert np.array_equal(images, before)
    assert np.array_equal(changed, change(images, np.random.default_rng(3)))
    if len(images) > 1:
        assert not np.array_equal(changed, images)
        assert not np.array_equal(changed, change(images, np.random.default_rng(4)))


@pytest.mark.parametrize("change", EVERY, ids=str)
def test_all_channels_of_an_image_change_together(change: Any) -> None:
    gray = batch((9, 8), 0)
    colour = np.repeat(gray[:, None], 3, axis=1)
    changed = change(colour, np.random.default_rng(1))
    assert np.array_equal(changed[:, 0], changed[:, 2])
    assert np.array_equal(changed[:, 0], change(gray, np.random.default_rng(1)))


@pytest.mark.parametrize("change", EVERY, ids=str)
def test_rows_of_a_table_are_refused(change: Any) -> None:
    with pytest.raises(ValueError, match=r"changes images: expected samples of shape \(H, W\) .* got \(5,\)"):
        change(np.zeros((2, 5)), np.random.default_rng(0))


@given(shape=SHAPES, limit=st.integers(0, 3), seed=st.integers(0, 9), mirrored=st.booleans())
def test_a_shift_and_a_crop_are_the_plain_loop(shape: tuple[int, ...], limit: int, seed: int, mirrored: bool) -> None:
    images = batch(shape, seed)
    moved = (Crop(limit) if mirrored else Shift(limit))(images, np.random.default_rng(seed))
    down, right = np.random.default_rng(seed).integers(0, 2 * limit + 1, size=(2, 6)) - limit
    height, width = shape[-2:]
    expected = np.zeros_like(images)
    for sample, row, column in np.ndindex(6, height, width):
        r, c = row + down[sample], column + right[sample]
        if mirrored:  # ... 1 0 | 0 1 2 | 2 1 ...
            r, c = (min(p % (2 * size), 2 * size - 1 - p % (2 * size)) for p, size in ((r, height), (c, width)))
        if 0 <= r < height and 0 <= c < width:
            expected[sample, ..., row, column] = images[sample, ..., r, c]
    assert np.array_equal(moved, expected)


def test_images_are_mirrored_as_often_as_asked_for() -> None:
    images = batch((2, 3, 4), 0, count=2000)
    mirrored = (Flip(0.3)(images, np.random.default_rng(0)) == images[..., ::-1]).all(axis=(1, 2, 3))
    assert mirrored.mean() == pytest.approx(0.3, abs=0.04)
    assert np.array_equal(Flip(0.0)(images, np.random.default_rng(0)), images)
    assert np.array_equal(Flip(1.0)(images, np.random.default_rng(0)), images[..., ::-1])


@given(shape=SHAPES, size=st.integers(0, 6), seed=st.integers(0, 9))
def test_a_cutout_is_one_square_of_zeros_clipped_by_the_border(shape: tuple[int, ...], size: int, seed: int) -> None:
    images = batch(shape, seed)
    cut = Cutout(size)(images, np.random.default_rng(seed))
    generator = np.random.default_rng(seed)
    rows, columns = generator.integers(0, shape[-2], (6, 1)), generator.integers(0, shape[-1], (6, 1))
    expected = images.copy()
    for sample, row, column in zip(range(6), rows[:, 0], columns[:, 0], strict=True):
        top, left = row - size // 2, column - size // 2
        expected[sample, ..., max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
    assert np.array_equal(cut, expected)


def slow_warp(images: NDArray[Any], maps: NDArray[Any], fields: NDArray[Any]) -> NDArray[np.float64]:
    """The meaning of `warp`, pixel by pixel in float64."""
    count, channels, height, width = images.shape
    nodes = fields.shape[2]
    out = np.zeros(images.shape)

    def bilinear(values: NDArray[Any], row: float, column: float) -> float:
        r, c = math.floor(row), math.floor(column)
        rows, columns = [1 - (row - r), row - r], [1 - (column - c), column - c]
        return float(sum(values[r + k, c + m] * rows[k] * columns[m] for k in (0, 1) for m in (0, 1)))

    for sample, channel, i, j in np.ndindex(count, channels, height, width):
        y, x = i - (height - 1) / 2, j - (width - 1) / 2
        place = maps[sample] @ (y, x, 1)
        if nodes > 1:
            spot = i * (nodes - 1) / max(height - 1, 1), j * (nodes - 1) / max(width - 1, 1)
            for axis in (0, 1):
                field = fields[sample, axis]
                place[axis] += bilinear(np.pad(field, 1, mode="edge"), spot[0] + 1, spot[1] + 1)
        inside = np.clip(place + np.array([height - 1, width - 1]) / 2, -1, [height, width])
        out[sample, channel, i, j] = bilinear(np.pad(images[sample, channel], 2), *(inside + 2))
    return out


@settings(max_examples=25, deadline=None)
@given(
    shape=st.sampled_from([(1, 5, 5), (2, 4, 7), (1, 1, 6), (3, 6, 1)]),
    nodes=st.sampled_from([0, 2, 4]),
    seed=st.integers(0, 50),
)
def test_the_kernel_is_the_plain_loop(shape: tuple[int, ...], nodes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    images = generator.uniform(0, 1, (3, *shape)).astype(np.float32)
    maps = generator.normal(0, 1, (3, 2, 3)).astype(np.float32)
    fields = generator.normal(0, 2, (3, 2, nodes, nodes)).astype(np.float32)
    assert warp(images, maps, fields) == pytest.approx(slow_warp(images, maps, fields), abs=2e-4)


def test_integers_are_rounded_to_the_nearest() -> None:
    images = np.array([[[[10, 21]]]], np.uint8)
    half = np.array([[[1, 0, 0], [0, 1, 0.25]]], np.float32)  # a quarter pixel to the right: 0.75 x 10 + 0.25 x 21
    still = np.zeros((1, 2, 0, 0), np.float32)
    assert warp(images, half, still)[0, 0, 0, 0] == 13
    assert warp(np.array([[[[True, False, True]]]]), half, still)[0, 0, 0].tolist() == [True, False, True]


def blob(row: int, column: int) -> NDArray[np.float32]:
    images = np.zeros((1, 21, 21), np.float32)
    images[0, row - 1 : row + 2, column - 1 : column + 2] = 1
    return images


def centre(images: NDArray[Any]) -> tuple[float, float]:
    rows, columns = np.indices(images.shape[1:])
    return float((images[0] * rows).sum() / images.sum()) - 10, float((images[0] * columns).sum() / images.sum()) - 10


@pytest.mark.parametrize(
    ("angle", "factor", "lean", "expected"),
    [
        (0.0, 1.0, 0.0, (0.0, 6.0)),
        (90.0, 1.0, 0.0, (-6.0, 0.0)),  # what was right is above: counter-clockwise
        (0.0, 1.3, 0.0, (0.0, 7.8)),
        (0.0, 1.0, 20.0, (0.0, 6.0)),  # a shear leaves the middle row in place
    ],
)
def test_an_image_is_turned_and_scaled_about_its_middle(
    angle: float, factor: float, lean: float, expected: tuple[float, float]
) -> None:
    maps = Affine.maps(np.array([math.radians(angle)]), np.array([factor]), np.array([math.radians(lean)]))
    moved = warp(blob(10, 16)[:, None], maps, np.zeros((1, 2, 0, 0), np.float32))[:, 0]
    assert centre(moved) == pytest.approx(expected, abs=0.15)


def test_a_shear_moves_what_is_above_the_middle_to_one_side() -> None:
    maps = Affine.maps(np.zeros(1), np.ones(1), np.array([math.radians(30)]))
    moved = warp(blob(4, 10)[:, None], maps, np.zeros((1, 2, 0, 0), np.float32))[:, 0]
    assert centre(moved) == pytest.approx((-6, 6 * math.tan(math.radians(30))), abs=0.15)


def test_random_changes_stay_within_their_limits_and_reach_them() -> None:
    seen: list[NDArray[np.float32]] = []
    original = Affine.maps

    class Spy(Affine):
        @staticmethod
        def maps(angle: Any, factor: Any, lean: Any) -> Any:
            seen.extend((np.degrees(angle), factor, np.degrees(lean)))
            return original(angle, factor, lean)

    Spy(rotate=20, zoom=0.2, shear=10)(np.zeros((2000, 3, 3), np.uint8), np.random.default_rng(0))
    for values, low, high in zip(seen, (-20, 0.8, -10), (20, 1.2, 10), strict=True):
        assert values.min() >= low
        assert values.max() <= high
        assert values.min() == pytest.approx(low, abs=0.01 * (high - low))
        assert values.max() == pytest.approx(high, abs=0.01 * (high - low))


def test_an_elastic_field_moves_pixels_by_no_more_than_its_limit() -> None:
    ramp = np.tile(np.arange(30, dtype=np.float32), (50, 30, 1))
    bent = Affine(elastic=1.5)(ramp, np.random.default_rng(0))
    moves = (bent - ramp)[:, 3:-3, 3:-3]
    assert np.abs(moves).max() <= 1.5 + 1e-3
    assert np.abs(moves).max() > 0.8
    assert np.abs(np.diff(moves, axis=2)).max() < 0.5  # smooth


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Shift(-1), "limit of Shift is -1; expected pixels, an integer of at least 0"),
        (lambda: Flip(1.5), r"Flip\(probability=1.5\): expected a number in \[0, 1\]"),
        (lambda: Affine(rotate=200), r"Affine\(rotate=200\): expected a number from 0 to 180"),
        (lambda: Affine(zoom=1.0), r"Affine\(zoom=1.0\)"),
        (lambda: Affine(shear=90), r"Affine\(shear=90\)"),
        (lambda: Affine(elastic=float("nan")), r"Affine\(elastic=nan\)"),
    ],
)
def test_limits_that_cannot_be_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()
    for wrong in (lambda: Crop(1.5), lambda: Cutout(True)):
        with pytest.raises(TypeError, match=r"padding of Crop is 1\.5|size of Cutout is True"):
            wrong()


def test_a_batch_of_digits_is_bent_faster_than_a_training_step() -> None:
    images = batch((1, 28, 28), 0, count=128)
    change, generator = Affine(10, 0.1, 5, 1.0), np.random.default_rng(0)
    change(images, generator)
    times = []
    for _ in range(20):
        began = time.process_time()
        change(images, generator)
        times.append(time.process_time() - began)
    assert min(times) < 3e-3  # measured: 0.9 ms; a training step takes 6
