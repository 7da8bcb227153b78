"""Pooling as torch sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.pool import cpu, naive
from lutsmith.kernels.training.reads import in_planes

MOST_TAPS = 256  # a tap is a byte


def pool(x: Tensor, places: Tensor, plane: int, mode: str) -> Tensor:
    """The order statistic of each window over planes of pixels: of bits their OR, AND or majority.

    `x` holds `(channels * plane, B)` floats; `places` (taps, P) int32 the pixels of the windows, up to 256 taps,
    negative where a tap reads nothing; every window has a pixel. `mode` is `"or"`: the largest, `"and"`: the smallest,
    or `"majority"`: the largest but m // 2 of m. Returns (channels * P, B), differentiable once in x: the gradient goes
    to the pixel that was chosen, of equals the first in order. Raises ValueError where these do not fit.
    """
    out: Tensor = call("pool", x, places, plane, mode)[0]
    return out


def _check_places(places: Tensor, plane: int) -> None:
    if places.ndim != 2 or places.dtype != torch.int32 or not 1 <= places.shape[0] <= MOST_TAPS:
        raise ValueError(
            f"places is {places.dtype} of shape {tuple(places.shape)}; expected int32 (taps, places), 1 to {MOST_TAPS} "
            "taps: pool in two steps where a window is larger"
        )
    if plane < 1:
        raise ValueError(f"plane is {plane}; expected the pixels of a plane")


def _check(x: Tensor, places: Tensor, plane: int, mode: str) -> None:
    _check_places(places, plane)
    if x.ndim != 2 or x.dtype not in FLOATS or x.shape[0] % plane:
        raise ValueError(f"x is {x.dtype} of shape {tuple(x.shape)}; expected floats (channels x {plane}, batch)")
    if mode not in naive.MODES:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(naive.MODES)}")


def _check_backward(grad: Tensor, taps: Tensor, places: Tensor, plane: int) -> None:
    _check_places(places, plane)
    if grad.shape != taps.shape or grad.dtype not in FLOATS or taps.dtype != torch.uint8:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected that of the pooled rows")


def _pool(x: Tensor, places: Tensor, plane: int, mode: str) -> tuple[Tensor, Tensor]:
    places, dtype = in_planes(places, plane), compute_dtype(x)
    if places.numel() and int(places.max(0).values.min()) < 0:
        raise ValueError("a window has no pixel; expected one in each: take less padding")
    shape = x.shape[0] // plane * places.shape[1], x.shape[1]
    out, taps = memory.empty(shape, dtype), memory.empty(shape, torch.uint8)
    cpu.pool(dense(x, dtype), places, plane, mode, out, taps)
    return out.to(x.dtype), taps


def _fake(x: Tensor, places: Tensor, plane: int, mode: str) -> tuple[Tensor, Tensor]:
    shape = x.shape[0] // plane * places.shape[1], x.shape[1]
    return x.new_empty(shape), x.new_empty(shape, dtype=torch.uint8)


def _backward(grad: Tensor, taps: Tensor, places: Tensor, plane: int) -> Tensor:
    places, dtype = in_planes(places, plane), compute_dtype(grad)
    dx = memory.empty((grad.shape[0] // max(places.shape[1], 1) * plane, grad.shape[1]), dtype)
    cpu.backward(dense(grad, dtype), taps.contiguous(), places, plane, dx)
    return dx.to(grad.dtype)


def _fake_backward(grad: Tensor, taps: Tensor, places: Tensor, plane: int) -> Tensor:
    return grad.new_empty((grad.shape[0] // max(places.shape[1], 1) * plane, grad.shape[1]))


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(output[1], inputs[1])
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)
    ctx.plane = inputs[2]


def _gradient(ctx: Any, grad: Tensor | None, _taps: Tensor | None) -> tuple[Tensor | None, None, None, None]:
    taps, places = ctx.saved_tensors
    if grad is None:
        return None, None, None, None
    return call("pool_backward", grad, taps, places, ctx.plane), None, None, None


define(
    "pool(Tensor x, Tensor places, SymInt plane, str mode) -> (Tensor, Tensor)",
    check=_check,
    cpu=_pool,
    other=naive.pool,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    "pool_backward(Tensor grad, Tensor taps, Tensor places, SymInt plane) -> Tensor",
    check=_check_backward,
    cpu=_backward,
    other=naive.pool_backward,
    fake=_fake_backward,
)
