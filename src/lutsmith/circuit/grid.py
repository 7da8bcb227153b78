"""The grid of values that words of b bits stand for.

The k-th of its 2^b values is `low + k / per_unit`, rounded to float32, for each feature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.ground.arguments import whole_number
from lutsmith.ground.arrays import frozen

MAX_WORD = 24
"""The longest word: float32, in which everything is compared, has 24 bits of precision."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Words of one length, and the values that they stand for. Immutable.

    Arguments of the methods broadcast against `low` and `per_unit`; NaN is not allowed unless said.

    Attributes:
        bits: the length of a word, 1 to 24.
        low: float64 (...), the value of word 0.
        per_unit: float64 (...), words in a unit of the feature, above 0.

    Raises:
        TypeError, ValueError: `bits` is not such a number, or arrays not finite, not positive, or of unequal shapes.
    """

    bits: int
    low: NDArray[np.float64]
    per_unit: NDArray[np.float64]

    def __post_init__(self) -> None:
        low, per_unit = frozen(self.low, np.float64), frozen(self.per_unit, np.float64)
        if low.shape != per_unit.shape:
            raise ValueError(f"low has shape {low.shape} and per_unit {per_unit.shape}, expected equal shapes")
        if not (np.isfinite(low).all() and np.isfinite(per_unit).all() and (per_unit > 0).all()):
            raise ValueError("low and per_unit must be finite, and per_unit above 0")
        for name, value in (("bits", checked_word(self.bits)), ("low", low), ("per_unit", per_unit)):
            object.__setattr__(self, name, value)

    @classmethod
    def covering(cls, low: ArrayLike, high: ArrayLike, bits: int) -> Grid:
        """Return the grid of `bits`-bit words for the range [low, high].

        A step is `(high - low) / (2^bits - 1)`, rounded up to one part of a whole number where it is at most 1, so that
        integers whose range fits in the word lie on the grid. Where low equals high, low + 1 is used for high.
        """
        bits = checked_word(bits)
        bottom, top = np.asarray(low, np.float64), np.asarray(high, np.float64)
        per_unit = float((1 << bits) - 1) / np.where(top > bottom, top - bottom, 1.0)
        per_unit = np.where(per_unit >= 1, np.floor(per_unit), per_unit)
        return cls(bits, np.broadcast_to(bottom, per_unit.shape), per_unit)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __getitem__(self, features: NDArray[np.int32]) -> Grid:
        """Return the grid of some features, by their numbers."""
        return Grid(self.bits, self.low[features], self.per_unit[features])

    @property
    def highest(self) -> int:
        """The highest word, 2^bits - 1."""
        return (1 << self.bits) - 1

    def value(self, word: ArrayLike) -> NDArray[np.float32]:
        """Return the values of words, float32; a higher word never has a lower value."""
        with np.errstate(over="ignore"):
            values: NDArray[np.float32] = (self.low + np.asarray(word, np.float64) / self.per_unit).astype(np.float32)
        return values

    def floor(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the highest word whose value is not above x (float32); -1 where there is none.

        For every value v on the grid, v > x is `word > floor(x)`.
        """
        return self._count(np.asarray(x, np.float32), np.less_equal) - 1

    def ceil(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the lowest word whose value is not below x (float32): words saturate, and NaN is word 0.

        This is how numbers become words: the words of x and t compare as x > t does, for every t on the grid.
        """
        at = np.where(np.isnan(x), np.float32(-np.inf), np.asarray(x, np.float32))
        return np.minimum(self._count(at, np.less), self.highest)

    def _count(self, at: NDArray[np.float32], below: Callable[..., Any]) -> NDArray[np.int64]:
        """Return how many words have values that are `below` (less, or less or equal) x: they are the lowest ones.

        The quotient tells it but for roundings, unless float32 is coarser than the grid: then bisection does.
        """
        with np.errstate(over="ignore"):
            guess = np.clip((at.astype(np.float64) - self.low) * self.per_unit, -1.0, float(self.highest))
        first = np.maximum(np.ceil(guess), 0).astype(np.int64)  # one of first - 1, first, first + 1, nearly always
        last = self.highest
        count = np.where(below(self.value(np.maximum(first - 1, 0)), at) | (first == 0), first, first - 1)
        for _ in range(2):
            count += (count <= last) & below(self.value(count), at)
        wrong = ((count > 0) & ~below(self.value(np.maximum(count - 1, 0)), at)) | (
            (count <= last) & below(self.value(count), at)
        )
        if wrong.any():
            x, low, per_unit = (np.broadcast_to(part, wrong.shape)[wrong] for part in (at, self.low, self.per_unit))
            count[wrong] = Grid(self.bits, low, per_unit)._bisected(x, below)
        return count

    def _bisected(self, at: NDArray[np.float32], below: Callable[..., Any]) -> NDArray[np.int64]:
        count = np.zeros(at.shape, np.int64)
        for bit in reversed(range(self.bits + 1)):
            more = count + (1 << bit)
            count = np.where((more <= self.highest + 1) & below(self.value(more - 1), at), more, count)
        return count


def checked_word(bits: Any, name: str = "bits") -> int:
    """Return a word length as an int; TypeError or ValueError, with the argument's name, where it is not valid."""
    return whole_number(name, bits, 1, MAX_WORD, "the bits of a word")
