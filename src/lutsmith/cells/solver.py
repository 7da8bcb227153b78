"""The SAT solver that learning and proofs ask, within a time, and stopped by Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

CONFLICTS = 20_000
"""How many between two looks at the clock: a call of the solver itself hears no signal."""


def solver() -> Any:
    """Return a new solver, Glucose 4.

    Raises:
        ModuleNotFoundError: python-sat is not installed.
    """
    try:
        from pysat.solvers import Solver
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "this needs python-sat, which is not installed: pip install 'lutsmith[sat]'", name="pysat"
        ) from error
    return Solver(name="glucose4")


def solved(asked: Any, deadline: float, assumed: Sequence[int] = (), conflicts: int = CONFLICTS) -> bool | None:
    """Return whether a solver's clauses can be satisfied with literals assumed; None where `monotonic()` passed the
    deadline before it was known. The clock is looked at each so many `conflicts`; other numbers give other answers.
    """
    while monotonic() < deadline:
        asked.conf_budget(conflicts)
        answer = asked.solve_limited(assumptions=list(assumed))
        if answer is not None:
            return bool(answer)
    return None
