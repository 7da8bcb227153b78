"""Codes other than the thermometer: binary, Gray, one-hot and sign-magnitude. All read LSB first.

The level of a number, how many thresholds lie below it, is looked up in a table of codes. In a circuit the level of a
binary or Gray code is a word, whose bits are inputs: binary costs nothing, Gray b - 1 LUTs of rank 2 a feature. Where
thresholds are not those of a word (`encodings.words`), and in the other codes, each bit is an XOR of comparators: b
bits of a binary code then cost a feature 2^b - 1 comparators and about 2^(b+1) / 5 LUTs of rank 6, of a Gray code half.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.words import WordFormats
from lutsmith.encodings import codes, thresholds
from lutsmith.encodings.codes import MAX_BINARY_BITS, MAX_ONE_HOT_BITS
from lutsmith.encodings.transitions import lower_code
from lutsmith.encodings.words import Formats, formats_of, lower_levels, thresholds_of
from lutsmith.nn.encoders.base import Encoder, EncoderOptions

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class CodeEncoder(Encoder):
    """An encoder with a code table: L thresholds, level l has row l of the table.

    Arguments, shapes and buffers are those of `Encoder`. With `unique=True` the levels of a feature are those between
    its distinct thresholds.
    """

    _rows: Tensor

    def __init__(self, num_bits: int = 1, **options: Unpack[EncoderOptions]) -> None:
        super().__init__(num_bits, **options)
        self.register_buffer("_rows", torch.empty(0), persistent=False)
        self._set_code(self._table())

    @abstractmethod
    def _table(self) -> Tensor:
        """The code table, bool `(L + 1, z)`."""

    def _set_code(self, table: Tensor) -> None:
        self._rows = table.t().to(self._rows.device, torch.float32).contiguous()

    @property
    def num_thresholds(self) -> int:
        return self._rows.shape[1] - 1

    def code(self) -> Tensor:
        return self._rows.t().bool().cpu()

    def _encode(self, x: Tensor, inner: int) -> Tensor:
        samples, features = x.shape
        levels = self._levels(x).flatten()
        out = self._rows.new_empty((features // inner, self.num_bits, inner * samples))
        for bit, row in enumerate(self._rows):
            out[:, bit] = row.index_select(0, levels).view(features // inner, inner * samples)
        return out.view(features * self.num_bits, samples)

    def _levels(self, x: Tensor) -> Tensor:
        """How many thresholds lie below each number: int64 `(F, N)` of `(N, F)`; 0 for NaN.

        A bisection of all numbers at once: three times as fast as `torch.searchsorted`, which branches.
        """
        numbers = x.detach().to(torch.float32).t().contiguous()
        thresholds = self.thresholds.expand(len(numbers), -1) if self.thresholds.ndim == 1 else self._per_feature()
        steps = [1 << power for power in reversed(range(self.num_thresholds.bit_length()))]
        missing = 2 * steps[0] - 1 - self.num_thresholds
        if missing:
            thresholds = nn.functional.pad(thresholds, (0, missing), value=torch.inf)
        levels = torch.zeros_like(numbers, dtype=torch.int64)
        for step in steps:
            levels.add_(numbers > thresholds.gather(1, levels + (step - 1)), alpha=step)
        return levels

    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        return lower_code(builder, features, self._per_feature().cpu().numpy(), self.code().numpy())

    def _usable_bits(self) -> Tensor:
        edge = torch.full_like(self.thresholds[..., :1], torch.inf)
        bounds = torch.cat([-edge, self.thresholds, edge], dim=-1)
        reached = (bounds[..., :-1] < bounds[..., 1:]).float()  # (..., L + 1): a number can have this level
        return reached @ self._rows.t() > 0


class UniformFixedPoint(CodeEncoder):
    """The number as a word of b bits (BitLogic's `UniformFixedPoint`, in the manner of Brevitas).

    b wires carry 2^b uniform levels in plain binary, where b wires of a thermometer carry b + 1: level l is
    `t_l < x <= t_(l+1)`, `t_i = min + i (max - min) / 2^b` for i = 1..2^b - 1. Bytes with 8 bits become themselves.

    In a circuit the level is a word of b bits, which costs neither comparators nor LUTs: hardware then reads the level.
    Comparators are used for features that were constant, and for all features if `input_bits` differs from b or if
    loaded thresholds are spaced differently.

    Args:
        num_bits: b, 1 to 16.
        per, unique, encode_axis, fit_axes, input_bits: see `Encoder`.
    """

    _known: Formats | None = None

    @classmethod
    def of_words(
        cls, words: WordFormats, bounds: tuple[NDArray[np.float32], NDArray[np.float32]], shape: Sequence[int]
    ) -> Self:
        """Return the encoder whose levels are the words of a circuit; of other features all bits are 0.

        Args:
            words: unsigned, all of one length.
            bounds: where the features lay in the data, float32 (F,) each.
            shape: of one sample.

        Raises:
            ValueError: words that are signed, or of several lengths.
        """
        lengths = np.unique(words.bits)
        if lengths.size != 1 or words.signed.any():
            raise ValueError("the levels of an encoder are unsigned words of one length")
        encoder = cls(int(lengths[0]))
        count = math.prod(shape)
        every = np.full((count, encoder.num_thresholds), np.inf, np.float32)
        every[words.feature] = thresholds_of((words.offset, words.per_unit), encoder.num_bits)
        known, offset, per_unit = np.zeros(count, np.bool_), np.zeros(count), np.ones(count)
        known[words.feature], offset[words.feature], per_unit[words.feature] = True, words.offset, words.per_unit
        encoder._known = known, offset, per_unit
        encoder.thresholds = torch.from_numpy(every.reshape(*shape, -1))
        encoder.input_min, encoder.input_max = (torch.tensor(bound.reshape(*shape)) for bound in bounds)
        encoder.fit_input_shape = torch.tensor(tuple(shape))
        return encoder

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        return 1, MAX_BINARY_BITS

    def _table(self) -> Tensor:
        return torch.from_numpy(codes.binary(self.num_bits))

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(thresholds.fixed_point(columns, self.num_bits))

    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        if self.input_bits not in (None, self.num_bits):  # hardware has words of another length
            return super()._lower(builder, features)
        places, code = self._per_feature().cpu().numpy(), self.code().numpy()
        formats = formats_of(places, *self._shared_range(), self._known)
        return lower_levels(builder, features, places, code, formats)

    def _shared_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The range of the data that share the thresholds of each feature, float32 (F,) each."""
        own = self.thresholds.shape[:-1]
        axes = [axis for axis in range(self.input_min.ndim) if not own or own[axis] == 1]
        bounds = (self.input_min.cpu().numpy(), np.min), (self.input_max.cpu().numpy(), np.max)
        low, high = (
            np.broadcast_to(end(bound, axis=tuple(axes), keepdims=True), bound.shape).reshape(-1)
            for bound, end in bounds
        )
        return low, high


class Gray(UniformFixedPoint):
    """The Gray code of the uniform fixed-point level l, `l ^ (l >> 1)`: neighbouring levels differ in one bit."""

    def _table(self) -> Tensor:
        return torch.from_numpy(codes.gray(self.num_bits))


class Binary(UniformFixedPoint):
    """The bit planes of an integer: bit k of x itself, whatever the data's range (lutnets' input, LSB first). In a
    circuit they are inputs, and cost neither comparators nor LUTs.

    The thresholds are 1/2, 3/2, ..., 2^b - 3/2: integers in [0, 2^b) give exactly their bits. What lies outside clips
    to 0 or 2^b - 1; fractions count as the nearest integer, halves as the lower one.

    Args:
        num_bits: b, 1 to 16; 8 for bytes.
        encode_axis, input_bits: see `Encoder`. `per` and `fit_axes` change nothing, there is one set of thresholds.
    """

    def _own_axes(self, ndim: int) -> tuple[int, ...]:
        super()._own_axes(ndim)  # raises on axes that the data do not have
        return ()

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(thresholds.bit_planes(columns, self.num_bits))


class OneHot(CodeEncoder):
    """One of z wires is 1: that of the number's level among z uniform ones, `t_i = min + i (max - min) / z`.

    Args:
        num_bits: z, 2 to 1,024.
        per, unique, encode_axis, fit_axes, input_bits: see `Encoder`.
    """

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        return 2, MAX_ONE_HOT_BITS

    def _table(self) -> Tensor:
        return torch.from_numpy(codes.one_hot(self.num_bits))


class SignMagnitude(CodeEncoder):
    """b - 1 bits of magnitude, LSB first, and a sign as the last bit, 1 below zero.

    The range is symmetric: with `m = max(|min|, |max|)` and J = 2^(b-1), the magnitude is how many of `i m / J` for i =
    1..J - 1 lie below |x|. x and -x differ in the sign alone. A number above -2^-126 does not count as negative. NaN,
    level 0, is the lowest number, all ones.

    Args:
        num_bits: b, 1 to 16; 1 is the sign alone.
        per, unique, encode_axis, fit_axes, input_bits: see `Encoder`. `unique` moves levels together: the code then
            counts distinct thresholds only.
    """

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        return 1, MAX_BINARY_BITS

    def _table(self) -> Tensor:
        return torch.from_numpy(codes.sign_magnitude(self.num_bits))

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return torch.from_numpy(thresholds.sign_magnitude(columns, self.num_bits))
