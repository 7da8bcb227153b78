"""Descent through pivotal sets: nodes are chosen, and each entry of their tables is inverted if this lowers the
loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, register
from lutsmith.search.mutation import chosen_nodes
from lutsmith.search.problem import Problem
from lutsmith.search.selectors import SELECTORS
from lutsmith.search.tables import best_prefix, best_tables

ACCEPTS = ("falls", "ties", "always")


@dataclass(frozen=True)
class PivotalSettings:
    """Settings of pivotal descent.

    Attributes:
        selector: which nodes change, by name, see `selectors`.
        share: the share of the nodes that a step chooses among, drawn anew in each.
        together: how many nodes are changed at once, at most. Their joint effect is judged: as many of the best ones
            are changed as lower the loss of the batch most.
        accept: whether the loss on the samples of acceptance must fall ("falls"), may stay as it is ("ties"), or does
            not matter ("always", LUTNets' rule).

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    selector: str = "gain"
    share: float = 1.0
    together: int = 8
    accept: str = "falls"

    def __post_init__(self) -> None:
        one_of("selector", self.selector, SELECTORS)
        number("share", self.share, lambda value: 0 < value <= 1, "a share above 0, at most 1")
        whole_number("together", self.together, 1)
        one_of("accept", self.accept, ACCEPTS)


@register
class PivotalDescent(SearchMethod):
    """Exact steps in whole tables of nodes that a selector names; LUTNets' `piv_node_seq_descend`, of any outputs.

    A node's own flip is worth the sum of what its entries gain, to the bit, since entries are read by different
    samples. With `selector="score", together=1, accept="always"` it is LUTNets' algorithm.
    """

    name = "pivotal"
    Settings = PivotalSettings

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: PivotalSettings = self.settings
        batch = problem.batch()
        among = chosen_nodes(rng, problem.num_nodes, how.share) if how.share < 1 else np.arange(problem.num_nodes)
        nodes = SELECTORS[how.selector](batch, among, how.together)
        changes = best_tables(problem, batch, nodes)
        change = best_prefix(batch, changes)
        return accept_rule(problem, change, how.accept, len(changes))


def accept_rule(problem: Problem, change: Change | None, rule: str, tried: int) -> SearchStep:
    """Accept a change as a rule says: "falls", "ties" or "always"; None is never accepted."""
    part = problem.accepting()
    before = part.value
    if change is None:
        return SearchStep(before, before, tried, False)
    after = float(part.judge([change])[0])
    if rule == "always" or after < before or (rule == "ties" and after == before):
        problem.accept(change)
        return SearchStep(before, after, tried, True)
    return SearchStep(before, before, tried, False)
