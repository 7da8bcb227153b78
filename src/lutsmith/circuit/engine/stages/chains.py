"""Which nodes act through one or two readers alone, so that what inverting them does follows from these."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.engine import rises
from lutsmith.kernels.engine.trials import Readers

Numbers = NDArray[np.int64]

LONGEST = 6
"""Nodes that hang on one another at most: those of a length are one call of the threads."""


class RisePlan(NamedTuple):
    """What is run for the rises of some nodes.

    Attributes:
        starts: int64 (k, 4) for `rises.run_cones`.
        waves: int64 (k, 8) each for `rises.combine`, one after the other.
        kept: rises that are kept for others.
    """

    starts: Numbers
    waves: tuple[Numbers, ...]
    kept: int


class Chains:
    """Nodes by the readers that they act through: those of one level, one or two, of a node that is not an output.

    Args:
        readers: who reads each node, ascending.
        levels: int (N,), of each node.
        outputs: bool (N,), which nodes are outputs.

    Attributes:
        readers: as given.
    """

    def __init__(self, readers: Readers, levels: Numbers, outputs: NDArray[np.bool_]) -> None:
        self.readers = readers
        start, by = readers
        having = np.flatnonzero(np.diff(start))
        begin, end = start[having], start[having + 1] - 1
        changes = np.append(0, np.cumsum(by[1:] != by[:-1]))
        self._through = np.zeros((outputs.size, 2), np.int32)
        self._through[having] = np.stack([by[begin], by[end]], axis=1)
        first, last = self._through.T
        self._apt = np.zeros(outputs.size, np.bool_)
        self._apt[having] = changes[end] - changes[begin] < 2
        self._apt &= ~outputs & (levels[first] == levels[last])
        self._group = np.unique(first * np.int64(outputs.size) + last, return_inverse=True)[1]

    def plan(self, chosen: Numbers) -> RisePlan:
        """Return what to run for some nodes, ascending, each once."""
        through, group, slot = self._through[chosen], self._group[chosen], np.full(len(self._group), -1)
        there = np.zeros(len(slot), np.bool_)
        there[chosen] = True
        joined = self._apt[chosen] & there[through].all(axis=1)
        alone = through[:, 0] == through[:, 1]
        if joined.any():
            joined &= alone | (np.bincount(group[joined], minlength=len(slot))[group] > 1)
        depth = np.zeros(len(slot), np.int64)
        rises.settle(chosen, through, joined, LONGEST, depth)
        depth = depth[chosen]
        where = np.flatnonzero(depth)
        nodes, through = chosen[where], through[where]
        needed, pairs = np.unique(through), np.full(len(nodes), -1)
        slot[needed] = np.arange(needed.size)
        two = np.flatnonzero(~alone[where])
        _, of, numbers = np.unique(group[where[two]], return_index=True, return_inverse=True)
        pairs[two] = needed.size + numbers
        itself = np.flatnonzero(depth == 0)
        starts = np.full((itself.size + of.size, 4), -1)
        starts[: itself.size, 0], starts[: itself.size, 3] = chosen[itself], itself
        starts[: itself.size, 2] = slot[chosen[itself]]
        starts[itself.size :, :2] = through[two[of]]
        starts[itself.size :, 2] = needed.size + np.arange(of.size)
        links = np.column_stack([nodes, through, slot[through], pairs, slot[nodes], where])
        waves = (links[depth[where] == length] for length in range(1, LONGEST + 1))
        return RisePlan(starts, tuple(wave for wave in waves if len(wave)), needed.size + of.size)
