"""Moved images: a window of the old size on each image, continued by zeros or by its mirror image."""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling image augmentation, once per machine, about 3 s"


@kernel()
def _mirrored(place: int, size: int) -> int:
    """... 1 0 | 0 1 2 | 2 1 ..."""
    if 0 <= place < size:
        return place
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
def window(images: Any, down: Any, right: Any, mirrored: bool, out: Any) -> None:
    """Fill in `out` with what `naive.window` returns; both are (B, C, H, W) of one type of unsigned integers.

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
                row, first = _mirrored(row, height), begin if inside else width
                for j in range(first):
                    target[i, j] = source[row, _mirrored(j + by, width)] if mirrored else 0
                for j in range(max(first, end), width):
                    target[i, j] = source[row, _mirrored(j + by, width)] if mirrored else 0
