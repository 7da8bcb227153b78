"""The proof of a cell: by induction at every width where that goes, else at one width, and never without a run."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.proof import closures, miter, rows, walks
from lutsmith.cells.proof.exhaustive import exhaustive, first_difference
from lutsmith.cells.proof.report import CellProof, Counterexample
from lutsmith.cells.serial import SerialCell
from lutsmith.cells.textbook import TEXTBOOK, specification
from lutsmith.data.alu.operations import operation as operation_of
from lutsmith.ground.arguments import instance_of, number, one_of, whole_number

DEFAULT_WIDTH = 15
CHECKED = 5
"""The width up to which what is proved is also run."""
SEARCHED = 7
"""The width up to which operands are searched for a counterexample before a solver is asked."""
RUN = 10
"""The width up to which all operands are run where one width is asked for."""
FOLLOWING = 4
"""How many bits more of a are tried where a row fails and the result does not show it."""

AUTOMATON = "product automaton"
ZERO = ("ones", "skip")
_DIVISIONS = {"/": ("quotient", "both"), "%": ("remainder", "both"), "/%": ("both",)}

Found = bool | walks.Operands | None
"""True: equal at every width; operands at which a step fails; False or None: left open."""


def prove(
    cell: LearnedCell,
    operation: str | LearnedCell,
    *,
    width: int | None = None,
    max_seconds: float = 60.0,
    zero: str = "ones",
) -> CellProof:
    """Prove that a cell computes an operation, or find operands at which it does not.

    Args:
        cell: what is proved.
        operation: a name of `TEXTBOOK`, or "/%"; or a cell, which is the specification.
        width: of the operands, where no induction decides and a SAT solver is asked (python-sat); None: 15.
        max_seconds: after which it is left undecided.
        zero: what a divider is asked for at b = 0: "ones", a quotient of ones and the remainder a; "skip", nothing:
            the proof is of b > 0, and says so.

    Raises:
        TypeError, ValueError: no cell, no such operation, one that the fabric gives no result of, or a width below 1.
        ModuleNotFoundError: a SAT solver is needed, and python-sat is not installed.
    """
    begin = monotonic()
    instance_of("cell", cell, LearnedCell)
    bits = DEFAULT_WIDTH if width is None else whole_number("width", width, 1, 64, "the bits of an operand")
    number("max_seconds", max_seconds, lambda value: value > 0, "a number above 0")
    one_of("zero", zero, ZERO)
    right = _specification(cell, operation)
    divides = isinstance(_inner(right.fabric), RowFeedback) and _result(right.fabric) != "root"
    with_zero = zero == "ones" or not divides
    proof = _decided(cell, right, bits, begin + max_seconds, with_zero)
    if isinstance(operation, str):
        proof = _with_integers(cell, operation, proof, with_zero)
        if proof.outcome == "proved" and isinstance(_inner(right.fabric), Shifter):  # which reads b's lowest bits alone
            proof = replace(proof, scope=f"{proof.scope}, b < width")
    if proof.counterexample is not None and proof.counterexample.b == 0 and divides and with_zero:
        above = _decided(cell, right, bits, begin + max_seconds, False)
        if above.outcome == "proved":
            reason = f"only b = 0 is wrong: proved for {above.scope}, which zero='skip' asks for"
            proof = replace(proof, reason=reason)
    return replace(proof, seconds=monotonic() - begin)


def prove_width(
    cell: LearnedCell, operation: str, width: int, *, max_seconds: float = 60.0, zero: str = "ones"
) -> CellProof:
    """Prove that a cell computes an operation at one width alone, as a cell may that is wrong at others.

    Up to 10 bits all operands are run and compared with Python's integers; above, a SAT solver is asked.

    Args:
        cell: what is proved.
        operation: a name of `TEXTBOOK`.
        width: of the operands, 1 to 64.
        max_seconds: for the solver.
        zero: as for `prove`.

    Raises:
        TypeError, ValueError, ModuleNotFoundError: as for `prove`.
    """
    begin = monotonic()
    whole_number("width", width, 1, 64, "the bits of an operand")
    one_of("zero", zero, ZERO)
    right = _specification(cell, operation)
    if width < (least := cell.fabric.narrowest()):
        raise ValueError(f"width is {width}; the cell has a result of operands of {least} bits or more")
    divides = isinstance(_inner(right.fabric), RowFeedback) and _result(right.fabric) != "root"
    above = ", b > 0" if divides and zero == "skip" else ", b < width" if isinstance(right.fabric, Shifter) else ""
    if width <= RUN:
        run = exhaustive(cell, operation, width, zero=zero, min_width=width)
        if run.counterexample is not None:
            return CellProof("refuted", method="all operands", counterexample=run.counterexample)
        return CellProof("proved", f"width {width}{above}", "all operands", seconds=monotonic() - begin)
    operands = miter.difference(cell, right, width, begin + max_seconds, with_zero=not (divides and zero == "skip"))
    if operands is None:
        return CellProof("not decided", reason=f"at {width} bits the solver ran out of time")
    if isinstance(operands, bool):
        return CellProof("proved", f"width {width}{above}", "SAT", seconds=monotonic() - begin)
    shown = _confirmed(cell, right, width, *operands)
    return CellProof("refuted", method="SAT", counterexample=shown, seconds=monotonic() - begin)


def _decided(cell: LearnedCell, right: LearnedCell, bits: int, deadline: float, with_zero: bool) -> CellProof:
    method, found = _at_every_width(cell, right, deadline, with_zero)
    above = "" if with_zero else ", b > 0"
    if found is True:
        return CellProof("proved", f"every width{above}", method)
    if isinstance(found, tuple) and method == AUTOMATON:  # the shortest there are
        return CellProof("refuted", method=method, counterexample=_shown(cell, right, *found))
    searched = first_difference(cell, right, min(SEARCHED, bits), with_zero=with_zero)
    if searched.counterexample:
        return CellProof("refuted", method="all operands of small widths", counterexample=searched.counterexample)
    if isinstance(found, tuple) and (shown := _shown(cell, right, *found)):
        return CellProof("refuted", method=method, counterexample=shown)
    operands = miter.difference(cell, right, bits, deadline, with_zero=with_zero)
    if operands is None:
        reason = f"{method or 'no induction'} does not decide, and at {bits} bits the solver ran out of time"
        return CellProof("not decided", reason=reason)
    if isinstance(operands, bool):
        return CellProof("proved", f"width {bits}{above}", "SAT", "other widths are not decided")
    shown = _confirmed(cell, right, bits, *operands)
    if shown is None:
        raise RuntimeError(f"the solver's operands {operands} at {bits} bits show no difference: please report this")
    return CellProof("refuted", method="SAT", counterexample=shown)


def _at_every_width(cell: LearnedCell, right: LearnedCell, deadline: float, with_zero: bool) -> tuple[str, Found]:
    fabric = cell.fabric
    if (walked := walks.mismatch(cell, right, deadline)) is not None:
        return AUTOMATON, walked[1] or True
    if fabric != right.fabric:
        return "", None
    if isinstance(fabric, ArrayCell):
        agree = closures.sums_agree(cell, right)
        if agree or fabric.product != "full":
            return "induction over sums and carries", agree
        return "induction over rows", closures.rows_agree(cell, right)
    if isinstance(fabric, Counter):
        return "induction over sums and carries", closures.counts_agree(cell, right)
    if isinstance(fabric, RowFeedback):
        agree, operands = rows.rows_agree(cell, right, with_zero=with_zero, deadline=deadline)
        return "induction over rows", agree or operands
    if isinstance(fabric, Shifter):  # two bits read and show every entry
        return "equality of tables", cell == right
    if isinstance(fabric, Tap):  # what holds of every bit holds of one; otherwise nothing is known
        method, found = _at_every_width(_whole(cell, fabric), _whole(right, fabric), deadline, with_zero)
        return method, True if found is True else None
    return "", None


def _whole(cell: LearnedCell, tap: Tap) -> LearnedCell:
    return LearnedCell(tap.fabric, cell.tables)


def _shown(cell: LearnedCell, right: LearnedCell, width: int, a: int, b: int) -> Counterexample | None:
    """Return operands at which a step fails as a counterexample; where the result does not show it at once, rows that
    follow, which take further bits of a, may.
    """
    for more in range(FOLLOWING + 1 if isinstance(cell.fabric, RowFeedback) else 1):
        for low in range(1 << more):
            if (found := _confirmed(cell, right, width + more, a << more | low, b)) is not None:
                return found
    return None


def _confirmed(cell: LearnedCell, right: LearnedCell, width: int, a: int, b: int) -> Counterexample | None:
    """Return operands as a counterexample, where running both cells on them shows a difference."""
    given, expected = (int(each.evaluate([a], [b], width)[0]) for each in (cell, right))
    if given == expected:
        return None
    return Counterexample(width, a, b, given, expected, cell.fabric.result_bits(width))


def _with_integers(cell: LearnedCell, operation: str, proof: CellProof, with_zero: bool) -> CellProof:
    """Add to a proof what running the cell on small integers shows; they have the last word."""
    name = "/" if operation == "/%" else operation
    if proof.outcome == "refuted" or (isinstance(cell.fabric, Tap) and not operation_of(name).is_truth):
        return proof
    run = exhaustive(cell, name, CHECKED, zero="ones" if with_zero else "skip")
    if run.counterexample is not None:
        reason = "the specification differs from Python's integers"
        return CellProof(
            "refuted", method="all operands of small widths", reason=reason, counterexample=run.counterexample
        )
    return replace(proof, checked=CHECKED if cell.fabric.narrowest() <= CHECKED else 0)


def _specification(cell: LearnedCell, operation: str | LearnedCell) -> LearnedCell:
    if isinstance(operation, LearnedCell):
        right = operation
    else:
        one_of("operation", operation, [*TEXTBOOK, "/%"])
        result = _result(cell.fabric)
        wanted = _DIVISIONS.get(operation, ("root",) if operation == "isqrt" else ())
        if isinstance(_inner(cell.fabric), RowFeedback) and result not in wanted:
            raise ValueError(
                f"a cell that gives the {result} was to be proved to be {operation!r}; expected another one"
            )
        found = specification(operation, cell.fabric)
        if found is None:
            raise ValueError(f"no specification of {operation!r} has the result of {cell.fabric}")
        right = _extended(found, cell.fabric)
    for width in (1, 2, 3, 8):
        given, expected = cell.fabric.result_bits(width), right.fabric.result_bits(width)
        if given != expected:
            raise ValueError(
                f"the cell's result has {given} bits at width {width}, expected {expected}, as {operation}"
            )
    return right


def _extended(right: LearnedCell, fabric: Fabric) -> LearnedCell:
    """Return a specification that gives a sum or difference in as many bits as the cell does."""
    if isinstance(fabric, Tap) and isinstance(right.fabric, Tap):
        inner = _extended(LearnedCell(right.fabric.fabric, right.tables), fabric.fabric)
        return LearnedCell(Tap(inner.fabric, right.fabric.place), inner.tables)
    if not (isinstance(fabric, SerialCell) and isinstance(right.fabric, SerialCell)):
        return right
    if "stream" not in (fabric.read, right.fabric.read) or fabric.read != right.fabric.read:
        return right
    return LearnedCell(replace(right.fabric, extra=fabric.extra), right.tables)


def _inner(fabric: Fabric) -> Fabric:
    return _inner(fabric.fabric) if isinstance(fabric, Tap) else fabric


def _result(fabric: Fabric) -> str:
    inner = _inner(fabric)
    return inner.result if isinstance(inner, RowFeedback) else ""
