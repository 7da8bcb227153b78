"""The exponential and the logistic function of vectors, and the softmax of rows of numbers, in float32 and float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from lutsmith.kernels.vectors import WORD, Vectors


def exponentials(v: Vectors, scores: Any, shares: Any, count: Any, scale: Any) -> None:
    """shares = softmax(scores * scale) of one slot in float32, eight choices at a time; the last ones are masked."""
    b, lanes = v.builder, 8
    vector = ir.VectorType(v.element, lanes)
    mask_type = ir.VectorType(ir.IntType(1), lanes)
    pointer = vector.as_pointer()

    def declare(name: str, result: Any, arguments: list[Any]) -> Any:
        return cgutils.get_or_insert_function(b.module, ir.FunctionType(result, arguments), name)

    load = declare("llvm.masked.load.v8f32.p0", vector, [pointer, ir.IntType(32), mask_type, vector])
    store = declare("llvm.masked.store.v8f32.p0", ir.VoidType(), [vector, pointer, ir.IntType(32), mask_type])
    largest = declare("llvm.vector.reduce.fmax.v8f32", v.element, [vector])
    total_of = declare("llvm.vector.reduce.fadd.v8f32", v.element, [v.element, vector])
    numbers = ir.Constant(ir.VectorType(WORD, lanes), list(range(lanes)))

    def constant(value: float) -> Any:
        return ir.Constant(vector, [value] * lanes)

    def spread(scalar: Any, kind: Any = vector) -> Any:
        single = b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.IntType(32)(0))
        return b.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))

    def chunks() -> Any:
        return cgutils.for_range(b, b.lshr(b.add(count, WORD(7)), WORD(3)), intp=WORD)

    def mask_of(first: Any) -> Any:
        words = ir.VectorType(WORD, lanes)
        return b.icmp_signed("<", b.add(numbers, spread(first, words)), spread(count, words))

    def read(address: Any, first: Any, mask: Any, otherwise: float) -> Any:
        return b.call(load, [v.pointer(address, first, vector), ir.IntType(32)(4), mask, constant(otherwise)])

    def write(value: Any, first: Any, mask: Any) -> None:
        b.call(store, [value, v.pointer(shares, first, vector), ir.IntType(32)(4), mask])

    best = cgutils.alloca_once(b, vector)
    b.store(constant(float("-inf")), best)
    with chunks() as loop:
        first = b.mul(loop.index, WORD(lanes))
        value = read(scores, first, mask_of(first), float("-inf"))
        before = b.load(best)
        b.store(b.select(b.fcmp_ordered(">", value, before), value, before), best)
    top = spread(b.call(largest, [b.load(best)], fastmath=("nnan",)))
    factor = spread(b.load(v.pointer(scale, 0, v.element)))
    total = cgutils.alloca_once(b, vector)
    b.store(constant(0.0), total)
    with chunks() as loop:
        first = b.mul(loop.index, WORD(lanes))
        mask = mask_of(first)
        value = _exponential(b, vector, b.fmul(b.fsub(read(scores, first, mask, 0.0), top), factor))
        value = b.select(mask, value, constant(0.0))
        write(value, first, mask)
        b.store(b.fadd(b.load(total), value), total)
    summed = b.call(total_of, [ir.Constant(v.element, 0.0), b.load(total)], fastmath=("reassoc",))
    inverse = spread(b.fdiv(ir.Constant(v.element, 1.0), summed))
    with chunks() as loop:
        first = b.mul(loop.index, WORD(lanes))
        mask = mask_of(first)
        write(b.fmul(read(shares, first, mask, 0.0), inverse), first, mask)


def exponential(v: Vectors, x: Any) -> Any:
    """exp(x) for x <= 0: the machine's in float64, in float32 to 2 units in the last place (finite for NaN)."""
    if v.size == 8:
        kind = ir.FunctionType(v.vector, [v.vector])
        return v.builder.call(cgutils.get_or_insert_function(v.builder.module, kind, f"llvm.exp.v{v.lanes}f64"), [x])
    return _exponential(v.builder, v.vector, x)


def _exponential(b: Any, vector: Any, x: Any) -> Any:
    """exp(x) for x <= 0 in float32: 2**k times a polynomial (Cephes, expf)."""
    integers = ir.VectorType(ir.IntType(32), vector.count)
    kind = ir.FunctionType(vector, [vector] * 3)
    fused = cgutils.get_or_insert_function(b.module, kind, f"llvm.fmuladd.v{vector.count}f32")

    def constant(value: float) -> Any:
        return ir.Constant(vector, [float(np.float32(value))] * vector.count)

    def fma(x: Any, y: Any, z: Any) -> Any:
        return b.call(fused, [x, y, z])

    low = constant(-87.0)
    x = b.select(b.fcmp_ordered(">", x, low), x, low)
    k = b.fptosi(fma(x, constant(1.44269504088896341), constant(-0.5)), integers)  # rounds, as x <= 0
    whole = b.sitofp(k, vector)
    x = fma(whole, constant(2.12194440e-4), fma(whole, constant(-0.693359375), x))
    y = constant(1.9875691500e-4)
    for c in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        y = fma(y, x, constant(c))
    y = b.fadd(fma(y, b.fmul(x, x), x), constant(1.0))
    power = b.shl(b.add(k, ir.Constant(integers, [127] * vector.count)), ir.Constant(integers, [23] * vector.count))
    return b.fmul(y, b.bitcast(power, vector))


def logistic(v: Vectors, row: Any, scale: Any, groups: Any) -> None:
    """row = s(row * scale), s the logistic function, in place; NaN stays NaN."""
    b, factor, one = v.builder, v.splat(scale, 0), v.constant(1.0)
    with v.loop(groups) as q:
        z = v.mul(v.load(row, q), factor)
        negative = b.fcmp_ordered("<", z, v.constant(0.0))
        power = exponential(v, v.select(negative, z, b.fneg(z)))
        found = b.fdiv(v.select(negative, power, one), v.add(one, power))
        v.store(v.select(b.fcmp_unordered("uno", z, z), z, found), row, q)


def logistic_slopes(v: Vectors, grad: Any, out: Any, scale: Any, target: Any, groups: Any) -> None:
    """target = grad y (1 - y) scale, y = out, what `logistic` gave; grad and out are rows of activations."""
    factor = v.splat(scale, 0)
    with v.loop(groups) as q:
        y = v.read(out, q)
        slope = v.mul(y, v.sub(v.constant(1.0), y))
        v.store(v.mul(v.mul(v.read(grad, q), slope), factor), target, q)
