"""The straight-line work of the training kernels, one set of vector pieces a rank.

Ranks up to 4 fold the whole table in registers and sweep back over the same tree. From rank 5 on that would be 380
operations a sample at rank 6; the backward pass is split instead, into three low inputs and n - 3 high ones (H =
2**(n - 3)):

    S[a] = minterms of the low inputs                V[i] = sum_a t[8i + a] S[a]
    reverse tree over the high inputs on V, top g -> slopes of the high inputs, R[i] = g * high minterm i
    dt[8i + a] += sum_q R[i][q] S[a][q]              Q[a] = sum_i t[8i + a] R[i] -> slopes of the low inputs

All rows lie in scratch, ROW elements apart. Samples come in groups of one vector; callers pad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from lutsmith.kernels.vectors import WORD, Vectors, piece

ROW = 128  # elements between scratch rows: the samples of a block, which keeps all rows in the first-level cache
LOW = 3  # low inputs of the split
SPLIT_RANK = 5  # the first rank that is split


def pieces(rank: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the pieces for a rank by name."""
    high = 1 << max(rank - LOW, 0)

    def inputs(v: Vectors, rows: Any) -> list[Any]:
        """Addresses of the rows that the slots read, from a table of addresses."""
        return [_address(v, rows, slot) for slot in range(rank)]

    def values(v: Vectors, addresses: Sequence[Any], q: Any) -> list[Any]:
        return [v.load(address, q) for address in addresses]

    def forward(v: Vectors, t: Any, rows: Any, out: Any, leaves: Any, groups: Any) -> None:
        x = inputs(v, rows)
        if rank < SPLIT_RANK:
            entries = [v.splat(t, k) for k in range(1 << rank)]
            with v.loop(groups) as q:
                v.store(v.fold(entries, values(v, x, q))[0], out, q)
            return
        for k in range(0, 1 << rank, 4):
            for place, value in enumerate(_leaf(v, *(v.scalar(t, k + i) for i in range(4)))):
                v.store(value, leaves, k + place)

        def fold(offsets: Sequence[Any]) -> None:
            """Depth first, so that few values are alive; vectors share each load of a coefficient."""
            z = [values(v, x, q) for q in offsets]

            def value(level: int, node: int) -> list[Any]:
                if level == 1:
                    c0, c1, c2, c3 = (v.splat(leaves, 4 * node + i) for i in range(4))
                    return [v.fma(v.fma(c3, z0, c2), z1, v.fma(c1, z0, c0)) for z0, z1, *_ in z]
                low, high = value(level - 1, 2 * node), value(level - 1, 2 * node + 1)
                return [v.fma(points[level], v.sub(b, a), a) for points, a, b in zip(z, low, high, strict=True)]

            for result, q in zip(value(rank - 1, 0), offsets, strict=True):
                v.store(result, out, q)

        v.twice(groups, fold)

    def choose(v: Vectors, t: Any, rows: Any, out: Any, groups: Any) -> None:
        x, entries = inputs(v, rows), [v.splat(t, k) for k in range(1 << rank)]
        with v.loop(groups) as q:
            left = entries
            for z in values(v, x, q):
                bit = v.above_half(z)
                left = [v.select(bit, b, a) for a, b in zip(left[::2], left[1::2], strict=True)]
            v.store(left[0], out, q)

    def addresses(v: Vectors, rows: Any, out: Any, groups: Any) -> None:
        x = inputs(v, rows)
        with v.loop(groups) as q:
            v.store_integers(v.addresses(values(v, x, q)), out, q)

    def contract(v: Vectors, rows: Any, g: Any, constants: Any, points: Any, scaled: Any, groups: Any) -> None:
        x, (low, top, rho) = inputs(v, rows), [v.splat(constants, k) for k in range(3)]
        with v.loop(groups) as q:
            for slot, z in enumerate(values(v, x, q)):
                v.store(v.select(v.above_half(z), top, low), points, _at(v, q, slot))
            v.store(v.mul(v.load(g, q), rho), scaled, q)

    def sweep(v: Vectors, t: Any, rows: Any, g: Any, d: Any, e: Any, groups: Any) -> None:
        """Slopes of all inputs into d, and minterms times g added to e."""
        totals = v.accumulators(1 << rank)
        for q, found in _tree(v, t, inputs(v, rows), g, groups, totals):
            for slot, slope in enumerate(found):
                v.store(slope, d, _at(v, q, slot))
        v.add_totals(totals, e, WORD(0), parents=True)

    def sweep_into(v: Vectors, t: Any, rows: Any, g: Any, targets: Any, e: Any, groups: Any) -> None:
        """The same with the slopes added to rows, one after the other, as two of them may be one row."""
        totals, out = v.accumulators(1 << rank), inputs(v, targets)
        for q, found in _tree(v, t, inputs(v, rows), g, groups, totals):
            for row, slope in zip(out, found, strict=True):
                v.store(v.add(v.load(row, q), slope), row, q)
        v.add_totals(totals, e, WORD(0), parents=True)

    def slopes(v: Vectors, t: Any, rows: Any, g: Any, d: Any, groups: Any) -> None:
        for q, found in _tree(v, t, inputs(v, rows), g, groups, None):
            for slot, slope in enumerate(found):
                v.store(slope, d, _at(v, q, slot))

    def minterms(v: Vectors, rows: Any, g: Any, e: Any, groups: Any) -> None:
        x, totals = inputs(v, rows), v.accumulators(1 << rank)
        with v.loop(groups) as q:
            z = values(v, x, q)
            for node, weight in enumerate(v.minterms(v.load(g, q), z[1:])):
                _add_pair(v, weight, z[0], totals, node)
        v.add_totals(totals, e, WORD(0), parents=True)

    def low_minterms(v: Vectors, rows: Any, s: Any, groups: Any) -> None:
        x = inputs(v, rows)[:LOW]
        with v.loop(groups) as q:
            for a, weight in enumerate(v.minterms(v.constant(1.0), values(v, x, q))):
                v.store(weight, s, _at(v, q, a))

    def low_values(v: Vectors, t: Any, s: Any, out: Any, groups: Any) -> None:
        with v.repeat_steps(high // 2) as i:
            entry, row = v.builder.mul(i, WORD(16)), v.builder.mul(i, WORD(2 * ROW))
            entries = [v.splat(t, v.builder.add(entry, WORD(k))) for k in range(16)]
            with v.loop(groups) as q:
                weights = [v.load(s, _at(v, q, a)) for a in range(8)]
                for r in range(2):
                    total = v.dot(entries[8 * r : 8 * r + 8], weights)
                    v.store(total, out, v.builder.add(row, _at(v, q, r)))

    def high_sweep(v: Vectors, u: Any, rows: Any, g: Any, d: Any, r: Any, groups: Any) -> None:
        x = inputs(v, rows)[LOW:]
        with v.loop(groups) as q:
            z = values(v, x, q)
            differences = v.fold([v.load(u, _at(v, q, i)) for i in range(high)], z)[1]
            weights = [v.load(g, q)]
            for level in reversed(range(rank - LOW)):
                v.store(v.dot(weights, differences[level]), d, _at(v, q, LOW + level))
                weights = [part for w in weights for part in v.split(w, z[level])]
            for i, weight in enumerate(weights):
                v.store(weight, r, _at(v, q, i))

    def high_minterms(v: Vectors, rows: Any, g: Any, r: Any, groups: Any) -> None:
        x = inputs(v, rows)[LOW:]
        with v.loop(groups) as q:
            for i, weight in enumerate(v.minterms(v.load(g, q), values(v, x, q))):
                v.store(weight, r, _at(v, q, i))

    def table(v: Vectors, r: Any, s: Any, e: Any, groups: Any) -> None:
        with v.repeat_steps(high // 2) as i:
            row = v.builder.mul(i, WORD(2 * ROW))
            totals = v.accumulators(16)
            with v.loop(groups) as q:
                weights = [v.load(r, v.builder.add(row, _at(v, q, k))) for k in range(2)]
                for a in range(8):
                    weight = v.load(s, _at(v, q, a))
                    v.accumulate(weights[0], weight, totals[a])
                    v.accumulate(weights[1], weight, totals[a + 8])
            v.add_totals(totals, e, v.builder.mul(i, WORD(16)))

    def high_values(v: Vectors, t: Any, r: Any, out: Any, groups: Any) -> None:
        width = min(high, 8)
        with v.repeat_steps(4) as pair:
            entry, row = v.builder.mul(pair, WORD(2)), v.builder.mul(pair, WORD(2 * ROW))
            for first in range(0, high, width):
                entries = [
                    [v.splat(t, v.builder.add(entry, WORD(8 * (first + i) + half))) for i in range(width)]
                    for half in range(2)
                ]
                with v.loop(groups) as q:
                    weights = [v.load(r, _at(v, q, first + i)) for i in range(width)]
                    for half in range(2):
                        place = v.builder.add(row, _at(v, q, half))
                        total = v.dot(entries[half], weights)
                        v.store(v.add(v.load(out, place), total) if first else total, out, place)

    def low_slopes(v: Vectors, u: Any, rows: Any, d: Any, groups: Any) -> None:
        x = inputs(v, rows)[:LOW]
        with v.loop(groups) as q:
            z = values(v, x, q)
            differences = v.fold([v.load(u, _at(v, q, a)) for a in range(8)], z)[1]
            for slot in range(LOW):
                v.store(v.fold(differences[slot], z[slot + 1 :])[0], d, _at(v, q, slot))

    def pull(v: Vectors, c: Any, other: Any, g: Any, target: Any, groups: Any) -> None:
        """g (c0 + c1 other) added to a row: the slope of a LUT of two inputs."""
        base, rise = v.splat(c, 0), v.splat(c, 1)
        with v.loop(groups) as q:
            slope = v.fma(rise, v.load(other, q), base)
            v.store(v.fma(v.load(g, q), slope, v.load(target, q)), target, q)

    def pull_and_weigh(v: Vectors, c: Any, own: Any, other: Any, g: Any, target: Any, e: Any, groups: Any) -> None:
        """The same for input 0, and minterms times g added to e."""
        base, rise, totals = v.splat(c, 0), v.splat(c, 1), v.accumulators(4)
        with v.loop(groups) as q:
            x, z, weight = v.load(own, q), v.load(other, q), v.load(g, q)
            v.store(v.fma(weight, v.fma(rise, z, base), v.load(target, q)), target, q)
            for node, part in enumerate(v.split(weight, z)):
                _add_pair(v, part, x, totals, node)
        v.add_totals(totals, e, WORD(0), parents=True)

    small = {"sweep": (sweep, 6), "sweep_into": (sweep_into, 6), "slopes": (slopes, 5), "minterms": (minterms, 4)}
    small |= {"pull": (pull, 5), "pull_and_weigh": (pull_and_weigh, 7)}
    split = {
        "low_minterms": (low_minterms, 3),
        "low_values": (low_values, 4),
        "high_sweep": (high_sweep, 6),
        "high_minterms": (high_minterms, 4),
        "table": (table, 4),
        "high_values": (high_values, 4),
        "low_slopes": (low_slopes, 4),
    }
    common = {
        "fold_row": (forward, 5),
        "choose_row": (choose, 4),
        "addresses": (addresses, 3),
        "contract": (contract, 6),
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
    chosen = {**common, **(split if rank >= SPLIT_RANK else small)}
    return {name: piece(dtype, arguments, emit) for name, (emit, arguments) in chosen.items()}


def _address(v: Vectors, table: Any, place: int) -> Any:
    return v.builder.load(v.builder.gep(v.builder.inttoptr(table, WORD.as_pointer()), [WORD(place)]))


def _at(v: Vectors, q: Any, row: int) -> Any:
    """Offset of sample q in a scratch row."""
    return v.builder.add(q, WORD(row * ROW))


def _leaf(v: Vectors, t0: Any, t1: Any, t2: Any, t3: Any) -> tuple[Any, Any, Any, Any]:
    """Coefficients of 1, x0, x1 and x0 x1 of four entries."""
    c1 = v.sub(t1, t0)
    return t0, c1, v.sub(t2, t0), v.sub(v.sub(t3, t2), c1)


def _tree(
    v: Vectors, t: Any, x: Sequence[Any], g: Any, groups: Any, totals: list[Any] | None
) -> Iterator[tuple[Any, list[Any]]]:
    """Fold, then sweep back depth first: few weights are alive at a time. Yields each vector's offset and slopes, to be
    used before the next; pairs of totals get the minterms times g, if there are any.
    """
    rank, entries = len(x), [v.splat(t, k) for k in range(1 << len(x))]
    with v.loop(groups) as q:
        z = [v.load(address, q) for address in x]
        differences = v.fold(entries, z)[1]
        slopes: list[Any] = [None] * rank

        def descend(level: int, node: int, weight: Any) -> None:
            slope, difference = slopes[level], differences[level][node]
            slopes[level] = v.mul(weight, difference) if slope is None else v.fma(weight, difference, slope)
            if level:
                for side, part in enumerate(v.split(weight, z[level])):
                    descend(level - 1, 2 * node + side, part)
            elif totals is not None:
                _add_pair(v, weight, z[0], totals, node)

        descend(rank - 1, 0, v.load(g, q))
        yield q, slopes


def _add_pair(v: Vectors, weight: Any, x: Any, totals: list[Any], node: int) -> None:
    """Add w and w x to a pair of totals, of which the minterms w - w x and w x follow in the end: half the work of
    adding these. A minterm that no sample reaches stays exactly zero, as both sums are then the same.
    """
    v.accumulate_in_order(weight, None, totals[2 * node])
    v.accumulate_in_order(weight, x, totals[2 * node + 1])


def _add_row(v: Vectors, out: Any, d: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.store(v.add(v.load(out, q), v.load(d, q)), out, q)


def _keep_row(v: Vectors, d: Any, out: Any, groups: Any) -> None:
    with v.loop(groups) as q:
        v.store(v.load(d, q), out, q)


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
                slope = v.load(row, q)
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
