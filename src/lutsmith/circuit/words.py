"""Features that are words: which bits of an integer a circuit reads, and how numbers become words.

The word of a number x is an integer of b bits, unsigned (0 to 2^b - 1) or in two's complement (-2^(b-1) to
2^(b-1) - 1). It stands for `offset + word / per_unit`, and the word whose value is nearest to x is taken, the lower one
of two; numbers beyond the ends become the ends, and NaN becomes 0.

- **Plain** words (offset 0, per_unit 1) are integers. Words of up to 24 bits are read from float32(x), as everything
  that is compared; longer words are read from x itself, so that integers of 64 bits lose nothing.
- Others have thresholds: `t_k = float32(first + k / per_unit)` with `first = offset + (lowest + 1/2) / per_unit`, and
  the word is `lowest` plus the number of k < 2^b - 1 with t_k below float32(x). They have at most 24 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.grid import MAX_WORD, Grid
from lutsmith.ground.arrays import MAX_SIGNALS, booleans, frozen, frozen_integers, reals

MAX_BITS = 64
"""Of a word; longer integers are several features."""

Patterns = NDArray[np.uint64]
"""Words as bits: two's complement, zero above the word's own bits."""


@dataclass(frozen=True, eq=False, repr=False)
class WordFormats:
    """The features that are words, and what their words stand for. Immutable.

    Attributes:
        feature: int32 (K,), ascending, each once.
        bits: int32 (K,), 1 to 64.
        signed: bool (K,), whether a word is two's complement.
        offset: float64 (K,), the value of word 0.
        per_unit: float64 (K,), words in a unit of the feature, above 0.

    Raises:
        TypeError, ValueError: wrong types or shapes, numbers out of range, or words above 24 bits that are not plain.
    """

    feature: NDArray[np.int32]
    bits: NDArray[np.int32]
    signed: NDArray[np.bool_]
    offset: NDArray[np.float64]
    per_unit: NDArray[np.float64]

    def __post_init__(self) -> None:
        feature = frozen_integers("feature", self.feature, np.int32, low=0, high=MAX_SIGNALS)
        if (np.diff(feature) <= 0).any():
            raise ValueError("the features of words must ascend, each of them once")
        bits = frozen_integers("bits", self.bits, np.int32, low=1, high=MAX_BITS + 1)
        signed = frozen(booleans("signed", self.signed), np.bool_)
        scale = (("offset", self.offset), ("per_unit", self.per_unit))
        offset, per_unit = (frozen(reals(name, each) + 0.0, np.float64) for name, each in scale)
        for name, array in (("bits", bits), ("signed", signed), ("offset", offset), ("per_unit", per_unit)):
            if array.shape != feature.shape:
                raise ValueError(f"{name} has shape {array.shape} for {feature.size} features that are words")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "feature", feature)
        if not (np.isfinite(offset).all() and np.isfinite(per_unit).all() and (per_unit > 0).all()):
            raise ValueError("offset and per_unit must be finite, and per_unit above 0")
        long = np.flatnonzero(~self.plain & (bits > MAX_WORD))
        if long.size:
            raise ValueError(
                f"the word of feature {feature[long[0]]} has {bits[long[0]]} bits, an offset or a per_unit; "
                f"expected at most {MAX_WORD} bits, or a plain integer"
            )

    @classmethod
    def of(
        cls,
        feature: ArrayLike,
        bits: ArrayLike,
        signed: ArrayLike = False,
        offset: ArrayLike = 0.0,
        per_unit: ArrayLike = 1.0,
    ) -> WordFormats:
        """Return the formats of features (K,), in any order; the rest is one for all or (K,).

        Raises:
            TypeError, ValueError: arrays that `WordFormats` refuses, or a feature twice.
        """
        features = np.atleast_1d(np.asarray(feature))
        order = np.argsort(features, kind="stable")
        rest = (np.broadcast_to(np.asarray(each), features.shape)[order] for each in (bits, signed, offset, per_unit))
        return cls(features[order], *rest)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, item.name) for item in fields(self))

    def __len__(self) -> int:
        """K, how many features are words."""
        return self.feature.size

    def __repr__(self) -> str:
        lengths = sorted(set(self.bits.tolist()))
        return f"WordFormats({len(self)} features, words of {', '.join(map(str, lengths))} bits)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordFormats) and all(
            np.array_equal(getattr(self, item.name), getattr(other, item.name)) for item in fields(self)
        )

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, item.name).tobytes() for item in fields(self)))

    def __getitem__(self, kept: Any) -> WordFormats:
        """Return those of some places (any index that keeps their order)."""
        return WordFormats(*(getattr(self, item.name)[kept] for item in fields(self)))

    @cached_property
    def plain(self) -> NDArray[np.bool_]:
        """bool (K,), whether a word is the integer itself."""
        plain: NDArray[np.bool_] = (self.offset == 0) & (self.per_unit == 1)
        return plain

    @cached_property
    def _plain_kinds(self) -> list[tuple[int, bool, NDArray[np.int64]]]:
        """Length, sign and places of plain words that have these in common."""
        plain = np.flatnonzero(self.plain)
        keys = np.stack([self.bits[plain], self.signed[plain]])
        kinds = np.unique(keys, axis=1).T.tolist()
        return [(bits, bool(signed), plain[(keys == [[bits], [signed]]).all(axis=0)]) for bits, signed in kinds]

    @property
    def is_long(self) -> bool:
        """Whether a word is longer than float32 can hold, 24 bits: its feature must come as an integer or float64."""
        return bool((self.bits > MAX_WORD).any())

    @property
    def lowest(self) -> list[int]:
        """The lowest word of each feature."""
        return [-(1 << bits - 1) if signed else 0 for bits, signed in self._lengths]

    @property
    def highest(self) -> list[int]:
        """The highest word of each feature."""
        return [(1 << bits - int(signed)) - 1 for bits, signed in self._lengths]

    def place(self, feature: ArrayLike) -> NDArray[np.int64]:
        """Return where features stand among those that are words, int64; -1 for a feature that is not a word."""
        features = np.asarray(feature, np.int64)
        place = np.searchsorted(self.feature, features)
        known = place < len(self)
        known[known] = self.feature[place[known]] == features[known]
        return np.where(known, place, -1)

    def patterns(self, rows: NDArray[Any]) -> Patterns:
        """Return the words of rows (N, F) of numbers as bits, uint64 (N, K)."""
        words = np.empty((len(rows), len(self)), np.uint64)
        for bits, signed, same in self._plain_kinds:
            words[:, same] = _plain_words(rows[:, self.feature[same]], bits, signed)
        scaled = np.flatnonzero(~self.plain)
        for bits in np.unique(self.bits[scaled]).tolist():
            same = scaled[self.bits[scaled] == bits]
            grid = self.thresholds(same)
            with np.errstate(over="ignore", invalid="ignore"):
                numbers = rows[:, self.feature[same]].astype(np.float32)
            levels = np.where(np.isnan(numbers), grid_zero(self[same]), grid.ceil(numbers))
            low = np.array(self[same].lowest, np.int64)
            words[:, same] = (levels + low).astype(np.uint64) & np.uint64((1 << bits) - 1)
        return words

    def thresholds(self, places: NDArray[np.int64]) -> Grid:
        """Return the thresholds of words of one length as the grid of t_0, t_1, ...; the module defines them."""
        some = self[places]
        low = np.array(some.lowest, np.float64)
        return Grid(int(some.bits[0]), some.offset + (low + 0.5) / some.per_unit, some.per_unit)

    @property
    def row_type(self) -> type[Any]:
        """The type of numbers that holds the values of words: float32; for words above 24 bits int64 or uint64, or
        float64 (which holds the integers of words up to 53 bits) where neither holds all of them.
        """
        if not self.is_long:
            return np.float32
        whole = (self.bits == MAX_BITS) & ~self.signed
        if not self.plain.all() or (whole.any() and self.signed.any()):
            return np.float64
        return np.uint64 if whole.any() else np.int64

    def numbers(self, patterns: Patterns) -> NDArray[Any]:
        """Return the values of words, (N, K) of type `row_type`; they turn into the same words again where that type
        holds them.
        """
        kind = self.row_type
        if kind is np.uint64:
            return patterns
        shift = np.where(self.signed, MAX_BITS - self.bits, 0).astype(np.int64)
        words: NDArray[Any] = (patterns << shift.astype(np.uint64)).view(np.int64) >> shift
        if kind is np.int64:
            return words
        if (self.bits == MAX_BITS).any():
            words = np.where(self.signed, words.astype(np.float64), patterns.astype(np.float64))
        with np.errstate(over="ignore"):
            return (self.offset + words / self.per_unit).astype(kind)

    @property
    def _lengths(self) -> list[tuple[int, bool]]:
        return list(zip(self.bits.tolist(), self.signed.tolist(), strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class WordBits:
    """Bits of words that a circuit reads: bit i is bit `bit[i]` of the word of `feature[i]`. Immutable.

    Attributes:
        feature: int32 (B,), each one of `formats`.
        bit: int32 (B,), from 0, the least significant, to the last of the word; of a signed word that is the sign.
        formats: what the words are.

    Raises:
        TypeError, ValueError: wrong types or shapes, a feature without a format, or a bit that its word does not have.
    """

    feature: NDArray[np.int32]
    bit: NDArray[np.int32]
    formats: WordFormats

    def __post_init__(self) -> None:
        if not isinstance(self.formats, WordFormats):
            raise TypeError(f"formats must be WordFormats, not {type(self.formats).__name__}")
        feature = frozen_integers("feature", self.feature, np.int32, low=0, high=MAX_SIGNALS)
        bit = frozen_integers("bit", self.bit, np.int32, low=0, high=MAX_BITS)
        if bit.shape != feature.shape:
            raise ValueError(f"bit has shape {bit.shape} for {feature.size} bits of words")
        object.__setattr__(self, "feature", feature)
        object.__setattr__(self, "bit", bit)
        if (self.place < 0).any():
            raise ValueError(f"feature {feature[(self.place < 0).argmax()]} has no format: it is not a word")
        high = np.flatnonzero(bit >= self.formats.bits[self.place])
        if high.size:
            first = int(high[0])
            length = self.formats.bits[self.place[first]]
            raise ValueError(f"bit {bit[first]} of feature {feature[first]}, whose word has {length} bits")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.feature, self.bit, self.formats)

    def __len__(self) -> int:
        """B, how many bits there are."""
        return self.feature.size

    def __repr__(self) -> str:
        return f"WordBits({len(self)} bits of {np.unique(self.feature).size} features)"

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """int64 (B,), where the feature of each bit stands in `formats`."""
        return self.formats.place(self.feature)

    @property
    def longest(self) -> int:
        """The bits of the longest word that a bit belongs to; 0 where there are no bits."""
        return int(self.formats.bits[self.place].max(initial=0))

    def encode(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the bits, bool (N, B), of rows (N, F) of numbers: the specification of every faster reader."""
        patterns = self.formats.patterns(rows)[:, self.place]
        bits: NDArray[np.bool_] = patterns >> self.bit.astype(np.uint64) & np.uint64(1) != 0
        return bits

    def kept(self, kept: NDArray[np.int64]) -> WordBits | None:
        """Return some of the bits; None where none is left. Formats of features without bits stay, because they
        describe the features.
        """
        return WordBits(self.feature[kept], self.bit[kept], self.formats) if kept.size else None


def grid_zero(formats: WordFormats) -> NDArray[np.int64]:
    """Return int64 (K,), how many words lie below 0: the level of NaN."""
    return -np.array(formats.lowest, np.int64)


def _plain_words(numbers: NDArray[Any], bits: int, signed: bool) -> Patterns:
    """The nearest integers, halves down, saturated, as bits. Numbers are (N, K) of any real type."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    mask = np.uint64((1 << bits) - 1)
    if numbers.dtype.kind in "biu":
        if numbers.dtype.kind == "b":
            numbers = numbers.astype(np.uint8)
        limits = np.iinfo(numbers.dtype)
        clipped = numbers.clip(max(low, int(limits.min)), min(high, int(limits.max)))
        wide = np.int64 if numbers.dtype.kind == "i" else np.uint64
        return clipped.astype(wide).view(np.uint64) & mask
    with np.errstate(over="ignore", invalid="ignore"):
        given = numbers.astype(np.float32) if bits <= MAX_WORD else numbers
        exact = given.astype(np.float64)
        whole = np.floor(exact)
        nearest = whole + (exact - whole > 0.5)
    nearest = np.where(np.isnan(exact), 0.0, nearest)
    inside = (nearest >= low) & (nearest < float(high) + 1)
    kept = np.where(inside, nearest, 0.0)
    large = kept >= 2.0**63  # of 64 bits, unsigned
    words = np.where(large, kept - 2.0**63, kept).astype(np.int64).view(np.uint64)
    words = np.where(large, words + np.uint64(1 << 63), words)
    ends = np.where(nearest < low, np.uint64(low % (1 << 64)), np.uint64(high % (1 << 64)))
    chosen: Patterns = np.where(inside, words, ends) & mask
    return chosen
