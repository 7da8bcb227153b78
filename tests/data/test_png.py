"""PNG files byte by byte: what Pillow would read as something else is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lutsmith.data import DataError
from lutsmith.data.images.png import read_png

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def rows_of(pixels: NDArray[np.uint8]) -> bytes:
    """Rows (height, width, channels), each behind the filter "none"."""
    return b"".join(b"\0" + row.tobytes() for row in pixels) if pixels.size else b""


def png(pixels: NDArray[np.uint8], *, depth: int = 8, interlaced: bool = False, cut: int = 0) -> bytes:
    height, width, channels = pixels.shape
    parts = [pixels[y::down, x::right] for x, y, right, down in PASSES] if interlaced else [pixels]
    raw = b"".join(rows_of(part) for part in parts)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width * 8 // depth, height, depth, {1: 0, 3: 2}[channels], 0, 0, interlaced)
    packed = zlib.compress(raw[: len(raw) - cut])
    halves = [chunk(b"IDAT", packed[:9]), chunk(b"IDAT", packed[9:])]
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *halves, chunk(b"IEND", b"")])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (13, 2)])
def test_images_are_read_whole_or_not_at_all(
    tmp_path: Path, size: tuple[int, int], interlaced: bool, channels: int
) -> None:
    pytest.importorskip("PIL")
    pixels = np.random.default_rng(0).integers(0, 256, (*size, channels)).astype(np.uint8)
    file = tmp_path / "a.png"
    file.write_bytes(png(pixels, interlaced=interlaced))
    assert np.array_equal(read_png(file), pixels.transpose(2, 0, 1))
    row = 1 + size[1] * channels
    for cut in {1, row, min(2 * row, len(pixels) * row)}:
        file.write_bytes(png(pixels, interlaced=interlaced, cut=cut))
        with pytest.raises(DataError, match="not a sound PNG image"):
            read_png(file)


def test_other_depths_and_sizes_are_refused_before_pixels_are_read(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    file = tmp_path / "a.png"
    for depth in (2, 4, 16):
        file.write_bytes(png(np.ones((4, 32, 3 if depth == 16 else 1), np.uint8), depth=depth))
        with pytest.raises(DataError, match=f"{depth} bits"):
            read_png(file)
    file.write_bytes(png(np.zeros((8, 8, 1), np.uint8), cut=20))
    with pytest.raises(DataError, match="is 8 x 8 in gray; the model reads images of 4 x 4"):
        read_png(file, (1, 4, 4))
