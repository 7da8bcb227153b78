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
