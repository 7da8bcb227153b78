"""Whether values are missing: one bit per feature, besides the bits that other encoders make of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.encoders.base import Encoder

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Missing(Encoder):
    """1 where the value of a feature is missing (NaN): one bit per feature, without thresholds.

    In a circuit the bit is an input, and takes neither a comparator nor a LUT. `Several([Thermometer(8), Missing()])`
    distinguishes a missing value from the lowest one.

    Args:
        num_bits: 1.
        encode_axis: see `Encoder`.

    Raises:
        TypeError, ValueError: a number of bits other than 1.
    """

    def __init__(self, num_bits: int = 1, *, encode_axis: int = 1) -> None:
        super().__init__(num_bits, encode_axis=encode_axis)

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        return 1, 1

    @property
    def num_thresholds(self) -> int:
        return 0

    def code(self) -> Tensor:
        """The code of the only level that numbers have: 0."""
        return torch.zeros(1, 1, dtype=torch.bool)

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.empty(columns.shape[1], 0)

    def _encode(self, x: Tensor, inner: int) -> Tensor:  # noqa: ARG002
        return x.isnan().t().to(torch.float32).contiguous()

    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        return builder.missing(features)[:, None]

    def _usable_bits(self) -> Tensor:
        return torch.ones(1, dtype=torch.bool, device=self.thresholds.device)
