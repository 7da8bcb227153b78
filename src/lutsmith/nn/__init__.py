"""Trainable layers: encoders, LUT layers, heads, and the way from a model to a circuit."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "training needs PyTorch, which is not installed: pip install 'lutsmith[train]'", name="torch"
    ) from error

from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import DistributiveThermometer, GaussianThermometer, Thermometer
from lutsmith.nn.heads import GroupSum
from lutsmith.nn.lowering import to_circuit
from lutsmith.nn.network import Architecture, build

__all__ = [
    "Architecture",
    "DistributiveThermometer",
    "GaussianThermometer",
    "GroupSum",
    "LogicDense",
    "Thermometer",
    "build",
    "to_circuit",
]
