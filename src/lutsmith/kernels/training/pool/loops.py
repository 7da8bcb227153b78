"""Pooling: templates, as `kernels.training.templates` says, and the vector pieces that they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from lutsmith.kernels.training.templates import (
    CHOICES,
    DX,
    FEATURES,
    GRAD,
    HARD,
    LUT_PARTS,
    OUT,
    PIXELS,
    PLACE_COUNT,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SLOTS,
    X,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import WORD, Vectors, i32, i64, piece, u8

OR, AND, MAJORITY = range(3)

# Filled in for each dtype.
SIZE: int
LANES: int
real: Any
number: Any
keep_larger: Any
keep_smaller: Any
count_before: Any
take_ranked: Any
give: Any


def pieces(dtype: np.dtype[Any]) -> dict[str, Any]:
    """The pieces of a dtype by name."""

    def taps_at(v: Vectors, row: Any, q: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), v.lanes)
        return v.builder.inttoptr(v.builder.add(row, q), kind.as_pointer())

    def every(v: Vectors, tap: Any) -> Any:
        byte, kind = v.builder.trunc(tap, ir.IntType(8)), ir.VectorType(ir.IntType(8), v.lanes)
        single = v.builder.insert_element(ir.Constant(kind, ir.Undefined), byte, ir.IntType(32)(0))
        return v.shuffle(single, single, [0] * v.lanes)

    def keep(comparison: str) -> Any:
        def emit(v: Vectors, row: Any, out: Any, taps: Any, tap: Any, groups: Any) -> None:
            b, number_of = v.builder, every(v, tap)
            with v.loop(groups) as q:
                value, best = v.load(row, q), v.load(out, q)
                better = b.fcmp_ordered(comparison, value, best)
                v.store(v.select(better, value, best), out, q)
                place = taps_at(v, taps, q)
                b.store(b.select(better, number_of, b.load(place, align=1)), place, align=1)

        return emit

    def count(v: Vectors, row: Any, other: Any, ties: Any, ranks: Any, groups: Any) -> None:
        """Add 1 to the ranks where the other row is before this one: larger, or with `ties` equal."""
        b = v.builder
        with_ties = b.icmp_signed("!=", ties, ir.Constant(ties.type, 0))
        with v.loop(groups) as q:
            value, before = v.load(row, q), v.load(other, q)
            larger, same = b.fcmp_ordered(">", before, value), b.fcmp_ordered("==", before, value)
            counts = b.select(with_ties, b.or_(larger, same), larger)
            v.store(v.add(v.load(ranks, q), v.select(counts, v.constant(1.0), v.constant(0.0))), ranks, q)

    def take(v: Vectors, row: Any, ranks: Any, wanted: Any, out: Any, taps: Any, tap: Any, groups: Any) -> None:
        """The row where its rank is the wanted one, and its tap."""
        b, number_of = v.builder, every(v, tap)
        rank = v.repeat(b.sitofp(wanted, v.element))
        with v.loop(groups) as q:
            chosen = b.fcmp_ordered("==", v.load(ranks, q), rank)
            v.store(v.select(chosen, v.load(row, q), v.load(out, q)), out, q)
            place = taps_at(v, taps, q)
            b.store(b.select(chosen, number_of, b.load(place, align=1)), place, align=1)

    def give_(v: Vectors, grad: Any, taps: Any, tap: Any, dx: Any, groups: Any) -> None:
        """Add the gradient to the pixel of a tap where the tap was chosen."""
        b, number_of = v.builder, every(v, tap)
        with v.loop(groups) as q:
            chosen = b.icmp_unsigned("==", b.load(taps_at(v, taps, q), align=1), number_of)
            v.store(v.add(v.load(dx, q), v.select(chosen, v.load(grad, q), v.constant(0.0))), dx, q)

    def pick(v: Vectors, row: Any, taps: Any, tap: Any, out: Any, groups: Any) -> None:
        """The row where the tap was chosen."""
        b, number_of = v.builder, every(v, tap)
        with v.loop(groups) as q:
            chosen = b.icmp_unsigned("==", b.load(taps_at(v, taps, q), align=1), number_of)
            v.store(v.select(chosen, v.load(row, q), v.load(out, q)), out, q)

    def addresses_of(v: Vectors, table: Any) -> list[Any]:
        words = v.builder.inttoptr(table, WORD.as_pointer())
        return [v.builder.load(v.builder.gep(words, [WORD(k)])) for k in range(4)]

    def pick_four(v: Vectors, table: Any, start: Any, taps: Any, out: Any, groups: Any) -> None:
        """Of four rows, from a table of addresses, that of the tap that was chosen."""
        b = v.builder
        rows = [b.add(row, start) for row in addresses_of(v, table)]
        with v.loop(groups) as q:
            tap, value = b.load(taps_at(v, taps, q), align=1), v.load(rows[0], q)
            for number_of in range(1, 4):
                chosen = b.icmp_unsigned("==", tap, every(v, WORD(number_of)))
                value = v.select(chosen, v.load(rows[number_of], q), value)
            v.store(value, out, q)

    def give_four(v: Vectors, grad: Any, taps: Any, table: Any, dx: Any, groups: Any) -> None:
        """Add the gradient to one of four rows, whose places in dx are in a table: that of the tap that was chosen.

        One after the other, as two of them may be one row.
        """
        b = v.builder
        rows = [b.add(dx, row) for row in addresses_of(v, table)]
        with v.loop(groups) as q:
            tap, slope = b.load(taps_at(v, taps, q), align=1), v.load(grad, q)
            for number_of, row in enumerate(rows):
                chosen = b.icmp_unsigned("==", tap, every(v, WORD(number_of)))
                v.store(v.add(v.load(row, q), v.select(chosen, slope, v.constant(0.0))), row, q)

    return {
        "keep_larger": piece(dtype, 5, keep(">")),
        "keep_smaller": piece(dtype, 5, keep("<=")),
        "count_before": piece(dtype, 5, count),
        "take_ranked": piece(dtype, 7, take),
        "give": piece(dtype, 5, give_),
        "pick": piece(dtype, 5, pick),
        "pick_four": piece(dtype, 5, pick_four),
        "give_four": piece(dtype, 5, give_four),
    }


def pool(address: int, part: int) -> None:
    """OUT = the pooled rows of X, DX the taps that they come from, a byte each; HARD is the mode."""
    a = i64(address)
    samples, count = a[SAMPLES], a[PLACE_COUNT]
    groups, full, pixels = samples // LANES, samples // LANES * LANES, i32(a[PIXELS])
    first, last = share_of(a[SLOTS], part, a[LUT_PARTS], 1)
    ranks = a[SCRATCH] + part * a[SCRATCH_STEP]
    for j in range(first, last):
        channel = j // count
        place = j - channel * count
        plane = a[X] + channel * a[FEATURES] * samples * SIZE
        out, taps = a[OUT] + j * samples * SIZE, a[DX] + j * samples
        inside = 0
        for tap in range(a[CHOICES]):
            pixel = pixels[tap * count + place]
            if pixel < 0:
                continue
            row = plane + pixel * samples * SIZE
            if inside == 0:
                x, y, chosen = real(row), real(out), u8(taps)
                for q in range(samples):
                    y[q] = x[q]
                for q in range(samples):
                    chosen[q] = tap
            elif a[HARD] == OR:
                keep_larger(row, out, taps, tap, groups)
                tail_kept(row, out, taps, tap, full, samples, False)
            elif a[HARD] == AND:
                keep_smaller(row, out, taps, tap, groups)
                tail_kept(row, out, taps, tap, full, samples, True)
            inside += 1
        if a[HARD] == MAJORITY and inside > 1:
            middle(a, place, plane, out, taps, ranks, inside // 2)


def tail_kept(row: int, out: int, taps: int, tap: int, full: int, samples: int, smaller: bool) -> None:
    """The samples behind the last whole vector: the larger, or the smaller or equal, of a row and OUT."""
    x, y, chosen = real(row), real(out), u8(taps)
    for q in range(full, samples):
        better = x[q] <= y[q] if smaller else x[q] > y[q]
        if better:
            y[q] = x[q]
            chosen[q] = tap


def middle(a: Any, place: int, plane: int, out: int, taps: int, ranks: int, wanted: int) -> None:
    """The value of the wanted rank among the pixels of a window, by counting those before each."""
    samples, count, pixels = a[SAMPLES], a[PLACE_COUNT], i32(a[PIXELS])
    groups, full = samples // LANES, samples // LANES * LANES
    y, chosen, rank = real(out), u8(taps), real(ranks)
    for tap in range(a[CHOICES]):
        pixel = pixels[tap * count + place]
        if pixel < 0:
            continue
        row = plane + pixel * samples * SIZE
        x = real(row)
        zero(ranks, samples)
        for other in range(a[CHOICES]):
            second = pixels[other * count + place]
            if second < 0 or other == tap:
                continue
            z = real(plane + second * samples * SIZE)
            count_before(row, plane + second * samples * SIZE, other < tap, ranks, groups)
            for q in range(full, samples):
                if z[q] > x[q] or (other < tap and z[q] == x[q]):
                    rank[q] += number(1)
        take_ranked(row, ranks, wanted, out, taps, tap, groups)
        for q in range(full, samples):
            if rank[q] == wanted:
                y[q] = x[q]
                chosen[q] = tap


def pool_gradient(address: int, part: int) -> None:
    """DX = GRAD where it came from; X are the taps, a byte each. A part has channels of its own."""
    a = i64(address)
    samples, count, pixels = a[SAMPLES], a[PLACE_COUNT], i32(a[PIXELS])
    groups, full = samples // LANES, samples // LANES * LANES
    first, last = share_of(a[SLOTS], part, a[LUT_PARTS], 1)
    for channel in range(first, last):
        plane = a[DX] + channel * a[FEATURES] * samples * SIZE
        zero(plane, a[FEATURES] * samples)
        for place in range(count):
            j = channel * count + place
            grad, taps = a[GRAD] + j * samples * SIZE, a[X] + j * samples
            g, chosen = real(grad), u8(taps)
            for tap in range(a[CHOICES]):
                pixel = pixels[tap * count + place]
                if pixel < 0:
                    continue
                give(grad, taps, tap, plane + pixel * samples * SIZE, groups)
                y = real(plane + pixel * samples * SIZE)
                for q in range(full, samples):
                    if chosen[q] == tap:
                        y[q] += g[q]
