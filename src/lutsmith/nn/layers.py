"""Layers as data: convolutions, pools, joins and dense layers as JSON values, each an object that its kind names.

    [{"conv": 32, "window": 5}, {"pool": "or"}, {"residual": [{"conv": 32, "padding": 1}], "gate": "learned"}]

kind        its value                  its keys besides
conv        kernels                    `window` (taps), `rank`, `sampling`, `transposed`, and the other arguments of
                                       `LogicConv2d` by their names: `stride`, `padding`, `padding_mode`, `dilation`,
                                       `groups`, `tree_depth`, `channel_group_size`, `connections`, ...
pool        "or", "and", "majority"    `window` (2 by default), `stride`, `padding`, `dilation`
residual    layers                     `gate`: "xor" (the default), "or", "and", or "learned", a LUT, which has the keys
                                       of a parametrization too
parallel    lists of layers            none: all read the same, their channels are joined; no layers: what is read
shuffle     groups                     none: see `nn.ChannelShuffle`
dense       LUTs                       `rank`, `sampling`, and the other arguments of `LogicDense` by their names

Sizes along the axes of an image are one number, or one for each. The samples decide whether layers work on sequences,
images or volumes; their first axis is the channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import check_options, one_of, options_of, whole_number
from lutsmith.nn import convolution, pooling
from lutsmith.nn.containers import GATES, LogicResidual, Parallel, Residual
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.parametrizations import settings_of
from lutsmith.nn.pooled_convolution import PooledConv

LEARNED = "learned"
"""The gate of a residual that is a LUT."""

_NAMES = {"rank": "lut_rank", "sampling": "forward_sampling"}
"""Keys of LUTs that are not the names of arguments."""
_OURS = {"in_dim", "channels", "num_kernels", "out_dim", "usable", "generator", "device"}
"""Arguments that are told by where a layer stands."""
_OF_ALL = {"lut_rank", "weight_init", "residual_probability"}
"""Arguments of tables that every parametrization has."""


@dataclass(frozen=True, eq=False)
class BitShape:
    """The bits that a layer reads or gives.

    Attributes:
        shape: of one sample: channels and an image, or one axis of features.
        usable: bool, of this shape, the bits that can change at all; None: all.
    """

    shape: tuple[int, ...]
    usable: Tensor | None = None


def checked_layers(layers: Any, name: str = "layers") -> None:
    """Raise an error if a value cannot be layers, whatever they read.

    Raises:
        TypeError: not a list of objects.
        ValueError: an object that names no kind, or several.
    """
    if not isinstance(layers, (tuple, list)):
        raise TypeError(f'{name} is {layers!r}; expected a list of layers, such as [{{"conv": 32}}, {{"pool": "or"}}]')
    for number, layer in enumerate(layers):
        place = f"{name}[{number}]"
        if not isinstance(layer, Mapping):
            raise TypeError(f'{place} is {layer!r}; expected a layer, such as {{"conv": 32, "window": 5}}')
        kinds = [kind for kind in _KINDS if kind in layer]
        if len(kinds) != 1:
            raise ValueError(f"{place} is {dict(layer)}; expected one of the keys {', '.join(_KINDS)}")
        inner = layer[kinds[0]]
        if kinds[0] == "residual":
            checked_layers(inner, f"{place}.residual")
        elif kinds[0] == "parallel":
            if not isinstance(inner, (tuple, list)):
                raise TypeError(f"{place}.parallel is {inner!r}; expected lists of layers")
            for branch, own in enumerate(inner):
                checked_layers(own, f"{place}.parallel[{branch}]")


def build_layers(
    layers: Sequence[Mapping[str, Any]],
    bits: BitShape,
    tables: Mapping[str, Any],
    generator: torch.Generator,
    name: str = "layers",
) -> tuple[list[nn.Module], BitShape]:
    """Make layers, and return them with the bits that the last one gives. A convolution and the pool behind it become
    one `PooledConv`.

    Args:
        layers: as the table above says, of the form that `checked_layers` checks.
        bits: what the first one reads.
        tables: arguments of LUT layers where a layer does not say otherwise: `lut_rank`, `parametrization`, ...
        generator: source of all random numbers.
        name: the name of the layers in errors, which add the number and the kind of a layer.

    Raises:
        TypeError, ValueError: a layer that cannot be, or does not fit what it reads.
    """
    modules: list[nn.Module] = []
    for number, layer in enumerate(layers):
        place = f"{name}[{number}]"
        (kind,) = (kind for kind in _KINDS if kind in layer)
        options = {key: value for key, value in layer.items() if key != kind}
        with named(f"{place} ({kind})", unless=f"{place}."):
            made, bits = _KINDS[kind](_Site(place, bits, tables, generator), layer[kind], options)
        before = modules[-1] if modules else None
        if isinstance(before, convolution.LogicConv) and isinstance(made[0], pooling.Pool):
            modules[-1:] = [PooledConv(before, made[0])]
        else:
            modules += made
    return modules, bits


@contextmanager
def named(what: str, unless: str | None = None) -> Iterator[None]:
    """Begin an error's message with what was being made, unless it already begins with the name of a part of that."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if unless is not None and str(error).startswith(unless):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: {error}") from error


@dataclass(frozen=True, eq=False)
class _Site:
    """Where a layer stands: its name, what it reads, and what it is made with."""

    name: str
    bits: BitShape
    tables: Mapping[str, Any]
    generator: torch.Generator

    def arguments(self, options: Mapping[str, Any], known: Collection[str], **names: str) -> dict[str, Any]:
        """The arguments of a layer of LUTs: those of its keys, and those of tables that its keys leave open.

        Args:
            options: by their keys.
            known: arguments that the layer takes, beside those of its tables.
            **names: keys, and the arguments that they are, beside those of tables.

        Raises:
            ValueError: a key that it does not have.
        """
        common, names = dict(self.tables), {**_NAMES, **names}
        if (chosen := options.get("parametrization", common["parametrization"])) != common["parametrization"]:
            common = {name: value for name, value in common.items() if name in _OF_ALL}
        taken = {*known, *settings_of(chosen), "parametrization"} - _OURS
        keys = {argument: key for key, argument in names.items()}
        check_options("it", options, sorted({keys.get(argument, argument) for argument in taken}))
        given = common | {names.get(key, key): value for key, value in options.items()}
        return {name: value for name, value in given.items() if name in taken} | {"generator": self.generator}

    def axes(self) -> int:
        """The axes of the image."""
        axes = len(self.bits.shape) - 1
        if not 1 <= axes <= 3:
            raise ValueError(
                f"it reads channels of a sequence, an image or a volume, and bits of shape {self.bits.shape} come here"
            )
        return axes

    def inner(self, layers: Any, name: str) -> tuple[nn.Sequential, BitShape]:
        modules, bits = build_layers(layers, self.bits, self.tables, self.generator, f"{self.name}.{name}")
        return nn.Sequential(*modules), bits


Made = tuple[list[nn.Module], BitShape]


def _conv(site: _Site, kernels: Any, options: dict[str, Any]) -> Made:
    axes, (channels, *image) = site.axes(), site.bits.shape
    whole_number("conv", kernels, 1, what="kernels")
    known = {*options_of(convolution.LogicConv), *convolution.OF_CONNECTIONS, "transposed"}
    arguments = site.arguments(options, known, window="receptive_field_size")
    if not isinstance(transposed := arguments.pop("transposed", False), bool):
        raise TypeError(f"transposed is {transposed!r}; expected true or false")
    make = getattr(convolution, f"LogicConv{'Transpose' if transposed else ''}{axes}d")
    layer: convolution.LogicConv = make(image, channels, kernels, usable=site.bits.usable, **arguments)
    return [layer], BitShape(layer.out_shape(image))


def _pool(site: _Site, mode: Any, options: dict[str, Any]) -> Made:
    axes, (channels, *image) = site.axes(), site.bits.shape
    kinds = {"or": "OrPool", "and": "AndPool", "majority": "MajorityPool"}
    one_of("pool", mode, kinds)
    check_options("it", options, ["window", "stride", "padding", "dilation"])
    sizes = {"kernel_size": options.pop("window", 2), **options}
    layer: pooling.Pool = getattr(pooling, f"{kinds[mode]}{axes}d")(**sizes)
    usable = None if site.bits.usable is None else layer(site.bits.usable.float()) > 0
    return [layer], BitShape((channels, *layer.out_shape(image)), usable)


def _residual(site: _Site, layers: Any, options: dict[str, Any]) -> Made:
    gate = one_of("gate", options.get("gate", "xor"), [*GATES, LEARNED])
    inner, bits = site.inner(layers, "residual")
    if bits.shape != site.bits.shape:
        raise ValueError(
            f"its layers turn {site.bits.shape} into {bits.shape}; expected one shape: take as many kernels as "
            "channels, stride 1 and padding, or parallel, which joins what differs"
        )
    if gate == LEARNED:
        arguments = site.arguments(options, ["gate"])
        del arguments["gate"]
        return [LogicResidual(inner, bits.shape[0], **arguments)], BitShape(bits.shape)
    check_options("it", options, ["gate"])
    return [Residual(inner, gate)], BitShape(bits.shape)


def _parallel(site: _Site, branches: Any, options: dict[str, Any]) -> Made:
    check_options("it", options, ())
    made = [site.inner(layers, f"parallel[{number}]") for number, layers in enumerate(branches)]
    shapes = [bits.shape for _, bits in made]
    if len({shape[1:] for shape in shapes}) > 1:
        raise ValueError(
            f"its branches give {', '.join(map(str, shapes))}; expected shapes that differ in channels alone"
        )
    joined = Parallel(*(module for module, _ in made))
    usable = None
    if any(bits.usable is not None for _, bits in made):
        usable = torch.cat([torch.ones(bits.shape) > 0 if bits.usable is None else bits.usable for _, bits in made])
    return [joined], BitShape((sum(shape[0] for shape in shapes), *shapes[0][1:]), usable)


def _shuffle(site: _Site, groups: Any, options: dict[str, Any]) -> Made:
    check_options("it", options, ())
    site.axes()
    channels = site.bits.shape[0]
    if channels % whole_number("shuffle", groups, 1, channels, "groups of channels"):
        raise ValueError(f"{channels} channels do not divide into {groups} groups")
    layer = nn.ChannelShuffle(groups)
    usable = None if site.bits.usable is None else layer(site.bits.usable.float()[None])[0] > 0
    return [layer], replace(site.bits, usable=usable)


def _dense(site: _Site, luts: Any, options: dict[str, Any]) -> Made:
    whole_number("dense", luts, 1, what="LUTs")
    arguments = site.arguments(options, options_of(LogicDense))
    shape, usable = site.bits.shape, site.bits.usable
    if options.get("init_method") == "local":
        arguments.setdefault("shape", shape)
    layer = LogicDense(math.prod(shape), luts, usable=None if usable is None else usable.flatten(), **arguments)
    return [nn.Flatten(), layer] if len(shape) > 1 else [layer], BitShape((luts,))


_KINDS: dict[str, Callable[[_Site, Any, dict[str, Any]], Made]] = {
    "conv": _conv,
    "pool": _pool,
    "residual": _residual,
    "parallel": _parallel,
    "shuffle": _shuffle,
    "dense": _dense,
}
