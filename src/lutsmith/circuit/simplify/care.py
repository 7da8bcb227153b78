"""What a data set shows about a netlist: the addresses at which each LUT is read, and which signals differ on some row.

Entries that are never addressed may be chosen freely, and signals that are equal on all rows may replace each other.
Each change here keeps the value of every signal on every row, so what was seen before stays true, and changes can be
made at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import MAX_RANK, Netlist, table_mask
from lutsmith.circuit.simplify.luts import UNUSED, Luts
from lutsmith.circuit.tables import ONES, VARIABLES, Words, cofactors, negated_input, sort_inputs, widened

MEMORY = 1 << 26
"""Bytes that the values of all signals on a part of the rows may take, where 1,024 rows fit in them."""


class Sight(NamedTuple):
    """What rows show about a netlist.

    Attributes:
        seen: uint64 (N,), bit a of a node is set where a row reads its table at address a.
        prints: uint64 (signals + 1, 2), equal for signals that are equal or complementary on all rows; the last is the
            constant.
        high: bool (signals + 1,), the value of each signal in the first row.
    """

    seen: Words
    prints: Words
    high: NDArray[np.bool_]


def look(encoder: Comparators | Inputs, netlist: Netlist, rows: NDArray[Any]) -> Sight:
    """Return what rows (N, F), at least one, show about a netlist without registers, block by block in bounded
    memory.
    """
    from lutsmith.circuit.engine.stages import Stages
    from lutsmith.kernels.netlists import care

    signals = netlist.num_signals + 1
    seen = np.zeros(netlist.num_nodes, np.uint64)
    prints = np.zeros((signals, 2), np.uint64)
    flips = np.zeros(signals, np.uint64)
    stages = Stages(encoder, netlist)
    for number, (values, samples) in enumerate(stages.signal_rows(rows, memory=MEMORY)):
        if number == 0:  # complementary signals become equal: each is compared with its value in the first row
            flips[values[:, 0] & np.uint64(1) != 0] = ONES
        care.watch(values, samples, netlist.fanin, netlist.fanin_ptr, seen)
        care.fingerprint(values, samples, flips, prints)
    return Sight(seen, prints, flips != 0)


def entries(netlist: Netlist, sight: Sight) -> tuple[int, int]:
    """Return how many table entries the LUTs have, and how many of them a row reads. Constants have none."""
    luts = netlist.ranks > 0
    total = int((1 << netlist.ranks[luts]).sum())
    read = sight.seen[luts] & table_mask(netlist.ranks[luts])
    return total, int(np.unpackbits(read.view(np.uint8)).sum())


def use_freedom(netlist: Netlist, sight: Sight) -> Netlist:
    """Return a netlist in which every signal that is left has its value on all rows, with fewer inputs of LUTs.

    A LUT stops reading an input if no two entries that differ only in that input are both read with different values;
    inputs with the fewest readers are tried first. Then LUTs read, in place of a signal, the lowest that is equal to it
    or complementary on all rows, or a constant.
    """
    luts = Luts.of(netlist)
    changed = drop_inputs(luts, widened(sight.seen, netlist.ranks))
    changed |= _merge_signals(luts, sight)
    return luts.netlist() if changed else netlist


def drop_inputs(luts: Luts, care: Words) -> bool:
    """Drop inputs of LUTs that only entries outside of `care` depend on; return whether there were any.

    Args:
        luts: changed in place; the inputs of a LUT may change their order.
        care: uint64 (N,), the entries that must stay as they are, for all values of unused inputs.
    """
    fanout = np.where(luts.reads != UNUSED, luts.fanout()[luts.reads], np.iinfo(np.int64).max)
    care = care.copy()
    sort_inputs(luts.reads.copy(), care, fanout.copy())
    sort_inputs(luts.reads, luts.words, fanout)
    changed = False
    for j in range(MAX_RANK):
        low, high = cofactors(luts.words, j)
        care_low, care_high = cofactors(care, j)
        rows = np.flatnonzero((luts.reads[:, j] != UNUSED) & ((low ^ high) & care_low & care_high == 0))
        if rows.size:
            from_high = (care_high & ~care_low)[rows]  # entries that no row reads stay as they are with the input at 0
            luts.words[rows] = low[rows] & ~from_high | high[rows] & from_high
            care[rows] = (care_low | care_high)[rows]
            luts.reads[rows, j] = UNUSED
            changed = True
    return changed


def _merge_signals(luts: Luts, sight: Sight) -> bool:
    depth = luts.depths()
    order = _preference(luts, depth)
    place = _first_of_equal(sight.prints, order)
    flipped = sight.high ^ sight.high[place]
    place[place == order[0]] = UNUSED
    changed = False
    for j in range(MAX_RANK):
        reads = luts.reads[:, j].copy()
        inverted = np.flatnonzero(flipped[reads])
        luts.words[inverted] = negated_input(luts.words[inverted], j)
        luts.reads[:, j] = place[reads]
        constant = np.flatnonzero((luts.reads[:, j] == UNUSED) & (reads != UNUSED))
        luts.words[constant] = cofactors(luts.words[constant], j)[0]
        changed |= not np.array_equal(luts.reads[:, j], reads)
    return _move_ends(luts, sight, place, flipped, depth, order) or changed


def _move_ends(
    luts: Luts,
    sight: Sight,
    place: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    depth: NDArray[np.int32],
    order: NDArray[np.int64],
) -> bool:
    """Let outputs read the first of equal signals. Nodes that only outputs read become constants or inverters."""
    phases = np.column_stack([sight.prints, sight.high])
    equal = _first_of_equal(phases, order[1:])
    ends = luts.outputs
    fixed = place == UNUSED
    target = np.where(fixed[ends], ends, equal[ends])
    changed = not np.array_equal(target, ends)
    ends[:] = target
    ended = np.unique(ends[ends >= luts.first_node])
    nodes = ended - luts.first_node
    constant = fixed[ended] & (luts.reads[nodes] != UNUSED).any(axis=1)
    luts.reads[nodes[constant]] = UNUSED
    luts.words[nodes[constant]] = np.where(sight.high[ended[constant]], ONES, np.uint64(0))
    inverter = ~fixed[ended] & flipped[ended] & (depth[place[ended]] + 1 <= depth[ended])
    inverter &= np.count_nonzero(luts.reads[nodes] != UNUSED, axis=1) > 1
    luts.reads[nodes[inverter]] = UNUSED
    luts.reads[nodes[inverter], 0] = place[ended[inverter]]
    luts.words[nodes[inverter]] = ~VARIABLES[0]
    return bool(changed or constant.any() or inverter.any())


def _preference(luts: Luts, depth: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return int64 (signals + 1,), all signals, best to read first: the constant, low levels, those outputs read."""
    final = np.zeros(depth.size, np.bool_)
    final[luts.outputs] = True
    keys = depth.astype(np.int64)
    keys[UNUSED] = -1
    return np.lexsort((~final, keys))


def _first_of_equal(keys: NDArray[np.uint64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 (signals + 1,), for each signal the first in `order` of the same row of `keys`."""
    _, first, group = np.unique(keys[order], axis=0, return_index=True, return_inverse=True)
    place = np.arange(len(keys))
    place[order] = order[first[group.reshape(-1)]]
    return place
