"""Skip connections of numbers: the sum of what branches give."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of
from lutsmith.nn.containers import read_by
from lutsmith.nn.lowering import lower_branch
from lutsmith.nn.sums.counting import Maker, levels_of
from lutsmith.nn.sums.emitting import NeuronEmitter
from lutsmith.nn.sums.numbers import Levels, Sums


class Add(nn.Module):
    """The sum of what branches give for the same input: `Add(nn.Identity(), layer)` is `x + layer(x)`.

    Branches are added from the first to the last. In a circuit the numbers that are added must be integers on one grid:
    signs, levels, and sums of binary layers whose scale is a power of two.

    Args:
        *branches: modules whose outputs have one shape.

    Raises:
        TypeError: a branch that is not a module.
        ValueError: no branches; in use, outputs of several shapes.
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        if not branches:
            raise ValueError("Add has no branches; give one or more")
        for branch in branches:
            instance_of("a branch", branch, nn.Module)
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        found = [branch(read_by(branch, x)) for branch in self.branches]
        if len({y.shape for y in found}) > 1:
            raise ValueError(f"Add got {', '.join(str(tuple(y.shape)) for y in found)}; expected one shape")
        total: Tensor = found[0]
        for y in found[1:]:
            total = torch.add(total, y)
        return total

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:
        """The sums of the branches' levels, or of the words of their sums."""
        if not isinstance(maker, NeuronEmitter):
            raise TypeError(f"maker is a {type(maker).__name__}; expected an NeuronEmitter")
        branches = enumerate(self.branches)
        return added(
            [levels_of(maker, lower_branch(each, maker, numbers, f"Add.{number}")) for number, each in branches]
        )


def added(parts: list[Levels]) -> Sums:
    """The sums of levels of one shape; ValueError if they have several."""
    if len({part.shape for part in parts}) > 1:
        raise ValueError(f"Add got {', '.join(str(part.shape) for part in parts)}; expected one shape")
    unit = min(part.unit for part in parts)
    factors = [round(part.unit / unit) for part in parts]
    return Sums.plain(
        Levels(
            np.concatenate([part.bits for part in parts], axis=-1),
            np.concatenate([part.weights * factor for part, factor in zip(parts, factors, strict=True)], axis=-1),
            np.sum([part.offset * factor for part, factor in zip(parts, factors, strict=True)], axis=0),
            unit,
            all(part.shared for part in parts),
        )
    )
