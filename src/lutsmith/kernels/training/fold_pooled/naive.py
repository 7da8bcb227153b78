"""The fold of kernels at places, trees of LUTs, pooled, in plain torch: one after the other."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype
from lutsmith.kernels.training.fold import naive as fold
from lutsmith.kernels.training.fold_pooled.trees import levels
from lutsmith.kernels.training.pool import naive as pool
from lutsmith.kernels.training.reads import Reads


def fold_pooled(
    x: Tensor, tables: Tensor, reads: Reads, windows: Tensor, mode: str, depth: int = 1
) -> tuple[Tensor, Tensor]:
    """The pooled folds `(kernels * windows, B)` and which member of its window each is, uint8.

    `windows` (members, W) are places of the kernels, negative where a window has no such member.
    """
    out, members = pool.pool(_rows(x, tables, reads, depth)[-1], windows, reads.num_places, mode)
    return out.to(x.dtype), members


def _rows(x: Tensor, tables: Tensor, reads: Reads, depth: int) -> list[Tensor]:
    """What the levels read, and at last the trees."""
    rows = [x.to(compute_dtype(x, tables))]
    for own, those in levels(reads, depth):
        rows.append(fold.fold(rows[-1], tables[own], those))
    return rows


def fold_pooled_backward(
    grad: Tensor,
    members: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    windows: Tensor,
    depth: int = 1,
    need: tuple[bool, bool] = (True, True),
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of x and tables, by those of the pooled values."""
    dtype = compute_dtype(x, tables)
    found: list[Tensor | None] = []
    rows = _rows(x, tables, reads, depth)
    g: Tensor | None = pool.pool_backward(grad.to(dtype), members, windows, reads.num_places)
    for level, (own, those) in reversed(list(enumerate(levels(reads, depth)))):
        assert g is not None
        wanted = level > 0 or need[0], need[1], False
        g, dt, _ = fold.fold_backward(g, rows[level], tables[own], those, need=wanted)
        found.insert(0, dt)
    dx = None if g is None else g.to(x.dtype)
    return dx, torch.cat([dt for dt in found if dt is not None]) if need[1] else None
