"""Edges and curvature of images: differences of pixels, compared. They are integers, and part of the circuit.

A pixel is a word, whose bits cost nothing in a circuit (`circuit.words`); a difference of two bytes is twelve LUTs, and
each threshold about two more (`logic.linear`). All of it is exact, and is exported and proved like every other LUT.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.encodings import codes
from lutsmith.ground.arguments import as_python, one_of, whole_number
from lutsmith.logic.linear import LinearForm, placed
from lutsmith.nn.encoders.base import Encoder, check_batch, first_of_equals
from lutsmith.nn.encoders.gathering import gather, value_range
from lutsmith.nn.encoders.thermometers import (
    BalancedThermometer,
    DistributiveThermometer,
    GaussianThermometer,
    LogarithmicThermometer,
    Thermometer,
)

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1), "antidiagonal": (1, -1)}
"""Rows down and columns to the right, from a pixel to its neighbour at distance 1."""

PLACEMENTS: dict[str, type[Thermometer]] = {
    "uniform": Thermometer,
    "gaussian": GaussianThermometer,
    "distributive": DistributiveThermometer,
    "balanced": BalancedThermometer,
    "logarithmic": LogarithmicThermometer,
}
"""Where thresholds lie, by the names that `ENCODERS` has for thermometers."""

FITTED = 1 << 26
"""Differences that thresholds are fitted to; of more, a sample of the images is taken."""

MAX_PIXEL_BITS = 8
"""Of sums of three pixels and their curvature, every value of the words that are compared can be looked at."""

FALSE, TRUE = 0, 1
"""The first two numbers of what a plan reads: the constants."""

Offset = tuple[int, int]


class Copies(NamedTuple):
    """Copies of a cone, one a row of `reads`: which bits each reads, among the constants, the bits of all words, and
    the outputs of the steps before, in this order.
    """

    cone: LinearForm
    reads: NDArray[np.int64]


class EdgeThermometer(Encoder):
    """Thermometer of differences of pixels: edges, and with `order=2` curvature.

    Along each direction a pixel p has a neighbour q before it and r behind it, `distance` pixels away; beyond the
    border of the image, the pixels at the border repeat. Edges (order 1) are `r - p`, curvature (order 2) is `2 p - q -
    r`. Bit b says whether that is above threshold b: an integer comparison, in the model and in the circuit.

    Pixels are integers of 0 to 2^pixel_bits - 1, such as bytes. Any other number counts as `circuit.words` says: as the
    nearest of these, halves rounded down, and NaN as 0.

    Args:
        num_bits: z, the thresholds of one difference.
        directions: of `DIRECTIONS`: "horizontal", "vertical", "diagonal" (down and to the right), "antidiagonal".
        distance: in pixels, at least 1.
        order: 1 for edges, 2 for curvature.
        of: "channel": each channel has its own differences; "sum": there are only those of the sum of all channels (at
            most three), which stands for the luminance.
        placement: of `PLACEMENTS`, where thresholds lie among the differences of the training data.
        per: "channel": each direction of each channel has thresholds of its own; "global": all share one set.
        step: `fit` moves thresholds so that each says "at least a multiple of this". Multiples of 8 take a third fewer
            LUTs than arbitrary numbers, and say nearly as much.
        pixel_bits: the word length of a pixel, 1 to 8.
        unique: see `Encoder`.

    Shapes: input `(N, C, H, W)`; output `(N, C * D * z, H, W)` of D directions, `(N, D * z, H, W)` of sums: bit b of
    direction d of channel c is channel `(c D + d) z + b`.

    Buffers: those of `Encoder`; `thresholds` is `(C * D, 1, 1, z)`, or `(z,)` where all share them.

    Raises:
        TypeError, ValueError: an invalid argument.
    """

    def __init__(
        self,
        num_bits: int = 1,
        *,
        directions: Sequence[str] = tuple(DIRECTIONS),
        distance: int = 1,
        order: int = 1,
        of: Literal["channel", "sum"] = "channel",
        placement: str = "distributive",
        per: Literal["channel", "global"] = "channel",
        step: int = 1,
        pixel_bits: int = 8,
        unique: bool = False,
    ) -> None:
        one_of("per", per, ("channel", "global"))
        super().__init__(num_bits, per=per, unique=unique)
        names = as_python(directions)
        if isinstance(names, str) or not names or len(set(names)) < len(names):
            raise ValueError(f"directions is {directions!r}; expected different names of {', '.join(DIRECTIONS)}")
        self.directions = tuple(one_of("directions", name, DIRECTIONS) for name in names)
        self.distance = whole_number("distance", distance, 1, what="pixels")
        self.order = whole_number("order", order, 1, 2, "1 for edges or 2 for curvature")
        self.of: Literal["channel", "sum"] = of
        one_of("of", of, ("channel", "sum"))
        self.placement = one_of("placement", placement, PLACEMENTS)
        self.step = whole_number("step", step, 1)
        self.pixel_bits = whole_number("pixel_bits", pixel_bits, 1, MAX_PIXEL_BITS, "the bits of a pixel")

    @property
    def num_thresholds(self) -> int:
        return self.num_bits

    def code(self) -> Tensor:
        return torch.from_numpy(codes.thermometer(self.num_bits))

    # fitting

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        """Set the thresholds from images `(N, C, H, W)`; returns self.

        Args:
            x: an array or tensor of pixels, or an iterable of batches; see `Encoder.fit`. Thresholds are fitted to at
                most `FITTED` differences, those of images that are drawn by `seed`.
            seed: of the sample of images.

        Raises:
            TypeError: `x` is not numeric.
            ValueError: no images, other values than integers of 0 to 2^pixel_bits - 1, images of an impossible size or
                number of channels.
        """
        data = gather(x, seed)
        if data.ndim != 4:
            raise ValueError(f"fit got data of shape {data.shape}; edges are those of images, (N, channels, H, W)")
        if self.of == "sum" and data.shape[1] > 3:
            raise ValueError(f"fit got images of {data.shape[1]} channels; of='sum' adds up to three")
        low, high = value_range(data)
        whole = data.dtype.kind in "bu" or bool((data == np.floor(data)).all())
        if not whole or low.min() < 0 or high.max() >= 1 << self.pixel_bits:
            raise ValueError(
                f"fit got pixels from {low.min():g} to {high.max():g}{'' if whole else ', some of them no integers'}; "
                f"expected integers of 0 to {(1 << self.pixel_bits) - 1}: give bytes, unscaled, or another pixel_bits"
            )
        self.input_min, self.input_max = (torch.from_numpy(end).to(self.thresholds.device) for end in (low, high))
        self.fit_input_shape = torch.tensor(data.shape[1:], dtype=torch.int64, device=self.thresholds.device)
        values = int(np.prod(self._shape_of_differences()))
        if len(data) * values > FITTED:
            rows = np.random.default_rng(seed).choice(len(data), max(1, FITTED // values), replace=False)
            data = data[np.sort(rows)]
        differences = self.differences(torch.from_numpy(np.ascontiguousarray(data)))
        fitted = PLACEMENTS[self.placement](self.num_bits, per=self.per).fit(differences.to(torch.int16))
        at_least = torch.floor(fitted.thresholds) + 1
        nearest = torch.floor(at_least / self.step + 0.5) * self.step - 1
        nearest = torch.where(fitted.thresholds.isfinite(), nearest, fitted.thresholds)
        self.thresholds = (first_of_equals(nearest) if self.unique else nearest).to(self.thresholds.device)
        return self

    # use

    @property
    def usable(self) -> Tensor:
        """Bool, shape of one encoded sample: False where the bit is always the same."""
        shape = self._shape_of_differences()
        there = self.thresholds.isfinite().expand(*shape, self.num_bits).clone()
        for number, offset in enumerate(self._offsets()):
            same = torch.from_numpy(np.all([self._neighbours(end) == self._places() for end in offset], axis=0))
            there[number :: len(self.directions)].masked_fill_(same.to(there.device).reshape(*shape[1:], 1), False)
        return there.movedim(-1, 1).reshape(-1, *shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Encode `(N, C, H, W)` of any real dtype; see the class for shapes.

        Raises:
            RuntimeError: the encoder is not fitted.
            TypeError, ValueError: not a tensor of real numbers, or a wrong shape.
        """
        check_batch(x, self.feature_shape)
        if not self.training and type(x) is Tensor and not x.is_meta and not torch.compiler.is_compiling():
            self._warn_outside(x)
        _, height, width = self.feature_shape
        return self._encode(x.flatten(1), height * width).view(-1, height, width, len(x)).movedim(-1, 0)

    def _encode(self, x: Tensor, inner: int) -> Tensor:  # noqa: ARG002 - rows are in the order of planes in any case
        forms = self._planes(x.reshape(len(x), *self.feature_shape))
        bounds = self.thresholds.expand(len(forms), 1, 1, self.num_bits).movedim(-1, 1).unsqueeze(-1)
        return (forms.unsqueeze(1) > bounds).to(torch.float32).flatten(0, 3)

    def words(self, x: Tensor) -> Tensor:
        """Return pixels as the integers that they count as, float32 of the shape of `x`."""
        if x.dtype == torch.uint8:
            return x.to(torch.float32).clamp(max=(1 << self.pixel_bits) - 1)
        numbers = x.to(torch.float32)
        whole = torch.floor(numbers)
        nearest = whole + (numbers - whole > 0.5)
        return torch.where(numbers.isnan(), 0.0, nearest.clamp(0, (1 << self.pixel_bits) - 1))

    def differences(self, x: Tensor) -> Tensor:
        """Return the differences of images `(N, C, H, W)`, float32 `(N, C * D, H, W)`, of sums `(N, D, H, W)`."""
        return self._planes(x).movedim(-1, 0)

    def _planes(self, x: Tensor) -> Tensor:
        """Return the same, samples last: what is next to each other is added and copied as it lies in memory."""
        pixels = self.words(x.movedim(0, -1).contiguous())
        if self.of == "sum":
            pixels = pixels.sum(0, keepdim=True)
        found = []
        for ends in self._offsets():
            there = [self._moved(pixels, end) for end in ends]
            found.append(there[0] - pixels if self.order == 1 else 2 * pixels - there[0] - there[1])
        return torch.stack(found, dim=1).flatten(0, 1)

    def _moved(self, pixels: Tensor, offset: Offset) -> Tensor:
        """Return for each pixel of planes `(C, H, W, N)` the one at an offset from it, beyond the border the last."""
        for axis, step in ((-3, offset[0]), (-2, offset[1])):
            size = pixels.shape[axis]
            place = torch.arange(step, step + size, device=pixels.device).clamp(0, size - 1)
            pixels = pixels.index_select(axis, place)
        return pixels

    # in a circuit

    def lower_features(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the words of `features` (ids, shape of one sample) and the LUTs; return the signals of the encoded
        sample.

        Raises:
            ValueError: features of another shape than the encoder was fitted on.
        """
        if features.shape != self.feature_shape:
            raise ValueError(f"the encoder was fitted on samples of shape {self.feature_shape}, not {features.shape}")
        return self._lower(builder, features.reshape(-1)).reshape(-1, *self.feature_shape[1:])

    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        constants = [builder.constant(False), builder.constant(True)]
        known = np.concatenate([constants, builder.words(features, self.pixel_bits).reshape(-1)]).astype(np.int32)
        steps, outputs = self.plan()
        for cone, reads in steps:
            known = np.concatenate([known, placed(cone.netlist, known[reads], builder.lut).reshape(-1)])
        signals: NDArray[np.int32] = known[outputs].reshape(-1)
        return signals

    def plan(self) -> tuple[list[Copies], NDArray[np.int64]]:
        """Return the LUTs as copies of a few cones, and which of their outputs each bit of an encoded sample is.

        Numbers count the constants (0 and 1), the bits of the words of all features (feature by feature, the least
        significant first), and the outputs of the steps, copy by copy.
        """
        channels, height, width = self.feature_shape
        places, bits = height * width, self.pixel_bits
        plan = _Plan(2 + channels * places * bits)
        words = 2 + np.arange(channels * places * bits).reshape(channels, places, bits)
        if self.of == "sum":
            total = words[0]
            for other in words[1:]:
                total = plan.add(LinearForm((total.shape[1], bits)), total, other)
            words = total[None]
        groups = self._shape_of_differences()[0]
        bounds = np.where(self.thresholds.isfinite().cpu(), torch.floor(self.thresholds).cpu() + 1, 2.0**40)
        bounds = np.broadcast_to(bounds.reshape(-1, self.num_bits), (groups, self.num_bits)).astype(np.int64)
        outputs = np.empty((groups, self.num_bits, places), np.int64)
        for group in range(groups):
            channel, direction = divmod(group, len(self.directions))
            outputs[group] = self._compared(plan, words[channel], self._offsets()[direction], bounds[group]).T
        return plan.steps, outputs.reshape(-1, height, width)

    def _compared(self, plan: _Plan, words: NDArray[np.int64], ends: list[Offset], bounds: Any) -> NDArray[np.int64]:
        """Return the bits (P, z) of the differences of words (P, b) along one direction."""
        own, length = self._places(), words.shape[1]
        there = [self._neighbours(end) for end in ends]
        outputs = np.repeat((bounds <= 0).astype(np.int64)[None], own.size, axis=0)  # of a pixel and itself
        limits = tuple(bounds.tolist())
        if self.order == 1:
            inside = there[0] != own
            cone = LinearForm((length, length), limits)
            outputs[inside] = plan.add(cone, words[there[0][inside]], words[own[inside]])
            return outputs
        before, behind = there
        both = (before != own) & (behind != own)
        sums = plan.add(LinearForm((length, length)), words[before[both]], words[behind[both]])
        outputs[both] = plan.add(LinearForm((length, length + 1), limits, factor=2), words[own[both]], sums)
        for one, other in ((before, behind), (behind, before)):  # at a border: a pixel less the neighbour that it has
            edge = (one != own) & (other == own)
            outputs[edge] = plan.add(LinearForm((length, length), limits), words[own[edge]], words[one[edge]])
        return outputs

    # geometry

    def _shape_of_differences(self) -> tuple[int, int, int]:
        channels, height, width = self.feature_shape
        return (1 if self.of == "sum" else channels) * len(self.directions), height, width

    def _offsets(self) -> list[list[Offset]]:
        """For each direction where the neighbours are that a pixel is compared with."""
        steps = [(self.distance * DIRECTIONS[name][0], self.distance * DIRECTIONS[name][1]) for name in self.directions]
        return [[step] if self.order == 1 else [(-step[0], -step[1]), step] for step in steps]

    def _places(self) -> NDArray[np.int64]:
        return np.arange(self.feature_shape[1] * self.feature_shape[2])

    def _neighbours(self, offset: Offset) -> NDArray[np.int64]:
        """Which pixel of a channel stands at an offset from each, int64 (H W,): beyond the border the last one."""
        _, height, width = self.feature_shape
        row = np.clip(np.arange(height) + offset[0], 0, height - 1)
        column = np.clip(np.arange(width) + offset[1], 0, width - 1)
        return (row[:, None] * width + column).reshape(-1)

    def _usable_bits(self) -> Tensor:
        return self.thresholds.isfinite()

    def extra_repr(self) -> str:
        return (
            f"{super().extra_repr()}, directions={self.directions}, distance={self.distance}, order={self.order}, "
            f"of={self.of!r}, placement={self.placement!r}, step={self.step}, pixel_bits={self.pixel_bits}"
        )


class _Plan:
    """Steps, and how many numbers there are so far."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.steps: list[Copies] = []

    def add(self, cone: LinearForm, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add copies of a cone on words a and b, (I, bits) each; return the numbers of what they say, (I, outputs)."""
        if not len(a):
            return np.empty((0, cone.num_outputs), np.int64)
        self.steps.append(Copies(cone, np.concatenate([a, b], axis=1)))
        made = self.count + np.arange(len(a) * cone.num_outputs).reshape(len(a), cone.num_outputs)
        self.count += made.size
        return made
