"""Evaluate a network of look-up tables on 1,024 samples at once: one bit a sample, sixteen 64-bit words a signal.

The values of a block of samples are a matrix uint64 (rows, 16), 64-byte aligned, one row a signal. Its first
HEADER_ROWS rows belong to the kernels (`fill_header` presets them):

    rows 0..14   row f, for even f: the function of two signals whose truth table is f (row 0 stays zero, odd rows too)
    row 15       all ones: with row 0, the constants
    rows 16..19  for each function f the four words, all zeros or all ones, of its algebraic normal form
                 f(x, y) = a ^ b x ^ y (c ^ d x)

A LUT is a tree of multiplexers (s & q) | (~s & p), one operation where the machine has ternary logic, over functions of
its inputs 0 and 1. Up to rank 5 such a leaf is three operations on the broadcast words of its normal form. At rank 6
the sixteen leaves are loaded, from the row that four bits of the table name, after these have been computed once and
stored. Stores are dear (a 512-bit one takes two cycles on Zen 4), so that only the seven functions that are 0 at
x = y = 0 are stored. A leaf is one of these or its complement, and which it is depends on inputs 2..5 alone:

    lut6(x) = tree(even functions; x2..x5) ^ lut4(x2..x5)        the LUT4 has bits 0, 4, 8, ... of the table

This was worth 15 % over storing fourteen functions, and replacing all loads by normal forms cost 25 %. The instructions
are LLVM's on vectors of sixteen words, which LLVM splits into what the machine has. A LUT has no loop inside, and the
reading of the table is a few scalar shifts in the shade of the vector work: no table is ever expanded.

LUTs of up to three inputs whose tables are known in advance come sorted by their functions (`KINDS`). Each function has
a loop of its own without table and masks: load, load, operate, store. Functions that differ in the order of their
inputs are one kind.

Addresses of rows are byte offsets into the matrix. Kernel and intrinsics stay in one file: Numba's cache watches only
the file of the kernel.
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
from lutsmith.kernels.engine.networks import KINDS as KINDS
from lutsmith.kernels.engine.networks import Scattered as Scattered

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns

WORDS = 16
BLOCK = 64 * WORDS
"""Samples that are evaluated at once."""

ROW_BYTES = 8 * WORDS
HEADER_ROWS = 20
ONES_ROW = 15
PADDING = 6 * 5
"""Entries that must follow the last one of `fanin`: the prefetcher looks ahead."""

_MASKS = 16 * ROW_BYTES
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_LANES = ir.VectorType(_I64, WORDS)
_AHEAD = 4  # LUTs
SPAN = 64
"""Blocks that a LUT is evaluated on at a time where rows are long."""

_CACHED_BYTES = 1 << 18  # rows that fit the second-level cache need no prefetch


def fill_header(values: NDArray[np.uint64]) -> None:
    """Preset the first HEADER_ROWS rows of a matrix of values, uint64 (rows, 16)."""
    ones = np.uint64(2**64 - 1)
    values[:HEADER_ROWS] = 0
    values[ONES_ROW] = ones
    masks = values[16:HEADER_ROWS].reshape(16, 4)
    for function in range(16):
        f00, f10, f01, f11 = (function >> entry & 1 for entry in range(4))
        masks[function] = ones * np.array([f00, f00 ^ f10, f00 ^ f01, f00 ^ f10 ^ f01 ^ f11], np.uint64)


class _Emitter:
    """Emits one LUT. Addresses are LLVM integers; vectors are sixteen words."""

    def __init__(self, builder: ir.IRBuilder, base: Any, fanin: Any, table: Any) -> None:
        self.builder, self.base, self.fanin, self.table = builder, base, fanin, table

    def address(self, base: Any, offset: int) -> Any:
        return self.builder.add(base, _I64(offset))

    def load(self, address: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, _LANES.as_pointer()), align=64)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, _LANES.as_pointer()), align=64)

    def row(self, entry: int) -> Any:
        """The address of the row that input `entry` reads, counted from input 0 of this LUT on."""
        pointer = self.builder.inttoptr(self.address(self.fanin, 4 * entry), _I32.as_pointer())
        return self.builder.add(self.base, self.builder.zext(self.builder.load(pointer, align=4), _I64))

    def prefetch(self, rank: int) -> None:
        """Ask for the rows that the LUT _AHEAD places later reads."""
        byte = ir.IntType(8).as_pointer()
        shape = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(self.builder.module, shape, "llvm.prefetch.p0")
        for slot in range(rank):
            row = self.row(_AHEAD * rank + slot)
            for line in range(0, ROW_BYTES, 64):
                pointer = self.builder.inttoptr(self.address(row, line), byte)
                self.builder.call(function, [pointer, _I32(0), _I32(3), _I32(1)])  # to read, keep, data

    def word(self, address: Any) -> Any:
        """A word in every lane."""
        scalar = self.builder.load(self.builder.inttoptr(address, _I64.as_pointer()), align=8)
        single = self.builder.insert_element(ir.Constant(_LANES, ir.Undefined), scalar, _I32(0))
        return self.builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(_I32, WORDS), [0] * WORDS))

    def indexed(self, table: Any, leaf: int, scale: int) -> Any:
        """The address `base + ((table >> 4 leaf & 15) << scale)`."""
        shift = 4 * leaf - scale
        moved = (self.builder.lshr if shift >= 0 else self.builder.shl)(table, _I64(abs(shift)))
        return self.builder.add(self.base, self.builder.and_(moved, _I64(15 << scale)))

    def inverted(self, value: Any) -> Any:
        return self.builder.xor(value, ir.Constant(_LANES, [-1] * WORDS))

    def multiplexers(self, selects: list[Any], leaf: Any, first: int = 0) -> Any:
        """The tree over leaves first .. first + 2**len(selects) - 1; the last select stands at the root."""
        if not selects:
            return leaf(first)
        low = self.multiplexers(selects[:-1], leaf, first)
        high = self.multiplexers(selects[:-1], leaf, first + (1 << len(selects) - 1))
        select = selects[-1]  # with p ^ (s & (p ^ q)) LLVM mixes neighbours' xors, at up to two operations more each
        return self.builder.or_(self.builder.and_(select, high), self.builder.and_(self.inverted(select), low))

    def store_functions(self, x: Any, y: Any) -> None:
        """Rows 2, 4, .. 14: the functions that are 0 at x = y = 0; bit x + 2 y of the row's number is the value."""
        only_x, only_y = (self.builder.and_(a, self.inverted(b)) for a, b in ((x, y), (y, x)))
        both, either, differ = self.builder.and_(x, y), self.builder.or_(x, y), self.builder.xor(x, y)
        for row, value in enumerate((only_x, only_y, differ, both, x, y, either), start=1):
            self.store(value, self.address(self.base, 2 * row * ROW_BYTES))

    def function(self, table: Any, leaf: int, x: Any, y: Any) -> Any:
        """Bits 4 leaf .. 4 leaf + 3 of a table as a function of x and y; either of these may be missing (None)."""
        masks = self.address(self.indexed(table, leaf, 5), _MASKS)

        def line(constant: int) -> Any:
            value = self.word(self.address(masks, constant))
            if x is None:
                return value
            return self.builder.xor(value, self.builder.and_(x, self.word(self.address(masks, constant + 8))))

        value = line(0)
        return value if y is None else self.builder.xor(value, self.builder.and_(y, line(16)))

    def known(self, signals: list[Any], table: int) -> Any:
        """A function of signals, at least one, that depends on all of them."""
        *others, last = signals
        half = 1 << len(others)
        low, high = table & (1 << half) - 1, table >> half
        if not others:
            return last if high else self.inverted(last)
        if low == high ^ (1 << half) - 1:
            return self.builder.xor(last, self.cofactor(others, low))
        p, q = self.cofactor(others, low), self.cofactor(others, high)
        return self.builder.xor(p, self.builder.and_(last, self.builder.xor(p, q)))

    def cofactor(self, signals: list[Any], table: int) -> Any:
        """A function of signals that may not depend on some of them."""
        if not signals:
            return ir.Constant(_LANES, [-table] * WORDS)
        half = 1 << len(signals) - 1
        if table >> half == table & (1 << half) - 1:
            return self.cofactor(signals[:-1], table >> half)
        return self.known(signals, table)

    def lut(self, rank: int) -> Any:
        """The value of the whole LUT."""
        signals = [self.load(self.row(slot)) for slot in range(rank)]
        if rank == 6:
            return self.lut6(signals)
        x, y, *selects = [*signals, None, None][: max(rank, 2)]
        return self.multiplexers(selects, lambda leaf: self.function(self.table, leaf, x, y))

    def lut6(self, signals: list[Any]) -> Any:
        builder = self.builder
        self.store_functions(signals[0], signals[1])
        odd = builder.and_(self.table, _I64(0x1111111111111111))  # the leaves that are complements
        even = builder.xor(self.table, builder.mul(odd, _I64(15)))
        for shift in (3, 6):  # gather bits 0, 4, 8, 12 of each quarter in its bits 0..3
            odd = builder.or_(odd, builder.lshr(odd, _I64(shift)))
        x, y, *selects = signals[2:]
        # Emitted before the tree, so that the stores have time to arrive.
        complement = self.multiplexers(selects, lambda leaf: self.function(odd, 4 * leaf, x, y))
        tree = self.multiplexers(signals[2:], lambda leaf: self.load(self.indexed(even, leaf, 7)))
        return builder.xor(tree, complement)


@intrinsic
def _luts(
    typing_context: Any,
    kind: Any,
    base: Any,
    fanin: Any,
    tables: Any,
    out: Any,
    count: Any,
    prefetch: Any,
) -> Any:
    """Evaluate `count` LUTs of one kind. All but kind, count and prefetch (0 or 1) are addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, base, fanin, tables, out, count, prefetch = arguments
        done = builder.append_basic_block("done")
        switch = builder.switch(given, done)
        for kind, (rank, known) in enumerate(KINDS):
            block = builder.append_basic_block(f"kind{kind}")
            switch.add_case(_I64(kind), block)
            builder.position_at_end(block)
            with cgutils.for_range(builder, count, intp=_I64) as loop:
                offsets = builder.add(fanin, builder.mul(loop.index, _I64(4 * rank)))
                if known is not None:
                    emitter = _Emitter(builder, base, offsets, None)
                    value = emitter.known([emitter.load(emitter.row(slot)) for slot in range(rank)], known)
                else:
                    word = builder.add(tables, builder.mul(loop.index, _I64(8)))
                    table = builder.load(builder.inttoptr(word, _I64.as_pointer()), align=8)
                    emitter = _Emitter(builder, base, offsets, table)
                    if rank > 1:
                        with builder.if_then(builder.icmp_signed("!=", prefetch, _I64(0))):
                            emitter.prefetch(rank)
                    value = emitter.lut(rank)
                emitter.store(value, builder.add(out, builder.mul(loop.index, _I64(ROW_BYTES))))
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


@kernel(ENGINE)
def evaluate(
    values: NDArray[np.uint64], fanin: NDArray[np.uint32], tables: NDArray[np.uint64], groups: NDArray[np.int64]
) -> None:
    """Evaluate groups of LUTs of equal kind, one group after the other.

    Args:
        values: uint64 (rows, 16), 64-byte aligned, with a header.
        fanin: uint32, byte offsets of the rows that the LUTs read, in the order of evaluation, then PADDING more.
        tables: uint64 (N,), in the order of evaluation; bits from 2**rank up are not read, nor tables of known kinds.
        groups: int64 (G, 5): kind, first LUT, number of LUTs, first entry of `fanin`, row of the first result.
    """
    base = values.ctypes.data
    prefetch = 1 if values.size * 8 > _CACHED_BYTES else 0
    for group in range(len(groups)):
        offsets = fanin.ctypes.data + 4 * groups[group, 3]
        words = tables.ctypes.data + 8 * groups[group, 1]
        out = base + ROW_BYTES * groups[group, 4]
        _luts(groups[group, 0], base, offsets, words, out, groups[group, 2], prefetch)


class _ScatteredEmitter(_Emitter):
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
def _scattered(
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


@kernel(ENGINE)
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
                _scattered(rank, base, reads, table, rows.ctypes.data, (offset, mask, out), base - offset, 1)


@kernel(ENGINE)
def _next(waiting: NDArray[np.uint64], start: int) -> int:
    """Take the first bit that is set from bit `start` on, and return its number, or -1."""
    for part in range(start >> 6, len(waiting)):
        if waiting[part]:
            for place in range(64):  # earlier bits are not set
                if waiting[part] >> np.uint64(place) & np.uint64(1):
                    waiting[part] ^= np.uint64(1) << np.uint64(place)
                    return 64 * part + place
    return -1


@kernel(ENGINE)
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
        node = _next(waiting, node + 1)
        if node < 0:
            break
        entry, out, old = net.fanin_ptr[node], spare[count], rows[first + node]
        rank, reads, changes = net.fanin_ptr[node + 1] - entry, wires + 4 * entry, False
        for block in range(net.blocks):
            bit = one << np.uint64(block & 63)
            if todo[node, block >> 6] & bit:
                place = (ROW_BYTES * block, ones if block < net.blocks - 1 else base + ROW_BYTES * HEADER_ROWS, out)
                if _scattered(rank, base, reads, net.tables[node], rows.ctypes.data, place, old, 0):
                    changes = True
                else:
                    todo[node, block >> 6] ^= bit
        if not changes:
            continue
        itself[0] = first + node
        for block in range(net.blocks):  # what stays is copied: by a LUT that says what its input says
            if not todo[node, block >> 6] >> np.uint64(block & 63) & one:
                place = (ROW_BYTES * block, ones, out)
                _scattered(1, base, itself.ctypes.data, np.uint64(2), rows.ctypes.data, place, old, 0)
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
