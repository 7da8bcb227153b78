# ruff: noqa: N999 - the path is DeepLUT's
"""Signs with one learned scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lutsmith.deeplut.nn.BinarizeSign import BinarizeSign
from lutsmith.nn.sums.counting import Maker
from lutsmith.nn.sums.numbers import Levels, Sums


class ResidualSign(nn.Module):
    """`|scaling| sign(x)`, with sign(0) = 0: ReBNet's residual binarisation of one level, as DeepLUT has it.

    `lutsmith.nn.neurons.ResidualSign` has any number of levels, and sign(0) = +1. Parameter: `scaling`, one number that
    begins as 1. It can become a circuit if none of its inputs is exactly 0.

    Shapes: any, which is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scaling = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        signs: Tensor = BinarizeSign.apply(x)  # type: ignore[no-untyped-call]
        return signs * self.scaling.abs()

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:  # noqa: ARG002
        """The signs of numbers, zeros included; the module that reads them decides whether it accepts zeros."""
        return numbers.as_sums().then(self)
