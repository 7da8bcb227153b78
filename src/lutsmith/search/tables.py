"""The best tables of nodes, for all else as it is or by what their entries gain; how many changes to make at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.search.change import Change, together
from lutsmith.search.effects import best_table
from lutsmith.search.mutation import Bank
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


def filled_tables(tables: NDArray[np.uint64], gains: NDArray[np.int64], bank: Bank | None) -> NDArray[np.uint64]:
    """Return the tables that gain most, uint64 (k,); entries that gain nothing stay as they are.

    Args:
        tables: uint64 (k,), as they are.
        gains: int64 (k, 2**rank), what is gained where an entry is 1 and not 0.
        bank: tables that they are kept to: then those that gain most of it.
    """
    entries = np.arange(gains.shape[1], dtype=np.uint64)
    own = (tables[:, None] >> entries & np.uint64(1)).astype(np.bool_)
    if bank is not None:
        rises = np.where(own, gains, -gains).astype(np.float64)
        return np.array([bank.nearest(*each)[0] for each in zip(tables.tolist(), rises, strict=True)], np.uint64)
    words = np.where(gains == 0, own, gains > 0).astype(np.uint64) << entries
    filled: NDArray[np.uint64] = np.bitwise_or.reduce(words, axis=1)
    return filled
