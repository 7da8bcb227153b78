"""Learning by satisfiability: the tables' bits are variables, and each example is a handful of clauses.

Few examples say everything. The solver proposes tables that agree with the examples so far; they run on all examples
at once, bit-parallel; one that they fail is added; and so on until none fails. That is counterexample-guided synthesis
(Solar-Lezama et al., ASPLOS 2006) with look-up tables as the holes. Needs python-sat: `pip install 'lutsmith[sat]'`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.evaluators import Clauses
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.examples import ContradictionError, Examples
from lutsmith.cells.solver import solved, solver
from lutsmith.ground.arguments import number, whole_number


class NotDecidedError(RuntimeError):
    """A limit was reached before the solver had an answer.

    Attributes:
        used: how many examples it had seen.
    """

    def __init__(self, message: str, used: int = 0) -> None:
        super().__init__(message)
        self.used = used


@dataclass(frozen=True)
class SatResult:
    """What learning by satisfiability gave.

    Attributes:
        cell: it agrees with every example of the pool.
        used: the numbers of the examples that the solver saw, in order.
        seconds: of learning.
        free: table entries, as (table, output, address), for which the other value alone would agree with the examples
            used as well. They are what those examples left open; None where it was not asked for.
    """

    cell: LearnedCell
    used: tuple[int, ...]
    seconds: float
    free: tuple[tuple[str, int, int], ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        free = None if self.free is None else [list(entry) for entry in self.free]
        return {"cell": self.cell.to_json(), "used": list(self.used), "seconds": self.seconds, "free": free}


def learn_sat(
    fabric: Fabric,
    a: ArrayLike,
    b: ArrayLike | None,
    z: ArrayLike,
    width: int,
    *,
    also: Sequence[tuple[ArrayLike, ArrayLike | None, ArrayLike, int]] = (),
    max_seconds: float = 300.0,
    max_examples: int = 1000,
    seed: int = 0,
    find_free: bool = False,
) -> SatResult:
    """Return a cell that agrees with all examples, learned from a few of them.

    Args:
        fabric: how cells are wired.
        a: the first operands, integers (N,) from 0 to 2^width - 1.
        b: the second ones; None where there are none.
        z: the results; see `Examples.of`.
        width: of the operands.
        also: further examples as (a, b, z, width), of other widths: there are cells that are right at 8 bits and wrong
            at 7. They are numbered on, and looked at where none of the first fails.
        max_seconds: after which `NotDecidedError` is raised.
        max_examples: which the solver may see.
        seed: of the choice among failing examples.
        find_free: whether to list the entries that the examples used left open.

    Raises:
        ContradictionError: no tables agree with the examples; the message names some that cannot go together.
        NotDecidedError: a limit was reached.
        ModuleNotFoundError: python-sat is not installed.
        TypeError, ValueError: examples that are none.
    """
    pools = [Examples.of(fabric, *each) for each in ((a, b, z, width), *also)]
    first = np.cumsum([0, *map(len, pools)])
    number("max_seconds", max_seconds, lambda value: value > 0, "seconds above 0")
    whole_number("max_examples", max_examples, 1)
    whole_number("seed", seed, 0)
    begun, rng = time.monotonic(), np.random.default_rng([seed, 14])
    with _Solver(fabric) as asked:
        used: list[int] = []
        place, failing = 0, np.arange(len(pools[0]))
        while True:
            if len(used) >= max_examples:
                raise NotDecidedError(
                    f"{max_examples:,} examples were not enough; give max_examples=N, or another fabric", len(used)
                )
            chosen = _telling(pools[place], failing, rng)
            used.append(int(first[place]) + chosen)
            asked.add(pools[place], chosen, used[-1])
            cell = asked.solve(begun + max_seconds)
            if cell is None:
                core = asked.core()
                shown = [_shown(pools, first, number) for number in core]
                raise ContradictionError(_contradiction(fabric, shown, len(used)), core, len(used))
            place, failing = _failing(pools, cell)
            if not failing.size:
                break
        seconds = time.monotonic() - begun
        free = asked.free(cell, begun + max_seconds) if find_free else None
    return SatResult(cell, tuple(used), seconds, free)


class _Solver:
    """A solver that knows a fabric's tables as variables, and examples one by one."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._solver = solver()
        self._clauses = Clauses(self._add)
        self._tables = {table.name: self._clauses.table(table.outputs, table.rank) for table in fabric.tables}
        self._chosen: dict[int, int] = {}
        self._literal = 0

    def __enter__(self) -> _Solver:
        return self

    def __exit__(self, *_: object) -> None:
        self._solver.delete()

    def _add(self, clause: list[int]) -> None:
        self._solver.add_clause([*clause, -self._literal] if self._literal else clause)

    def add(self, examples: Examples, place: int, number: int) -> None:
        """Demand the example at a place, under a literal of its own, so that a contradiction can name its number."""
        a, b, z = (bits[place].tolist() for bits in (examples.a, examples.b, examples.z))
        results = self._fabric.run(self._clauses, self._tables, a, b)
        self._literal = self._clauses.variable()
        self._chosen[self._literal] = number
        for bit, value in zip(results, z, strict=True):
            self._clauses.equal(bit, value)
        self._literal = 0

    def solve(self, deadline: float) -> LearnedCell | None:
        """Return a cell that agrees with the examples, or None where there is none."""
        agreed = self._answer(list(self._chosen), deadline)
        if not agreed:
            return None
        true = {literal for literal in self._solver.get_model() if literal > 0}
        return LearnedCell(
            self._fabric,
            {name: [[literal in true for literal in row] for row in rows] for name, rows in self._tables.items()},
        )

    def _answer(self, assumed: list[int], deadline: float) -> bool:
        answer = solved(self._solver, deadline, assumed)
        if answer is None:
            raise NotDecidedError("the time limit was reached; give a larger max_seconds=S", len(self._chosen))
        return answer

    def core(self) -> list[int]:
        """Return examples that contradict each other, after `solve` found none."""
        return sorted(self._chosen[literal] for literal in self._solver.get_core() or [])

    def free(self, cell: LearnedCell, deadline: float) -> tuple[tuple[str, int, int], ...]:
        """Return the entries that could be the other value while the rest stays, by the examples added."""
        literals: Mapping[tuple[str, int, int], int] = {
            (name, output, address): literal if cell.tables[name][output, address] else -literal
            for name, rows in self._tables.items()
            for output, row in enumerate(rows)
            for address, literal in enumerate(row)
        }
        found = []
        for entry, literal in literals.items():
            others = [each for each in literals.values() if each != literal]
            if self._answer([*self._chosen, *others, -literal], deadline):
                found.append(entry)
        return tuple(found)


def _telling(examples: Examples, failing: NDArray[np.int64], rng: np.random.Generator) -> int:
    """Return the example to add: of 256 that fail, the one in whose operands as many bits are 1 as 0.

    It takes fewer examples than the first that fails, or one with many or few ones.
    """
    some = rng.choice(failing, min(failing.size, 256), replace=False)
    ones = examples.a[some].sum(axis=1) + examples.b[some].sum(axis=1)
    return int(some[np.abs(ones - examples.a.shape[1]).argmin()])


def _failing(pools: Sequence[Examples], cell: LearnedCell) -> tuple[int, NDArray[np.int64]]:
    """Return the first pool in which a cell fails, and where; nothing where it fails in none."""
    for place, pool in enumerate(pools):
        if (failing := pool.wrong(cell)).size:
            return place, failing
    return 0, np.empty(0, np.int64)


def _shown(pools: Sequence[Examples], first: NDArray[np.int64], number: int) -> str:
    place = int(np.searchsorted(first, number, side="right")) - 1
    return pools[place].shown(number - int(first[place]))


def _contradiction(fabric: Fabric, core: Sequence[str], seen: int) -> str:
    shown = "; ".join(core[:4])
    more = f" and {len(core) - 4} more" if len(core) > 4 else ""
    return (
        f"no tables of {fabric} agree with {shown}{more}, operands and result as words ({seen} examples were tried): "
        "the examples contradict each other, or the operation needs another fabric"
    )
