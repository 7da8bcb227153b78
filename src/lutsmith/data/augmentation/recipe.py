"""Which changes to images the settings ask for, and the one function that applies them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lutsmith.data.augmentation.images import (
    NODES,
    Affine,
    Augmentation,
    ColourJitter,
    Crop,
    Cutout,
    Flip,
    Images,
    Shift,
)
from lutsmith.ground.arguments import as_python, check_options, number, one_of, whole_number
from lutsmith.kernels.images.naive import FILLS


@dataclass(frozen=True, kw_only=True)
class ImageAugmentation:
    """Random changes to images, by name: flips, crops, shifts, affine and elastic maps, colours, holes, in this order.

    It is called as each of them is: with a batch (B, H, W) or (B, C, H, W) and a generator, for a changed batch of the
    same shape and dtype. Without any change it returns the batch itself.

    Attributes:
        flip: probability that an image is mirrored left to right.
        crop: images are moved by up to this many pixels along each axis; what moves in is their mirrored border, or
            what `crop_fill` says: "mirror", "reflect", "edge" or "zeros", see `Crop`.
        shift: the same, but what moves in is 0.
        rotate, zoom, shear, elastic, elastic_nodes: images are turned by up to `rotate` degrees, scaled by up to
            1 +- `zoom`, sheared by up to `shear` degrees and bent by up to `elastic` pixels at each of
            `elastic_nodes` x `elastic_nodes` places; see `Affine`.
        brightness, contrast, channel: factors of up to 1 +- `brightness` of an image, 1 +- `contrast` of the distances
            of its pixels from their mean, and 1 +- `channel` for each of its channels; see `ColourJitter`.
        cutout: side in pixels of a square that is set to 0 at a random place of each image.
    """

    flip: float = 0.0
    crop: int = 0
    crop_fill: str = "mirror"
    shift: int = 0
    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    elastic_nodes: int = NODES
    brightness: float = 0.0
    contrast: float = 0.0
    channel: float = 0.0
    cutout: int = 0

    MOVING: ClassVar[tuple[str, ...]] = ("flip", "crop", "shift", "rotate", "zoom", "shear", "elastic")
    """The changes that move pixels: what is said of single pixels has to move with them."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            TypeError: a value that is not a number, or no integer where pixels or nodes are counted.
            ValueError: a value out of its range, which the message names.
        """
        for item in fields(self):
            object.__setattr__(self, item.name, as_python(getattr(self, item.name)))
        for name in ("crop", "shift", "cutout"):
            whole_number(name, getattr(self, name), 0, what="pixels")
        whole_number("elastic_nodes", self.elastic_nodes, 2)
        number("flip", self.flip, lambda v: 0 <= v <= 1, "a probability in [0, 1]")
        number("rotate", self.rotate, lambda v: 0 <= v <= 180, "degrees in [0, 180]")
        one_of("crop_fill", self.crop_fill, FILLS)
        for name in ("brightness", "contrast", "channel"):
            number(name, getattr(self, name), lambda v: 0 <= v < 1, "a share in [0, 1)")
        number("zoom", self.zoom, lambda v: 0 <= v < 1, "a share in [0, 1)")
        number("shear", self.shear, lambda v: 0 <= v < 90, "degrees in [0, 90)")
        number("elastic", self.elastic, lambda v: 0 <= v < math.inf, "pixels >= 0")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImageAugmentation:
        """Return what a mapping such as `{"shift": 1, "rotate": 8, "elastic": 1.2}` asks for.

        Raises:
            TypeError: it is not a mapping, or a value is of a wrong type.
            ValueError: a name that is not a change to images, or a value out of range.
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"augmentation is {values!r}; expected a mapping, such as {{'shift': 1, 'rotate': 8}}")
        check_options("augmentation", values, [item.name for item in fields(cls)])
        return cls(**values)

    @classmethod
    def of(cls, settings: Any) -> ImageAugmentation:
        """Return what an object with all of these fields asks for."""
        return cls(**{item.name: getattr(settings, item.name) for item in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults; `from_json` turns them back into an equal object."""
        return {name: value for name, value in asdict(self).items() if value != getattr(type(self), name)}

    @cached_property
    def parts(self) -> tuple[Augmentation, ...]:
        """The changes that are wanted, in the order in which they act: whole pixels first, holes last."""
        bent = self.rotate or self.zoom or self.shear or self.elastic
        toned = self.brightness or self.contrast or self.channel
        wanted: list[tuple[float, Augmentation]] = [
            (self.flip, Flip(self.flip)),
            (self.crop, Crop(self.crop, self.crop_fill)),
            (self.shift, Shift(self.shift)),
            (bent, Affine(self.rotate, self.zoom, self.shear, self.elastic, self.elastic_nodes)),
            (toned, ColourJitter(self.brightness, self.contrast, self.channel)),
            (self.cutout, Cutout(self.cutout)),
        ]
        return tuple(change for amount, change in wanted if amount)

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return the changed images."""
        for part in self.parts:
            images = part(images, generator)
        return images
