"""Which nodes pivotal descent changes, by name: from the pivotal sets of all nodes to some of them, the best first.

A pair is a sample and an output bit. A node repairs a pair if it is pivotal for it and the bit is wrong; it breaks one
that is right. LUTNets chooses by `score`, and has the others but `gain` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arrays import unpacked
from lutsmith.search.part import LabelledPart

Numbers = NDArray[np.int64]
Selector = Callable[[LabelledPart, Numbers, int], Numbers]
"""A part, the nodes to choose among, and how many are wanted at most, to these."""


def _by(values: NDArray[np.float64] | Numbers, count: int) -> Numbers:
    """The places of the largest values above 0, largest first, earlier ones first among equals."""
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0].astype(np.int64)


def gain(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """Those whose table can lower the loss most: the sum over its entries of what inverting the entry gains, if any."""
    return nodes[_by(part.gains(nodes), count)]


def score(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """Those that lower the loss most if the whole node is inverted; if none does, the ones that raise it least."""
    return nodes[np.argsort(-part.scores(nodes), kind="stable")[:count]]


def frequent(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """For each sample, the node that repairs most of its bits; the nodes for which this is most often the case."""
    return nodes[_by(_elections(part, nodes, breaks=False), count)]


def sample(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """For each sample, the node that repairs most of its bits, less those it breaks; the nodes for which this is most
    often the case.
    """
    return nodes[_by(_elections(part, nodes, breaks=True), count)]


def output(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """For each output bit, the node that repairs it most often, less how often it breaks it; the best of these
    first.
    """
    rows, wrong = part.pivotal(nodes), part.wrong()
    repairs = np.bitwise_count(rows & wrong).sum(axis=2, dtype=np.int64)
    net = 2 * repairs - np.bitwise_count(rows).sum(axis=2, dtype=np.int64)
    best = net.argmax(axis=0)
    values = net[best, np.arange(best.size)]
    order = np.argsort(-values, kind="stable")
    found = best[order[values[order] > 0]]
    picked: Numbers = nodes[found[np.sort(np.unique(found, return_index=True)[1])][:count]]
    return picked


def deepest(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """Those of the highest level that lower the loss if they are inverted; of one level the largest score first."""
    scores = part.scores(nodes)
    having = np.flatnonzero(scores > 0)
    return nodes[having[np.lexsort((-scores[having], -part.levels[nodes[having]]))][:count]]


def cover(part: LabelledPart, nodes: Numbers, count: int) -> Numbers:
    """Greedily those that repair most of the wrong bits that no node before them repairs."""
    repaired, chosen = part.pivotal(nodes) & part.wrong(), list[int]()
    while len(chosen) < count and repaired.size:
        counts = np.bitwise_count(repaired).sum(axis=(1, 2), dtype=np.int64)
        node = int(counts.argmax())
        if not counts[node]:
            break
        chosen.append(node)
        repaired &= ~repaired[node]
    return nodes[chosen]


SELECTORS: Mapping[str, Selector] = {
    chosen.__name__: chosen for chosen in (gain, score, frequent, cover, deepest, sample, output)
}
"""The selectors by name."""


def _elections(part: LabelledPart, nodes: Numbers, *, breaks: bool) -> Numbers:
    """Of how many samples each node is the best, int64 (k,); a sample that no node is good for has none."""
    rows, wrong = part.pivotal(nodes), part.wrong()
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
