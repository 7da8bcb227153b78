"""The inputs of a circuit's network as logic on words: comparators, bits of words, missing values.

Bits of words are wires. On a grid, `x > t` is `word > limit`. The 32 bits of a float32 are a sign and a magnitude, and
magnitudes are ordered as integers. So `x > t` is one comparison of 31 bits, a check of the sign, and a check for NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.inputs import Inputs
from lutsmith.logic.arithmetic import at_least
from lutsmith.logic.design import Part, Port
from lutsmith.logic.folding import FALSE, FoldingBuilder, Literals, table
from lutsmith.logic.words import FLOAT_BITS, Words

_SIGN = FLOAT_BITS - 1
_LOW = _SIGN - 3
"""Bits of a magnitude below the three that the last LUT takes."""
_INFINITY = 0x7F80_0000


def encoder_part(inputs: Inputs, words: Words) -> Part:
    """Return the part `encoder`: port x, the words of all features, to port bits, one an input of the network."""
    logic = FoldingBuilder()
    x = logic.input(words.num_features * words.bits).reshape(words.num_features, words.bits)
    feature, threshold = inputs.comparators.feature, inputs.comparators.threshold
    own = np.full(feature.size, -1) if words.formats is None else words.formats.place(feature)
    bits = np.zeros(feature.size, np.int64)
    others = np.flatnonzero(own < 0)
    if words.is_float:
        bits[others] = _float_above(logic, x[:, :FLOAT_BITS], feature[others], threshold[others])
    elif others.size:
        assert words.grid is not None
        limits = words.limits(feature[others], threshold[others]).astype(np.int64)
        bits[others] = at_least(logic, x[feature[others], : words.grid.bits], limits + 1)
    if words.formats is not None:
        for length, signed in sorted(set(zip(words.formats.bits.tolist(), words.formats.signed.tolist(), strict=True))):
            alike = (words.formats.bits == length) & (words.formats.signed == signed)
            places = np.flatnonzero((own >= 0) & alike[own])
            some = x[feature[places], :length].copy()
            some[:, -1] ^= int(signed)  # the order of two's complement, once the sign is turned
            lowest = -(1 << length - 1) if signed else 0
            bounds = words.limits(feature[places], threshold[places]).astype(object) + 1 - lowest
            bits[places] = at_least(logic, some, bounds)
    parts = [bits]
    if inputs.words is not None:
        parts.append(x[inputs.words.feature, inputs.words.bit])
    if inputs.missing.size:
        parts.append(_missing(logic, x, inputs.missing, words))
    ports = Port("x", words.bits, words.num_features), Port("bits", 1, len(inputs))
    return Part("encoder", logic.build(np.concatenate(parts)), ports[:1], ports[1:])


def _missing(logic: FoldingBuilder, x: Literals, feature: NDArray[np.int32], words: Words) -> Literals:
    """Return the literals (M,) of whether features are NaN: of float32 alone, no other word is."""
    bits = np.full(feature.size, FALSE, np.int64)
    own = np.full(feature.size, -1) if words.formats is None else words.formats.place(feature)
    floats = np.flatnonzero(own < 0) if words.is_float else np.zeros(0, np.int64)
    bounds = np.full(floats.size, _INFINITY + 1, np.int64)
    bits[floats] = at_least(logic, x[feature[floats], :_SIGN], bounds)
    return bits


def _float_above(
    logic: FoldingBuilder, x: Literals, feature: NDArray[np.int32], threshold: NDArray[np.float32]
) -> Literals:
    """Return the literals (I,) of `x[feature] > threshold`.

    With |x| and |t| as integers: for t from 0 up, x is above it where it is not negative, |x| > |t|, and no NaN. For t
    below 0, where x is not negative and no NaN, or negative and not |x| >= |t|, which no NaN is.
    """
    pattern = (threshold + np.float32(0)).view(np.uint32).astype(np.int64)  # -0 becomes 0
    negative = pattern >> _SIGN == 1
    magnitude = pattern & (1 << _SIGN) - 1
    bound = np.where(negative, magnitude, magnitude + 1)
    used, place = np.unique(feature, return_inverse=True)
    nan = at_least(logic, x[used, :_SIGN], np.full(used.size, _INFINITY + 1, np.int64))[place]
    carry = at_least(logic, x[feature, :_LOW], bound & (1 << _LOW) - 1)

    address = np.arange(64)
    top, sign, is_nan = address >> 1 & 7, address >> 4 & 1, address >> 5 == 1
    digit = (bound >> _LOW)[:, None]
    reaches = (top > digit) | (top == digit) & (address & 1 == 1)
    above = np.where(sign == 1, negative[:, None] & ~reaches, (negative[:, None] | reaches) & ~is_nan)
    inputs = np.concatenate([carry[:, None], x[feature, _LOW:], nan[:, None]], axis=1)
    return np.where(threshold == np.inf, FALSE, logic.lut(inputs, table(above)))
