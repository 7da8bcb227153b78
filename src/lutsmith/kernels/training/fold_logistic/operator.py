"""The logistic function of the fold as torch sees it.

Apart, the fold's result and its gradient would be written and read once more: at rank 2 that is a fifth of a step.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.fold.operator import (
    GRADIENTS,
    NEED,
    READS,
    Three,
    check_backward,
    differentiate,
    evaluate,
    fake,
    fake_backward,
    results,
)
from lutsmith.kernels.training.fold_logistic import naive
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import Reads, check


def fold_logistic(x: Tensor, tables: Tensor, reads: Reads, tau: float = 1.0) -> Tensor:
    """s(fold / tau), s the logistic function.

    Arguments and errors are those of `fold`, but that `reads` have no places; `tau` is positive. Returns (W, B) in x's
    dtype, differentiable once in x, tables and reads.scores.
    """
    out: Tensor = call("fold_logistic", x, tables, *reads, tau)
    return out


def _check(x: Tensor, tables: Tensor, inputs: Tensor, *rest: Any) -> None:
    check(x, tables, inputs, *rest[:7])
    if rest[5] is not None:
        raise ValueError("reads have places; expected none: take fold and logistic")
    if not rest[7] > 0:
        raise ValueError(f"tau is {rest[7]}; expected a positive number")


def _check_backward(grad: Tensor, out: Tensor, x: Tensor, tables: Tensor, inputs: Tensor, *rest: Any) -> None:
    _check(x, tables, inputs, *rest[:8])
    check_backward(grad, x, tables, inputs, *rest[:7])
    if out.shape != grad.shape or out.dtype != x.dtype:
        raise ValueError(f"out is {out.dtype} of shape {tuple(out.shape)}; expected {x.dtype} of {tuple(grad.shape)}")


def _forward(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    def run(x: Tensor, tables: Tensor, reads: Reads, out: Tensor) -> None:
        cpu.fold_logistic(x, tables, reads, rest[8], out)

    return evaluate(x, tables, Reads(*rest[:8]), run)


def _other(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return naive.fold_logistic(x, tables, Reads(*rest[:8]), rest[8])


def _fake(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return fake(x, tables, *rest[:8])


def _backward(grad: Tensor, out: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return differentiate(grad, x, tables, Reads(*rest[:8]), None, rest[9:], (out, rest[8]))


def _other_backward(grad: Tensor, out: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    reads = Reads(*rest[:8])
    found = naive.fold_logistic_backward(grad, out, x, tables, reads, rest[8], rest[9:])
    return results(x, (x, tables, reads.scores), found)


def _fake_backward(grad: Tensor, _: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return fake_backward(grad, x, tables, *rest)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(output, *inputs[:6])
    ctx.options = inputs[6:]


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    need = ctx.needs_input_grad
    wanted = need[0], need[1], need[5]
    gradients = call("fold_logistic_backward", grad, *ctx.saved_tensors, *ctx.options, *wanted)
    dx, dt, dscores = (value if want else None for value, want in zip(gradients, wanted, strict=True))
    return dx, dt, None, None, None, dscores, *[None] * (len(need) - 6)


define(
    f"fold_logistic(Tensor x, Tensor tables, {READS}, float tau) -> Tensor",
    check=_check,
    cpu=_forward,
    other=_other,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    f"fold_logistic_backward(Tensor grad, Tensor out, Tensor x, Tensor tables, {READS}, float tau, {NEED}) -> "
    f"{GRADIENTS}",
    check=_check_backward,
    cpu=_backward,
    other=_other_backward,
    fake=_fake_backward,
)
