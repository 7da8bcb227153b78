"""The choice among all inputs as torch sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.arguments import in_columns
from lutsmith.kernels.training.best import cpu, naive
from lutsmith.kernels.training.operators import call, define


def best(scores: Tensor, *, unique: bool) -> Tensor:
    """The input that each slot of a LUT with a score for every input reads now: that of its highest score.

    `scores` (W, n, F), of any float dtype. With `unique`, slot by slot the best one that no earlier slot of the LUT has
    taken. Returns (W, n) int32. No gradient. Raises ValueError where there are no inputs, or fewer than n for `unique`.
    """
    out: Tensor = call("best", scores.detach(), unique)
    return out


def _check(scores: Tensor, unique: bool) -> None:
    if scores.ndim != 3 or scores.shape[2] < (scores.shape[1] if unique else 1):
        raise ValueError(
            f"scores have shape {tuple(scores.shape)}; expected (luts, rank, inputs), inputs for each slot"
        )


def _best(scores: Tensor, unique: bool) -> Tensor:
    chosen = torch.empty(scores.shape[:2], dtype=torch.int32)
    numbers = scores if scores.dtype == torch.float64 else scores.to(torch.float32)
    if in_columns(numbers) and not unique:
        cpu.best_of_columns(numbers, chosen)
    else:
        cpu.best(numbers.contiguous(), unique, chosen)
    return chosen


def _fake(scores: Tensor, unique: bool) -> Tensor:
    return scores.new_empty(scores.shape[:2], dtype=torch.int32)


define("best(Tensor scores, bool unique) -> Tensor", check=_check, cpu=_best, other=naive.best, fake=_fake)
