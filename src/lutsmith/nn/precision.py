"""Where numbers are exact: integers of float32, operations that autocast leaves alone, and what it makes bfloat16."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.fold.cpu import narrow_pays
from lutsmith.kernels.training.reads import Reads

EXACT = 1 << 24
"""Integers up to this are exact in float32."""


def exact_in(cls: type, names: Sequence[str]) -> None:
    """Make methods of a class exact that it has of its own, or from classes beside its base: autocast does not round
    what they compute from the first tensor that they are given.
    """
    for name in names:
        method = inspect.getattr_static(cls, name)
        function = method.__func__ if isinstance(method, (staticmethod, classmethod)) else method
        if not inspect.isfunction(function) or hasattr(function, "exact"):
            continue
        setattr(cls, name, _exact(function) if function is method else type(method)(_exact(function)))


def _exact(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(function)
    def computed(*given: Any, **options: Any) -> Tensor:
        first = next((value for value in (*given, *options.values()) if isinstance(value, Tensor)), None)
        if first is None or first.is_meta or not torch.is_autocast_enabled(first.device.type):  # contexts take a while
            return function(*given, **options)
        with without_autocast(first):
            return function(*given, **options)

    computed.exact = True  # type: ignore[attr-defined]
    return computed


def as_activations(x: Tensor, reads: Reads, *, folds: bool) -> Tensor:
    """What LUTs are to read while training. Under autocast to bfloat16 on a CPU that is bfloat16 if the fold alone
    reads it and its steps take less time so, and else float32; what they give has the dtype of what they read.
    """
    if not torch.is_autocast_enabled("cpu") or x.device.type != "cpu" or x.dtype not in (torch.float32, torch.bfloat16):
        return x
    if torch.get_autocast_dtype("cpu") != torch.bfloat16:
        return x
    return x.to(torch.bfloat16 if folds and narrow_pays(x, reads) else torch.float32)


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """No autocast on the device of `x`; the meta device, which computes nothing, has none."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
