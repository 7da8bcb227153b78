"""Reading the best-scored inputs, and the gradients of all of them, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.dtypes import compute_dtype


def read_best(x: Tensor, inputs: Tensor) -> Tensor:
    """The rows of x (F, B) at the inputs, one a slot, in their order: (W n, B)."""
    return x[inputs.flatten().long()]


def read_best_backward(
    grad: Tensor, x: Tensor, scores: Tensor, places: Tensor, temperature: float, rule: str
) -> tuple[Tensor, Tensor]:
    """Gradients of x and of the scores (W, n, usable inputs), by that of the rows, G (W n, B).

    With s = softmax(scores / temperature) and X the rows of x at `places`: dX = s^T G. Scores get, by "dwn",
    G (2 X - 1)^T; by "softmax", the gradient of the mix s X: s (q - sum s q) / temperature, q = G X^T.
    """
    dtype = compute_dtype(x, scores)
    slopes, values = grad.to(dtype), x.to(dtype)[places]
    flat = scores.to(dtype).flatten(0, 1)
    shares = torch.softmax(flat / temperature, dim=1)
    dx = torch.zeros(x.shape, dtype=dtype, device=x.device).index_copy(0, places, shares.t() @ slopes)
    if rule == "dwn":
        dscores = slopes @ (2 * values - 1).t()
    else:
        dots = slopes @ values.t()
        dscores = shares * (dots - (shares * dots).sum(1, keepdim=True)) / temperature
    return dx.to(x.dtype), dscores.view_as(scores).to(scores.dtype)
