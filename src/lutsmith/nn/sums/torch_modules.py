"""Modules of torch between sums and signs: what they do with numbers in a circuit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.sliding import Sliding
from lutsmith.nn.one_place import OnePlace, reads_of
from lutsmith.nn.sums.numbers import NOTHING, Levels, Sums

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
EACH = (*NORMS, nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.PReLU)
"""Those that make of each number one at its place."""

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
RESHAPING = (nn.Flatten, nn.Unflatten, nn.ChannelShuffle)
NUMERIC = (*EACH, *POOLS)
"""Modules of torch that numbers may pass, besides those that reshape."""


def after(module: nn.Module, numbers: Levels | Sums) -> Levels | Sums:
    """The numbers after a module of torch.

    Raises:
        ValueError: a module or a setting that circuits do not have.
    """
    if isinstance(module, RESHAPING):
        places = moved(np.arange(math.prod(numbers.shape)).reshape(numbers.shape), module)
        return numbers.moved(places) if isinstance(numbers, Levels) else numbers.moved(module, places)
    sums = numbers.as_sums()
    if isinstance(module, NORMS) and module.running_mean is None:
        raise ValueError("it has no running statistics, and would read the batch; expected track_running_stats=True")
    if isinstance(module, POOLS):
        return sums.pooled(module, _windows(module, numbers.shape))
    if isinstance(module, EACH):
        return sums.then(module)
    raise ValueError(
        f"it cannot follow numbers; those of a circuit pass {', '.join(each.__name__ for each in NUMERIC)}, "
        "and modules that reshape"
    )


def moved(ids: NDArray[Any], module: nn.Module) -> NDArray[Any]:
    """Apply a module that only reshapes to the ids of one sample."""
    batch = torch.from_numpy(np.ascontiguousarray(ids)).unsqueeze(0)
    result: NDArray[Any] = module(batch).squeeze(0).numpy()
    return result


def pool_at_one_place(pool: Any, image: Sequence[int]) -> OnePlace:
    """A max pool of torch at one place of an image of this shape; ValueError of a setting that circuits do not have."""
    sliding = _sliding(pool)
    if len(image) != len(sliding.window):
        raise ValueError(f"it reads images of {len(sliding.window)} axes, and there is one of {tuple(image)}")
    module = POOLS[len(sliding.window) - 1](sliding.window)
    return OnePlace(module, sliding, reads_of(sliding, image))


def _windows(pool: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The places that each window reads, (channels, *places, K)."""
    sliding = _sliding(pool)
    axes = len(sliding.window)
    if len(shape) != axes + 1:
        raise ValueError(f"it reads (channels, {', '.join(['size'] * axes)}), and there are numbers of {shape}")
    image = shape[1:]
    table = sliding.places(image).T.astype(np.int64)  # (places, K)
    inside = table >= 0
    order = np.argsort(~inside, axis=1, kind="stable")
    table = np.take_along_axis(np.where(inside, table, NOTHING), order, axis=1)
    planes = np.arange(shape[0])[:, None, None] * math.prod(image)
    windows = np.where(table == NOTHING, NOTHING, table + planes)
    return windows.reshape(shape[0], *sliding.out_shape(image), -1)


def _sliding(pool: Any) -> Sliding:
    """The windows of a max pool."""
    axes = POOLS.index(next(kind for kind in POOLS if isinstance(pool, kind))) + 1
    if pool.ceil_mode or pool.return_indices:
        raise ValueError("ceil_mode and return_indices are not known; expected False")
    return Sliding.of(axes, pool.kernel_size, pool.stride, pool.padding, pool.dilation)
