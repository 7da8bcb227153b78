"""Thermometers with the names and methods of torch_dwn: plain objects that fit and binarize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lutsmith import nn as layers

if TYPE_CHECKING:
    from typing_extensions import Self


class Thermometer:
    """Uniform thermometer `t_i = min + i (max - min) / (z + 1)`: `fit(x)`, then `binarize(x)`.

    Args:
        num_bits: z, the thresholds of a feature.
        feature_wise: thresholds for every feature; else one set for all.

    Attributes:
        encoder: the same thermometer as a module, `lutsmith.nn.Thermometer`, to put before a model that becomes a
            circuit: `nn.Sequential(thermometer.encoder, nn.Flatten(), model)`.
    """

    _module: ClassVar[type[layers.Thermometer]] = layers.Thermometer

    def __init__(self, num_bits: int = 1, feature_wise: bool = True) -> None:
        self.num_bits = num_bits
        self.feature_wise = feature_wise
        self.encoder = self._fresh()

    def _fresh(self) -> layers.Thermometer:
        return self._module(self.num_bits, per="feature" if self.feature_wise else "global", encode_axis=-1)

    def fit(self, x: Any) -> Self:
        """Set the thresholds from `x` `(N, ...)`, an array or a tensor; NaN is ignored. Returns self.

        Raises:
            ValueError: no rows, infinite values, or a feature that is NaN throughout.
        """
        self.encoder = self._fresh().fit(_with_features(x))
        return self

    def get_thresholds(self, x: Any) -> Tensor:
        """The thresholds that `fit(x)` would set: `(*x.shape[1:], z)`, or `(z,)` of global ones (uniform: `(1, z)`)."""
        data = _with_features(x)
        thresholds = self._fresh().fit(data).thresholds
        shape = data.shape[1:] if np.ndim(x) > 1 else ()
        return thresholds.reshape(*shape, self.num_bits) if self.feature_wise else self._global(thresholds)

    def _global(self, thresholds: Tensor) -> Tensor:
        return thresholds.reshape(1, self.num_bits)

    def binarize(self, x: Any) -> Tensor:
        """`x > t`, strictly and as float32: `(*x.shape, z)`, float32 of 0 and 1, thresholds ascending.

        Raises:
            RuntimeError: before `fit`.
            ValueError: samples of another shape than those of `fit`.
        """
        values = torch.as_tensor(x)
        shape = tuple(values.shape[1:]) or (1,)
        if self.encoder.feature_shape != shape and self.feature_wise:
            raise ValueError(
                f"the thermometer was fitted on samples of shape {self.encoder.feature_shape} and got {shape}"
            )
        thresholds = self.encoder.thresholds.to(values.device)
        if self.feature_wise and values.ndim == 1:
            thresholds = thresholds.reshape(self.num_bits)
        return (values.float().unsqueeze(-1) > thresholds).float()


class GaussianThermometer(Thermometer):
    """Thermometer at the quantiles of a fitted normal: `t_i = mean + std * Phi^-1(i / (z + 1))`, std unbiased."""

    _module: ClassVar[type[layers.Thermometer]] = layers.GaussianThermometer

    def _global(self, thresholds: Tensor) -> Tensor:
        return thresholds.reshape(self.num_bits)


class DistributiveThermometer(GaussianThermometer):
    """Thermometer at the quantiles of the data: `t_i = sort(x)[floor(N i / (z + 1))]`, without interpolation."""

    _module: ClassVar[type[layers.Thermometer]] = layers.DistributiveThermometer


def _with_features(x: Any) -> Any:
    """Data with at least one feature axis: `(N,)` becomes `(N, 1)`."""
    data = x if isinstance(x, Tensor) else np.asarray(x)
    return data.reshape(-1, 1) if data.ndim == 1 else data
