"""Reading the best-scored inputs as torch sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.arguments import in_columns
from lutsmith.kernels.training.dtypes import FLOATS
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.read_best import blocks, naive
from lutsmith.kernels.training.reads import RULES, in_range


def read_best(x: Tensor, scores: Tensor, places: Tensor, inputs: Tensor, temperature: float, rule: str) -> Tensor:
    """Rows of x, with the gradients that DWN or the softmax gives to x and to the scores of all inputs.

    Args:
        x: `(F, B)`, float32, float64 or bfloat16.
        scores: `(W, n, usable inputs)`, of a float dtype as well.
        places: the rows of x that have scores, int64, ascending.
        inputs: the rows that are read, `W n` elements, int32.
        temperature: of the softmax.
        rule: `"dwn"` or `"softmax"`.

    Returns:
        `(W n, B)` in x's dtype, differentiable once in x and scores.

    Raises:
        ValueError: shapes, dtypes or, on the CPU, inputs that do not fit.
    """
    out: Tensor = call("read_best", x, scores, places, inputs, temperature, rule)
    return out


def _check_scores(x: Tensor, scores: Tensor, places: Tensor, temperature: float, rule: str) -> None:
    if x.ndim != 2 or x.dtype not in FLOATS or scores.ndim != 3 or scores.dtype not in FLOATS or not scores.shape[2]:
        raise ValueError(
            f"x is {x.dtype} of shape {tuple(x.shape)} and scores {scores.dtype} of shape {tuple(scores.shape)}; "
            "expected floats, (features, batch) and (luts, rank, usable inputs)"
        )
    if tuple(places.shape) != (scores.shape[2],) or places.dtype != torch.int64:
        raise ValueError(
            f"places are {places.dtype} of shape {tuple(places.shape)}; expected int64, one for each of the "
            f"{scores.shape[2]} inputs with scores"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number")
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}; expected one of {', '.join(RULES)}")


def _check(x: Tensor, scores: Tensor, places: Tensor, inputs: Tensor, temperature: float, rule: str) -> None:
    _check_scores(x, scores, places, temperature, rule)
    slots = scores.shape[0] * scores.shape[1]
    if inputs.numel() != slots or inputs.dtype != torch.int32:
        raise ValueError(
            f"inputs are {inputs.dtype} of shape {tuple(inputs.shape)}; expected int32, one for each of {slots} slots"
        )


def _check_backward(grad: Tensor, x: Tensor, scores: Tensor, *rest: Any) -> None:
    _check_scores(x, scores, *rest[:3])
    if grad.shape != (scores.shape[0] * scores.shape[1], x.shape[1]) or grad.dtype not in FLOATS:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected that of the rows that were read")


def _read(x: Tensor, _scores: Tensor, _places: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.index_select(0, in_range("inputs", inputs, x.shape[0]).flatten())


def _other(x: Tensor, _scores: Tensor, _places: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return naive.read_best(x, inputs)


def _fake(x: Tensor, _scores: Tensor, _places: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.new_empty((inputs.numel(), x.shape[1]))


def _fake_backward(_: Tensor, x: Tensor, scores: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    need_dx, need_scores = rest[-2:]
    dx = torch.empty_like(x) if need_dx else x.new_empty(0)
    if not need_scores:
        return dx, scores.new_empty(0)
    luts, rank, inputs = scores.shape
    if in_columns(scores):
        return dx, scores.new_empty((inputs, luts, rank)).permute(1, 2, 0)
    return dx, scores.new_empty(scores.shape)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, scores, places, _, ctx.temperature, ctx.rule = inputs
    ctx.save_for_backward(x, scores, places)


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    wanted = ctx.needs_input_grad[:2]
    gradients = call("read_best_backward", grad, *ctx.saved_tensors, ctx.temperature, ctx.rule, *wanted)
    dx, dscores = (value if want else None for value, want in zip(gradients, wanted, strict=True))
    return dx, dscores, None, None, None, None


_OPTIONS = "float temperature, str rule"
define(
    f"read_best(Tensor x, Tensor scores, Tensor places, Tensor inputs, {_OPTIONS}) -> Tensor",
    check=_check,
    cpu=_read,
    other=_other,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    f"read_best_backward(Tensor grad, Tensor x, Tensor scores, Tensor places, {_OPTIONS}, bool dx, bool ds) -> "
    "(Tensor, Tensor)",
    check=_check_backward,
    cpu=blocks.backward,
    other=blocks.backward,
    fake=_fake_backward,
)
