"""Signs: real numbers to -1 and +1, in one level or in several, with a gradient that passes straight through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.sums.counting import Maker, residual_levels
from lutsmith.nn.sums.numbers import Levels, Sums

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

MAX_LEVELS = 8
"""Levels of a `ResidualSign`."""

OUTPUTS = ("sum", "stacked", "joined")
"""What a `ResidualSign` gives: the sum of its levels, or each by itself."""


NEGATIVE = np.nextafter(np.float32(0), np.float32(-1))
"""The largest number below 0: `x > NEGATIVE` is `x >= 0`."""


class _ClippedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return torch.where(x.abs() <= 1, gradient, 0)


class _IdentitySign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004 - nothing is kept
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # noqa: ARG004
        return gradient


class _OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, per_unit: int) -> Tensor:
        ctx.save_for_backward(x)
        return (x.abs() * per_unit).round().clamp(min=1) / per_unit

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return torch.where(x >= 0, gradient, -gradient), None


STRAIGHT_THROUGH: dict[str, Callable[[Tensor], Tensor]] = {
    "clipped": _ClippedSign.apply,
    "identity": _IdentitySign.apply,
}
"""Signs by the name of their gradient: `"clipped"`, that of numbers within -1 to 1 (BNN), or `"identity"`, of all."""


class BinarizeSign(nn.Module):
    """The sign of each number: +1 where it is 0 or more, else -1 (of NaN too), in training and in eval mode.

    In a circuit it is a bit, which is 1 for +1.

    Args:
        straight_through: the gradient, a name of `STRAIGHT_THROUGH`.

    Shapes: any, which is kept, as is the dtype.

    Raises:
        TypeError, ValueError: an unknown name.
    """

    binary_outputs = True

    def __init__(self, straight_through: str = "clipped") -> None:
        super().__init__()
        self.straight_through = one_of("straight_through", straight_through, STRAIGHT_THROUGH)

    def forward(self, x: Tensor) -> Tensor:
        return STRAIGHT_THROUGH[self.straight_through](_floats(x))

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Sums:  # noqa: ARG002
        """The signs of numbers: a threshold of each."""
        return numbers.as_sums().then(self)

    def lower_raw(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> Levels:
        """The signs of raw features: comparators `x > t`, of the largest number t below 0."""
        return Levels.of_bits(builder.compare(features, NEGATIVE)).affine(2, -1)

    def extra_repr(self) -> str:
        return f"straight_through={self.straight_through!r}"


class BitsToSigns(nn.Module):
    """Bits, such as those of an encoder, as signs: 2 b - 1. In a circuit it costs nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * _floats(x) - 1

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Levels | Sums:  # noqa: ARG002
        """The bits as numbers -1 and +1."""
        return numbers.affine(2, -1) if isinstance(numbers, Levels) else numbers.then(self)


class ResidualSign(nn.Module):
    """Residual binarisation: a number as a sum of signs with learned scales (ReBNet, M. Ghasemzadeh and others, 2018).

        r_1 = x;   e_l = sign(r_l),   r_(l+1) = r_l - |s_l| e_l;   result: sum_l |s_l| e_l

    With M levels a number becomes one of 2^M values; in a circuit it is M bits. Scales are multiples of 2^-scale_bits,
    in training too, with a straight-through gradient. Sums of the results are therefore integers, in float32 and in
    hardware alike, and a circuit computes exactly what the network does.

    Args:
        levels: M, 1 to 8.
        channels: None: the layer has one set of scales; else the number of channels (axis 1), each with its own scales.
        straight_through: the gradient of signs, as for `BinarizeSign`.
        scale_bits: of the fractions of scales, 1 to 16; None: scales are any numbers, as in ReBNet. A network then
            becomes a circuit only if no sum reads them.
        output: what the module gives: "sum"; "joined": the levels one after the other along axis 1, for LUTs that have
            tables for each level; "stacked": the same along a new first axis, before that of the batch.
        scaled: for levels by themselves: whether each is +-|s_l|, or +-1 for layers that read signs alone. With +-1 the
            last scale does nothing, and gets no gradient.

    Parameters: `scales`, `(M,)` or `(M, channels)`; they start as M, M - 1, ..., 1 over their sum.

    Shapes: `(...)`, with `channels` `(N, channels, ...)`, to the same, to `(N, M * channels, ...)` or `(M, ...)`.

    Raises:
        TypeError: a number that is not an integer.
        ValueError: a number out of range, unknown names, a sum of levels without scales; in use, other channels.
    """

    def __init__(
        self,
        levels: int = 1,
        channels: int | None = None,
        *,
        straight_through: str = "clipped",
        scale_bits: int | None = 8,
        output: str = "sum",
        scaled: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.levels = whole_number("levels", levels, 1, MAX_LEVELS)
        self.channels = None if channels is None else whole_number("channels", channels, 1)
        self.straight_through = one_of("straight_through", straight_through, STRAIGHT_THROUGH)
        self.scale_bits = None if scale_bits is None else whole_number("scale_bits", scale_bits, 1, 16)
        self.output = one_of("output", output, OUTPUTS)
        self.scaled = bool(scaled)
        if output == "sum" and not scaled:
            raise ValueError("scaled is False, and output is 'sum': levels add up by their scales; expected 'joined'")
        start = torch.arange(self.levels, 0, -1, device=device, dtype=dtype or torch.get_default_dtype())
        start = start / start.sum()
        self.scales = nn.Parameter(start if channels is None else start[:, None].expand(-1, channels).clone())

    def magnitudes(self) -> Tensor:
        """The scales as they are used: |s|, on their grid, of the shape of `scales`."""
        if self.scale_bits is None:
            return self.scales.abs()
        found: Tensor = _OnGrid.apply(self.scales, 1 << self.scale_bits)  # type: ignore[no-untyped-call]
        return found

    def signs(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The signs e_l of each level, of the shape of `x`, and the scales |s_l|, which broadcast with them."""
        x = _floats(x)
        sizes = list(self._shaped(self.magnitudes().to(x.dtype), x))
        found = []
        for size in sizes:
            found.append(STRAIGHT_THROUGH[self.straight_through](x))
            if len(found) < self.levels:
                x = x - size * found[-1]
        return found, sizes

    def forward(self, x: Tensor) -> Tensor:
        signs, sizes = self.signs(x)
        levels = [size * sign for sign, size in zip(signs, sizes, strict=True)] if self.scaled else signs
        if self.output == "stacked":
            return torch.stack(levels)
        if self.output == "joined":
            return torch.cat(levels, dim=1)
        total = levels[0]
        for level in levels[1:]:
            total = total + level
        return total

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Levels | Sums:
        """The levels of numbers: a bit each."""
        if self.output == "stacked":
            raise ValueError("its output is stacked, before the axis of samples; expected output='joined'")
        if self.channels is not None and numbers.shape[:1] != (self.channels,):
            raise ValueError(f"its scales are of {self.channels} channels, and there are numbers of {numbers.shape}")
        sums = numbers.as_sums().whole()
        sums = replace(sums, last=self)
        return sums if self.output == "sum" else residual_levels(maker, sums)

    @torch.no_grad()
    def set_means(self, x: Tensor) -> None:
        """Set the scales from data, numbers as `forward` reads them: s_l is the mean of |r_l|, with x clipped to -1 to
        1; then all are divided by their sum.

        Raises:
            ValueError: other channels, no data, or data that is NaN or all 0.
        """
        rest = x.detach().to(self.scales.dtype).clamp(-1, 1)
        axes = [axis for axis in range(rest.ndim) if self.channels is None or axis != 1]
        self._shaped(self.scales, rest)
        means = []
        for _ in range(self.levels):
            mean = rest.abs().mean(axes)
            means.append(mean)
            rest = rest - self._shaped(mean[None], rest)[0] * torch.where(rest >= 0, 1.0, -1.0)
        found = torch.stack(means)
        total = found.sum(0)
        if not (torch.isfinite(total) & (total > 0)).all():
            raise ValueError("the data are none, NaN or all 0 (of a channel); expected numbers as it reads them")
        self.scales.copy_(found / total)

    def _shaped(self, scales: Tensor, x: Tensor) -> Tensor:
        """Scales (L,) or (L, channels) as (L, ...), each of which broadcasts with x."""
        if self.channels is None:
            return scales
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ValueError(f"ResidualSign got {tuple(x.shape)}; expected (N, {self.channels}, ...), its channels")
        return scales.reshape(len(scales), self.channels, *[1] * (x.ndim - 2))

    def extra_repr(self) -> str:
        channels = "" if self.channels is None else f", channels={self.channels}"
        return f"levels={self.levels}{channels}, scale_bits={self.scale_bits}, output={self.output!r}"


def _floats(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())
