"""Examples of an operation: pairs of integers and what came of them, as bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import MAX_WIDTH, LearnedCell, operand_bits
from lutsmith.circuit.results import integers_of
from lutsmith.ground.arguments import instance_of, whole_number


class ContradictionError(ValueError):
    """Examples that no table of a fabric can agree with.

    Attributes:
        numbers: of some that cannot go together, ascending; empty where they were not looked for.
        used: how many examples had been looked at.
    """

    def __init__(self, message: str, numbers: Sequence[int] = (), used: int = 0) -> None:
        super().__init__(message)
        self.numbers, self.used = tuple(numbers), used


@dataclass(frozen=True, eq=False)
class Examples:
    """Operands and results as bits, the lowest first.

    Attributes:
        a: bool (N, width).
        b: bool (N, width).
        z: bool (N, result bits).
    """

    a: NDArray[np.bool_]
    b: NDArray[np.bool_]
    z: NDArray[np.bool_]

    @classmethod
    def of(cls, fabric: Fabric, a: ArrayLike, b: ArrayLike | None, z: ArrayLike, width: int) -> Examples:
        """Return the examples of a fabric.

        Args:
            fabric: what is to give the results; it says how many bits these have.
            a: integers (N,) from 0 to 2^width - 1.
            b: likewise; None where there is one operand.
            z: the results: integers that the bits of the result hold, from -2^(bits - 1) where they are negative.
            width: of the operands.

        Raises:
            TypeError, ValueError: no examples, parts of different lengths, or integers that the bits do not hold.
        """
        instance_of("fabric", fabric, Fabric)
        whole_number("width", width, 1, MAX_WIDTH, "the bits of an operand")
        bits = fabric.result_bits(width)
        left, results = operand_bits("a", a, width), operand_bits("z", _words(z, bits), bits)
        right = np.zeros_like(left) if b is None else operand_bits("b", b, width)
        if not len(left) == len(right) == len(results):
            raise ValueError(
                f"a, b and z have {len(left)}, {len(right)} and {len(results)} rows; expected as many each"
            )
        if not len(left):
            raise ValueError("there are no examples: give at least one")
        return cls(left, right, results)

    def __len__(self) -> int:
        return len(self.a)

    def wrong(self, cell: LearnedCell) -> NDArray[np.int64]:
        """Return the numbers of the examples whose results a cell does not give, ascending."""
        return np.flatnonzero((cell.outputs(self.a, self.b) != self.z).any(axis=1))

    def shown(self, number: int) -> str:
        """Return an example as text."""
        a, b, z = (integers_of(bits[number].astype(np.bool_), signed=False) for bits in (self.a, self.b, self.z))
        return f"({a}, {b}) -> {z}"


def _words(z: ArrayLike, bits: int) -> Any:
    """Return results with negative ones as two's complement."""
    given = np.atleast_1d(np.asarray(z))
    if given.dtype == np.bool_:
        return given.astype(np.int64)
    if given.dtype.kind == "u" or (given.dtype.kind == "i" and not (given < 0).any()):
        return given
    values = np.atleast_1d(np.array(z, object))
    low = -(1 << bits - 1)
    return np.array(
        [v + (1 << bits) if isinstance(v, (int, np.integer)) and low <= v < 0 else v for v in values.tolist()], object
    )
