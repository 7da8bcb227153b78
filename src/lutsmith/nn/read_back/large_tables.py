"""LUTs of any rank, found among a circuit's, which have up to six inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.nn.read_back.functions import MISSING, Functions, Numbers


def numbers_of(functions: Functions, reads: Numbers, words: NDArray[np.uint64]) -> Numbers:
    """Return the numbers of LUTs of any rank, (W,), of tables (W, words); `MISSING` where the circuit has none."""
    rank = reads.shape[1]
    if rank <= 6:
        return functions.of_luts(reads, words[:, 0])
    # f(x) = f_s(x_0 .. x_5) with s the number that the inputs above these make: the cofactors, and one that chooses.
    parts = words.shape[1]
    cofactors = functions.of_luts(np.repeat(reads[:, :6], parts, axis=0), words.reshape(-1)).reshape(-1, parts)
    whole = np.flatnonzero((cofactors != MISSING).all(axis=1))
    address = np.arange(1 << (parts + rank - 6), dtype=np.uint64)
    chosen = (address >> (address >> np.uint64(parts))) & np.uint64(1)
    chooser = np.bitwise_or.reduce(chosen << address)
    found = np.full(len(reads), MISSING, np.int64)
    inputs = np.concatenate([cofactors[whole], reads[whole, 6:]], axis=1)
    found[whole] = functions.of_luts(inputs, np.full(whole.size, chooser))
    return found
