"""GroupedDSP: an integer matrix on the counts, as the multipliers of an FPGA compute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lutsmith.ground.arguments import whole_number
from lutsmith.nn.heads.base import ScoredHead, Tau, as_scores
from lutsmith.nn.heads.group_sum import finite
from lutsmith.nn.precision import without_autocast

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class GroupedDSP(ScoredHead):
    """Scores as weighted sums of the group counts s (BitLogic's head).

    In training the scores are `tanh(W) s / tau + beta`. In eval mode they are the integer multiply-accumulate `W_int s`
    with `W_int = round(tanh(W) (2**(wbits - 1) - 1))`: exactly the circuit's scores. `wbits=2` makes the weights
    ternary.

    Args:
        k: classes.
        tau: see `GroupSum`; `"auto"` depends on the inputs per class.
        beta: added while training.
        wbits: bits of a weight, its sign included, 2 to 16.
        num_groups: groups that are counted; default k. With more groups, every class weighs all of them.
        **groups: `permute`, `in_dim`, `generator`, as for `GroupSum`.

    Parameters: `weight`, float32 `(k, num_groups)`, W; it starts as 1 where the group is the class's own, 0 elsewhere.

    Shapes: `(..., num_groups * g)` to `(..., k)`, float32; in eval mode float64 where scores may be beyond 2**24.

    Raises:
        ValueError: impossible sizes or settings.
    """

    def __init__(
        self,
        k: int,
        tau: Tau = 1.0,
        beta: float = 0.0,
        wbits: int = 8,
        *,
        num_groups: int | None = None,
        **groups: Any,
    ) -> None:
        super().__init__(k, tau, num_groups, **groups)
        self.beta = finite("beta", beta)
        self.wbits = check_bits(wbits)
        owner = torch.arange(self.num_groups) * self.k // self.num_groups
        self.weight = nn.Parameter((owner == torch.arange(self.k).unsqueeze(1)).float())

    @property
    def limit(self) -> int:
        """The largest weight, 2**(wbits - 1) - 1."""
        return (1 << (self.wbits - 1)) - 1

    def integer_weight(self) -> Tensor:
        """W_int, integers as float64 `(k, num_groups)`."""
        return (self.weight.detach().double().tanh() * self.limit).round().clamp(-self.limit, self.limit)

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        width = x.shape[-1]
        with without_autocast(x):  # bfloat16 cannot count
            if not self.training:
                return as_scores(counts.double() @ self.integer_weight().t(), counts, self.limit * width)
            sums = functional.linear(counts, self.weight.to(counts.dtype).tanh())
        return self.divided(sums, max(1, width // self.k)) + self.beta

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` and W_int the circuit's head."""
        self.lower_groups(builder, signals, weights=self.integer_weight())


def check_bits(wbits: int) -> int:
    """Return `wbits` if a weight may have that many bits; raise TypeError or ValueError otherwise."""
    return whole_number("wbits", wbits, 2, 16, "the bits of a weight")
