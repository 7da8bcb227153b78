"""The operations as torch sees them: one `torch.library.custom_op` each, with fake, CPU, other devices and autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels import reference
from lutsmith.kernels.wiring import Wiring, check, check_ranges

__all__ = ["Wiring", "encode", "fold", "lookup"]


def fold(x: Tensor, tables: Tensor, wiring: Wiring) -> Tensor:
    """Evaluate every LUT at soft inputs: the multilinear extension of its table (math.md, fold).

    Args:
        x: (F, B) activations in [0, 1], feature-major; float32, float64 or bfloat16 (computed in float32).
        tables: (T, 2**n) table entries, entry a at address a = sum_j x_j 2^j.
        wiring: what the W LUTs read; see `Wiring`.

    Returns:
        (W, B) in x's dtype. Differentiable in x, tables and wiring.scores, once.

    Raises:
        ValueError: shapes, dtypes, devices or indices do not fit.
    """
    check(x, tables, wiring)
    out: Tensor = _fold(x, tables, *wiring)
    return out


def lookup(x: Tensor, tables: Tensor, wiring: Wiring, rho: float = 0.5) -> Tensor:
    """Evaluate every LUT as hardware does, by address, with a smoothed gradient (math.md, lookup).

    The gradient toward the inputs is rho times the fold's at (1 - rho)/2 + rho x, where x is the thresholded input;
    the gradient of the tables is one-hot. rho = 1/2 is DWN's extended finite difference.

    Args:
        x: (F, B) activations, read as x > 1/2; otherwise as in `fold`.
        tables: (T, 2**n) table entries.
        wiring: what the W LUTs read.
        rho: contraction of the point where the gradient is taken, in (0, 1].

    Returns:
        (W, B) in x's dtype, each value an entry of the table.

    Raises:
        ValueError: shapes, dtypes, devices or indices do not fit, or rho is outside of (0, 1].
    """
    check(x, tables, wiring)
    if not 0 < rho <= 1:
        raise ValueError(f"rho is {rho}; expected a number in (0, 1]")
    out: Tensor = _lookup(x, tables, *wiring, rho)
    return out


def encode(x: Tensor, thresholds: Tensor, inner: int = 1) -> Tensor:
    """Compare numbers with thresholds: the thermometer code, feature-major.

    Args:
        x: (N, F) numbers of any real dtype, sample-major, compared as float32.
        thresholds: (F, z) float32.
        inner: features per channel that a thermometer bit keeps together: H*W for images, 1 for tables.

    Returns:
        (F * z, N) float32 of 0 and 1; the row of feature f and bit b is (f // inner) z inner + b inner + f % inner.
        Strict x > t; NaN gives 0. No gradient.

    Raises:
        ValueError: shapes or dtypes do not fit, or inner does not divide F.
    """
    if x.ndim != 2 or x.dtype.is_complex:
        raise ValueError(f"x is {x.dtype} of shape {tuple(x.shape)}; expected real numbers (samples, features)")
    if thresholds.ndim != 2 or thresholds.shape[0] != x.shape[1] or thresholds.dtype != torch.float32:
        raise ValueError(
            f"thresholds are {thresholds.dtype} of shape {tuple(thresholds.shape)}; expected float32 of shape "
            f"({x.shape[1]}, bits) because x has {x.shape[1]} features"
        )
    if inner < 1 or x.shape[1] % inner:
        raise ValueError(f"inner is {inner}; expected a divisor of the {x.shape[1]} features")
    out: Tensor = _encode(x.detach(), thresholds.detach(), inner)
    return out


@torch.library.custom_op("lutsmith::fold", mutates_args=())
def _fold(
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
) -> Tensor:
    wiring = Wiring(inputs, table_ptr, candidates, scores, temperature, rule)
    check_ranges(x.shape[0], wiring)
    return reference.fold(x, tables, wiring)


@_fold.register_fake
def _(x: Tensor, tables: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.new_empty((inputs.shape[0], x.shape[1]))


@torch.library.custom_op("lutsmith::fold_backward", mutates_args=())
def _fold_backward(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    need_dx: bool,
    need_dt: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    wiring = Wiring(inputs, table_ptr, candidates, scores, temperature, rule)
    gradients = reference.fold_backward(grad, x, tables, wiring, dx=need_dx, dt=need_dt, dscores=need_scores)
    empty = [x.new_empty(0) if gradient is None else gradient for gradient in gradients]
    return empty[0], empty[1], empty[2]


@_fold_backward.register_fake
def _(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    need_dx: bool,
    need_dt: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.empty_like(x) if need_dx else x.new_empty(0),
        torch.empty_like(tables) if need_dt else x.new_empty(0),
        torch.empty_like(scores) if need_scores and scores is not None else x.new_empty(0),
    )


def _fold_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.options = inputs[6:]


def _fold_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    need = ctx.needs_input_grad
    dx, dt, dscores = _fold_backward(grad, *ctx.saved_tensors, *ctx.options, need[0], need[1], need[5])
    return (
        dx if need[0] else None,
        dt if need[1] else None,
        None,
        None,
        None,
        dscores if need[5] else None,
        None,
        None,
    )


_fold.register_autograd(_fold_gradient, setup_context=_fold_setup)


@torch.library.custom_op("lutsmith::lookup", mutates_args=())
def _lookup(
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    rho: float,
) -> Tensor:
    wiring = Wiring(inputs, table_ptr, candidates, scores, temperature, rule)
    check_ranges(x.shape[0], wiring)
    return reference.lookup(x, tables, wiring)


@_lookup.register_fake
def _(x: Tensor, tables: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.new_empty((inputs.shape[0], x.shape[1]))


@torch.library.custom_op("lutsmith::lookup_backward", mutates_args=())
def _lookup_backward(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    rho: float,
    need_dx: bool,
    need_dt: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    wiring = Wiring(inputs, table_ptr, candidates, scores, temperature, rule)
    gradients = reference.lookup_backward(grad, x, tables, wiring, rho, dx=need_dx, dt=need_dt, dscores=need_scores)
    empty = [x.new_empty(0) if gradient is None else gradient for gradient in gradients]
    return empty[0], empty[1], empty[2]


@_lookup_backward.register_fake
def _(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    rho: float,
    need_dx: bool,
    need_dt: bool,
    need_scores: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.empty_like(x) if need_dx else x.new_empty(0),
        torch.empty_like(tables) if need_dt else x.new_empty(0),
        torch.empty_like(scores) if need_scores and scores is not None else x.new_empty(0),
    )


def _lookup_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    need = ctx.needs_input_grad
    dx, dt, dscores = _lookup_backward(grad, *ctx.saved_tensors, *ctx.options, need[0], need[1], need[5])
    fixed = (None, None, None)
    return (dx if need[0] else None, dt if need[1] else None, *fixed, dscores if need[5] else None, *fixed)


_lookup.register_autograd(_lookup_gradient, setup_context=_fold_setup)


@torch.library.custom_op("lutsmith::encode", mutates_args=())
def _encode(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    return reference.encode(x, thresholds, inner)


@_encode.register_fake
def _(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    return thresholds.new_empty((thresholds.numel(), x.shape[0]))
