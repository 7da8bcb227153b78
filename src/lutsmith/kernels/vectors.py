"""Vector code, written by hand where a loop in Python is not enough: pieces of LLVM that Numba kernels call.

A piece is a function of int64 arguments (addresses and counts) that emits LLVM instructions on vectors of samples. LLVM
could vectorise the same loops by itself; it then spends a third of the time on alias checks, loop ends and sums across
lanes, and ten times as long on compiling rank 8. Sums across lanes are shared here: sixteen accumulators take 45
instructions, not 16 x 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
VECTOR_BYTES = 64 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 32
REGISTERS = 32 if VECTOR_BYTES == 64 else 16
"""Vectors that a processor holds. What has more values alive at once is loads and stores."""


def pointer_to(element: Any) -> Any:
    """Return an intrinsic that turns an address into a pointer to elements; such pointers index without wraparound."""

    @intrinsic
    def pointer(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(element)(types.int64), generate

    return pointer


i32, i64 = pointer_to(types.int32), pointer_to(types.int64)
u8, u16 = pointer_to(types.uint8), pointer_to(types.uint16)
f32, f64 = pointer_to(types.float32), pointer_to(types.float64)


class Vectors:
    """Emits operations on vectors of `lanes` samples; addresses are LLVM integers, offsets count elements.

    If `narrow`, rows of activations are bfloat16, the upper halves of float32; all else is of the dtype.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: np.dtype[Any], *, narrow: bool = False) -> None:
        self.builder = builder
        self.narrow = narrow
        self.size = dtype.itemsize
        self.lanes = VECTOR_BYTES // self.size
        self.element = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.element, self.lanes)
        self.integers = ir.VectorType(ir.IntType(32), self.lanes)

    def pointer(self, address: Any, offset: Any, kind: Any) -> Any:
        """Pointer to the element at `offset` (a Python or LLVM integer) elements after `address`, as a `kind`."""
        base = self.builder.inttoptr(address, self.element.as_pointer())
        index = WORD(offset) if isinstance(offset, int) else offset
        return self.builder.bitcast(self.builder.gep(base, [index]), kind.as_pointer())

    def load(self, address: Any, offset: Any) -> Any:
        """The vector at an offset."""
        return self.builder.load(self.pointer(address, offset, self.vector), align=self.size)

    def store(self, value: Any, address: Any, offset: Any) -> None:
        """Write a vector or a scalar at an offset."""
        self.builder.store(value, self.pointer(address, offset, value.type), align=self.size)

    def read(self, row: Any, offset: Any) -> Any:
        """The vector at an offset of a row of activations."""
        if not self.narrow:
            return self.load(row, offset)
        bits = self.builder.load(self._upper_halves(row, offset), align=2)
        wide = self.builder.shl(self.builder.zext(bits, self.integers), self._integer(16))
        return self.builder.bitcast(wide, self.vector)

    def write(self, value: Any, row: Any, offset: Any) -> None:
        """Write a vector to a row of activations; as bfloat16, the nearest one, of two the even one, and NaN as NaN."""
        if not self.narrow:
            self.store(value, row, offset)
            return
        b, bits = self.builder, self.builder.bitcast(value, self.integers)
        above = b.lshr(bits, self._integer(16))
        rounded = b.add(b.add(bits, self._integer(0x7FFF)), b.and_(above, self._integer(1)))
        not_a_number = b.fcmp_unordered("uno", value, value)
        found = b.select(not_a_number, b.or_(above, self._integer(0x40)), b.lshr(rounded, self._integer(16)))
        halves = ir.VectorType(ir.IntType(16), self.lanes)
        b.store(b.trunc(found, halves), self._upper_halves(row, offset), align=2)

    def _integer(self, value: int) -> Any:
        return ir.Constant(self.integers, [value] * self.lanes)

    def _upper_halves(self, row: Any, offset: Any) -> Any:
        half = ir.IntType(16)
        place = self.builder.gep(self.builder.inttoptr(row, half.as_pointer()), [offset])
        return self.builder.bitcast(place, ir.VectorType(half, self.lanes).as_pointer())

    def scalar(self, address: Any, offset: Any) -> Any:
        """The element at an offset."""
        return self.builder.load(self.pointer(address, offset, self.element), align=self.size)

    def splat(self, address: Any, offset: Any) -> Any:
        """The element at an offset, in every lane."""
        return self.repeat(self.scalar(address, offset))

    def repeat(self, scalar: Any) -> Any:
        """A scalar in every lane."""
        single = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), scalar, ir.IntType(32)(0))
        return self.shuffle(single, single, [0] * self.lanes)

    def constant(self, value: float) -> Any:
        """A Python number in every lane."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def shuffle(self, a: Any, b: Any, lanes: Sequence[int]) -> Any:
        """The lanes of a (0...) and b (after those of a), picked by number."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))

    def add(self, a: Any, b: Any) -> Any:
        """a + b."""
        return self.builder.fadd(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        """a - b."""
        return self.builder.fsub(a, b)

    def mul(self, a: Any, b: Any) -> Any:
        """a b."""
        return self.builder.fmul(a, b)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, fused where the machine can."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.size}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def above_half(self, a: Any) -> Any:
        """a > 1/2 in each lane; false for NaN."""
        return self.builder.fcmp_ordered(">", a, self.constant(0.5))

    def addresses(self, inputs: Sequence[Any]) -> Any:
        """sum_j [x_j > 1/2] 2^j as 32-bit integers."""
        zero = ir.Constant(self.integers, [0] * self.lanes)
        total = zero
        for place, x in enumerate(inputs):
            bit = ir.Constant(self.integers, [1 << place] * self.lanes)
            total = self.builder.or_(total, self.builder.select(self.above_half(x), bit, zero))
        return total

    def store_integers(self, value: Any, address: Any, offset: Any) -> None:
        """Write a vector of 32-bit integers at an offset that counts them."""
        base = self.builder.inttoptr(address, ir.IntType(32).as_pointer())
        place = self.builder.bitcast(self.builder.gep(base, [offset]), value.type.as_pointer())
        self.builder.store(value, place, align=4)

    def index(self, address: Any, offset: int) -> Any:
        """The 32-bit index at an offset, as a word."""
        base = self.builder.inttoptr(address, ir.IntType(32).as_pointer())
        return self.builder.sext(self.builder.load(self.builder.gep(base, [WORD(offset)])), WORD)

    def mask(self, address: Any, offset: Any) -> Any:
        """The bits of the vector at a sample offset, from a row of packed bits."""
        b, lanes = self.builder, self.lanes
        word = ir.IntType(max(lanes, 8))
        place = b.add(address, b.lshr(offset, WORD(3)))
        bits = b.load(b.inttoptr(place, word.as_pointer()), align=1)
        if lanes < 8:
            bits = b.trunc(b.lshr(bits, b.trunc(b.and_(offset, WORD(7)), word)), ir.IntType(lanes))
        return b.bitcast(bits, ir.VectorType(ir.IntType(1), lanes))

    def store_mask(self, mask: Any, address: Any, offset: Any) -> None:
        """Pack one vector of bits into a row; several vectors that share a byte are written in rising order."""
        b, lanes = self.builder, self.lanes
        word = ir.IntType(max(lanes, 8))
        bits = b.bitcast(mask, ir.IntType(lanes))
        pointer = b.inttoptr(b.add(address, b.lshr(offset, WORD(3))), word.as_pointer())
        if lanes < 8:
            shift = b.trunc(b.and_(offset, WORD(7)), word)
            fresh = b.icmp_unsigned("==", shift, word(0))
            before = b.select(fresh, word(0), b.load(pointer, align=1))
            bits = b.or_(before, b.shl(b.zext(bits, word), shift))
        b.store(bits, pointer, align=1)

    def equal(self, a: Any, value: float) -> Any:
        """a == value in each lane."""
        return self.builder.fcmp_ordered("==", a, self.constant(value))

    def variable(self, kind: Any, value: Any) -> Any:
        """A variable with a first value."""
        place = cgutils.alloca_once(self.builder, kind)
        self.builder.store(ir.Constant(kind, value), place)
        return place

    def accumulate_where(self, mask: Any, a: Any, variable: Any) -> None:
        """variable += a where the mask is set."""
        total = self.builder.load(variable)
        self.builder.store(self.builder.select(mask, self.add(total, a), total), variable)

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        """a where the condition holds, else b."""
        return self.builder.select(condition, a, b)

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        """Loop over `count` vectors; yields the offset of the vector in elements."""
        with cgutils.for_range(self.builder, count, intp=WORD) as loop:
            yield self.builder.mul(loop.index, WORD(self.lanes))

    def twice(self, count: Any, emit: Callable[[Sequence[Any]], None]) -> None:
        """Loop over `count` vectors, two a turn: emit(offsets) is called for two offsets and for one."""
        b, lanes = self.builder, self.lanes
        with cgutils.for_range(b, b.lshr(count, WORD(1)), intp=WORD) as loop:
            first = b.mul(loop.index, WORD(2 * lanes))
            emit([first, b.add(first, WORD(lanes))])
        with b.if_then(b.trunc(count, ir.IntType(1))):
            emit([b.mul(b.sub(count, WORD(1)), WORD(lanes))])

    @contextmanager
    def repeat_steps(self, count: int) -> Iterator[Any]:
        """Loop `count` times; yields the number of the step."""
        with cgutils.for_range(self.builder, WORD(count), intp=WORD) as loop:
            yield loop.index

    def accumulators(self, count: int) -> list[Any]:
        """Variables for running sums, set to zero; LLVM keeps them in registers."""
        return [self.variable(self.vector, [0.0] * self.lanes) for _ in range(count)]

    def accumulate(self, a: Any, b: Any | None, variable: Any) -> None:
        """variable += a b, or a alone."""
        total = self.builder.load(variable)
        self.builder.store(self.add(total, a) if b is None else self.fma(a, b, total), variable)

    def accumulate_in_order(self, a: Any, b: Any | None, variable: Any) -> None:
        """The same where sums must not be rearranged: two sums of equal terms are equal to the last bit."""
        total = self.builder.load(variable)
        found = self.add(total, a) if b is None else self.fma(a, b, total)
        self.builder.store(self.fence(found), variable)

    def fence(self, a: Any) -> Any:
        """a, which LLVM may not take apart."""
        kind = ir.FunctionType(a.type, [a.type])
        name = f"llvm.arithmetic.fence.v{a.type.count}f{8 * self.size}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a])

    def add_totals(self, variables: Sequence[Any], address: Any, offset: Any, *, parents: bool = False) -> None:
        """Sum each of 2**k variables over its lanes, and add the sums to consecutive elements in memory.

        With `parents`, the first of each pair is the sum of two elements, of which the second is the other.
        """
        for first in range(0, len(variables), self.lanes):
            totals = self._totals(variables[first : first + self.lanes])
            if parents:
                count = totals.type.count
                zeros = ir.Constant(totals.type, [0.0] * count)
                second = self.shuffle(totals, zeros, [lane + 1 if lane % 2 == 0 else count for lane in range(count)])
                totals = self.sub(self.fence(totals), self.fence(second))
            place = self.builder.add(offset, WORD(first))
            before = self.builder.load(self.pointer(address, place, totals.type), align=self.size)
            self.store(self.add(before, totals), address, place)

    def _totals(self, variables: Sequence[Any]) -> Any:
        sums = [self.builder.load(variable) for variable in variables]
        stride = 1
        while len(sums) > 1:
            sums = [self._pair(a, b, stride) for a, b in zip(sums[::2], sums[1::2], strict=True)]
            stride *= 2
        total = sums[0]
        half = self.lanes // 2
        while half >= stride:
            rotated = [(lane + half) % self.lanes for lane in range(self.lanes)]
            total = self.add(total, self.shuffle(total, total, rotated))
            half //= 2
        return self.shuffle(total, total, range(stride))

    def _pair(self, a: Any, b: Any, stride: int) -> Any:
        """Add each lane to the one `stride` above it, in a and in b, and merge: b's sums in the upper places."""
        low, high = [], []
        for lane in range(self.lanes):
            source = lane - stride + self.lanes if lane & stride else lane
            low.append(source)
            high.append(source + stride)
        return self.add(self.shuffle(a, b, low), self.shuffle(a, b, high))

    def fold(self, values: list[Any], inputs: Sequence[Any]) -> tuple[Any, list[list[Any]]]:
        """Lerp 2**k values down to one at k inputs; also the differences v_hi - v_lo of each level."""
        differences = []
        for x in inputs:
            pairs = list(zip(values[::2], values[1::2], strict=True))
            differences.append([self.sub(high, low) for low, high in pairs])
            values = [self.fma(x, d, low) for d, (low, _) in zip(differences[-1], pairs, strict=True)]
        return values[0], differences

    def minterms(self, weight: Any, inputs: Sequence[Any]) -> list[Any]:
        """Weight times each minterm of the inputs; exactly zero off the corner of binary inputs."""
        weights = [weight]
        for x in reversed(inputs):
            weights = [part for w in weights for part in self.split(w, x)]
        return weights

    def split(self, weight: Any, x: Any) -> tuple[Any, Any]:
        """(w - w x, w x)."""
        high = self.mul(weight, x)
        return self.sub(weight, high), high

    def dot(self, a: Sequence[Any], b: Sequence[Any]) -> Any:
        """Sum of the products."""
        total = self.mul(a[0], b[0])
        for x, y in zip(a[1:], b[1:], strict=True):
            total = self.fma(x, y, total)
        return total


def piece(dtype: np.dtype[Any], arguments: int, emit: Callable[..., None], *, narrow: bool = False) -> Any:
    """Make an intrinsic of `arguments` int64 arguments out of emit(vectors, *arguments)."""
    names = ", ".join(f"a{k}" for k in range(arguments))

    def typed(*_: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            emit(Vectors(builder, dtype, narrow=narrow), *values)
            return context.get_dummy_value()

        return types.void(*[types.int64] * arguments), generate

    namespace: dict[str, Any] = {"typed": typed}
    exec(f"def piece(typing_context, {names}):\n    return typed()", namespace)  # Numba reads the argument names
    return intrinsic(namespace["piece"])


@intrinsic
def call(typing_context: Any, function: Any, address: Any, part: Any) -> Any:
    """Call the kernel at the address `function` with (address, part)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [WORD, WORD])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Ask for the cache line at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        one, three, zero = (ir.IntType(32)(k) for k in (1, 3, 0))
        builder.call(function, [builder.inttoptr(arguments[0], byte), zero, three, one])
        return context.get_dummy_value()

    return types.void(types.int64), generate
