"""The operations as torch sees them, each with a CPU kernel, the reference for other devices, a fake and a gradient.

They are defined through `torch.library.Library`, whose calls cost less than those of `torch.library.custom_op`;
`torch.library.opcheck` holds for both alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import choice, cpu, memory, reference
from lutsmith.kernels.training.wiring import FLOATS, Wiring, check, check_ranges, remember_choice

__all__ = ["Wiring", "best", "choose", "encode", "fold", "gates", "lookup", "mix"]

_WIRES = "Tensor inputs, Tensor? table_ptr, Tensor? candidates, Tensor? scores, float temperature, str rule"
_NEED = "bool need_dx, bool need_dt, bool need_scores"
# The operations live as long as the library object.
_library = torch.library.Library("lutsmith", "DEF")  # type: ignore[no-untyped-call]


def fold(x: Tensor, tables: Tensor, wiring: Wiring) -> Tensor:
    """Evaluate every LUT at soft inputs: sum_k p_k prod_j x_j^k_j (1 - x_j)^(1 - k_j), the table's multilinear
    extension.

    `x` holds (F, B) activations in [0, 1], feature-major; `tables` (T, 2**n) entries, entry a at address
    a = sum_j x_j 2^j; `wiring` says what the W LUTs read. All are float32, float64 or bfloat16 (computed in float32).
    Returns (W, B) in x's dtype, differentiable once in x, tables and wiring.scores. Raises ValueError when shapes,
    dtypes, devices or indices do not fit.
    """
    check(x, tables, wiring)
    out: Tensor = torch.ops.lutsmith.fold.default(x, tables, *wiring)
    return out


def lookup(x: Tensor, tables: Tensor, wiring: Wiring, rho: float = 0.5) -> Tensor:
    """Evaluate every LUT as hardware does, by address, with a smoothed gradient.

    An input counts as x > 1/2. The gradient toward the inputs is rho times that of `fold` at (1 - rho)/2 + rho x, x
    being the thresholded input; that of the tables is one-hot. rho, in (0, 1], = 1/2 is DWN's extended finite
    difference (Bacellar et al., 2024). Shapes, dtypes and errors as in `fold`; the result's values are entries of
    the tables.
    """
    check(x, tables, wiring)
    if not 0 < rho <= 1:
        raise ValueError(f"rho is {rho}; expected a number above 0, at most 1")
    out: Tensor = torch.ops.lutsmith.lookup.default(x, tables, *wiring, rho)
    return out


def encode(x: Tensor, thresholds: Tensor, inner: int = 1) -> Tensor:
    """Compare numbers with thresholds: the thermometer code, feature-major.

    `x` holds (N, F) real numbers, sample-major; `thresholds` (F, z) float32. Both are compared as float32, strictly
    x > t; NaN gives 0. Returns (F * z, N) float32 of 0 and 1 without gradient; the row of feature f and bit b is
    (f // inner) z inner + b inner + f % inner, so that `inner` = H W keeps the bits of an image's channel together.
    Raises ValueError when shapes or dtypes do not fit or inner does not divide F.
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
    if thresholds.device != x.device:
        raise ValueError(
            f"x is on {x.device} and thresholds on {thresholds.device}; move both to one device with .to()"
        )
    out: Tensor = torch.ops.lutsmith.encode.default(x.detach(), thresholds.detach(), inner)
    return out


def choose(scores: Tensor, candidates: Tensor) -> Tensor:
    """The input that each slot of a learned LUT reads now: its best-scored candidate that no earlier slot has taken.

    `scores` (W, n, K), of any float dtype; `candidates` (W, n, K) int32. Returns (W, n) int32. No gradient.
    Raises ValueError when shapes or dtypes do not fit or K is 0.
    """
    if scores.ndim != 3 or scores.shape != candidates.shape or not scores.shape[2] or candidates.dtype != torch.int32:
        raise ValueError(
            f"scores have shape {tuple(scores.shape)} and candidates are {candidates.dtype} of shape "
            f"{tuple(candidates.shape)}; expected int32 candidates and scores of one shape (luts, rank, K), K >= 1"
        )
    out: Tensor = torch.ops.lutsmith.choose.default(scores.detach(), candidates)
    return out


def best(scores: Tensor, *, unique: bool) -> Tensor:
    """The input that each slot of a LUT with a score for every input reads now: that of its highest score.

    `scores` (W, n, F), of any float dtype. With `unique`, slot by slot the best one that no earlier slot of the LUT has
    taken. Returns (W, n) int32. No gradient. Raises ValueError where there are no inputs, or fewer than n for `unique`.
    """
    if scores.ndim != 3 or scores.shape[2] < (scores.shape[1] if unique else 1):
        raise ValueError(
            f"scores have shape {tuple(scores.shape)}; expected (luts, rank, inputs), inputs for each slot"
        )
    out: Tensor = torch.ops.lutsmith.best.default(scores.detach(), unique)
    return out


def mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float = 1.0) -> Tensor:
    """What soft connections read: for each slot the mean of its candidates' rows, weighted by softmax(scores / tau).

    `x` holds (F, B) activations, float32, float64 or bfloat16 (computed in float32); `candidates` (W, n, K) int32 rows
    of x; `scores` (W, n, K). Returns (W n, B) in x's dtype, differentiable once in x and scores. Raises ValueError when
    shapes, dtypes or indices do not fit.
    """
    if candidates.ndim != 3 or scores.shape != candidates.shape:
        raise ValueError(
            f"candidates have shape {tuple(candidates.shape)} and scores {tuple(scores.shape)}; expected one shape "
            "(luts, rank, K)"
        )
    slots = candidates.shape[0] * candidates.shape[1]
    check(x, _identity(x), _passing(candidates.reshape(slots, 1, -1), scores.reshape(slots, 1, -1), temperature))
    out: Tensor = torch.ops.lutsmith.mix.default(x, candidates, scores, temperature)
    return out


def gates(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Tables of two inputs from logits of the sixteen gates: p_k = sum of s_g over the gates g whose bit k is set,
    s = softmax(logits / temperature).

    `logits` are (T, 16), float32, float64 or bfloat16 (computed in float32); gate g is the one whose table, read as an
    integer, is g. Returns (T, 4) in their dtype, differentiable once. Raises ValueError when shape, dtype or
    temperature do not fit.
    """
    if logits.ndim != 2 or logits.shape[1] != 16 or logits.dtype not in FLOATS:
        raise ValueError(
            f"logits are {logits.dtype} of shape {tuple(logits.shape)}; expected float32, float64 or bfloat16 of "
            "shape (tables, 16)"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number")
    out: Tensor = torch.ops.lutsmith.gates.default(logits, temperature)
    return out


def _identity(x: Tensor) -> Tensor:
    """The table of a LUT of rank 1 that passes its input."""
    return torch.arange(2, dtype=reference.compute_dtype(x, x), device=x.device).view(1, 2)


def _passing(candidates: Tensor, scores: Tensor, temperature: float) -> Wiring:
    """Slots `(W n, 1, K)` as LUTs of rank 1 that share one table: the gradient of a mix is that of their choice."""
    ends = torch.tensor([0, candidates.shape[0]], dtype=torch.int32, device=candidates.device)
    return Wiring(candidates[:, :, 0].contiguous(), ends, candidates, scores, temperature)


def _wires(wiring: Wiring, dtype: torch.dtype) -> cpu.Wires:
    inputs, table_ptr, candidates, scores, temperature, rule = wiring
    return cpu.Wires(
        inputs.contiguous(),
        None if table_ptr is None else table_ptr.contiguous(),
        None if candidates is None else candidates.contiguous(),
        None if scores is None else _dense(scores, dtype),
        temperature,
        rule,
    )


def _dense(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor if tensor.dtype == dtype and tensor.is_contiguous() else tensor.to(dtype).contiguous()


def _forward_cpu(x: Tensor, tables: Tensor, *wires: Any) -> Tensor:
    return _evaluate(x, tables, Wiring(*wires), cpu.fold)


def _lookup_cpu(x: Tensor, tables: Tensor, *wires: Any) -> Tensor:
    return _evaluate(x, tables, Wiring(*wires[:6]), cpu.lookup)


def _evaluate(x: Tensor, tables: Tensor, wiring: Wiring, kernel: Callable[..., None]) -> Tensor:
    check_ranges(x.shape[0], wiring)
    dtype = reference.compute_dtype(x, tables)
    out = memory.empty((wiring.inputs.shape[0], x.shape[1]), dtype)
    fixed = Wiring(wiring.inputs, wiring.table_ptr)
    kernel(_dense(x, dtype), _dense(tables, dtype), _wires(fixed, dtype), out)
    return out.to(x.dtype)


def _backward_cpu(
    grad: Tensor, x: Tensor, tables: Tensor, wires: tuple[Any, ...], rho: float | None, need: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    wiring = Wiring(*wires)
    dtype = reference.compute_dtype(x, tables)
    outputs = [
        memory.empty(tensor.shape, dtype) if wanted and tensor is not None else None
        for tensor, wanted in zip((x, tables, wiring.scores), need, strict=True)
    ]
    dense = _dense(grad, dtype), _dense(x, dtype), _dense(tables, dtype)
    cpu.backward(*dense, _wires(wiring, dtype), rho, outputs[0], outputs[1], outputs[2])
    return _results(x, (x, tables, wiring.scores), outputs)


def _results(x: Tensor, like: tuple[Tensor | None, ...], gradients: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients in the dtypes of what they belong to; an empty tensor for those that are not needed."""
    results = [
        x.new_empty(0) if gradient is None or tensor is None else gradient.to(tensor.dtype)
        for tensor, gradient in zip(like, gradients, strict=True)
    ]
    return results[0], results[1], results[2]


def _fold_other(x: Tensor, tables: Tensor, *wires: Any) -> Tensor:
    check_ranges(x.shape[0], Wiring(*wires))
    return reference.fold(x, tables, Wiring(*wires))


def _lookup_other(x: Tensor, tables: Tensor, *wires: Any) -> Tensor:
    check_ranges(x.shape[0], Wiring(*wires[:6]))
    return reference.lookup(x, tables, Wiring(*wires[:6]))


def _fold_backward_cpu(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _backward_cpu(grad, x, tables, rest[:6], None, rest[6:])


def _lookup_backward_cpu(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _backward_cpu(grad, x, tables, rest[:6], rest[6], rest[7:])


def _fold_backward_other(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    wiring = Wiring(*rest[:6])
    need = dict(zip(("dx", "dt", "dscores"), rest[6:], strict=True))
    return _results(x, (x, tables, wiring.scores), reference.fold_backward(grad, x, tables, wiring, **need))


def _lookup_backward_other(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    wiring = Wiring(*rest[:6])
    need = dict(zip(("dx", "dt", "dscores"), rest[7:], strict=True))
    return _results(x, (x, tables, wiring.scores), reference.lookup_backward(grad, x, tables, wiring, rest[6], **need))


def _encode_cpu(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    out = memory.empty((thresholds.numel(), x.shape[0]), torch.float32)
    numbers = x if x.dtype == torch.uint8 else x.to(torch.float32)
    cpu.encode(numbers.contiguous(), thresholds.contiguous(), inner, out)
    return out


def _choose_cpu(scores: Tensor, candidates: Tensor) -> Tensor:
    chosen = torch.empty(candidates.shape[:2], dtype=torch.int32)
    numbers = scores if scores.dtype == torch.float64 else scores.to(torch.float32)
    choice.choose(numbers.contiguous().numpy(), candidates.contiguous().numpy(), chosen.numpy())
    if not chosen.is_inference():
        remember_choice(chosen, candidates)
    return chosen


def _best_cpu(scores: Tensor, unique: bool) -> Tensor:
    chosen = torch.empty(scores.shape[:2], dtype=torch.int32)
    numbers = scores if scores.dtype == torch.float64 else scores.to(torch.float32)
    choice.best(numbers.contiguous().numpy(), unique, chosen.numpy())
    return chosen


def _fake_best(scores: Tensor, unique: bool) -> Tensor:
    return scores.new_empty(scores.shape[:2], dtype=torch.int32)


def _mix_cpu(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    check_ranges(x.shape[0], Wiring(candidates))
    dtype = reference.compute_dtype(x, scores)
    out = memory.empty((candidates.shape[0] * candidates.shape[1], x.shape[1]), dtype)
    cpu.mix(_dense(x, dtype), candidates.contiguous(), _dense(scores, dtype), temperature, out)
    return out.to(x.dtype)


def _mix_other(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    check_ranges(x.shape[0], Wiring(candidates))
    return reference.mix(x, candidates, scores, temperature)


def _fake_mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    return x.new_empty((candidates.shape[0] * candidates.shape[1], x.shape[1]))


def _mix_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, candidates, scores = ctx.saved_tensors
    slots = candidates.shape[0] * candidates.shape[1]
    wiring = _passing(candidates.reshape(slots, 1, -1), scores.reshape(slots, 1, -1), ctx.options[0])
    wanted = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
    operation = torch.ops.lutsmith.fold_backward.default
    dx, _, dscores = operation(grad, x, _identity(x), *wiring, wanted[0], False, wanted[1])
    return dx if wanted[0] else None, None, dscores.reshape(scores.shape) if wanted[1] else None, None


def _save_mix(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.options = inputs[3:]


def _gates_cpu(logits: Tensor, temperature: float) -> Tensor:
    dtype = reference.compute_dtype(logits)
    out = memory.empty((logits.shape[0], 4), dtype)
    cpu.gate_tables(_dense(logits, dtype), temperature, out)
    return out.to(logits.dtype)


def _gates_backward_cpu(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    dtype = reference.compute_dtype(logits)
    out = memory.empty(logits.shape, dtype)
    cpu.gate_gradient(_dense(grad, dtype), _dense(logits, dtype), temperature, out)
    return out.to(logits.dtype)


def _fake_gates(logits: Tensor, temperature: float) -> Tensor:
    return logits.new_empty((logits.shape[0], 4))


def _fake_gates_backward(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    return logits.new_empty(logits.shape)


def _gates_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    return torch.ops.lutsmith.gates_backward.default(grad, *ctx.saved_tensors, ctx.temperature), None


def _save_gates(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    logits, ctx.temperature = inputs
    ctx.save_for_backward(logits)


def _fake_choose(scores: Tensor, candidates: Tensor) -> Tensor:
    return candidates.new_empty(candidates.shape[:2])


def _fake_forward(x: Tensor, tables: Tensor, inputs: Tensor, *_: Any) -> Tensor:
    return x.new_empty((inputs.shape[0], x.shape[1]))


def _fake_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    scores, need = rest[3], rest[-3:]
    like = [tensor if wanted else None for tensor, wanted in zip((x, tables, scores), need, strict=True)]
    results = [grad.new_empty(0, dtype=x.dtype) if t is None else t.new_empty(t.shape) for t in like]
    return results[0], results[1], results[2]


def _fake_encode(x: Tensor, thresholds: Tensor, inner: int) -> Tensor:
    return thresholds.new_empty((thresholds.shape[0] * thresholds.shape[1], x.shape[0]))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.options = inputs[6:]


def _gradient_by(name: str) -> Callable[..., tuple[Tensor | None, ...]]:
    """The gradient of a forward operation, by its backward operation."""

    def gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        need = ctx.needs_input_grad
        wanted = need[0], need[1], need[5]
        operation = getattr(torch.ops.lutsmith, name).default
        gradients = operation(grad, *ctx.saved_tensors, *ctx.options, *wanted)
        dx, dt, dscores = (value if want else None for value, want in zip(gradients, wanted, strict=True))
        return (dx, dt, None, None, None, dscores, *[None] * len(ctx.options))

    return gradient


def _define(schema: str, on_cpu: Callable[..., Any], elsewhere: Callable[..., Any], fake: Callable[..., Any]) -> None:
    name = schema.partition("(")[0]
    library: Any = _library
    library.define(schema)
    library.impl(name, on_cpu, "CPU")
    library.impl(name, elsewhere, "CompositeExplicitAutograd")
    torch.library.register_fake(f"lutsmith::{name}", fake, lib=_library)


_THREE = "(Tensor, Tensor, Tensor)"
_define(f"fold(Tensor x, Tensor tables, {_WIRES}) -> Tensor", _forward_cpu, _fold_other, _fake_forward)
_define(f"lookup(Tensor x, Tensor tables, {_WIRES}, float rho) -> Tensor", _lookup_cpu, _lookup_other, _fake_forward)
_define(
    f"fold_backward(Tensor grad, Tensor x, Tensor tables, {_WIRES}, {_NEED}) -> {_THREE}",
    _fold_backward_cpu,
    _fold_backward_other,
    _fake_backward,
)
_define(
    f"lookup_backward(Tensor grad, Tensor x, Tensor tables, {_WIRES}, float rho, {_NEED}) -> {_THREE}",
    _lookup_backward_cpu,
    _lookup_backward_other,
    _fake_backward,
)
_define("encode(Tensor x, Tensor thresholds, int inner) -> Tensor", _encode_cpu, reference.encode, _fake_encode)
_define("choose(Tensor scores, Tensor candidates) -> Tensor", _choose_cpu, reference.choose, _fake_choose)
_define("best(Tensor scores, bool unique) -> Tensor", _best_cpu, reference.best, _fake_best)
_define("mix(Tensor x, Tensor candidates, Tensor scores, float temperature) -> Tensor", _mix_cpu, _mix_other, _fake_mix)
torch.library.register_autograd("lutsmith::mix", _mix_gradient, setup_context=_save_mix, lib=_library)
_define("gates(Tensor logits, float temperature) -> Tensor", _gates_cpu, reference.gates, _fake_gates)
_define(
    "gates_backward(Tensor grad, Tensor logits, float temperature) -> Tensor",
    _gates_backward_cpu,
    reference.gates_backward,
    _fake_gates_backward,
)
torch.library.register_autograd("lutsmith::gates", _gates_gradient, setup_context=_save_gates, lib=_library)
for _name in ("fold", "lookup"):
    torch.library.register_autograd(
        f"lutsmith::{_name}", _gradient_by(f"{_name}_backward"), setup_context=_save, lib=_library
    )
