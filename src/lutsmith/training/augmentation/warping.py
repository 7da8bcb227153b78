"""The kernel that bends images: an affine map and a coarse displacement field, sampled bilinearly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.kernels.compiler import kernel

Floats = npt.NDArray[np.float32]


@kernel("compiling image augmentation, once per machine, about 2 s")
def _warp(images: Floats, maps: Floats, fields: Floats, out: Floats) -> None:  # pragma: no cover - compiled
    count, channels, height, width = images.shape
    nodes = fields.shape[2]
    # One pixel of 0 before each image and two behind: a clamped place always has four neighbours to read.
    stride = width + 3
    area = (height + 3) * stride
    padded = np.zeros((channels, height + 3, stride), np.float32)
    pixels = padded.ravel()
    rows, columns = np.empty(width, np.float32), np.empty(width, np.float32)
    bend_down, bend_right = np.zeros(width, np.float32), np.zeros(width, np.float32)
    middle_row, middle_column = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    one, nothing = np.float32(1), np.float32(0)
    last_row, last_column = np.float32(height + 1), np.float32(width + 1)
    row_step = np.float32((nodes - 1) / max(height - 1, 1))
    column_step = np.float32((nodes - 1) / max(width - 1, 1))
    for sample in range(count):
        padded[:, 1 : height + 1, 1 : width + 1] = images[sample]
        a, b, e, c, d, f = maps[sample]
        for i in range(height):
            y = np.float32(i) - middle_row
            if nodes > 1:
                place = np.float32(i) * row_step
                node = min(int(place), nodes - 2)
                share = place - np.float32(node)
                above, below = fields[sample, :, node], fields[sample, :, node + 1]
                for j in range(width):
                    spot = np.float32(j) * column_step
                    k = min(int(spot), nodes - 2)
                    part = spot - np.float32(k)
                    upper = above[0, k] * (one - part) + above[0, k + 1] * part
                    lower = below[0, k] * (one - part) + below[0, k + 1] * part
                    bend_down[j] = upper * (one - share) + lower * share
                    upper = above[1, k] * (one - part) + above[1, k + 1] * part
                    lower = below[1, k] * (one - part) + below[1, k + 1] * part
                    bend_right[j] = upper * (one - share) + lower * share
            row_start, column_start = a * y + e + middle_row + one, c * y + f + middle_column + one
            for j in range(width):
                x = np.float32(j) - middle_column
                rows[j] = min(max(row_start + b * x + bend_down[j], nothing), last_row)
                columns[j] = min(max(column_start + d * x + bend_right[j], nothing), last_column)
            for j in range(width):
                top, left = np.int32(rows[j]), np.int32(columns[j])
                v, h = rows[j] - np.float32(top), columns[j] - np.float32(left)
                for channel in range(channels):
                    at = np.uint64(channel * area + top * stride + left)
                    under = at + np.uint64(stride)
                    upper = pixels[at] * (one - h) + pixels[at + np.uint64(1)] * h
                    lower = pixels[under] * (one - h) + pixels[under + np.uint64(1)] * h
                    out[sample, channel, i, j] = upper * (one - v) + lower * v


def warp(images: npt.NDArray[Any], maps: Floats, fields: Floats) -> npt.NDArray[Any]:
    """Return images whose pixel (i, j) is the input's value at the place that `maps` and `fields` give for it.

    The place, counted from the middle of the image, is `map @ (y, x, 1) + field(i, j)`; what lies outside is 0, and
    fades in over one pixel. Values between pixels are bilinear, as is the field between its nodes, which are spread
    over the image from corner to corner.

    Args:
        images: (B, C, H, W), any real dtype, computed in float32; integers and bools are rounded to the nearest.
        maps: (B, 2, 3) float32: row and column of the place, of (row, column, 1).
        fields: (B, 2, G, G) float32 displacements in pixels, down and right; G = 0 or 1 bends nothing.
    """
    out = np.empty(images.shape, np.float32)
    _warp(np.ascontiguousarray(images, np.float32), maps.reshape(-1, 6), fields, out)
    if not np.issubdtype(images.dtype, np.floating):
        np.rint(out, out=out)
    return out.astype(images.dtype, copy=False)
