"""The best tables of nodes for all else as it is, and how many of several changes to make at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.search.change import Change, together
from lutsmith.search.effects import best_table
from lutsmith.search.part import LabelledPart
from lutsmith.search.problem import Problem


def best_tables(problem: Problem, part: LabelledPart, nodes: NDArray[np.int64]) -> list[Change]:
    """Return the best table of each node on a part, of the bank where there is one, where it lowers the loss; the
    order of the nodes is kept.
    """
    changes, tables, ranks = [], problem.tables, problem.ranks
    for node, effects in zip(nodes.tolist(), part.effects(nodes), strict=True):
        found = best_table if problem.bank is None else problem.bank.nearest
        table, gained = found(int(tables[node]), effects[: 1 << ranks[node]])
        if gained > 0:
            changes.append(Change(np.array([node]), np.array([table], np.uint64)))
    return changes


def best_prefix(part: LabelledPart, changes: list[Change]) -> Change | None:
    """Return the first changes as one, as many of them as lower the loss on a part most; None: no number does."""
    if not changes:
        return None
    prefixes = [together(changes[:count]) for count in range(1, len(changes) + 1)]
    losses = part.judge(prefixes)
    best = int(losses.argmin())
    return prefixes[best] if losses[best] < part.value else None
