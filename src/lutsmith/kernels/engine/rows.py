"""Rows of bits that lie anywhere in memory: gathered, and their ones counted. Rows are given by their addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel

intrinsic: Callable[[Any], Any] = extending.intrinsic  # Numba's annotations say that calling one never returns


@intrinsic
def _word(_: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()), align=8)

    return types.uint64(types.int64), generate


@kernel(ENGINE)
def gather(rows: NDArray[np.int64], first: int, result: NDArray[np.uint64]) -> None:
    """Copy the words of rows from word `first` on.

    Args:
        rows: int64 (k,), addresses.
        first: see above.
        result: uint64 (k, W).
    """
    for row in range(len(rows)):
        start = rows[row] + 8 * first
        for word in range(result.shape[1]):
            result[row, word] = _word(start + 8 * word)


@kernel(ENGINE)
def count_ones(rows: NDArray[np.int64], words: int, ones: NDArray[np.int64]) -> None:
    """Count the bits that are set in the first `words` words of each row.

    Args:
        rows: int64 (k,), addresses.
        words: see above.
        ones: int64 (k,): the result.
    """
    for row in range(len(rows)):
        total = np.uint64(0)
        for word in range(words):
            bits = _word(rows[row] + 8 * word)
            bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
            bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
            bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += (bits * np.uint64(0x0101010101010101)) >> np.uint64(56)
        ones[row] = total


@kernel(ENGINE)
def update_counts(
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    words: int,
    groups: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    """Change the ones that were counted in each group and sample by the bits that differ between rows.

    Args:
        before: int64 (k,), addresses of rows as they were counted.
        after: int64 (k,), of rows as they are.
        words: of each row.
        groups: int64 (k,), the group of each row.
        counts: int32 (G, 64 words), changed in place.
    """
    for row in range(len(before)):
        counted = counts[groups[row]]
        for word in range(words):
            now, then = _word(after[row] + 8 * word), _word(before[row] + 8 * word)
            if now != then:
                samples = counted[64 * word : 64 * word + 64]
                for sample in range(64):  # without branches: eight or sixteen samples at once
                    bit = np.uint64(sample)
                    samples[sample] += np.int32(now >> bit & np.uint64(1)) - np.int32(then >> bit & np.uint64(1))
