"""The gradients of reading the best inputs on any device, a block of the scores' softmax at a time.

The softmax of all scores is as large as they are; their gradient and the optimizer's moments have to be in memory, it
need not be.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.arguments import in_columns
from lutsmith.kernels.training.dtypes import compute_dtype
from lutsmith.kernels.training.read_best import cpu

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
    grad, by_softmax, columns = grad.to(dtype), rule == "softmax", in_columns(scores)
    flat = scores.permute(2, 0, 1).flatten(1).t() if columns else scores.reshape(-1, scores.shape[2])
    values = (x if len(places) == x.shape[0] else x[places]).to(dtype)
    factors = (values if by_softmax else 2 * values - 1).to(flat.dtype)
    dvalues = torch.zeros_like(values) if need_dx else None
    dscores = None
    if need_scores and columns:
        dscores = _empty((flat.shape[1], flat.shape[0]), flat.dtype, x).t()
        _products(factors, grad.to(flat.dtype).t(), dscores.t())
    elif need_scores:
        dscores = _empty(tuple(flat.shape), flat.dtype, x)
        _products(grad.to(flat.dtype), factors.t(), dscores)
    if by_softmax or need_dx:
        rows = max(1, min(flat.shape[0], BLOCK // flat.shape[1]))
        shape = (flat.shape[1], rows) if columns else (rows, flat.shape[1])
        block = _empty(shape, dtype, x)
        for begin in range(0, flat.shape[0], rows):
            part = slice(begin, begin + rows)
            count = len(flat[part])
            shares = block[:, :count].t() if columns else block[:count]
            torch.softmax(torch.div(flat[part], temperature, out=shares), dim=1, out=shares)
            if dvalues is not None:
                dvalues.addmm_(shares.t(), grad[part])
            if dscores is not None and by_softmax:
                dots = dscores[part]
                dots.sub_((shares * dots).sum(1, keepdim=True)).mul_(shares).div_(temperature)
    dx = x.new_empty(0) if dvalues is None else torch.zeros_like(x).index_copy_(0, places, dvalues.to(x.dtype))
    if dscores is None:
        return dx, scores.new_empty(0)
    return dx, dscores.view(scores.shape)


def _products(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write the product of two matrices of one dtype to `out`."""
    if out.device.type == "cpu" and out.dtype in (torch.float32, torch.float64):
        cpu.products(a.contiguous(), b.contiguous(), out)
    else:
        torch.mm(a, b, out=out)


def _empty(shape: tuple[int, ...], dtype: torch.dtype, like: Tensor) -> Tensor:
    """Memory on the device of `like`; on the CPU that of an earlier step: fresh pages cost more than the arithmetic."""
    return memory.empty(shape, dtype) if like.device.type == "cpu" else like.new_empty(shape, dtype=dtype)
