"""Code tables, bool `(L + 1, z)`: the bits of each level, the number of thresholds below a number. All LSB first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BITS = 1 << 16
"""Thresholds of a feature."""

MAX_BINARY_BITS = 16
"""Binary codes have 2^b levels, and a threshold between any two."""

MAX_ONE_HOT_BITS = 1024


def thermometer(bits: int) -> NDArray[np.bool_]:
    """Bit b of level l is l > b."""
    return np.arange(bits + 1)[:, None] > np.arange(bits)


def binary(bits: int) -> NDArray[np.bool_]:
    """The level as a word."""
    return words(np.arange(1 << bits), bits)


def gray(bits: int) -> NDArray[np.bool_]:
    """`l ^ (l >> 1)`: neighbouring levels differ in one bit."""
    levels = np.arange(1 << bits)
    return words(levels ^ (levels >> 1), bits)


def one_hot(bits: int) -> NDArray[np.bool_]:
    """Bit l of level l."""
    return np.eye(bits, dtype=np.bool_)


def sign_magnitude(bits: int) -> NDArray[np.bool_]:
    """b - 1 bits of magnitude, then the sign: 1 in the lower half of the levels."""
    half = 1 << (bits - 1)
    magnitudes = np.concatenate([np.arange(half - 1, -1, -1), np.arange(half)])
    return np.concatenate([words(magnitudes, bits - 1), (np.arange(2 * half) < half)[:, None]], axis=1)


def categories(bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The code of the levels that `thresholds.category_edges` give: row k `(V, z)` for category k, 0 between them."""
    table = np.zeros((2 * len(bits) + 1, bits.shape[1]), np.bool_)
    table[1::2] = bits
    return table


def words(numbers: NDArray[Any], bits: int) -> NDArray[np.bool_]:
    """The lowest bits of integers `(L,)`, bool `(L, bits)`."""
    said: NDArray[np.bool_] = (numbers[:, None] >> np.arange(bits)) & 1 != 0
    return said
