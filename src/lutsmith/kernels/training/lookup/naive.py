"""The look-up and its gradients in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype
from lutsmith.kernels.training.fold.naive import Gradients, at_places, gradients
from lutsmith.kernels.training.reads import Reads, table_of
from lutsmith.kernels.training.unrolled import unrolled, windows


def lookup(x: Tensor, tables: Tensor, reads: Reads) -> Tensor:
    """The entry at address sum_j [x_j > 1/2] 2^j: exactly a table entry. Returns (W, B) in x's dtype."""
    if reads.places is not None:
        return lookup(windows(x, reads.places, reads.plane).flatten(0, 2), tables, unrolled(reads))
    rank = reads.inputs.shape[1]
    places = (1 << torch.arange(rank, device=x.device)).view(1, rank, 1)
    addresses = ((x > 0.5)[reads.inputs.long()] * places).sum(1)
    return tables.to(compute_dtype(x, tables))[table_of(reads)].gather(1, addresses).to(x.dtype)


def lookup_backward(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    reads: Reads,
    rho: float = 0.5,
    *,
    need: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """Gradients of `lookup`: one-hot for the tables, rho times the fold's at (1 - rho)/2 + rho x for the inputs.

    x is the thresholded input here, for the scores too. rho = 1/2 is DWN's extended finite difference.
    """
    if reads.places is not None:
        return at_places(lookup_backward, grad, x, tables, reads, rho, need=need)
    dtype = compute_dtype(x, tables)
    values, gradient = (x > 0.5).to(dtype), grad.to(dtype)
    index = table_of(reads)
    rows, entries = values[reads.inputs.long()], tables.to(dtype)[index]
    points = (1 - rho) / 2 + rho * rows
    return gradients(values, x, tables, reads, index, gradient, (rows, points, entries), rho, need)
