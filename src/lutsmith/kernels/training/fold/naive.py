"""The fold and its gradients in plain torch, on any device: what every other form of it must compute.

Activations are feature-major, (features, batch). Bfloat16 is computed in float32. Nothing here is differentiable by
itself: the backward function is the formula, written out. No value is read on the host, so that no device waits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype
from lutsmith.kernels.training.reads import Reads, table_of
from lutsmith.kernels.training.unrolled import unrolled, windows, windows_backward

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


def fold(x: Tensor, tables: Tensor, reads: Reads) -> Tensor:
    """Multilinear extension of the tables: sum_k p_k prod_j x_j^k_j (1 - x_j)^(1 - k_j).  Returns (W, B) in x's
    dtype.
    """
    if reads.places is not None:
        return fold(windows(x, reads.places, reads.plane).flatten(0, 2), tables, unrolled(reads))
    dtype = compute_dtype(x, tables)
    rows = x.to(dtype)[reads.inputs.long()]
    return _fold(rows, tables.to(dtype)[table_of(reads)])[0].to(x.dtype)


def _fold(rows: Tensor, entries: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Fold (W, 2**n) entries at (W, n, B) inputs; also return each level's differences v_hi - v_lo, input 0 first."""
    rank = rows.shape[1]
    values = entries.unsqueeze(2)
    differences: list[Tensor] = []
    for slot in reversed(range(rank)):
        low, high = values.chunk(2, dim=1)
        differences.insert(0, high - low)
        values = low + rows[:, slot : slot + 1] * differences[0]
    return values.squeeze(1), differences


def _minterms(rows: Tensor, grad: Tensor) -> Tensor:
    """grad (W, B) times each minterm of the inputs (W, n, B): (W, 2**n, B), exactly zero off the corner of binary
    inputs.
    """
    weights = grad.unsqueeze(1)
    for slot in range(rows.shape[1]):
        high = weights * rows[:, slot : slot + 1]
        weights = torch.cat((weights - high, high), dim=1)
    return weights


def _input_gradients(rows: Tensor, entries: Tensor, grad: Tensor) -> Tensor:
    """df/dx_j = f|x_j=1 - f|x_j=0, times grad: (W, n, B)."""
    differences = _fold(rows, entries)[1]
    weights = grad.unsqueeze(1)
    slopes = []
    for slot, difference in enumerate(differences):
        slopes.append((weights * difference).sum(1))
        high = weights * rows[:, slot : slot + 1]
        weights = torch.cat((weights - high, high), dim=1)
    return torch.stack(slopes, dim=1)


def fold_backward(
    grad: Tensor, x: Tensor, tables: Tensor, reads: Reads, *, need: tuple[bool, bool, bool] = (True, True, True)
) -> Gradients:
    """Gradients of `fold` for x, tables and scores; None for those that are not needed (or without candidates)."""
    if reads.places is not None:
        return at_places(fold_backward, grad, x, tables, reads, need=need)
    dtype = compute_dtype(x, tables)
    values, gradient = x.to(dtype), grad.to(dtype)
    index = table_of(reads)
    rows, entries = values[reads.inputs.long()], tables.to(dtype)[index]
    return gradients(values, x, tables, reads, index, gradient, (rows, rows, entries), 1.0, need)


def at_places(
    backward: Any, grad: Tensor, x: Tensor, tables: Tensor, reads: Reads, *more: Any, need: tuple[bool, bool, bool]
) -> Gradients:
    """The gradients of kernels at places: those of LUTs that read windows, added up over the places."""
    assert reads.places is not None
    seen = windows(x, reads.places, reads.plane)
    dwindows, dt, dscores = backward(grad, seen.flatten(0, 2), tables, unrolled(reads), *more, need=need)
    dx = None if dwindows is None else windows_backward(dwindows.view(seen.shape), reads.places, reads.plane)
    if dscores is not None:
        dscores = dscores.view(reads.inputs.shape[0], reads.num_places, *dscores.shape[1:]).sum(1)
    return dx, dt, dscores


def gradients(
    values: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    index: Tensor,
    grad: Tensor,
    at: tuple[Tensor, Tensor, Tensor],
    scale: float,
    need: tuple[bool, bool, bool],
) -> Gradients:
    """Scatter the gradients of all instances: minterms at `rows` to tables, slopes at `points` to inputs and scores."""
    rows, points, entries = at
    need_dx, need_dt, need_scores = need[0], need[1], need[2] and reads.scores is not None
    dx = dt = dscores = None
    if need_dt:
        dt = torch.zeros(tables.shape, dtype=grad.dtype, device=grad.device)
        dt = dt.index_add_(0, index, _minterms(rows, grad).sum(2)).to(tables.dtype)
    if need_dx or need_scores:
        slopes = scale * _input_gradients(points, entries, grad)
        if need_dx:
            dx = _scatter(slopes, values, reads).to(x.dtype)
        if need_scores:
            dscores = _score_gradients(slopes, values, reads)
    return dx, dt, dscores


def _shares(scores: Tensor, temperature: float, dtype: torch.dtype) -> Tensor:
    return torch.softmax(scores.to(dtype) / temperature, dim=-1)


def _scatter(slopes: Tensor, values: Tensor, reads: Reads) -> Tensor:
    """Add each slot's gradient (W, n, B) to the row it reads, or to all its candidates by their softmax share: (F,
    B).
    """
    dx = torch.zeros_like(values)
    if reads.candidates is None or reads.scores is None:
        return dx.index_add_(0, reads.inputs.flatten().long(), slopes.flatten(0, 1))
    shares = _shares(reads.scores, reads.temperature, values.dtype)
    for candidate in range(shares.shape[2]):
        rows = reads.candidates[:, :, candidate].flatten().long()
        dx.index_add_(0, rows, (slopes * shares[:, :, candidate : candidate + 1]).flatten(0, 1))
    return dx


def _score_gradients(slopes: Tensor, values: Tensor, reads: Reads) -> Tensor | None:
    """Gradients of the scores (W, n, K), by the slopes D (W, n, B) and the candidates' values x_C.

    softmax: s (q - sum s q) / temperature with s the shares and q_C = sum_B D x_C.  dwn: sum_B D (2 x_C - 1).
    """
    if reads.candidates is None or reads.scores is None:
        return None
    dots = torch.stack(
        [
            torch.einsum("wb,wkb->wk", slopes[:, slot], values[reads.candidates[:, slot].long()])
            for slot in range(slopes.shape[1])
        ],
        dim=1,
    )
    if reads.rule == "dwn":
        return (2 * dots - slopes.sum(2, keepdim=True)).to(reads.scores.dtype)
    shares = _shares(reads.scores, reads.temperature, values.dtype)
    centred = dots - (shares * dots).sum(2, keepdim=True)
    return (shares * centred / reads.temperature).to(reads.scores.dtype)
