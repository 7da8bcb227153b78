"""What connections are: the part of a layer that says which inputs each LUT reads."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from lutsmith.kernels.ops import Wiring


class Connections(nn.Module, ABC):
    """Which `lut_rank` of `in_dim` inputs each of `out_dim` LUTs reads. No LUT reads an input twice.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, in_dim: int, out_dim: int, lut_rank: int) -> None:
        super().__init__()
        for name, size in (("in_dim", in_dim), ("out_dim", out_dim), ("lut_rank", lut_rank)):
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} is {size!r}; expected an integer of at least 1")
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.lut_rank = lut_rank

    def usable_inputs(self, usable: Tensor | None) -> Tensor:
        """The numbers of the inputs that may be wired, int64, ascending; ValueError where they are too few."""
        if usable is None:
            inputs = torch.arange(self.in_dim)
        elif usable.numel() != self.in_dim or usable.dtype != torch.bool:
            raise ValueError(
                f"usable is {usable.dtype} of shape {tuple(usable.shape)}; expected bool of {self.in_dim} elements"
            )
        else:
            inputs = usable.flatten().nonzero().flatten().cpu()
        if len(inputs) < self.lut_rank:
            unusable = "" if usable is None else f" ({self.in_dim} less {self.in_dim - len(inputs)} constant ones)"
            raise ValueError(
                f"a LUT of rank {self.lut_rank} reads {self.lut_rank} different inputs, and the layer has {len(inputs)}"
                f"{unusable}; take a smaller lut_rank or more inputs"
            )
        return inputs

    @abstractmethod
    def wiring(self) -> Wiring:
        """The wiring as the kernels take it, now."""

    def inputs(self) -> Tensor:
        """The inputs that the LUTs read now, `(out_dim, lut_rank)` int32."""
        return self.wiring().inputs

    def extra_repr(self) -> str:
        return f"in_dim={self.in_dim}, out_dim={self.out_dim}, lut_rank={self.lut_rank}"
