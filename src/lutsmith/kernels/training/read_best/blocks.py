"""The gradients of reading the best inputs on any device, a block of the scores' softmax at a time.

The softmax of all scores is as large as they are; their gradient and the optimizer's moments have to be in memory, it
need not be.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import compute_dtype

BLOCK = 1 << 21  # scores whose softmax is in memory at a time


def backward(
    grad: Tensor,
    x: Tensor,
    scores: Tensor,
    places: Tensor,
    temperature: float,
    rule: str,
    need_dx: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor]:
    """What `naive.read_best_backward` returns; an empty tensor for what is not needed."""
    dtype = compute_dtype(x, scores)
    grad = grad.to(dtype)
    flat = scores.reshape(-1, scores.shape[2])
    values = (x if len(places) == x.shape[0] else x[places]).to(dtype)
    by_softmax = rule == "softmax"
    dscores = _empty(flat.shape, flat.dtype, x) if need_scores else None
    dvalues = torch.zeros_like(values) if need_dx else None
    factors = (values if by_softmax else 2 * values - 1).t().to(flat.dtype)
    rows = max(1, min(flat.shape[0], BLOCK // flat.shape[1]))
    block = _empty((rows, flat.shape[1]), dtype, x)
    for begin in range(0, flat.shape[0], rows):
        part = slice(begin, begin + rows)
        slopes, shares = grad[part], block[: len(flat[part])]
        if need_dx or by_softmax:
            torch.softmax(torch.div(flat[part], temperature, out=shares), dim=1, out=shares)
        if dvalues is not None:
            dvalues.addmm_(shares.t(), slopes)
        if dscores is not None:
            dots = torch.mm(slopes.to(flat.dtype), factors, out=dscores[part])
            if by_softmax:
                dots.sub_((shares * dots).sum(1, keepdim=True)).mul_(shares).div_(temperature)
    dx = x.new_empty(0) if dvalues is None else torch.zeros_like(x).index_copy_(0, places, dvalues.to(x.dtype))
    return dx, scores.new_empty(0) if dscores is None else dscores.view(scores.shape)


def _empty(shape: tuple[int, ...], dtype: torch.dtype, like: Tensor) -> Tensor:
    """Memory on the device of `like`; on the CPU that of an earlier step: fresh pages cost more than the arithmetic."""
    return memory.empty(shape, dtype) if like.device.type == "cpu" else like.new_empty(shape, dtype=dtype)
