"""How many wishes have to fail: exact MaxSAT, guided by cores, over a solver that can be asked again and again.

A core is a set of wishes of which one has to fail. Each that is found raises the bound by one; its wishes are replaced
by the weaker one that at most one of them fails, then at most two, which a totalizer counts (the OLL algorithm: Andres
et al., ICLP 2012; Morgado, Dodaro and Marques-Silva, CP 2014; as RC2 does it). Where no core is left, the bound is
reached. Wishes can be added at any time; cores that were found stay cores.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Any

from pysat.card import ITotalizer

from lutsmith.cells.evaluators import Clauses
from lutsmith.cells.evaluators.clauses import Bit
from lutsmith.cells.solver import solved

_CONFLICTS = 200
"""Between two looks at the clock, and spent on leaving one wish out of a core."""
_LONGEST = 64
"""Wishes of a core that is still made smaller one by one."""


class CoreGuided:
    """A lower bound on how many wishes fail, which rises until it is reached.

    Args:
        solver: with the clauses that have to hold.
        clauses: which numbers its variables.

    Attributes:
        bound: no assignment fails fewer wishes.
    """

    def __init__(self, solver: Any, clauses: Clauses) -> None:
        self._solver, self._clauses = solver, clauses
        self._wished: dict[int, int] = {}  # literals, and how many wishes each stands for
        self._sums: dict[int, tuple[ITotalizer, int]] = {}
        self.bound = 0

    def __enter__(self) -> CoreGuided:
        return self

    def __exit__(self, *_: object) -> None:
        for counted, _most in self._sums.values():
            counted.delete()

    def wish(self, bit: Bit, value: bool) -> None:
        """Add a wish: that a bit is `value`."""
        if isinstance(bit, bool):
            self.bound += bit is not value
            return
        literal = bit if value else -bit
        if -literal in self._wished:  # one of the two fails, whatever the literal is
            self._drop(-literal)
            self.bound += 1
        else:
            self._wished[literal] = self._wished.get(literal, 0) + 1

    def raised(self, deadline: float) -> bool | None:
        """Find one core and raise the bound. False: there is none, and the solver's model reaches the bound; None: the
        deadline passed.
        """
        satisfied = solved(self._solver, deadline, list(self._wished), _CONFLICTS)
        if satisfied is not False:
            return None if satisfied is None else False
        core = self._smaller(self._solver.get_core() or [], deadline)
        if not core:
            raise ValueError("the clauses contradict each other without any wish")
        self.bound += 1
        for literal in core:
            self._drop(literal)
            if literal in self._sums:
                counted, most = self._sums.pop(literal)
                self._wish_sum(counted, most + 1)
        if len(core) == 1:
            self._solver.add_clause([-core[0]])
        else:
            self._exhaust(core, deadline)
        return True

    def _drop(self, literal: int) -> None:
        self._wished[literal] -= 1
        if not self._wished[literal]:
            del self._wished[literal]

    def _smaller(self, core: list[int], deadline: float) -> list[int]:
        """Return a core with wishes left out that are not needed."""
        for _ in range(5):
            if solved(self._solver, deadline, core, _CONFLICTS) is not False:
                return core
            size, core = len(core), self._solver.get_core() or []
            if len(core) == size:
                break
        if len(core) <= _LONGEST:
            for literal in list(core):
                fewer = [each for each in core if each != literal]
                if len(fewer) < len(core) and self._refuted(fewer, deadline):
                    core = fewer
        return core

    def _refuted(self, assumed: list[int], deadline: float) -> bool:
        """Whether few conflicts show that literals cannot hold together."""
        if monotonic() >= deadline:
            return False
        self._solver.conf_budget(_CONFLICTS)
        return self._solver.solve_limited(assumptions=assumed) is False

    def _exhaust(self, core: list[int], deadline: float) -> None:
        """Count how many wishes of a core fail, and wish that no more than have to."""
        counted = ITotalizer([-literal for literal in core], 1, self._clauses.variables)
        self._take(counted, counted.cnf.clauses)
        most = 1
        while most < len(core) and self._refuted([-counted.rhs[most]], deadline):
            self.bound += 1
            most += 1
            self._increase(counted, most)
        self._wish_sum(counted, most)

    def _wish_sum(self, counted: ITotalizer, most: int) -> None:
        """Wish that at most `most` of what is counted is true."""
        self._increase(counted, most)
        if most < len(counted.lits):
            self._sums[-counted.rhs[most]] = counted, most
            self._wished[-counted.rhs[most]] = 1

    def _increase(self, counted: ITotalizer, most: int) -> None:
        counted.increase(ubound=most, top_id=self._clauses.variables)
        self._take(counted, counted.cnf.clauses[-counted.nof_new :] if counted.nof_new else [])

    def _take(self, counted: ITotalizer, added: Iterable[list[int]]) -> None:
        self._clauses.variables = max(self._clauses.variables, counted.top_id)
        for clause in added:
            self._solver.add_clause(clause)
