"""The pooled fold as torch sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training import memory
from lutsmith.kernels.training.dtypes import FLOATS, compute_dtype, dense
from lutsmith.kernels.training.fold.operator import safe_reads
from lutsmith.kernels.training.fold_pooled import cpu, naive
from lutsmith.kernels.training.fold_pooled.trees import nodes_of
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.pool.operator import MOST_TAPS
from lutsmith.kernels.training.reads import Reads, check, in_planes

MODES = ("or", "and")


def fold_pooled(x: Tensor, tables: Tensor, reads: Reads, windows: Tensor, mode: str = "or", depth: int = 1) -> Tensor:
    """Kernels at places, each a LUT or a tree of LUTs, pooled: `pool(fold(x, tables, reads), windows, places, mode)`,
    without the values that are not chosen in memory, nor those between the levels of a tree.

    Args:
        x: as for `fold`.
        tables: as for `fold`; of trees, those of the lowest level, kernel by kernel, then those of the level above.
        reads: of kernels at places, without candidates; of trees, of the LUTs of the lowest level, each with a table.
        windows: int32 (members, W), places that are pooled, negative where there is none; as for `pool`. Places by
            themselves are windows of one.
        mode: `"or"`, the largest, or `"and"`, the smallest.
        depth: levels of a tree; each LUT reads as many LUTs of the level below as its rank.

    Returns:
        (kernels x W, B) in x's dtype, differentiable once in x and tables.

    Raises:
        ValueError: what does not fit.
    """
    out: Tensor = call(
        "fold_pooled", x, tables, reads.inputs, reads.table_ptr, reads.places, reads.plane, windows, depth, mode
    )[0]
    return out


def _reads(inputs: Tensor, table_ptr: Tensor | None, places: Tensor, plane: int) -> Reads:
    return Reads(inputs, table_ptr, places=places, plane=plane)


def _check(
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    places: Tensor,
    plane: int,
    windows: Tensor,
    depth: int,
    mode: str = "or",
) -> None:
    if depth != 1:
        _check_trees(tables, inputs, table_ptr, depth)
        tables = tables[: inputs.shape[0]]
    check(x, tables, *_reads(inputs, table_ptr, places, plane))
    if windows.ndim != 2 or windows.dtype != torch.int32 or not 1 <= windows.shape[0] <= MOST_TAPS:
        raise ValueError(
            f"windows is {windows.dtype} of shape {tuple(windows.shape)}; expected int32 (members, windows), 1 to "
            f"{MOST_TAPS} members"
        )
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")


def _check_trees(tables: Tensor, inputs: Tensor, table_ptr: Tensor | None, depth: int) -> None:
    if depth < 1:
        raise ValueError(f"depth is {depth}; expected at least 1")
    if table_ptr is not None:
        raise ValueError("trees have a table for each LUT; leave table_ptr out")
    if inputs.ndim != 2 or tables.ndim != 2:
        raise ValueError(f"inputs have {inputs.ndim} dimensions and tables {tables.ndim}; expected two each")
    luts, rank = inputs.shape
    width = rank ** (depth - 1)
    expected = luts // width * nodes_of(rank, depth)
    if luts % width or tables.shape[0] != expected:
        raise ValueError(
            f"{luts} LUTs of rank {rank} in the lowest level and {tables.shape[0]} tables; expected a multiple of "
            f"{width} LUTs, as trees have {depth} levels, and {expected} tables"
        )


def _shape(x: Tensor, inputs: Tensor, windows: Tensor, depth: int) -> tuple[int, int]:
    """That of the pooled values."""
    return inputs.shape[0] // inputs.shape[1] ** (depth - 1) * windows.shape[1], x.shape[1]


def _check_backward(grad: Tensor, members: Tensor, x: Tensor, *rest: Any) -> None:
    _check(x, *rest[:7])
    shape = _shape(x, rest[1], *rest[5:7])
    if members.shape != (shape if rest[5].shape[0] > 1 else (0,)):
        raise ValueError(f"members have shape {tuple(members.shape)}; expected those that fold_pooled gave")
    if grad.shape != shape or grad.dtype not in FLOATS or members.dtype != torch.uint8:
        raise ValueError(f"grad is {grad.dtype} of shape {tuple(grad.shape)}; expected that of the pooled values")


def _windows(windows: Tensor, places: Tensor) -> Tensor:
    windows = in_planes(windows, places.shape[1])
    if windows.numel() and int(windows.max(0).values.min()) < 0:
        raise ValueError("a window has no place; expected one in each: take less padding")
    return windows


def _pooled(x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    *of_reads, windows, depth, mode = rest
    dtype, reads = compute_dtype(x, tables), _reads(*of_reads)
    windows = _windows(windows, of_reads[2])
    shape = _shape(x, reads.inputs, windows, depth)
    out, members = memory.empty(shape, dtype), memory.empty(shape if len(windows) > 1 else (0,), torch.uint8)
    safe = safe_reads(reads, x.shape[0], dtype)
    cpu.fold_pooled(dense(x, dtype), dense(tables, dtype), safe, windows, mode, depth, out, members)
    return out.to(x.dtype), members


def _other(x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    *of_reads, windows, depth, mode = rest
    out, members = naive.fold_pooled(x, tables, _reads(*of_reads), windows, mode, depth)
    return out, members if len(windows) > 1 else members.new_empty(0)


def _fake(x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    shape = _shape(x, rest[0], *rest[4:6])
    return x.new_empty(shape), x.new_empty(shape if len(rest[4]) > 1 else (0,), dtype=torch.uint8)


def _backward(grad: Tensor, members: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    *of_reads, windows, depth, need_dx, need_dt = rest
    dtype = compute_dtype(x, tables)
    safe, windows = safe_reads(_reads(*of_reads), x.shape[0], dtype), _windows(windows, of_reads[2])
    dx = memory.empty(x.shape, dtype) if need_dx else None
    dt = memory.empty(tables.shape, dtype) if need_dt else None
    given = dense(grad, dtype), members.contiguous(), dense(x, dtype), dense(tables, dtype)
    cpu.backward(*given, safe, windows, depth, dx, dt)
    return _results(x, tables, dx, dt)


def _other_backward(grad: Tensor, members: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    *of_reads, windows, depth, need_dx, need_dt = rest
    members = members if len(windows) > 1 else members.new_zeros(grad.shape)
    need = need_dx, need_dt
    found = naive.fold_pooled_backward(grad, members, x, tables, _reads(*of_reads), windows, depth, need)
    return _results(x, tables, *found)


def _results(x: Tensor, tables: Tensor, dx: Tensor | None, dt: Tensor | None) -> tuple[Tensor, Tensor]:
    return (
        x.new_empty(0) if dx is None else dx.to(x.dtype),
        x.new_empty(0) if dt is None else dt.to(tables.dtype),
    )


def _fake_backward(_: Tensor, __: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    need_dx, need_dt = rest[-2:]
    return torch.empty_like(x) if need_dx else x.new_empty(0), torch.empty_like(tables) if need_dt else x.new_empty(0)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.plane, windows, ctx.depth, _ = inputs
    ctx.save_for_backward(output[1], *tensors, windows)
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _gradient(ctx: Any, grad: Tensor | None, _members: Tensor | None) -> tuple[Tensor | None, ...]:
    wanted = ctx.needs_input_grad[:2]
    *tensors, windows = ctx.saved_tensors
    if grad is None:
        return (None,) * 9
    found = call("fold_pooled_backward", grad, *tensors, ctx.plane, windows, ctx.depth, *wanted)
    dx, dt = (value if want else None for value, want in zip(found, wanted, strict=True))
    return dx, dt, None, None, None, None, None, None, None


_ARGUMENTS = (
    "Tensor x, Tensor tables, Tensor inputs, Tensor? table_ptr, Tensor places, SymInt plane, Tensor windows, int depth"
)
define(
    f"fold_pooled({_ARGUMENTS}, str mode) -> (Tensor, Tensor)",
    check=_check,
    cpu=_pooled,
    other=_other,
    fake=_fake,
    gradient=_gradient,
    save=_save,
)
define(
    f"fold_pooled_backward(Tensor grad, Tensor members, {_ARGUMENTS}, bool need_dx, bool need_dt) -> (Tensor, Tensor)",
    check=_check_backward,
    cpu=_backward,
    other=_other_backward,
    fake=_fake_backward,
)
