"""Vector pieces of the fold that know no rank: rows added to rows, dot products of rows, rows packed into bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from lutsmith.kernels.vectors import WORD, Vectors, piece


def row_pieces(dtype: np.dtype[Any], *, narrow: bool) -> dict[str, Any]:
    """Return the pieces by name; `narrow`: activations are bfloat16."""
    chosen = {
        "widen_row": (_widen_row, 3),
        "round_row": (_round_row, 3),
        "add_row": (_add_row, 3),
        "add_share": (_add_share, 4),
        "add_shares": (_add_shares, 6),
        "add_mix": (_add_mix, 6),
        "add_total": (_add_total, 3),
        "dots": (_dots, 6),
        "bit_dots": (_bit_dots, 6),
        "pack_row": (_pack, 4),
        "keep_row": (_keep_row, 3),
        "pull_eight": (_pull_some(8), 6),
        "pull_four": (_pull_some(4), 6),
    }
    return {name: piece(dtype, arguments, emit, narrow=narrow) for name, (emit, arguments) in chosen.items()}


def _widen_row(v: Vectors, row: Any, out: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.store(v.read(row, q), out, q)


def _round_row(v: Vectors, values: Any, row: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.write(v.load(values, q), row, q)


def _add_row(v: Vectors, out: Any, d: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.store(v.add(v.load(out, q), v.load(d, q)), out, q)


def _keep_row(v: Vectors, d: Any, out: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.write(v.load(d, q), out, q)


def _pull_some(count: int) -> Callable[..., None]:
    """Rows of slopes added to a row in their shares, and their dot products with x added to sums. `told` are eight of
    each: numbers of rows, shares, sums.
    """

    def pull_some(v: Vectors, told: Any, sloped: Any, step: Any, x: Any, target: Any, groups: Any) -> None:
        rows = [v.builder.add(sloped, v.builder.mul(v.index(told, k), step)) for k in range(count)]
        weights, sums = v.builder.add(told, WORD(8 * 4)), v.builder.add(told, WORD(8 * (4 + v.size)))
        shares, totals = [v.splat(weights, k) for k in range(count)], v.accumulators(count)
        with v.loop(groups) as q:
            own, found = v.load(x, q), v.load(target, q)
            for row, share, total in zip(rows, shares, totals, strict=True):
                slope = v.read(row, q)
                found = v.fma(share, slope, found)
                v.accumulate(slope, own, total)
            v.store(found, target, q)
        v.add_totals(totals, sums, WORD(0))

    return pull_some


def _add_share(v: Vectors, out: Any, d: Any, share: Any, groups: Any) -> None:
    weight = v.splat(share, 0)
    with v.loop(groups) as q:
        v.store(v.fma(weight, v.load(d, q), v.load(out, q)), out, q)


def _add_shares(v: Vectors, x: Any, step: Any, candidates: Any, shares: Any, d: Any, groups: Any) -> None:
    """Shares of d added to eight candidate rows, one after the other, as two of them may be one row."""
    rows = [v.builder.add(x, v.builder.mul(v.index(candidates, k), step)) for k in range(8)]
    weights = [v.splat(shares, k) for k in range(8)]
    with v.loop(groups) as q:
        slope = v.load(d, q)
        for row, weight in zip(rows, weights, strict=True):
            v.store(v.fma(weight, slope, v.load(row, q)), row, q)


def _add_mix(v: Vectors, x: Any, step: Any, candidates: Any, shares: Any, out: Any, groups: Any) -> None:
    """Eight candidate rows, weighted by their shares, added to out."""
    rows = [v.builder.add(x, v.builder.mul(v.index(candidates, k), step)) for k in range(8)]
    weights = [v.splat(shares, k) for k in range(8)]
    with v.loop(groups) as q:
        v.store(v.add(v.load(out, q), v.dot(weights, [v.load(row, q) for row in rows])), out, q)


def _add_total(v: Vectors, d: Any, out: Any, groups: Any) -> None:
    total = v.accumulators(1)
    with v.loop(groups) as q:
        v.accumulate(v.load(d, q), None, total[0])
    v.add_totals(total, out, WORD(0))


def _dots(v: Vectors, x: Any, step: Any, candidates: Any, d: Any, out: Any, groups: Any) -> None:
    """Dot products of d with eight candidate rows, which share each load of d; added to out."""
    rows = [v.builder.add(x, v.builder.mul(v.index(candidates, k), step)) for k in range(8)]
    totals = v.accumulators(8)
    with v.loop(groups) as q:
        slope = v.load(d, q)
        for row, total in zip(rows, totals, strict=True):
            v.accumulate(slope, v.load(row, q), total)
    v.add_totals(totals, out, WORD(0))


def _bit_dots(v: Vectors, bits: Any, step: Any, candidates: Any, d: Any, out: Any, groups: Any) -> None:
    """The same with rows of packed bits: a masked addition a vector, and all rows in a near cache."""
    rows = [v.builder.add(bits, v.builder.mul(v.index(candidates, k), step)) for k in range(8)]
    totals = v.accumulators(8)
    with v.loop(groups) as q:
        slope = v.load(d, q)
        for row, total in zip(rows, totals, strict=True):
            v.accumulate_where(v.mask(row, q), slope, total)
    v.add_totals(totals, out, WORD(0))


def _pack(v: Vectors, x: Any, bits: Any, groups: Any, flag: Any) -> None:
    """Pack x > 1/2 into bits; the 64-bit flag is set to 0 if an x is neither 0 nor 1."""
    b, lanes = v.builder, v.lanes
    binary = v.variable(ir.VectorType(ir.IntType(1), lanes), [1] * lanes)
    with v.loop(groups) as q:
        value = v.load(x, q)
        v.store_mask(v.above_half(value), bits, q)
        either = b.or_(v.equal(value, 0.0), v.equal(value, 1.0))
        b.store(b.and_(b.load(binary), either), binary)
    whole = b.bitcast(b.load(binary), ir.IntType(lanes))
    clear = b.icmp_unsigned("!=", whole, ir.Constant(whole.type, -1))
    with b.if_then(clear):
        b.store(WORD(0), b.inttoptr(flag, WORD.as_pointer()))
