"""Bit planes: bytes of samples as rows of bits, eight rows a byte.

Eight bytes of eight samples are one word, whose bits are transposed in three steps, as a matrix of 8 x 8 (H. S. Warren,
Hacker's Delight, 7-3): byte b of the result holds bit b of the eight samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.compiler import ENGINE, kernel

NONE = np.uint32(2**32 - 1)
"""The row of a bit that is not wanted."""


@kernel(ENGINE)
def pack(
    values: NDArray[np.uint64],
    data: NDArray[np.uint8],
    columns: NDArray[np.int64],
    rows: NDArray[np.uint32],
) -> None:
    """Write the bits of some bytes of up to 1,024 samples into a matrix of bits.

    Args:
        values: uint64 (rows, 16): bit b of word w of a row is that of sample 64 w + b.
        data: uint8 (n, bytes), a sample a row; n is a multiple of 64.
        columns: int64 (G,), the bytes that are read.
        rows: uint32 (G, 8), the row of each bit of these, or NONE.
    """
    planes = np.zeros(8, np.uint64)
    for word in range(len(data) // 64):
        for group in range(columns.size):
            column = columns[group]
            planes[:] = 0
            for octet in range(8):
                first = 64 * word + 8 * octet
                x = np.uint64(0)
                for sample in range(8):
                    x |= np.uint64(data[first + sample, column]) << np.uint64(8 * sample)
                t = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
                x = x ^ t ^ (t << np.uint64(7))
                t = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
                x = x ^ t ^ (t << np.uint64(14))
                t = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
                x = x ^ t ^ (t << np.uint64(28))
                for bit in range(8):
                    planes[bit] |= (x >> np.uint64(8 * bit) & np.uint64(255)) << np.uint64(8 * octet)
            for bit in range(8):
                row = rows[group, bit]
                if row != NONE:
                    values[row, word] = planes[bit]
