"""Serial cells with one bit of state: all tables of the next state at once, and what the best read-out of them errs.

Examples are packed: bit b of word w of a row is example 64 w + b, and `mask` (W,) has the bits that are examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import extending, types

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the kernels that learn cells, once per machine, about 5 s"

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns


@intrinsic
def ones(_: Any, word: Any) -> Any:
    """How many bits of a word are 1."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@numba.njit(inline="always")
def _step(table: Any, a: Any, b: Any, state: Any) -> Any:
    """The words of `table[a, b, state]`; `table` has an integer of 8 bits."""
    ab = a & b
    zero = np.uint64(0)
    low, high = zero, zero
    if table & 1:
        low |= ~(a | b)
    if table & 2:
        low |= a & ~b
    if table & 4:
        low |= b & ~a
    if table & 8:
        low |= ab
    if table & 16:
        high |= ~(a | b)
    if table & 32:
        high |= a & ~b
    if table & 64:
        high |= b & ~a
    if table & 128:
        high |= ab
    return low ^ ((low ^ high) & state)


@kernel(COMPILING)
def walk(a: Any, b: Any, tables: Any, starts: Any, states: Any) -> None:
    """Write the last state of each candidate.

    Args:
        a: uint64 (n, W), the first operand's bits in the order in which the cell reads them.
        b: uint64 (n, W), the second's.
        tables: int64 (C,), of the next state.
        starts: int64 (C,), the first state, 0 or 1.
        states: uint64 (C, W), what is written.
    """
    for candidate in range(len(tables)):
        table = tables[candidate]
        for word in range(a.shape[1]):
            state = ~np.uint64(0) if starts[candidate] else np.uint64(0)
            for place in range(len(a)):
                state = _step(table, a[place, word], b[place, word], state)
            states[candidate, word] = state


@kernel(COMPILING)
def count_stream(a: Any, b: Any, y: Any, mask: Any, tables: Any, starts: Any, counts: Any) -> None:
    """Count, for each candidate, how often its output table is read at each address, and how often the bit there is 1.

    Args:
        a: uint64 (n, W), as in `walk`.
        b: uint64 (n, W).
        y: uint64 (n, W), the bit that is to be given at each place.
        mask: uint64 (W,).
        tables: int64 (C,).
        starts: int64 (C,).
        counts: int64 (C, 8, 2), what is written: examples and ones at the address a + 2 b + 4 state.
    """
    counts[:] = 0
    for candidate in range(len(tables)):
        table = tables[candidate]
        for word in range(a.shape[1]):
            state = ~np.uint64(0) if starts[candidate] else np.uint64(0)
            for place in range(len(a)):
                x, z, bit = a[place, word], b[place, word], y[place, word]
                for address in range(8):
                    here = mask[word] & (x if address & 1 else ~x) & (z if address & 2 else ~z)
                    here &= state if address & 4 else ~state
                    counts[candidate, address, 0] += ones(here)
                    counts[candidate, address, 1] += ones(here & bit)
                state = _step(table, x, z, state)


@kernel(COMPILING)
def count_pairs(states: Any, a: Any, b: Any, y: Any, mask: Any, errors: Any) -> None:
    """Write how many examples the best table of a bit of a, one of b and the states of two candidates says wrong.

    Args:
        states: uint64 (C, W).
        a: uint64 (W,).
        b: uint64 (W,).
        y: uint64 (W,), the bit that is to be given.
        mask: uint64 (W,).
        errors: int64 (C, C), what is written, where the second candidate is not before the first.
    """
    ends = np.empty((4, len(a)), np.uint64)
    for word in range(len(a)):
        for end in range(4):
            here = mask[word] & (a[word] if end & 1 else ~a[word])
            ends[end, word] = here & (b[word] if end & 2 else ~b[word])
    zero = np.int64(0)
    for first in range(len(states)):
        for second in range(first, len(states)):
            wrong = zero
            for end in range(4):
                n0, n1, n2, n3 = zero, zero, zero, zero
                k0, k1, k2, k3 = zero, zero, zero, zero
                for word in range(len(a)):
                    here, bit = ends[end, word], y[word]
                    one, other = states[first, word], states[second, word]
                    part = here & one & other
                    n3 += ones(part)
                    k3 += ones(part & bit)
                    part = here & one & ~other
                    n1 += ones(part)
                    k1 += ones(part & bit)
                    part = here & ~one & other
                    n2 += ones(part)
                    k2 += ones(part & bit)
                    part = here & ~one & ~other
                    n0 += ones(part)
                    k0 += ones(part & bit)
                wrong += min(k0, n0 - k0) + min(k1, n1 - k1) + min(k2, n2 - k2) + min(k3, n3 - k3)
            errors[first, second] = wrong
