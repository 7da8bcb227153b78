"""Bent images: an affine map and a coarse displacement field, sampled bilinearly.

An image takes three loops. The first says for every pixel of the result from where it is read, the same for all
channels. The second puts the four neighbours of every place of a channel side by side: of bytes, in one word, so that
the third loop, which weighs them, reads one word for each pixel. Each is a plain loop over contiguous arrays, which
LLVM makes vectors of; a scattered read is the one thing that it does pixel by pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.images.window import COMPILING


@kernel()
def _between(size: int, nodes: int) -> Any:
    """`naive._between`."""
    node, part = np.zeros(size, np.int64), np.zeros(size, np.float32)
    if nodes > 1:
        step = np.float32((nodes - 1) / max(size - 1, 1))
        for place in range(size):
            spot = np.float32(place) * step
            node[place] = min(int(spot), nodes - 2)
            part[place] = spot - np.float32(node[place])
    return node, part


@kernel()
def _row(row: Any, column: Any, b: Any, d: Any, x: Any, bends: Any, node: int, share: Any, bent: bool, ends: Any,
         places: Any, v: Any, h: Any, begin: int) -> None:  # fmt: skip
    zero, keep = np.float32(0), np.float32(1) - share
    last_row, last_column, stride = ends
    places, v, h = places[begin : begin + x.size], v[begin : begin + x.size], h[begin : begin + x.size]
    b0, b1, b2, b3 = bends[0, node], bends[0, node + 1], bends[1, node], bends[1, node + 1]
    for j in range(x.size):
        r, c = row + b * x[j], column + d * x[j]
        if bent:
            r += b0[j] * keep + b1[j] * share
            c += b2[j] * keep + b3[j] * share
        r = r if r > zero else zero  # of NaN too
        r = r if r < last_row else last_row
        c = c if c > zero else zero
        c = c if c < last_column else last_column
        top, left = np.int32(r), np.int32(c)
        v[j], h[j] = r - np.float32(top), c - np.float32(left)
        places[j] = top * stride + left


@kernel()
def _places(height: int, width: int, nodes: int) -> Any:
    """Return memory for `_locate`, and what is the same for all images."""
    size = height * width
    found = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    x = np.arange(width).astype(np.float32) - np.float32((width - 1) / 2)
    bends = np.empty((2, max(nodes, 2), width), np.float32)
    return x, _between(height, nodes), _between(width, nodes), np.empty((2, nodes, nodes), np.float32), bends, found


@kernel()
def _locate(shape: Any, affine: Any, field: Any, memory: Any) -> None:
    """Fill in `found` of the memory for an image: places, and the shares of the row below and the column to the right.

    Places are in the image with one row and column of 0 before it and two behind, so that four neighbours can be read
    wherever a place is clamped.
    """
    height, width = shape
    x, (nodes_before, shares), (columns_before, parts), rounded, bends, (places, v, h) = memory
    nodes, one = len(field[0]), np.float32(1)
    a, b, e, c, d, f = affine
    rounded[:] = field
    if nodes > 1:
        for axis in range(2):
            for node in range(nodes):
                line, target = rounded[axis, node], bends[axis, node]
                for j in range(width):
                    k = columns_before[j]
                    target[j] = line[k] * (one - parts[j]) + line[k + 1] * parts[j]
    middle_row, middle_column = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    ends = np.float32(height + 1), np.float32(width + 1), np.int32(width + 3)
    for i in range(height):
        y = np.float32(i) - middle_row
        row, column = a * y + e + middle_row + one, c * y + f + middle_column + one
        _row(row, column, b, d, x, bends, nodes_before[i], shares[i], nodes > 1, ends, places, v, h, i * width)


@kernel()
def _pad(image: Any, padded: Any) -> None:
    width = image.shape[1]
    for i in range(len(image)):
        target, source = padded[i + 1, 1 : 1 + width], image[i]
        for j in range(width):
            target[j] = source[j]


@kernel()
def _join(pixels: Any, stride: int, words: Any) -> None:
    """Put the four neighbours of each place into one word: beside it in bits 8 to 15, below it in the upper half."""
    right, below, across = pixels[1:], pixels[stride:], pixels[stride + 1 :]
    for k in range(words.size):
        upper = np.uint32(pixels[k]) | np.uint32(right[k]) << np.uint32(8)
        words[k] = upper | np.uint32(below[k]) << np.uint32(16) | np.uint32(across[k]) << np.uint32(24)


@kernel()
def _weigh(words: Any, places: Any, v: Any, h: Any, four: Any, out: Any) -> None:
    """Write the bytes at all places, rounded; `four` is memory for their words."""
    byte, one, whole = np.uint32(255), np.float32(1), np.float32(1 << 23)  # whole + value has no bits for fractions
    for k in range(out.size):
        four[k] = words[np.uint32(places[k])]
    for k in range(out.size):
        word, p = four[k], one - h[k]
        a, b = np.float32(np.int32(word & byte)), np.float32(np.int32(word >> np.uint32(8) & byte))
        c, d = np.float32(np.int32(word >> np.uint32(16) & byte)), np.float32(np.int32(word >> np.uint32(24)))
        value = (a * p + b * h[k]) * (one - v[k]) + (c * p + d * h[k]) * v[k]
        out[k] = np.uint8(np.int32(value + whole) & np.int32(255))


@kernel()
def _weigh_floats(pixels: Any, stride: int, places: Any, v: Any, h: Any, out: Any) -> None:
    right, below, across = pixels[1:], pixels[stride:], pixels[stride + 1 :]
    one = np.float32(1)
    for k in range(out.size):
        at, p = np.uint32(places[k]), one - h[k]
        upper, lower = pixels[at] * p + right[at] * h[k], below[at] * p + across[at] * h[k]
        out[k] = upper * (one - v[k]) + lower * v[k]


@kernel(COMPILING)
def warp_bytes(images: Any, maps: Any, fields: Any, out: Any) -> None:
    """Fill in `out` with what `naive.warp` returns of uint8 (B, C, H, W), rounded to the nearest.

    `maps` is float32 (B, 6), `fields` float64 (B, 2, G, G), rounded to float32 here.
    """
    count, channels, height, width = images.shape
    memory = _places(height, width, fields.shape[2])
    places, v, h = memory[-1]
    stride = width + 3
    padded = np.zeros((height + 4, stride), np.uint8)
    words, four = np.empty((height + 2) * stride, np.uint32), np.empty(places.size, np.uint32)
    for sample in range(count):
        _locate((height, width), maps[sample], fields[sample], memory)
        for channel in range(channels):
            _pad(images[sample, channel], padded)
            _join(padded.reshape(-1), stride, words)
            _weigh(words, places, v, h, four, out[sample, channel].reshape(-1))


@kernel(COMPILING)
def warp_floats(images: Any, maps: Any, fields: Any, out: Any) -> None:
    """Fill in `out` with what `naive.warp` returns of float32 (B, C, H, W); the others are those of `warp_bytes`."""
    count, channels, height, width = images.shape
    memory = _places(height, width, fields.shape[2])
    places, v, h = memory[-1]
    padded = np.zeros((height + 4, width + 3), np.float32)
    for sample in range(count):
        _locate((height, width), maps[sample], fields[sample], memory)
        for channel in range(channels):
            _pad(images[sample, channel], padded)
            _weigh_floats(padded.reshape(-1), width + 3, places, v, h, out[sample, channel].reshape(-1))
