"""Which part of the data an example is in: training, validation or test, by a hash of the operation and its operands.

An example is in the same part on every machine, whatever sampler, seed or stream draws it. So a learner is never
measured on an example that it was trained on.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.integers import Integers
from lutsmith.data.alu.words import to_bytes

PARTS = ("train", "validation", "test")


def part_of(name: str, a: Integers, b: Integers, bits: int, held_out: float = 0.05) -> NDArray[np.int8]:
    """Return the part of each example, a place in `PARTS`, `(N,)`.

    The validation and the test part have a share of `held_out` each. The hash is that of SplitMix64 (Steele, Lea and
    Flood, OOPSLA 2014, doi:10.1145/2660193.2660195), applied to one word of 64 bits of the operands after the other.

    Args:
        name: the operation's.
        a: the first operands, integers `(N,)` of `bits`, signed or not.
        b: the second ones; 0 for an operation of one.
        bits: the width of the operands.
        held_out: the share of the validation part, and of the test part.
    """
    state = np.full(len(a), name_code(name), np.uint64)
    for operand in (a, b):
        for word in _words(operand, bits):
            state = _mixed(state ^ word)
    place = state >> np.uint64(11)  # 53 bits
    share = int(held_out * 2**53)
    return np.where(place < share, 2, np.where(place < 2 * share, 1, 0)).astype(np.int8)


def name_code(name: str) -> int:
    """Return 64 bits that stand for an operation."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def _words(values: Integers, bits: int) -> Any:
    """Return integers as words of 64 bits, lowest first, in two's complement."""
    if values.dtype.kind != "O":
        return (values.astype(np.uint64),)
    return to_bytes(values, 8 * -(-bits // 64)).view("<u8").astype(np.uint64).T


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return state ^ (state >> np.uint64(31))
