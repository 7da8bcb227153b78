"""The look-up as torch sees it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.fold import operator as fold
from lutsmith.kernels.training.fold.operator import GRADIENTS, NEED, READS, Three, differentiate, evaluate, results
from lutsmith.kernels.training.lookup import naive
from lutsmith.kernels.training.operators import call, define
from lutsmith.kernels.training.reads import Reads, check


def lookup(x: Tensor, tables: Tensor, reads: Reads, rho: float = 0.5) -> Tensor:
    """Evaluate every LUT as hardware does, by address, with a smoothed gradient.

    An input counts as x > 1/2. The gradient toward the inputs is rho times that of `fold` at (1 - rho)/2 + rho x, x
    being the thresholded input; that of the tables is one-hot. rho, in (0, 1], = 1/2 is DWN's extended finite
    difference (Bacellar et al., 2024). Shapes, dtypes and errors as in `fold`; the result's values are entries of
    the tables.
    """
    out: Tensor = call("lookup", x, tables, *reads, rho)
    return out


def _check(x: Tensor, tables: Tensor, *rest: Any) -> None:
    check(x, tables, *rest[:8])
    if not 0 < rest[8] <= 1:
        raise ValueError(f"rho is {rest[8]}; expected a number above 0, at most 1")


def _lookup(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return evaluate(x, tables, Reads(*rest[:8]), cpu.lookup, narrow=False)


def _other(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    return naive.lookup(x, tables, Reads(*rest[:8]))


def _backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return differentiate(grad, x, tables, Reads(*rest[:8]), rest[8], rest[9:])


def _other_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    reads = Reads(*rest[:8])
    gradients = naive.lookup_backward(grad, x, tables, reads, rest[8], need=rest[9:])
    return results(x, (x, tables, reads.scores), gradients)


define(
    f"lookup(Tensor x, Tensor tables, {READS}, float rho) -> Tensor",
    check=_check,
    cpu=_lookup,
    other=_other,
    fake=fold.fake,
    gradient=fold.gradient_by("lookup_backward"),
    save=fold.save,
)
define(
    f"lookup_backward(Tensor grad, Tensor x, Tensor tables, {READS}, float rho, {NEED}) -> {GRADIENTS}",
    check=fold.check_backward,
    cpu=_backward,
    other=_other_backward,
    fake=fold.fake_backward,
)
