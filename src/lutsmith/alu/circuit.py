"""One circuit of many learned operations: words in, an operation code, a word out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lutsmith.cells import LearnedCell, RowFeedback
from lutsmith.circuit import Circuit, CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.data.alu.operations import operation
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.logic.arithmetic import any_of
from lutsmith.logic.folding import FALSE, FoldingBuilder, address_bits, table

KEY = "alu"
"""Where a circuit's metadata say what it computes."""

TRUE = ("one", "ones")
"""How a comparison that holds is written: as 1, or as a word of ones."""

MAX_BITS = 64
MAX_OPERATIONS = 255


def alu_circuit(cells: Mapping[str, LearnedCell], bits: int, *, true: str = "one", **fields: Any) -> Circuit:
    """Return the circuit of learned operations: words a, op and b, in this order of features, to one result.

    The result has 2 (bits + 1) bits, of two's complement where an operation can be negative (`-`): results are
    extended by their sign, or by zeros. `op` is the place of the operation among `cells`, from 0; other codes give 0.
    Cells are parts; operations that read rows of one table (`/` and `%`) share them where their tables are equal.

    Args:
        cells: the learned cell of each operation, by its name.
        bits: of the operands, 1 to 64.
        true: how a comparison that holds is written: "one", or "ones", a word of all result bits.
        **fields: further ones of `CircuitBuilder.build` but for metadata.

    Raises:
        TypeError, ValueError: no operations, unknown ones, or cells whose results have another width than theirs.
    """
    whole_number("bits", bits, 1, MAX_BITS, "the bits of an operand")
    one_of("true", true, TRUE)
    if not 1 <= len(cells) <= MAX_OPERATIONS:
        raise ValueError(f"there are {len(cells)} cells; expected one for each of 1 to {MAX_OPERATIONS} operations")
    names, size = list(cells), 2 * (bits + 1)
    builder = CircuitBuilder((3,))
    a, code, b = (
        builder.words(each, width).tolist() for each, width in enumerate((bits, _code_bits(len(names)), bits))
    )
    results = _results(builder, cells, bits, a, b)
    for name in names:
        truth = operation(name)
        if len(results[name]) != truth.result_bits(bits):
            raise ValueError(
                f"the cell of {name} gives {len(results[name])} bits, expected {truth.result_bits(bits)} of {bits}"
            )
        ones = truth.is_truth and true == "ones"
        top = results[name][-1] if truth.result_signed() or ones else builder.constant(False)
        results[name] += [top] * (size - len(results[name]))
    result = _selected(builder, [results[name] for name in names], code)
    builder.integers({"result": result}, signed=any(operation(name).result_signed() for name in names))
    told = {
        "operations": names,
        "bits": bits,
        "true": true,
        "cells": {name: cell.to_json() for name, cell in cells.items()},
    }
    return builder.build(metadata=Metadata(other={KEY: told}), **fields)


def _results(
    builder: CircuitBuilder, cells: Mapping[str, LearnedCell], bits: int, a: list[int], b: list[int]
) -> dict[str, list[int]]:
    """Return the signals of each operation's result; a quotient and a remainder of equal tables are one array's."""
    made: dict[LearnedCell, list[int]] = {}
    results = {}
    for number, (name, cell) in enumerate(cells.items()):
        halves = isinstance(cell.fabric, RowFeedback) and cell.fabric.result in {"quotient", "remainder"}
        whole = LearnedCell(RowFeedback("both"), cell.tables) if halves else cell
        if whole not in made:
            made[whole] = whole.lower(builder, a, b, f"cell{number}_")
        signals = made[whole]
        if halves:
            signals = signals[:bits] if cell.fabric.result == "quotient" else signals[bits:]  # type: ignore[attr-defined]
        results[name] = list(signals)
    return results


def _code_bits(count: int) -> int:
    """Return the bits of a code that has room for one more: larger codes are read as the largest, which is nobody's."""
    return count.bit_length()


def _selected(builder: CircuitBuilder, results: list[list[int]], code: list[int]) -> list[int]:
    """Return the bits of the result whose place the code is: an AND with each, three of them a LUT, and their ORs."""
    logic, count = FoldingBuilder(builder), len(results)
    places = np.arange(count)
    chosen = logic.literals(builder.lut([code] * count, places[:, None] == np.arange(1 << len(code))))
    bits = logic.literals(np.array(results).T)  # (result bits, operations)
    pairs = np.stack([bits, np.broadcast_to(chosen, bits.shape)], axis=-1).reshape(len(bits), -1)
    padded = np.concatenate([pairs, np.full((len(bits), -pairs.shape[1] % 6), FALSE)], axis=1)
    x = address_bits(6)
    terms = logic.lut(padded.reshape(-1, 6), table((x[0] & x[1] | x[2] & x[3] | x[4] & x[5]) == 1))
    selected: list[int] = logic.signals(any_of(logic, terms.reshape(len(bits), -1))).tolist()
    return selected
