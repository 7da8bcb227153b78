"""Between numbers and bit rows: thresholds are compared and packed, output bits are counted or unpacked.

The bits of a block of samples are a matrix uint64 (rows, 16): bit b of word w of a row is that of sample 64 w + b. Row
0 is all zeros. (`lanes` says what else is in the matrix and evaluates the network on it.)

Samples arrive one after the other, a comparison wants the values of one feature side by side. So sixteen columns
(features) at a time are transposed, 16 x 16 values in four rounds of interleaving, and each wired threshold is then
compared with 64 values at once. Columns and thresholds that no LUT reads cost nothing.

Addresses are byte offsets. Kernels and intrinsics stay in one file: Numba's cache watches only the file of the kernel.
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

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

WORDS = 16
BLOCK = 64 * WORDS
TILE = 16
"""Columns that are transposed together: a sample has at least so many."""

HIGHEST = 4 * TILE
"""A column after four tiles of bytes whose values are all 255: a comparator of it with 0 is always true."""

SCRATCH = (HIGHEST + 1) * BLOCK
"""Bytes of scratch: four tiles of bytes, or one of floats, or 64 unpacked rows; and the column HIGHEST (preset it)."""

COUNTER_ROWS = 65
"""Rows of scratch for counting: 32 planes, 32 carries that wait, and one on its way."""

_I1, _I8, _I32, _I64 = (ir.IntType(width) for width in (1, 8, 32, 64))
_BITS = ir.VectorType(_I1, 64)
_LANES = ir.VectorType(_I64, WORDS)
_ROW = 8 * WORDS


def load(builder: Any, address: Any, offset: int, kind: Any, align: int) -> Any:
    """Emit a load of a value of some kind."""
    moved = builder.add(address, _I64(offset)) if offset else address
    return builder.load(builder.inttoptr(moved, kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, address: Any, align: int) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=align)


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))


def _transposed(builder: Any, rows: list[Any], groups: int) -> list[Any]:
    """Transpose 16 x 16 elements, in `groups` groups of 16 lanes side by side: round by round, i meets i + 8."""
    lanes = [
        [16 * group + half + lane // 2 + lane % 2 * 16 * groups for group in range(groups) for lane in range(16)]
        for half in (0, 8)
    ]
    for _ in range(4):
        rows = [_shuffle(builder, rows[i // 2], rows[i // 2 + 8], lanes[i % 2]) for i in range(16)]
    return rows


def _pasted(builder: Any, parts: list[Any]) -> Any:
    """Vectors side by side; their number is a power of two."""
    while len(parts) > 1:
        lanes = list(range(2 * parts[0].type.count))
        parts = [_shuffle(builder, a, b, lanes) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """Emit a vector that has a scalar in every lane."""
    single = builder.insert_element(ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined), scalar, _I32(0))
    return _shuffle(builder, single, single, [0] * lanes)


@intrinsic
def transpose_bytes(typing_context: Any, source: Any, row_bytes: Any, target: Any, stride: Any) -> Any:
    """Transpose 64 rows of 16 bytes, `row_bytes` apart, into 16 rows of 64, `stride` apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, row_bytes, target, stride = arguments
        sixteen = ir.VectorType(_I8, 16)

        def piece(row: int) -> Any:
            return load(builder, builder.add(source, builder.mul(row_bytes, _I64(row))), 0, sixteen, 1)

        rows = [_pasted(builder, [piece(row + 16 * lane) for lane in range(4)]) for row in range(16)]
        for column, values in enumerate(_transposed(builder, rows, 4)):
            _store(builder, values, builder.add(target, builder.mul(stride, _I64(column))), 64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _prefetch_rows(typing_context: Any, source: Any, row_bytes: Any) -> Any:
    """Ask for the cache lines at 64 addresses, `row_bytes` apart; none of them need exist."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = _I8.as_pointer()
        shape = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
        prefetch = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
        with cgutils.for_range(builder, _I64(64), intp=_I64) as loop:
            address = builder.add(arguments[0], builder.mul(arguments[1], loop.index))
            builder.call(prefetch, [builder.inttoptr(address, byte), _I32(0), _I32(2), _I32(1)])  # to read, L2, data
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def transpose_words(typing_context: Any, source: Any, row_bytes: Any, target: Any, stride: Any) -> Any:
    """Transpose 16 rows of 16 four-byte words, `row_bytes` apart, into 16 rows, `stride` apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, row_bytes, target, stride = arguments
        kind = ir.VectorType(_I32, 16)
        starts = [builder.add(source, builder.mul(row_bytes, _I64(row))) for row in range(16)]
        rows = [load(builder, start, 0, kind, 1) for start in starts]
        for column, values in enumerate(_transposed(builder, rows, 1)):
            _store(builder, values, builder.add(target, builder.mul(stride, _I64(column))), 64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _greater_bytes(typing_context: Any, values: Any, threshold: Any) -> Any:
    """The word of the comparisons of 64 bytes at an address with a threshold, unsigned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = load(builder, arguments[0], 0, ir.VectorType(_I8, 64), 64)
        bits = builder.icmp_unsigned(">", values, splat(builder, arguments[1], 64))
        return builder.bitcast(bits, _I64)

    return types.uint64(types.int64, types.uint8), generate


@intrinsic
def _greater_floats(typing_context: Any, values: Any, threshold: Any) -> Any:
    """The word of the comparisons of 64 floats at an address with a threshold; NaN is greater than nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, limit = ir.VectorType(ir.FloatType(), 16), splat(builder, arguments[1], 16)
        parts = [load(builder, arguments[0], 64 * part, kind, 64) for part in range(4)]
        return builder.bitcast(_pasted(builder, [builder.fcmp_ordered(">", part, limit) for part in parts]), _I64)

    return types.uint64(types.int64, types.float32), generate


@kernel(ENGINE)
def pack_bytes(
    values: NDArray[np.uint64],
    source: int,
    row_bytes: int,
    first_word: int,
    words: int,
    scratch: NDArray[np.uint8],
    tiles: NDArray[np.int64],
    ranges: NDArray[np.int64],
    columns: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    thresholds: NDArray[np.uint8],
) -> None:
    """Compare 64 * words samples of uint8 with thresholds: x > threshold.

    Args:
        values: uint64 (rows, 16), 64-byte aligned: the bit rows.
        source: address of the first sample.
        row_bytes: from one sample to the next.
        first_word: the words of a row from this one on are written.
        words: how many of them, 1 to 16.
        scratch: uint8 (SCRATCH,), 64-byte aligned, its column HIGHEST preset.
        tiles: int64 (T,), first column of each tile of sixteen.
        ranges: int64 (T+1,), tile t belongs to comparators ranges[t]:ranges[t+1].
        columns: uint8 (C,), each comparator's column among four tiles, 16 (t % 4) + column in its tile, or HIGHEST.
        rows: uint32 (C,), byte offset of each comparator's bit row.
        thresholds: uint8 (C,).
    """
    base, buffer = values.ctypes.data, scratch.ctypes.data
    for first in range(0, len(tiles), 4):  # a cache line holds four tiles
        last = min(first + 4, len(tiles))
        # The next four tiles; after the last ones, the first four of the samples that probably come next.
        ahead = source + (tiles[last] if last < len(tiles) else tiles[0] + 64 * words * row_bytes)
        for word in range(words):
            _prefetch_rows(ahead + 64 * word * row_bytes, row_bytes)
            for tile in range(first, last):
                start = source + 64 * word * row_bytes + tiles[tile]
                transpose_bytes(start, row_bytes, buffer + 16 * BLOCK * (tile - first) + 64 * word, BLOCK)
        for comparator in range(ranges[first], ranges[last]):
            index = np.uint64(comparator)
            column = buffer + BLOCK * np.int64(columns[index])
            target = base + np.int64(rows[index]) + 8 * first_word
            threshold = thresholds[index]
            for word in range(words):
                _store_word(target + 8 * word, _greater_bytes(column + 64 * word, threshold))


@kernel(ENGINE)
def pack_floats(
    values: NDArray[np.uint64],
    source: int,
    row_bytes: int,
    first_word: int,
    words: int,
    scratch: NDArray[np.uint8],
    tiles: NDArray[np.int64],
    ranges: NDArray[np.int64],
    columns: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
) -> None:
    """Compare 64 * words samples of float32 with thresholds; arguments as in `pack_bytes`."""
    base, buffer = values.ctypes.data, scratch.ctypes.data
    for tile in range(len(tiles)):
        for sixteen in range(4 * words):
            start = source + 16 * sixteen * row_bytes + 4 * tiles[tile]
            transpose_words(start, row_bytes, buffer + 64 * sixteen, 4 * BLOCK)
        for comparator in range(ranges[tile], ranges[tile + 1]):
            index = np.uint64(comparator)
            column = buffer + 4 * BLOCK * np.int64(columns[index] % np.uint8(16))
            target = base + np.int64(rows[index]) + 8 * first_word
            threshold = thresholds[index]
            for word in range(words):
                _store_word(target + 8 * word, _greater_floats(column + 256 * word, threshold))


@intrinsic
def _store_word(typing_context: Any, address: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _store(builder, arguments[1], arguments[0], 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


def _full_adder(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """Sum and carry of three bits a lane."""
    differ = builder.xor(a, b)
    return builder.xor(differ, c), builder.or_(builder.and_(a, b), builder.and_(differ, c))


@intrinsic
def _add_eight(typing_context: Any, counter: Any, base: Any, rows: Any, carry: Any) -> Any:
    """Add eight bit rows, named by uint32 offsets at an address, to planes 0 to 2 of a counter; eights to `carry`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counter, base, rows, carry = arguments
        offsets = [builder.zext(load(builder, rows, 4 * index, _I32, 4), _I64) for index in range(8)]
        bits = [load(builder, builder.add(base, offset), 0, _LANES, 64) for offset in offsets]
        ones, twos, fours = (load(builder, counter, _ROW * plane, _LANES, 64) for plane in range(3))
        pairs, quads = [], []
        for first in range(0, 8, 2):
            ones, two = _full_adder(builder, ones, bits[first], bits[first + 1])
            pairs.append(two)
        for first in range(0, 4, 2):
            twos, four = _full_adder(builder, twos, pairs[first], pairs[first + 1])
            quads.append(four)
        fours, eights = _full_adder(builder, fours, *quads)
        for plane, value in enumerate((ones, twos, fours)):
            _store(builder, value, builder.add(counter, _I64(_ROW * plane)), 64)
        _store(builder, eights, carry, 64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _add_rows(typing_context: Any, plane: Any, second: Any, third: Any, carry: Any) -> Any:
    """A full adder on four rows: `plane` becomes the sum, `carry` the carry."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = [load(builder, address, 0, _LANES, 64) for address in arguments[:3]]
        total, over = _full_adder(builder, *bits)
        _store(builder, total, arguments[0], 64)
        _store(builder, over, arguments[3], 64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def _weigh(typing_context: Any, totals: Any, word: Any, weight: Any) -> Any:
    """Add `weight` to those of 64 int32 totals whose bit is set in the word at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        totals, word, weight = arguments
        bits = builder.bitcast(load(builder, word, 0, _I64, 8), _BITS)
        kind = ir.VectorType(_I32, 64)
        before = load(builder, totals, 0, kind, 64)
        more = builder.select(bits, splat(builder, weight, 64), ir.Constant(kind, [0] * 64))
        _store(builder, builder.add(before, more), totals, 64)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int32), generate


@kernel(ENGINE)
def count(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32],
    counter: NDArray[np.uint64],
    totals: NDArray[np.int32],
    labels: NDArray[np.int64],
    scores: NDArray[np.int32],
) -> None:
    """Count the ones of each class's outputs, sample by sample; the label is the class with most, or the lowest such.

    Bits are added by carry-save adders: plane p of a counter holds the bits of weight 2^p. Eight rows go into planes 0
    to 2; of the carries that leave plane p every second one waits until the next comes, then both are added at once.

    Args:
        values: uint64 (rows, 16), 64-byte aligned; row 0 is zero.
        rows: uint32 (k, R), byte offsets of the outputs' rows, R a multiple of eight, padded by row 0.
        counter: uint64 (COUNTER_ROWS, 16), 64-byte aligned scratch.
        totals: int32 (2, 1024), 64-byte aligned scratch.
        labels: int64 (N,), N <= 1024, or (0,): not wanted.
        scores: int32 (N, k) or (0, k): not wanted.
    """
    base, planes, sums = values.ctypes.data, counter.ctypes.data, totals[0].ctypes.data
    waiting, passing = planes + 32 * _ROW, planes + 64 * _ROW
    blocks = rows.shape[1] // 8
    used = 3
    while blocks >> (used - 3):
        used += 1
    samples = max(len(labels), len(scores))
    for label in range(len(rows)):
        for plane in range(used):
            for word in range(WORDS):
                counter[plane, word] = 0
        for block in range(blocks):
            offsets = rows.ctypes.data + 4 * (label * rows.shape[1] + 8 * block)
            plane, odd = 3, block
            _add_eight(planes, base, offsets, passing if odd & 1 else waiting + _ROW * plane)
            while odd & 1:
                odd >>= 1
                carry = passing if odd & 1 else waiting + _ROW * (plane + 1)
                _add_rows(planes + _ROW * plane, waiting + _ROW * plane, passing, carry)
                plane += 1
        for plane in range(3, used):
            if blocks >> (plane - 3) & 1:
                _add_rows(planes + _ROW * plane, waiting + _ROW * plane, base, passing)
                for higher in range(plane + 1, used):
                    _add_rows(planes + _ROW * higher, passing, base, passing)
        for sample in range(BLOCK):
            totals[0, sample] = 0
        for word in range((samples + 63) // 64):
            for plane in range(used):
                _weigh(sums + 256 * word, planes + _ROW * plane + 8 * word, np.int32(1 << plane))
        for sample in range(len(labels)):
            better = label == 0 or totals[0, sample] > totals[1, sample]
            labels[sample] = label if better else labels[sample]
            totals[1, sample] = totals[0, sample] if better else totals[1, sample]
        for sample in range(len(scores)):
            scores[sample, label] = totals[0, sample]


@intrinsic
def _spread(typing_context: Any, word: Any, target: Any) -> Any:
    """Write the bits of a word as 64 bytes, 0 or 1."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(load(builder, arguments[0], 0, _I64, 8), _BITS)
        _store(builder, builder.zext(bits, ir.VectorType(_I8, 64)), arguments[1], 64)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@kernel(ENGINE)
def unpack(
    values: NDArray[np.uint64], rows: NDArray[np.uint32], scratch: NDArray[np.uint8], samples: NDArray[np.uint8]
) -> None:
    """Write bit rows as bytes 0 and 1, one sample after the other.

    Args:
        values: uint64 (rows, 16), 64-byte aligned.
        rows: uint32 (R,), byte offsets of the bit rows, R a multiple of 64.
        scratch: uint8 (SCRATCH,), 64-byte aligned.
        samples: uint8 (N, R), N <= 1024 a multiple of 64, 64-byte aligned: the result.
    """
    base, buffer, width = values.ctypes.data, scratch.ctypes.data, samples.shape[1]
    for word in range(len(samples) // 64):
        for first in range(0, width, 64):
            for row in range(64):
                _spread(base + np.int64(rows[first + row]) + 8 * word, buffer + 64 * row)
            for sixteen in range(4):
                target = samples.ctypes.data + (64 * word + 16 * sixteen) * width + first
                transpose_bytes(buffer + 16 * sixteen, 64, target, width)
