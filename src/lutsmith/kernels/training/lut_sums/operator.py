"""Sums of LUTs as torch sees them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.ground.arguments import one_of
from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.lut_sums import cpu, naive
from lutsmith.kernels.training.lut_sums.naive import KINDS, Neurons
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import MAX_RANK, in_planes, in_range

NEURONS = "Tensor inputs, SymInt outputs, str points, str entries, Tensor? places, SymInt plane, float outside"


def lut_sums(x: Tensor, tables: Tensor, neurons: Neurons) -> Tensor:
    """Neurons that add up LUTs: each output is the sum of its own LUTs' entries at its inputs.

    `x` holds (F, B) numbers, feature-major; `tables` (outputs * luts, 2**n) entries, output by output, entry a at the
    address a = sum_j [x_j > 0] 2^j; `neurons` says what they read, and as what. Inputs and entries are -1 and 1 as bits
    (1 where the number is > 0), or their signs, in which 0 is 0, or real numbers. Between the corners of [-1, 1]^n a
    LUT is multilinear: with inputs that are 0 it gives the mean of the entries that they leave open.

    Returns (outputs * P, B), in float64 if x or tables are, else in float32; exact where both are bits or signs.
    Differentiable once in x and tables: the slope of the table goes straight through the sign of x, and what an entry
    gets through its sign, unless that would lead an entry beyond -1 or 1 further away. No tensor has an element for
    each LUT and sample. Raises ValueError where shapes, dtypes or devices do not fit, or, on the CPU, indices.
    """
    out: Tensor = call("lut_sums", x, tables, *neurons)
    return out


def _check(x: Tensor, tables: Tensor, *rest: Any) -> None:
    inputs, outputs, points, entries, places, plane, _ = rest
    if x.ndim != 2 or x.dtype not in FLOATS or tables.dtype not in FLOATS:
        raise ValueError(
            f"x is {x.dtype} of shape {tuple(x.shape)} and tables are {tables.dtype}; expected float32, float64 or "
            "bfloat16, x of shape (features, batch)"
        )
    one_of("points", points, KINDS)
    one_of("entries", entries, KINDS)
    if inputs.ndim != 2 or inputs.dtype != torch.int32 or not 1 <= inputs.shape[1] <= MAX_RANK:
        raise ValueError(
            f"inputs is {inputs.dtype} of shape {tuple(inputs.shape)}; expected int32 (LUTs, rank), rank 1 to "
            f"{MAX_RANK}"
        )
    if tables.ndim != 2 or tables.shape[1] != 1 << inputs.shape[1]:
        raise ValueError(f"tables have shape {tuple(tables.shape)}; expected (LUTs, {1 << inputs.shape[1]})")
    luts = tables.shape[0]
    if outputs < 1 or luts % outputs or inputs.shape[0] not in (luts, luts // outputs):
        raise ValueError(
            f"{inputs.shape[0]} rows of inputs and {luts} tables for {outputs} outputs; expected as many tables for "
            "each output, and inputs for all LUTs or for those of one output"
        )
    if places is not None and (places.ndim != 2 or places.dtype != torch.int32):
        raise ValueError(f"places is {places.dtype} of shape {tuple(places.shape)}; expected int32 (taps, places)")
    if plane < 1 or x.shape[0] % plane or (places is None and plane != 1):
        raise ValueError(f"plane is {plane} and x has {x.shape[0]} rows; expected a number of pixels that divides")


def _safe(x: Tensor, neurons: Neurons) -> Neurons:
    """The same in the memory that kernels expect; ValueError where an index points elsewhere."""
    places = neurons.places
    features = x.shape[0] if places is None else x.shape[0] // neurons.plane * places.shape[0]
    inputs = in_range("inputs", neurons.inputs, features)
    return neurons._replace(inputs=inputs, places=None if places is None else in_planes(places, neurons.plane))


def _read(x: Tensor, tables: Tensor, neurons: Neurons) -> tuple[Tensor, Tensor, int]:
    """What the kernels take: x and tables as they are, and tables as bits; or points from 0 to 1, and numbers."""
    dtype = compute_dtype(x, tables)
    rows, own = dense(x, dtype), dense(tables, dtype)
    if bits := cpu.pack(rows, own, neurons):
        return rows, own, bits
    return (naive.read_as(neurons.points, rows) + 1) / 2, naive.read_as(neurons.entries, own), 0


def _shape(x: Tensor, neurons: Neurons) -> tuple[int, int]:
    return neurons.outputs * (1 if neurons.places is None else neurons.places.shape[1]), x.shape[1]


def _sums(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    neurons = _safe(x, Neurons(*rest))
    out = memory.empty(_shape(x, neurons), compute_dtype(x, tables))
    cpu.sums(*_read(x, tables, neurons), neurons, out)
    return out


def _other(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return naive.lut_sums(x, tables, Neurons(*rest))


def _fake(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return x.new_empty(_shape(x, Neurons(*rest)), dtype=compute_dtype(x, tables))


def _check_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> None:
    _check(x, tables, *rest[:7])
    expected = _shape(x, Neurons(*rest[:7]))
    if grad.shape != expected or grad.dtype not in FLOATS:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected floats of shape {expected}")


def _backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    neurons, dtype = _safe(x, Neurons(*rest[:7])), compute_dtype(x, tables)
    dx, dt = (memory.empty(t.shape, dtype) if need else None for t, need in zip((x, tables), rest[7:], strict=True))
    rows, own, bits = _read(x, tables, neurons)
    cpu.backward(dense(grad, dtype), rows, own, bits, neurons, dx, dt)
    if not bits:
        if dx is not None:
            dx /= 2
        if dt is not None and neurons.entries != "real":
            dt = naive.inward(dt, tables)
    return _or_empty(dx, x), _or_empty(dt, tables)


def _other_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    dx, dt = naive.lut_sums_backward(grad, x, tables, Neurons(*rest[:7]), rest[7:])
    return _or_empty(dx, x), _or_empty(dt, tables)


def _or_empty(gradient: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0) if gradient is None else gradient.to(like.dtype)


def _fake_backward(_: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    dx, dt = (t.new_empty(t.shape if need else 0) for t, need in zip((x, tables), rest[7:], strict=True))
    return dx, dt


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3], inputs[6])
    ctx.options = inputs[3:6], inputs[7:]


def _gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *tensors, places = ctx.saved_tensors
    need = ctx.needs_input_grad[:2]
    found = call("lut_sums_backward", grad, *tensors, *ctx.options[0], places, *ctx.options[1], *need)
    return *(value if wanted else None for value, wanted in zip(found, need, strict=True)), *[None] * 7


define(
    f"lut_sums(Tensor x, Tensor tables, {NEURONS}) -> Tensor",
    check=_check,
    cpu=_sums,
    other=_other,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    f"lut_sums_backward(Tensor grad, Tensor x, Tensor tables, {NEURONS}, bool need_dx, bool need_dt) -> "
    "(Tensor, Tensor)",
    check=_check_backward,
    cpu=_backward,
    other=_other_backward,
    fake=_fake_backward,
)
