"""The IDX format of MNIST and its relatives, plain or gzipped, read strictly.

bytes 0, 1   zero
byte  2      type code: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
byte  3      number of dimensions d
4 d bytes    sizes, big-endian uint32
the rest     the values, big-endian, row by row, and nothing after them
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_LARGEST_RATIO = 1032
"""Deflate cannot shrink anything further, so a header that promises more than this is wrong."""
_CHUNK = 1 << 20
_MAX_DIMENSIONS = 8


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Return the array of an IDX file, in native byte order.

    The file may be gzipped, which is recognized by its first bytes, not by its name.

    Raises:
        DataError: the file is missing, a folder, or unreadable; it is not IDX; it is truncated, has bytes after its
            values, or is damaged gzip; or it declares more values than it can hold. Memory grows with what is there,
            not with what the header promises.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not zipped:
                return _read(path, raw, size)
            with gzip.GzipFile(fileobj=raw) as unzipped:
                return _read(path, unzipped, size * _GZIP_LARGEST_RATIO)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _read(path: Path, stream: _Stream, capacity: int) -> NDArray[Any]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise DataError(
            f"{path}: not an IDX file: it begins with the bytes {magic.hex(' ') or '(none)'}, "
            "where 00 00, a type code and a number of dimensions are expected, such as 00 00 08 03"
        )
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(f"{path}: truncated in the header; fetch the file again")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    dtype = np.dtype(_TYPES[magic[2]])
    declared = math.prod(shape) * dtype.itemsize
    if declared > capacity:
        raise DataError(
            f"{path}: truncated or damaged: the header declares {' x '.join(map(str, shape))} values "
            f"({declared:,} bytes), more than the file can hold"
        )
    values = _read_exactly(stream, declared)
    if len(values) < declared:
        raise DataError(f"{path}: truncated: {len(values):,} of {declared:,} bytes of values; fetch the file again")
    if stream.read(1):
        raise DataError(f"{path}: bytes after the {declared:,} bytes of values that the header declares")
    try:
        array = np.frombuffer(values, dtype).reshape(shape)
    except ValueError as error:  # a size of 0 beside sizes whose product no array can have
        raise DataError(f"{path}: the header declares an impossible shape {shape}") from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_exactly(stream: _Stream, count: int) -> bytearray:
    """Return up to `count` bytes, taking memory only as they arrive."""
    values = bytearray()
    while len(values) < count:
        chunk = stream.read(min(_CHUNK, count - len(values)))
        if not chunk:
            break
        values += chunk
    return values
