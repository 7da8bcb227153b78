"""Proofs that a learned cell computes an operation, at every width where that goes.

What is proved is that a cell is equal to a *specification*, the textbook's cell of the operation:

- `walks`: bitwise and serial cells and those of two passes, by the product automaton of both: every width.
- `closures`: products and counts, by a closed relation of sums and carries: every width.
- `rows`: quotients, remainders and square roots, by induction over rows, b = 0 included: every width.
- `miter`: what is left open, by a SAT solver at one width. It also says which entries of a table operands read at all.
- Shifts by equality of tables, as two bits read and show every entry.

Where a step fails, a counterexample is searched, and none is reported before both cells were run on it. A failed
induction alone refutes nothing: the outcome is then a proof at one width, or "not decided".

What is trusted: this code; the SAT solver, of proofs whose scope is one width; and that the specification is the
operation. For the last there are two checks, of different kind: `laws` proves it from integer arithmetic, by an
invariant of which each step is an equation about table entries (of an adder, a + b + c = out + 2 c'); and `exhaustive`
runs cells on all operands of small widths against Python's integers, which alone would prove nothing of larger ones.
"""

from lutsmith.cells.proof.exhaustive import Exhausted, exhaustive
from lutsmith.cells.proof.laws import LAWS, holds
from lutsmith.cells.proof.miter import reachable
from lutsmith.cells.proof.prove import prove, prove_width
from lutsmith.cells.proof.report import CellProof, Counterexample

__all__ = [
    "LAWS",
    "CellProof",
    "Counterexample",
    "Exhausted",
    "exhaustive",
    "holds",
    "prove",
    "prove_width",
    "reachable",
]
