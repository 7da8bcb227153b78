"""What the CPU kernels of all operations are made of: their argument block, and templates that they share.

A kernel is `kernel(address, part)`: `address` is that of an array of int64 fields (sizes, flags and addresses; numbered
below), `part` says which share of the LUTs and samples is its own. Kernels allocate nothing, raise nothing and know no
threads. Addresses and steps count bytes.

A template is a function whose globals are filled in for each rank and dtype: names that are declared, here and in the
`loops` of the operations, without a value. `build` compiles a copy of each with other globals; `real` makes a pointer
to numbers of the kernel's dtype.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.vectors import prefetch

# Fields of the argument block.
(
    LUTS, SAMPLES, FEATURES, TABLE_COUNT, CHOICES, LUT_PARTS, BATCH_PARTS, HARD, DWN,
    X, TABLES, INPUTS, TABLE_PTR, CANDIDATES, SCORES, SHARES, OUT, GRAD,
    DX, DX_MORE, DT, DT_MORE, DT_COPIES, DOTS, DOTS_MORE, SCRATCH, SCRATCH_STEP, RHO, TEMPERATURE, INNER,
    BITS, BITS_STEP, SLOTS, ENTRIES, DOTS_COPIES, PIXELS, PLACE_COUNT, AROUND, WINDOWS, DEPTH, WIDTH, NODES,
    OUTPUTS, ROWS, TAPS, PLANE, SHARED, OUTSIDE, LOGISTIC, SCALE,
    READERS, ENTRIES_OF_ROWS, SLOTS_OF_ROWS, SLOPED, SLOPED_STEP, BEGIN, END, GROUPS,
) = range(58)  # fmt: skip
FIELDS = 58

# Filled in for each dtype.
SIZE: int  # bytes a number
BYTES: int  # bytes an activation: of x, of results, and of their gradients
NARROW: bool  # whether activations are bfloat16 and numbers float32
LANES: int  # samples a vector
real: Any  # address -> pointer to numbers
activations: Any  # address -> pointer to activations
number: Any  # converts to the dtype


def share_of(count: int, part: int, parts: int, unit: int) -> tuple[int, int]:
    """Begin and end of a part's share, in multiples of `unit` but for the end."""
    begin, end = count * part // parts // unit * unit, count * (part + 1) // parts // unit * unit
    return begin, count if part + 1 == parts else end


def zero(address: int, count: int) -> None:
    """Set numbers to zero."""
    a = real(address)
    for k in range(count):
        a[k] = number(0)


def pad(source: int, target: int, count: int) -> None:
    """Copy activations of fewer samples than a vector holds, and fill it up with zeros."""
    a, b = activations(source), activations(target)
    for q in range(count):
        b[q] = a[q]
    for q in range(count, LANES):
        b[q] = 0


def ask_for(row: int, size: int) -> None:
    """Ask for the cache lines of a row, of up to 512 bytes: of so many without a loop, whose end is mispredicted."""
    if size >= 512:
        for line in range(8):
            prefetch(row + 64 * line)
    else:
        for line in range(0, size, 64):
            prefetch(row + line)
