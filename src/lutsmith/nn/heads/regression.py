"""Regression: counts to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.heads.base import GroupHead

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Regression(GroupHead):
    """Numbers as `scale (2 s / g - 1) + offset`: a learned scale and offset of the counts s of k groups of g inputs.

    A target ranges from `offset - scale` to `offset + scale`. With integers n in place of s, the circuit computes `n a
    + b` in float64, where `a = scale (2 / g)` and `b = offset - scale` are computed in float64 too. Eval mode does the
    same operations in the same order and rounds the result to float32 (float64 inputs: not at all). So
    `circuit.predict(x)` in float32 equals `model(x)` bit for bit, except that the circuit has no last axis where k is
    1. `torch.compile` and accelerators may round differently where they fuse a product and a sum into one operation.

    Args:
        k: targets.
        scale: the initial value of the parameter, one number or k of them; half the range of the targets is a good
            choice.
        offset: the initial value of the parameter, one number or k of them; the middle of the range is a good choice.
        **groups: `permute`, `in_dim`, `generator`, as for `GroupSum`.

    Parameters: `scale` and `offset`, float32 `(k,)`.

    Shapes: `(..., k * g)` to `(..., k)`.

    Raises:
        ValueError: impossible sizes, or initial values that are not finite numbers.
    """

    objective: ClassVar[str] = "regression"

    def __init__(
        self, k: int = 1, scale: float | Sequence[float] = 1.0, offset: float | Sequence[float] = 0.0, **groups: Any
    ) -> None:
        super().__init__(k, **groups)
        self.scale = nn.Parameter(_start("scale", scale, self.k))
        self.offset = nn.Parameter(_start("offset", offset, self.k))

    def line(self, size: int) -> tuple[Tensor, Tensor]:
        """a and b, float64 `(k,)`, for groups of `size` inputs."""
        scale = self.scale.double()
        return scale * (2 / size), self.offset.double() - scale

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        size = self.group_size(x.shape[-1])
        if self.training:
            return (counts * (2 / size) - 1) * self.scale + self.offset
        slope, start = self.line(size)
        return (counts.double() * slope + start).to(counts.dtype)

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals`, a and b the circuit's head."""
        slope, start = self.line(max(1, signals.shape[-1] // self.k))
        self.lower_groups(builder, signals, scale=slope, offset=start)

    def extra_repr(self) -> str:
        return f"k={self.k}"


def _start(name: str, values: float | Sequence[float], k: int) -> Tensor:
    start = torch.as_tensor(values, dtype=torch.float32)
    if start.shape not in ((), (k,)) or not start.isfinite().all():
        raise ValueError(f"{name} is {values!r}; expected a finite number, or one for each of {k} targets")
    return start.expand(k).clone()
