"""The choice among all inputs in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor


def best(scores: Tensor, unique: bool) -> Tensor:
    """The best-scored input of each slot, (W, n) int32, from scores (W, n, F): the first of equals.

    If `unique`, slot by slot the best one that no earlier slot of the LUT has taken; F is n or more.
    """
    chosen = scores.argmax(2)
    for slot in range(1, scores.shape[1] if unique else 1):
        chosen[:, slot] = scores[:, slot].scatter(1, chosen[:, :slot], -torch.inf).argmax(1)
    return chosen.int()
