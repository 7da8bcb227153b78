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


def integers(name: str, values: ArrayLike, *, low: int, high: int) -> NDArray[Any]:
    """Return `values` as an integer array after checking that each one is in [low, high).

    Raises:
        TypeError: the values are not integers (an empty list passes).
        ValueError: a value is out of range, or the lists are ragged.
    """
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < low or highest >= high:
        outside = lowest if lowest < low else highest
        raise ValueError(f"{name} holds {outside}, expected integers in [{low}, {high})")
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


def checked_shape(input_shape: Any) -> tuple[int, ...]:
    """Return the shape of one sample as a tuple after checking it: 1 to 32 dimensions, 1 to 2**31 - 1 features."""
    sizes = integers("input_shape", input_shape, low=1, high=MAX_SIGNALS + 1)
    if sizes.ndim != 1 or not 1 <= sizes.size <= MAX_DIMENSIONS:
        raise ValueError(f"input_shape has shape {sizes.shape}, expected a list of 1 to {MAX_DIMENSIONS} sizes")
    shape = tuple(int(size) for size in sizes)
    if math.prod(shape) > MAX_SIGNALS:
        raise ValueError(f"input_shape {shape} has {math.prod(shape)} features, expected at most {MAX_SIGNALS}")
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
