"""Two cells at one width: operands at which they differ, or none, by a SAT solver; and which entries operands read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.cells.evaluators import Clauses
from lutsmith.cells.evaluators.clauses import Bit
from lutsmith.cells.learned import LearnedCell
from lutsmith.ground.arguments import instance_of, whole_number

_CONFLICTS = 20_000
"""How many between two looks at the clock."""

Table = NDArray[np.bool_]


class OnceClauses(Clauses):
    """Clauses that say the same thing once: the same entries of the same inputs are one bit, whichever cell asks."""

    def __init__(self, solver: Any) -> None:
        super().__init__(solver.add_clause)
        self._known: dict[tuple[Any, ...], Bit] = {}

    def _looked_up(self, entries: list[Bit], inputs: Sequence[Bit]) -> Bit:
        key = tuple((type(bit), bit) for bit in (*entries, *inputs))  # True is 1, a literal is not True
        if key not in self._known:
            self._known[key] = super()._looked_up(entries, inputs)
        return self._known[key]


class _Reads(OnceClauses):
    """Clauses that note with which inputs each table is read."""

    def __init__(self, solver: Any) -> None:
        super().__init__(solver)
        self.reads: dict[str, set[tuple[Bit, ...]]] = {}

    def cell(self, table: Any, inputs: Sequence[Bit]) -> tuple[Bit, ...]:
        name, entries = table
        self.reads.setdefault(name, set()).add(tuple(inputs))
        return super().cell(entries, inputs)


def solver() -> Any:
    """Return a new SAT solver.

    Raises:
        ModuleNotFoundError: python-sat is not installed.
    """
    try:
        from pysat.solvers import Solver
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "proofs at one width need python-sat, which is not installed: pip install 'lutsmith[sat]'", name="pysat"
        ) from error
    return Solver(name="glucose4")


def difference(
    left: LearnedCell, right: LearnedCell, width: int, deadline: float, *, with_zero: bool = True
) -> tuple[int, int] | bool | None:
    """Return operands (a, b) of a width at which two cells differ; False where there are none, None where time ran
    out. `with_zero`: whether b may be 0.
    """
    with solver() as found:
        on = OnceClauses(found)
        a, b = ([on.variable() for _ in range(width)] for _ in (0, 1))
        if not with_zero:
            on.any_of(b)
        results = [cell.fabric.run(on, _lists(cell), a, b) for cell in (left, right)]
        on.any_of([on.differ(one, other) for one, other in zip(*results, strict=True)])
        answer = _solved(found, deadline)
        return _values(found, a, b) if answer else answer


def reachable(cell: LearnedCell, width: int, max_seconds: float = 60.0) -> Mapping[str, Table]:
    """Return which entries of a cell's tables some operands of a width read, for each table bool (2^rank,).

    The others are without meaning at this width: inverting one changes nothing. They are found by a SAT
    solver.

    Raises:
        ModuleNotFoundError: python-sat is not installed.
        TimeoutError: it takes longer than `max_seconds`.
    """
    instance_of("cell", cell, LearnedCell)
    whole_number("width", width, 1, 64, "the bits of an operand")
    deadline = monotonic() + max_seconds
    reached = {shape.name: np.zeros(1 << shape.rank, np.bool_) for shape in cell.fabric.tables}
    with solver() as found:
        on = _Reads(found)
        a, b = ([on.variable() for _ in range(width)] for _ in (0, 1))
        cell.fabric.run(on, {name: (name, table) for name, table in _lists(cell).items()}, a, b)
        reads = {name: sorted(inputs, key=repr) for name, inputs in on.reads.items()}
        for name, entries in reached.items():
            for address in range(len(entries)):
                matches = [on.cell(("", _one(address, len(inputs))), inputs)[0] for inputs in reads.get(name, [])]
                if any(match is True for match in matches):
                    entries[address] = True
                    continue
                asked = on.variable()
                on.any_of([-asked, *matches])
                answer = _solved(found, deadline, [asked])
                if answer is None:
                    raise TimeoutError(f"which entries are read at {width} bits took longer than {max_seconds} s")
                entries[address] = answer
    return reached


def _one(address: int, rank: int) -> list[list[Bit]]:
    return [[place == address for place in range(1 << rank)]]


def _lists(cell: LearnedCell) -> dict[str, list[list[Bit]]]:
    return {name: table.tolist() for name, table in cell.tables.items()}


def _solved(found: Any, deadline: float, assumed: Sequence[int] = ()) -> bool | None:
    while monotonic() < deadline:
        found.conf_budget(_CONFLICTS)
        answer = found.solve_limited(assumptions=list(assumed))
        if answer is not None:
            return bool(answer)
    return None


def _values(found: Any, a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    true = {literal for literal in found.get_model() or () if literal > 0}
    left, right = (sum((bit in true) << place for place, bit in enumerate(bits)) for bits in (a, b))
    return left, right
