"""The proof of a file: its circuit is the ALU of the cells that it names, and each cell is its operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lutsmith.alu.device import LearnedALU
from lutsmith.alu.learners import DIVISIONS
from lutsmith.cells import LearnedCell
from lutsmith.cells.proof import CellProof, prove, prove_width
from lutsmith.cells.textbook import TEXTBOOK
from lutsmith.circuit.file import to_bytes
from lutsmith.hardware.equivalence import prove as prove_equal
from lutsmith.hardware.tools.tool import ToolError


@dataclass(frozen=True)
class ALUProof:
    """The result of the proof of an ALU.

    Attributes:
        circuit: "the ALU of its cells, bit for bit"; or the result of a proof that it equals that ALU.
        equal: whether the circuit was shown to be the ALU of its cells.
        different: whether it was shown not to be.
        cells: the proof of each operation's cell; it says something about the file only where `equal` holds.
    """

    circuit: str
    equal: bool
    different: bool
    cells: Mapping[str, CellProof]

    @property
    def all_proved(self) -> bool:
        """Whether the circuit is its cells', and each cell its operation, at this width at least."""
        return self.equal and all(proof.outcome == "proved" for proof in self.cells.values())

    @property
    def outcome(self) -> str:
        """Return "proved", "refuted" (something in it is shown to be wrong) or "not decided"."""
        if self.different or any(proof.outcome == "refuted" for proof in self.cells.values()):
            return "refuted"
        return "proved" if self.all_proved else "not decided"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "circuit": self.circuit,
            "equal": self.equal,
            "outcome": self.outcome,
            "cells": {name: str(proof) for name, proof in self.cells.items()},
        }


def prove_alu(alu: LearnedALU, *, max_seconds: float = 60.0) -> ALUProof:
    """Prove a learned ALU, whatever file it came from.

    The file names the cells, but the circuit computes. So the ALU of these cells is built again and compared with the
    circuit: bit for bit, or by ABC if the circuit was changed since (simplified). Then each cell is proved to be its
    operation; a division for b > 0 alone where b = 0 gives another result than hardware's.

    Args:
        alu: what is proved.
        max_seconds: for the comparison, and for each cell.
    """
    anew = alu.widened(alu.bits).circuit
    equal, said = to_bytes(alu.circuit) == to_bytes(anew), "the ALU of its cells, bit for bit"
    different = False
    if not equal:
        try:
            compared = prove_equal(alu.circuit, anew, timeout=max_seconds)
        except ToolError as error:
            said = f"not compared with the ALU of its cells: {error}"
        else:
            equal, different = compared.verdict == "equal", compared.verdict == "different"
            said = {"equal": "the same function as the ALU of its cells"}.get(
                compared.verdict, f"{compared.verdict}, compared with the ALU of its cells"
            )
    cells = {
        name: prove_cell(alu.cells[name], name, width=alu.bits, max_seconds=max_seconds) for name in alu.operations
    }
    return ALUProof(said, equal, different, cells)


def prove_cell(cell: LearnedCell, name: str, *, width: int | None = None, max_seconds: float = 60.0) -> CellProof:
    """Prove a cell to be an operation: at every width, else at `width` alone, if it is given, which then refutes.

    A division is proved at b = 0 too where it gives what hardware does, else for b > 0.
    """
    if name not in TEXTBOOK:
        return CellProof("not decided", reason="no specification of it is known")
    proof = prove(cell, name, width=width, max_seconds=max_seconds)
    if proof.outcome != "refuted":
        return proof
    zeros = ("ones", "skip") if name in DIVISIONS else ("ones",)
    if name in DIVISIONS:
        above = prove(cell, name, width=width, max_seconds=max_seconds, zero="skip")
        if above.outcome == "proved":
            return above
    if width is None or (proof.counterexample is not None and proof.counterexample.width == width and len(zeros) == 1):
        return proof
    for zero in zeros:
        at_width = prove_width(cell, name, width, max_seconds=max_seconds, zero=zero)
        if at_width.outcome == "proved":
            return replace(at_width, reason=f"wrong at other widths: {proof.counterexample}")
    return at_width
