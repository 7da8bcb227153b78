"""Structural hashing: nodes that compute the same function of the same signals, or its complement, become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import Words, negated_input, sort_inputs

_ODD = np.uint64(0x9E3779B97F4A7C15)


def merge_equal_nodes(netlist: Netlist) -> Netlist:
    """Return the netlist in which no LUT reads one of two nodes that are equal or complementary.

    Nodes are compared after their inputs are sorted: the order of inputs makes no difference, and a table and its
    complement are one. Readers of the later node read the first, complemented where needed. An output (or a register)
    moves to an equal node; where outputs read both a node and its complement, one of each stays, so that neither LUTs
    nor levels are added.
    """
    luts = Luts.of(netlist)
    place = np.arange(netlist.num_signals + 1, dtype=np.int32)
    place[UNUSED] = UNUSED
    equal = place.copy()
    flipped = np.zeros(netlist.num_signals + 1, np.bool_)
    changed = False
    final = np.zeros(netlist.num_signals + 1, np.bool_)
    final[luts.outputs] = final[luts.register_next] = True
    repeated = _repeated(luts)
    for nodes in _by_depth(luts):
        before = luts.reads[nodes]
        reads = place[before]
        moved = not np.array_equal(before, reads)
        if not moved and not repeated[nodes].any():
            continue
        changed |= moved
        order = np.argsort(~final[luts.first_node + nodes], kind="stable")  # the first of equal ones stays
        nodes, before, reads = nodes[order], before[order], reads[order]
        words = luts.words[nodes]
        for j in range(MAX_RANK):
            rows = np.flatnonzero(flipped[before[:, j]])
            words[rows] = negated_input(words[rows], j)
        luts.reads[nodes], luts.words[nodes] = reads, words
        signals = luts.first_node + nodes
        negative = _normalise(reads, words, netlist.num_signals)
        same = _first_equal(reads, words)
        place[signals] = signals[same]
        flipped[signals] = negative ^ negative[same]
        words[negative] = ~words[negative]
        equal[signals] = signals[_first_equal(reads, words)]

    for ends in (luts.outputs, luts.register_next):
        changed |= not np.array_equal(equal[ends], ends)
        ends[:] = equal[ends]
    return luts.netlist() if changed else netlist


def _by_depth(luts: Luts) -> list[NDArray[np.int64]]:
    """The nodes of each depth: equal nodes have the same, whatever their levels are."""
    depth = luts.depths()[luts.first_node : -1]
    order = np.argsort(depth, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)


def _normalise(reads: NDArray[np.int32], words: Words, last: int) -> NDArray[np.bool_]:
    """Sort the inputs by signal and make entry 0 of each table 0, in place; return bool (n,), the complemented ones."""
    sort_inputs(reads, words, np.where(reads == UNUSED, last, reads))
    negative = (words & np.uint64(1)).astype(np.bool_)
    words[negative] = ~words[negative]
    return negative


def _repeated(luts: Luts) -> NDArray[np.bool_]:
    """Return bool (N,), the nodes that seem equal to others before any is merged."""
    reads, words = luts.reads.copy(), luts.words.copy()
    _normalise(reads, words, luts.source.num_signals)
    _, group, counts = np.unique(_hashes(reads, words), return_inverse=True, return_counts=True)
    repeated: NDArray[np.bool_] = counts[group.reshape(-1)] > 1
    return repeated


def _first_equal(reads: NDArray[np.int32], words: Words) -> NDArray[np.int64]:
    """Return int64 (n,), for each row the first row that is equal to it.

    Rows are compared with the first of those that have the same hash; a collision leaves a duplicate unmerged.
    """
    _, first, group = np.unique(_hashes(reads, words), return_index=True, return_inverse=True)
    candidate: NDArray[np.int64] = first[group.reshape(-1)]
    equal = (words == words[candidate]) & (reads == reads[candidate]).all(axis=1)
    return np.where(equal, candidate, np.arange(words.size))


def _hashes(reads: NDArray[np.int32], words: Words) -> Words:
    key = words * _ODD
    for j in range(MAX_RANK):
        key = (key ^ key >> np.uint64(29)) * _ODD + reads[:, j].astype(np.uint64)
    return key
