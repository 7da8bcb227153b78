"""The fold of kernels at places, pooled, in plain torch: one after the other."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels.training.fold import naive as fold
from lutsmith.kernels.training.pool import naive as pool
from lutsmith.kernels.training.reads import Reads


def fold_pooled(x: Tensor, tables: Tensor, reads: Reads, windows: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    """The pooled folds `(kernels * windows, B)` and which member of its window each is, uint8.

    `windows` (members, W) are places of the kernels, negative where a window has no such member.
    """
    return pool.pool(fold.fold(x, tables, reads), windows, reads.num_places, mode)


def fold_pooled_backward(
    grad: Tensor,
    members: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    windows: Tensor,
    need: tuple[bool, bool] = (True, True),
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of x and tables, by those of the pooled values."""
    every = pool.pool_backward(grad, members, windows, reads.num_places)
    dx, dt, _ = fold.fold_backward(every, x, tables, reads, need=(*need, False))
    return dx, dt
