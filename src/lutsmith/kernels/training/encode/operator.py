"""The encoder as torch sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.encode import cpu, naive
from lutsmith.kernels.training.operators import call, define


def encode(x: Tensor, thresholds: Tensor, inner: int = 1) -> Tensor:
    """Compare numbers with thresholds: the thermometer code, feature-major.

    `x` holds (N, F) real numbers, sample-major; `thresholds` (F, z) float32. Both are compared as float32, strictly
    x > t; NaN gives 0. Returns (F * z, N) float32 of 0 and 1 without gradient; the row of feature f and bit b is
    (f // inner) z inner + b inner + f % inner, so that `inner` = H W keeps the bits of an image's channel together.
    Raises ValueError when shapes or dtypes do not fit or inner does not divide F.
    """
    out: Tensor = call("encode", x.detach(), thresholds.detach(), inner)
    return out


def _check(x: Tensor, thresholds: Tensor, inner: int) -> None:
    if x.ndim != 2 or x.dtype.is_complex:
        raise ValueError(f"x is {x.dtype} of shape {tuple(x.shape)}; expected real numbers (samples, features)")
    if thresholds.ndim != 2 or thresholds.shape[0] != x.shape[1] or thresholds.dtype != torch.float32:
        raise ValueError(
            f"thresholds are {thresholds.dtype} of shape {tuple(thresholds.shape)}; expected float32 of shape "
            f"({x.shape[1]}, bits) because x has {x.shape[1]} features"
        )
    if inner < 1 or x.shape[1] % inner:
        raise ValueError(f"inner is {inner}; expected a divisor of the {x.shape[1]} features")


def _encode(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    out = memory.empty((thresholds.numel(), x.shape[0]), torch.float32)
    numbers = x if x.dtype == torch.uint8 else x.to(torch.float32)
    cpu.encode(numbers.contiguous(), thresholds.contiguous(), inner, out)
    return out


def _fake(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    return thresholds.new_empty((thresholds.shape[0] * thresholds.shape[1], x.shape[0]))


define(
    "encode(Tensor x, Tensor thresholds, int inner) -> Tensor",
    check=_check,
    cpu=_encode,
    other=naive.encode,
    fake=_fake,
)
