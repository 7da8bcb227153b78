"""A shared cell as a layer of PyTorch: soft tables in training, the rounded ones in eval mode. Imports torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.cells.evaluators.soft import Soft
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.ground.arguments import instance_of, number, whole_number


class CellLayer(nn.Module):
    """Many cells of one fabric that learn side by side, each from its own start.

    Args:
        fabric: how cells are wired.
        restarts: how many cells, R.
        scale: standard deviation of the logits at the start.
        seed: of the start; cell r starts alike whatever the number of cells.

    Shapes: bits (N, width) of two operands to (R, N, result bits), the lowest first; in training probabilities, in eval
    mode exactly 0 and 1 where the inputs are.

    Parameters: `logits`, for each table (R, outputs, 2^rank). An entry is 1 where its logit is above 0.

    Raises:
        TypeError, ValueError: arguments that are none of these.
    """

    def __init__(self, fabric: Fabric, restarts: int = 1, *, scale: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        instance_of("fabric", fabric, Fabric)
        self.fabric = fabric
        self.restarts = whole_number("restarts", restarts, 1, 1 << 16, "cells that learn side by side")
        number("scale", scale, lambda value: 0 < value < np.inf, "a number above 0")
        whole_number("seed", seed, 0)
        draws = [np.random.default_rng([seed, restart]) for restart in range(restarts)]
        self.logits = nn.ParameterDict()
        for table in fabric.tables:
            start = np.stack([draw.standard_normal(table.shape, np.float32) for draw in draws])
            self.logits[table.name] = nn.Parameter(torch.from_numpy(start * np.float32(scale)))

    def forward(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        first = next(iter(self.logits.values()))
        left = _signals("a", a, first)
        right = _signals("b", torch.zeros_like(a) if b is None else b, first)
        if len(left) != len(right) or left[0].shape != right[0].shape:
            raise ValueError(f"a is {tuple(a.shape)} and b {() if b is None else tuple(b.shape)}; expected one shape")
        bits = self.fabric.run(Soft(), self.tables(), left, right)
        shape = self.restarts, len(a)
        return torch.stack([_expanded(bit, shape, first) for bit in bits], -1)

    def tables(self) -> dict[str, Tensor]:
        """Return each table (R, outputs, 2^rank): probabilities in training, 0 and 1 in eval mode."""
        if self.training:
            return {name: logits.sigmoid() for name, logits in self.logits.items()}
        return {name: (logits > 0).to(logits.dtype) for name, logits in self.logits.items()}

    def cell(self, restart: int = 0) -> LearnedCell:
        """Return a cell with its tables rounded.

        Raises:
            ValueError: logits that are not finite, or no such restart.
        """
        whole_number("restart", restart, 0, self.restarts - 1)
        chosen = {name: logits.detach()[restart].cpu() for name, logits in self.logits.items()}
        if not all(bool(logits.isfinite().all()) for logits in chosen.values()):
            raise ValueError(f"the logits of restart {restart} are not finite; train again with a smaller rate")
        return LearnedCell(self.fabric, {name: (logits > 0).numpy() for name, logits in chosen.items()})

    def extra_repr(self) -> str:
        return f"{self.fabric}, restarts={self.restarts}"


def _signals(name: str, bits: Tensor, like: Tensor) -> list[Tensor]:
    instance_of(name, bits, Tensor)
    if bits.ndim != 2 or not bits.shape[1]:
        raise ValueError(f"{name} has shape {tuple(bits.shape)}, expected (N, width) of at least one bit")
    return list(bits.to(like).T.contiguous().unsqueeze(1))


def _expanded(bit: Tensor | bool, shape: tuple[int, int], like: Tensor) -> Tensor:
    return like.new_full(shape, float(bit)) if isinstance(bit, bool) else bit.expand(shape)
