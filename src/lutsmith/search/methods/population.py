"""Populations: mu networks; each step makes lambda mutated ones from them, and the best mu go on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import instance_of, number, whole_number
from lutsmith.ground.arrays import integers
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, State, register
from lutsmith.search.mutation import chosen_nodes, flipped_tables, fresh_tables
from lutsmith.search.problem import Problem


@dataclass(frozen=True)
class PopulationSettings:
    """Settings of a population.

    Attributes:
        parents: mu.
        children: lambda, at least mu.
        ratio: the share of the nodes that a child has another entry inverted in, or with a bank another table of.
        plus: parents may go on too, (mu + lambda): the best network is never lost. Else (mu, lambda): only children do.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    parents: int = 8
    children: int = 200
    ratio: float = 0.002
    plus: bool = True

    def __post_init__(self) -> None:
        whole_number("parents", self.parents, 1)
        whole_number("children", self.children, self.parents, what="no fewer than there are parents")
        number("ratio", self.ratio, lambda value: 0 < value <= 1, "a share above 0, at most 1")
        instance_of("plus", self.plus, bool)


@register
class Population(SearchMethod):
    """(mu + lambda) or (mu, lambda) of tables; the wires are the same in all. The network of the problem is the best
    one, and all of a step are judged on the same samples, anew in each step.
    """

    name = "population"
    Settings = PopulationSettings

    def __init__(self, settings: PopulationSettings | None = None) -> None:
        super().__init__(settings)
        self._parents: NDArray[np.uint64] | None = None

    def check(self, problem: Problem) -> None:
        if self._parents is not None:
            tables = integers("parents", self._parents, low=0, high=1 << 64)
            if tables.ndim != 2 or not len(tables) or tables.shape[1] != problem.num_nodes:
                raise ValueError(f"parents has shape {tables.shape}, expected tables of {problem.num_nodes} nodes")

    def state(self) -> State:
        return {} if self._parents is None else {"parents": self._parents}

    def restore(self, state: State) -> None:
        self._parents = state.get("parents")

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: PopulationSettings = self.settings
        now, ranks, part = problem.tables, problem.ranks, problem.accepting()
        parents = now[None] if self._parents is None else self._parents
        children = parents[rng.integers(0, len(parents), how.children)]
        for child in children:
            nodes = chosen_nodes(rng, problem.num_nodes, how.ratio)
            if problem.bank is None:
                child[nodes] = flipped_tables(rng, nodes, child, ranks)
            else:
                child[nodes] = fresh_tables(rng, nodes, ranks, problem.bank)
        every = np.concatenate([children, parents]) if how.plus else children
        changes = [Change(np.flatnonzero(one != now), one[one != now]) for one in every]
        before, losses = part.value, part.judge(changes)
        best = np.argsort(losses, kind="stable")[: how.parents]
        self._parents = every[best]
        after = float(losses[best[0]])
        changed = changes[best[0]].nodes.size > 0
        problem.accept(changes[best[0]])
        return SearchStep(before, after, losses.size, changed)
