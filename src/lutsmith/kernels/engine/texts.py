"""Which texts, or which words, of a column are the same: a code for each, in the order in which they first stand there.

Texts are bytes at addresses, as Arrow's arrays have them: between offsets into one buffer, or as views of 16 bytes that
hold up to 12 bytes themselves and else point into one of several buffers. Each text is hashed by its length and eight
bytes at either end, looked up in a table of codes, and compared with the text that was first of that code, eight bytes
at a time: nothing is decoded, and nothing is made of a text but its code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel
from lutsmith.kernels.vectors import i32, i64, u8

EMPTY = -1
"""A place of the table that no code has taken."""

MISSING = -1
"""The code of a cell that holds nothing."""

INLINE = 12
"""Bytes of the longest text that a view holds itself."""


def _load(typing_context: Any, address: Any) -> Any:
    """The eight bytes at an address, wherever it lies."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        return builder.load(builder.inttoptr(arguments[0], word.as_pointer()), align=1)

    return types.uint64(types.int64), generate


_word: Any = extending.intrinsic(_load)
_compiled: Callable[[Any], Any] = extending.register_jitable


@_compiled
def _short(address: Any, length: Any) -> Any:
    """Up to seven bytes as a word."""
    found = np.uint64(0)
    for place in range(length):
        found |= np.uint64(u8(address)[place]) << np.uint64(8 * place)
    return found


@_compiled
def _hash(address: Any, length: Any) -> Any:
    if length < 8:
        low, high = _short(address, length), np.uint64(0)
    else:
        low, high = _word(address), _word(address + length - 8)
    mixed = (low ^ (high * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(length)
    return (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)


@_compiled
def _equal(left: Any, right: Any, length: Any) -> Any:
    """Whether two texts of one length are the same."""
    if length < 8:
        return _short(left, length) == _short(right, length)
    for place in range(0, length - 7, 8):
        if _word(left + place) != _word(right + place):
            return False
    return _word(left + length - 8) == _word(right + length - 8)


@_compiled
def _code(address: Any, length: Any, table: Any, addresses: Any, lengths: Any, count: Any) -> Any:
    """The code of a text; `count`, at a place of the table that is taken for it, if it is new and there is room."""
    last = np.uint64(len(table) - 1)
    place = (_hash(address, length) >> np.uint64(32)) & last
    while True:
        code = table[place]
        if code == EMPTY:
            if count < len(addresses):
                table[place], addresses[count], lengths[count] = count, address, length
            return count
        if lengths[code] == length and _equal(addresses[code], address, length):
            return np.int64(code)
        place = (place + np.uint64(1)) & last


@kernel(ENGINE)
def of_offsets(
    data: int,
    ends: NDArray[Any],
    known: NDArray[np.bool_],
    codes: NDArray[np.int32],
    table: NDArray[np.int32],
    addresses: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> int:
    """Code texts that lie one after the other; return how many there are, or -1 where there are more than fit.

    Args:
        data: the address of their bytes.
        ends: int32 or int64 (n + 1,), where each begins, and where the last ends.
        known: bool (n,), which cells hold one; empty: all.
        codes: int32 (n,), written.
        table: int32, `EMPTY`, of a power of two of entries, twice as many as `addresses` at the least.
        addresses: int64 (M,), written: where the first text of each code lies.
        lengths: int64 (M,), written: how many bytes it has.
    """
    count = np.int64(0)
    for cell in range(len(codes)):
        if len(known) and not known[cell]:
            codes[cell] = MISSING
            continue
        start = np.int64(ends[cell])
        code = _code(data + start, np.int64(ends[cell + 1]) - start, table, addresses, lengths, count)
        if code == count:
            if count == len(addresses):
                return -1
            count += 1
        codes[cell] = code
    return int(count)


@kernel(ENGINE)
def of_views(
    views: int,
    buffers: NDArray[np.int64],
    known: NDArray[np.bool_],
    codes: NDArray[np.int32],
    table: NDArray[np.int32],
    addresses: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> int:
    """Code texts of views; return how many there are, or -1 where there are more than fit.

    Args:
        views: the address of n views: length, then the bytes; or length, four bytes, number of a buffer, place in it.
        buffers: int64, the addresses of the buffers.
        known: as of `of_offsets`.
        codes: likewise.
        table: likewise.
        addresses: likewise.
        lengths: likewise.
    """
    count = np.int64(0)
    for cell in range(len(codes)):
        if len(known) and not known[cell]:
            codes[cell] = MISSING
            continue
        view = views + 16 * np.int64(cell)
        length = np.int64(i32(view)[0])
        address = view + 4
        if length > INLINE:
            address = buffers[i32(view)[2]] + np.int64(i32(view)[3])
        code = _code(address, length, table, addresses, lengths, count)
        if code == count:
            if count == len(addresses):
                return -1
            count += 1
        codes[cell] = code
    return int(count)


@kernel(ENGINE)
def of_words(
    data: int, step: int, codes: NDArray[np.int32], table: NDArray[np.int32], firsts: NDArray[np.int64]
) -> int:
    """Code words of eight bytes, such as the addresses of objects; return how many there are, or -1 where there are
    more than fit.

    Args:
        data: the address of the first word.
        step: bytes from one to the next.
        codes: int32 (n,), written.
        table: int32, as of `of_offsets`.
        firsts: int64 (M,), written: the first cell of each code.
    """
    count, last = np.int64(0), np.uint64(len(table) - 1)
    for cell in range(len(codes)):
        word = i64(data + step * np.int64(cell))[0]
        mixed = np.uint64(word) * np.uint64(0x9E3779B97F4A7C15)
        place = (mixed >> np.uint64(32)) & last
        while True:
            code = table[place]
            if code == EMPTY:
                if count == len(firsts):
                    return -1
                table[place], firsts[count], codes[cell] = count, cell, count
                count += 1
                break
            if i64(data + step * firsts[code])[0] == word:
                codes[cell] = code
                break
            place = (place + np.uint64(1)) & last
    return int(count)
