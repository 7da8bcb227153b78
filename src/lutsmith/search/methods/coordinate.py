"""Coordinate descent: whole tables, a few nodes at a time, chosen on the batch and accepted on other samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutsmith.ground.arguments import whole_number
from lutsmith.search.method import SearchMethod, SearchStep, register
from lutsmith.search.methods.pivotal import accept_rule
from lutsmith.search.problem import Problem
from lutsmith.search.tables import best_prefix, best_tables


@dataclass(frozen=True)
class CoordinateSettings:
    """Settings of coordinate descent.

    Attributes:
        nodes: how many a step looks at, any of the network.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    nodes: int = 64

    def __post_init__(self) -> None:
        whole_number("nodes", self.nodes, 1)


@register
class CoordinateDescent(SearchMethod):
    """Exact steps over whole tables: the best table of each of some nodes on the batch; of these, as many of the best
    on the samples of acceptance as lower the loss there most.
    """

    name = "coordinate"
    Settings = CoordinateSettings

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: CoordinateSettings = self.settings
        nodes = rng.choice(problem.num_nodes, min(how.nodes, problem.num_nodes), replace=False)
        changes = best_tables(problem, problem.batch(), nodes)
        part = problem.accepting()
        losses = part.judge(changes)
        better = [changes[place] for place in np.argsort(losses, kind="stable") if losses[place] < part.value]
        return accept_rule(problem, best_prefix(part, better), "falls", len(changes))
