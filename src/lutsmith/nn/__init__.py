"""Trainable layers: encoders, LUT layers, heads, and the way from a model to a circuit."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "training needs PyTorch, which is not installed: pip install 'lutsmith[train]'", name="torch"
    ) from error

from lutsmith.nn.connections import list_wirings, register_wiring
from lutsmith.nn.containers import LogicResidual, Parallel, Residual
from lutsmith.nn.convolution import (
    LogicConv1d,
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose1d,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
)
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
    Missing,
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
    GroupSum1d,
    GroupSum2d,
    GroupSum3d,
    LearnableReduction,
    MultiLabel,
    OutputCode,
    Regression,
)
from lutsmith.nn.lowering import to_circuit
from lutsmith.nn.network import Architecture, build
from lutsmith.nn.node_layer import NodeLayer, Nodes
from lutsmith.nn.parametrizations import Parametrization, register_parametrization
from lutsmith.nn.pooled_convolution import PooledConv
from lutsmith.nn.pooling import (
    AndPool1d,
    AndPool2d,
    AndPool3d,
    MajorityPool1d,
    MajorityPool2d,
    MajorityPool3d,
    OrPool1d,
    OrPool2d,
    OrPool3d,
)
from lutsmith.nn.read_back import LoweringProof, ModuleProof, prove_lowering
from lutsmith.nn.recurrent import LogicRecurrent, to_machine
from lutsmith.nn.streaming.stream import ImageStream, to_stream

__all__ = [
    "AndPool1d",
    "AndPool2d",
    "AndPool3d",
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
    "GroupSum1d",
    "GroupSum2d",
    "GroupSum3d",
    "GroupedDSP",
    "ImageStream",
    "ImageThermometer",
    "LearnableReduction",
    "LearnableThermometer",
    "LogarithmicThermometer",
    "LogicConv1d",
    "LogicConv2d",
    "LogicConv3d",
    "LogicConvTranspose1d",
    "LogicConvTranspose2d",
    "LogicConvTranspose3d",
    "LogicDense",
    "LogicRecurrent",
    "LogicResidual",
    "LoweringProof",
    "MajorityPool1d",
    "MajorityPool2d",
    "MajorityPool3d",
    "Missing",
    "ModuleProof",
    "MultiLabel",
    "NodeLayer",
    "Nodes",
    "OneHot",
    "OrPool1d",
    "OrPool2d",
    "OrPool3d",
    "OutputCode",
    "Parallel",
    "Parametrization",
    "PooledConv",
    "Regression",
    "Residual",
    "SignMagnitude",
    "Thermometer",
    "UniformFixedPoint",
    "build",
    "from_circuit",
    "list_wirings",
    "prove_lowering",
    "register_parametrization",
    "register_wiring",
    "to_circuit",
    "to_machine",
    "to_stream",
]
