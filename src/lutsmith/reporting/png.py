"""Small images as PNG files, without a library: the format is a header, deflated rows and checksums."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_COLOURS = {1: 0, 3: 2, 4: 6}
"""The number that the format has for so many channels: grey, RGB, RGBA."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image as a PNG file (ISO/IEC 15948), eight bits a channel, rows unfiltered.

    Args:
        pixels: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), at least one pixel.

    Raises:
        ValueError: another shape or dtype.
    """
    array = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in _COLOURS or not array.size:
        raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, expected uint8 (H, W) or (H, W, 1, 3 or 4)")
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), array.reshape(height, -1)], axis=1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
