"""Evaluate a circuit on one sample: no packing and no blocks, so that the answer comes soon.

A signal is a byte, 0 or 1, and a LUT is a look-up: its inputs' bytes make the address of a bit of its table. That is 1
to 2 ns a LUT, as long as the signals lie in the first two caches; a block of 1,024 samples costs several times as much.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel


@numba.njit(nogil=True, error_model="numpy")
def _pair(values: Any, fanin: Any, entry: Any) -> Any:
    low, high = values[fanin[entry]], values[fanin[entry + np.uint64(1)]]
    return np.uint64(low) | np.uint64(high) << np.uint64(1)


@numba.njit(nogil=True, error_model="numpy")
def _triple(values: Any, fanin: Any, entry: Any) -> Any:
    return _pair(values, fanin, entry) | np.uint64(values[fanin[entry + np.uint64(2)]]) << np.uint64(2)


@kernel(ENGINE)
def evaluate_sample(
    sample: NDArray[np.float32],
    features: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
    registers: NDArray[np.uint8],
    fanin: NDArray[np.uint32],
    tables: NDArray[np.uint64],
    groups: NDArray[np.int64],
    values: NDArray[np.uint8],
) -> None:
    """Write the value of every signal: those of the comparators, of the registers, and of the nodes in order.

    Args:
        sample: float32 (F,).
        features: uint32 (I,), the feature that each comparator reads.
        thresholds: float32 (I,), what it is compared with.
        registers: uint8 (R,), what the registers hold.
        fanin: uint32, the signals that the nodes read.
        tables: uint64 (N,); bits from 2**rank up are not read.
        groups: int64 (G, 3): rank of a group of nodes, its first node, the number of nodes; one follows the other.
        values: uint8 (I + R + N,), the result.
    """
    for index in range(len(features)):
        values[index] = sample[features[index]] > thresholds[index]
    sources = len(features)
    for index in range(len(registers)):
        values[sources + index] = registers[index]
    sources += len(registers)
    entry = np.uint64(0)
    for group in range(len(groups)):
        rank, node = groups[group, 0], np.uint64(groups[group, 1])
        out = np.uint64(sources) + node
        for _ in range(groups[group, 2]):
            if rank == 6:
                address = _triple(values, fanin, entry) | _triple(values, fanin, entry + np.uint64(3)) << np.uint64(3)
            elif rank == 4:
                address = _pair(values, fanin, entry) | _pair(values, fanin, entry + np.uint64(2)) << np.uint64(2)
            elif rank == 2:
                address = _pair(values, fanin, entry)
            else:
                address = np.uint64(0)
                for slot in range(rank):
                    address |= np.uint64(values[fanin[entry + np.uint64(slot)]]) << np.uint64(slot)
            values[out] = (tables[node] >> address) & np.uint64(1)
            entry += np.uint64(rank)
            node += np.uint64(1)
            out += np.uint64(1)


@kernel(ENGINE)
def count_ones(values: NDArray[np.uint8], outputs: NDArray[np.uint32], counts: NDArray[np.int32]) -> int:
    """Count the ones in equal groups of outputs, and return the group of most; the lowest wins a tie.

    Args:
        values: uint8, as from `evaluate_sample`.
        outputs: uint32 (O,), the signals that are counted, group after group.
        counts: int32 (G,), the result.
    """
    size = len(outputs) // len(counts)
    place, best = np.uint64(0), 0
    for group in range(len(counts)):
        ones = np.uint32(0)
        for _ in range(size):
            ones += np.uint32(values[outputs[place]])
            place += np.uint64(1)
        counts[group] = ones
        if counts[group] > counts[best]:
            best = group
    return best
