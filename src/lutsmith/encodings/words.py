"""Levels that are words: a feature whose thresholds lie at equal distances is read as an integer.

2^b - 1 thresholds `float32(first + k / per_unit)` are those of a word of b bits (`circuit.words`): the level is the
word. A code whose bits are XORs of the level's bits then takes no comparator: binary no LUT either, Gray one a bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.words import WordFormats
from lutsmith.encodings.transitions import lower_code, xor

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

CHECKED = 1 << 22
"""Thresholds that are compared at once."""

Formats = tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]
"""Which features are words (F,), and where they are, what word 0 stands for, and words in a unit, (F,) each."""

Places = tuple[NDArray[np.float64], NDArray[np.float64]]
"""What word 0 stands for, and words in a unit, float64 (F,) each."""


def of_range(low: NDArray[Any], high: NDArray[Any], bits: int) -> Places:
    """Return the words of b bits whose 2^b levels divide ranges (F,) evenly; of an empty range as if it were 1 long."""
    bottom, top = low.astype(np.float64), high.astype(np.float64)
    per_unit = (1 << bits) / np.where(top > bottom, top - bottom, 1.0)
    return bottom + 0.5 / per_unit, per_unit


def thresholds_of(places: Places, bits: int) -> NDArray[np.float32]:
    """Return the thresholds of words of b bits, float32 (F, 2^b - 1)."""
    offset, per_unit = places
    every = np.arange(offset.size)
    formats = WordFormats.of(every, np.full(offset.size, bits), every < 0, offset, per_unit)
    return formats.thresholds(every)[every[:, None].astype(np.int32)].value(np.arange((1 << bits) - 1))


def formats_of(
    thresholds: NDArray[np.float32], low: NDArray[Any], high: NDArray[Any], known: Formats | None = None
) -> Formats:
    """Return which features have the thresholds of words, and which words these are.

    Tried are what is known, plain integers, the range of the data, and the first and the last threshold; what is found
    gives the thresholds bit for bit.

    Args:
        thresholds: float32 (F, 2^b - 1), ascending.
        low: the lowest value that the thresholds of each feature were fitted to, (F,).
        high: the highest.
        known: words that may be it.
    """
    count, levels = thresholds.shape
    bits = (levels + 1).bit_length() - 1
    found, offset, per_unit = np.zeros(count, np.bool_), np.zeros(count), np.ones(count)
    step = max(1, CHECKED // levels)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        candidates = _candidates(thresholds[rows], low[rows], high[rows], bits)
        for candidate in [*([] if known is None else [(known[1][rows], known[2][rows])]), *candidates]:
            with np.errstate(invalid="ignore"):
                sane = np.isfinite(candidate[0]) & np.isfinite(candidate[1]) & (candidate[1] > 0)
            fine = tuple(np.where(sane, each, 1.0) for each in candidate)
            right = ~found[rows] & sane & (thresholds_of(fine, bits) == thresholds[rows]).all(axis=1)  # type: ignore[arg-type]
            for own, tried in zip((offset, per_unit), fine, strict=True):
                own[rows][right] = tried[right]
            found[rows] |= right
    return found, offset, per_unit


def _candidates(
    thresholds: NDArray[np.float32], low: NDArray[Any], high: NDArray[Any], bits: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    count, levels = thresholds.shape
    candidates = [(np.zeros(count), np.ones(count)), of_range(low, high, bits)]
    if levels > 1:
        first, last = thresholds[:, 0].astype(np.float64), thresholds[:, -1].astype(np.float64)
        with np.errstate(all="ignore"):
            per_unit = (levels - 1) / (last - first)
            candidates.append((first - 0.5 / per_unit, per_unit))
    return candidates


def lower_levels(
    builder: CircuitBuilder,
    features: NDArray[np.int32],
    thresholds: NDArray[np.float32],
    code: NDArray[np.bool_],
    formats: Formats,
) -> NDArray[np.int32]:
    """Return the signals (F, z) of a code of levels: bits of words, or XORs of them, where features are words and the
    code allows it, and XORs of comparators elsewhere.

    Args:
        builder: where they go.
        features: int32 (F,), ids of the features.
        thresholds: float32 (F, 2^b - 1), ascending in each row.
        code: bool (2^b, z), the bits of each level.
        formats: which features are words, and which words, as `formats_of` returns them.
    """
    read = bits_read(code)
    is_word, offset, per_unit = formats
    if read is None or not is_word.any():
        return lower_code(builder, features, thresholds, code)
    signals = np.empty((features.size, code.shape[1]), np.int32)
    words = builder.words(features[is_word], len(read), offset=offset[is_word], per_unit=per_unit[is_word])
    for bit in range(code.shape[1]):
        signals[is_word, bit] = xor(builder, words[:, read[:, bit]], inverted=bool(code[0, bit]))
    if not is_word.all():
        signals[~is_word] = lower_code(builder, features[~is_word], thresholds[~is_word], code)
    return signals


def bits_read(code: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return which bits of the level each bit of a code (2^b, z) is the XOR of, bool (b, z), or the inverse of that
    XOR where level 0 has a one; None where a bit is no such XOR.
    """
    bits = len(code).bit_length() - 1
    if len(code) != 1 << bits:
        return None
    read: NDArray[np.bool_] = code[1 << np.arange(bits)] ^ code[0]
    level = np.arange(len(code))[:, None] >> np.arange(bits) & 1
    is_xor = np.array_equal((level @ read & 1).astype(np.bool_) ^ code[0], code)
    return read if is_xor else None
