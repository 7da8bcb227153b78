"""Pooling and its gradient in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

MODES = ("or", "and", "majority")


def pool(x: Tensor, places: Tensor, plane: int, mode: str) -> tuple[Tensor, Tensor]:
    """The pooled rows `(channels * P, B)` of x `(channels * plane, B)`, and the taps that they come from, uint8.

    At each place the pixels of the window, those of `places` `(taps, P)` that are not negative, are sorted from the
    largest to the smallest, the first of equals first; `"or"` is the first of them, `"and"` the last, `"majority"` the
    one in place m // 2 of m: of bits, 1 where more than half of them are.
    """
    planes = x.view(x.shape[0] // plane, plane, x.shape[1])
    inside = (places >= 0).view(1, *places.shape, 1)
    values = planes[:, places.clamp(min=0).long()].masked_fill(~inside, -torch.inf)  # (channels, taps, P, B)
    order = values.sort(dim=1, descending=True, stable=True).indices
    count = inside.sum(1)
    wanted = {"or": count * 0, "and": count - 1, "majority": count // 2}[mode]
    taps = order.gather(1, wanted.unsqueeze(1).expand(len(values), 1, -1, x.shape[1]))
    return values.gather(1, taps).flatten(0, 2), taps.flatten(0, 2).to(torch.uint8)


def pool_backward(grad: Tensor, taps: Tensor, places: Tensor, plane: int) -> Tensor:
    """The gradient of x: that of each pooled value goes to the pixel that it is."""
    count, samples = places.shape[1], grad.shape[1]
    channels = grad.shape[0] // max(count, 1)
    chosen = taps.view(channels, count, samples).long()
    pixels = places.long().t().unsqueeze(0).expand(channels, -1, -1).gather(2, chosen)
    dx = grad.new_zeros((channels, plane, samples))
    return dx.scatter_add_(1, pixels, grad.view(channels, count, samples)).view(channels * plane, samples)
