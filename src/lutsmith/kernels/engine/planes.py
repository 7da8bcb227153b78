"""Bit planes: bits of words as rows of bits, 64 samples at once.

Sixteen columns (features) of 64 samples are transposed, as in `bits`; a column becomes words of the circuit; and each
bit of 64 of them is a word of a row.

- Plain words are ceil(x - 1/2), kept between the ends: bytes themselves.
- Scaled words of few bits count the thresholds t_k = float32(first + k / per_unit) below x, one by one.
- Of more bits, a table says what a byte is. The thresholds below a float are floor((x - first) per_unit + 1/2) of them
  or one more, where they are no nearer to each other than `NEAREST` says, and one comparison tells.

Words of other kinds are reckoned elsewhere and come as bytes (`pack`): eight bytes of eight samples are one word, whose
bits are transposed in three steps, as a matrix of 8 x 8 (H. S. Warren, Hacker's Delight, 7-3).

Code of `bits` is compiled into the kernels, whose cache watches both files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel
from lutsmith.kernels.engine import bits
from lutsmith.kernels.engine.bits import BLOCK, TILE, load, splat, transpose_bytes, transpose_words

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

NONE = np.uint32(2**32 - 1)
"""The row of a bit that is not wanted."""

NEAREST = 4
"""Thresholds of scaled words are at least so many times the distance of neighbouring float32 apart: each is then within
an eighth of its distance of where it would be without rounding."""

SCRATCH = 4 * TILE * BLOCK
"""Bytes of scratch: sixteen columns of floats."""

_I8, _I32, _I64 = (ir.IntType(width) for width in (8, 32, 64))
_BYTES, _INTEGERS = ir.VectorType(_I8, 64), ir.VectorType(_I32, 64)


def _written(builder: Any, octets: Any, base: Any, rows: Any) -> None:
    """Write each bit of 64 bytes as a word at `base` plus an offset: eight uint32 at the address `rows`, or NONE."""
    for bit in range(8):
        offset = load(builder, rows, 4 * bit, _I32, 4)
        with builder.if_then(builder.icmp_unsigned("!=", offset, _I32(int(NONE)))):
            masked = builder.and_(octets, ir.Constant(_BYTES, [1 << bit] * 64))
            word = builder.bitcast(builder.icmp_unsigned("!=", masked, ir.Constant(_BYTES, [0] * 64)), _I64)
            place = builder.add(base, builder.zext(offset, _I64))
            builder.store(word, builder.inttoptr(place, _I64.as_pointer()), align=8)


@intrinsic
def _write_bytes(typing_context: Any, source: Any, limit: Any, base: Any, rows: Any) -> Any:
    """Write the bits of 64 bytes at an address; those above `limit` count as it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        octets, limit = load(builder, arguments[0], 0, _BYTES, 1), splat(builder, arguments[1], 64)
        octets = builder.select(builder.icmp_unsigned("<", octets, limit), octets, limit)
        _written(builder, octets, *arguments[2:])
        return context.get_dummy_value()

    return types.void(types.int64, types.uint8, types.int64, types.int64), generate


@intrinsic
def _write_octets(typing_context: Any, source: Any, shift: Any, base: Any, rows: Any) -> Any:
    """Write the eight bits from `shift` on of 64 words of 32 bits at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        words = builder.lshr(load(builder, arguments[0], 0, _INTEGERS, 4), splat(builder, arguments[1], 64))
        _written(builder, builder.trunc(words, _BYTES), *arguments[2:])
        return context.get_dummy_value()

    return types.void(types.int64, types.uint32, types.int64, types.int64), generate


def _counted(builder: Any, arguments: Any, element: Any, lanes: int, total: Any) -> None:
    """Store how many thresholds lie below each of 64 numbers: floats, or bytes, which reach them."""
    source, thresholds, count, target = arguments
    kind, size = ir.VectorType(element, lanes), 1 if lanes == 64 else 4
    totals = ir.VectorType(total, lanes)
    parts = [load(builder, source, size * lanes * part, kind, size) for part in range(64 // lanes)]
    start: Any = cgutils.alloca_once_value  # untyped
    found = [start(builder, ir.Constant(totals, [0] * lanes)) for _ in parts]
    with cgutils.for_range(builder, count, intp=_I64) as loop:
        threshold = load(builder, builder.add(thresholds, builder.mul(loop.index, _I64(size))), 0, element, size)
        limit = splat(builder, threshold, lanes)
        for part, place in zip(parts, found, strict=True):
            is_above = (
                builder.icmp_unsigned(">=", part, limit) if lanes == 64 else builder.fcmp_ordered(">", part, limit)
            )
            builder.store(builder.sub(builder.load(place), builder.sext(is_above, totals)), place)
    for part, place in enumerate(found):
        address = builder.add(target, _I64(size * lanes * part))
        builder.store(builder.load(place), builder.inttoptr(address, totals.as_pointer()), align=size)


@intrinsic
def _count_bytes(typing_context: Any, source: Any, thresholds: Any, count: Any, target: Any) -> Any:
    """Count how many of the bytes at `thresholds` each of 64 bytes reaches."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _counted(builder, arguments, _I8, 64, _I8)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _count_floats(typing_context: Any, source: Any, thresholds: Any, count: Any, target: Any) -> Any:
    """Count how many of the floats at `thresholds` lie below each of 64 floats, as integers of 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _counted(builder, arguments, ir.FloatType(), 16, _I32)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@kernel(ENGINE, sources=(bits.__file__,))
def pack_bytes(
    values: NDArray[np.uint64],
    source: int,
    row_bytes: int,
    first_word: int,
    words: int,
    scratch: NDArray[np.uint8],
    tiles: NDArray[np.int64],
    ranges: NDArray[np.int64],
    columns: NDArray[np.int64],
    rows: NDArray[np.uint32],
    limits: NDArray[np.uint8],
    tables: NDArray[np.int64],
    pool: NDArray[np.uint8],
    spans: NDArray[np.int64],
    least: NDArray[np.uint8],
) -> None:
    """Write bits of 64 * words samples of uint8 into a matrix of bits.

    Args:
        values: uint64 (rows, 16): bit b of word w of a row is that of sample 64 w + b.
        source: address of the first sample.
        row_bytes: from one sample to the next.
        first_word: the words of a row from this one on are written.
        words: how many of them, 1 to 16.
        scratch: uint8 (SCRATCH,) or longer, 64-byte aligned.
        tiles: int64 (T,), first column of each tile of sixteen.
        ranges: int64 (T+1,), tile t belongs to groups ranges[t]:ranges[t+1]: eight bits of a word each.
        columns: int64 (G,), each group's column in its tile.
        rows: uint32 (G, 8), byte offset of the row of each bit, or NONE.
        limits: uint8 (G,), what larger bytes count as.
        tables: int64 (G,), which row of `pool` says what stands for a byte; -1: the byte itself.
        pool: uint8 (P, 256).
        spans: int64 (G, 2), which part of `least` a byte is to be counted with instead; (0, 0): none.
        least: uint8, the bytes from which on thresholds lie below.
    """
    base, buffer = values.ctypes.data + 8 * first_word, scratch.ctypes.data
    found = np.empty(BLOCK, np.uint8)
    for tile in range(len(tiles)):
        for word in range(words):
            start = source + 64 * word * row_bytes + tiles[tile]
            transpose_bytes(start, row_bytes, buffer + 64 * word, BLOCK)
        for group in range(ranges[tile], ranges[tile + 1]):
            column = BLOCK * columns[group]
            place = buffer + column
            some = spans[group, 1] - spans[group, 0]
            if some:
                for word in range(words):
                    _count_bytes(
                        place + 64 * word, least.ctypes.data + spans[group, 0], some, found.ctypes.data + 64 * word
                    )
                place = found.ctypes.data
            elif tables[group] >= 0:
                table = pool[tables[group]]
                for sample in range(64 * words):
                    found[sample] = table[scratch[column + sample]]
                place = found.ctypes.data
            for word in range(words):
                _write_bytes(place + 64 * word, limits[group], base + 8 * word, rows.ctypes.data + 32 * group)


@kernel(ENGINE, sources=(bits.__file__,))
def pack_floats(
    values: NDArray[np.uint64],
    source: int,
    row_bytes: int,
    first_word: int,
    words: int,
    scratch: NDArray[np.uint8],
    tiles: NDArray[np.int64],
    ranges: NDArray[np.int64],
    columns: NDArray[np.int64],
    ends: NDArray[np.float64],
    lines: NDArray[np.float64],
    spans: NDArray[np.int64],
    thresholds: NDArray[np.float32],
    octets: NDArray[np.int64],
    shifts: NDArray[np.uint32],
    rows: NDArray[np.uint32],
) -> None:
    """Write bits of 64 * words samples of float32.

    Arguments are as in `pack_bytes`, but for tile t, which belongs to words ranges[t]:ranges[t+1] of `columns` (K,),
    and for these:

    - ends: float64 (K, 2), the lowest and the highest word.
    - lines: float64 (K, 2), `first` and `per_unit` of scaled words; per_unit 0: the word is plain.
    - spans: int64 (K, 2), which part of `thresholds` to count with instead; (0, 0): none.
    - octets: int64 (K+1,), word k belongs to groups octets[k]:octets[k+1].
    - shifts: uint32 (G,), the first bit of each group.
    """
    base, buffer = values.ctypes.data + 8 * first_word, scratch.ctypes.data
    floats, found = scratch[:SCRATCH].view(np.float32), np.empty(BLOCK, np.int32)
    for tile in range(len(tiles)):
        for sixteen in range(4 * words):
            start = source + 16 * sixteen * row_bytes + 4 * tiles[tile]
            transpose_words(start, row_bytes, buffer + 64 * sixteen, 4 * BLOCK)
        for number in range(ranges[tile], ranges[tile + 1]):
            column = floats[BLOCK * columns[number] : BLOCK * (columns[number] + 1)]
            low, high, first, per_unit = ends[number, 0], ends[number, 1], lines[number, 0], lines[number, 1]
            some = spans[number, 1] - spans[number, 0]
            if some:
                begin = thresholds.ctypes.data + 4 * spans[number, 0]
                for word in range(words):
                    place = buffer + 4 * BLOCK * columns[number] + 256 * word
                    _count_floats(place, begin, some, found.ctypes.data + 256 * word)
            elif per_unit == 0:
                for sample in range(64 * words):
                    at = np.ceil(np.float64(column[sample]) - 0.5)
                    at = at if at > low else low
                    at = at if at < high else high
                    found[sample] = np.int32(at if column[sample] == column[sample] else 0.0)
            else:
                most = high - low
                for sample in range(64 * words):
                    x = column[sample]
                    at = np.floor((np.float64(x) - first) * per_unit + 0.5)
                    at = at if at > 0.0 else 0.0
                    at = at if at < most else most
                    above = at < most and np.float32(first + at / per_unit) < x
                    at = at + 1.0 if above else at
                    found[sample] = np.int32(at + low if x == x else 0.0)
            for group in range(octets[number], octets[number + 1]):
                for word in range(words):
                    target = base + 8 * word
                    _write_octets(found.ctypes.data + 256 * word, shifts[group], target, rows.ctypes.data + 32 * group)


@kernel(ENGINE)
def pack(
    values: NDArray[np.uint64],
    data: NDArray[np.uint8],
    columns: NDArray[np.int64],
    rows: NDArray[np.uint32],
) -> None:
    """Write the bits of some bytes of up to 1,024 samples into a matrix of bits.

    Args:
        values: uint64 (rows, 16): bit b of word w of a row is that of sample 64 w + b.
        data: uint8 (n, bytes), a sample a row; n is a multiple of 64.
        columns: int64 (G,), the bytes that are read.
        rows: uint32 (G, 8), the row of each bit of these, or NONE.
    """
    planes = np.zeros(8, np.uint64)
    for word in range(len(data) // 64):
        for group in range(columns.size):
            column = columns[group]
            planes[:] = 0
            for octet in range(8):
                first = 64 * word + 8 * octet
                x = np.uint64(0)
                for sample in range(8):
                    x |= np.uint64(data[first + sample, column]) << np.uint64(8 * sample)
                t = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
                x = x ^ t ^ (t << np.uint64(7))
                t = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
                x = x ^ t ^ (t << np.uint64(14))
                t = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
                x = x ^ t ^ (t << np.uint64(28))
                for bit in range(8):
                    planes[bit] |= (x >> np.uint64(8 * bit) & np.uint64(255)) << np.uint64(8 * octet)
            for bit in range(8):
                row = rows[group, bit]
                if row != NONE:
                    values[row, word] = planes[bit]
