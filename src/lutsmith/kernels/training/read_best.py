"""Rows of the best-scored inputs, with gradients for the scores of all inputs, a block of their softmax at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory

CHUNK = 1 << 21  # scores whose softmax is in memory at a time


def _empty(shape: tuple[int, ...], dtype: torch.dtype, like: Tensor) -> Tensor:
    """Memory on the device of `like`; on the CPU that of an earlier step: fresh pages cost more than the arithmetic."""
    return memory.empty(shape, dtype) if like.device.type == "cpu" else like.new_empty(shape, dtype=dtype)


def read_best(x: Tensor, scores: Tensor, places: Tensor, inputs: Tensor, temperature: float, rule: str) -> Tensor:
    """Rows of x, with the gradients that DWN or the softmax gives to x and to the scores of all inputs.

    Args:
        x: `(F, B)`, float32, float64 or bfloat16.
        scores: `(W, n, usable inputs)`, contiguous.
        places: the rows of x that have scores, int64, ascending.
        inputs: the rows that are read, `W n` elements, int32.
        temperature: of the softmax.
        rule: `"dwn"` or `"softmax"`.

    Returns:
        `(W n, B)` in x's dtype.
    """
    out: Tensor = torch.ops.lutsmith.read_best.default(x, scores, places, inputs, temperature, rule)
    return out


def _read(x: Tensor, _scores: Tensor, _places: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.index_select(0, inputs.flatten())


def _fake_read(x: Tensor, _scores: Tensor, _places: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.new_empty((inputs.numel(), x.shape[1]))


def _backward(
    grad: Tensor,
    x: Tensor,
    scores: Tensor,
    places: Tensor,
    temperature: float,
    rule: str,
    need_dx: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor]:
    """The gradients of x and scores; an empty tensor for one that is not needed."""
    dtype = torch.float64 if torch.float64 in (x.dtype, scores.dtype) else torch.float32
    grad = grad.to(dtype)
    flat = scores.view(-1, scores.shape[2])
    values = (x if len(places) == x.shape[0] else x[places]).to(dtype)
    by_softmax = rule == "softmax"
    dscores = _empty(flat.shape, flat.dtype, x) if need_scores else None
    dvalues = torch.zeros_like(values) if need_dx else None
    factors = (values if by_softmax else 2 * values - 1).t().to(flat.dtype)
    rows = max(1, min(flat.shape[0], CHUNK // flat.shape[1]))
    chunk = _empty((rows, flat.shape[1]), dtype, x)
    for begin in range(0, flat.shape[0], rows):
        part = slice(begin, begin + rows)
        slopes, shares = grad[part], chunk[: len(flat[part])]
        if need_dx or by_softmax:
            torch.softmax(torch.div(flat[part], temperature, out=shares), dim=1, out=shares)
        if dvalues is not None:
            dvalues.addmm_(shares.t(), slopes)
        if dscores is not None:
            dots = torch.mm(slopes.to(flat.dtype), factors, out=dscores[part])
            if by_softmax:
                dots.sub_((shares * dots).sum(1, keepdim=True)).mul_(shares).div_(temperature)
    dx = x.new_empty(0) if dvalues is None else torch.zeros_like(x).index_copy_(0, places, dvalues.to(x.dtype))
    return dx, scores.new_empty(0) if dscores is None else dscores.view_as(scores)


def _fake_backward(_: Tensor, x: Tensor, scores: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    need_dx, need_scores = rest[-2:]
    dx = torch.empty_like(x) if need_dx else x.new_empty(0)
    return dx, scores.new_empty(scores.shape) if need_scores else scores.new_empty(0)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, scores, places, _, ctx.temperature, ctx.rule = inputs
    ctx.save_for_backward(x, scores, places)


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    wanted = ctx.needs_input_grad[:2]
    backward = torch.ops.lutsmith.read_best_backward.default
    gradients = backward(grad, *ctx.saved_tensors, ctx.temperature, ctx.rule, *wanted)
    dx, dscores = (value if want else None for value, want in zip(gradients, wanted, strict=True))
    return dx, dscores, None, None, None, None


_OPTIONS = "float temperature, str rule"
_library: Any = torch.library.Library("lutsmith", "FRAGMENT")  # type: ignore[no-untyped-call]
for _name, _signature, _kernel, _fake in (
    ("read_best", f"(Tensor x, Tensor scores, Tensor places, Tensor inputs, {_OPTIONS}) -> Tensor", _read, _fake_read),
    (
        "read_best_backward",
        f"(Tensor grad, Tensor x, Tensor scores, Tensor places, {_OPTIONS}, bool dx, bool ds) -> (Tensor, Tensor)",
        _backward,
        _fake_backward,
    ),
):
    _library.define(_name + _signature)
    _library.impl(_name, _kernel, "CompositeExplicitAutograd")
    torch.library.register_fake(f"lutsmith::{_name}", _fake, lib=_library)
torch.library.register_autograd("lutsmith::read_best", _gradient, setup_context=_save, lib=_library)
