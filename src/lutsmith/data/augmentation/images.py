"""Random changes to images before they are encoded: shift, crop, flip, affine and elastic maps, colours, cutout.

Each is a small frozen object, called with a batch and a NumPy generator, and gives a new batch of the same shape and
dtype. A batch is (B, H, W) or (B, C, H, W); all channels of an image move together.

    bend = Affine(rotate=10, zoom=0.1)
    images = bend(images, np.random.default_rng([seed, epoch, batch]))
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.data.augmentation.pieces import in_pieces, own
from lutsmith.data.augmentation.portion import Portion
from lutsmith.data.augmentation.warping import warp
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.kernels.images import naive
from lutsmith.kernels.images.naive import FILLS
from lutsmith.kernels.images.tone import tone
from lutsmith.kernels.images.window import window

Images = npt.NDArray[Any]
Augmentation = Callable[[Images, np.random.Generator], Images]
"""A batch and a generator to a changed batch of the same shape and dtype. The given batch is not written to."""

NODES = 5
"""Of a displacement field, along each axis: bends of about a quarter of the image."""


class ImageChange(ABC):
    """What the changes below share: rows of a batch are changed alike, whether all of it is there or a portion."""

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return a changed batch."""
        return self.of_portion(images, generator, Portion.whole(len(images)))

    @abstractmethod
    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        """Return a portion of a batch, changed as it would be with the rest; the generator goes on as far, too."""


@dataclass(frozen=True)
class Shift(ImageChange):
    """Moves each image by -limit..limit whole pixels along both axes; what moves in is 0."""

    limit: int

    def __post_init__(self) -> None:
        _check_integer("Shift", "limit", self.limit)

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("shift", self.limit, images)
        return _window(images, self.limit, "zeros", generator, portion)


@dataclass(frozen=True)
class Crop(ImageChange):
    """Continues each image by `padding` pixels on all sides and cuts a random part of the old size out.

    Attributes:
        padding: how far an image moves at most, along both axes.
        fill: how it is continued, one of `FILLS`: "mirror", its mirror image, with the border twice; "reflect", the
            same with the border once; "edge", the border again and again; "zeros".
    """

    padding: int
    fill: str = "mirror"

    def __post_init__(self) -> None:
        _check_integer("Crop", "padding", self.padding)
        one_of("fill of Crop", self.fill, FILLS)

    def __repr__(self) -> str:
        """As `Affine` has it: a crop by mirror images keeps the text that it had before there were others."""
        return _told(self, {"fill": "mirror"})

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("crop", self.padding, images)
        return _window(images, self.padding, self.fill, generator, portion)


@dataclass(frozen=True)
class Flip(ImageChange):
    """Mirrors an image left to right with a probability of `probability`."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"Flip(probability={self.probability}): expected a number in [0, 1]")

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("flip", self.probability, images)
        mirrored = portion.taken(generator.random(portion.total) < self.probability)
        out = np.empty(images.shape, images.dtype)

        def change(part: slice, _: None) -> None:
            out[part] = images[part]
            out[part][mirrored[part]] = images[part][mirrored[part], ..., ::-1]

        in_pieces(images, change)
        return out


@dataclass(frozen=True)
class Affine(ImageChange):
    """Turns, scales, shears and bends each image by random amounts, uniform within the limits; outside is 0.

    Attributes:
        rotate: the largest angle in degrees, either way.
        zoom: sizes change by a factor in [1 - zoom, 1 + zoom], below 1.
        shear: the largest angle in degrees by which vertical lines lean.
        elastic: the largest displacement in pixels of the nodes of a smooth random field, along each axis.
        nodes: the number of nodes of that field along each axis, at least 2. More nodes bend an image in more places.
            The fields of Simard, Steinkraus and Platt (2003) are similar where the sigma of their Gaussian is about the
            distance of two nodes.
    """

    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    nodes: int = NODES

    def __post_init__(self) -> None:
        limits = {"rotate": 180.0, "zoom": 1.0, "shear": 90.0, "elastic": math.inf}
        for name, limit in limits.items():
            value = getattr(self, name)
            inside = value <= limit if name == "rotate" else value < limit
            if not (value >= 0 and inside):
                raise ValueError(f"Affine({name}={value}): expected a number from 0 to {limit:g}")
        whole_number("nodes of Affine", self.nodes, 2)

    def __repr__(self) -> str:
        """A checkpoint knows an augmentation by this text: what was there before `nodes` was keeps its own."""
        return _told(self, {"nodes": NODES})

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("affine", self, images)
        angle, zoom, shear = portion.taken(generator.uniform(-1, 1, (3, portion.total)), 1)
        maps = self.maps(angle * math.radians(self.rotate), 1 + zoom * self.zoom, shear * math.radians(self.shear))
        nodes = self.nodes if self.elastic else 0

        def field(count: int) -> npt.NDArray[np.float64]:
            return generator.uniform(-self.elastic, self.elastic, (count, 2, nodes, nodes))

        field(portion.first)
        bent = warp(_with_channels(images), maps, field).reshape(images.shape)
        field(portion.total - portion.first - portion.count)
        return bent

    @staticmethod
    def maps(angle: npt.NDArray[Any], factor: npt.NDArray[Any], lean: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return (B, 2, 3) maps from places of the result to places of the image, for angles in radians.

        An image is sheared, then scaled, then turned counter-clockwise; the maps are the inverse of that.
        """
        cos, sin, tan = np.cos(angle), np.sin(angle), np.tan(lean)
        maps = np.zeros((len(angle), 2, 3))
        # place = shear^-1 scale^-1 turn^-1 (row, column); rows grow downward
        maps[:, 0, 0], maps[:, 0, 1] = cos / factor, sin / factor
        maps[:, 1, 0], maps[:, 1, 1] = (tan * cos - sin) / factor, (tan * sin + cos) / factor
        return maps.astype(np.float32)


@dataclass(frozen=True)
class ColourJitter(ImageChange):
    """Makes each image brighter or darker, and its contrast higher or lower, by random amounts within the limits.

    A pixel x becomes `((x - m) contrast + m) brightness channel`, with m the mean of the image: contrast and brightness
    are factors in [1 - limit, 1 + limit] of the image, channel is one of each of its channels. Integers are rounded to
    the nearest and stay within their type, as bytes within 0 to 255; floats are not rounded.

    Attributes:
        brightness, contrast, channel: the limits, from 0 to below 1.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    channel: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < 1:
                raise ValueError(f"ColourJitter({item.name}={value}): expected a number from 0 to below 1")

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("jitter", self, images)
        batch = _with_channels(images)
        brightness, contrast = portion.taken(generator.uniform(-1, 1, (2, portion.total)), 1)
        channel = portion.taken(generator.uniform(-1, 1, (portion.total, batch.shape[1])))
        gains = ((1 + brightness * self.brightness)[:, None] * (1 + channel * self.channel)).astype(np.float32)
        factor = (1 + contrast * self.contrast).astype(np.float32)
        out = np.empty(batch.shape, batch.dtype)

        def change(part: slice, _: None) -> None:
            if batch.dtype == np.uint8:
                tone(own(batch[part]), factor[part], gains[part], out[part])
                return
            toned = naive.tone(batch[part].astype(np.float32), factor[part], gains[part])
            out[part] = toned if batch.dtype.kind == "f" else _rounded(toned, batch.dtype)

        in_pieces(batch, change)
        return out.reshape(images.shape)


@dataclass(frozen=True)
class Cutout(ImageChange):
    """Sets a square of `size` x `size` pixels around a random pixel of each image to 0 (DeVries and Taylor, 2017)."""

    size: int

    def __post_init__(self) -> None:
        _check_integer("Cutout", "size", self.size)

    def of_portion(self, images: Images, generator: np.random.Generator, portion: Portion) -> Images:
        _check_images("cutout", self.size, images)
        if self.size == 0:
            return images
        height, width = images.shape[-2:]
        top = portion.taken(generator.integers(0, height, (portion.total, 1)) - self.size // 2)
        left = portion.taken(generator.integers(0, width, (portion.total, 1)) - self.size // 2)
        out = np.empty(images.shape, images.dtype)

        def change(part: slice, _: None) -> None:
            row, column = np.arange(height) - top[part], np.arange(width) - left[part]
            rows, columns = (row >= 0) & (row < self.size), (column >= 0) & (column < self.size)
            kept = ~(rows[:, :, None] & columns[:, None, :])
            out[part] = np.where(kept if images.ndim == 3 else kept[:, None], images[part], images.dtype.type(0))

        in_pieces(images, change)
        return out


def _window(images: Images, limit: int, fill: str, generator: np.random.Generator, portion: Portion) -> Images:
    """Return a random part of the old size of each image, continued by `limit` on all sides."""
    down, right = portion.taken(generator.integers(0, 2 * limit + 1, size=(2, portion.total)) - limit, 1)
    batch = _with_channels(images)
    if batch.dtype.kind not in "biuf" or batch.dtype.itemsize > 8:
        return naive.window(batch, down, right, fill).reshape(images.shape)
    word = np.dtype(f"u{batch.dtype.itemsize}")  # pixels are moved, whatever they mean
    out, code = np.empty(batch.shape, batch.dtype), list(FILLS).index(fill)

    def change(part: slice, _: None) -> None:
        window(own(batch[part]).view(word), down[part], right[part], code, out[part].view(word))

    in_pieces(batch, change)
    return out.reshape(images.shape)


def _rounded(numbers: npt.NDArray[np.float32], dtype: np.dtype[Any]) -> Images:
    """Return the nearest integers, or truth values, of a type; the ends of the type beyond them."""
    if dtype.kind == "b":
        return numbers > 0.5
    ends = np.iinfo(dtype)
    return np.clip(np.rint(numbers).astype(np.float64), float(ends.min), float(ends.max)).astype(dtype)


def _told(change: Any, usual: dict[str, Any]) -> str:
    """Return the text of a change, without fields that are as usual."""
    shown = {item.name: getattr(change, item.name) for item in fields(change)}
    kept = [f"{name}={value!r}" for name, value in shown.items() if name not in usual or value != usual[name]]
    return f"{type(change).__qualname__}({', '.join(kept)})"


def _with_channels(images: Images) -> Images:
    return images if images.ndim == 4 else images[:, None]


def _check_images(name: str, value: object, images: Images) -> None:
    if images.ndim not in (3, 4):
        raise ValueError(
            f"{name}={value} changes images: expected samples of shape (H, W) or (C, H, W), got {images.shape[1:]}"
        )


def _check_integer(name: str, field: str, value: object) -> None:
    whole_number(f"{field} of {name}", value, 0, what="pixels")
