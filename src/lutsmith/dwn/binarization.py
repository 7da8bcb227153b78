"""Thermometers with the names and methods of torch_dwn: plain objects that fit and binarize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lutsmith import nn as layers

if TYPE_CHECKING:
    from typing import Self


class Thermometer:
    """Uniform thermometer `t_i = min + i (max - min) / (z + 1)`: `fit(x)`, then `binarize(x)`.

    Args:
        num_bits: z, the thresholds of a feature.
        feature_wise: whether every feature has its own thresholds; else all share one set.

    Attributes:
        thresholds: None before `fit`; then `(*sample shape, z)`, or `(z,)` for one shared set (uniform: `(1, z)`).
        encoder: the same thermometer as a module, `lutsmith.nn.Thermometer`, to put before a model that becomes a
            circuit: `nn.Sequential(thermometer.encoder, nn.Flatten(), model)`.
    """

    _module: ClassVar[type[layers.Thermometer]] = layers.Thermometer

    def __init__(self, num_bits: int = 1, feature_wise: bool = True) -> None:
        self.num_bits = num_bits
        self.feature_wise = feature_wise
        self.thresholds: Tensor | None = None
        self.encoder = self._fresh()

    def _fresh(self) -> layers.Thermometer:
        return self._module(self.num_bits, per="feature" if self.feature_wise else "global", encode_axis=-1)

    def fit(self, x: Any) -> Self:
        """Set the thresholds from `x` `(N, ...)`, an array or a tensor; NaN is ignored. Returns self.

        Raises:
            ValueError: no rows, infinite values, or a feature that is NaN throughout.
        """
        self.encoder, self.thresholds = self._fitted(x)
        return self

    def get_thresholds(self, x: Any) -> Tensor:
        """The thresholds that `fit(x)` would set."""
        return self._fitted(x)[1]

    def _fitted(self, x: Any) -> tuple[layers.Thermometer, Tensor]:
        data = x if isinstance(x, Tensor) else np.asarray(x)
        shape = tuple(data.shape[1:])
        encoder = self._fresh().fit(data if shape else data.reshape(-1, 1))
        own = (*shape, self.num_bits) if self.feature_wise else self._global_shape()
        return encoder, encoder.thresholds.reshape(own)

    def _global_shape(self) -> tuple[int, ...]:
        return 1, self.num_bits

    def binarize(self, x: Any) -> Tensor:
        """`x > t`, strictly and as float32: `(*x.shape, z)`, float32 of 0 and 1, thresholds ascending.

        Raises:
            RuntimeError: before `fit`.
            ValueError: samples whose shape differs from those of `fit`.
        """
        if self.thresholds is None:
            name = type(self).__name__
            raise RuntimeError(f"{name} is not fitted: call {name}.fit(training_data) before binarize")
        values = torch.as_tensor(x)
        expected, shape = tuple(self.thresholds.shape[:-1]), tuple(values.shape[1:])
        if self.feature_wise and shape != expected:
            raise ValueError(f"the thermometer was fitted on samples of shape {expected} and got {shape}")
        return (values.float().unsqueeze(-1) > self.thresholds.to(values.device)).float()


class GaussianThermometer(Thermometer):
    """Thermometer at the quantiles of a fitted normal: `t_i = mean + std * Phi^-1(i / (z + 1))`, std unbiased."""

    _module: ClassVar[type[layers.Thermometer]] = layers.GaussianThermometer

    def _global_shape(self) -> tuple[int, ...]:
        return (self.num_bits,)


class DistributiveThermometer(GaussianThermometer):
    """Thermometer at the quantiles of the data: `t_i = sort(x)[floor(N i / (z + 1))]`, without interpolation."""

    _module: ClassVar[type[layers.Thermometer]] = layers.DistributiveThermometer
