"""Which nodes pivotal descent changes, by name: from the pivotal sets of all nodes to some of them, the best first.

A pair is a sample and an output bit. A node repairs a pair if it is pivotal for it and the bit is wrong; it breaks one
that is right. LUTNets chooses by `score`, and has the others but `gain` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arrays import unpacked
from lutsmith.search.part import Part

Numbers = NDArray[np.int64]
Selector = Callable[[Part, Numbers, int], Numbers]
"""A part, the levels of its nodes, and how many nodes are wanted at most, to these."""


def _by(values: NDArray[np.float64] | Numbers, count: int) -> Numbers:
    """The nodes of the largest values above 0, largest first, lower numbers first among equals."""
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0].astype(np.int64)


def _all(part: Part) -> Numbers:
    return np.arange(part.evaluation.ranks.size)


def gain(part: Part, levels: Numbers, count: int) -> Numbers:
    """Those whose table can lower the loss most: the sum over its entries of what inverting the entry gains, if any."""
    return _by(np.maximum(0.0, -part.effects(_all(part))).sum(axis=1), count)


def score(part: Part, levels: Numbers, count: int) -> Numbers:
    """Those that lower the loss most if the whole node is inverted; if none does, the ones that raise it least."""
    scores = part.scores(_all(part))
    return np.argsort(-scores, kind="stable")[:count].astype(np.int64)


def frequent(part: Part, levels: Numbers, count: int) -> Numbers:
    """Of each sample the node that repairs most of its bits; the nodes that this is most often."""
    return _by(_elections(part, breaks=False), count)


def sample(part: Part, levels: Numbers, count: int) -> Numbers:
    """Of each sample the node that repairs most of its bits, less those it breaks; the nodes that this is most often."""
    return _by(_elections(part, breaks=True), count)


def output(part: Part, levels: Numbers, count: int) -> Numbers:
    """Of each output bit the node that repairs it most often, less how often it breaks it; the best of these first."""
    repairs, breaks = _pairs(part)
    net = repairs - breaks
    best = net.argmax(axis=0)
    values = net[best, np.arange(best.size)]
    order = np.argsort(-values, kind="stable")
    nodes = best[order[values[order] > 0]]
    return nodes[np.sort(np.unique(nodes, return_index=True)[1])][:count].astype(np.int64)


def deepest(part: Part, levels: Numbers, count: int) -> Numbers:
    """Those of the highest level that lower the loss if they are inverted; of one level the largest score first."""
    scores = part.scores(_all(part))
    having = np.flatnonzero(scores > 0)
    return having[np.lexsort((-scores[having], -levels[having]))][:count]


def cover(part: Part, levels: Numbers, count: int) -> Numbers:
    """Greedily those that repair most of the wrong bits which no node before them repairs."""
    repaired, chosen = part.pivotal(_all(part)) & part.wrong(), list[int]()
    while len(chosen) < count and repaired.size:
        counts = np.bitwise_count(repaired).sum(axis=(1, 2), dtype=np.int64)
        node = int(counts.argmax())
        if not counts[node]:
            break
        chosen.append(node)
        repaired &= ~repaired[node]
    return np.array(chosen, np.int64)


SELECTORS: Mapping[str, Selector] = {
    chosen.__name__: chosen for chosen in (gain, score, frequent, cover, deepest, sample, output)
}
"""The selectors by name."""


def _pairs(part: Part) -> tuple[Numbers, Numbers]:
    """How many samples each node repairs and breaks each output of, int64 (nodes, O) both."""
    rows, wrong = part.pivotal(_all(part)), part.wrong()
    repairs = np.bitwise_count(rows & wrong).sum(axis=2, dtype=np.int64)
    return repairs, np.bitwise_count(rows).sum(axis=2, dtype=np.int64) - repairs


def _elections(part: Part, *, breaks: bool) -> Numbers:
    """Of how many samples each node is the best, int64 (nodes,); a sample that no node is good for has none."""
    rows, wrong = part.pivotal(_all(part)), part.wrong()
    votes = np.zeros(len(rows), np.int64)
    for word in range(rows.shape[2] if len(rows) else 0):
        size = min(64, len(part) - 64 * word)
        here, bad = rows[:, :, word], wrong[:, word]
        good = _sums(here & bad, size)
        net = good - _sums(here & ~bad, size) if breaks else good
        best = net.argmax(axis=0)
        votes += np.bincount(best[net[best, np.arange(size)] > 0], minlength=len(rows))
    return votes


def _sums(words: NDArray[np.uint64], size: int) -> NDArray[np.int16]:
    """The ones of each node and sample, int16 (nodes, size), of uint64 (nodes, O)."""
    total = np.zeros((len(words), size), np.int16)
    for output in range(words.shape[1]):
        total += unpacked(words[:, output : output + 1], size).T
    return total
