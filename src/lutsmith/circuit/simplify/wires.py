"""Buffers and inverters are absorbed into the tables that read them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import VARIABLES, negated_input


def absorb_wires(netlist: Netlist) -> Netlist:
    """Return the netlist in which no LUT reads a buffer or an inverter.

    Readers read the signal behind it, with the input complemented behind an odd number of inverters. An output behind a
    buffer becomes that signal. Where outputs read the complement of a node and none reads the node itself, the node's
    table is complemented, and its readers' inputs with it; other outputs behind an inverter keep one.
    """
    luts = Luts.of(netlist)
    place = np.arange(netlist.num_signals + 1, dtype=np.int32)
    flipped = np.zeros(netlist.num_signals + 1, np.bool_)
    single = np.flatnonzero(netlist.ranks == 1)
    single = single[(luts.words[single] == VARIABLES[0]) | (luts.words[single] == ~VARIABLES[0])]
    signals = luts.first_node + single
    place[signals] = luts.reads[single, 0]
    flipped[signals] = luts.words[single] != VARIABLES[0]
    while True:  # chains halve in length each time
        behind = place[place[signals]]
        if np.array_equal(behind, place[signals]):
            break
        flipped[signals] ^= flipped[place[signals]]
        place[signals] = behind

    place[UNUSED] = UNUSED
    turned = _to_turn(luts, place, flipped)
    complement = flipped ^ turned[place]
    changed = False
    for j in range(MAX_RANK):
        reads = luts.reads[:, j]
        inverted = np.flatnonzero(complement[reads])
        luts.words[inverted] = negated_input(luts.words[inverted], j)
        changed |= not np.array_equal(place[reads], reads)
        luts.reads[:, j] = place[reads]
    own = np.flatnonzero(turned[luts.first_node :])
    luts.words[own] = ~luts.words[own]
    for ends in (luts.outputs, luts.register_next):
        moved = np.flatnonzero((place[ends] != ends) & ~complement[ends])
        ends[moved] = place[ends[moved]]
        changed |= moved.size > 0  # an end that makes a node turn moves too
    return luts.netlist() if changed else netlist


def _to_turn(luts: Luts, place: NDArray[np.int32], flipped: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bool (signals + 1,), the nodes of which outputs and registers read the complement alone."""
    ends = np.concatenate([luts.outputs, luts.register_next])
    wanted = np.zeros((2, place.size), np.bool_)
    wanted[flipped[ends].astype(np.int8), place[ends]] = True
    turned: NDArray[np.bool_] = wanted[1] & ~wanted[0]
    turned[: luts.first_node] = False
    return turned
