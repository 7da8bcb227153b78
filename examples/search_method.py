"""A search method of your own, and the whole command line with it.

    python examples/search_method.py train digits --method tabu --max-seconds 5 --out runs/tabu

A method is a class with a name, settings and a step. This one changes one node in a step, for the best of some tables
and never for the one it has, and leaves the nodes that it changed last alone: so it walks out of local minima.
"""

import sys
from dataclasses import dataclass

import numpy as np

from lutsmith.cli import run
from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, register
from lutsmith.search.mutation import flipped_tables


@dataclass(frozen=True)
class TabuSettings:
    """How many changes a step tries, and for how many steps a node that was changed rests."""

    candidates: int = 100
    tenure: int = 20


@register
class Tabu(SearchMethod):
    """Tabu search: the best change of one node, even where it is a worse network, but of none that rests."""

    name = "tabu"
    Settings = TabuSettings
    resting = np.empty(0, np.int64)

    def step(self, problem, rng):
        free = np.setdiff1d(np.arange(problem.num_nodes), self.resting)
        nodes = rng.choice(free, self.settings.candidates)
        tables = flipped_tables(rng, nodes, problem.tables, problem.ranks)
        changes = [Change(nodes[k : k + 1], tables[k : k + 1]) for k in range(nodes.size)]
        part = problem.batch()
        before, losses = part.value, part.judge(changes)
        best = int(losses.argmin())
        problem.accept(changes[best])
        self.resting = np.append(self.resting, nodes[best])[-min(self.settings.tenure, problem.num_nodes // 2) :]
        return SearchStep(before, float(losses[best]), tried=losses.size, accepted=True)

    def state(self):  # what a search that was stopped needs to go on to the same bits
        return {"resting": self.resting}

    def restore(self, state):
        self.resting = state.get("resting", self.resting)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
