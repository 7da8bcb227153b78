"""The tables of mixed gates as torch sees them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.gates import cpu, naive
from lutsmith.kernels.training.operators import call, define


def gates(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Tables of two inputs from logits of the sixteen gates: p_k = sum of s_g over the gates g whose bit k is set,
    s = softmax(logits / temperature).

    `logits` are (T, 16), float32, float64 or bfloat16 (computed in float32); gate g is the one whose table, read as an
    integer, is g. Returns (T, 4) in their dtype, differentiable once. Raises ValueError when shape, dtype or
    temperature do not fit.
    """
    out: Tensor = call("gates", logits, temperature)
    return out


def _check(logits: Tensor, temperature: float) -> None:
    if logits.ndim != 2 or logits.shape[1] != 16 or logits.dtype not in FLOATS:
        raise ValueError(
            f"logits are {logits.dtype} of shape {tuple(logits.shape)}; expected float32, float64 or bfloat16 of "
            "shape (tables, 16)"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number")


def _check_backward(grad: Tensor, logits: Tensor, temperature: float) -> None:
    _check(logits, temperature)
    if grad.shape != (logits.shape[0], 4) or grad.dtype not in FLOATS:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected that of the tables")


def _gates(logits: Tensor, temperature: float) -> Tensor:
    dtype = compute_dtype(logits)
    out = memory.empty((logits.shape[0], 4), dtype)
    cpu.gate_tables(dense(logits, dtype), temperature, out)
    return out.to(logits.dtype)


def _fake(logits: Tensor, temperature: float) -> Tensor:
    return logits.new_empty((logits.shape[0], 4))


def _backward(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    dtype = compute_dtype(logits)
    out = memory.empty(logits.shape, dtype)
    cpu.gate_gradient(dense(grad, dtype), dense(logits, dtype), temperature, out)
    return out.to(logits.dtype)


def _fake_backward(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    return logits.new_empty(logits.shape)


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    return call("gates_backward", grad, *ctx.saved_tensors, ctx.temperature), None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    logits, ctx.temperature = inputs
    ctx.save_for_backward(logits)


define(
    "gates(Tensor logits, float temperature) -> Tensor",
    check=_check,
    cpu=_gates,
    other=naive.gates,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    "gates_backward(Tensor grad, Tensor logits, float temperature) -> Tensor",
    check=_check_backward,
    cpu=_backward,
    other=naive.gates_backward,
    fake=_fake_backward,
)
