"""PNG images without labels as arrays: a single one, or all below a folder. Pillow reads them (`lutsmith[images]`)."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, MissingDataError

_AT_ONCE = 1 << 26
"""Bytes of images in a batch, at most, unless one has more."""

_CHANNELS = {"RGB": 3, "L": 1}
_INTERLACED = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
"""The seven passes of an interlaced image: first column and row, steps (PNG specification, 8.2)."""
_MODES = {
    "P": "has a palette", "PA": "has a palette", "RGBA": "has a channel of transparency",
    "LA": "has a channel of transparency", "1": "has one bit a pixel", "I;16": "has 16 bits a pixel",
    "I": "has 16 or 32 bits a pixel", "I;16B": "has 16 bits a pixel",
}  # fmt: skip


def kind(shape: Sequence[int]) -> str:
    """Describe images of a shape (channels, height, width), such as "28 x 28 in gray": width, height and colours."""
    channels, height, width = shape
    return f"{width} x {height} in {'gray' if channels == 1 else 'colour'}"


def image_shape(shape: tuple[int, ...], given: str) -> tuple[int, ...]:
    """The shape (channels, height, width) of a model's samples; if they are not images, DataError for the images
    `given`.
    """
    expected = (1, *shape) if len(shape) == 2 else shape
    if len(expected) != 3 or expected[0] not in _CHANNELS.values():
        raise DataError(
            f"{given}: the model's samples have shape {shape}, and PNG images (1, height, width) or "
            "(3, height, width); give a file of numbers, such as .npy"
        )
    return expected


def reads(shape: tuple[int, ...]) -> str:
    """What a model of such images reads, and how to convert other images, for the end of a message."""
    mode = next(mode for mode, channels in _CHANNELS.items() if channels == shape[0])
    return (
        f"the model reads images of {kind(shape)}: convert them as those that it was trained on, such as by Pillow's "
        f"Image.open(file).convert({mode!r}).resize(({shape[2]}, {shape[1]}))"
    )


def is_png(path: Path) -> bool:
    """Whether `predict` takes a path for images: a folder, or a name that ends in .png."""
    return path.is_dir() or path.suffix.lower() == ".png"


def png_names(path: Path) -> list[str]:
    """The images of a folder and of the folders in it, sorted by their names below it; hidden ones are left out.

    Raises:
        MissingDataError: there are none.
    """
    found = sorted(
        each.relative_to(path)
        for each in path.rglob("*")
        if each.suffix.lower() == ".png" and each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
    )  # fmt: skip
    if not found:
        raise MissingDataError(
            f"{path} is a folder, and neither in it nor in the folders in it is a PNG image; expected names that end "
            "in .png, or a file of samples"
        )
    return [each.as_posix() for each in found]


def png_batches(
    path: Path, shape: tuple[int, ...], batch: int, names: Sequence[str] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a file, or of a folder in the order of `png_names`, uint8 `(n, *shape)` with n <= `batch`.

    Args:
        path: see `is_png`.
        shape: of one sample of the model: `(channels, height, width)` with 1 or 3 channels, or `(height, width)`.
        batch: images at once, at most.
        names: the result of `png_names` for a folder; None: it is called.

    Raises:
        DataError: the model's samples are not images; an image that is broken, or of another size or kind than they.
        MissingDataError: there are no images.
        ModuleNotFoundError: Pillow is not installed.
    """
    expected = image_shape(shape, str(path))
    named = png_names(path) if names is None and path.is_dir() else names
    paths = [path] if named is None else [path / name for name in named]
    batch = max(1, min(batch, _AT_ONCE // np.zeros(shape, np.uint8).nbytes))
    for start in range(0, len(paths), batch):
        yield np.stack([read_png(each, expected) for each in paths[start : start + batch]]).reshape(-1, *shape)


def read_png(path: Path, shape: tuple[int, ...] | None = None) -> NDArray[np.uint8]:
    """Return an image, uint8 (channels, height, width).

    Args:
        path: of the file.
        shape: the expected shape, which is checked before any pixel is decoded; None: any shape.

    Raises:
        DataError: it is broken or cut, or not of 8 bits of gray, or of red, green and blue; or of another shape.
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading PNG images needs Pillow: pip install 'lutsmith[images]'", name="PIL"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                mode, transparent = image.mode, "transparency" in image.info
                if mode in _CHANNELS and not transparent:
                    found = _CHANNELS[mode], image.height, image.width
                    if shape is not None and found != shape:
                        raise DataError(f"{path} is {kind(found)}; {reads(shape)}")
                    _check_rows(path, found)
                    image.load()  # type: ignore[no-untyped-call,unused-ignore]
                    pixels: NDArray[Any] = np.asarray(image)
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Warning, Image.DecompressionBombError, zlib.error) as error:
        strerror = getattr(error, "strerror", None)
        reason = " ".join(str(strerror or error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: not a sound PNG image ({reason})") from error
    if mode not in _CHANNELS or transparent:
        problem = _MODES.get(mode, f"has pixels of the kind {mode}") if mode not in _CHANNELS else _MODES["RGBA"]
        raise DataError(
            f"{path}: the image {problem}; expected 8 bits of gray, or of red, green and blue: convert it, such as "
            "by Pillow's Image.open(file).convert('RGB')"
        )
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def _check_rows(path: Path, shape: tuple[int, int, int]) -> None:
    """Refuse other depths than 8 bits, which Pillow rounds to them, and missing rows, which it takes as 0.

    Raises:
        DataError: another depth.
        ValueError, zlib.error: a file that ends before its last row.
    """
    data = path.read_bytes()
    if data[24] != 8:  # of IHDR, which Pillow has read
        raise DataError(
            f"{path}: the image has {data[24]} bits a channel; expected 8: convert it, such as by Pillow's "
            "Image.open(file).convert('RGB'), which rounds"
        )
    channels, height, width = shape
    passes = _INTERLACED if data[28] else [(0, 0, 1, 1)]
    areas = [(-((y - height) // rows), -((x - width) // columns)) for x, y, columns, rows in passes]
    expected = sum(high * (1 + wide * channels) for high, wide in areas if wide > 0 and high > 0)
    place, unpacked, size = 8, zlib.decompressobj(), 0
    while place + 8 <= len(data) and size < expected:
        length = int.from_bytes(data[place : place + 4], "big")
        chunk, rest = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        while chunk == b"IDAT" and rest and size < expected:
            size += len(unpacked.decompress(rest, 1 << 20))
            rest = unpacked.unconsumed_tail
        place += 12 + length
    if size < expected:
        raise ValueError(f"its rows have {size} bytes of {expected}")
