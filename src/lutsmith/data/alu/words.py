"""Integers as bits, lowest first, and back, at any width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.results import integers_of
from lutsmith.data.alu.integers import Integers, as_python_integers


def to_bits(values: Integers, bits: int) -> NDArray[np.uint8]:
    """Return the low bits of integers, `(N,)`, in two's complement: `(N, bits)`, 0 and 1, lowest first."""
    return np.unpackbits(to_bytes(values, -(-bits // 8)), axis=1, count=bits, bitorder="little")


def from_bits(bits: NDArray[Any], signed: bool = False) -> Integers:
    """Return the integers of words of bits, `(N, bits)`, lowest first; signed words are in two's complement."""
    return integers_of(np.asarray(bits, bool), signed=signed)


def to_bytes(values: Integers, count: int) -> NDArray[np.uint8]:
    """Return the low bytes of integers, `(N,)`, in two's complement: `(N, count)`, lowest first."""
    if count <= 8:
        kept = values.astype(np.int64) if values.dtype.kind == "b" else values
        if kept.dtype.kind == "O":
            kept = np.asarray(kept & ((1 << 64) - 1), object).astype(np.uint64)
        return np.ascontiguousarray(kept, kept.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, 8)[:, :count]
    mask = (1 << (8 * count)) - 1
    joined = b"".join((value & mask).to_bytes(count, "little") for value in as_python_integers(values))
    return np.frombuffer(joined, np.uint8).reshape(-1, count)


def from_bytes(words: NDArray[np.uint8], bits: int, signed: bool = False) -> Integers:
    """Return the integers of words of bytes, `(N, count)`, lowest first, of which the low `bits` count."""
    return from_bits(np.unpackbits(words, axis=1, count=bits, bitorder="little"), signed)
