"""One circuit of many learned operations: words in, an operation code, a word out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith.alu.assembly import Assembly
from lutsmith.cells import LearnedCell
from lutsmith.circuit import Circuit


def alu_circuit(cells: Mapping[str, LearnedCell], bits: int, *, true: str = "one", **fields: Any) -> Circuit:
    """Return the circuit of learned operations: from words a, op and b, in this order of features, to one result.

    The result has 2 (bits + 1) bits, in two's complement where a result can be negative (`-`): results are extended by
    their sign, or by zeros. `op` is the place of the operation among `cells`, from 0; other codes give 0. Cells are
    parts; operations that read rows of one table (`/` and `%`) share them where their tables are equal.

    Args:
        cells: the learned cell of each operation, by its name.
        bits: of the operands, 1 to 64.
        true: how "true" is written as the result of a comparison: "one", or "ones", with all result bits 1.
        **fields: further ones of `CircuitBuilder.build` but for metadata.

    Raises:
        TypeError, ValueError: no operations, unknown ones, or cells whose results have another width than theirs.
    """
    alu = Assembly(cells, bits, true)
    results = alu.results(lambda cell, name: cell.lower(alu.builder, alu.a, alu.b, name))
    return alu.build({"result": alu.selected(results, alu.code)}, fields)
