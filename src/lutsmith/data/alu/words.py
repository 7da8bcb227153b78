"""Integers as bits, lowest first, and back, at any width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.integers import Integers, as_python_integers, narrowed


def to_bits(values: Integers, bits: int) -> NDArray[np.uint8]:
    """Return the low bits of integers, `(N,)`, in two's complement: `(N, bits)`, 0 and 1, lowest first."""
    return np.unpackbits(to_bytes(values, -(-bits // 8)), axis=1, count=bits, bitorder="little")


def from_bits(bits: NDArray[Any], signed: bool = False) -> Integers:
    """Return the integers of words of bits, `(N, bits)`, lowest first; signed words are in two's complement."""
    return from_bytes(np.packbits(np.asarray(bits, bool), axis=1, bitorder="little"), bits.shape[1], signed)


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
    rows, count = words.shape
    if count <= 8:
        filled = np.zeros((rows, 8), np.uint8)
        filled[:, :count] = words
        whole = filled.view("<u8").reshape(rows)
        found = whole.astype(np.int64) if bits <= 63 else as_python_integers(whole.astype(np.uint64))
    else:
        data = words.tobytes()
        found = np.empty(rows, object)
        found[:] = [int.from_bytes(data[place : place + count], "little") for place in range(0, len(data), count)]
    return narrowed(found, bits, signed)
