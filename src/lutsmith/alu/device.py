"""A learned ALU for its users: operations by name on integers, whatever circuit computes them."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.alu.assembly import KEY
from lutsmith.alu.circuit import alu_circuit
from lutsmith.alu.machine import alu_cycles, alu_machine
from lutsmith.cells import LearnedCell
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load
from lutsmith.circuit.results import IntegerHead
from lutsmith.data.alu.integers import integers
from lutsmith.data.alu.operations import OPERATIONS, operation
from lutsmith.ground.arguments import instance_of, one_of

_STREAMS = 4096
"""How many operands a machine runs on at once."""


class LearnedALU:
    """A circuit of learned operations, by their names. Immutable.

    Args:
        circuit: one that `alu_circuit` or `alu_machine` made, or a file of it.

    Attributes:
        circuit: the circuit.
        bits: of an operand.
        operations: the names, in the order of their codes.
        cells: the learned cell of each operation, as recorded in the circuit's file; only the circuit computes.
        cycles: how many clock cycles it takes, if it is a machine; None: it is combinational.

    Raises:
        ValueError: a circuit that is not an ALU.
    """

    def __init__(self, circuit: Circuit | str | PathLike[str]) -> None:
        self.circuit = load(circuit) if isinstance(circuit, (str, PathLike)) else circuit
        instance_of("circuit", self.circuit, Circuit)
        told = self.circuit.metadata.other.get(KEY)
        if not isinstance(told, Mapping):
            raise ValueError("the circuit is not an ALU: its file names no operations; `lutsmith train alu` makes one")
        self.operations, self.bits, self._true, self.cells = _checked(told, self.circuit)
        self.cycles = _checked_cycles(told, self.circuit, self.cells, self.bits)

    @classmethod
    def of(cls, cells: Mapping[str, LearnedCell], bits: int, *, true: str = "one") -> LearnedALU:
        """Return the ALU of learned cells: `alu_circuit`."""
        for name, cell in cells.items():
            instance_of(f"the cell of {name}", cell, LearnedCell)
        return cls(alu_circuit(cells, bits, true=true))

    def widened(self, bits: int) -> LearnedALU:
        """Return the same cells at another width; a machine's as a machine."""
        make = alu_circuit if self.cycles is None else alu_machine
        return LearnedALU(make(self.cells, bits, true=self._true))

    def evaluate(self, name: str, a: ArrayLike, b: ArrayLike | None = None) -> NDArray[Any]:
        """Return the circuit's results of an operation on integers (N,): int64, or Python integers from 32 bits up.

        Args:
            name: one of `operations`.
            a: integers from 0 to 2^bits - 1.
            b: likewise; None where the operation has one operand.

        Raises:
            TypeError, ValueError: another operation, operands that the width does not hold, or one too many or too few.
        """
        one_of("operation", name, self.operations)
        if (b is None) != (operation(name).arity == 1):
            raise ValueError(f"{name} has {'two operands: give b' if b is None else 'one operand: leave b out'}")
        left = np.atleast_1d(integers("a", a, self.bits))
        right = np.zeros_like(left) if b is None else np.atleast_1d(integers("b", b, self.bits))
        left, right = np.broadcast_arrays(left, right)
        code = np.full(left.shape, self.operations.index(name))
        words = np.stack([each.astype(np.uint64) for each in (left, code, right)], axis=1)
        result = np.asarray(self.circuit.predict(words) if self.cycles is None else self._run(words, self.cycles))
        return self._truths(result) if operation(name).is_truth else result

    def _run(self, words: NDArray[np.uint64], cycles: int) -> NDArray[Any]:
        """Return the results of a machine in its last cycle."""
        bits = [
            self.circuit.run(words[start : start + _STREAMS], cycles, method="outputs")[:, -1]
            for start in range(0, max(len(words), 1), _STREAMS)
        ]
        result: NDArray[Any] = self.circuit.head.integers(np.concatenate(bits))["result"]  # type: ignore[union-attr]
        return result

    def _truths(self, result: NDArray[Any]) -> NDArray[np.int64]:
        """Return 1 where a comparison holds and 0 where it does not; -1 where the result word says neither."""
        word = np.array([int(each) for each in result.tolist()], object)
        ones = 1 if self._true == "one" else (-1 if self._signed else (1 << 2 * (self.bits + 1)) - 1)
        found = np.full(len(word), -1)
        found[word == ones] = 1
        found[word == 0] = 0
        return found

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
    if unknown or tuple(cells) != names or not names:
        what = (
            f"unknown operations {', '.join(unknown)}: register them first"
            if unknown
            else "cells of other operations, or in another order"
            if names
            else "no operations"
        )
        raise ValueError(f"the circuit's file names {what}")
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 64 or circuit.input_shape != (3,):
        raise ValueError(f"the circuit's file says that operands have {bits!r} bits; expected 1 to 64, and three words")
    words = {} if formats is None else dict(zip(formats.feature.tolist(), formats.bits.tolist(), strict=True))
    if other := [words[feature] for feature in (0, 2) if words.get(feature, bits) != bits]:
        raise ValueError(
            f"the circuit's file says that operands have {bits} bits, and the circuit has words of {other[0]}"
        )
    return names, bits, one_of("true", true, ("one", "ones")), cells


def _checked_cycles(
    told: Mapping[str, Any], circuit: Circuit, cells: Mapping[str, LearnedCell], bits: int
) -> int | None:
    """Return the cycles that a machine takes, None of a circuit without registers."""
    cycles, registers = told.get("cycles"), circuit.netlist.num_registers
    words = tuple(word.name for word in circuit.head.words) if isinstance(circuit.head, IntegerHead) else ()
    if cycles is None and registers:
        raise ValueError(
            f"the circuit has {registers} registers, and its file does not say that its ALU is a machine: "
            "`alu_machine` makes one, `alu_circuit` one without registers"
        )
    if cycles is not None and cycles != (takes := alu_cycles(cells, bits)):
        raise ValueError(f"the circuit's file says that its ALU takes {cycles!r} cycles, expected {takes}")
    if words != (expected := ("result",) if cycles is None else ("result", "done")):
        raise ValueError(f"the circuit gives {', '.join(words) or 'no words'}; an ALU gives {', '.join(expected)}")
    return alu_cycles(cells, bits) if cycles is not None else None
