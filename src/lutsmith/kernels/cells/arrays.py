"""Array cells of many candidates at once: 16 examples a candidate, 4 candidates a word, 16 words side by side.

A table of 3 inputs is its algebraic normal form, 8 masks: t = m0 ^ m1 x ^ m2 y ^ m3 xy ^ m4 z ^ m5 xz ^ m6 yz ^ m7 xyz,
so that candidates with different tables run through the same operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.cells.serial import COMPILING
from lutsmith.kernels.compiler import kernel

LANES = 16
"""Words that go through a kernel side by side: long enough a loop for vectors, short enough for the first cache."""

SLOTS = 4
"""Candidates of a word."""

BATCH = LANES * SLOTS
EXAMPLES = 64 // SLOTS
"""Examples of which a candidate is judged."""


@kernel(COMPILING)
def array(a: Any, b: Any, gate: Any, total: Any, carry: Any, out: Any) -> None:
    """Write bit n - 1 of what arrays give: `naive.array`.

    Args:
        a: uint64 (n,), the bits of the first operand of 16 examples, four times over.
        b: uint64 (n,).
        gate: 0 to 15, the table of a_i and b_j.
        total: uint64 (batches, 8, LANES), the masks of the sums' tables.
        carry: uint64 (batches, 8, LANES).
        out: uint64 (batches, LANES), what is written.
    """
    n = len(a)
    zero = np.uint64(0)
    sums, carries = np.empty((n, LANES), np.uint64), np.empty(LANES, np.uint64)
    for batch in range(len(total)):
        sums[:] = zero
        t, u = total[batch], carry[batch]
        for row in range(n):
            carries[:] = zero
            for place in range(row, n):
                x, y = a[place - row], b[row]
                g = zero
                if gate & 1:
                    g |= ~(x | y)
                if gate & 2:
                    g |= x & ~y
                if gate & 4:
                    g |= y & ~x
                if gate & 8:
                    g |= x & y
                for lane in range(LANES):
                    p, c = sums[place, lane], carries[lane]
                    pg, pc, gc = p & g, p & c, g & c
                    pgc = pg & c
                    sums[place, lane] = (
                        t[0, lane] ^ t[1, lane] & p ^ t[2, lane] & g ^ t[3, lane] & pg
                        ^ t[4, lane] & c ^ t[5, lane] & pc ^ t[6, lane] & gc ^ t[7, lane] & pgc
                    )  # fmt: skip
                    carries[lane] = (
                        u[0, lane] ^ u[1, lane] & p ^ u[2, lane] & g ^ u[3, lane] & pg
                        ^ u[4, lane] & c ^ u[5, lane] & pc ^ u[6, lane] & gc ^ u[7, lane] & pgc
                    )  # fmt: skip
        out[batch] = sums[n - 1]
