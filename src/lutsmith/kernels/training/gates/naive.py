"""The tables of mixed gates, and their gradient, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype


def gate_tables(dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> Tensor:
    """The tables of the sixteen gates, `(16, 4)` of 0 and 1: read as an integer, that of gate g is g."""
    numbers = torch.arange(16, device=device).unsqueeze(1)
    return ((numbers >> torch.arange(4, device=device)) & 1).to(dtype)


def gates(logits: Tensor, temperature: float) -> Tensor:
    """Tables of two inputs, (T, 4): the mean of the sixteen gates' in shares softmax(logits / temperature), (T, 16)."""
    shares = _shares(logits, temperature)
    return (shares @ gate_tables(shares.dtype, shares.device)).to(logits.dtype)


def gates_backward(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """Gradient of the logits (T, 16) by that of the tables (T, 4): s (u - sum s u) / temperature.

    u_g is the sum of dp_k over the bits k of gate g.
    """
    shares = _shares(logits, temperature)
    gains = grad.to(shares.dtype) @ gate_tables(shares.dtype, shares.device).t()
    centred = gains - (shares * gains).sum(-1, keepdim=True)
    return (shares * centred / temperature).to(logits.dtype)


def _shares(logits: Tensor, temperature: float) -> Tensor:
    return torch.softmax(logits.to(compute_dtype(logits)) / temperature, dim=-1)
