"""The look-up as torch sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.fold.operator import (
    GRADIENTS,
    NEED,
    READS,
    Three,
    differentiate,
    evaluate,
    fake_results,
    gradient_by,
    results,
    save,
)
from lutsmith.kernels.training.lookup import naive
from lutsmith.kernels.training.operators import define
from lutsmith.kernels.training.reads import Reads, check, check_gradient


def lookup(x: Tensor, tables: Tensor, reads: Reads, rho: float = 0.5) -> Tensor:
    """Evaluate every LUT as hardware does, by address, with a smoothed gradient.

    An input counts as x > 1/2. The gradient toward the inputs is rho times that of `fold` at (1 - rho)/2 + rho x, x
    being the thresholded input; that of the tables is one-hot. rho, in (0, 1], = 1/2 is DWN's extended finite
    difference (Bacellar et al., 2024). Shapes, dtypes and errors as in `fold`; the result's values are entries of
    the tables.
    """
    out: Tensor = torch.ops.lutsmith.lookup.default(x, tables, *reads, rho)
    return out


def _lookup(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    _check_rho(rest[6])
    return evaluate(x, tables, Reads(*rest[:6]), cpu.lookup)


def _other(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    _check_rho(rest[6])
    check(x, tables, Reads(*rest[:6]))
    return naive.lookup(x, tables, Reads(*rest[:6]))


def _fake(x: Tensor, tables: Tensor, *rest: Any) -> Tensor:
    _check_rho(rest[6])
    check(x, tables, Reads(*rest[:6]))
    return x.new_empty((rest[0].shape[0], x.shape[1]))


def _check_rho(rho: float) -> None:
    if not 0 < rho <= 1:
        raise ValueError(f"rho is {rho}; expected a number above 0, at most 1")


def _backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return differentiate(grad, x, tables, Reads(*rest[:6]), rest[6], rest[7:])


def _other_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    reads = Reads(*rest[:6])
    check(x, tables, reads)
    check_gradient(grad, x, reads)
    gradients = naive.lookup_backward(grad, x, tables, reads, rest[6], need=rest[7:])
    return results(x, (x, tables, reads.scores), gradients)


def _fake_backward(grad: Tensor, x: Tensor, tables: Tensor, *rest: Any) -> Three:
    return fake_results(x, tables, Reads(*rest[:6]), rest[7:])


define(
    f"lookup(Tensor x, Tensor tables, {READS}, float rho) -> Tensor",
    cpu=_lookup,
    other=_other,
    fake=_fake,
    gradient=gradient_by("lookup_backward"),
    save=save,
)
define(
    f"lookup_backward(Tensor grad, Tensor x, Tensor tables, {READS}, float rho, {NEED}) -> {GRADIENTS}",
    cpu=_backward,
    other=_other_backward,
    fake=_fake_backward,
)
