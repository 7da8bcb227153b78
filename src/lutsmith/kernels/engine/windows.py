"""Bytes compared sample by sample, 64 comparators at once, for machines that permute bytes (AVX-512 VBMI).

A **window** is 64 neighbouring features and up to 64 comparators that read them. Of each sample the window is loaded,
its bytes are put in the order of the comparators, and one comparison gives 64 bits. The bits of 64 samples are then
transposed, eight windows at a time, into words of 64 samples a comparator, and eight such words are written at once.

Samples are read once, line by line, before they are compared. It looks idle, and is worth it: windows of eight samples
are no order in which a processor fetches memory ahead. The row `encode` of the engine's benchmark shows it.

`bits.pack_bytes` is the same for every machine: it transposes bytes, eight times as many. `Thresholds` chooses. Kernel
and intrinsics stay in one file: Numba's cache watches only the file of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import extending, types
from numba.core import cgutils, config
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

WIDTH = 64
"""Features and comparators of a window, and samples of a word."""

TOGETHER = 8
"""Windows whose bits are transposed together, and samples that are compared in turn."""

_I8, _I32, _I64 = (ir.IntType(width) for width in (8, 32, 64))
_BYTES = ir.VectorType(_I8, WIDTH)
_WORDS = ir.VectorType(_I64, TOGETHER)
_VECTOR = 64  # bytes
_SQUARE = WIDTH * TOGETHER  # words that are transposed together


def available() -> bool:
    """Whether this machine permutes bytes, and Numba compiles for this machine."""
    if config.CPU_NAME or config.CPU_FEATURES:
        return False
    return bool(binding.get_host_cpu_features().get("avx512vbmi"))


def _load(builder: Any, address: Any, kind: Any, align: int) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, address: Any, align: int) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=align)


@intrinsic
def _compare(typing_context: Any, source: Any, row_bytes: Any, order: Any, limits: Any, target: Any, step: Any) -> Any:
    """Compare one window of eight samples, `row_bytes` apart; the words go to `target`, `step` apart.

    `order` is the address of 64 places in the window, `limits` that of the bytes that they must reach.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, row_bytes, order, limits, target, step = arguments
        permute = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_BYTES, [_BYTES, _BYTES]), "llvm.x86.avx512.permvar.qi.512"
        )
        places, least = (_load(builder, address, _BYTES, _VECTOR) for address in (order, limits))
        for _ in range(TOGETHER):
            window = builder.call(permute, [_load(builder, source, _BYTES, 1), places])
            _store(builder, builder.bitcast(builder.icmp_unsigned(">=", window, least), _I64), target, 8)
            source, target = builder.add(source, row_bytes), builder.add(target, step)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), generate


@intrinsic
def _read(typing_context: Any, start: Any, count: Any, nothing: Any) -> Any:
    """Read some cache lines one after the other; what they hold goes, mixed, to the address `nothing`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start, count, nothing = arguments
        mixed = cgutils.alloca_once_value(builder, ir.Constant(_BYTES, None))
        with cgutils.for_range(builder, count, intp=_I64) as loop:
            line = _load(builder, builder.add(start, builder.mul(loop.index, _I64(_VECTOR))), _BYTES, 1)
            builder.store(builder.xor(builder.load(mixed), line), mixed)
        _store(builder, builder.load(mixed), nothing, 64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def _transpose(typing_context: Any, source: Any, step: Any, target: Any) -> Any:
    """Transpose the bits of 64 vectors of eight words, `step` apart: bit s of vector c is then bit c of vector s.

    Lanes do not mix. Halves of words are exchanged between vectors 32, 16, .. 1 apart (Warren, Hacker's Delight, 7-3),
    in two rounds of eight vectors in registers.
    """

    def exchanged(builder: Any, vectors: list[Any], distances: tuple[int, ...], stride: int) -> list[Any]:
        for distance in distances:
            ones = sum((1 << distance) - 1 << start for start in range(0, 64, 2 * distance))
            low, shift = (ir.Constant(_WORDS, [value] * TOGETHER) for value in (ones, distance))
            for first in range(TOGETHER):
                if not first & distance // stride:
                    second = first + distance // stride
                    a, b = vectors[first], vectors[second]
                    change = builder.and_(builder.xor(builder.lshr(a, shift), b), low)
                    vectors[second] = builder.xor(b, change)
                    vectors[first] = builder.xor(a, builder.shl(change, shift))
        return vectors

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, step, target = arguments
        with cgutils.for_range(builder, _I64(TOGETHER), intp=_I64) as loop:
            vectors = [
                _load(builder, builder.add(source, builder.mul(step, builder.add(loop.index, _I64(8 * k)))), _WORDS, 64)
                for k in range(TOGETHER)
            ]
            for k, vector in enumerate(exchanged(builder, vectors, (32, 16, 8), 8)):
                place = builder.mul(builder.add(loop.index, _I64(8 * k)), _I64(_VECTOR))
                _store(builder, vector, builder.add(target, place), _VECTOR)
        with cgutils.for_range(builder, _I64(TOGETHER), intp=_I64) as loop:
            start = builder.add(target, builder.mul(loop.index, _I64(8 * _VECTOR)))
            places = [builder.add(start, _I64(k * _VECTOR)) for k in range(TOGETHER)]
            vectors = [_load(builder, place, _WORDS, _VECTOR) for place in places]
            for vector, place in zip(exchanged(builder, vectors, (4, 2, 1), 1), places, strict=True):
                _store(builder, vector, place, _VECTOR)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def _spread(typing_context: Any, source: Any, step: Any, base: Any, rows: Any, count: Any) -> Any:
    """Write lane l of eight vectors of eight words, `step` apart, side by side to `base` plus offset l of `rows`.

    Offsets are uint32, in bytes; those of `count` lanes are read.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, step, base, rows, count = arguments
        vectors = [
            _load(builder, builder.add(source, builder.mul(step, _I64(k))), _WORDS, _VECTOR) for k in range(TOGETHER)
        ]
        low = ir.Constant(ir.VectorType(_I32, TOGETHER), [0, 8, 1, 9, 2, 10, 3, 11])
        high = ir.Constant(ir.VectorType(_I32, TOGETHER), [4, 12, 5, 13, 6, 14, 7, 15])
        for _ in range(3):  # i meets i + 4
            vectors = [
                builder.shuffle_vector(vectors[k // 2], vectors[k // 2 + 4], high if k % 2 else low)
                for k in range(TOGETHER)
            ]
        for lane, vector in enumerate(vectors):
            with builder.if_then(builder.icmp_signed(">", count, _I64(lane)), likely=True):
                offset = _load(builder, builder.add(rows, _I64(4 * lane)), _I32, 4)
                _store(builder, vector, builder.add(base, builder.zext(offset, _I64)), _VECTOR)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@kernel(ENGINE)
def pack(
    values: NDArray[np.uint64],
    source: int,
    row_bytes: int,
    first_word: int,
    words: int,
    bits: NDArray[np.uint64],
    starts: NDArray[np.int64],
    order: NDArray[np.uint8],
    limits: NDArray[np.uint8],
    counts: NDArray[np.int64],
    rows: NDArray[np.uint32],
) -> None:
    """Compare 64 * words samples of uint8 with thresholds: x >= limit.

    Args:
        values: uint64 (rows, 16), 64-byte aligned: the bit rows.
        source: address of the first sample.
        row_bytes: from one sample to the next.
        first_word: the words of a row from this one on are written.
        words: how many of them, 1 to 16.
        bits: uint64 (512 * (W + 8),), scratch, 64-byte aligned; W is the number of windows, a multiple of eight.
        starts: int64 (W,), first feature of each window.
        order: uint8 (W, 64), 64-byte aligned: the place in the window that each comparator reads.
        limits: uint8 (W, 64), 64-byte aligned.
        counts: int64 (W,), the comparators of each window, 64 to 0, in falling order.
        rows: uint32 (W / 8, 64, 8), byte offset of each comparator's bit row: by windows of eight, comparator, window.
    """
    windows = len(starts)
    used = 0
    while used < windows and counts[used]:
        used += 1
    base = values.ctypes.data
    word_bytes = 8 * WIDTH * windows
    turned = bits.ctypes.data + TOGETHER * word_bytes
    lines = ((WIDTH - 1) * row_bytes + starts.max() + WIDTH) // _VECTOR
    if row_bytes > 4 * (starts.max() + WIDTH):
        lines = 0  # most of what lies there belongs to nobody
    columns, flat = bits[TOGETHER * WIDTH * windows :], values.reshape(-1)
    word = 0
    while word < words:
        some = min(TOGETHER - (first_word + word) % TOGETHER, words - word)  # words that one vector of a row holds
        for part in range(some):
            _read(source + WIDTH * (word + part) * row_bytes, lines, turned)
            for first in range(0, WIDTH, TOGETHER):
                sample = source + (WIDTH * (word + part) + first) * row_bytes
                compared = bits.ctypes.data + part * word_bytes + 8 * windows * first
                for window in range(used):
                    _compare(
                        sample + starts[window],
                        row_bytes,
                        order.ctypes.data + WIDTH * window,
                        limits.ctypes.data + WIDTH * window,
                        compared + 8 * window,
                        8 * windows,
                    )
        for group in range(0, used, TOGETHER):
            for part in range(some):
                _transpose(bits.ctypes.data + part * word_bytes + 8 * group, 8 * windows, turned + part * 8 * _SQUARE)
            for comparator in range(counts[group]):
                lanes = 0
                while lanes < TOGETHER and counts[group + lanes] > comparator:
                    lanes += 1
                offsets = rows.ctypes.data + 4 * TOGETHER * (WIDTH * (group // TOGETHER) + comparator)
                if some == TOGETHER:
                    start = turned + _VECTOR * comparator
                    _spread(start, 8 * _SQUARE, base + 8 * (first_word + word), offsets, lanes)
                else:
                    for part in range(some):
                        for lane in range(lanes):
                            place = rows[group // TOGETHER, comparator, lane] // np.uint32(8)
                            entry = part * _SQUARE + TOGETHER * comparator + lane
                            flat[np.uint64(place) + np.uint64(first_word + word + part)] = columns[np.uint64(entry)]
        word += some
