"""Checked, read-only NumPy arrays: what every immutable value of the circuit floor is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

MAX_SIGNALS = np.iinfo(np.int32).max
"""Signals, features and nodes are numbered in int32: none of their counts may exceed this."""

MAX_DIMENSIONS = 32
"""Of one sample."""

HASHED = 1 << 24
"""Bytes of an array that a checksum takes at a time."""


def integers(name: str, values: ArrayLike, *, low: int, high: int) -> NDArray[Any]:
    """Return `values` as an integer array after checking that each one is in [low, high).

    Raises:
        TypeError: the values are not integers (an empty list passes).
        ValueError: a value is out of range, or the lists are ragged.
    """
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind in "fO" and not isinstance(values, np.ndarray):
        array = _long(array, np.asarray(values, object), low, high, name)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < low or highest >= high:
        outside = lowest if lowest < low else highest
        raise ValueError(f"{name} holds {outside}, expected integers in [{low}, {high})")
    return array


def _long(array: NDArray[Any], given: NDArray[Any], low: int, high: int, name: str) -> NDArray[Any]:
    """Return Python's integers as such where NumPy makes floats or objects of them, as of 0 and 2**64 - 1 together."""
    every = given.reshape(-1).tolist()
    if not all(isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in every):
        return array
    outside = [int(each) for each in every if not low <= each < high]
    if outside:
        raise ValueError(f"{name} holds {outside[0]}, expected integers in [{low}, {high})")
    return np.array([int(each) for each in every], np.int64 if low < 0 else np.uint64).reshape(given.shape)


def reals(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return `values` as an array of real numbers (booleans, integers or floats); TypeError where they are none."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" and array.size:
        raise TypeError(f"{name} must be real numbers, not {array.dtype}")
    return array


def numbered(values: NDArray[Any], axis: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return where each distinct value stands first, int64 (D,) ascending, and the number of each value among these.

    Args:
        values: one-dimensional; with an axis, along which the slices are the values, of any shape.
        axis: see there.
    """
    _, first, kind = np.unique(values, axis=axis, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(order.size, np.int32)
    number[order] = np.arange(order.size, dtype=np.int32)
    return first[order], number[kind.reshape(-1)]


def add_to(digest: Any, array: NDArray[Any]) -> None:
    """Let a checksum of `hashlib` depend on an array: its dtype, its shape and every value, so that equal checksums are
    of equal arrays. Part by part, for arrays on disk.
    """
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    rows = max(1, HASHED * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).tobytes())


def runs(start: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start[0], start[0] + 1, ..., `counts[0]` numbers, then those from start[1], and so on: int64 (sum,)."""
    each: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(start - (np.cumsum(counts) - counts), counts)
    return each


def packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return booleans (..., B) as words, uint64 (..., ceil(B / 64)): bit i of word w is number 64 w + i, or zero."""
    octets = np.packbits(np.ascontiguousarray(bits), axis=-1, bitorder="little")
    padded = np.zeros((*octets.shape[:-1], -(-octets.shape[-1] // 8) * 8), np.uint8)
    padded[..., : octets.shape[-1]] = octets
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpacked(words: NDArray[np.uint64], num_samples: int) -> NDArray[np.bool_]:
    """Return bool (N, k) of the first N bits of rows, uint64 (k, W)."""
    octets = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    values = np.unpackbits(octets, axis=1, count=num_samples, bitorder="little")
    return np.ascontiguousarray(values.T).view(np.bool_)


def checked_shape(sizes: Any, name: str = "input_shape", of: str = "features") -> tuple[int, ...]:
    """Return a shape, such as that of one sample, as a tuple after checking it: 1 to 32 dimensions, 1 to 2**31 - 1
    features, or whatever it is `of`.
    """
    checked = integers(name, sizes, low=1, high=MAX_SIGNALS + 1)
    if checked.ndim != 1 or not 1 <= checked.size <= MAX_DIMENSIONS:
        raise ValueError(f"{name} is {sizes!r}, expected a list of 1 to {MAX_DIMENSIONS} sizes")
    shape = tuple(int(size) for size in checked)
    if math.prod(shape) > MAX_SIGNALS:
        raise ValueError(f"{name} {shape} has {math.prod(shape)} {of}, expected at most {MAX_SIGNALS}")
    return shape


def frozen(values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Return a private, C-contiguous, read-only copy of `values` as `dtype`."""
    array = np.array(values, dtype=dtype, order="C", copy=True)
    array.setflags(write=False)
    return array


def frozen_integers(name: str, values: ArrayLike, dtype: DTypeLike, *, low: int, high: int) -> NDArray[Any]:
    """Return a read-only, one-dimensional copy of checked `values`: `integers`, then `frozen`."""
    array = integers(name, values, low=low, high=high)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
    return frozen(array, dtype)


def booleans(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    """Return `values` as booleans; integers 0 and 1 are taken, anything else raises TypeError or ValueError."""
    array = np.asarray(values)
    if array.dtype == np.bool_ or array.size == 0:
        return array.astype(np.bool_, copy=False)
    return integers(name, array, low=0, high=2).astype(np.bool_)
