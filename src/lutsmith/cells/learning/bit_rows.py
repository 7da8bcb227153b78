"""Examples as rows of bits, checked: those of operands beside each other, and that no two contradict each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.learning.examples import ContradictionError
from lutsmith.ground.arrays import booleans


def operands_of(x: ArrayLike, operands: int = 2) -> tuple[NDArray[np.bool_], int]:
    """Return bits of operands, bool (N, operands * n), and n.

    Raises:
        TypeError, ValueError: no bits, another shape, or no example.
    """
    inputs = booleans("x", x)
    if inputs.ndim != 2 or not inputs.size or inputs.shape[1] % operands:
        expected = "(N, 2 n)" if operands == 2 else "(N, n)"
        raise ValueError(f"x has shape {inputs.shape}, expected {expected} with at least one example")
    return inputs, inputs.shape[1] // operands


def refuse_contradictions(x: NDArray[np.bool_], y: NDArray[np.bool_]) -> None:
    """Raise an error where two examples have the same inputs, (N, n), and different results, (N,).

    Raises:
        ContradictionError: which two.
    """
    _, first, which = np.unique(np.packbits(x, axis=1), axis=0, return_index=True, return_inverse=True)
    earlier = first[which.reshape(-1)]
    if (different := y != y[earlier]).any():
        row = int(different.argmax())
        raise ContradictionError(
            f"examples {earlier[row]} and {row} have the same inputs and different results; no cell has both"
        )


def checked(x: ArrayLike, y: ArrayLike, operands: int = 2) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Return examples of one bit, bool (N, operands * n) and (N,), and n.

    Raises:
        TypeError, ValueError: no bits, other shapes, or no example.
        ContradictionError: two that contradict each other.
    """
    inputs, width = operands_of(x, operands)
    bits = booleans("y", y)
    if bits.shape != (len(inputs),):
        raise ValueError(f"y has shape {bits.shape}, expected ({len(inputs)},)")
    refuse_contradictions(inputs, bits)
    return inputs, bits, width
