"""NumPy's `.npz` archives, read strictly and never through pickle, as tables of samples and labels."""

from __future__ import annotations

import math
import os
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError, Table, as_features

_LARGEST_RATIO = 1032
"""Deflate cannot shrink anything further."""
_DAMAGE = (
    ValueError, OSError, EOFError, MemoryError, KeyError, NotImplementedError, RuntimeError, SyntaxError, TypeError,
    OverflowError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` and NumPy's header parser are seen to raise on damaged files."""


def read_npz(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive by name; with `names`, only those that are named, as far as they exist.

    Raises:
        DataError: the file is missing, a folder, unreadable or damaged; an array holds Python objects (nothing is
            unpickled); or an array declares more than its member holds.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            wanted = members if names is None else [name for name in names if name in members]
            return {name: _read_member(path, archive, members[name]) for name in wanted}
    except DataError:
        raise
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: not a sound .npz archive ({reason})") from error


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    if member.file_size > member.compress_size * _LARGEST_RATIO:
        raise DataError(f"{path}: {member.filename} declares {member.file_size:,} bytes, more than it can hold")
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's remarks on headers that Python 2 wrote
        shape, fortran, dtype = _read_header(path, stream, member.filename)
        if dtype.hasobject:
            raise DataError(f"{path}: {member.filename} holds Python objects; save numbers or fixed-width text instead")
        declared = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or declared > member.file_size:
            raise DataError(f"{path}: {member.filename} declares {declared:,} bytes in {member.file_size:,}; damaged")
        values = bytearray(stream.read())  # to the end, so that the archive's checksum is compared
    if len(values) != declared:
        raise DataError(f"{path}: {member.filename} has {len(values):,} bytes of values, its header says {declared:,}")
    array = np.frombuffer(values, dtype) if declared else np.empty(math.prod(shape), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _read_header(path: Path, stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise DataError(f"{path}: {name} has .npy format {version[0]}.{version[1]}; expected 1.0 or 2.0")


def read_npz_table(
    path: str | os.PathLike[str], target: str | int | None = None, columns: Sequence[str] | None = None
) -> Table:
    """Return samples and labels of an archive.

    Two layouts are read. An array `X` (or `x`) holds the samples, `(N, ...)`, and `y`, or the array that `target`
    names, the labels; text in `feature_names` names the columns. Or each column is an array `(N,)` of its own, `target`
    names the labels, and text in `columns`, if there, lists the columns in order. Text arrays of another length, such
    as lists of category names, are passed over.

    Args:
        path: the file.
        target: the key of the labels; None: `y` where it is there beside `X`, else no labels.
        columns: the feature columns wanted, in this order, where columns are arrays of their own.

    Raises:
        DataError: see `read_npz`; an unknown key; arrays of different lengths; features that are not numbers.
    """
    arrays = read_npz(path)
    key = None if target is None else str(target)
    if key is not None and key not in arrays:
        raise DataError(f"{path}: no array {key!r}; the archive holds {', '.join(map(repr, arrays)) or 'nothing'}")
    samples = next((name for name in ("X", "x") if name in arrays and name != key), None)
    names: tuple[str, ...] | None
    if samples is not None:
        key = "y" if key is None and "y" in arrays else key
        x = _numeric(arrays[samples], f"{path}: {samples}")
        names = _names(arrays.get("feature_names"))
        if x.ndim < 2:
            raise DataError(f"{path}: {samples} has shape {x.shape}; expected (samples, features)")
        if names is not None and x.shape[1:] != (len(names),):
            names = None
    else:
        names = tuple(columns) if columns is not None else _column_names(arrays, key, str(path))
        unknown = [name for name in names if name not in arrays]
        if unknown or not names:
            raise DataError(f"{path}: no {f'array {unknown[0]!r}' if unknown else 'feature arrays'}; expected X and y, "
                            "or an array for each column")  # fmt: skip
        x = _stack(arrays, names, str(path))
    labels = arrays[key] if key is not None else None
    if labels is not None and (labels.ndim != 1 or len(labels) != len(x)):
        raise DataError(f"{path}: {key} has shape {labels.shape}; expected ({len(x)},), a label for each sample")
    return Table(str(path), x, labels, names)


def _column_names(arrays: dict[str, NDArray[Any]], key: str | None, source: str) -> tuple[str, ...]:
    listed = _names(arrays.get("columns"))
    if listed is not None and all(name in arrays for name in listed):
        return tuple(name for name in listed if name != key)
    rows = len(arrays[key]) if key is not None and arrays[key].ndim else None
    names = []
    for name, array in arrays.items():
        text = array.dtype.kind in "SU"
        if name == key or (text and (array.ndim != 1 or (rows is not None and len(array) != rows))):
            continue
        names.append(name)
    if len(names) == 1 and key is None:
        raise DataError(f"{source}: one array, {names[0]!r}; call the samples X, or give target=KEY for the labels")
    return tuple(names)


def _stack(arrays: dict[str, NDArray[Any]], names: Sequence[str], source: str) -> NDArray[Any]:
    columns = [_numeric(arrays[name], f"{source}: {name}") for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.shape != columns[0].shape or column.ndim != 1:
            raise DataError(
                f"{source}: {name} has shape {column.shape}, {names[0]} has {columns[0].shape}; "
                "expected arrays (N,) of one length, or X and y"
            )
    return np.stack(columns, axis=1)


def _numeric(array: NDArray[Any], source: str) -> NDArray[Any]:
    """Return an array of numbers as features."""
    if array.dtype.kind not in "biuf":
        kind = "text" if array.dtype.kind in "SU" else str(array.dtype)
        raise DataError(f"{source} is {kind}; features must be numbers: drop the column or write it as numbers")
    return as_features(array)


def _names(array: NDArray[Any] | None) -> tuple[str, ...] | None:
    if array is None or array.ndim != 1 or array.dtype.kind != "U":
        return None
    return tuple(str(name) for name in array)
