"""A learned ALU as a machine: one cell or one row of each operation, used once in each clock cycle, and registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith.alu.assembly import Assembly
from lutsmith.cells import LearnedCell
from lutsmith.cells.machine import Clock, cycles, rows_alike
from lutsmith.circuit import Circuit


def alu_cycles(cells: Mapping[str, LearnedCell], bits: int) -> int:
    """Return how many clock cycles `alu_machine` takes: as many as the slowest of the operations."""
    return max(_cycles(cell, bits) for cell in cells.values())


def alu_machine(cells: Mapping[str, LearnedCell], bits: int, *, true: str = "one", **fields: Any) -> Circuit:
    """Return the circuit with registers that computes what `alu_circuit` does, in `alu_cycles(cells, bits)` cycles.

    The words a, op and b are read in cycle 0, and not in the cycles after it. In the last of the N cycles the word
    `done` is 1, and `result` is that of `alu_circuit`; in other cycles `done` is 0, and `result` has no meaning. The
    next operands are read in cycle N, and so on; no reset is needed.

    All operations start at once, each in a machine of its own (`cells.machine`) that counts on the same registers and
    reads the same copies of the operands, and the result of the one that the code chose is kept when it is there.
    `/` and `%` share rows as in `alu_circuit`. Fabrics whose rows differ (counts, shifts, square roots) have no such
    machine: they are combinational, in cycle 0.

    Args:
        cells: the learned cell of each operation, by its name.
        bits: of the operands, 1 to 64.
        true: how "true" is written as the result of a comparison: "one", or "ones", with all result bits 1.
        **fields: further ones of `CircuitBuilder.build` but for metadata.

    Raises:
        TypeError, ValueError: as of `alu_circuit`.
    """
    alu = Assembly(cells, bits, true)
    builder, count = alu.builder, alu_cycles(cells, bits)
    clock = Clock(builder, count)

    def lower(cell: LearnedCell, name: str) -> list[int]:
        if not rows_alike(cell.fabric):
            return cell.lower(builder, alu.a, alu.b, name)
        return clock.result(cell, alu.a, alu.b, name)

    results, code = alu.results(lower), clock.held(alu.code)
    ready = [clock.ring[_cycles(cell, bits) - 1] for cell in cells.values()]
    if count == 1:
        result = alu.selected(results, code, ready)
    else:
        kept = builder.register(alu.result_bits)
        (later,) = builder.lut([[clock.first]], [[1, 0]]).tolist()
        result = alu.selected(results, code, ready, (kept.tolist(), later))
        builder.connect(kept, result)
    return alu.build({"result": result, "done": [clock.last]}, fields, cycles=count)


def _cycles(cell: LearnedCell, bits: int) -> int:
    return cycles(cell.fabric, bits) if rows_alike(cell.fabric) else 1
