"""Rows with feedback of many candidates at once, as in `arrays`: tables are masks of their algebraic normal form."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from lutsmith.kernels.cells.arrays import LANES
from lutsmith.kernels.cells.serial import COMPILING
from lutsmith.kernels.compiler import kernel


@numba.njit(inline="always")
def _row(rest: Any, operand: Any, size: Any, start: Any, tables: Any, carries: Any, made: Any, restores: Any) -> None:
    """One row over `size` columns: the carries at its end, and, where it restores, what is left in `rest`."""
    for lane in range(LANES):
        carries[lane] = start[lane]
    for place in range(size):
        for lane in range(LANES):
            x, y, c = rest[place, lane], operand[place, lane], carries[lane]
            xy, xc, yc = x & y, x & c, y & c
            xyc = xy & c
            made[place, lane] = (
                tables[0, 0, lane] ^ tables[0, 1, lane] & x ^ tables[0, 2, lane] & y ^ tables[0, 3, lane] & xy
                ^ tables[0, 4, lane] & c ^ tables[0, 5, lane] & xc ^ tables[0, 6, lane] & yc ^ tables[0, 7, lane] & xyc
            )  # fmt: skip
            carries[lane] = (
                tables[1, 0, lane] ^ tables[1, 1, lane] & x ^ tables[1, 2, lane] & y ^ tables[1, 3, lane] & xy
                ^ tables[1, 4, lane] & c ^ tables[1, 5, lane] & xc ^ tables[1, 6, lane] & yc ^ tables[1, 7, lane] & xyc
            )  # fmt: skip
    if restores:
        for place in range(size):
            for lane in range(LANES):
                c, d, x = carries[lane], made[place, lane], rest[place, lane]
                cd = c & d
                kept = tables[2, 4, lane] ^ tables[2, 5, lane] & c ^ tables[2, 6, lane] & d ^ tables[2, 7, lane] & cd
                new = tables[2, 0, lane] ^ tables[2, 1, lane] & c ^ tables[2, 2, lane] & d ^ tables[2, 3, lane] & cd
                rest[place, lane] = new ^ kept & x


@kernel(COMPILING)
def divide(a: Any, b: Any, tables: Any, starts: Any, remainder: Any, out: Any) -> None:
    """Write bit 0 of the quotients or remainders that rows give: `naive.rows`.

    Args:
        a: uint64 (n,), the bits of the first operand of 16 examples, four times over.
        b: uint64 (n,).
        tables: uint64 (batches, 3, 8, LANES), the masks of d, c and R.
        starts: uint64 (batches, LANES), the carries that rows begin with.
        remainder: whether that is asked for, and not the quotient.
        out: uint64 (batches, LANES), what is written.
    """
    n = len(a)
    rest, made = np.empty((n + 1, LANES), np.uint64), np.empty((n + 1, LANES), np.uint64)
    operand, carries = np.zeros((n + 1, LANES), np.uint64), np.empty(LANES, np.uint64)
    for place in range(n):
        operand[place] = b[place]
    for batch in range(len(tables)):
        rest[:] = np.uint64(0)
        for step in range(n):
            for place in range(n, 0, -1):
                for lane in range(LANES):
                    rest[place, lane] = rest[place - 1, lane]
            rest[0] = a[n - 1 - step]
            _row(rest, operand, n + 1, starts[batch], tables[batch], carries, made, remainder or step < n - 1)
        out[batch] = rest[0] if remainder else carries


@kernel(COMPILING)
def root(a: Any, tables: Any, starts: Any, out: Any) -> None:
    """Write bit 0 of the square roots that rows give: `naive.rows`.

    Args:
        a: uint64 (2 k,), the bits of 16 examples, four times over.
        tables: as in `divide`.
        starts: as in `divide`.
        out: uint64 (batches, LANES), what is written.
    """
    count = len(a) // 2
    rest, made = np.empty((count + 2, LANES), np.uint64), np.empty((count + 2, LANES), np.uint64)
    operand, carries = np.empty((count + 2, LANES), np.uint64), np.empty(LANES, np.uint64)
    for batch in range(len(tables)):
        rest[:] = np.uint64(0)
        operand[:] = np.uint64(0)
        operand[0] = ~np.uint64(0)
        for step in range(count):
            size = step + 3
            for place in range(size - 1, 1, -1):
                for lane in range(LANES):
                    rest[place, lane] = rest[place - 2, lane]
            rest[0], rest[1] = a[2 * (count - 1 - step)], a[2 * (count - 1 - step) + 1]
            _row(rest, operand, size, starts[batch], tables[batch], carries, made, step < count - 1)
            for place in range(size - 1, 2, -1):
                for lane in range(LANES):
                    operand[place, lane] = operand[place - 1, lane]
            operand[2] = carries
        out[batch] = carries
