"""Changes to images in plain NumPy: the specification of the kernels beside it, and slow on large batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def warp(images: Floats, maps: Floats, fields: Floats) -> Floats:
    """Return images whose pixel (i, j) is the input's value at the place that `maps` and `fields` give for it.

    The place, counted from the middle of the image, is `map @ (y, x, 1) + field(i, j)`; what lies outside is 0, and
    fades in over one pixel. Values between pixels are bilinear, as is the field between its nodes, which are spread
    over the image from corner to corner. All is float32, in this order of operations.

    Args:
        images: (B, C, H, W) float32.
        maps: (B, 2, 3) float32: row and column of the place, of (row, column, 1).
        fields: (B, 2, G, G) float32 displacements in pixels, down and right; G = 0 or 1 bends nothing.
    """
    one = np.float32(1)
    height, width = images.shape[2:]
    sizes, nodes = (height, width), fields.shape[2]
    y, x = (np.arange(size, dtype=np.float32) - _middle(size) for size in sizes)
    places = []
    for axis, (of_row, of_column, offset) in enumerate(np.moveaxis(maps, 0, 2)[..., None]):
        start = of_row * y + offset + _middle(sizes[axis]) + one
        place = start[:, :, None] + (of_column * x)[:, None, :]
        if nodes > 1:
            (row, share), (column, part) = (_between(size, nodes) for size in sizes)
            field = fields[:, axis]
            line = field[:, :, column] * (one - part) + field[:, :, column + 1] * part
            place = place + (line[:, row] * (one - share[:, None]) + line[:, row + 1] * share[:, None])
        places.append(np.clip(place, np.float32(0), np.float32(sizes[axis] + 1)))
    rows, columns = places
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    v, h = (rows - top.astype(np.float32))[:, None], (columns - left.astype(np.float32))[:, None]
    # One pixel of 0 before each image and two behind: a clamped place always has four neighbours to read.
    padded = np.pad(images, [(0, 0), (0, 0), (1, 2), (1, 2)])
    sample = np.arange(len(images))[:, None, None]

    def at(down: int, right: int) -> Floats:
        return np.moveaxis(padded[sample, :, top + down, left + right], 3, 1)

    upper, lower = (at(down, 0) * (one - h) + at(down, 1) * h for down in (0, 1))
    bent: Floats = upper * (one - v) + lower * v
    return bent


def _middle(size: int) -> np.float32:
    return np.float32((size - 1) / 2)


def _between(size: int, nodes: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the node before each pixel of an axis, and the pixel's place between it and the next, 0 to 1."""
    spot = np.arange(size, dtype=np.float32) * np.float32((nodes - 1) / max(size - 1, 1))
    node = np.minimum(spot.astype(np.int64), nodes - 2)
    return node, spot - node.astype(np.float32)


FILLS = {"zeros": "constant", "mirror": "symmetric", "edge": "edge", "reflect": "reflect"}
"""How an image goes on beyond its border, by name, and what NumPy calls it."""


def window(images: NDArray[Any], down: NDArray[np.int64], right: NDArray[np.int64], fill: str) -> NDArray[Any]:
    """Return images (B, C, H, W) whose pixel (i, j) is the input's at (i + down, j + right), (B,) each.

    What is outside of the input is by `fill` "zeros"; "mirror", its mirror image ... 1 0 | 0 1 2 | 2 1 ...; "edge", its
    last pixels ... 0 0 | 0 1 2 | 2 2 ...; or "reflect", mirrored about these: ... 2 1 | 0 1 2 | 1 0 ...
    """
    limit = int(max(np.abs(down).max(initial=0), np.abs(right).max(initial=0)))
    around: Any = FILLS[fill]
    padded = np.pad(images, [(0, 0), (0, 0), (limit, limit), (limit, limit)], mode=around)
    windows = np.lib.stride_tricks.sliding_window_view(padded, images.shape[2:], axis=(2, 3))
    return np.ascontiguousarray(windows[np.arange(len(images)), :, limit + down, limit + right])


def tone(images: Floats, contrast: Floats, gains: Floats) -> Floats:
    """Return images (B, C, H, W) of float32 whose pixels x are `((x - m) contrast + m) gain`, with m the image's mean.

    The mean is over all channels, in float64 rounded to float32; all else is float32, in this order of operations.

    Args:
        images: of bytes or other numbers, as float32.
        contrast: (B,) float32.
        gains: (B, C) float32.
    """
    size = math.prod(images.shape[1:])
    sums = images.reshape(len(images), size).sum(axis=1, dtype=np.float64)
    middle = (sums / max(1, size)).astype(np.float32)[:, None, None, None]
    toned: Floats = ((images - middle) * contrast[:, None, None, None] + middle) * gains[:, :, None, None]
    return toned
