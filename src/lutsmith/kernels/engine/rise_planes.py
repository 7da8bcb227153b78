"""How much a change raises the wrong output bits, sample by sample, on one block: rises as planes of bits.

A rise is a small number of each sample in two's complement; its bits are rows of a block, the least significant first,
one after the other in memory: the planes. All that is done with them is done on sixteen words at once. Arguments of the
intrinsics are addresses of 64-byte aligned rows, but for `depth`, the number of planes, at least 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import extending
from numba.core import cgutils as _cgutils

from lutsmith.kernels.engine.lanes import ROW_BYTES, WORDS

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns
types: Any = numba.types  # and these have none
cgutils: Any = _cgutils

MASK_ROWS = 16
"""Rows that `entry_sums` writes to."""

_I64 = ir.IntType(64)
_ROW = ir.VectorType(_I64, WORDS)
_HALF = ir.VectorType(_I64, 8)
_ZERO, _ONES = (ir.Constant(_ROW, [value] * WORDS) for value in (0, -1))


def planes_for(outputs: int) -> int:
    """Return how many planes hold the rises of so many outputs."""
    return max(2, outputs.bit_length() + 1)


class _Block:
    """Emits what is done with rows of sixteen words."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder

    def at(self, address: Any, rows: Any) -> Any:
        """The address some rows further on."""
        return self.builder.add(address, self.builder.mul(rows, _I64(ROW_BYTES)))

    def load(self, address: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, _ROW.as_pointer()), align=64)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, _ROW.as_pointer()), align=64)

    def inverted(self, value: Any) -> Any:
        return self.builder.xor(value, _ONES)

    def ones(self, value: Any) -> Any:
        """How many bits of each word are set."""
        return self.builder.call(self._function("llvm.ctpop.v16i64", _ROW, [_ROW]), [value])

    def total(self, value: Any) -> Any:
        return self.builder.call(self._function("llvm.vector.reduce.add.v16i64", _I64, [_ROW]), [value])

    def any(self, value: Any) -> Any:
        words = self.builder.icmp_unsigned("!=", value, _ZERO)
        whole = ir.IntType(WORDS)
        return self.builder.icmp_unsigned("!=", self.builder.bitcast(words, whole), whole(0))

    def _function(self, name: str, result: Any, arguments: list[Any]) -> Any:
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), name)


def _operation(emit: Callable[..., Any], result: Any, count: int) -> Any:
    """What an intrinsic of `count` words returns to Numba."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = emit(_Block(builder), *arguments)
        return context.get_dummy_value() if value is None else value

    return result(*[types.int64] * count), generate


@intrinsic
def invert(_: Any, row: Any, mask: Any, out: Any) -> Any:
    """Write a row with the bits of a mask inverted."""

    def emit(block: _Block, row: Any, mask: Any, out: Any) -> None:
        block.store(block.builder.xor(block.load(row), block.load(mask)), out)

    return _operation(emit, types.void, 3)


@intrinsic
def risen(_: Any, before: Any, after: Any, target: Any) -> Any:
    """By how many more bits a row is not its target after a change."""

    def emit(block: _Block, before: Any, after: Any, target: Any) -> Any:
        wanted = block.load(target)
        wrong = [block.ones(block.builder.xor(block.load(row), wanted)) for row in (after, before)]
        return block.total(block.builder.sub(*wrong))

    return _operation(emit, types.int64, 3)


@intrinsic
def clear(_: Any, planes: Any, depth: Any) -> Any:
    """Set all rises to 0."""

    def emit(block: _Block, planes: Any, depth: Any) -> None:
        with cgutils.for_range(block.builder, depth) as loop:
            block.store(_ZERO, block.at(planes, loop.index))

    return _operation(emit, types.void, 2)


@intrinsic
def add_output(_: Any, planes: Any, depth: Any, before: Any, after: Any, target: Any) -> Any:
    """Add what the change of an output is worth: 1 where it becomes wrong, -1 where it becomes right."""

    def emit(block: _Block, planes: Any, depth: Any, before: Any, after: Any, target: Any) -> None:
        builder = block.builder
        was = block.load(before)
        differ = builder.xor(was, block.load(after))
        minus = builder.and_(differ, builder.xor(was, block.load(target)))
        lowest = block.load(planes)
        block.store(builder.xor(lowest, differ), planes)
        carry = cgutils.alloca_once_value(builder, builder.and_(lowest, differ))
        with cgutils.for_range_slice(builder, _I64(1), depth, _I64(1), _I64) as (index, _count):
            place = block.at(planes, index)
            bits, carried = block.load(place), builder.load(carry)
            either = builder.xor(bits, minus)
            block.store(builder.xor(either, carried), place)
            builder.store(builder.or_(builder.and_(bits, minus), builder.and_(carried, either)), carry)

    return _operation(emit, types.void, 5)


@intrinsic
def select(_: Any, planes: Any, depth: Any, given: Any, before: Any, after: Any) -> Any:
    """Take rises from others by which of two signals changed: three tuples, of planes of rises where only the first
    changed, only the second, and both; of both signals' rows before, and after.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, (planes, depth, *tuples) = _Block(builder), arguments
        given, before, after = (cgutils.unpack_tuple(builder, each) for each in tuples)
        one, two = (builder.xor(block.load(was), block.load(now)) for was, now in zip(before, after, strict=True))
        masks = builder.and_(one, block.inverted(two)), builder.and_(two, block.inverted(one)), builder.and_(one, two)
        with cgutils.for_range(builder, depth) as loop:
            parts = [
                builder.and_(block.load(block.at(rises, loop.index)), mask)
                for rises, mask in zip(given, masks, strict=True)
            ]
            block.store(builder.or_(builder.or_(parts[0], parts[1]), parts[2]), block.at(planes, loop.index))
        return context.get_dummy_value()

    word, pair = types.int64, types.UniTuple(types.int64, 2)
    return types.void(word, word, types.UniTuple(types.int64, 3), pair, pair), generate


@intrinsic
def same(_: Any, one: Any, other: Any) -> Any:
    """Whether two rows are equal."""

    def emit(block: _Block, one: Any, other: Any) -> Any:
        return block.builder.not_(block.any(block.builder.xor(block.load(one), block.load(other))))

    return _operation(emit, types.boolean, 2)


@intrinsic
def total_rise(_: Any, planes: Any, depth: Any) -> Any:
    """The sum of all rises."""

    def emit(block: _Block, planes: Any, depth: Any) -> Any:
        return block.total(_weighted(block, planes, depth, lambda plane: [plane])[0])

    return _operation(emit, types.int64, 2)


@intrinsic
def minterms(_: Any, rank: Any, first: Any, inputs: Any, masks: Any) -> Any:
    """Write eight masks: the samples at each value of inputs `first` to `first` + 2 of a LUT of a rank.

    `inputs` is a tuple of the rows of these three; those that the LUT does not have are 0, whatever their rows are.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, (rank, first, inputs, masks) = _Block(builder), arguments
        found = [_ONES]
        for slot, row in enumerate(cgutils.unpack_tuple(builder, inputs)):
            having = builder.icmp_signed("<", builder.add(first, _I64(slot)), rank)
            signal = builder.select(having, block.load(row), _ZERO)
            found = [builder.and_(mask, way) for way in (block.inverted(signal), signal) for mask in found]
        for place, mask in enumerate(found):
            block.store(mask, block.at(masks, _I64(place)))
        return context.get_dummy_value()

    word = types.int64
    return types.void(word, word, types.UniTuple(word, 3), word), generate


@intrinsic
def add_sums(_: Any, planes: Any, depth: Any, masks: Any, high: Any, sums: Any) -> Any:
    """Add the rises of the samples in each of eight masks and in `high` to int64 (8,). `depth` may be 1."""

    def emit(block: _Block, planes: Any, depth: Any, masks: Any, high: Any, sums: Any) -> None:
        builder, mask = block.builder, block.load(high)

        def parts(plane: Any) -> list[Any]:
            here = builder.and_(plane, mask)
            return [builder.and_(here, block.load(block.at(masks, _I64(place)))) for place in range(8)]

        place = builder.inttoptr(sums, _HALF.as_pointer())
        found = _across(builder, _weighted(block, planes, depth, parts))
        builder.store(builder.add(builder.load(place, align=8), found), place, align=8)

    return _operation(emit, types.void, 5)


def _weighted(block: _Block, planes: Any, depth: Any, parts: Callable[[Any], list[Any]]) -> list[Any]:
    """The sums of rises in each word, of the parts of planes that a function gives: the topmost counts negative."""
    builder = block.builder
    top = builder.sub(depth, _I64(1))
    sign = parts(block.load(block.at(planes, top)))
    sums = [cgutils.alloca_once_value(builder, builder.sub(_ZERO, block.ones(part))) for part in sign]
    with cgutils.for_range(builder, top) as loop:  # downwards
        plane = block.load(block.at(planes, builder.sub(builder.sub(top, loop.index), _I64(1))))
        for total, part in zip(sums, parts(plane), strict=True):
            so_far = builder.load(total)
            builder.store(builder.add(builder.add(so_far, so_far), block.ones(part)), total)
    return [builder.load(total) for total in sums]


def _across(builder: ir.IRBuilder, vectors: list[Any]) -> Any:
    """The sums over the words of eight vectors, as one vector of eight."""

    def shuffled(one: Any, other: Any, places: list[int]) -> Any:
        return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), 8), places))

    def joined(one: Any, other: Any, first: list[int], second: list[int]) -> Any:
        return builder.add(shuffled(one, other, first), shuffled(one, other, second))

    halves = [joined(vector, vector, list(range(8)), list(range(8, 16))) for vector in vectors]
    fours = [
        joined(halves[n], halves[n + 4], [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]) for n in range(4)
    ]
    twos = [joined(fours[n], fours[n + 2], [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]) for n in range(2)]
    return joined(twos[0], twos[1], [0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15])
