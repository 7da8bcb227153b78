# ruff: noqa: N999 - the path is DeepLUT's
"""Tables as the product form on -1 and 1, as DeepLUT has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.deeplut.trainer.BaseTrainer import BaseTrainer
from lutsmith.kernels.training.ops import Neurons, lut_sums
from lutsmith.nn.neurons.lut_sum import kinds_of


class LagrangeTrainer(BaseTrainer):
    """`f_t(x) = |gamma| sum_i w_ti prod_j (1 + tau_ji x_j)`; see `BaseTrainer` for the arguments.

    With signs that is `|gamma| 2**k sign(w_t[address])`; there is no factor 1 / 2**k, because DeepLUT has none. Where
    an input is 0 the LUT gives `2**(k - z)` times the sum over the 2**z entries that z zeros leave open. Not expanded:
    `|gamma| w_t0 x_0`.

    Parameters: `weight`, and `gamma`, one number that begins as 1.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gamma = nn.Parameter(torch.ones((), device=self.weight.device))

    def set_input_expanded(self, expanded: bool) -> None:
        if expanded and not self.input_expanded:
            with torch.no_grad():
                half = self.weight[:, :1].expand(-1, self.kk // 2)
                self.weight.copy_(torch.cat([-half, half], 1))
                self.gamma.div_(self.kk)
        super().set_input_expanded(expanded)

    def tables_of(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Entries and inputs `(..., k)` of LUTs, least significant first; if not expanded, those of LUTs of rank 1."""
        if self.input_expanded:
            return self.weight, mask
        first = self.weight[:, :1]
        return torch.cat([-first, first], 1), mask[..., -1:]

    def factor(self) -> Tensor:
        """The factor of normalised values."""
        return self.gamma.abs() * (self.kk if self.input_expanded else 1)

    def forward(self, x: Tensor, targets: Any = None, initalize: bool = False) -> Tensor:
        """Values `(N, tables_count)` of inputs `(..., tables_count * k)`, LUT by LUT; with `initalize` they are counted
        with their targets.

        Raises:
            ValueError: another number of inputs.
        """
        width = self.tables_count * self.k
        if x.ndim == 0 or x.shape[-1] != width:
            raise ValueError(f"got inputs of shape {tuple(x.shape)}; expected (..., {self.tables_count} * {self.k})")
        if initalize:
            self.update_counter(x, targets)
        numbers = torch.arange(width, dtype=torch.int32, device=x.device).view(self.tables_count, self.k)
        tables, inputs = self.tables_of(numbers.flip(1))
        kinds = kinds_of(self.zeros, self.binary, self.binary)
        rows = x.reshape(-1, width).t()
        return (lut_sums(rows, tables, Neurons(inputs, self.tables_count, *kinds)) * self.factor()).t()
