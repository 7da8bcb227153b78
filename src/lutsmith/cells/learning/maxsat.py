"""Learning where labels are wrong: the tables that miss the fewest bits of what was given, and a proof that none do.

Two searches meet. From random tables, changes of one or two entries are taken while fewer label bits are missed: an
upper bound, after seconds at most. A solver shows that so many bits have to be missed, core by core, on more and more
of the examples: a lower bound, which may take long where there are many of them or much noise. Where both are equal, no
tables of the fabric miss fewer. The proof needs python-sat: `pip install 'lutsmith[sat]'`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.evaluators import Clauses
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.examples import Examples
from lutsmith.cells.learning.local_search import Judge, tables_of
from lutsmith.cells.solver import solver
from lutsmith.ground.arguments import number, whole_number

DESCENTS = 32
_FIRST = 64
"""Examples that the solver begins with; then it is given twice as many, and so on."""


@dataclass(frozen=True)
class MaxSatResult:
    """What learning under label noise gave.

    Attributes:
        cell: it misses the fewest bits of the labels that were found.
        missed: how many.
        bits: of how many.
        at_least: as many are missed by whatever tables of the fabric; 0 where no proof was asked for.
        descents: searches from random tables.
        agreed: how many of them ended with as few bits missed as `cell` does.
        seconds: of learning.
    """

    cell: LearnedCell
    missed: int
    bits: int
    at_least: int
    descents: int
    agreed: int
    seconds: float

    @property
    def optimal(self) -> bool:
        """Whether it is proved that no tables of the fabric miss fewer bits."""
        return self.missed == self.at_least

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "cell": self.cell.to_json(), "optimal": self.optimal}


def learn_maxsat(
    fabric: Fabric,
    a: ArrayLike,
    b: ArrayLike | None,
    z: ArrayLike,
    width: int,
    *,
    max_seconds: float = 60.0,
    descents: int = DESCENTS,
    prove: bool = True,
    seed: int = 0,
) -> MaxSatResult:
    """Return a cell that misses the fewest bits of the examples' results that could be found.

    Args:
        fabric: how cells are wired.
        a: the first operands, integers (N,) from 0 to 2^width - 1.
        b: the second ones; None where there are none.
        z: the results, of which bits may be wrong; see `Examples.of`.
        width: of the operands.
        max_seconds: after which the best so far is returned. The clock is looked at between sweeps of all changes.
        descents: searches from random tables, at most; the first is always made.
        prove: whether to search for a proof that no tables miss fewer. It takes what is left of the time.
        seed: of the random tables, and of the order in which the solver is given examples.

    Several tables may miss as few bits, where examples leave entries open. Of those that were found the ones whose
    normal forms have the fewest terms are taken.

    Raises:
        ModuleNotFoundError: a proof was asked for, and python-sat is not installed.
        TypeError, ValueError: examples that are none, or settings out of range.
    """
    examples = Examples.of(fabric, a, b, z, width)
    number("max_seconds", max_seconds, lambda value: value > 0, "seconds above 0")
    whole_number("descents", descents, 1)
    whole_number("seed", seed, 0)
    if prove:
        solver().delete()  # where it is missing, that is said before the search
    begun, rng = time.monotonic(), np.random.default_rng([seed, 21])
    best = _Best(fabric, examples, begun + max_seconds)
    best.descend(rng)
    while best.made < descents and not best.late():
        best.descend(rng)
    at_least = _bound(best, rng) if prove and best.missed else 0
    cell = LearnedCell(fabric, tables_of(fabric, best.entries))
    seconds = time.monotonic() - begun
    return MaxSatResult(cell, best.missed, examples.z.size, at_least, best.made, best.agreed, seconds)


class _Best:
    """The tables that miss the fewest bits so far."""

    def __init__(self, fabric: Fabric, examples: Examples, deadline: float) -> None:
        self.fabric, self.examples, self.deadline = fabric, examples, deadline
        self.judge = Judge(fabric, examples)
        self.entries = np.zeros(fabric.num_entries, np.bool_)
        self.missed = examples.z.size + 1
        self.made = self.agreed = self.terms = 0

    def late(self) -> bool:
        return time.monotonic() >= self.deadline

    def descend(self, rng: np.random.Generator) -> None:
        """Search from random tables."""
        missed = self.take(rng.random(self.fabric.num_entries) < 0.5)
        self.made += 1
        self.agreed += missed == self.missed

    def take(self, start: NDArray[np.bool_]) -> int:
        """Search from some tables, keep what is better than before, and return how many bits it misses."""
        entries, missed, terms = self.judge.descended(start, self.deadline)
        if missed < self.missed:
            self.agreed = 0
        if (missed, terms) < (self.missed, self.terms):
            self.entries, self.missed, self.terms = entries, missed, terms
        return missed


def _bound(best: _Best, rng: np.random.Generator) -> int:
    """Return how many bits whatever tables miss, as far as the time goes; better tables that it meets are kept."""
    from lutsmith.cells.learning.core_guided import CoreGuided

    examples, fabric = best.examples, best.fabric
    order = rng.permutation(len(examples))
    with solver() as asked:
        clauses = Clauses(asked.add_clause)
        tables = {table.name: clauses.table(table.outputs, table.rank) for table in fabric.tables}
        with CoreGuided(asked, clauses) as cores:
            given = 0
            while given < len(order) and cores.bound < best.missed:
                until = min(max(_FIRST, 2 * given), len(order))
                for place in order[given:until]:
                    if best.late():
                        return cores.bound
                    a, b, z = (bits[place].tolist() for bits in (examples.a, examples.b, examples.z))
                    for bit, value in zip(fabric.run(clauses, tables, a, b), z, strict=True):
                        cores.wish(bit, value)
                given = until
                while cores.bound < best.missed and (raised := cores.raised(best.deadline)):
                    pass
                if cores.bound < best.missed:
                    if raised is None:
                        break
                    true = {literal for literal in asked.get_model() if literal > 0}
                    chosen = [entry in true for table in tables.values() for row in table for entry in row]
                    best.take(np.array(chosen, np.bool_))
            return cores.bound
