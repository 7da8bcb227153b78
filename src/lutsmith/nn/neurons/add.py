"""Skip connections of numbers: the sum of what branches say."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of


class Add(nn.Module):
    """The sum of what branches say of the same input: `Add(nn.Identity(), layer)` is `x + layer(x)`.

    Branches are added from the first to the last. In a circuit what is added has to be integers of one grid: signs,
    levels, and sums of binary layers whose scale is a power of two.

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
        found = [branch(x) for branch in self.branches]
        if len({y.shape for y in found}) > 1:
            raise ValueError(f"Add got {', '.join(str(tuple(y.shape)) for y in found)}; expected one shape")
        total: Tensor = found[0]
        for y in found[1:]:
            total = torch.add(total, y)
        return total
