"""The straight-line work of the training kernels, one set of vector pieces a rank.

Ranks up to 4 fold the whole table in registers and sweep back over the same tree. From rank 5 on that would be 380
operations a sample at rank 6; the backward pass is split instead, into three low inputs and n - 3 high ones (H =
2**(n - 3)):

    S[a] = minterms of the low inputs                V[i] = sum_a t[8i + a] S[a]
    reverse tree over the high inputs on V, top g -> slopes of the high inputs, R[i] = g * high minterm i
    dt[8i + a] += sum_q R[i][q] S[a][q]              Q[a] = sum_i t[8i + a] R[i] -> slopes of the low inputs

All rows lie in scratch, ROW elements apart. Samples come in groups of one vector; callers pad. Where processors have
sixteen registers and not 32, the forward pass of these ranks is split too, and rows are made one by one, not in twos.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lutsmith.kernels.vectors import REGISTERS, WORD, Vectors, piece

ROW = 128  # elements between scratch rows: the samples of a block, which keeps all rows in the first-level cache
LOW = 3  # low inputs of the split
SPLIT_RANK = 5  # the first rank that is split
ABREAST = REGISTERS // 16  # rows of eight values that are read or made at once


def pieces(rank: int, dtype: np.dtype[Any], *, narrow: bool) -> dict[str, Any]:
    """Return the pieces for a rank by name; `narrow`: the inputs are rows of bfloat16."""
    high = 1 << max(rank - LOW, 0)

    def inputs(v: Vectors, rows: Any) -> list[Any]:
        """Addresses of the rows that the slots read, from a table of addresses."""
        return [_address(v, rows, slot) for slot in range(rank)]

    def values(v: Vectors, addresses: Sequence[Any], q: Any) -> list[Any]:
        return [v.read(address, q) for address in addresses]

    def forward(v: Vectors, t: Any, rows: Any, out: Any, leaves: Any, groups: Any) -> None:
        x = inputs(v, rows)
        if rank < SPLIT_RANK:
            entries = [v.splat(t, k) for k in range(1 << rank)]
            with v.loop(groups) as q:
                v.store(v.fold(entries, values(v, x, q))[0], out, q)
            return
        for k in range(0, 1 << rank, 4):
            for place, value in enumerate(_coefficients(v, [v.scalar(t, k + i) for i in range(4)])):
                v.store(value, leaves, k + place)

        def fold(offsets: Sequence[Any]) -> None:
            """Depth first, so that few values are alive; vectors share each load of a coefficient."""
            z = [values(v, x, q) for q in offsets]

            def value(level: int, node: int) -> list[Any]:
                if level == 1:
                    c = [v.splat(leaves, 4 * node + i) for i in range(4)]
                    return [_polynomial(v, c, points[:2]) for points in z]
                low, high = value(level - 1, 2 * node), value(level - 1, 2 * node + 1)
                return [v.fma(points[level], v.sub(b, a), a) for points, a, b in zip(z, low, high, strict=True)]

            for result, q in zip(value(rank - 1, 0), offsets, strict=True):
                v.store(result, out, q)

        v.twice(groups, fold)

    def low_folds(v: Vectors, t: Any, rows: Any, out: Any, groups: Any) -> None:
        """The fold of each eight entries at the low inputs, in the operations of `forward`."""
        x = inputs(v, rows)[:LOW]
        with v.repeat_steps(high) as i:
            entry, row = v.builder.mul(i, WORD(8)), v.builder.mul(i, WORD(ROW))
            scalars = [v.scalar(t, v.builder.add(entry, WORD(k))) for k in range(8)]
            c = [v.repeat(scalar) for half in (scalars[:4], scalars[4:]) for scalar in _coefficients(v, half)]
            with v.loop(groups) as q:
                z = values(v, x, q)
                first, second = (_polynomial(v, half, z[:2]) for half in (c[:4], c[4:]))
                v.store(v.fma(z[2], v.sub(second, first), first), out, v.builder.add(row, q))

    def high_fold(v: Vectors, u: Any, rows: Any, out: Any, groups: Any) -> None:
        """The fold of rows at the high inputs, depth first."""
        x = inputs(v, rows)[LOW:]
        with v.loop(groups) as q:
            z = values(v, x, q)

            def value(level: int, node: int) -> Any:
                if level == 0:
                    return v.load(u, _at(v, q, node))
                low, high = value(level - 1, 2 * node), value(level - 1, 2 * node + 1)
                return v.fma(z[level - 1], v.sub(high, low), low)

            v.store(value(rank - LOW, 0), out, q)

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
        with v.repeat_steps(high // ABREAST) as i:
            entry, row = v.builder.mul(i, WORD(8 * ABREAST)), v.builder.mul(i, WORD(ABREAST * ROW))
            entries = [v.splat(t, v.builder.add(entry, WORD(k))) for k in range(8 * ABREAST)]
            with v.loop(groups) as q:
                weights = [v.load(s, _at(v, q, a)) for a in range(8)]
                for r in range(ABREAST):
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
        with v.repeat_steps(high // ABREAST) as i:
            row = v.builder.mul(i, WORD(ABREAST * ROW))
            totals = v.accumulators(8 * ABREAST)
            with v.loop(groups) as q:
                weights = [v.load(r, v.builder.add(row, _at(v, q, k))) for k in range(ABREAST)]
                for a in range(8):
                    weight = v.load(s, _at(v, q, a))
                    for k in range(ABREAST):
                        v.accumulate(weights[k], weight, totals[a + 8 * k])
            v.add_totals(totals, e, v.builder.mul(i, WORD(8 * ABREAST)))

    def high_values(v: Vectors, t: Any, r: Any, out: Any, groups: Any) -> None:
        width = min(high, 8)
        with v.repeat_steps(8 // ABREAST) as step:
            entry, row = v.builder.mul(step, WORD(ABREAST)), v.builder.mul(step, WORD(ABREAST * ROW))
            for first in range(0, high, width):
                entries = [
                    [v.splat(t, v.builder.add(entry, WORD(8 * (first + i) + other))) for i in range(width)]
                    for other in range(ABREAST)
                ]
                with v.loop(groups) as q:
                    weights = [v.load(r, _at(v, q, first + i)) for i in range(width)]
                    for other in range(ABREAST):
                        place = v.builder.add(row, _at(v, q, other))
                        total = v.dot(entries[other], weights)
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
            slope = v.fma(rise, v.read(other, q), base)
            v.store(v.fma(v.load(g, q), slope, v.load(target, q)), target, q)

    def pull_and_weigh(v: Vectors, c: Any, own: Any, other: Any, g: Any, target: Any, e: Any, groups: Any) -> None:
        """The same for input 0, and minterms times g added to e."""
        base, rise, totals = v.splat(c, 0), v.splat(c, 1), v.accumulators(4)
        with v.loop(groups) as q:
            x, z, weight = v.read(own, q), v.read(other, q), v.load(g, q)
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
        "low_folds": (low_folds, 4),
        "high_fold": (high_fold, 4),
    }
    common = {
        "fold_row": (forward, 5),
        "choose_row": (choose, 4),
        "addresses": (addresses, 3),
        "contract": (contract, 6),
    }
    chosen = {**common, **(split if rank >= SPLIT_RANK else small)}
    return {name: piece(dtype, arguments, emit, narrow=narrow) for name, (emit, arguments) in chosen.items()}


def _address(v: Vectors, table: Any, place: int) -> Any:
    return v.builder.load(v.builder.gep(v.builder.inttoptr(table, WORD.as_pointer()), [WORD(place)]))


def _at(v: Vectors, q: Any, row: int) -> Any:
    """Offset of sample q in a scratch row."""
    return v.builder.add(q, WORD(row * ROW))


def _coefficients(v: Vectors, entries: list[Any]) -> list[Any]:
    """Of 1, x0, x1, x0 x1, and so on: the table as a polynomial."""
    found = list(entries)
    for slot in range(len(found).bit_length() - 1):
        found = [v.sub(c, found[k - (1 << slot)]) if k >> slot & 1 else c for k, c in enumerate(found)]
    return found


def _polynomial(v: Vectors, coefficients: Sequence[Any], x: Sequence[Any]) -> Any:
    """Its value."""
    if not x:
        return coefficients[0]
    half = len(coefficients) // 2
    low, high = (_polynomial(v, part, x[:-1]) for part in (coefficients[:half], coefficients[half:]))
    return v.fma(high, x[-1], low)


def _tree(
    v: Vectors, t: Any, x: Sequence[Any], g: Any, groups: Any, totals: list[Any] | None
) -> Iterator[tuple[Any, list[Any]]]:
    """Fold, then sweep back depth first: few weights are alive at a time. Yields each vector's offset and slopes, to be
    used before the next; pairs of totals get the minterms times g, if there are any.
    """
    rank, entries = len(x), [v.splat(t, k) for k in range(1 << len(x))]
    with v.loop(groups) as q:
        z = [v.read(address, q) for address in x]
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
