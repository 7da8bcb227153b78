"""torchlogix's kernels: trees of LUTs whose wires are listed for every place, as windows that slide over an image."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.circuit.sliding import Sliding, sizes
from lutsmith.ground.arguments import whole_number
from lutsmith.interop.imported import ImportedLayer
from lutsmith.interop.state_dicts import ForeignModelError, tensor
from lutsmith.interop.told import Told
from lutsmith.nn import convolution
from lutsmith.nn.convolution import LogicConv
from lutsmith.nn.pooled_convolution import PooledConv
from lutsmith.nn.pooling import OrPool2d, OrPool3d, Pool

Pooling = Mapping[str, Any]
"""Arguments of an `OrPooling2d` or `OrPooling3d`: `kernel_size`, `stride` and `padding`."""

_PASSING = ("GroupSum", "Flatten", "Identity", "DummyBinarization")


@dataclass(frozen=True)
class Kernels:
    """The tensors of a convolutional layer. They do not say the image, its padding, and its channels.

    Attributes:
        name: where it stands in the checkpoint.
        weight: of all tables, those of the lowest level first, kernel by kernel and leaf by leaf `(tables, numbers)`.
        taps: of each LUT of the lowest level and slot, the coordinates in the window `(leaves, rank, axes)`.
        channel: that it reads, `(leaves, rank)`.
        count: places along each axis.
        step: pixels from one place to the next, along each axis.
        depth: levels.
        kernels: how many there are.
    """

    name: str
    weight: Tensor
    taps: Tensor
    channel: Tensor
    count: tuple[int, ...]
    step: tuple[int, ...]
    depth: int
    kernels: int

    @classmethod
    def of(cls, prefix: str, tensors: Mapping[str, Tensor]) -> Kernels:
        """Read them from a state dict; ForeignModelError if the wires are not those of sliding windows."""
        name = f"torchlogix layer {prefix!r}"
        levels = sorted((key for key in tensors if key.startswith("tree_weights.")), key=lambda key: int(key[13:]))
        depth = len(levels)
        if not levels or levels != [f"tree_weights.{level}" for level in range(depth)]:
            raise ForeignModelError(
                f"{name} has {', '.join(levels) or 'no tree_weights'}; expected those of all levels"
            )
        index = tensor(tensors, "connections._indices_L0", prefix, (None,) * 5, "indices")
        rank, kernels, _, leaves, axes = *index.shape[:4], index.shape[4] - 1
        if axes not in (2, 3) or not 1 <= rank <= 8 or leaves != rank ** (depth - 1):
            raise ForeignModelError(
                f"{prefix}connections._indices_L0 has shape {tuple(index.shape)}; expected (rank, kernels, places, "
                f"rank ** {depth - 1}, 3 or 4) with a rank of 1 to 8, for {depth} levels of tree_weights"
            )
        weights = []
        for level, key in enumerate(levels):
            nodes = rank ** (depth - 1 - level)
            weights.append(tensor(tensors, key, prefix, (nodes, kernels, None)).transpose(0, 1).flatten(0, 1))
            if level:
                below = tensor(tensors, f"connections._indices_L{level}", prefix, (rank, nodes), "indices")
                if not torch.equal(below, torch.arange(rank * nodes).view(nodes, rank).t()):
                    raise ForeignModelError(f"{prefix}connections._indices_L{level} is not that of a tree of LUTs")
        if len({weight.shape[1] for weight in weights}) > 1:
            raise ForeignModelError(f"{name} has levels of {', '.join(str(w.shape[1]) for w in weights)} weights a LUT")
        first = index[:, :, 0].permute(1, 2, 0, 3).reshape(kernels * leaves, rank, axes + 1)
        count, step = _windows(prefix, index)
        return cls(name, torch.cat(weights), first[..., :-1], first[..., -1], count, step, depth, kernels)

    @property
    def _last(self) -> list[int]:
        """The last tap along each axis that is read."""
        return [int(axis.max()) for axis in self.taps.unbind(-1)]

    def sliding(self, image: Sequence[int], padding: int, window: Sequence[int]) -> Sliding:
        """The windows over an image with this many pixels around it; ForeignModelError if it has other places."""
        if len(image) != len(self.count):
            raise ForeignModelError(f"{self.name} reads images of {len(self.count)} axes; the one before it is {image}")
        steps = []
        for size, taps, count, step, last in zip(image, window, self.count, self.step, self._last, strict=True):
            steps.append(step if count > 1 else max(1, size + 2 * padding - taps + 1))  # any that gives no more places
            if last >= taps:
                raise ForeignModelError(f"{self.name} reads tap {last} of windows of {tuple(window)}")
        sliding = Sliding.of(len(image), window, steps, padding, 1)
        if (counts := sliding.out_shape(image)) != self.count:
            raise ForeignModelError(
                f"{self.name} has places {self.count}; an image of {tuple(image)} with padding={padding} and "
                f"receptive_field_size={tuple(window)} has {counts}: pass those that the model had, and its pooling"
            )
        return sliding

    def transposed(
        self, image: Sequence[int], padding: int, window: Sequence[int], stride: int, more: Sequence[int]
    ) -> tuple[Kernels, Sliding]:
        """The same with taps as `LogicConvTranspose2d` numbers them, from the other end of the window."""
        sliding = Sliding.of(len(image), window, stride, padding, 1, transposed=True, output_padding=more)
        counts = sliding.out_shape(image)
        if counts != self.count or set(self.step) != {1} or any(map(operator.ge, self._last, window)):
            raise ForeignModelError(f"{self.name} has {self.count} places, and its options give {counts}")
        return replace(self, taps=torch.tensor(window) - 1 - self.taps), sliding


def _windows(prefix: str, index: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Places along each axis and the pixels from one to the next, where the wires of all are those of the first, moved.

    `index` is int64 `(rank, kernels, places, leaves, axes + 1)`: coordinates, then the channel.
    """
    if int(index.min()) < 0:
        raise ForeignModelError(f"{prefix}connections._indices_L0 has indices below 0")
    moved = index[:1, :1, :, :1] - index[:1, :1, :1, :1]
    values = [torch.unique(axis) for axis in moved[0, 0, :, 0, :-1].unbind(-1)]
    steps = [int(axis[1]) if len(axis) > 1 else 1 for axis in values]
    expected = [torch.arange(len(axis)) * step for axis, step in zip(values, steps, strict=True)]
    whole = math.prod(map(len, values)) == index.shape[2] and all(map(torch.equal, values, expected))
    offsets = torch.cartesian_prod(*expected) if whole else None
    is_grid = offsets is not None and torch.equal(moved[0, 0, :, 0, :-1], offsets) and not bool(moved[..., -1].any())
    if not is_grid or not torch.equal(index - moved, index[:, :, :1].expand_as(index)):
        raise ForeignModelError(f"{prefix}connections._indices_L0 is not that of windows that slide over an image")
    return tuple(map(len, values)), tuple(steps)


@dataclass(frozen=True, kw_only=True)
class ImportedConv(ImportedLayer):
    """A layer of kernels in lutsmith's conventions: `inputs` are those of the window vector, of the lowest level.

    Attributes:
        shape: of its input, channels first.
        kernels: how many there are.
        depth: levels of their trees.
        sliding: where they stand.
        pools: behind it.
    """

    shape: tuple[int, ...]
    kernels: int
    depth: int
    sliding: Sliding
    pools: tuple[Pool, ...] = ()

    def modules(self, shape: tuple[int, ...]) -> list[nn.Module]:
        """The layer, in one pass with a pool behind it; everything else as for a dense one."""
        if shape != self.shape:
            raise ForeignModelError(f"{self.name} reads images of shape {self.shape}, and before it is one of {shape}")
        conv: Any
        *before, conv = super().modules((shape[0] * self.sliding.taps,))
        return [*before, *([PooledConv(conv, self.pools[0])] if self.pools else [conv]), *self.pools[1:]]

    def out_shape(self) -> tuple[int, ...]:
        """Kernels and places behind the pools."""
        image = self.sliding.out_shape(self.shape[1:])
        for pool in self.pools:
            image = pool.out_shape(image)
        return self.kernels, *image

    def _made(self, in_dim: int, **arguments: Any) -> LogicConv:  # noqa: ARG002
        sliding, (channels, *image) = self.sliding, self.shape
        kind = f"LogicConv{'Transpose' if sliding.transposed else ''}{len(image)}d"
        made: LogicConv = getattr(convolution, kind)(
            image, channels, self.kernels, self.depth, sliding.window, sliding.stride, sliding.padding,
            output_padding=sliding.output_padding, lut_rank=self.inputs.shape[1], **arguments,
        )  # fmt: skip
        return made


class Geometry:
    """The places, padding and pools of the layers of kernels, as a model or arguments give them.

    Args:
        told: what the source and the caller say about all layers.
        source: what is imported.
        prefixes: of all layers, those of kernels first.
        count: how many are of kernels.
        given: the arguments `receptive_field_size`, `padding` and `pooling`.
        skip: beginnings of the names of tensors that are left out.

    Raises:
        ForeignModelError: a model has modules between its layers that are not known.
    """

    def __init__(
        self,
        told: Told,
        source: object,
        prefixes: Sequence[str],
        count: int,
        given: Mapping[str, Any],
        skip: Collection[str],
    ) -> None:
        each = {name: list(one) if isinstance(one, list) else [one] * count for name, one in given.items()}
        for name, values in each.items():
            if len(values) != count:
                raise ForeignModelError(
                    f"{name} has {len(values)} values for {count} layers of kernels; expected one for each"
                )
        self._told = told
        self._pools: list[list[Pooling]] = [[] if pool is None else [pool] for pool in each["pooling"]]
        if count and given["pooling"] is None:
            if isinstance(source, nn.Module):
                self._pools = _pools_of(source, prefixes, count, skip)
            else:
                told.miss("pooling")
        self._windows, self._around = (
            [told.value(name, i, one, name, usual) for i, one in enumerate(each[name])]
            for name, usual in (("receptive_field_size", "2"), ("padding", "0"))
        )

    def image(self, first: Kernels, in_dim: Any, channels: int | None) -> tuple[int, ...]:
        """The shape of an image, channels first; numbers that are not known are noted as missing, and are 1."""
        axes, found = len(first.count), {}
        for name, given, least in (("in_dim", in_dim, axes), ("channels", channels, 1)):
            known = self._told.attribute(0, name)
            values = None
            for value in (given, known):
                if value is None:
                    continue
                try:
                    each = sizes(name, value, least, 1)
                except (TypeError, ValueError) as error:
                    raise ForeignModelError(str(error)) from error
                if values not in (None, each):
                    raise ForeignModelError(f"{name} is {given!r}, but the first layer of the model has {known!r}")
                values = each
            if values is None:
                self._told.miss(name)
            found[name] = values or (1,) * least
        return *found["channels"], *found["in_dim"]

    def layer(self, layer: ImportedLayer, number: int, kernels: Kernels, before: tuple[int, ...]) -> ImportedConv:
        """A layer of kernels over images of the shape `before`, with the tables and weights of `layer`."""
        channels, *image = before
        stride, behind = (self._told.attribute(number, name) for name in ("stride", "output_padding"))
        try:
            window = sizes("receptive_field_size", self._windows[number], len(image), 1)
            around = whole_number("padding", self._around[number], 0)
            if behind is not None:  # a layer that makes images larger
                kernels, sliding = kernels.transposed(image, around, window, stride, behind)
            else:
                sliding = kernels.sliding(image, around, window)
            if (most := int(kernels.channel.max())) >= channels:
                raise ForeignModelError(f"{kernels.name} reads channel {most}, and its images have {channels}")
            pools = tuple(_or_pool(len(image), pool) for pool in self._pools[number])
            strides = torch.tensor([math.prod(sliding.window[axis + 1 :]) for axis in range(len(image))])
            taps = (kernels.taps * strides).sum(-1)
            conv = ImportedConv(
                **{**vars(layer), "inputs": kernels.channel * sliding.taps + taps},
                shape=before,
                kernels=kernels.kernels,
                depth=kernels.depth,
                sliding=sliding,
                pools=pools,
            )
            conv.out_shape()
        except (TypeError, ValueError) as error:
            if isinstance(error, ForeignModelError):
                raise
            raise ForeignModelError(f"{kernels.name} does not fit images of shape {before}: {error}") from error
        return conv


def _or_pool(axes: int, options: Pooling) -> Pool:
    """torchlogix's `OrPooling2d` or `OrPooling3d` of these arguments; ForeignModelError where there is none such."""
    try:
        return {2: OrPool2d, 3: OrPool3d}[axes](**options)
    except (TypeError, ValueError) as error:
        raise ForeignModelError(f"pooling has {options!r}: {error}") from error


def _pools_of(source: nn.Module, prefixes: Sequence[str], count: int, skip: Collection[str]) -> list[list[Pooling]]:
    """The arguments of the pools behind each layer of kernels of a model."""
    found: list[list[Pooling]] = [[] for _ in range(count)]
    last = -1
    for name, module in source.named_modules():
        path, kind = f"{name}." if name else "", type(module).__name__
        inside = [i for i, prefix in enumerate(prefixes) if path.startswith(prefix)]
        if inside:
            last = inside[-1]
        elif kind.startswith("OrPooling") and 0 <= last < count:
            found[last].append({key: getattr(module, key, None) for key in ("kernel_size", "stride", "padding")})
        elif not (kind in _PASSING or next(module.children(), None) or any(each.startswith(path) for each in skip)):
            raise ForeignModelError(
                f"module {name!r} of the model is a {kind}; between layers of kernels expected OrPooling behind them, "
                f"{', '.join(_PASSING)}: take it out, or name it in skip=(...) where it stands before all layers"
            )
    return found
