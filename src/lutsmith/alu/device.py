"""A learned ALU as its users see it: operations by name on integers, whatever circuit computes them."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.alu.circuit import KEY, alu_circuit
from lutsmith.cells import LearnedCell
from lutsmith.cells.learned import operand_bits
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load
from lutsmith.data.alu.operations import OPERATIONS, Operation, operation
from lutsmith.ground.arguments import instance_of, one_of


class LearnedALU:
    """A circuit of learned operations, by their names. Immutable.

    Args:
        circuit: one that `alu_circuit` made, or a file of it.

    Attributes:
        circuit: it.
        bits: of an operand.
        operations: the names, in the order of their codes.
        cells: the learned cell of each, as the circuit's file tells them; the circuit is what computes.

    Raises:
        ValueError: a circuit that is no ALU.
    """

    def __init__(self, circuit: Circuit | str | PathLike[str]) -> None:
        self.circuit = load(circuit) if isinstance(circuit, (str, PathLike)) else circuit
        instance_of("circuit", self.circuit, Circuit)
        told = self.circuit.metadata.other.get(KEY)
        if not isinstance(told, Mapping):
            raise ValueError("the circuit is no ALU: its file names no operations; `lutsmith train alu` makes one")
        self.operations, self.bits, self._true, self.cells = _checked(told, self.circuit)

    @classmethod
    def of(cls, cells: Mapping[str, LearnedCell], bits: int, *, true: str = "one") -> LearnedALU:
        """Return the ALU of learned cells: `alu_circuit`."""
        return cls(alu_circuit(cells, bits, true=true))

    def widened(self, bits: int) -> LearnedALU:
        """Return the same cells at another width."""
        return LearnedALU.of(self.cells, bits, true=self._true)

    def evaluate(self, name: str, a: ArrayLike, b: ArrayLike | None = None) -> NDArray[Any]:
        """Return what the circuit says of an operation on integers (N,), as `Operation.evaluate` gives results.

        Args:
            name: one of `operations`.
            a: integers from 0 to 2^bits - 1.
            b: likewise; None where the operation has one operand.

        Raises:
            TypeError, ValueError: another operation, or operands that the width does not hold.
        """
        one_of("operation", name, self.operations)
        operand_bits("a", a, self.bits)
        left = np.atleast_1d(np.asarray(a))
        right = np.zeros_like(left) if b is None else np.atleast_1d(np.asarray(b))
        operand_bits("b", right, self.bits)
        left, right = np.broadcast_arrays(left, right)
        code = np.full(left.shape, self.operations.index(name))
        words = np.stack([each.astype(np.uint64) for each in (left, code, right)], axis=1)
        result = np.asarray(self.circuit.predict(words))
        if operation(name).is_truth:
            return self._truths(result)
        return self._as_result(operation(name), result)

    def _truths(self, result: NDArray[Any]) -> NDArray[np.int64]:
        """Return 1 where a comparison holds and 0 where it does not; -1 where the result word says neither."""
        word = np.array([int(each) for each in result.tolist()], object)
        ones = 1 if self._true == "one" else (-1 if self._signed else (1 << 2 * (self.bits + 1)) - 1)
        found = np.full(len(word), -1)
        found[word == ones] = 1
        found[word == 0] = 0
        return found

    def _as_result(self, truth: Operation, result: NDArray[Any]) -> NDArray[Any]:
        wide = truth.result_bits(self.bits)
        return result.astype(np.int64) if result.dtype == object and wide < 64 else result

    @property
    def _signed(self) -> bool:
        return any(operation(name).result_signed() for name in self.operations)


def _checked(told: Mapping[str, Any], circuit: Circuit) -> tuple[tuple[str, ...], int, str, dict[str, LearnedCell]]:
    """Return what a file tells of an ALU; it may come from anybody."""
    try:
        names, bits, true = tuple(map(str, told["operations"])), told["bits"], told["true"]
        cells = {str(name): LearnedCell.of_json(cell) for name, cell in told["cells"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the circuit's file says wrongly what its ALU is: {error}") from error
    formats = None if circuit.words is None else circuit.words.formats
    unknown = [name for name in names if name not in OPERATIONS]
    if unknown or set(cells) != set(names) or len(set(names)) != len(names):
        what = (
            f"unknown operations {', '.join(unknown)}: register them first" if unknown else "cells of other operations"
        )
        raise ValueError(f"the circuit's file names {what}")
    widest = 0 if formats is None else int(formats.bits.max())
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 64 or circuit.input_shape != (3,):
        raise ValueError(f"the circuit's file says that operands have {bits!r} bits; expected 1 to 64, and three words")
    if widest > max(bits, 8):
        raise ValueError(
            f"the circuit's file says that operands have {bits} bits, and the circuit has words of {widest}"
        )
    return names, bits, one_of("true", true, ("one", "ones")), cells
