"""Constants are folded into the tables that read them."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import ONES, cofactors


def fold_constants(netlist: Netlist) -> Netlist:
    """Return an equal netlist in which no LUT reads a constant, and no LUT has a table of one value.

    A node whose table is all 0 or all 1 is a constant; what reads it keeps the half of its table that the constant
    leaves, and may become a constant by that. Outputs that are constant read a node of rank 0.
    """
    luts = Luts.of(netlist)
    value = np.zeros(netlist.num_signals + 1, np.uint64)
    known = np.zeros(netlist.num_signals + 1, np.bool_)
    changed = False
    for nodes in luts.levels():
        reads, words = luts.reads[nodes], luts.words[nodes]
        if known[reads].any():
            for j in range(MAX_RANK):
                rows = np.flatnonzero(known[reads[:, j]])
                low, high = cofactors(words[rows], j)
                words[rows] = np.where(value[reads[rows, j]] != 0, high, low)
                reads[rows, j] = UNUSED
            changed = True
        constant = (words == 0) | (words == ONES)
        changed |= bool((reads[constant] != UNUSED).any())
        reads[constant] = UNUSED
        signals = slice(luts.first_node + nodes.start, luts.first_node + nodes.stop)
        known[signals], value[signals] = constant, words
    return luts.netlist() if changed else netlist
