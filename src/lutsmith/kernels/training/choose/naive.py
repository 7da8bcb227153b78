"""The choice among candidates in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor


def choose(scores: Tensor, candidates: Tensor) -> Tensor:
    """The input that each slot reads, (W, n) in the dtype of `candidates`, from scores and candidates (W, n, K).

    Slot by slot the best-scored candidate, the first of equals, that no earlier slot of the LUT has taken. Every slot
    must have such a candidate (`nn.connections.balanced.candidate_pools` sees to it).
    """
    chosen = torch.empty_like(candidates[:, :, 0])
    for slot in range(candidates.shape[1]):
        pool = candidates[:, slot]
        taken = (pool.unsqueeze(-1) == chosen[:, None, :slot]).any(-1)
        best = scores[:, slot].masked_fill(taken, -torch.inf).argmax(-1, keepdim=True)
        chosen[:, slot] = pool.gather(-1, best).squeeze(-1)
    return chosen
