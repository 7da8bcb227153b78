"""Containers beyond a sequence: branches side by side, and what goes past them. Each lowers itself with its parts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of, one_of, whole_number
from lutsmith.nn.convolution import LogicConv1d
from lutsmith.nn.lowering import lower_bits

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

GATES = {"and": 0b1000, "or": 0b1110, "xor": 0b0110}
"""Tables of two inputs by name; bit a is the entry at address a."""


class Parallel(nn.Module):
    """Branches that read the same bits, their outputs one after the other along an axis: concatenation.

    `Parallel(nn.Identity(), layer)` gives the layer's input followed by its output.

    Args:
        *branches: modules from bits to bits, whose outputs differ along `dim` alone.
        dim: the axis of concatenation, as torch counts them: 1 is the first behind the batch, channels or features.

    Raises:
        TypeError: a branch that is not a module.
        ValueError: no branches, or the batch axis; in use, outputs that do not fit together.
    """

    def __init__(self, *branches: nn.Module, dim: int = 1) -> None:
        super().__init__()
        if not branches:
            raise ValueError("Parallel has no branches; give one or more")
        for branch in branches:
            instance_of("a branch", branch, nn.Module)
        self.dim = _checked_axis(dim)
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        found = [branch(read_by(branch, x)) for branch in self.branches]
        if not self.training:
            found = [y if y.dtype == torch.bool else (y > 0.5).to(y.dtype) for y in found]
        return _joined(found, self.dim)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit all branches reading `signals` of one sample, and return theirs one after the other."""
        found = [
            lower_bits(branch, builder, signals, f"Parallel.branches.{number}")
            for number, branch in enumerate(self.branches)
        ]
        return np.concatenate(found, axis=axis_of_sample(self.dim))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Residual(nn.Module):
    """A module whose output meets its input in a gate, bit by bit: `x or f(x)`, `x and f(x)` or `x xor f(x)`.

    In training the gate is its multilinear extension, as a LUT would be.

    Args:
        inner: a module from bits to bits, whose output has the shape of its input.
        gate: `"or"`, `"and"` or `"xor"`.

    Raises:
        TypeError: `inner` is not a module.
        ValueError: an unknown gate; in use, an output of another shape.
    """

    def __init__(self, inner: nn.Module, gate: str = "xor") -> None:
        super().__init__()
        instance_of("inner", inner, nn.Module)
        self.inner = inner
        self.gate = one_of("gate", gate, list(GATES))

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(read_by(self.inner, x))
        _check_alike("Residual", x.shape, y.shape)
        if not self.training:
            x, y = (x > 0.5).to(y.dtype), (y > 0.5).to(y.dtype)
        both: Tensor = x * y
        if self.gate == "and":
            return both
        either: Tensor = x + y - (both if self.gate == "or" else 2 * both)
        return either

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the module reading `signals` of one sample and a gate for each, and return the gates."""
        found = lower_bits(self.inner, builder, signals, "Residual.inner")
        _check_alike("Residual", signals.shape, found.shape)
        pairs = np.stack([signals.reshape(-1), found.reshape(-1)], axis=1)
        return builder.lut(pairs, self.table(), np.zeros(len(pairs), np.int64)).reshape(signals.shape)

    def table(self) -> NDArray[np.bool_]:
        """The table of the gates, bool `(1, 4)`."""
        entries: NDArray[np.bool_] = (GATES[self.gate] >> np.arange(4) & 1).astype(np.bool_)
        return entries[None]

    def extra_repr(self) -> str:
        return f"gate={self.gate!r}"


class LogicResidual(nn.Module):
    """A module whose output meets its input in learned gates: LUTs that take the input as an anchor.

    The LUT of a channel reads the channel's input first, and then the module's output there. Fresh LUTs pass on their
    first input, so that a deep network begins as the identity. A module gets no gradient until the LUT behind it begins
    to read it.

    Args:
        inner: a module from bits to bits, whose output has the shape of its input.
        channels: of input and output; the axis behind the batch. All places of a channel share its LUT.
        parametrization: as for `LogicDense`.
        generator: source of random numbers of the construction; None is torch's global one.
        **settings: those of the parametrization.

    Parameters: those of `inner`; `gates.weight`, a row for each channel.

    Raises:
        TypeError: `inner` is not a module, a value of a wrong type.
        ValueError: unknown settings; in use, other shapes.
    """

    def __init__(
        self,
        inner: nn.Module,
        channels: int,
        *,
        parametrization: str = "light",
        generator: torch.Generator | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        instance_of("inner", inner, nn.Module)
        self.channels = whole_number("channels", channels, 1)
        self.inner = inner
        indices = torch.arange(2 * channels).view(2, channels).t()
        self.gates = LogicConv1d(
            None,
            2 * channels,
            channels,
            receptive_field_size=1,
            lut_rank=2,
            parametrization=parametrization,
            indices=indices,
            generator=generator,
            **settings,
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(read_by(self.inner, x))
        _check_alike("LogicResidual", x.shape, y.shape)
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ValueError(
                f"LogicResidual got an input of shape {tuple(x.shape)}; expected (batch, {self.channels}, ...)"
            )
        pairs = _joined([x.to(y.dtype), y], 1)
        found: Tensor = self.gates(pairs.reshape(len(x), 2 * self.channels, math.prod(x.shape[2:])))
        return found.reshape(x.shape)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the module reading `signals` of one sample and a LUT for each, and return the LUTs."""
        found = lower_bits(self.inner, builder, signals, "LogicResidual.inner")
        _check_alike("LogicResidual", signals.shape, found.shape)
        pairs = np.concatenate([signals, found]).reshape(2 * self.channels, -1)
        return self.gates.lower(builder, pairs).reshape(signals.shape)


def read_by(branch: nn.Module, x: Tensor) -> Tensor:
    """What a branch reads: `x`, or a copy of it if a module in the branch works in place and would change it for
    others.
    """
    return x.clone() if any(getattr(part, "inplace", False) for part in branch.modules()) else x


def axis_of_sample(dim: int) -> int:
    """An axis of a batch as one of a sample without the batch axis."""
    return dim - 1 if dim > 0 else dim


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    """Tensors one after the other along an axis, stored as they are: samples last."""
    features_first = [part.movedim(0, -1) for part in parts]
    return torch.cat(features_first, dim=axis_of_sample(dim) if dim > 0 else dim - 1).movedim(-1, 0)


def _checked_axis(dim: int) -> int:
    number = whole_number("dim", dim, -(1 << 16), 1 << 16, "an axis")
    if number == 0:
        raise ValueError("dim is 0, the axis of the batch; expected 1, that of the channels, or another behind it")
    return number


def _check_alike(owner: str, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    if tuple(before) != tuple(after):
        raise ValueError(
            f"{owner} reads {tuple(before)} and its module gives {tuple(after)}; expected one shape: take as many "
            "kernels as channels, stride 1 and padding, or Parallel, which joins what differs"
        )
