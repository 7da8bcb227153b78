"""Fixed connections: a balanced random wiring, drawn once."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.ops import Wiring
from lutsmith.nn.connections.balanced import balanced_rows
from lutsmith.nn.connections.base import Connections


class FixedConnections(Connections):
    """Random wiring in which every usable input is read equally often (give or take one).

    Buffers: `indices`, int32 `(out_dim, lut_rank)`.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        usable: bool, `in_dim` elements: inputs that may be wired at all (an encoder's `usable` bits); None: all.
        generator: draws the wiring.

    Raises:
        ValueError: fewer usable inputs than `lut_rank`.
    """

    indices: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank)
        inputs = self.usable_inputs(usable)
        rows = balanced_rows(len(inputs), out_dim, lut_rank, generator)
        self.register_buffer("indices", inputs[torch.from_numpy(rows)].int())

    def wiring(self) -> Wiring:
        return Wiring(self.indices)
