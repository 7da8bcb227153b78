"""Evaluate LUTs on rows that lie anywhere in memory, of any number of blocks: all of them, or the cone of what changed.

The instructions of a LUT are those of `lanes`; a signal's row is found by its address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel
from lutsmith.kernels.engine import lanes
from lutsmith.kernels.engine.lanes import HEADER_ROWS, ONES_ROW, ROW_BYTES, WORDS, Emitter

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

SPAN = 64
"""Blocks that a LUT is evaluated on at a time: rows of 8 KB are read one after the other."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_LANES = ir.VectorType(_I64, WORDS)


class Scattered(NamedTuple):
    """A network whose signals have rows of many blocks, anywhere in memory.

    Attributes:
        header: uint64 (HEADER_ROWS + 1, 16), 64-byte aligned: a header, and which bits of the last block are samples.
        rows: int64 (S,), address of each signal's row, 64-byte aligned, ROW_BYTES a block; those of nodes come last.
        fanin: int32, the signals that nodes read, in the order of evaluation, then PADDING more (any signals).
        fanin_ptr: int64 (N+1,), node i reads fanin[fanin_ptr[i]:fanin_ptr[i+1]].
        tables: uint64 (N,); bits from 2**rank up are not read.
        blocks: of each row.
    """

    header: NDArray[np.uint64]
    rows: NDArray[np.int64]
    fanin: NDArray[np.int32]
    fanin_ptr: NDArray[np.int64]
    tables: NDArray[np.uint64]
    blocks: int


class _ScatteredEmitter(Emitter):
    """Emits one LUT that reads the rows of signals, each at its address in `rows` plus an offset."""

    def __init__(self, builder: ir.IRBuilder, base: Any, fanin: Any, table: Any, rows: Any, offset: Any) -> None:
        super().__init__(builder, base, fanin, table)
        self.rows, self.offset = rows, offset

    def row(self, entry: int) -> Any:
        pointer = self.builder.inttoptr(self.address(self.fanin, 4 * entry), _I32.as_pointer())
        signal = self.builder.zext(self.builder.load(pointer, align=4), _I64)
        place = self.builder.add(self.rows, self.builder.shl(signal, _I64(3)))
        row = self.builder.load(self.builder.inttoptr(place, _I64.as_pointer()), align=8)
        return self.builder.add(row, self.offset)


@intrinsic
def lut_on_block(
    _: Any, rank: Any, base: Any, fanin: Any, table: Any, rows: Any, place: Any, old: Any, ahead: Any
) -> Any:
    """Evaluate one LUT on one block. All but rank, table and `ahead` (whether to prefetch, 0 or 1) are addresses.

    `place` is a tuple: the offset of the block in all rows, the mask of its samples, and the row to write. Other bits
    become 0. Returns whether the block differs from that of the row `old`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, base, fanin, table, rows, place, old, ahead = arguments
        offset, mask, out = cgutils.unpack_tuple(builder, place)
        differs = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(1), 0))
        switch = builder.switch(given, done := builder.append_basic_block("done"))
        whole = ir.IntType(WORDS)
        for rank in range(7):
            switch.add_case(_I64(rank), block := builder.append_basic_block(f"rank{rank}"))
            builder.position_at_end(block)
            emitter = _ScatteredEmitter(builder, base, fanin, table, rows, offset)
            if rank > 1:
                with builder.if_then(builder.icmp_signed("!=", ahead, _I64(0))):
                    emitter.prefetch(rank)
            value = builder.and_(emitter.lut(rank), emitter.load(mask))
            change = builder.xor(value, emitter.load(builder.add(old, offset)))
            emitter.store(value, builder.add(out, offset))
            words = builder.icmp_unsigned("!=", change, ir.Constant(_LANES, [0] * WORDS))
            builder.store(builder.icmp_unsigned("!=", builder.bitcast(words, whole), whole(0)), differs)
            builder.branch(done)
        builder.position_at_end(done)
        return builder.load(differs)

    triple = types.UniTuple(types.int64, 3)
    word = types.int64
    return types.boolean(word, word, word, types.uint64, word, triple, word, word), generate


@kernel(ENGINE, sources=(lanes.__file__,))
def evaluate_rows(net: Scattered, start: int, stop: int) -> None:
    """Evaluate all nodes of a network on its blocks start .. stop - 1, SPAN of them at a time."""
    base, wires, rows, first = net.header.ctypes.data, net.fanin.ctypes.data, net.rows, len(net.rows) - len(net.tables)
    for begin in range(start, stop, SPAN):
        for node in range(len(net.tables)):
            entry, out, table = net.fanin_ptr[node], rows[first + node], net.tables[node]
            rank, reads = net.fanin_ptr[node + 1] - entry, wires + 4 * entry
            for block in range(begin, min(begin + SPAN, stop)):
                mask = base + ROW_BYTES * (ONES_ROW if block < net.blocks - 1 else HEADER_ROWS)
                offset = ROW_BYTES * block
                lut_on_block(rank, base, reads, table, rows.ctypes.data, (offset, mask, out), base - offset, 1)


@intrinsic
def lowest(_: Any, word: Any) -> Any:
    """The number of the lowest bit that is set in a word that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@kernel(ENGINE, sources=(lanes.__file__,))
def next_waiting(waiting: NDArray[np.uint64], start: int) -> int:
    """Take the first bit that is set from bit `start` on, and return its number, or -1."""
    for part in range(start >> 6, len(waiting)):
        if waiting[part]:  # earlier bits are not set
            place = int(lowest(waiting[part]))
            waiting[part] &= waiting[part] - np.uint64(1)
            return 64 * part + place
    return -1


@kernel(ENGINE, sources=(lanes.__file__,))
def evaluate_cone(
    net: Scattered,
    readers: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
    todo: NDArray[np.uint64],
    waiting: NDArray[np.uint64],
    spare: NDArray[np.int64],
    changed: NDArray[np.int32],
) -> int:
    """Evaluate the nodes that wait, and those that read what changes, each once and only on blocks where that changed.

    A node that changes gets another row, and its old one stays as it is. The walk ends when nothing waits, or when no
    row is spare: then it can go on with others. Returns how many nodes changed.

    Args:
        net: its `rows` are changed.
        readers: for each signal the first entry of `fanin` that reads it, for each entry the next one that reads the
            same signal, or -1 where there is none, and for each entry its node.
        todo: uint64 (N, M), bit b % 64 of word b / 64 is set where a node has to be evaluated on block b.
        waiting: uint64 (ceil(N / 64),), the nodes that have something to do, a bit each.
        spare: int64 (K,), addresses of new rows.
        changed: int32 (K,), the nodes that changed: the result, ascending; node changed[k] has the row spare[k].
    """
    base, wires, rows, first = net.header.ctypes.data, net.fanin.ctypes.data, net.rows, len(net.rows) - len(net.tables)
    itself, ones, one, count = np.empty(1, np.int32), base + ROW_BYTES * ONES_ROW, np.uint64(1), 0
    node = -1
    while count < len(spare):
        node = next_waiting(waiting, node + 1)
        if node < 0:
            break
        entry, out, old = net.fanin_ptr[node], spare[count], rows[first + node]
        rank, reads, changes = net.fanin_ptr[node + 1] - entry, wires + 4 * entry, False
        for block in range(net.blocks):
            bit = one << np.uint64(block & 63)
            if todo[node, block >> 6] & bit:
                place = (ROW_BYTES * block, ones if block < net.blocks - 1 else base + ROW_BYTES * HEADER_ROWS, out)
                if lut_on_block(rank, base, reads, net.tables[node], rows.ctypes.data, place, old, 0):
                    changes = True
                else:
                    todo[node, block >> 6] ^= bit
        if not changes:
            continue
        itself[0] = first + node
        for block in range(net.blocks):  # what stays is copied: by a LUT that says what its input says
            if not todo[node, block >> 6] >> np.uint64(block & 63) & one:
                place = (ROW_BYTES * block, ones, out)
                lut_on_block(1, base, itself.ctypes.data, np.uint64(2), rows.ctypes.data, place, old, 0)
        rows[first + node], changed[count] = out, node
        count += 1
        reading = readers[0][first + node]
        while reading >= 0:
            reader = readers[2][reading]
            waiting[reader >> 6] |= one << np.uint64(reader & 63)
            for word in range(todo.shape[1]):
                todo[reader, word] |= todo[node, word]
            reading = readers[1][reading]
        todo[node] = 0
    return count
