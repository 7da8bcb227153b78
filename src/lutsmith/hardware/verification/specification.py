"""What encoder and decision should compute, as the plainest circuits there are: one gate after another, bit by bit.

They share no code with `logic`, whose trees they are the yardstick of. Sums have a proof of their own: `sums`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.builder import NetlistBuilder
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.netlist import Netlist
from lutsmith.logic.words import FLOAT_BITS, Words

_AND, _OR, _AND_NOT, _NOT = 0b1000, 0b1110, 0b0010, 0b01
"""Of x_0, x_1; the third is x_0 and not x_1."""
_MUX = 0b11001010
"""x_2 ? x_1 : x_0."""
_GREATER = 0b10110010
"""One step from the low bits up: bits x_0 > x_1, or equal and x_2, what the bits below say."""
_INFINITY = 0x7F80_0000

_Signals = NDArray[np.int32]


def encoder_specification(comparators: Comparators, words: Words) -> Netlist:
    """Return a netlist from the bits of all words to the comparators' bits, as the part `encoder` has them."""
    builder = NetlistBuilder(words.num_features * words.bits)
    x = np.arange(words.num_features * words.bits, dtype=np.int32).reshape(words.num_features, words.bits)
    feature, threshold = comparators.feature, comparators.threshold
    if not words.is_float:
        return builder.build(_above(builder, x[feature], words.limits(feature, threshold)))
    # IEEE 754 binary32: without the sign, bits order as numbers do, and those of NaN are above infinity.
    magnitude, sign = x[feature, : FLOAT_BITS - 1], x[feature, FLOAT_BITS - 1]
    pattern = threshold.view(np.uint32).astype(np.int64)
    limit = pattern & (1 << FLOAT_BITS - 1) - 1
    below_zero = (pattern >> FLOAT_BITS - 1 == 1) & (limit > 0)
    nan = _above(builder, magnitude, np.full(feature.size, _INFINITY, np.int64))
    larger = _above(builder, magnitude, limit)
    smaller = _gate(builder, _NOT, _above(builder, magnitude, limit - 1))
    positive = _gate(builder, _NOT, sign)
    # t >= 0: not negative and |x| > |t|.  t < 0: not negative, or |x| < |t|.
    above_positive = _gate(builder, _AND, positive, larger)
    above_negative = _gate(builder, _OR, positive, smaller)
    chosen = np.where(below_zero, above_negative, above_positive)
    return builder.build(_gate(builder, _AND_NOT, chosen, nan))


def label_specification(count: int, width: int, *, signed: bool) -> Netlist:
    """Return a netlist from `count` scores of `width` bits to the label: the lowest class of the highest score.

    One class after the other: it takes over where its score is above the best so far.
    """
    builder = NetlistBuilder(count * width)
    scores = np.arange(count * width, dtype=np.int32).reshape(count, width)
    label = np.full(max(1, (count - 1).bit_length()), builder.constant(False), np.int32)
    best = scores[0]
    for number in range(1, count):
        first, second = scores[number].copy(), best.copy()
        if signed:  # where the signs differ, the number whose sign is 0 is the greater
            first[-1], second[-1] = second[-1], first[-1]
        greater = np.array([builder.constant(False)], np.int32)
        for a, b in zip(first, second, strict=True):
            greater = builder.lut(np.array([[a, b, greater[0]]]), np.array([_GREATER], np.uint64))
        best = _gate(builder, _MUX, best, scores[number], np.repeat(greater, width))
        bits = np.array([builder.constant(bool(number >> place & 1)) for place in range(label.size)], np.int32)
        label = _gate(builder, _MUX, label, bits, np.repeat(greater, label.size))
    return builder.build(label)


def labels_specification(count: int, width: int, *, signed: bool) -> Netlist:
    """Return a netlist from `count` scores of `width` bits to one bit each: whether the score is above 0."""
    builder = NetlistBuilder(count * width)
    scores = np.arange(count * width, dtype=np.int32).reshape(count, width)
    rest = scores[:, :-1] if signed else scores
    some = np.full(count, builder.constant(False), np.int32)
    for place in range(rest.shape[1]):
        some = _gate(builder, _OR, some, rest[:, place])
    return builder.build(_gate(builder, _AND_NOT, some, scores[:, -1]) if signed else some)


def _above(builder: NetlistBuilder, words: _Signals, limits: NDArray[np.int64]) -> _Signals:
    """Return the signals (W,) of `word > limit` for words (W, b); limits may be negative, or beyond all words."""
    result = np.full(len(words), builder.constant(False), np.int32)
    for place in range(words.shape[1]):
        one = (limits >> place & 1).astype(np.bool_)
        result = np.where(
            one,
            _gate(builder, _AND, words[:, place], result),
            _gate(builder, _OR, words[:, place], result),
        ).astype(np.int32)
    highest = (1 << words.shape[1]) - 1
    result = np.where(limits < 0, builder.constant(True), result)
    return np.where(limits >= highest, builder.constant(False), result).astype(np.int32)


def _gate(builder: NetlistBuilder, table: int, *inputs: _Signals) -> _Signals:
    """Return the signals of one gate on each of the inputs (W,)."""
    return builder.lut(np.stack(inputs, axis=1), np.full(inputs[0].size, table, np.uint64))
