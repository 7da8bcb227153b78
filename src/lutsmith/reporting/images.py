"""Samples as pictures, and numbers of pixels as maps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST_PIXELS, MOST_PIXELS = 16, 1 << 16
"""Pixels of an image that is shown as one."""

_HUE = (11, 92, 173)
"""Of maps, RGB: it is seen on light and on dark ground."""


class ImageForm(NamedTuple):
    """How samples are images: channels first, then rows and columns."""

    channels: int
    height: int
    width: int


def image_form(shape: tuple[int, ...]) -> ImageForm | None:
    """Return how samples of a shape are images: (H, W), or (C, H, W) with 1 or 3 channels; None where they are not."""
    channels, *size = shape if len(shape) == 3 else (1, *shape)
    if len(size) != 2 or channels not in (1, 3) or min(size) < 2:
        return None
    return ImageForm(channels, *size) if FEWEST_PIXELS <= size[0] * size[1] <= MOST_PIXELS else None


def pixels(x: NDArray[Any], form: ImageForm, fitted: tuple[NDArray[Any], NDArray[Any]] | None) -> NDArray[np.uint8]:
    """Return rows (N, F) as images, uint8 (N, H, W) or (N, H, W, 3): from the lowest to the highest value of the data
    that the circuit was fitted on, or else of bytes, or else of these rows. What is missing is black.
    """
    low, high = (float(x.min(initial=0)), float(x.max(initial=0))) if x.dtype.kind in "iu" else _range(x)
    if fitted is not None:
        low, high = float(np.min(fitted[0])), float(np.max(fitted[1]))
    elif x.dtype == np.uint8:
        low, high = 0.0, 255.0
    span = high - low if np.isfinite(high - low) and high > low else 1.0
    scaled = np.nan_to_num((x.astype(np.float64) - low) / span, nan=0.0, posinf=1.0, neginf=0.0)
    images = np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8).reshape(len(x), *form)
    return images[:, 0] if form.channels == 1 else np.moveaxis(images, 1, -1)


def heat_map(values: NDArray[np.float64], form: ImageForm) -> NDArray[np.uint8]:
    """Return numbers >= 0 of features (F,) as a map, uint8 (H, W, 4): the most is opaque, nothing is clear. Channels
    are added; NaN is nothing.
    """
    sums = np.nan_to_num(values.astype(np.float64)).reshape(form).sum(axis=0)
    most = sums.max(initial=0.0)
    alpha = np.rint(255 * np.sqrt(sums / most)) if most > 0 else np.zeros_like(sums)
    found = np.empty((form.height, form.width, 4), np.uint8)
    found[..., :3] = _HUE
    found[..., 3] = alpha.astype(np.uint8)
    return found


def _range(x: NDArray[Any]) -> tuple[float, float]:
    finite = x[np.isfinite(x)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
