"""Trainable layers: encoders, LUT layers, heads, and the way from a model to a circuit."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "training needs PyTorch, which is not installed: pip install 'lutsmith[train]'", name="torch"
    ) from error

from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import (
    BalancedThermometer,
    Binary,
    Categorical,
    Columns,
    DistributiveThermometer,
    EdgeThermometer,
    GaussianThermometer,
    Gray,
    ImageThermometer,
    LearnableThermometer,
    LogarithmicThermometer,
    OneHot,
    SignMagnitude,
    Thermometer,
    UniformFixedPoint,
)
from lutsmith.nn.feed_forward import FeedForward
from lutsmith.nn.from_circuit import from_circuit
from lutsmith.nn.heads import (
    GroupAffine,
    GroupedDSP,
    GroupSum,
    LearnableReduction,
    MultiLabel,
    OutputCode,
    Regression,
)
from lutsmith.nn.lowering import to_circuit
from lutsmith.nn.network import Architecture, build
from lutsmith.nn.read_back import LoweringProof, ModuleProof, prove_lowering

__all__ = [
    "Architecture",
    "BalancedThermometer",
    "Binary",
    "Categorical",
    "Columns",
    "DistributiveThermometer",
    "EdgeThermometer",
    "FeedForward",
    "GaussianThermometer",
    "Gray",
    "GroupAffine",
    "GroupSum",
    "GroupedDSP",
    "ImageThermometer",
    "LearnableReduction",
    "LearnableThermometer",
    "LogarithmicThermometer",
    "LogicDense",
    "LoweringProof",
    "ModuleProof",
    "MultiLabel",
    "OneHot",
    "OutputCode",
    "Regression",
    "SignMagnitude",
    "Thermometer",
    "UniformFixedPoint",
    "build",
    "from_circuit",
    "prove_lowering",
    "to_circuit",
]
