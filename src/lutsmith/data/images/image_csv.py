"""Images as rows of a CSV file, a label and then its pixels: MNIST as it is often distributed, and as LUTNets reads it.

The file may be gzipped, and may begin with a UTF-8 byte order mark, and with a header: a first line without any number,
or with a name and then pixels that are counted (`label,0,1,2`). Whatever else stands there is a row.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError
from lutsmith.ground.arrays import checked_shape

_CHUNK = 1 << 20
"""Bytes that are read at a time."""

_COMMA, _NEWLINE, _ZERO = b",\n0"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_image_csv(
    path: str | os.PathLike[str], shape: tuple[int, int] = (28, 28)
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images of a CSV file, uint8 (N, 1, height, width), and their labels, int64 (N,).

    Args:
        path: the file.
        shape: height and width; a row is a label and their product of pixels, row by row.

    Raises:
        DataError: the file is missing or unreadable, has no rows, or a row that is not a label and so many pixels,
            integers of 0 to 255, without spaces; the message names the line.
        TypeError, ValueError: a shape that is not a height and width of at least one pixel each.
    """
    shape = _checked(shape)
    path, width = Path(path), 1 + shape[0] * shape[1]
    parts, line = [np.zeros((0, width), np.uint8)], 1
    try:
        for block in _blocks(path):
            if line == 1 and _is_header(block):
                block = block[block.index(b"\n") + 1 :]
                line += 1
            parts.append(_values(path, block, width, line, shape))
            line += len(parts[-1])
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    values = np.concatenate(parts)
    if not len(values):
        raise DataError(f"{path}: no rows; expected a label and {shape[0]} x {shape[1]} pixels in each")
    return np.ascontiguousarray(values[:, 1:]).reshape(-1, 1, *shape), values[:, 0].astype(np.int64)


def _checked(shape: tuple[int, int]) -> tuple[int, int]:
    checked = checked_shape(shape, "shape", "pixels")
    if len(checked) != 2:
        raise ValueError(f"shape is {shape!r}; expected a height and a width, such as (28, 28)")
    return checked[0], checked[1]


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield whole lines, each with its end, without carriage returns before it."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if zipped else raw
        start = stream.read(len(_BYTE_ORDER_MARK))
        left = b"" if start == _BYTE_ORDER_MARK else start
        while chunk := stream.read(_CHUNK):
            whole, newline, rest = (left + chunk).rpartition(b"\n")
            if len(rest) > 16 * _CHUNK:
                raise DataError(f"{path}: a line of more than {16 * _CHUNK:,} bytes; this is not a CSV file of images")
            if newline:
                yield (whole + newline).replace(b"\r\n", b"\n")
            left = rest
        if left:
            yield left.removesuffix(b"\r") + b"\n"


def _is_header(block: bytes) -> bool:
    cells = [cell.strip(b" \t\r\"'") for cell in block[: block.index(b"\n")].split(b",")]
    if _is_number(cells[0]):
        return False
    names, count = cells[1:], len(cells) - 1
    counted = any(names == [b"%d" % place for place in range(first, first + count)] for first in (0, 1))
    return counted or not any(map(_is_number, names))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _values(path: Path, block: bytes, width: int, line: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the integers of whole lines, uint8 (lines, width)."""
    octets = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero((octets == _COMMA) | (octets == _NEWLINE))
    is_row = np.flatnonzero(octets[ends] == _NEWLINE)
    fields = np.diff(is_row, prepend=-1)
    if (fields != width).any():
        row = int((fields != width).argmax())
        raise DataError(
            f"{path}, line {line + row}: {fields[row]} fields, expected {width}: a label and {shape[0]} x {shape[1]} "
            "pixels"
        )
    lengths = np.diff(ends, prepend=-1) - 1
    values, wrong = np.zeros(len(ends), np.int64), (lengths < 1) | (lengths > 3)
    for place in range(3):
        there = lengths > place
        digits = octets[np.where(there, ends - 1 - place, 0)].astype(np.int64) - _ZERO
        wrong |= there & ((digits < 0) | (digits > 9))
        values += np.where(there, digits * 10**place, 0)
    wrong |= values > 255
    if wrong.any():
        place = int(wrong.argmax())
        text = block[ends[place] - lengths[place] : ends[place]][:40].decode("latin-1")
        what = "label" if place % width == 0 else f"pixel {place % width - 1}"
        raise DataError(
            f"{path}, line {line + place // width}: the {what} is {text!r}, expected an integer of 0 to 255"
        )
    return values.astype(np.uint8).reshape(-1, width)
