"""Whole networks of neurons, from a few numbers: an encoder, and binary layers with a batch norm and a sign each.

Phases of training turn them into networks of LUTs: see `training.phases`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from lutsmith.ground.arguments import as_python, check_options, one_of, whole_number
from lutsmith.ground.frozen import plain_json
from lutsmith.nn.encoders import ENCODERS, Per, setup_encoder
from lutsmith.nn.layers import named
from lutsmith.nn.neurons.binary import BinaryConv2d, BinaryLinear
from lutsmith.nn.neurons.signs import MAX_LEVELS, BinarizeSign, BitsToSigns, ResidualSign

_KEYS = {"linear": (), "conv": ("window", "stride", "padding", "pool")}


@dataclass(frozen=True)
class NeuronArchitecture:
    """The sizes of a network of neurons, as JSON values.

    Attributes:
        layers: the layers before the last, from input to output: `{"linear": 256}`, or for images `{"conv": 64}` with
            the keys `window` (3), `stride` (1), `padding` (0; what is added is -1), and `pool` (1: none), the side of
            the squares that are pooled to their largest sum. A linear layer with an output for each class ends the
            network.
        levels: how many signs a `ResidualSign` makes of each sum of all layers but the last. Each sign is a separate
            input to the next layer, which has weights for each level. 1: a `BinarizeSign`.
        bits: thresholds of each feature.
        encoder: a name of `ENCODERS`.
        encoder_options: further arguments of it.
        per: what has its own thresholds: "feature", "channel" or "global".

    Raises:
        TypeError, ValueError: an invalid field, with the values that it may have.
    """

    layers: tuple[Mapping[str, Any], ...] = ({"linear": 256}, {"linear": 256}, {"linear": 256}, {"linear": 256})
    levels: int = 1
    bits: int = 1
    encoder: str = "uniform"
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    per: Per = "global"

    def __post_init__(self) -> None:
        if not isinstance(self.layers, (tuple, list)):
            raise TypeError(f'layers is {self.layers!r}; expected a list of layers, such as [{{"linear": 256}}]')
        for number, layer in enumerate(self.layers):
            kinds = [kind for kind in _KEYS if isinstance(layer, Mapping) and kind in layer]
            if len(kinds) != 1:
                raise ValueError(
                    f'layers[{number}] is {layer!r}; expected {{"linear": outputs}} or {{"conv": outputs}}'
                )
            with named(f"layers[{number}]"):
                check_options("it", layer, [*kinds, *_KEYS[kinds[0]]])
                whole_number(kinds[0], layer[kinds[0]], 1, what="outputs")
        object.__setattr__(self, "layers", tuple(as_python(dict(layer)) for layer in self.layers))
        whole_number("levels", self.levels, 1, MAX_LEVELS, what="the signs of a sum")
        whole_number("bits", self.bits, 1, what="the thresholds of a feature")
        one_of("encoder", self.encoder, ENCODERS)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**asdict(self), "layers": [dict(layer) for layer in self.layers]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NeuronArchitecture:
        """The inverse of `to_json`; fields left out take their defaults. ValueError for a name that is not a field."""
        check_options("an architecture of neurons", values, list(cls.__dataclass_fields__))
        return cls(**plain_json(values))


def build_neurons(architecture: NeuronArchitecture, fit_samples: Any, num_classes: int, seed: int = 0) -> nn.Sequential:
    """Fit the encoder on `fit_samples` `(N, *input_shape)`, and build the network on it, with real weights.

    Modules are `encoder`, and for each layer `layer1`, `norm1`, `sign1` and so on; images are flattened before the
    first linear layer, and there is a scale behind the last. The same arguments give the same network, bit for bit.

    Raises:
        ValueError: sizes that do not fit, such as convolutions of samples that are not images.
    """
    generator = torch.Generator().manual_seed(seed)
    with named("the encoder"):
        options = {"per": architecture.per, **architecture.encoder_options}
        encoder: Any = setup_encoder(architecture.encoder, architecture.bits, **options)
    encoder.fit(fit_samples, seed=seed)
    shape = tuple(encoder.usable.shape)
    model = nn.Sequential()
    model.add_module("encoder", encoder)
    images = bool(architecture.layers) and "conv" in architecture.layers[0]
    if not images:
        model.add_module("flat", nn.Flatten())
    model.add_module("signs", BitsToSigns())
    wanted = [*architecture.layers, {"linear": num_classes}]
    for number, layer in enumerate(wanted, start=1):
        last = number == len(wanted)
        arguments: dict[str, Any] = {"bias": False, "binary": False, "generator": generator}
        made: BinaryConv2d | BinaryLinear
        with named(f"layers[{number - 1}]"):
            if "conv" in layer:
                if len(shape) != 3:
                    raise ValueError(f"a convolution reads (channels, height, width), and {shape} comes here")
                window, stride, around = (layer.get(name, fill) for name, fill in _CONV.items())
                made = BinaryConv2d(
                    shape[0], layer["conv"], window, stride, around, padding_mode="-1", scale="none", **arguments
                )
                shape = (layer["conv"], *made.sliding.out_shape(shape[1:]))
            else:
                if len(shape) > 1:
                    if images:
                        model.add_module("flat", nn.Flatten())
                    shape = (math.prod(shape),)
                made = BinaryLinear(shape[0], layer["linear"], scale="layer" if last else "none", **arguments)
                shape = (layer["linear"],)
        if number == 1 and isinstance(made, BinaryLinear):
            made.kept &= encoder.usable.flatten()
        if last:
            assert made.scale is not None
            nn.init.constant_(made.scale, 1 / math.sqrt(made.weight[0].numel()))
        model.add_module(f"layer{number}", made)
        if (side := layer.get("pool", 1)) != 1:
            model.add_module(f"pool{number}", nn.MaxPool2d(side))
            shape = (shape[0], *(size // side for size in shape[1:]))
        if not last:
            norm = (nn.BatchNorm2d if "conv" in layer else nn.BatchNorm1d)(shape[0])
            model.add_module(f"norm{number}", norm)
            model.add_module(f"sign{number}", _signs(architecture.levels))
            shape = (shape[0] * architecture.levels, *shape[1:])
    return model


def _signs(levels: int) -> nn.Module:
    return BinarizeSign() if levels == 1 else ResidualSign(levels, output="joined", scaled=False)


_CONV = {"window": 3, "stride": 1, "padding": 0}
