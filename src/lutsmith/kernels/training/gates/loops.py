"""The sixteen gates of two inputs: from a LUT's logits to its table, and back.

Logits lie LUT after LUT. They are transposed in registers, so that a vector holds one gate of as many LUTs as it has
lanes: the softmax then takes no sum across lanes. Gate g is the one whose table, read as an integer, is g:

    p_k = sum of s_g over the gates with bit k, s = softmax(theta / tau)
    dtheta_g = s_g (u_g - sum_h s_h u_h) / tau, u_g = sum of dp_k over the bits k of g

The functions below the pieces are templates, as `kernels.training.templates` says: X holds logits, LUTS counts tables;
SCRATCH of a part holds the scale 1/tau and rooms for a last, smaller group.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.exponentials import exponential
from lutsmith.kernels.training.templates import (
    GRAD,
    LUT_PARTS,
    LUTS,
    OUT,
    SCRATCH,
    SCRATCH_STEP,
    TEMPERATURE,
    X,
    share_of,
)
from lutsmith.kernels.vectors import WORD, Vectors, f64, i64, piece

GATES = 16
TABLE = 4
ROOM = (
    1 + 2 * GATES + TABLE
)  # vectors of scratch a part: the scale, and logits, their gradients and a table of each lane

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
gate_tables: Any
gate_slopes: Any


def pieces(dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the pieces by name."""
    return {"gate_tables": piece(dtype, 4, _tables), "gate_slopes": piece(dtype, 5, _slopes)}


def _tables(v: Vectors, logits: Any, scale: Any, out: Any, groups: Any) -> None:
    factor = v.splat(scale, 0)
    with v.loop(groups) as first:
        powers, inverse = _softmax(v, logits, first, factor)
        entries = []
        while len(powers) > 1:
            entries.append(v.mul(inverse, _sum(v, powers[1::2])))
            powers = [v.add(a, b) for a, b in zip(powers[::2], powers[1::2], strict=True)]
        lanes, place = v.lanes, v.builder.mul(first, WORD(TABLE))
        for part in range(TABLE):
            luts = [part * lanes // TABLE + i for i in range(lanes // TABLE)]
            low, high = (
                v.shuffle(a, b, [lane for lut in luts for lane in (lut, lanes + lut, lut, lanes + lut)])
                for a, b in (entries[:2], entries[2:])
            )
            merged = v.shuffle(low, high, [lane + lanes * (lane % TABLE // 2) for lane in range(lanes)])
            v.store(merged, out, v.builder.add(place, WORD(part * lanes)))


def _slopes(v: Vectors, logits: Any, scale: Any, grad: Any, out: Any, groups: Any) -> None:
    factor = v.splat(scale, 0)
    with v.loop(groups) as first:
        powers, inverse = _softmax(v, logits, first, factor)
        lanes, place = v.lanes, v.builder.mul(first, WORD(TABLE))
        parts = [v.load(grad, v.builder.add(place, WORD(part * lanes))) for part in range(TABLE)]
        gains = [v.constant(0.0)]
        for entry in range(TABLE):
            lanes_of = [entry + TABLE * i for i in range(lanes // 2)]
            low, high = (v.shuffle(a, b, lanes_of) for a, b in (parts[:2], parts[2:]))
            slope = v.shuffle(low, high, range(lanes))
            gains += [slope if not i else v.add(gain, slope) for i, gain in enumerate(gains)]
        mean = v.mul(inverse, v.dot(powers[1:], gains[1:]))
        scaled = v.mul(inverse, factor)
        results = [v.mul(v.mul(p, scaled), v.sub(gain, mean)) for p, gain in zip(powers, gains, strict=True)]
        place = v.builder.mul(first, WORD(GATES))
        for block in range(0, GATES, lanes):
            for lut, row in enumerate(_transposed(v, results[block : block + lanes])):
                v.store(row, out, v.builder.add(place, WORD(lut * GATES + block)))


def _softmax(v: Vectors, logits: Any, first: Any, factor: Any) -> tuple[list[Any], Any]:
    """exp((theta - its maximum) / tau) of each gate, for the LUTs from `first` on, and one over their sum.

    The latter is NaN where a logit is NaN or +inf, or all are -inf.
    """
    b, place, gates = v.builder, v.builder.mul(first, WORD(GATES)), []
    for block in range(0, GATES, v.lanes):
        rows = [v.load(logits, b.add(place, WORD(lut * GATES + block))) for lut in range(v.lanes)]
        gates += _transposed(v, rows)
    tops = gates
    while len(tops) > 1:
        tops = [b.select(b.fcmp_ordered(">", x, y), x, y) for x, y in zip(tops[::2], tops[1::2], strict=True)]
    below = [v.sub(gate, tops[0]) for gate in gates]
    broken = b.fcmp_unordered("uno", below[0], below[1])
    for x, y in zip(below[2::2], below[3::2], strict=True):
        broken = b.or_(broken, b.fcmp_unordered("uno", x, y))
    powers = [exponential(v, v.mul(x, factor)) for x in below]
    inverse = b.fdiv(v.constant(1.0), _sum(v, powers))
    return powers, b.select(broken, v.constant(float("nan")), inverse)


def _sum(v: Vectors, terms: list[Any]) -> Any:
    while len(terms) > 1:
        terms = [v.add(a, b) for a, b in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


def _transposed(v: Vectors, rows: list[Any]) -> list[Any]:
    """Lane i of row j becomes lane j of row i, for as many rows as lanes."""
    rows, lanes, stride = list(rows), v.lanes, 1
    while stride < lanes:
        low = [lane - stride + lanes if lane & stride else lane for lane in range(lanes)]
        high = [lane + lanes if lane & stride else lane + stride for lane in range(lanes)]
        for i in range(lanes):
            if not i & stride:
                a, b = rows[i], rows[i + stride]
                rows[i], rows[i + stride] = v.shuffle(a, b, low), v.shuffle(a, b, high)
        stride *= 2
    return rows


def copy(source: int, target: int, count: int) -> None:
    """Copy numbers."""
    a, b = real(source), real(target)
    for k in range(count):
        b[k] = a[k]


def gates(address: int, part: int) -> None:
    """OUT (T, 4) = the tables of the logits X (T, 16)."""
    a = i64(address)
    first, last = share_of(a[LUTS], part, a[LUT_PARTS], LANES)
    scale = a[SCRATCH] + part * a[SCRATCH_STEP]
    real(scale)[0] = number(1 / f64(address)[TEMPERATURE])
    x, out = a[X] + first * GATES * SIZE, a[OUT] + first * TABLE * SIZE
    groups, tail = (last - first) // LANES, (last - first) % LANES
    gate_tables(x, scale, out, groups)
    if tail:
        done, vector = groups * LANES * SIZE, LANES * SIZE
        logits, tables = scale + vector, scale + (1 + 2 * GATES) * vector
        copy(x + done * GATES, logits, tail * GATES)
        gate_tables(logits, scale, tables, 1)
        copy(tables, out + done * TABLE, tail * TABLE)


def gate_gradient(address: int, part: int) -> None:
    """OUT (T, 16) = the gradient of the logits X (T, 16), given that of the tables, GRAD (T, 4)."""
    a = i64(address)
    first, last = share_of(a[LUTS], part, a[LUT_PARTS], LANES)
    scale = a[SCRATCH] + part * a[SCRATCH_STEP]
    real(scale)[0] = number(1 / f64(address)[TEMPERATURE])
    x, out, grad = a[X] + first * GATES * SIZE, a[OUT] + first * GATES * SIZE, a[GRAD] + first * TABLE * SIZE
    groups, tail = (last - first) // LANES, (last - first) % LANES
    gate_slopes(x, scale, grad, out, groups)
    if tail:
        done, vector = groups * LANES * SIZE, LANES * SIZE
        logits, results, tables = scale + vector, scale + (1 + GATES) * vector, scale + (1 + 2 * GATES) * vector
        copy(x + done * GATES, logits, tail * GATES)
        copy(grad + done * TABLE, tables, tail * TABLE)
        gate_slopes(logits, scale, tables, results, 1)
        copy(results, out + done * GATES, tail * GATES)
