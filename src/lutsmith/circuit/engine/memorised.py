"""What entries of tables gain by being 1, told by counting: how LUTs memorise targets, whoever holds the tables.

Source: S. Chatterjee, "Learning and Memorization", ICML 2018.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.kernels.counting import targets as counting

PIECE = 16
"""LUTs that a thread counts at a time."""


def entry_gains(
    bits: NDArray[np.uint64],
    inputs: NDArray[np.int32],
    targets: NDArray[np.uint64],
    target_of: NDArray[np.int64],
    samples: int,
    *,
    balanced: bool = True,
    table_of: NDArray[np.int64] | None = None,
    threads: int | None = None,
) -> NDArray[np.int64]:
    """Return what is gained where an entry is 1 and not 0, int64 (L, 2**n); 0 where nothing tells.

    Args:
        bits: uint64 (F, W), a bit for each sample.
        inputs: int32 (L, n), the rows of `bits` that each LUT reads.
        targets: uint64 (T, W).
        target_of: int64 (L,), the target that each LUT learns.
        samples: N.
        balanced: count a sample the less the more others have its target bit. False: all alike, as in the source.
        table_of: int64 (L,), the table of each LUT, of which there are P; the result is (P, 2**n). None: its own.
        threads: by default LUTSMITH_NUM_THREADS, else all cores. The result is the same.
    """
    counts = np.empty((len(inputs), 2, 1 << inputs.shape[1]), np.int64)

    def work(take: Callable[[], int | None]) -> None:
        while (piece := take()) is not None:
            own = slice(PIECE * piece, PIECE * (piece + 1))
            counting.count(bits, inputs[own], targets, target_of[own], samples, counts[own])

    share(-(-len(inputs) // PIECE), num_threads(threads), work)
    if table_of is not None:
        shared = np.zeros((int(table_of.max(initial=-1)) + 1, *counts.shape[1:]), np.int64)
        np.add.at(shared, table_of, counts)
        counts = shared
    weights = np.maximum(counts.sum(axis=2, keepdims=True), 1) if balanced else np.ones((1, 2, 1), np.int64)
    gains: NDArray[np.int64] = counts[:, 1] * weights[:, 0] - counts[:, 0] * weights[:, 1]
    return gains
