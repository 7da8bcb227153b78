"""The choice among candidates as torch sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.choose import cpu, naive
from lutsmith.kernels.training.operators import call, define


def choose(scores: Tensor, candidates: Tensor) -> Tensor:
    """The input that each slot of a learned LUT reads now: its best-scored candidate that no earlier slot has taken.

    `scores` (W, n, K), of any float dtype; `candidates` (W, n, K) int32. Returns (W, n) int32. No gradient.
    Raises ValueError when shapes or dtypes do not fit or K is 0.
    """
    out: Tensor = call("choose", scores.detach(), candidates)
    return out


def _check(scores: Tensor, candidates: Tensor) -> None:
    if scores.ndim != 3 or scores.shape != candidates.shape or not scores.shape[2] or candidates.dtype != torch.int32:
        raise ValueError(
            f"scores have shape {tuple(scores.shape)} and candidates are {candidates.dtype} of shape "
            f"{tuple(candidates.shape)}; expected int32 candidates and scores of one shape (luts, rank, K), K >= 1"
        )


def _choose(scores: Tensor, candidates: Tensor) -> Tensor:
    chosen = torch.empty(candidates.shape[:2], dtype=torch.int32)
    numbers = scores if scores.dtype == torch.float64 else scores.to(torch.float32)
    cpu.choose(numbers.contiguous().numpy(), candidates.contiguous().numpy(), chosen.numpy())
    return chosen


def _fake(scores: Tensor, candidates: Tensor) -> Tensor:
    return candidates.new_empty(candidates.shape[:2])


define("choose(Tensor scores, Tensor candidates) -> Tensor", check=_check, cpu=_choose, other=naive.choose, fake=_fake)
