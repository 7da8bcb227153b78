"""Evaluate a circuit on a single sample, one byte, 0 or 1, a signal: no packing, so that the answer comes soon.

A LUT costs six to twelve cycles: the bits of its inputs are gathered into an address, in a loop of its own for each
rank. Signals lie in the rows of the plan, so that their bytes stay in the cache. What a large network has to read are
its wires: they are 16 bits each, counted from the lowest row that a group reads, where that is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import extending
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel

_compiled: Callable[[Any], Any] = extending.register_jitable


def _of_rank(rank: int) -> Any:
    """A function that evaluates a group of LUTs of one rank; its loop over inputs is unrolled.

    Each rank has a name of its own: the linker takes functions of one name from two cached files for the same.
    """

    def luts(read: Any, values: Any, fanin: Any, tables: Any, group: Any) -> None:
        first, entry, out = np.uint64(group[1]), np.uint64(group[3]), np.uint64(group[4])
        pooled = np.uint64(group[5])
        for lut in range(group[2] * group[5]):
            index = np.uint64(lut)
            address = np.uint64(0)
            for slot in range(rank - 1, -1, -1):
                bit = read[fanin[entry + index * np.uint64(rank) + np.uint64(slot)]]
                address = np.uint64(2) * address + np.uint64(bit)
            value = (tables[first + index] >> address) & np.uint64(1)
            if pooled == np.uint64(1):
                values[out + index] = value
            elif index % pooled == np.uint64(0):
                values[out + index // pooled] = value
            else:
                values[out + index // pooled] |= value

    luts.__qualname__ = f"luts_of_rank_{rank}"
    return _compiled(luts)


_luts0, _luts1, _luts2, _luts3, _luts4, _luts5, _luts6 = (_of_rank(rank) for rank in range(7))


@_compiled
def _luts(read: Any, values: Any, fanin: Any, tables: Any, group: Any) -> None:
    rank = group[0]
    if rank == 0:
        _luts0(read, values, fanin, tables, group)
    elif rank == 1:
        _luts1(read, values, fanin, tables, group)
    elif rank == 2:
        _luts2(read, values, fanin, tables, group)
    elif rank == 3:
        _luts3(read, values, fanin, tables, group)
    elif rank == 4:
        _luts4(read, values, fanin, tables, group)
    elif rank == 5:
        _luts5(read, values, fanin, tables, group)
    else:
        _luts6(read, values, fanin, tables, group)


@kernel(ENGINE)
def evaluate(
    sample: NDArray[Any],
    features: NDArray[np.int32],
    thresholds: NDArray[np.float32],
    first: int,
    values: NDArray[np.uint8],
    near: NDArray[np.uint16],
    far: NDArray[np.uint32],
    tables: NDArray[np.uint64],
    groups: NDArray[np.int64],
) -> None:
    """Compare and evaluate.

    Args:
        sample: (F,) float32 or uint8.
        features: int32 (C,), the feature that each comparator reads.
        thresholds: float32 (C,), what it is compared with.
        first: comparator c writes byte first + c.
        values: uint8 (rows,), the values of the signals.
        near: uint16, the rows that the LUTs read, in the order of evaluation, counted from a row of their group.
        far: uint32, the same rows counted from 0; empty if no group needs it.
        tables: uint64 (N,), in the order of evaluation; bits from 2**rank up are not read.
        groups: int64 (G, 7): rank, first LUT, number of results, first entry of `near` or `far`, row of the first
            result, LUTs that a result is the OR of, and the row from which `near` counts, or -1: take `far`.
    """
    for index in range(len(features)):
        place = np.uint64(index)
        value = np.float32(sample[np.uint64(features[place])])
        values[np.uint64(first) + place] = value > thresholds[place]
    for number in range(len(groups)):
        group = groups[number]
        if group[6] >= 0:
            _luts(values[group[6] :], values, near, tables, group)
        else:
            _luts(values, values, far, tables, group)


@kernel(ENGINE)
def count(values: NDArray[np.uint8], rows: NDArray[np.uint32], counts: NDArray[np.int32]) -> int:
    """Count the ones of each group of outputs; return the group with most, or the lowest such.

    Args:
        values: uint8 (rows,), as `evaluate` left them.
        rows: uint32 (k, n), the outputs' rows.
        counts: int32 (k,): the result.
    """
    best = 0
    for group in range(len(rows)):
        total = 0
        for output in range(rows.shape[1]):
            total += values[rows[group, output]]
        counts[group] = total
        if total > counts[best]:
            best = group
    return best
