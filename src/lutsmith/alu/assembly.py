"""What circuits of an ALU have in common: words in, cells whose results have one width, a code that selects one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lutsmith.cells import LearnedCell, RowFeedback
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.data.alu.operations import operation
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.logic.arithmetic import any_of
from lutsmith.logic.folding import FALSE, TRUE, FoldingBuilder, Literals, address_bits, table

KEY = "alu"
"""Where a circuit's metadata say what it computes."""

TRUTHS = ("one", "ones")
"""How a comparison that holds is written: as 1, or as a word of ones."""

MAX_BITS = 64
MAX_OPERATIONS = 255


class Assembly:
    """A circuit of an ALU that is being built.

    Args:
        cells: the learned cell of each operation, by its name.
        bits: of the operands, 1 to 64.
        true: how "true" is written as the result of a comparison.

    Attributes:
        builder: of the circuit.
        a: the signals of the first word.
        code: of the second: the place of the operation among `cells`. It has room for one more operation than there
            are: the largest code is nobody's, and larger ones are read as that.
        b: of the third.
        result_bits: of every result.

    Raises:
        TypeError, ValueError: no operations, too many or unknown ones, or other arguments that cannot be.
    """

    def __init__(self, cells: Mapping[str, LearnedCell], bits: int, true: str) -> None:
        whole_number("bits", bits, 1, MAX_BITS, "the bits of an operand")
        one_of("true", true, TRUTHS)
        if not 1 <= len(cells) <= MAX_OPERATIONS:
            raise ValueError(f"there are {len(cells)} cells; expected one for each of 1 to {MAX_OPERATIONS} operations")
        self._truths = {name: operation(name) for name in cells}
        self._cells, self._bits, self._true = cells, bits, true
        self.result_bits = 2 * (bits + 1)
        self.builder = CircuitBuilder((3,))
        widths = (bits, len(cells).bit_length(), bits)
        self.a, self.code, self.b = (
            self.builder.words(each, width).tolist() for each, width in enumerate(widths)
        )  # fmt: skip

    def results(self, lower: Callable[[LearnedCell, str], Sequence[int]]) -> list[list[int]]:
        """Return the signals of each operation's result, of `result_bits`: extended by its sign, or by zeros.

        A quotient and a remainder of equal tables are one array's.

        Args:
            lower: adds a cell to the builder, its parts called by a name, and returns the signals of its result.

        Raises:
            ValueError: a cell whose result has another width than the operation's, or one without room.
        """
        made: dict[LearnedCell, list[int]] = {}
        results = []
        for number, (name, cell) in enumerate(self._cells.items()):
            whole = _shared(cell)
            if whole not in made:
                made[whole] = list(lower(whole, f"cell{number}_"))
            signals = made[whole]
            if whole is not cell:
                assert isinstance(cell.fabric, RowFeedback)
                signals = signals[: self._bits] if cell.fabric.result == "quotient" else signals[self._bits :]
            results.append(self._extended(name, signals))
        return results

    def _extended(self, name: str, signals: list[int]) -> list[int]:
        truth = self._truths[name]
        if len(signals) != (expected := truth.result_bits(self._bits)):
            raise ValueError(f"the cell of {name} gives {len(signals)} bits, expected {expected} of {self._bits}")
        if expected > self.result_bits:
            raise ValueError(f"{name} gives {expected} bits; the results of an ALU have {self.result_bits}")
        ones = truth.is_truth and self._true == "ones"
        top = signals[-1] if truth.result_signed() or ones else self.builder.constant(False)
        return signals + [top] * (self.result_bits - len(signals))

    def selected(
        self,
        results: list[list[int]],
        code: Sequence[int],
        ready: Sequence[int] | None = None,
        otherwise: tuple[Sequence[int], int] | None = None,
    ) -> list[int]:
        """Return the bits of the result whose place the code is: an AND with each, three of them a LUT, and their ORs.

        Args:
            results: of each operation, in the order of the codes.
            code: the signals of the code.
            ready: for each operation a signal without which its result does not count; None: it always does.
            otherwise: a further word, and the signal that it counts with, whatever the code; None: there is none.
        """
        logic, count = FoldingBuilder(self.builder), len(results)
        wanted = np.arange(count)[:, None] >> np.arange(len(code)) & 1  # (operations, code bits)
        differ = logic.literals(code) ^ wanted
        if ready is not None:
            differ = np.concatenate([differ, logic.literals(ready)[:, None] ^ TRUE], axis=1)
        words, chosen = list(results), any_of(logic, differ) ^ TRUE
        if otherwise is not None:
            words.append(list(otherwise[0]))
            chosen = np.append(chosen, logic.literals([otherwise[1]]))
        selected: list[int] = logic.signals(_any_chosen(logic, logic.literals(np.array(words).T), chosen)).tolist()
        return selected

    def build(self, words: Mapping[str, Sequence[int]], fields: Mapping[str, Any], **told: Any) -> Circuit:
        """Return the circuit that gives words, of which "result" is one; its metadata say what it computes, and `told`.

        Args:
            words: the signals of each word, by its name.
            fields: further ones of `CircuitBuilder.build` but for metadata.
            **told: what the metadata say besides.
        """
        signed = ["result"] if any(truth.result_signed() for truth in self._truths.values()) else ()
        self.builder.integers(words, signed=signed)
        about = {
            "operations": list(self._cells),
            "bits": self._bits,
            "true": self._true,
            "cells": {name: cell.to_json() for name, cell in self._cells.items()},
            **told,
        }
        return self.builder.build(metadata=Metadata(other={KEY: about}), **fields)


def _shared(cell: LearnedCell) -> LearnedCell:
    """Return the cell that gives a quotient and a remainder at once, of one that gives either; else the cell itself."""
    if isinstance(cell.fabric, RowFeedback) and cell.fabric.result in {"quotient", "remainder"}:
        return LearnedCell(RowFeedback("both"), cell.tables)
    return cell


def _any_chosen(logic: FoldingBuilder, bits: Literals, chosen: Literals) -> Literals:
    """Return the literals (W,) of whether any of the bits (W, n) is 1 whose `chosen` (n,) is."""
    pairs = np.stack([bits, np.broadcast_to(chosen, bits.shape)], axis=-1).reshape(len(bits), -1)
    padded = np.concatenate([pairs, np.full((len(bits), -pairs.shape[1] % 6), FALSE)], axis=1)
    x = address_bits(6)
    terms = logic.lut(padded.reshape(-1, 6), table((x[0] & x[1] | x[2] & x[3] | x[4] & x[5]) == 1))
    return any_of(logic, terms.reshape(len(bits), -1))
