"""Encoders: numbers to bits. Thresholds that are fitted to data, and a code; every one lowers into the circuit."""

from __future__ import annotations

from lutsmith.nn.encoders.base import Encoder, Per
from lutsmith.nn.encoders.categorical import Categorical
from lutsmith.nn.encoders.codes import Binary, Gray, OneHot, SignMagnitude, UniformFixedPoint
from lutsmith.nn.encoders.columns import Columns
from lutsmith.nn.encoders.learnable import LearnableThermometer
from lutsmith.nn.encoders.thermometers import (
    DistributiveThermometer,
    GaussianThermometer,
    LogarithmicThermometer,
    Thermometer,
)

__all__ = [
    "ENCODERS",
    "Binary",
    "Categorical",
    "Columns",
    "DistributiveThermometer",
    "Encoder",
    "GaussianThermometer",
    "Gray",
    "LearnableThermometer",
    "LogarithmicThermometer",
    "OneHot",
    "Per",
    "SignMagnitude",
    "Thermometer",
    "UniformFixedPoint",
]

ENCODERS: dict[str, type[Encoder]] = {
    "uniform": Thermometer,
    "gaussian": GaussianThermometer,
    "distributive": DistributiveThermometer,
    "logarithmic": LogarithmicThermometer,
    "learnable": LearnableThermometer,
    "fixed-point": UniformFixedPoint,
    "binary": Binary,
    "gray": Gray,
    "one-hot": OneHot,
    "sign-magnitude": SignMagnitude,
}
"""The encoders that take numbers, by name; `ENCODERS[name](num_bits, per=..., unique=...)`."""
