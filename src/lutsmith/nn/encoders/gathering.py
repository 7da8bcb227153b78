"""Fitting data: arrays, tensors, or streams of batches, brought to one array of bounded size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAX_FIT_VALUES = 1 << 28
"""Fitting holds at most this many values at once; more rows than that are sampled."""


def gather(x: Any, seed: int) -> NDArray[Any]:
    """Return the fitting data as one array `(N, features...)` of at most `MAX_FIT_VALUES` values.

    Args:
        x: an array or tensor of any real dtype on any device, or an iterable of such batches.
        seed: of the uniform sample of rows, without replacement, that stands for larger data.

    Raises:
        TypeError: `x` is not numeric.
        ValueError: ragged batches, no rows, or samples without a feature.
    """
    data = _whole(x, seed)
    if data.ndim < 2 or data.shape[0] == 0 or data[0].size == 0:
        raise ValueError(f"fit got data of shape {data.shape}; expected (N, features...) with N >= 1 and a feature")
    return data


def value_range(data: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest and largest value of each feature, NaN ignored; raises on infinite values and features without a
    value.
    """
    low, high = np.fmin.reduce(data, axis=0), np.fmax.reduce(data, axis=0)
    with np.errstate(over="ignore"):
        low, high = low.astype(np.float32), high.astype(np.float32)
    if np.isnan(low).any():
        where = [int(i) for i in np.argwhere(np.isnan(low))[0]]
        raise ValueError(f"feature {where} is NaN in all {len(data)} rows; drop it or fill it before fitting")
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        where = [int(i) for i in np.argwhere(~(np.isfinite(low) & np.isfinite(high)))[0]]
        raise ValueError(
            f"feature {where} has values that are infinite as float32; replace them first (NaN means 'missing')"
        )
    return low, high


def floating(columns: NDArray[Any]) -> Tensor:
    """A float tensor of the data: float64 stays, everything else becomes float32, as it is compared."""
    return torch.from_numpy(columns.astype(np.float64 if columns.dtype == np.float64 else np.float32, copy=False))


def _whole(x: Any, seed: int) -> NDArray[Any]:
    if isinstance(x, (Tensor, np.ndarray, list, tuple)) or hasattr(x, "__array__"):
        data = _array(x)
        values = max(1, math.prod(data.shape[1:]))
        if data.size <= MAX_FIT_VALUES:
            return data
        rows = np.random.default_rng(seed).choice(len(data), size=max(1, MAX_FIT_VALUES // values), replace=False)
        return data[np.sort(rows)]
    if not isinstance(x, Iterable):
        raise TypeError(f"fit got a {type(x).__name__}; expected an array, a tensor, or an iterable of them")
    return _reservoir((_array(batch) for batch in x), seed)


def _array(batch: Any) -> NDArray[Any]:
    if isinstance(batch, Tensor):
        tensor = batch.detach().cpu()
        batch = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    array = np.asarray(batch)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"fit got values of type {array.dtype}; expected real numbers")
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _reservoir(batches: Iterable[NDArray[Any]], seed: int) -> NDArray[Any]:
    """A uniform sample of rows from a stream: each row gets a random key, and the smallest keys stay."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[Any]] = []
    keys = np.empty(0)
    for batch in batches:
        if kept and batch.shape[1:] != kept[0].shape[1:]:
            raise ValueError(f"fit got batches of samples shaped {kept[0].shape[1:]} and {batch.shape[1:]}")
        kept.append(batch)
        keys = np.concatenate([keys, rng.random(len(batch))])
        limit = max(1, MAX_FIT_VALUES // max(1, math.prod(batch.shape[1:])))
        if len(keys) > 2 * limit:
            kept, keys = _smallest(kept, keys, limit)
    if not kept:
        raise ValueError("fit got no batches")
    limit = max(1, MAX_FIT_VALUES // max(1, math.prod(kept[0].shape[1:])))
    return _smallest(kept, keys, limit)[0][0]


def _smallest(
    kept: list[NDArray[Any]], keys: NDArray[np.float64], limit: int
) -> tuple[list[NDArray[Any]], NDArray[np.float64]]:
    rows = np.concatenate(kept)
    if len(rows) <= limit:
        return [rows], keys
    chosen = np.sort(np.argpartition(keys, limit)[:limit])
    return [rows[chosen]], keys[chosen]
