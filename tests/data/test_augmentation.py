"""Augmentation of images without torch: the same as ever, on any threads; stated by names."""

from __future__ import annotations

import math
import pickle
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.data.augmentation import Affine, ColourJitter, Crop, Cutout, Flip, ImageAugmentation, Shift, pieces
from lutsmith.kernels.images import naive
from lutsmith.training import Settings
from lutsmith.training.augmentation import images as former

RECORDED = {  # before augmentation had threads: zlib.crc32 of uint8, float32 and int16 results
    Shift(2): (0x34CEE2CF, 0xAB9261CE, 0xD8D06FF9),
    Crop(3): (0x1A55B9F6, 0x66340E7D, 0x665855D5),
    Flip(0.4): (0x3B5E7BFF, 0xBD367484, 0x820EC7DC),
    Cutout(5): (0xD71BB90E, 0x3FF9C6E9, 0x43BC7E58),
    Affine(zoom=0.3): (0x6135D746, 0x3597DE6A, 0x733B1D54),
    Affine(elastic=1.5): (0xD90B84D0, 0x4E700D8E, 0xC1AD9D4F),
    Affine(zoom=0.2, elastic=2.5): (0xBAEC1EF8, 0xE7FDAF09, 0x1C537C87),
}  # turns and shears are not among them: their sines are the C library's


@pytest.mark.parametrize("change", RECORDED, ids=str)
def test_the_same_generator_gives_what_it_always_gave(change: Any) -> None:
    images = np.random.default_rng(7).integers(0, 256, (40, 2, 9, 13)).astype(np.uint8)
    found = [change(images.astype(dtype), np.random.default_rng([3, 1])) for dtype in ("u1", "f4", "i2")]
    assert tuple(zlib.crc32(each.tobytes()) for each in found) == RECORDED[change]


@pytest.mark.parametrize("nodes", [5, 9])
@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_pieces_and_threads_change_nothing(nodes: int, threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", threads)
    monkeypatch.setattr(pieces, "PIECE", 500)  # three images at a time
    images = np.random.default_rng(0).integers(0, 256, (100, 12, 12)).astype(np.uint8)
    images.setflags(write=False)
    generator, limits = np.random.default_rng(5), (20.0, 0.2, 10.0)
    angle, zoom, shear = generator.uniform(-1, 1, (3, 100))
    fields = generator.uniform(-1.5, 1.5, (100, 2, nodes, nodes)).astype(np.float32)
    maps = Affine.maps(angle * math.radians(20), 1 + zoom * 0.2, shear * math.radians(10))
    expected = np.rint(naive.warp(images[:, None].astype(np.float32), maps, fields))[:, 0]
    assert np.array_equal(Affine(*limits, 1.5, nodes)(images, np.random.default_rng(5)), expected)
    toned = ColourJitter(0.3, 0.3, 0.2)
    for change in (Shift(2), Crop(2), Crop(2, "edge"), Flip(), Cutout(4), toned):
        found = change(images, np.random.default_rng(5))
        monkeypatch.setattr(pieces, "PIECE", 1 << 18)
        assert np.array_equal(found, change(images, np.random.default_rng(5)))
        monkeypatch.setattr(pieces, "PIECE", 500)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i1", "f4", "f8", "?"])
def test_colours_change_within_their_limits_and_types(dtype: str) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 2 if dtype == "?" else 128 if dtype == "i1" else 256, (60, 3, 6, 5)).astype(dtype)
    kept = images.copy()
    assert np.array_equal(ColourJitter()(images, np.random.default_rng(1)), images)
    changed = ColourJitter(0.2, 0.3, 0.1)(images, np.random.default_rng(1))
    assert changed.dtype == images.dtype
    assert np.array_equal(changed, images) == (dtype == "?")  # nothing comes near to a half
    assert np.array_equal(images, kept)
    if dtype == "u1":  # the same for all types that hold these numbers
        wide = ColourJitter(0.2, 0.3, 0.1)(images.astype("i4"), np.random.default_rng(1))
        assert np.array_equal(np.clip(wide, 0, 255), changed)
    if dtype == "f8":
        factors = ColourJitter(0.2)(images, np.random.default_rng(1)) / np.maximum(images, 1)
        each = np.where(images > 0, factors, np.nan).reshape(60, -1)
        assert np.nanmax(np.nanmax(each, axis=1) - np.nanmin(each, axis=1)) < 1e-5  # one factor for the whole image
        assert 0.8 - 1e-5 <= np.nanmin(each) < 0.85
        assert 1.15 < np.nanmax(each) <= 1.2 + 1e-5
        flat = ColourJitter(0, 0.3)(images, np.random.default_rng(1))
        np.testing.assert_allclose(flat.mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)), rtol=1e-5)
        share = flat.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
        assert 0.7 - 1e-5 < share.min() < 0.75
        assert 1.25 < share.max() < 1.3 + 1e-5
        one = ColourJitter(0, 0, 0.2)(images, np.random.default_rng(1)).mean(axis=(2, 3)) / images.mean(axis=(2, 3))
        assert np.ptp(one, axis=1).max() > 0.2
    with pytest.raises(ValueError, match=r"ColourJitter\(contrast=1\)"):
        ColourJitter(contrast=1)


def test_more_nodes_bend_images_in_more_places_and_as_far() -> None:
    ramp = np.tile(np.arange(40, dtype=np.float32), (50, 40, 1))
    bends = []
    for nodes in (5, 14):
        moves = (Affine(elastic=1.5, nodes=nodes)(ramp, np.random.default_rng(0)) - ramp)[:, 3:-3, 3:-3]
        assert 0.8 < np.abs(moves).max() <= 1.5 + 1e-3
        bends.append(np.abs(np.diff(moves, 2, axis=2)).mean())
    assert bends[1] > 3 * bends[0]
    with pytest.raises(ValueError, match="nodes of Affine is 1; expected an integer of at least 2"):
        Affine(elastic=1.5, nodes=1)


def test_names_texts_and_pickles_of_before_still_hold() -> None:
    assert former.Affine is Affine
    assert repr(Affine(10)) == "Affine(rotate=10, zoom=0.0, shear=0.0, elastic=0.0)"  # what checkpoints hold
    assert repr(Affine(10, nodes=7)) == "Affine(rotate=10, zoom=0.0, shear=0.0, elastic=0.0, nodes=7)"
    assert (repr(Crop(3)), repr(Crop(3, "edge"))) == ("Crop(padding=3)", "Crop(padding=3, fill='edge')")
    before = b"\x80\x04clutsmith.training.augmentation.images\nAffine\n)\x81}(\x8c\x06rotateK\n\x8c\x04zoomG"
    before += bytes(8) + b"\x8c\x05shearG" + bytes(8) + b"\x8c\x07elasticG" + bytes(8) + b"ub."
    assert pickle.loads(before) == Affine(10)
    assert pickle.loads(pickle.dumps(Affine(10, nodes=7))) == Affine(10, nodes=7)


# By name


EVERYTHING = {
    "flip": 0.5, "crop": 1, "crop_fill": "reflect", "brightness": 0.2, "contrast": 0.3, "channel": 0.1,
    "shift": 2, "rotate": 8, "zoom": 0.08, "shear": 5, "elastic": 1.2, "elastic_nodes": 8,
    "cutout": 4,
}  # fmt: skip


def test_what_is_named_acts_in_its_order() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 16)).astype(np.uint8)
    changed = ImageAugmentation.from_json(dict(reversed(EVERYTHING.items())))(images, np.random.default_rng(1))
    generator = np.random.default_rng(1)
    bent, toned = Affine(8, 0.08, 5, 1.2, 8), ColourJitter(0.2, 0.3, 0.1)
    for part in (Flip(0.5), Crop(1, "reflect"), Shift(2), bent, toned, Cutout(4)):
        images = part(images, generator)
    assert np.array_equal(changed, images)
    assert ImageAugmentation()(images, generator) is images
    assert ImageAugmentation(elastic_nodes=9).parts == ()


@given(chosen=st.sets(st.sampled_from(sorted(EVERYTHING))))
def test_settings_and_mappings_say_the_same(chosen: set[str]) -> None:
    values = {name: EVERYTHING[name] for name in chosen}
    augmentation = ImageAugmentation.from_json(values)
    assert augmentation.to_json() == values
    assert ImageAugmentation.of(Settings(**values)) == augmentation


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"shfit": 1}, ValueError, r"augmentation has no shfit; it takes flip, crop, .*did you mean 'shift'\?"),
        ({"shift": 1.5}, TypeError, "shift is 1.5; expected pixels, an integer of at least 0"),
        ({"shift": True}, TypeError, "shift is True"),
        ({"rotate": "8"}, TypeError, r"rotate is '8'; expected degrees in \[0, 180\]"),
        ({"zoom": float("nan")}, ValueError, r"zoom is nan; expected a share in \[0, 1\)"),
        ({"elastic": float("inf")}, ValueError, "elastic is inf; expected pixels >= 0"),
        ({"elastic": None}, TypeError, "elastic is None"),
        ({"crop_fill": "wrap"}, ValueError, "crop_fill is 'wrap'; expected one of zeros, mirror, edge, reflect"),
        ({"contrast": 1.0}, ValueError, r"contrast is 1.0; expected a share in \[0, 1\)"),
        ({"channel": "1"}, TypeError, "channel is '1'"),
        ([("shift", 1)], TypeError, "augmentation is .*; expected a mapping, such as"),
    ],
)
def test_mistakes_are_named(values: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ImageAugmentation.from_json(values)
