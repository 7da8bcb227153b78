"""Sums of groups of rows as torch sees them.

The sums are torch's own, but those of bfloat16, for which it takes three times as long as for float32. The gradient of
autograd for them is a view that repeats rows, which is then copied into fresh memory, row by row; here it is written
once, into memory that an earlier step has left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS
from lutsmith.kernels.training.group_sums import cpu, naive
from lutsmith.kernels.training.operators import call, define


def group_sums(rows: Tensor, groups: int) -> Tensor:
    """The sums of equal runs of rows.

    `rows` are (groups * g, B), float32, float64 or bfloat16, g at least 1. Returns (groups, B), float64 for float64 and
    float32 otherwise, differentiable once. Raises ValueError when shape or dtype do not fit.
    """
    out: Tensor = call("group_sums", rows, groups)
    return out


def _check(rows: Tensor, groups: int) -> None:
    if rows.ndim != 2 or rows.dtype not in FLOATS or groups < 1 or not rows.shape[0] or rows.shape[0] % groups:
        raise ValueError(
            f"rows are {rows.dtype} of shape {tuple(rows.shape)}; expected floats of shape (rows, batch), rows a "
            f"multiple of {groups}"
        )


def _check_backward(grad: Tensor, rows: int, dtype: torch.dtype) -> None:
    if grad.ndim != 2 or not grad.shape[0] or rows % grad.shape[0] or dtype not in FLOATS:
        raise ValueError(f"grad has shape {tuple(grad.shape)}; expected (groups, batch), a divisor of {rows} groups")


def _fake(rows: Tensor, groups: int) -> Tensor:
    return rows.new_empty((groups, rows.shape[1]), dtype=naive.sum_dtype(rows))


def _sums(rows: Tensor, groups: int) -> Tensor:
    if rows.dtype != torch.bfloat16:
        return naive.group_sums(rows, groups)
    out = memory.empty((groups, rows.shape[1]), torch.float32)
    cpu.group_sums(rows.contiguous(), out)
    return out


def _backward(grad: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    groups, samples = grad.shape
    out = memory.empty((rows, samples), dtype)
    out.view(groups, rows // groups, samples).copy_(grad.to(dtype).unsqueeze(1))
    return out


def _fake_backward(grad: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    return grad.new_empty((rows, grad.shape[1]), dtype=dtype)


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    return call("group_sums_backward", grad, *ctx.rows), None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.rows = inputs[0].shape[0], inputs[0].dtype


define(
    "group_sums(Tensor rows, int groups) -> Tensor",
    check=_check,
    cpu=_sums,
    other=naive.group_sums,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    "group_sums_backward(Tensor grad, SymInt rows, ScalarType dtype) -> Tensor",
    check=_check_backward,
    cpu=_backward,
    other=naive.group_sums_backward,
    fake=_fake_backward,
)
