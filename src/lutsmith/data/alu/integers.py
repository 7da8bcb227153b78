"""Integers of any width, as arrays: the range of each width, and one check of arrays that users pass in.

An array of integers is int64 where int64 holds every value of its width and sign, uint64 for unsigned integers of 64
bits, and otherwise an array of Python integers (dtype object).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import whole_number

Integers = NDArray[Any]
"""An array of integers: int64, uint64 or object, as above."""


def width(bits: Any, name: str = "bits") -> int:
    """Return a width, which is an integer of at least 1.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is below 1.
    """
    return whole_number(name, bits, 1, what="the width of an operand")


def bounds(bits: int, signed: bool) -> tuple[int, int]:
    """Return the least and the largest integer of a width; signed ones are in two's complement."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def dtype_of(bits: int, signed: bool) -> np.dtype[Any]:
    """Return the dtype of arrays of integers of a width."""
    if bits <= 63 + signed:
        return np.dtype(np.int64)
    return np.dtype(np.uint64 if bits == 64 else object)


def integers(name: str, values: Any, bits: int, signed: bool = False) -> Integers:
    """Check the given operands and return them as an array of integers.

    Args:
        name: of the operand, for messages.
        values: an integer, a list of integers, or an array of an integer dtype or of Python's integers.
        bits: the width.
        signed: whether they are in two's complement.

    Raises:
        TypeError: floats, truth values or text.
        ValueError: a value that the width does not hold; the message names the first one.
    """
    given = whole(name, values)
    least, most = bounds(bits, signed)
    wrong = (given < least) | (given > most) if given.size else np.zeros(given.shape, bool)
    if np.any(wrong):
        place = int(np.argmax(np.asarray(wrong, bool).reshape(-1)))
        raise ValueError(
            f"{name} is {given.reshape(-1)[place]}{_at(place, given)}; expected an integer from {least} to {most}: "
            f"{bits} bits, {'signed' if signed else 'unsigned'}"
        )
    dtype = dtype_of(bits, signed)
    return as_python_integers(given) if dtype.kind == "O" else given.astype(dtype)


def whole(name: str, values: Any) -> NDArray[Any]:
    """Return the given values as an array of an integer dtype or of Python integers.

    Raises:
        TypeError: floats, truth values or text.
    """
    given = values if isinstance(values, np.ndarray) else _from_python(values)
    if given.dtype.kind == "O":
        for place, value in enumerate(given.flat):
            if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} holds {value!r}{_at(place, given)}; expected integers")
    elif given.dtype.kind not in "iu":
        raise TypeError(f"{name} is an array of {given.dtype}; expected integers")
    return given


def as_python_integers(values: Integers) -> NDArray[Any]:
    """Return an array of integers as one of Python's own."""
    if values.dtype.kind != "O":
        return values.astype(object)
    return np.asarray(np.frompyfunc(int, 1, 1)(values), object)


def chosen(first: NDArray[np.bool_], one: Integers, other: Integers) -> Integers:
    """Return the integers of `one` where `first` holds and of `other` elsewhere, each exactly.

    NumPy would join int64 and uint64 as float64, which has no integers above 2**53; they become Python's integers.
    """
    if {one.dtype.kind, other.dtype.kind} == {"i", "u"}:
        one, other = as_python_integers(one), as_python_integers(other)
    return np.where(first, one, other)


def narrowed(values: NDArray[Any], bits: int, signed: bool) -> Integers:
    """Return the low bits of integers as the integers that they stand for at a width.

    Args:
        values: Python's integers; or truth values or int64, for a width of at most 63 bits.
        bits: the width.
        signed: whether the low bits are in two's complement.
    """
    wide = values.dtype.kind == "O"
    kept = values if wide else values.astype(np.int64, copy=False)
    mask, top = (1 << bits) - 1, 1 << (bits - 1)
    low = kept & mask
    return np.asarray((low ^ top) - top if signed else low).astype(dtype_of(bits, signed), copy=False)


def _from_python(values: Any) -> NDArray[Any]:
    return np.asarray(values) if isinstance(values, np.generic) else np.array(values, dtype=object)


def _at(place: int, array: NDArray[Any]) -> str:
    return f" at place {place}" if array.ndim else ""
