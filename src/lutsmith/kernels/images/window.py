"""Moved images: a window of the old size on each image, which goes on beyond its border as `naive.FILLS` says."""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling image augmentation, once per machine, about 3 s"


ZEROS, MIRROR, EDGE, REFLECT = range(4)
"""How an image goes on, in the order of `naive.FILLS`."""


@kernel()
def _inside(place: int, size: int, fill: int) -> int:
    """Return the place whose pixel stands at a place that may be outside."""
    if 0 <= place < size:
        return place
    if fill == EDGE:
        return max(0, min(place, size - 1))
    if fill == REFLECT:
        place %= max(1, 2 * size - 2)
        return min(place, 2 * size - 2 - place)
    place %= 2 * size
    return min(place, 2 * size - 1 - place)


@kernel()
def _copy(source: Any, first: int, out: Any) -> None:
    """Write what the flat source has from `first` on, as far as it goes."""
    begin, end = max(-first, 0), min(out.size, source.size - first)
    if begin < end:
        target, values = out[begin:end], source[begin + first : end + first]
        for k in range(target.size):
            target[k] = values[k]


@kernel(COMPILING)
def window(images: Any, down: Any, right: Any, fill: int, out: Any) -> None:
    """Write what `naive.window` returns to `out`; both are (B, C, H, W) of one type of unsigned integers.

    An image is copied in one go, from its place on; what is beside or below the image is written over.
    """
    count, channels, height, width = images.shape
    for sample in range(count):
        below, by = down[sample], right[sample]
        begin = min(max(-by, 0), width)  # columns from here to `end` are the image's own
        end = max(min(width - by, width), begin)
        for channel in range(channels):
            source, target = images[sample, channel], out[sample, channel]
            _copy(source.reshape(-1), below * width + by, target.reshape(-1))
            for i in range(height):
                row = i + below
                inside = 0 <= row < height
                row, first = _inside(row, height, fill), begin if inside else width
                for j in range(first):
                    target[i, j] = source[row, _inside(j + by, width, fill)] if fill else 0
                for j in range(max(first, end), width):
                    target[i, j] = source[row, _inside(j + by, width, fill)] if fill else 0
