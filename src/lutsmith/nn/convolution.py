"""Convolutional LUT layers: kernels of LUTs that stand at every place of a sequence, an image or a volume."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lutsmith.circuit.sliding import Sliding, check_groups, sizes
from lutsmith.ground.arguments import check_options, whole_number
from lutsmith.kernels.training import ops
from lutsmith.nn.connections import options_given, setup_connections
from lutsmith.nn.connections.at_places import Places, placed, places_of
from lutsmith.nn.connections.channels import few
from lutsmith.nn.gradient_factor import checked_factor, scaled_gradient
from lutsmith.nn.hardening import Hardening
from lutsmith.nn.one_place import OnePlace, alone, changed, reads_of
from lutsmith.nn.parametrizations import Parametrization, setup_parametrization
from lutsmith.nn.places import as_tensor
from lutsmith.nn.trees import in_one_pass, level_by_level

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

MOST_LUTS = 1 << 26
"""LUTs of a circuit with kernels: some ten gigabytes while it is made."""

CANDIDATES = 8  # of a learned slot, where its window has so many
OF_CONNECTIONS = {
    *("init_method", "channel_group_size", "channel_groups", "num_candidates", "num_groups", "group_bias", "indices"),
    *("candidates", "unique", "shape", "window", "spans"),
    *("connection_temperature", "connection_sampling", "connection_rule"),
}
"""Arguments of the connections; all others are the parametrization's."""


class LogicConv(Hardening):
    """Kernels over windows of an image: the base of `LogicConv1d`, `LogicConv2d` and `LogicConv3d`.

    A kernel is a LUT, or a tree of LUTs, that reads taps of a window in a few channels. It stands at every place of the
    image, with the same tables, inputs and scores everywhere, so that none of them grows with the image. The window
    vector has `channels` times taps inputs; number c taps + t is tap t of channel c, and the last axis of the window
    varies fastest. Kernels can be whatever a `LogicDense` layer of that many inputs can be. In eval mode they are the
    hardware.

    Args:
        in_dim: pixels along each axis, or one number for all; None: images of any size that the window fits in.
        channels: of the input.
        num_kernels: channels of the output.
        tree_depth: levels of a kernel's tree, each LUT reading `lut_rank` of those below it: `lut_rank ** tree_depth`
            leaves, and (lut_rank ** tree_depth - 1) / (lut_rank - 1) LUTs. 1: a LUT.
        receptive_field_size: taps of the window along each axis, or one number for all.
        stride: pixels from one place to the next.
        padding: pixels that are added before and after each axis.
        dilation: pixels from one tap to the next.
        output_padding: of transposed layers: places that are added behind each axis, below the stride.
        groups: channels and kernels are cut into this many runs, and a kernel reads the channels of its own run.
        padding_mode: what is added: `"zeros"`, `"ones"`, or `"edge"`, the nearest pixel; the same in the circuit.
        lut_rank: inputs of a LUT, 1 to 8.
        parametrization: as for `LogicDense`.
        connections: as for `LogicDense`, over the window vector; candidates and scores belong to the kernel.
        init_method: the wiring of fixed connections, or where candidates come from: `"channels"` (the default, see
            `nn.connections.channels`), or a name of `list_wirings()` over the whole window vector.
        channel_group_size: of the wiring `"channels"`: channels of a kernel; None: two, or as many as a LUT needs; -1:
            all of its group.
        channel_groups: of the wiring `"channels"`: `"balanced"`, or `"sliding"` as torchlogix has them.
        num_candidates: as for `LogicDense`; by default 8, or as many as the window has.
        usable: bool, `channels` elements, or of the shape of an image with its channels: inputs that may be wired. A
            channel is usable if any of its pixels is.
        recompute: in training, keep only the input and the output, and compute what lies between them again for the
            gradient: less memory for a second forward pass. Noise is the same. Trees evaluated in one pass (see
            `folds`; with fixed connections) keep no more anyway.
        grad_factor: what the gradient toward the input is multiplied by, as in `LogicDense`. (torchlogix 0.2 takes one
            for its kernels, and does nothing with it.)
        parametrization_kwargs: more arguments of the parametrization, as torchlogix takes them.
        connections_kwargs: more arguments of the connections, as torchlogix takes them; its `"random"` and
            `"random-unique"` wirings with a `channel_group_size` are the wiring `"channels"`.
        generator: source of all random numbers of the construction; None is torch's global one.
        device: of the parameters and buffers.
        **settings: more arguments of `LogicDense`: those of the parametrization, such as `weight_init`, and of the
            connections, such as `connection_temperature` or `unique`.

    Shapes: `(..., channels, *image)` to `(..., num_kernels, *places)`, float32, float64 or bfloat16. Memory is
    feature-major, as between other layers: the next dense layer reads the flattened output without a copy.

    Parameters: `weight`, float32 `(tables, num_weights)`: the tables of the lowest level, kernel by kernel and leaf by
    leaf, then those of the level above. Also those of `connections`, with the LUTs of the lowest level as `out_dim`.

    Raises:
        ValueError: sizes that do not fit: an image smaller than the window, channels that do not divide into groups, a
            window with fewer usable inputs than `lut_rank`; unknown names and settings.
        TypeError: a value of a wrong type.
    """

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False
    grad_factor: float = 1.0  # of layers that were pickled before they had one

    def __init__(
        self,
        in_dim: int | Sequence[int] | None,
        channels: int = 1,
        num_kernels: int = 16,
        tree_depth: int = 1,
        receptive_field_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        *,
        dilation: int | Sequence[int] = 1,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        padding_mode: str = "zeros",
        lut_rank: int = 6,
        parametrization: str = "light",
        connections: str = "fixed",
        init_method: str | None = None,
        channel_group_size: int | None = None,
        channel_groups: str | None = None,
        num_candidates: int | None = None,
        usable: Tensor | None = None,
        recompute: bool = False,
        grad_factor: float = 1.0,
        parametrization_kwargs: Mapping[str, Any] | None = None,
        connections_kwargs: Mapping[str, Any] | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.channels = whole_number("channels", channels, 1)
        self.num_kernels = whole_number("num_kernels", num_kernels, 1)
        self.tree_depth = whole_number("tree_depth", tree_depth, 1, what="the levels of a kernel's tree")
        self.lut_rank = lut_rank
        self.recompute = recompute
        self.grad_factor = checked_factor(grad_factor)
        self.groups = whole_number("groups", groups, 1)
        self.sliding = self._windows(receptive_field_size, stride, padding, dilation, padding_mode, output_padding)
        self.in_dim = None if in_dim is None else sizes("in_dim", in_dim, self.axes, 1)
        if self.in_dim is not None:
            self.sliding.out_shape(self.in_dim)
        named = {"init_method": init_method, "channel_group_size": channel_group_size, "channel_groups": channel_groups}
        given: dict[str, Any] = {**named, "num_candidates": num_candidates, **settings}
        given = {key: value for key, value in given.items() if value is not None}
        check_options("connections_kwargs", connections_kwargs or (), sorted(OF_CONNECTIONS))
        for more in (connections_kwargs or {}, parametrization_kwargs or {}):
            if both := given.keys() & more.keys():
                raise ValueError(f"{', '.join(sorted(both))} is given twice, by itself and in a dict of arguments")
            given |= more
        own = options_given(given.get("init_method"), given)
        wiring = {key: value for key, value in given.items() if key in OF_CONNECTIONS} | own
        of_tables = {key: value for key, value in given.items() if key not in OF_CONNECTIONS}
        self.parametrization_name = parametrization
        self.parametrization = setup_parametrization(parametrization, lut_rank, **of_tables)
        leaves = num_kernels * lut_rank ** (tree_depth - 1)
        inputs = channels * self.sliding.taps
        if connections != "dense" and "indices" not in wiring and "candidates" not in wiring:
            wiring = self._defaults(wiring, learned=connections in ("learnable", "top-k"))
        self.connections = setup_connections(
            connections,
            inputs,
            leaves,
            lut_rank,
            usable=None if usable is None else self._usable(usable),
            generator=generator,
            **wiring,
        )
        tables = leaves + sum(self._widths())
        self.weight = nn.Parameter(self.parametrization.initial_weight(tables, generator))
        if device is not None:
            self.to(device)

    def _windows(self, window: Any, stride: Any, padding: Any, dilation: Any, padding_mode: str, more: Any) -> Sliding:
        return Sliding(
            sizes("receptive_field_size", window, self.axes, 1),
            sizes("stride", stride, self.axes, 1),
            sizes("padding", padding, self.axes, 0),
            sizes("dilation", dilation, self.axes, 1),
            padding_mode,
            self.transposed,
            sizes("output_padding", more, self.axes, 0),
        )

    def _defaults(self, wiring: dict[str, Any], *, learned: bool) -> dict[str, Any]:
        """The arguments of the connections, with those of the wiring `"channels"` where it is meant."""
        of_channels = {"channel_group_size", "channel_groups"} & wiring.keys()
        method = wiring.get("init_method", "channels")
        if method in ("random", "random-unique") and of_channels:
            method = "channels"
        if method != "channels":
            if self.groups > 1:
                raise ValueError(f"groups is {self.groups}, and the wiring {method!r} has none; leave init_method out")
            return wiring
        options: dict[str, Any] = {"channels": self.channels, "luts_per_kernel": self.lut_rank ** (self.tree_depth - 1)}
        if self.groups > 1:
            check_groups(self.groups, channels=self.channels, num_kernels=self.num_kernels)
            options["groups"] = self.groups
        if learned and "num_candidates" not in wiring:
            most = self.channels // self.groups
            size = wiring.get("channel_group_size", few(self.lut_rank, self.sliding.taps, most))
            window = self.sliding.taps * (most if size == -1 else min(size, most))
            options["num_candidates"] = max(2, min(CANDIDATES, window))
        return {**wiring, **options, "init_method": "channels"}

    def _usable(self, usable: Any) -> Tensor:
        """The usable inputs of the window vector, bool."""
        mask = as_tensor("usable", usable)
        if mask.dtype != torch.bool or mask.ndim == 0 or mask.shape[0] != self.channels:
            raise ValueError(
                f"usable is {mask.dtype} of shape {tuple(mask.shape)}; expected bool of {self.channels} channels, or "
                "of an image with its channels"
            )
        return mask.reshape(self.channels, -1).any(1).repeat_interleave(self.sliding.taps)

    def _widths(self) -> list[int]:
        """LUTs of each level of the trees above the lowest."""
        return [self.num_kernels * self.lut_rank**level for level in reversed(range(self.tree_depth - 1))]

    def out_shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """The shape of the output, channels first, for an image of this shape; ValueError if it is too small."""
        return self.num_kernels, *self.sliding.out_shape(image)

    def forward(self, x: Tensor) -> Tensor:
        return self.shaped(self.rows(x), x.shape, self.out_shape(self._image(x.shape)))

    @property
    def folds(self) -> bool:
        """Whether training evaluates tables by the fold alone, so that all of a kernel is done in one pass."""
        return type(self.parametrization).evaluate is Parametrization.evaluate

    def rows(self, x: Tensor, windows: Tensor | None = None, mode: str = "or") -> Tensor:
        """The output as `(num_kernels * places, samples)`; with windows, int32 `(members, W)` places of an image's
        output, while training a layer that `folds`, the largest (`"or"`) or smallest (`"and"`) of each.
        """
        self._image(x.shape)
        if x.is_complex():
            raise TypeError(f"{type(self).__name__} got a {x.dtype} tensor; it reads real numbers")
        if not (self.recompute and self.training and torch.is_grad_enabled()):
            return self._rows(x, windows, mode)
        found: Tensor = checkpoint(self._rows, x, windows, mode, use_reentrant=False)
        return found

    def _rows(self, x: Tensor, windows: Tensor | None, mode: str) -> Tensor:
        image = self._image(x.shape)
        plane = math.prod(image)
        rows = x.reshape(-1, self.channels * plane).t()
        if not rows.is_floating_point():
            rows = rows.to(self.weight.dtype)
        places = Places(places_of(self.sliding, image, x.device), plane)
        depth, alone = self.tree_depth, self._reads_pixels
        if not self.training:
            reads = placed(self.connections.reads(), places)
            return level_by_level(ops.lookup, rows, self.hard_tables().to(rows.dtype), reads, depth, alone)
        rows, reads = self.connections.route(scaled_gradient(rows, self.grad_factor), places)
        if self.folds and (depth > 1 or windows is not None):
            tables = self.parametrization.tables(self.weight)
            return in_one_pass(rows, tables, reads, depth, alone, windows, mode)
        return level_by_level(self.parametrization.evaluate, rows, self.weight, reads, depth, alone)

    @property
    def _reads_pixels(self) -> bool:
        """Whether a window is a pixel, and the places are those of the image."""
        sliding = self.sliding
        return sliding.taps == 1 and not any(sliding.padding) and all(step == 1 for step in sliding.stride)

    def shaped(self, rows: Tensor, before: Sequence[int], shape: Sequence[int]) -> Tensor:
        """Rows of an output as an array of this shape, for an input of the shape `before`."""
        return rows.t().reshape(*before[: -1 - self.axes], *shape)

    def _image(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The image of an input or of signals, without the channels."""
        image = tuple(shape[-self.axes :])
        known = self.in_dim is None or image == self.in_dim
        if len(shape) <= self.axes or shape[-1 - self.axes] != self.channels or not known:
            size = ", ".join(map(str, self.in_dim or ("any size",) * self.axes))
            raise ValueError(
                f"{type(self).__name__} got an input of shape {tuple(shape)}; expected (..., {self.channels}, {size})"
            )
        return image

    def hard_tables(self) -> Tensor:
        """The truth tables of the circuit, bool `(tables, 2**lut_rank)`, in the order of `weight`."""
        return self.parametrization.hard_tables(self.weight.detach())

    def freeze(self) -> None:
        """Keep the present wiring from now on (learned connections; fixed ones do so already)."""
        self.connections.freeze()

    def clamp_(self) -> None:
        """Bound the weights in place where the parametrization wants it; call after each step."""
        self.parametrization.clamp_(self.weight)

    def levels(self, image: Sequence[int]) -> list[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]]:
        """The LUTs of the circuit, level by level: what each reads, the level's tables, and the table of each.

        Inputs of the first level are pixels of the flattened image with its channels, then the constants 0 and 1;
        those of the others are LUTs of the level below. Integers `(LUTs, lut_rank)`, bool `(tables, 2**lut_rank)`,
        integers `(LUTs,)`; LUTs stand kernel by kernel, place by place.
        """
        image = tuple(image)
        table, plane = self.sliding.places(image).astype(np.int64), math.prod(image)
        count, features = table.shape[1], self.channels * plane
        channel, tap = np.divmod(self.connections.inputs().cpu().numpy().astype(np.int64), self.sliding.taps)
        pixel = table[tap].transpose(0, 2, 1)  # (LUTs, places, slots)
        around = features - 1 - pixel  # -1 is the pixel behind all, -2 the one behind it
        inputs = np.where(pixel < 0, around, channel[:, None] * plane + pixel).reshape(-1, self.lut_rank)
        tables = np.split(self.hard_tables().cpu().numpy(), np.cumsum([self.connections.out_dim, *self._widths()])[:-1])
        found = [(inputs, tables[0], np.repeat(np.arange(len(tables[0])), count))]
        for width, own in zip(self._widths(), tables[1:], strict=True):
            below = np.arange(width * self.lut_rank).reshape(width, 1, -1) * count + np.arange(count)[:, None]
            found.append((below.reshape(-1, self.lut_rank), own, np.repeat(np.arange(width), count)))
        return found

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs at all places reading `signals` `(..., channels, *image)`; return `(..., kernels, *places)`.

        Raises:
            ValueError: more LUTs than `MOST_LUTS` with those that the circuit has.
        """
        image = self._image(signals.shape)
        places = math.prod(self.out_shape(image)[1:])
        wanted = len(self.hard_tables()) * places
        if builder.num_luts + wanted > MOST_LUTS:
            raise ValueError(
                f"{wanted:,} LUTs at {places:,} places, with {builder.num_luts:,} before them, are more than the "
                f"{MOST_LUTS:,} of a circuit, in which each place has LUTs of its own: lower it with to_stream, to a "
                "machine that has each kernel once, or make the network for tiles of the image, and predict tiles that "
                "overlap by what its windows reach"
            )
        around = np.array([builder.constant(False), builder.constant(True)], np.int32)
        levels = self.levels(image)
        found = []
        for sample in signals.reshape(-1, self.channels * math.prod(image)):
            below = np.concatenate([sample, around])
            for inputs, tables, owners in levels:
                below = builder.lut(below[inputs], tables, owners)
            found.append(below)
        shape = *signals.shape[: -1 - self.axes], *self.out_shape(image)
        return np.stack(found).reshape(shape) if found else np.zeros(shape, np.int32)

    def one_place(self, image: Sequence[int]) -> OnePlace:
        """The kernels at one place of an image of this shape: see `OnePlace`. ValueError for transposed ones."""
        if self.transposed:
            raise ValueError("a transposed layer makes more pixels than it reads, and a machine has no time for them")
        one = changed(self, sliding=alone(self.sliding), in_dim=None)
        around = int(self.sliding.padding_mode == "ones")
        return OnePlace(one, self.sliding, reads_of(self.sliding, image), around)

    def extra_repr(self) -> str:
        window = " x ".join(map(str, self.sliding.window))
        trees = f", tree_depth={self.tree_depth}" if self.tree_depth > 1 else ""
        return (
            f"{self.channels}, {self.num_kernels}, window={window}, stride={self.sliding.stride}, "
            f"padding={self.sliding.padding}, lut_rank={self.lut_rank}{trees}, {self.parametrization_name!r}"
        )


class LogicConv1d(LogicConv):
    """Kernels over sequences: see `LogicConv`. `(..., channels, length)` to `(..., num_kernels, places)`."""

    axes = 1


class LogicConv2d(LogicConv):
    """Kernels over images: see `LogicConv`; it takes the arguments of torchlogix's `LogicConv2d`, and more."""

    axes = 2


class LogicConv3d(LogicConv):
    """Kernels over volumes: see `LogicConv`. `(..., channels, depth, height, width)`."""

    axes = 3


class LogicConvTranspose1d(LogicConv):
    """Kernels that make a sequence longer: see `LogicConvTranspose2d`."""

    axes, transposed = 1, True


class LogicConvTranspose2d(LogicConv):
    """Kernels that make an image larger, by the geometry of torch's `nn.ConvTranspose2d`: see `LogicConv`.

    With the stride s there are s places for each pixel along an axis. A tap reads the pixel that a `LogicConv2d` of
    this geometry would have given its place to, and 0 where there is none: between pixels, and outside.
    """

    axes, transposed = 2, True


class LogicConvTranspose3d(LogicConv):
    """Kernels that make a volume larger: see `LogicConvTranspose2d`."""

    axes, transposed = 3, True
