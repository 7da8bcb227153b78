"""What a LUT says of packed rows, 64 samples at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel


@kernel()
def evaluate(bits: Any, inputs: Any, table: Any, out: Any) -> None:
    """Write the words (W,) of a LUT that reads the rows `inputs` (n,) of `bits` (F, W); `table` is bool (2**n,).

    The table is folded input by input, the highest first: half as many words are left each time.
    """
    zero = np.uint64(0)
    half = np.empty(table.size, np.uint64)
    for word in range(out.size):
        for entry in range(table.size):
            half[entry] = ~zero if table[entry] else zero
        size = table.size
        for slot in range(inputs.size - 1, -1, -1):
            x = bits[inputs[slot], word]
            size >>= 1
            for entry in range(size):
                half[entry] ^= (half[entry] ^ half[entry + size]) & x
        out[word] = half[0]


@kernel()
def add_up(bits: Any, inputs: Any, values: Any, sums: Any) -> None:
    """Write D_a, int64 (2**n,), the sums of int32 values (N,) at the addresses that the rows `inputs` (n,) give."""
    sums[:] = 0
    one = np.uint64(1)
    words = np.empty(inputs.size, np.uint64)
    for word in range(-(-values.size // 64)):
        for slot in range(inputs.size):
            words[slot] = bits[inputs[slot], word]
        for bit in range(min(64, values.size - 64 * word)):
            value = values[64 * word + bit]
            if value != 0:
                address = np.uint64(0)
                for slot in range(inputs.size):
                    address |= (words[slot] >> np.uint64(bit) & one) << np.uint64(slot)
                sums[address] += value
