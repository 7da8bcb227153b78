"""Thermometers: z ascending thresholds, one bit each. They differ in where the thresholds lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.encodings import codes, thresholds
from lutsmith.encodings.balanced import balanced
from lutsmith.ground.arguments import number
from lutsmith.kernels.training import ops
from lutsmith.nn.encoders.base import Encoder, EncoderOptions
from lutsmith.nn.encoders.gathering import floating

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Thermometer(Encoder):
    """Uniform thermometer: `t_i = min + i (max - min) / (z + 1)` for i = 1..z (DWN, torch_dwn `Thermometer`).

    Bit b of level l is l > b: a comparator each, and no LUT. Arguments, shapes and buffers are those of `Encoder`.
    """

    @property
    def num_thresholds(self) -> int:
        return self.num_bits

    def code(self) -> Tensor:
        return torch.from_numpy(codes.thermometer(self.num_bits))

    def _encode(self, x: Tensor, inner: int) -> Tensor:
        return ops.encode(x, self._per_feature(), inner)

    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        return builder.compare(features[:, None], self._per_feature().detach().cpu().numpy())

    def _usable_bits(self) -> Tensor:
        return self.thresholds.isfinite()


class GaussianThermometer(Thermometer):
    """Thermometer at the quantiles of a fitted normal: `t_i = mean + std * Phi^-1(i / (z + 1))`, std unbiased (DWN)."""

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        x = floating(columns)
        missing = x.isnan()
        if missing.any():
            count = (~missing).sum(0)
            mean = x.nansum(0) / count
            variance = (x - mean).square().nansum(0) / (count - 1).clamp(min=1)
            std = variance.sqrt()
        else:
            mean = x.mean(0)
            std = x.std(0) if x.shape[0] > 1 else torch.zeros_like(mean)
        fractions = torch.arange(1, self.num_bits + 1) / (self.num_bits + 1)
        skews = torch.erfinv(2 * fractions - 1) * math.sqrt(2)  # Phi^-1
        return torch.stack([skew * std + mean for skew in skews], dim=-1).float()


class DistributiveThermometer(Thermometer):
    """Thermometer at the quantiles of the data: `t_i = sort(x)[floor(N i / (z + 1))]`, without interpolation (DWN)."""

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(thresholds.distributive(columns, self.num_bits))


class BalancedThermometer(Thermometer):
    """Thermometer at the quantiles of the data, in which no value counts for more than one bin.

    If most numbers are the same, such as 0, so are most quantiles; here thresholds distinguish the other numbers.
    Thresholds that are not needed are +inf. See `encodings.balanced.balanced_column`.
    """

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(balanced(columns, self.num_bits))


class LogarithmicThermometer(Thermometer):
    """Thermometer with logarithmic spacing: fine steps near the minimum, each a constant factor wider than the last.

    `t_i = min + (max - min) (2^(k i / (z + 1)) - 1) / (2^k - 1)` for i = 1..z, with k octaves. The data are shifted and
    scaled to [1, 2^k] and cut there at equal ratios; with 8 octaves, bytes become x + 1. Rescaling
    the data changes nothing.

    Args:
        num_bits: z, the thresholds of one feature.
        octaves: k, above 0, how many times the distance from the minimum doubles across the range, at most 64.
        per, unique, encode_axis, fit_axes, input_bits: see `Encoder`.
    """

    def __init__(self, num_bits: int = 1, *, octaves: float = 8.0, **options: Unpack[EncoderOptions]) -> None:
        super().__init__(num_bits, **options)
        number("octaves", octaves, lambda value: 0 < value <= 64, "a number above 0, at most 64")
        self.octaves = float(octaves)

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(thresholds.logarithmic(columns, self.num_bits, octaves=self.octaves))
