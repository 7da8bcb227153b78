"""Where numbers are exact: integers of float32, operations that autocast leaves alone, and what it makes bfloat16."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.fold.cpu import narrow_pays
from lutsmith.kernels.training.reads import Reads

EXACT = 1 << 24
"""Integers up to this are exact in float32."""


def exact(method: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A method of a tensor that autocast does not round."""

    @functools.wraps(method)
    def computed(self: Any, weight: Tensor, *rest: Any, **options: Any) -> Tensor:
        if weight.is_meta or not torch.is_autocast_enabled(weight.device.type):  # the context below takes a while
            return method(self, weight, *rest, **options)
        with without_autocast(weight):
            return method(self, weight, *rest, **options)

    return computed


def as_activations(x: Tensor, reads: Reads) -> Tensor:
    """What LUTs are to read while training: under autocast to bfloat16 on a CPU that, where steps take less time so.

    What they give has the dtype of what they read. Tables, gradients of tables and sums are never bfloat16.
    """
    if not torch.is_autocast_enabled("cpu") or x.device.type != "cpu" or x.dtype != torch.float32:
        return x
    return x.bfloat16() if torch.get_autocast_dtype("cpu") == torch.bfloat16 and narrow_pays(x, reads) else x


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """No autocast on the device of `x`; the meta device, which computes nothing, has none."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
