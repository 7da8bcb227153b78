"""The mix of candidates as torch sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.mix import cpu, naive
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import Reads, in_range, of_slots, passing


def mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float = 1.0) -> Tensor:
    """What soft connections read: for each slot the mean of its candidates' rows, weighted by softmax(scores / tau).

    `x` holds (F, B) activations, float32, float64 or bfloat16 (computed in float32); `candidates` (W, n, K) int32 rows
    of x; `scores` (W, n, K). Returns (W n, B) in x's dtype, differentiable once in x and scores. Raises ValueError when
    shapes, dtypes or, on the CPU, indices do not fit.
    """
    out: Tensor = call("mix", x, candidates, scores, temperature)
    return out


def _check(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> None:
    if x.ndim != 2 or x.dtype not in FLOATS:
        raise ValueError(f"x is {x.dtype} of shape {tuple(x.shape)}; expected floats (features, batch)")
    if candidates.ndim != 3 or scores.shape != candidates.shape or not candidates.shape[2]:
        raise ValueError(
            f"candidates have shape {tuple(candidates.shape)} and scores {tuple(scores.shape)}; expected one shape "
            "(luts, rank, K), K >= 1"
        )
    if candidates.dtype != torch.int32 or scores.dtype not in FLOATS:
        raise ValueError(f"candidates are {candidates.dtype} and scores {scores.dtype}; expected int32 and floats")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number")


def _mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    dtype, rows = compute_dtype(x, scores), in_range("candidates", candidates, x.shape[0])
    out = memory.empty((candidates.shape[0] * candidates.shape[1], x.shape[1]), dtype)
    cpu.mix(dense(x, dtype), rows, dense(scores, dtype), temperature, out)
    return out.to(x.dtype)


def _fake(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    return x.new_empty((candidates.shape[0] * candidates.shape[1], x.shape[1]))


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    """That of the choice among the candidates: of slots as LUTs of rank 1 that pass what they read."""
    x, candidates, scores = ctx.saved_tensors
    slots = of_slots(Reads(candidates[:, :, 0], None, candidates, scores, ctx.temperature))
    need_dx, need_scores = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
    dx, _, dscores = call("fold_backward", grad, x, passing(x), *slots, need_dx, False, need_scores)
    return dx if need_dx else None, None, dscores.reshape(scores.shape) if need_scores else None, None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.temperature = inputs[3]


define(
    "mix(Tensor x, Tensor candidates, Tensor scores, float temperature) -> Tensor",
    check=_check,
    cpu=_mix,
    other=naive.mix,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
