"""Copies for places in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype


def to_places(values: Tensor, owner: Tensor) -> Tensor:
    """Row owner[w] of values (T, M) for each place w: (W, M)."""
    return values[owner.long()]


def to_places_backward(grad: Tensor, owner: Tensor, count: int) -> Tensor:
    """The sum of the rows of grad (W, M) of each owner: (count, M)."""
    total = torch.zeros((count, grad.shape[1]), dtype=compute_dtype(grad), device=grad.device)
    return total.index_add_(0, owner.long(), grad.to(total.dtype)).to(grad.dtype)
