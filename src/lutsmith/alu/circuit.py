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

KEY = "alu"
"""Where a circuit's metadata say what it computes."""

TRUE = ("one", "ones")
"""How a comparison that holds is written: as 1, or as a word of ones."""

MAX_BITS = 64


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
    if not cells:
        raise ValueError("there are no cells; expected one for each operation")
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
    chosen = _decoded(builder, code, len(names))
    result = [_selected(builder, [results[name][place] for name in names], chosen) for place in range(size)]
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
    return max(1, (count - 1).bit_length())


def _decoded(builder: CircuitBuilder, code: list[int], count: int) -> list[int]:
    """Return, for each operation, the signal of whether the code is its place."""
    tables = np.zeros((count, 1 << len(code)), np.bool_)
    tables[np.arange(count), np.arange(count)] = True
    if len(code) > 8:
        raise ValueError(f"{count} operations are more than the 256 of an operation code")
    signals: list[int] = builder.lut([code] * count, tables).tolist()
    return signals


def _selected(builder: CircuitBuilder, bits: list[int], chosen: list[int]) -> int:
    """Return the bit whose operation is chosen: pairs of an AND each, three to a LUT, and ORs of up to six."""
    zero = builder.constant(False)
    terms = [(bit, choice) for bit, choice in zip(bits, chosen, strict=True) if bit != zero]
    level = []
    for start in range(0, len(terms), 3):
        some = terms[start : start + 3]
        level.append(_lut(builder, [signal for term in some for signal in term], _any_pair))
    while len(level) > 1:
        level = [
            _lut(builder, level[start : start + 6], lambda *given: any(given)) if len(level[start : start + 6]) > 1
            else level[start]
            for start in range(0, len(level), 6)
        ]  # fmt: skip
    return level[0] if level else zero


def _any_pair(*given: bool) -> bool:
    return any(bit and choice for bit, choice in zip(given[::2], given[1::2], strict=True))


def _lut(builder: CircuitBuilder, signals: list[int], function: Any) -> int:
    rank = len(signals)
    table = [function(*(bool(address >> place & 1) for place in range(rank))) for address in range(1 << rank)]
    return int(builder.lut([signals], [table])[0])
