"""Copies for places as torch sees them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import in_range
from lutsmith.kernels.training.to_places import cpu, naive


def to_places(values: Tensor, owner: Tensor) -> Tensor:
    """What each place has of what it shares with others.

    `values` holds (T, ...) of one of three float dtypes, a row for each of T tables, kernels or whatever places share;
    `owner` (W,) int32 says whose row each of W places has. Returns (W, ...), differentiable once in `values`: on the
    CPU the sums are taken place by place in double precision, whatever the number of threads. Raises ValueError where
    shapes, dtypes or, on the CPU, owners do not fit.
    """
    rows: Tensor = call("to_places", values.reshape(values.shape[0], -1), owner)
    return rows.reshape(owner.shape[0], *values.shape[1:])


def _check(values: Tensor, owner: Tensor, *_: Any) -> None:
    if values.ndim != 2 or values.dtype not in FLOATS:
        raise ValueError(f"values are {values.dtype} of shape {tuple(values.shape)}; expected floats (owners, numbers)")
    if owner.ndim != 1 or owner.dtype != torch.int32:
        raise ValueError(f"owner is {owner.dtype} of shape {tuple(owner.shape)}; expected int32 with one dimension")


def _check_backward(grad: Tensor, owner: Tensor, *_: Any) -> None:
    _check(grad, owner)
    if grad.shape[0] != owner.shape[0]:
        raise ValueError(f"grad has shape {tuple(grad.shape)}; expected a row for each of {owner.shape[0]} places")


def _copies(values: Tensor, owner: Tensor) -> Tensor:
    return values.index_select(0, in_range("owner", owner, values.shape[0]))


def _fake(values: Tensor, owner: Tensor) -> Tensor:
    return values.new_empty((owner.shape[0], values.shape[1]))


def _sums(grad: Tensor, owner: Tensor, count: int) -> Tensor:
    rows, total = in_range("owner", owner, count), torch.zeros((count, grad.shape[1]), dtype=torch.float64)
    cpu.add_up(dense(grad, compute_dtype(grad)).numpy(), rows.numpy(), total.numpy())
    return total.to(grad.dtype)


def _fake_backward(grad: Tensor, owner: Tensor, count: int) -> Tensor:
    return grad.new_empty((count, grad.shape[1]))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    values, owner = inputs
    ctx.save_for_backward(owner)
    ctx.count = values.shape[0]


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:
    (owner,) = ctx.saved_tensors
    return call("to_places_backward", grad, owner, ctx.count), None


define(
    "to_places(Tensor values, Tensor owner) -> Tensor",
    check=_check,
    cpu=_copies,
    other=naive.to_places,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    "to_places_backward(Tensor grad, Tensor owner, SymInt count) -> Tensor",
    check=_check_backward,
    cpu=_sums,
    other=naive.to_places_backward,
    fake=_fake_backward,
)
