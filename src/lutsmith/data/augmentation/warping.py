"""Batches of images, bent: an affine map and a coarse displacement field, sampled bilinearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.data.augmentation.pieces import in_pieces, own
from lutsmith.kernels.images.warp import warp_bytes, warp_floats

Floats = npt.NDArray[np.float32]
Fields = npt.NDArray[np.floating[Any]]


def warp(images: npt.NDArray[Any], maps: Floats, fields: Fields | Callable[[int], Fields]) -> npt.NDArray[Any]:
    """Return images whose pixel (i, j) is the input's value at the place that `maps` and `fields` give for it.

    The place, counted from the middle of the image, is `map @ (y, x, 1) + field(i, j)`; what lies outside is 0, and
    fades in over one pixel. Values between pixels are bilinear, as is the field between its nodes, which are spread
    over the image from corner to corner. `kernels.images.naive.warp` is the specification, to the last bit.

    Args:
        images: (B, C, H, W), any real dtype, computed in float32; integers and bools are rounded to the nearest.
        maps: (B, 2, 3) float32: row and column of the place, of (row, column, 1).
        fields: (B, 2, G, G) displacements in pixels, down and right, rounded to float32; G = 0 or 1 bends nothing. Or
            a function that returns those of the next so many images.
    """
    out = np.empty(images.shape, images.dtype)
    affine = own(maps, np.float32).reshape(-1, 6)

    def change(part: slice, drawn: Any) -> None:
        field = own(drawn if callable(fields) else fields[part], np.float64)
        if images.dtype == np.uint8:
            warp_bytes(own(images[part]), affine[part], field, out[part])
            return
        bent = np.empty(out[part].shape, np.float32)
        warp_floats(own(images[part], np.float32), affine[part], field, bent)
        out[part] = bent if np.issubdtype(out.dtype, np.floating) else np.rint(bent)

    in_pieces(images, change, fields if callable(fields) else None)
    return out
