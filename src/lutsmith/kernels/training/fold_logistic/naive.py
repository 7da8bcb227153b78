"""The logistic function of the fold and its gradients, in plain torch."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels.training.fold import naive as folding
from lutsmith.kernels.training.logistic import naive as after
from lutsmith.kernels.training.reads import Reads


def fold_logistic(x: Tensor, tables: Tensor, reads: Reads, tau: float) -> Tensor:
    """s(fold / tau)."""
    return after.logistic(folding.fold(x, tables, reads), tau)


def fold_logistic_backward(
    grad: Tensor,
    out: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    tau: float,
    need: tuple[bool, bool, bool] = (True, True, True),
) -> folding.Gradients:
    """Gradients of x, tables and scores, by that of the result."""
    return folding.fold_backward(after.logistic_backward(grad, out, tau), x, tables, reads, need=need)
