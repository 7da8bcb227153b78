"""The network that suits most tasks, from a few numbers: encoder, layers as data, dense LUT layers, head."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

import torch
from torch import nn

from lutsmith.ground.arguments import as_python, check_options, instance_of, one_of, whole_number
from lutsmith.ground.frozen import plain_json
from lutsmith.nn.connections import list_connections
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import ENCODERS, IMAGE_ENCODERS, Columns, Per, setup_encoder
from lutsmith.nn.heads import HEADS, setup_head
from lutsmith.nn.layers import BitShape, build_layers, checked_layers, named
from lutsmith.nn.parametrizations import checked_name
from lutsmith.nn.parametrizations.base import WEIGHT_INITS

MEMORIZE = "memorize"
"""Of `weight_init`: tables that labels fill."""

_LEARNED = {
    "learnable": ("num_candidates", "connection_temperature", "connection_sampling", "connection_rule"),
    "top-k": ("num_candidates", "connection_temperature"),
    "dense": ("connection_temperature", "connection_rule"),
}
"""The fields of an architecture that layers of each kind of learned connections read."""


@dataclass(frozen=True)
class Architecture:
    """The sizes and kinds of a feed-forward LUT network, as JSON values.

    It consists of an encoder, `layers` of any kind if there are any, dense layers of LUTs, and a head. "All layers" and
    "each" below mean the dense layers.

    Attributes:
        luts: LUTs of each dense layer, or of the only one as a number, which is kept as `(luts,)`; the last is a
            multiple of the number of classes. (): no dense layers; then `layers` are needed.
        rank: inputs of a LUT, one number for all layers or one for each.
        bits: bits of each feature; of a thermometer, its thresholds.
        encoder: a name of `ENCODERS`, for images also one of `IMAGE_ENCODERS`; categorical columns are always one-hot.
        encoder_options: further arguments of the encoder, such as `{"input_bits": 8}`.
        per: what has its own thresholds: `"feature"`, `"channel"` or `"global"`.
        parametrization: a name of `list_parametrizations()`.
        parametrization_options: further arguments of the parametrization, such as `{"rho": 0.6}`.
        sampling: the parametrization's `forward_sampling`.
        temperature: the parametrization's; None: its default.
        weight_init: `"residual"`, `"random"`, or `"memorize"`: `training.fit` fills all tables by counting
            (`nn.memorised` says for which heads and parametrizations), but not together with a start; if nothing is
            fitted it is residual.
        residual_probability: see `Parametrization`.
        connections: a name of `list_connections()`, one for all layers or one for each.
        connection_options: further arguments of the connections, such as `{"num_groups": 4}`, one mapping for all
            layers or one for each. The wiring `"local"` of the first layer needs no `shape`: it takes the encoder's.
        init_method: the wiring of fixed connections, or where learned ones take their candidates from, one for all
            layers or one for each; None: the default of the kind.
        num_candidates: candidates of a learned slot, one number for all layers or one for each; -1: all inputs; never
            more than a layer has.
        connection_temperature: of learned connections; None: the default of the kind.
        connection_sampling: of learnable connections; None: `"hard"`.
        connection_rule: of learned connections; None: the default of the kind.
        head: a name of `HEADS`.
        head_options: further arguments of the head.
        tau: divisor of the head's scores in training, a number or `"learned"`; `"auto"`: the head's default.
        layers: the layers before the dense ones, such as convolutions and pools: see `nn.layers`. The settings of
            tables given here hold for them too unless they say otherwise, as does the rank if it is one number; their
            wiring is their own.

    Raises:
        ValueError: an invalid field, with the values that it may have.
        TypeError: a field of a wrong type.
    """

    luts: tuple[int, ...] | int = (2000, 1000)
    rank: tuple[int, ...] | int = 6
    bits: int = 3
    encoder: str = "distributive"
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    per: Per = "feature"
    parametrization: str = "light"
    parametrization_options: Mapping[str, Any] = field(default_factory=dict)
    sampling: str = "soft"
    temperature: float | None = None
    weight_init: Literal["residual", "random", "memorize"] = "residual"
    residual_probability: float = 0.951
    connections: tuple[str, ...] | str = "learnable"
    connection_options: tuple[Mapping[str, Any], ...] | Mapping[str, Any] = field(default_factory=dict)
    init_method: tuple[str | None, ...] | str | None = None
    num_candidates: tuple[int, ...] | int = 16
    connection_temperature: float | None = None
    connection_sampling: str | None = None
    connection_rule: str | None = None
    head: str = "group-sum"
    head_options: Mapping[str, Any] = field(default_factory=dict)
    tau: float | str = "auto"
    layers: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, as_python(getattr(self, item.name)))
        if isinstance(self.luts, int) and not isinstance(self.luts, bool):
            whole_number("luts", self.luts, 1, what="the width of each layer, such as (2000, 1000), or of the only one")
            object.__setattr__(self, "luts", (self.luts,))
        if not isinstance(self.luts, (tuple, list)):
            raise TypeError(
                f"luts is {self.luts!r}; expected the width of each layer, such as (2000, 1000), or of the only one"
            )
        checked_layers(self.layers)
        object.__setattr__(self, "layers", tuple(_json_value("layers", list(self.layers))))
        if not self.luts and not self.layers:
            raise ValueError(f"luts is {self.luts}; expected the width of each layer, such as (2000, 1000)")
        for width in self.widths:
            whole_number("luts", width, 1, what="the width of each layer, such as (2000, 1000)")
        for name in ("luts", "rank", "connections", "connection_options", "init_method", "num_candidates"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
            if isinstance(value, (tuple, list)) and len(value) != len(self.widths):
                kind = {"rank": "numbers", "num_candidates": "numbers", "connection_options": "mappings"}.get(
                    name, "names"
                )
                raise ValueError(f"{name} has {len(value)} {kind} for {len(self.widths)} layers; expected one for each")
        for rank in self._each("rank"):
            whole_number("rank", rank, 1, 8, "the inputs of a LUT")
        whole_number("bits", self.bits, 1, what="the bits of a feature")
        for count in self._each("num_candidates"):
            if count != -1:
                whole_number("num_candidates", count, 2, what="-1 for all inputs or some of them")
        for kind in self._each("connections"):
            one_of("connections", kind, [*list_connections(), "random"])
        one_of("encoder", self.encoder, [*ENCODERS, *IMAGE_ENCODERS])
        checked_name(self.parametrization)
        one_of("weight_init", self.weight_init, [*WEIGHT_INITS, MEMORIZE])
        if self.layers and self.weight_init == MEMORIZE:
            raise ValueError("weight_init is 'memorize', which fills dense layers alone; leave it or layers out")
        one_of("head", self.head, HEADS)
        for name in ("encoder_options", "parametrization_options", "head_options"):
            _check_options(name, getattr(self, name))
        for options in self._each("connection_options"):
            _check_options("connection_options", options)

    def _each(self, name: str) -> tuple[Any, ...]:
        value = getattr(self, name)
        return value if isinstance(value, tuple) else (value,) * len(self.widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """LUTs of each dense layer."""
        assert not isinstance(self.luts, int)
        return self.luts

    def options_of_connections(self, layer: int) -> Mapping[str, Any]:
        """The further arguments of a layer's connections."""
        options: Mapping[str, Any] = self._each("connection_options")[layer]
        return options

    def method_of(self, layer: int) -> str | None:
        """The `init_method` of a layer."""
        method: str | None = self._each("init_method")[layer]
        return method

    def candidates_of(self, layer: int, in_dim: int) -> int:
        """Candidates of a slot in a layer with `in_dim` inputs."""
        wanted: int = self._each("num_candidates")[layer]
        return in_dim if wanted == -1 else min(wanted, in_dim)

    def layer(self, number: int, available: int, encoded_shape: Sequence[int]) -> dict[str, Any]:
        """The arguments of a layer's `LogicDense`, sizes aside.

        Args:
            number: of the layer, from 0.
            available: the inputs that it may read.
            encoded_shape: of one encoded sample, which the first layer reads.
        """
        kind = self._each("connections")[number]
        values = {name: getattr(self, name) for name in _LEARNED.get(kind, ())}
        if "num_candidates" in values:
            values["num_candidates"] = self.candidates_of(number, available)
        method = values["init_method"] = self._each("init_method")[number]
        if method == "local" and number == 0:
            values["shape"] = tuple(encoded_shape)
        return {
            "lut_rank": self._each("rank")[number],
            "connections": kind,
            **self.tables(),
            **{name: value for name, value in values.items() if value is not None},
            **self._each("connection_options")[number],
            **self.parametrization_options,
        }

    def tables(self) -> dict[str, Any]:
        """The arguments of all layers that concern their tables, except the rank."""
        values = {
            "parametrization": self.parametrization,
            "weight_init": "residual" if self.weight_init == MEMORIZE else self.weight_init,
            "residual_probability": self.residual_probability,
            "temperature": self.temperature,
            "forward_sampling": None if self.sampling == "soft" else self.sampling,
        }
        return {name: value for name, value in values.items() if value is not None} | dict(self.parametrization_options)

    def shared_by(self, num_classes: int) -> Architecture:
        """The same with a last layer that this many classes, targets or labels can share equally, rounded up."""
        if not self.luts or self.head == "output-code" or "num_groups" in self.head_options:
            return self
        last = -(-self.widths[-1] // num_classes) * num_classes
        return replace(self, luts=(*self.widths[:-1], last))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_json`; also reads what a circuit's metadata hold. Fields left out take their defaults.

        Raises:
            ValueError: a name that is not a field, with the names that are.
        """
        check_options("an architecture", values, sorted(known.name for known in fields(cls)))
        plain = plain_json(values)
        arguments: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
        return cls(**arguments)


def build(
    architecture: Architecture,
    fit_samples: Any,
    num_classes: int,
    seed: int = 0,
    categorical: Sequence[int] = (),
) -> nn.Sequential:
    """Fit the encoder on `fit_samples` `(N, *input_shape)` and build the network on it.

    Returns `Sequential(encoder, Flatten, LogicDense..., head)`, with `architecture.layers` behind the encoder if there
    are any. The same arguments give the same network, bit for bit.

    Args:
        architecture: what to build.
        fit_samples: an array or tensor.
        num_classes: of the head.
        seed: of the wiring and the first weights.
        categorical: the columns of a table whose values are codes of categories; they are encoded one-hot.

    Raises:
        ValueError: sizes that do not fit: a last layer that is not a multiple of `num_classes`, fewer usable bits than
            `rank`; options that a layer, the encoder or the head does not have.
    """
    instance_of("architecture", architecture, Architecture, "(Architecture.from_json reads a dict)")
    generator = torch.Generator().manual_seed(seed)
    options = {"per": architecture.per, "unique": True, **architecture.encoder_options}
    with named("the encoder"):
        encoder: Any = setup_encoder(architecture.encoder, architecture.bits, **options)
    if categorical:
        encoder = Columns(encoder, categorical=list(categorical))
    encoder.fit(fit_samples, seed=seed)
    head = _head(architecture, num_classes, architecture.widths[-1], generator) if architecture.luts else None
    encoded = BitShape(tuple(encoder.usable.shape), encoder.usable)
    rank = {"lut_rank": architecture.rank} if isinstance(architecture.rank, int) else {}
    before, bits = build_layers(architecture.layers, encoded, {**rank, **architecture.tables()}, generator)
    in_dim, usable = math.prod(bits.shape), None if bits.usable is None else bits.usable.flatten()
    dense: list[nn.Module] = []
    for number, width in enumerate(architecture.widths):
        available = in_dim if usable is None else int(usable.sum())
        arguments = architecture.layer(number, available, bits.shape)
        with named(f"layer {number}" if not before else f"luts[{number}]"):
            dense.append(LogicDense(in_dim, width, usable=usable, generator=generator, **arguments))
        usable, in_dim = None, width
    head = head or _head(architecture, num_classes, in_dim, generator)
    return nn.Sequential(encoder, *before, nn.Flatten(), *dense, head)


def _head(architecture: Architecture, num_classes: int, in_dim: int, generator: torch.Generator) -> nn.Module:
    tau = {} if architecture.tau == "auto" else {"tau": architecture.tau}
    options: dict[str, Any] = {"generator": generator, **tau, **architecture.head_options}
    with named("the head"):
        return setup_head(architecture.head, num_classes, in_dim=in_dim, **options)


def _check_options(name: str, options: Any) -> None:
    if not isinstance(_json_value(name, options), dict):
        raise TypeError(f"{name} is {options!r}; expected names with values")


def _json_value(name: str, value: Any) -> Any:
    """A value as JSON gives it back; TypeError where it is none."""
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise TypeError(f"{name} holds what is not a JSON value: {error}") from error
