"""Encoders: numbers to bits. Thresholds that are fitted to data, and a code; every one lowers into the circuit."""

from __future__ import annotations

from typing import Any

from lutsmith.ground.arguments import check_options, one_of, options_of
from lutsmith.nn.encoders.base import Encoder, Per
from lutsmith.nn.encoders.categorical import Categorical
from lutsmith.nn.encoders.codes import Binary, Gray, OneHot, SignMagnitude, UniformFixedPoint
from lutsmith.nn.encoders.columns import Columns
from lutsmith.nn.encoders.edges import EdgeThermometer
from lutsmith.nn.encoders.learnable import LearnableThermometer
from lutsmith.nn.encoders.missing import Missing
from lutsmith.nn.encoders.several import ImageThermometer, Several
from lutsmith.nn.encoders.thermometers import (
    BalancedThermometer,
    DistributiveThermometer,
    GaussianThermometer,
    LogarithmicThermometer,
    Thermometer,
)

__all__ = [
    "ENCODERS",
    "IMAGE_ENCODERS",
    "BalancedThermometer",
    "Binary",
    "Categorical",
    "Columns",
    "DistributiveThermometer",
    "EdgeThermometer",
    "Encoder",
    "GaussianThermometer",
    "Gray",
    "ImageThermometer",
    "LearnableThermometer",
    "LogarithmicThermometer",
    "Missing",
    "OneHot",
    "Per",
    "Several",
    "SignMagnitude",
    "Thermometer",
    "UniformFixedPoint",
    "setup_encoder",
]

ENCODERS: dict[str, type[Encoder]] = {
    "uniform": Thermometer,
    "gaussian": GaussianThermometer,
    "distributive": DistributiveThermometer,
    "balanced": BalancedThermometer,
    "logarithmic": LogarithmicThermometer,
    "learnable": LearnableThermometer,
    "fixed-point": UniformFixedPoint,
    "binary": Binary,
    "gray": Gray,
    "one-hot": OneHot,
    "sign-magnitude": SignMagnitude,
}
"""The encoders that take numbers, by name."""

IMAGE_ENCODERS: dict[str, type[EdgeThermometer | ImageThermometer]] = {
    "edges": EdgeThermometer,
    "image": ImageThermometer,
}
"""Those that take images of integers alone, by name."""


def setup_encoder(name: str, num_bits: int, **options: Any) -> Encoder | Several:
    """Make the encoder `name` with this many bits per feature, to be fitted; `options` are its class's arguments. Names
    are those of `ENCODERS` and `IMAGE_ENCODERS`.

    Raises:
        ValueError: an unknown name, an option that the encoder does not have, an invalid value.
        TypeError: a value of a wrong type.
    """
    known = {**ENCODERS, **IMAGE_ENCODERS}
    kind = known[one_of("encoder", name, known)]
    check_options(f"the encoder {name!r}", options, [each for each in options_of(kind) if each != "num_bits"])
    return kind(num_bits, **options)
