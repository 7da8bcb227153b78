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

LUTs of up to three inputs whose tables are known in advance come sorted by their functions (`KINDS`), and so do OR and
AND of four. Each function has a loop of its own without table and masks: load, load, operate, store. Functions that
differ in the order of their inputs are one kind.

The OR of some LUTs that nothing else reads, as a pool has them, is evaluated with these (`POOLED`): their values are
never stored.

Addresses of rows are byte offsets into the matrix. Kernel and intrinsics stay in one file: Numba's cache watches only
the file of the kernel.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel

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
_CACHED_BYTES = 1 << 18  # rows that fit the second-level cache need no prefetch


def reordered(table: int, slots: tuple[int, ...]) -> int:
    """The table of g(x_0, x_1, ..) = f(x_slots[0], x_slots[1], ..), f given by its table."""
    addresses = (
        sum((entry >> slot & 1) << place for place, slot in enumerate(slots)) for entry in range(1 << len(slots))
    )
    return sum((table >> address & 1) << entry for entry, address in enumerate(addresses))


def _depends(table: int, rank: int, slot: int) -> bool:
    return any((table >> entry ^ table >> (entry ^ 1 << slot)) & 1 for entry in range(1 << rank))


def _kinds() -> list[tuple[int, int]]:
    """Rank and table of the functions of 1 to 3 inputs that depend on all of them, the buffer left out.

    Of those that are equal up to the order of the inputs it is the lowest.
    """
    kinds = [(1, 0b01)]
    for rank in (2, 3):
        for table in range(1 << (1 << rank)):
            orders = permutations(range(rank))
            complete = all(_depends(table, rank, slot) for slot in range(rank))
            if complete and table == min(reordered(table, order) for order in orders):
                kinds.append((rank, table))
    return [*kinds, (4, 0xFFFE), (4, 0x8000)]


KINDS: list[tuple[int, int | None]] = [*((rank, None) for rank in range(7)), *_kinds()]
"""Rank and table of each kind of LUT; kind r < 7 is rank r and any table."""

POOLED = {rank: len(KINDS) + place for place, rank in enumerate((4, 5, 6))}
"""The kind of an OR of LUTs of a rank, of any tables."""

RANKS = np.array([*(rank for rank, _ in KINDS), *POOLED])
"""The rank of the LUTs of each kind."""


def fill_header(values: NDArray[np.uint64]) -> None:
    """Preset the first HEADER_ROWS rows of a matrix of values, uint64 (rows, 16)."""
    ones = np.uint64(2**64 - 1)
    values[:HEADER_ROWS] = 0
    values[ONES_ROW] = ones
    masks = values[16:HEADER_ROWS].reshape(16, 4)
    for function in range(16):
        f00, f10, f01, f11 = (function >> entry & 1 for entry in range(4))
        masks[function] = ones * np.array([f00, f00 ^ f10, f00 ^ f01, f00 ^ f10 ^ f01 ^ f11], np.uint64)


class Emitter:
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
    pooled: Any,
    prefetch: Any,
) -> Any:
    """Evaluate `count` rows of one kind, the OR of `pooled` LUTs each, with prefetch or without (1 or 0).

    All other arguments are addresses.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, base, fanin, tables, out, count, pooled, prefetch = arguments

        def with_table(rank: int, index: Any) -> Any:
            offsets = builder.add(fanin, builder.mul(index, _I64(4 * rank)))
            word = builder.add(tables, builder.mul(index, _I64(8)))
            table = builder.load(builder.inttoptr(word, _I64.as_pointer()), align=8)
            emitter = Emitter(builder, base, offsets, table)
            if rank > 1:
                with builder.if_then(builder.icmp_signed("!=", prefetch, _I64(0))):
                    emitter.prefetch(rank)
            return emitter.lut(rank)

        def put(value: Any, index: Any) -> None:
            address = builder.add(out, builder.mul(index, _I64(ROW_BYTES)))
            builder.store(value, builder.inttoptr(address, _LANES.as_pointer()), align=64)

        done = builder.append_basic_block("done")
        switch = builder.switch(given, done)
        for kind, (rank, known) in enumerate(KINDS):
            block = builder.append_basic_block(f"kind{kind}")
            switch.add_case(_I64(kind), block)
            builder.position_at_end(block)
            with cgutils.for_range(builder, count, intp=_I64) as loop:
                if known is not None:
                    offsets = builder.add(fanin, builder.mul(loop.index, _I64(4 * rank)))
                    emitter = Emitter(builder, base, offsets, None)
                    value = emitter.known([emitter.load(emitter.row(slot)) for slot in range(rank)], known)
                else:
                    value = with_table(rank, loop.index)
                put(value, loop.index)
            builder.branch(done)
        for rank, kind in POOLED.items():
            block = builder.append_basic_block(f"pooled{rank}")
            switch.add_case(_I64(kind), block)
            builder.position_at_end(block)
            with cgutils.for_range(builder, count, intp=_I64) as loop:
                some = cgutils.alloca_once_value(builder, ir.Constant(_LANES, [0] * WORDS))
                builder.store(ir.Constant(_LANES, [0] * WORDS), some)
                with cgutils.for_range(builder, pooled, intp=_I64) as inner:
                    index = builder.add(builder.mul(loop.index, pooled), inner.index)
                    value = with_table(rank, index)
                    builder.store(builder.or_(builder.load(some), value), some)
                put(builder.load(some), loop.index)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8), generate


@kernel(ENGINE)
def evaluate(
    values: NDArray[np.uint64], fanin: NDArray[np.uint32], tables: NDArray[np.uint64], groups: NDArray[np.int64]
) -> None:
    """Evaluate groups of LUTs of equal kind, one group after the other.

    Args:
        values: uint64 (rows, 16), 64-byte aligned, with a header.
        fanin: uint32, byte offsets of the rows that the LUTs read, in the order of evaluation, then PADDING more.
        tables: uint64 (N,), in the order of evaluation; bits from 2**rank up are not read, nor tables of known kinds.
        groups: int64 (G, 6): kind, first LUT, number of results, first entry of `fanin`, row of the first result, and
            how many LUTs a result is the OR of: 1 but for kinds of `POOLED`.
    """
    base = values.ctypes.data
    prefetch = 1 if values.size * 8 > _CACHED_BYTES else 0
    for group in range(len(groups)):
        offsets = fanin.ctypes.data + 4 * groups[group, 3]
        words = tables.ctypes.data + 8 * groups[group, 1]
        out = base + ROW_BYTES * groups[group, 4]
        _luts(groups[group, 0], base, offsets, words, out, groups[group, 2], groups[group, 5], prefetch)


@kernel(ENGINE)
def evaluate_cycles(
    values: NDArray[np.uint64],
    fanin: NDArray[np.uint32],
    tables: NDArray[np.uint64],
    groups: NDArray[np.int64],
    given: NDArray[np.uint64],
    first_input: int,
    output_rows: NDArray[np.int64],
    outputs: NDArray[np.uint64],
    next_rows: NDArray[np.int64],
    kept: NDArray[np.uint64],
    first_register: int,
) -> None:
    """Evaluate a machine cycle after cycle; the rows of its registers hold the state, before and after.

    Args:
        values: as of `evaluate`.
        fanin: as of `evaluate`.
        tables: as of `evaluate`.
        groups: as of `evaluate`.
        given: uint64 (T, I, 16), what the inputs are in each cycle; or (1, I, 16), what they are in all of them.
        first_input: the row of input 0.
        output_rows: int64 (O,).
        outputs: uint64 (T, O, 16): the result.
        next_rows: int64 (R,), the rows of what the registers take.
        kept: uint64 (R, 16), scratch.
        first_register: the row of register 0.
    """
    for cycle in range(len(outputs)):
        now = given[cycle % len(given)]
        for place in range(len(now)):
            for word in range(WORDS):
                values[first_input + place, word] = now[place, word]
        evaluate(values, fanin, tables, groups)
        for place in range(len(output_rows)):
            for word in range(WORDS):
                outputs[cycle, place, word] = values[output_rows[place], word]
        for place in range(len(next_rows)):
            for word in range(WORDS):
                kept[place, word] = values[next_rows[place], word]
        for place in range(len(next_rows)):
            for word in range(WORDS):
                values[first_register + place, word] = kept[place, word]
