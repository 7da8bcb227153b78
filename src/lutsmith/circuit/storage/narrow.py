"""Arrays in the narrowest type that holds them, and lists of arrays as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNSIGNED = ("U8", "U16", "U32")
SIGNED = ("I8", "I16", "I32")
NUMBERS = ("U8", "F16", "F32")
"""Types, as safetensors calls them, that integers and numbers may have in a file."""

_NARROWER: dict[type[np.generic], tuple[type[np.generic], ...]] = {
    np.float32: (np.uint8, np.float16),
    np.int32: (np.int8, np.int16),
}
"""Types that a tensor is tried in before its widest; unsigned integers where there is no entry."""

Tensors = dict[str, NDArray[Any]]


def narrow(values: ArrayLike, widest: type[np.generic]) -> NDArray[Any]:
    """Return `values` in the narrowest type, up to `widest`, that holds them exactly."""
    array = np.asarray(values)
    for dtype in _NARROWER.get(widest, (np.uint8, np.uint16, np.uint32)):
        with np.errstate(over="ignore", invalid="ignore"):
            candidate = array.astype(dtype)
        if np.array_equal(candidate.astype(array.dtype), array):
            return candidate
    return array.astype(widest)


def offsets(sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Return 0, the first size, the sum of two, and so on: int64 (S + 1,)."""
    return np.append(0, np.cumsum(sizes, dtype=np.int64))


def pieces(name: str, tensor: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    """Return a tensor cut into pieces of these sizes; ValueError where they do not make it up."""
    if tensor.ndim != 1 or sum(sizes) != tensor.size:
        raise ValueError(f"{name} has shape {tensor.shape}, expected ({sum(sizes)},)")
    return np.split(tensor, np.cumsum(sizes)[:-1]) if sizes else []


def count(name: str, value: Any, low: int = 0) -> int:
    """Return a count from JSON; ValueError where it is not valid."""
    if type(value) is not int or not low <= value < 1 << 31:
        raise ValueError(f"{name} is {str(value)[:40]}, expected a whole number from {low} up")
    return value
