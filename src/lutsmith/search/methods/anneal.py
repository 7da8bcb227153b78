"""Simulated annealing: single mutations, one after the other; worse ones are accepted less often as it gets cooler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutsmith.ground.arguments import number, whole_number
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, register
from lutsmith.search.mutation import flipped_tables, fresh_tables
from lutsmith.search.problem import Problem


@dataclass(frozen=True)
class AnnealSettings:
    """Settings of annealing.

    Attributes:
        hot: the temperature at first, in loss of the samples of acceptance: a rise by so much is accepted in 37 of 100
            cases.
        cold: the temperature after `cooling` steps, and from then on.
        cooling: steps from hot to cold; the temperature falls by the same factor in each.
        candidates: mutations that a step tries, until one is accepted.
        nodes: that a mutation changes: one entry of each inverted, or with a bank a table of it.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    hot: float = 4.0
    cold: float = 0.05
    cooling: int = 10_000
    candidates: int = 64
    nodes: int = 1

    def __post_init__(self) -> None:
        for name in ("hot", "cold"):
            number(name, getattr(self, name), lambda value: 0 < value < np.inf, "a number above 0")
        for name in ("cooling", "candidates", "nodes"):
            whole_number(name, getattr(self, name), 1)


@register
class Annealing(SearchMethod):
    """Metropolis' rule. The mutations of a step are judged together, but the result is as if they were tried one by
    one: those before the first accepted one were refused, and those after it are forgotten.
    """

    name = "anneal"
    Settings = AnnealSettings

    def temperature(self, step: int) -> float:
        """Return the temperature of a step."""
        how: AnnealSettings = self.settings
        return float(how.hot * (how.cold / how.hot) ** min(1.0, step / how.cooling))

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: AnnealSettings = self.settings
        tables, ranks, changes = problem.tables, problem.ranks, []
        for _ in range(how.candidates):
            nodes = rng.choice(problem.num_nodes, min(how.nodes, problem.num_nodes), replace=False)
            if problem.bank is None:
                changes.append(Change(nodes, flipped_tables(rng, nodes, tables, ranks)))
            else:
                changes.append(Change(nodes, fresh_tables(rng, nodes, ranks, problem.bank)))
        part = problem.accepting()
        before, losses = part.value, part.judge(changes)
        chance = np.exp(-np.maximum(0.0, losses - before) / self.temperature(problem.step))
        accepted = np.flatnonzero(rng.random(losses.size) < chance)
        if not accepted.size:
            return SearchStep(before, before, losses.size, False)
        first = int(accepted[0])
        problem.accept(changes[first])
        return SearchStep(before, float(losses[first]), first + 1, True)
