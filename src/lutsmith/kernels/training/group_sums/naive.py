"""Sums of groups of rows, and their gradient, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor


def sum_dtype(rows: Tensor) -> torch.dtype:
    """float64 for float64, else float32: bfloat16 cannot count past 256."""
    return torch.float64 if rows.dtype == torch.float64 else torch.float32


def group_sums(rows: Tensor, groups: int) -> Tensor:
    """The sums (groups, B) of equal runs of rows (groups * g, B)."""
    return rows.reshape(groups, rows.shape[0] // groups, rows.shape[1]).sum(1, dtype=sum_dtype(rows))


def group_sums_backward(grad: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    """The gradient (groups * g, B) of the rows by that of the sums (groups, B): each row's is that of its sum."""
    return grad.to(dtype).repeat_interleave(rows // max(grad.shape[0], 1), dim=0)
