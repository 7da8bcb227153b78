"""The encoder in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor


def encode(x: Tensor, thresholds: Tensor, inner: int = 1) -> Tensor:
    """Thermometer bits x > t of (N, F) numbers and (F, z) thresholds, both as float32: (F * z, N) float32 of 0 and 1.

    The row of feature f and bit b is (f // inner) z inner + b inner + f % inner. NaN compares false.
    """
    samples, features = x.shape
    bits = x.to(torch.float32).T.unsqueeze(1) > thresholds.to(torch.float32).unsqueeze(2)  # (F, z, N)
    grouped = bits.view(features // inner, inner, thresholds.shape[1], samples)
    return grouped.transpose(1, 2).reshape(features * thresholds.shape[1], samples).to(torch.float32)
