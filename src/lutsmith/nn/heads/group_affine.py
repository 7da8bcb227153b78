"""GroupAffine: an integer scale and offset for each class's count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.heads.base import ScoredHead, Tau, as_scores, rounded
from lutsmith.nn.heads.grouped_dsp import check_bits

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class GroupAffine(ScoredHead):
    """Class scores as `a_c s_c + b_c`: a learned scale and offset of each class's count s, both integers.

    In units of u = 2**(wbits - 2), `a = round(u scale)` within +-(2**(wbits - 1) - 1), and `b = round(u offset)` within
    g times that for g inputs a class. In eval mode the scores are those integers. In training they are computed with
    the same a and b and divided by u tau; gradients pass through the rounding as if it were not there. The two modes
    therefore agree, up to that divisor, wherever the inputs are bits.

    Args:
        k: classes.
        tau: see `GroupSum`.
        wbits: bits of a scale, its sign included, 2 to 16.
        **groups: `permute`, `in_dim`, `generator`, as for `GroupSum`.

    Parameters: `scale` and `offset`, float32 `(k,)`, which start as 1 and 0: as `GroupSum`.

    Shapes: `(..., k * g)` to `(..., k)`, float32; in eval mode float64 where scores may be beyond 2**24.

    Raises:
        ValueError: impossible sizes or settings.
    """

    def __init__(self, k: int, tau: Tau = "auto", wbits: int = 8, **groups: Any) -> None:
        super().__init__(k, tau, **groups)
        self.wbits = check_bits(wbits)
        self.scale = nn.Parameter(torch.ones(self.k))
        self.offset = nn.Parameter(torch.zeros(self.k))

    @property
    def unit(self) -> int:
        """u, the integer that stands for 1."""
        return 1 << (self.wbits - 2)

    @property
    def limit(self) -> int:
        """The largest a, 2**(wbits - 1) - 1."""
        return (1 << (self.wbits - 1)) - 1

    def integers(self, size: int) -> tuple[Tensor, Tensor]:
        """a and b, integers as float64 `(k,)`, for groups of `size` inputs."""
        scale = rounded(self.scale.double() * self.unit, self.limit)
        return scale, rounded(self.offset.double() * self.unit, self.limit * size)

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        size = self.group_size(x.shape[-1])
        scale, offset = self.integers(size)
        if not self.training:
            return as_scores(counts.double() * scale + offset, counts, 2 * self.limit * size)
        scores = counts * (scale / self.unit).to(counts.dtype) + (offset / self.unit).to(counts.dtype)
        return self.divided(scores, size)

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals`, the diagonal of a, and b the circuit's head."""
        scale, offset = self.integers(max(1, signals.shape[-1] // self.k))
        self.lower_groups(builder, signals, weights=torch.diag(scale), bias=offset)
