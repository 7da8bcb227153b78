"""The logistic function as torch sees it: torch's own, written to memory that an earlier step has left."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS
from lutsmith.kernels.training.logistic import naive
from lutsmith.kernels.training.operators import call, define


def logistic(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """s(logits / temperature), s the logistic function.

    `logits` are float32, float64 or bfloat16, of any shape. Returns the same shape and dtype, differentiable once.
    Raises ValueError when dtype or temperature do not fit.
    """
    out: Tensor = call("logistic", logits, temperature)
    return out


def _check(logits: Tensor, temperature: float) -> None:
    if logits.dtype not in FLOATS:
        raise ValueError(f"logits are {logits.dtype}; expected float32, float64 or bfloat16")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number")


def _check_backward(grad: Tensor, out: Tensor, temperature: float) -> None:
    _check(out, temperature)
    if grad.shape != out.shape:
        raise ValueError(f"grad has shape {tuple(grad.shape)}; expected that of the result, {tuple(out.shape)}")


def _logistic(logits: Tensor, temperature: float) -> Tensor:
    out = memory.empty(logits.shape, logits.dtype)
    scaled = logits if temperature == 1 else torch.div(logits, temperature, out=out)
    return torch.sigmoid(scaled, out=out)


def _backward(grad: Tensor, out: Tensor, temperature: float) -> Tensor:
    found = memory.empty(out.shape, out.dtype)
    torch.ops.aten.sigmoid_backward.grad_input(grad.to(out.dtype), out, grad_input=found)
    return found if temperature == 1 else found.div_(temperature)


def _fake(logits: Tensor, temperature: float) -> Tensor:
    return torch.empty(logits.shape, dtype=logits.dtype, device=logits.device)


def _fake_backward(grad: Tensor, out: Tensor, temperature: float) -> Tensor:
    return torch.empty(out.shape, dtype=out.dtype, device=out.device)


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    return call("logistic_backward", grad, *ctx.saved_tensors, ctx.temperature), None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.temperature = inputs[1]
    ctx.save_for_backward(output)


define(
    "logistic(Tensor logits, float temperature) -> Tensor",
    check=_check,
    cpu=_logistic,
    other=naive.logistic,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    "logistic_backward(Tensor grad, Tensor out, float temperature) -> Tensor",
    check=_check_backward,
    cpu=_backward,
    other=naive.logistic_backward,
    fake=_fake_backward,
)
