"""Evaluation of kernels that are trees of LUTs: level by level, or all levels in one pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.fold_pooled.trees import levels
from lutsmith.kernels.training.reads import Reads

Evaluate = Callable[[Tensor, Tensor, Reads], Tensor]
"""Rows, weights or tables of LUTs, and what they read, to the rows of their values."""


def level_by_level(evaluate: Evaluate, rows: Tensor, weight: Tensor, reads: Reads, depth: int, alone: bool) -> Tensor:
    """The rows of trees, `(kernels * places, samples)`; the rows of every level are in memory.

    `reads` belongs to the lowest level; `alone` says that its windows are one pixel each, and its places those of the
    image.
    """
    for number, (own, those) in enumerate(levels(reads, depth)):
        rows = _level(evaluate, rows, weight[own], those, alone=alone or number > 0)
    return rows


def in_one_pass(
    rows: Tensor, tables: Tensor, reads: Reads, depth: int, alone: bool, windows: Tensor | None, mode: str
) -> Tensor:
    """The same by the fold, or pooled over windows, with only the result in memory.

    A lowest level that learns its connections is evaluated by itself: each candidate has a gradient at every place.
    """
    if reads.candidates is not None:
        (own, _), *more = levels(reads, min(depth, 2))
        rows = _level(ops.fold, rows, tables[own], reads, alone=alone)
        if not more:
            return rows if windows is None else ops.pool(rows, windows, reads.num_places, mode)
        tables, reads, depth = tables[own.stop :], more[0][1], depth - 1
    if windows is None:
        windows = torch.arange(reads.num_places, dtype=torch.int32, device=rows.device).unsqueeze(0)
    return ops.fold_pooled(rows, tables, reads, windows, mode, depth)


def _level(evaluate: Evaluate, rows: Tensor, weight: Tensor, reads: Reads, *, alone: bool) -> Tensor:
    """The rows of a level's LUTs. Where they read, at each place, pixels of that place alone, places are more samples,
    and cost as little.
    """
    if not (alone and rows.is_contiguous()):
        return evaluate(rows, weight, reads)
    samples, count = rows.shape[1], reads.num_places
    y = evaluate(rows.view(rows.shape[0] // count, count * samples), weight, reads._replace(places=None, plane=1))
    return y.reshape(y.shape[0] * count, samples)
