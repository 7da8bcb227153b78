"""In which steps the engine evaluates a netlist: level by level, or in bands where these keep fewer rows alive.

The trees and pools of convolutions make few values of many. Evaluated level by level, all of a level are in memory at
once: 19 MB of the first gates of LogicTreeNet S. So levels are cut into stretches, which end where no fewer values are
alive one level further. A band is some of the values at the end of a stretch, in their order, and all that only
they need. Its rows are used again for the next band, and stay in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lutsmith.circuit.engine.evaluated import EvaluatedNodes
    from lutsmith.circuit.netlist import Netlist

BAND_ROWS = 1024
"""Rows of the values that a band needs for itself: 128 kB, a part of the second-level cache."""

WORTH = 0.75
"""A stretch is evaluated in bands if at most this share of the rows is alive at once."""

GROUP = 16
"""Nodes of one kind that a step of such a stretch must have on average: smaller groups cost more than they save."""


class _Reads(NamedTuple):
    """Which nodes read which: node `reader[k]` reads node `read[k]`; sorted by readers.

    Attributes:
        reader, read: int64 (k,), places in the order of levels.
        kept: int64, the nodes that are outputs.
    """

    reader: NDArray[np.int64]
    read: NDArray[np.int64]
    kept: NDArray[np.int64]


def steps(nodes: EvaluatedNodes, netlist: Netlist) -> NDArray[np.int64]:
    """int64 (n,), from 1 on: the step in which each node is evaluated, higher than those of the nodes that it reads.

    Rows are given to steps, and are free once nothing of a step is read any more. So values of a band and level that
    are read in their stretch alone are a step of their own, apart from those that are read behind it.

    Args:
        nodes: what is evaluated of `netlist`.
        netlist: all of it.
    """
    used, levels = np.unique(nodes.levels, return_inverse=True)
    reads = _reads(nodes, netlist)
    last, alive = _alive(levels, used.size, reads)
    if alive.max(initial=0) <= BAND_ROWS:
        return levels + 1
    ends = np.append(alive[:-1] <= alive[1:], True)  # of stretches, by levels
    stretch_of_level = np.cumsum(ends) - ends
    stretch = stretch_of_level[levels]
    inner = last <= np.flatnonzero(ends)[stretch]
    bands = np.maximum(1, -(-np.bincount(stretch, inner).astype(np.int64) // BAND_ROWS))
    bands[np.bincount(stretch_of_level) == 1] = 1
    band = np.minimum((_places(levels, stretch, reads) * bands[stretch]).astype(np.int64), bands[stretch] - 1)
    found = _numbered(stretch, band, levels, inner)
    worth = _peaks(found, stretch, reads) <= WORTH * _peaks(levels, stretch, reads)
    worth &= np.bincount(stretch) >= GROUP * _groups(found, stretch, nodes.kinds)
    worth = worth[stretch]
    return _numbered(stretch, np.where(worth, band, 0), levels, inner & worth) + 1


def _reads(nodes: EvaluatedNodes, netlist: Netlist) -> _Reads:
    place = np.full(netlist.num_signals + 2, -1)  # two more for constants
    place[netlist.num_inputs + netlist.num_registers + nodes.nodes] = np.arange(nodes.nodes.size)
    read, kept = place[nodes.fanin], place[nodes.outputs]
    reader = np.repeat(np.arange(nodes.nodes.size), np.diff(nodes.fanin_ptr))
    return _Reads(reader[read >= 0], read[read >= 0], kept[kept >= 0])


def _alive(steps: NDArray[np.int64], count: int, reads: _Reads) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The last step that reads each node, int64 (n,), `count` for outputs; and how many are read after each step."""
    last = steps.copy()
    np.maximum.at(last, reads.read, steps[reads.reader])
    last[reads.kept] = count
    born, dead = np.bincount(steps, minlength=count), np.bincount(last, minlength=count + 1)[:count]
    return last, np.cumsum(born) - np.cumsum(dead)


def _places(levels: NDArray[np.int64], stretch: NDArray[np.int64], reads: _Reads) -> NDArray[np.float64]:
    """float64 (n,), in 0..1: the lowest place of those that read a node in its stretch; where none do, its own in the
    order of its level.
    """
    first = np.searchsorted(levels, np.arange(levels[-1] + 2))
    places = np.full(levels.size, np.inf)
    within = stretch[reads.reader] == stretch[reads.read]
    reader, read = reads.reader[within], reads.read[within]
    edges = np.searchsorted(reader, first)
    for level in range(first.size - 2, -1, -1):
        begin, end = first[level], first[level + 1]
        order = (np.arange(end - begin) + 0.5) / (end - begin)
        places[begin:end] = np.where(np.isinf(places[begin:end]), order, places[begin:end])
        part = slice(edges[level], edges[level + 1])
        np.minimum.at(places, read[part], places[reader[part]])
    return places


def _numbered(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """int64 (n,): steps from 0 on, ordered by the first key, then by the second, and so on; keys are at least 0."""
    number = np.zeros(keys[0].size, np.int64)
    for key in keys:
        number = np.unique(number * (int(key.max()) + 1) + key, return_inverse=True)[1]
    return number


def _groups(steps: NDArray[np.int64], stretch: NDArray[np.int64], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64: how many groups of nodes of one step and kind each stretch has."""
    first = np.unique(_numbered(steps, kinds), return_index=True)[1]
    return np.bincount(stretch[first], minlength=int(stretch.max()) + 1)


def _peaks(steps: NDArray[np.int64], stretch: NDArray[np.int64], reads: _Reads) -> NDArray[np.int64]:
    """int64: how many nodes are alive at most during each stretch."""
    _, alive = _alive(steps, int(steps.max()) + 1, reads)
    of_step = np.zeros(alive.size, np.int64)
    of_step[steps] = stretch
    peaks = np.zeros(int(stretch.max()) + 1, np.int64)
    np.maximum.at(peaks, of_step, alive)
    return peaks
