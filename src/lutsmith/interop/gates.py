"""Numberings of the sixteen gates of two inputs, as permutations into lutsmith's.

In lutsmith the number g of a gate is its table: bit `a + 2 b` is the output at inputs a, b.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def from_msb_first() -> Tensor:
    """The number in difflogic and torchlogix of each of lutsmith's gates, int64 (16,).

    In these the outputs at (a, b) = 00, 01, 10, 11 are the binary digits of the number from the left: 3 is a, 5 is b.
    """
    return _gates(lambda a, b: 3 - (2 * a + b))


def from_reversed() -> Tensor:
    """The number in difflut of each of lutsmith's gates, int64 (16,).

    In difflut bit `2 a + b` of the number is the output at (a, b): 12 is a, 10 is b.
    """
    return _gates(lambda a, b: 2 * a + b)


def _gates(place: Callable[[int, int], int]) -> Tensor:
    gates = torch.arange(16)
    numbers = torch.zeros_like(gates)
    for a in (0, 1):
        for b in (0, 1):
            numbers |= ((gates >> (a + 2 * b)) & 1) << place(a, b)
    return numbers


def convert_gates(weight: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Gate logits `(out, 16)` in lutsmith's numbering, and the tables of the chosen gates, bool `(out, 4)`.

    Args:
        weight: the other library's logits; of equally high ones it takes the first.
        numbers: `from_msb_first()` or `from_reversed()`.
    """
    chosen = numbers.argsort()[weight.argmax(1)]
    converted = weight[:, numbers].clone()
    rows = torch.arange(len(weight))
    # Where another gate with the same logit would come first here, the chosen one gets the next higher number.
    tied = converted.argmax(1) != chosen
    highest = converted.max(1).values[tied]
    converted[rows[tied], chosen[tied]] = torch.nextafter(highest, torch.full_like(highest, torch.inf))
    return converted, ((chosen.unsqueeze(1) >> torch.arange(4)) & 1).bool()
