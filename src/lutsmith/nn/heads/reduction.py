"""LearnableReduction: a pyramid of LUTs instead of a large popcount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import whole_number
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.heads.base import ScoredHead, Tau

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class LearnableReduction(ScoredHead):
    """The inputs of each class are narrowed by levels of LUTs to `bits` outputs, which are counted (the DWN paper's
    head).

    A level has for each class `max(bits, ceil(width / rank))` LUTs, which read the class's `width` bits in turn: all of
    them, and no LUT reads a bit twice. The last level's counts are the scores, divided by tau in training; in eval mode
    everything is exactly what the hardware computes.

    Args:
        k: classes.
        tau: see `GroupSum`; `"auto"` depends on `bits`.
        bits: outputs of a class.
        lut_rank: inputs of a LUT, 2 to 8; a level with fewer bits per class has LUTs with that many inputs.
        parametrization: a name of `list_parametrizations()`.
        weight_init: `"majority"` starts each LUT as the majority of its inputs (input 0 decides a tie) where the
            parametrization has a weight for every entry, and as `"residual"` otherwise; or an init of the
            parametrization.
        in_dim: inputs, a multiple of k.
        generator: source of the weights and the permutation; None is torch's global one.
        permute: as for `GroupSum`.
        **settings: the parametrization's arguments.

    Modules: `levels`, an `nn.Sequential` of `LogicDense`.

    Shapes: `(..., in_dim)` to `(..., k)`, float32 (float64 for float64 inputs).

    Raises:
        ValueError: an unknown parametrization, impossible sizes or settings.
        TypeError: a value of a wrong type.
    """

    def __init__(
        self,
        k: int,
        tau: Tau = "auto",
        bits: int = 8,
        lut_rank: int = 6,
        *,
        in_dim: int | None = None,
        parametrization: str = "light",
        weight_init: str = "majority",
        permute: bool = False,
        generator: torch.Generator | None = None,
        **settings: Any,
    ) -> None:
        if in_dim is None:
            raise ValueError("the pyramid is built for a number of inputs: pass in_dim=, the width of the last layer")
        super().__init__(k, tau, permute=permute, in_dim=in_dim, generator=generator)
        k, width = self.k, self.group_size(int(in_dim))
        self.bits = bits = whole_number("bits", bits, 1, what="the outputs of a class")
        self.lut_rank = lut_rank = whole_number("lut_rank", lut_rank, 2, 8, "the inputs of a LUT")
        if bits > width:
            raise ValueError(f"bits is {bits}, and a class has {width} inputs: expected at most so many")
        settings["weight_init"] = "residual" if weight_init == "majority" else weight_init
        levels: list[LogicDense] = []
        while width > bits:
            rank = min(lut_rank, width)
            narrow = max(bits, -(-width // rank))
            own = torch.arange(narrow * rank) % width
            indices = (torch.arange(k).unsqueeze(1) * width + own).reshape(k * narrow, rank)
            level = LogicDense(
                k * width,
                k * narrow,
                rank,
                parametrization=parametrization,
                indices=indices,
                generator=generator,
                **settings,
            )
            if weight_init == "majority":
                _start_as_majority(level)
            levels.append(level)
            width = narrow
        self.levels = nn.Sequential(*levels)

    def forward(self, x: Tensor) -> Tensor:
        counts = self.summed(self.levels(self.rows(x).movedim(0, -1)).movedim(-1, 0))
        return self.divided(counts, self.bits) if self.training else counts

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Emit the levels, and make the groups of the last one the circuit's popcounts."""
        ends = self.signals(signals)
        for level in cast("list[LogicDense]", list(self.levels)):
            ends = level.lower(builder, ends)
        builder.popcount(ends, self.k)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, bits={self.bits}, lut_rank={self.lut_rank}"


@torch.no_grad()
def _start_as_majority(level: LogicDense) -> None:
    """Give all LUTs the table that is 1 where most inputs are, if its entries are weights, of their present size."""
    rank = level.lut_rank
    address = torch.arange(1 << rank)
    ones = ((address.unsqueeze(1) >> torch.arange(rank)) & 1).sum(1)
    table = (2 * ones + (address & 1)) > rank
    weight = level.weight
    if weight.shape[1] != len(table):
        return
    entries = torch.where(table, 1.0, -1.0) * weight[0].abs().max()
    if torch.equal(level.parametrization.hard_tables(entries.unsqueeze(0))[0], table):
        weight.copy_(entries)
