"""The mix of candidates in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype


def mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    """Rows of x (F, B) at the candidates (W, n, K) of each slot, in shares softmax(scores / temperature): (W n, B)."""
    dtype = compute_dtype(x, scores)
    shares, pools = torch.softmax(scores.to(dtype) / temperature, dim=-1).flatten(0, 1), candidates.flatten(0, 1).long()
    rows = torch.zeros((pools.shape[0], x.shape[1]), dtype=dtype, device=x.device)
    for k in range(pools.shape[1]):
        rows.addcmul_(shares[:, k : k + 1], x.to(dtype)[pools[:, k]])
    return rows.to(x.dtype)
