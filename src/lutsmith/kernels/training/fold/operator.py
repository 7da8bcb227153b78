"""The fold as torch sees it, and what the look-up shares with it: the same arguments, the same gradients asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.fold import cpu, naive
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import Reads, check, in_order, in_planes, in_range

READS = (
    "Tensor inputs, Tensor? table_ptr, Tensor? candidates, Tensor? scores, float temperature, str rule, "
    "Tensor? places, SymInt plane"
)
NEED = "bool need_dx, bool need_dt, bool need_scores"
GRADIENTS = "(Tensor, Tensor, Tensor)"

Three = tuple[Tensor, Tensor, Tensor]


def fold(x: Tensor, tables: Tensor, reads: Reads) -> Tensor:
    """Evaluate every LUT at soft inputs: sum_k p_k prod_j x_j^k_j (1 - x_j)^(1 - k_j), the table's multilinear
    extension.

    `x` holds (F, B) activations in [0, 1], feature-major; `tables` (T, 2**n) entries, entry a at address
    a = sum_j x_j 2^j; `reads` says what the W LUTs read, and where kernels stand. All are float32, float64 or bfloat16
    (computed in float32). Returns (W, B) in x's dtype, with places (kernels x places, B), differentiable once in x,
    tables and reads.scores. Raises ValueError when shapes, dtypes, devices or, on the CPU, indices do not fit (those of
    candidates are looked at in the backward pass, which alone uses them).
    """
    out: Tensor = call("fold", x, tables, *reads)
    return out


def evaluate(x: Tensor, tables: Tensor, reads: Reads, run: Callable[..., None], *, narrow: bool = True) -> Tensor:
    """A forward pass on the CPU; `narrow`: whether the kernel can read and write bfloat16."""
    dtype = compute_dtype(x, tables)
    of_rows = x.dtype if narrow and cpu.reads_narrow(x, tables, reads) else dtype
    safe = safe_reads(reads._replace(candidates=None, scores=None), x.shape[0], dtype)
    out = memory.empty((safe.inputs.shape[0] * safe.num_places, x.shape[1]), of_rows)
    run(dense(x, of_rows), dense(tables, dtype), safe, out)
    return out.to(x.dtype)


def differentiate(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    rho: float | None,
    need: tuple[bool, bool, bool],
    logistic: tuple[Tensor, float] | None = None,
) -> Three:
    """A backward pass on the CPU, of the look-up where there is a rho; `logistic` as in `cpu.backward`."""
    dtype = compute_dtype(x, tables)
    narrow = rho is None and cpu.reads_narrow(x, tables, reads) and (reads.candidates is None or need[0])
    of_rows = x.dtype if narrow else dtype
    of_dx = of_rows if cpu.gathers_pairs(x, reads) or cpu.gathers_learned(x, reads) else dtype
    safe = safe_reads(reads, x.shape[0], dtype)
    like = x, tables, reads.scores
    dx, dt, dscores = outputs = [
        memory.empty(tensor.shape, kind) if wanted and tensor is not None else None
        for tensor, wanted, kind in zip(like, need, (of_dx, dtype, dtype), strict=True)
    ]
    after = None if logistic is None else (dense(logistic[0], of_rows), logistic[1])
    cpu.backward(dense(grad, of_rows), dense(x, of_rows), dense(tables, dtype), safe, rho, dx, dt, dscores, after)
    return results(x, like, outputs)


def safe_reads(reads: Reads, features: int, dtype: torch.dtype) -> Reads:
    """The same in the memory that kernels expect; ValueError where an index points elsewhere."""
    inputs, table_ptr, candidates, scores, places = *reads[:4], reads.places
    count = reads.num_inputs(features)
    return reads._replace(
        inputs=in_range("inputs", inputs, count),
        table_ptr=None if table_ptr is None else in_order(table_ptr, inputs.shape[0]),
        candidates=None if candidates is None else in_range("candidates", candidates, count),
        scores=None if scores is None else dense(scores, dtype),
        places=None if places is None else in_planes(places, reads.plane),
    )


def results(x: Tensor, like: tuple[Tensor | None, ...], gradients: Any) -> Three:
    """Gradients in the dtypes of what they belong to; an empty tensor for those that are not needed."""
    found = [
        x.new_empty(0) if gradient is None or tensor is None else gradient.to(tensor.dtype)
        for tensor, gradient in zip(like, gradients, strict=True)
    ]
    return found[0], found[1], found[2]


def check_backward(grad: Tensor, x: Tensor, tables: Tensor, inputs: Tensor, *rest: Any) -> None:
    """`check` of a backward operation's arguments, and its gradient's."""
    check(x, tables, inputs, *rest[:7])
    expected = Reads(inputs, *rest[:7]).num_places * inputs.shape[0], x.shape[1]
    if grad.shape != expected or grad.dtype not in FLOATS:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected floats of shape {expected}")


def fake(x: Tensor, _tables: Tensor, inputs: Tensor, *rest: Any) -> Tensor:
    """The result of a forward pass without its values."""
    places = rest[5]
    return x.new_empty((inputs.shape[0] * (1 if places is None else places.shape[1]), x.shape[1]))


def fake_backward(_: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    """The results of a backward pass without their values."""
    like = (tensor if wanted else None for tensor, wanted in zip((x, tables, rest[3]), rest[-3:], strict=True))
    found = [x.new_empty(0) if tensor is None else tensor.new_empty(tensor.shape) for tensor in like]
    return found[0], found[1], found[2]


def save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Keep the arguments."""
    ctx.save_for_backward(*inputs[:6], inputs[8])
    ctx.options = inputs[6:8], inputs[9:]


def gradient_by(name: str) -> Callable[..., tuple[Tensor | None, ...]]:
    """The gradient of a forward operation, by its backward operation."""

    def gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        need = ctx.needs_input_grad
        wanted = need[0], need[1], need[5]
        *tensors, places = ctx.saved_tensors
        gradients = call(name, grad, *tensors, *ctx.options[0], places, *ctx.options[1], *wanted)
        dx, dt, dscores = (value if want else None for value, want in zip(gradients, wanted, strict=True))
        return dx, dt, None, None, None, dscores, *[None] * (len(need) - 6)

    return gradient


def _fold(x: Tensor, tables: Tensor, *reads: Any) -> Tensor:
    return evaluate(x, tables, Reads(*reads), cpu.fold)


def _other(x: Tensor, tables: Tensor, *reads: Any) -> Tensor:
    return naive.fold(x, tables, Reads(*reads))


def _backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return differentiate(grad, x, tables, Reads(*rest[:8]), None, rest[8:])


def _other_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    reads = Reads(*rest[:8])
    return results(x, (x, tables, reads.scores), naive.fold_backward(grad, x, tables, reads, need=rest[8:]))


define(
    f"fold(Tensor x, Tensor tables, {READS}) -> Tensor",
    check=check,
    cpu=_fold,
    other=_other,
    fake=fake,
    gradient=gradient_by("fold_backward"),
    save=save,
)
define(
    f"fold_backward(Tensor grad, Tensor x, Tensor tables, {READS}, {NEED}) -> {GRADIENTS}",
    check=check_backward,
    cpu=_backward,
    other=_other_backward,
    fake=fake_backward,
)
