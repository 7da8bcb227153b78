"""What of a netlist the engine evaluates: the nodes that an output depends on, by kind of function.

Where tables may be exchanged, all that is known is the wiring: nodes that no output depends on are left out, and every
other one is of the kind of its rank. Where tables are fixed, constants and buffers need no evaluation either, and nodes
of up to three inputs are of the kind of their function (`kernels.engine.lanes.KINDS`), without the inputs that make no
difference. An OR of LUTs that nothing else reads, as pools have them, is evaluated with these where one has more than
three inputs: their values are never stored. Nothing else is simplified: that takes longer than a first answer may, and
is `circuit.simplify`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, table_mask
from lutsmith.circuit.tables import VARIABLES
from lutsmith.ground.arrays import runs
from lutsmith.kernels.engine import lanes

_ANY_ORDER = tuple(range(6))
_LARGEST_KNOWN = 3  # inputs
_OF_FOUR = [table for rank, table in lanes.KINDS if rank > _LARGEST_KNOWN and table is not None]  # and these of four
_POOLED = np.array([lanes.POOLED.get(rank, 0) for rank in range(7)])


class EvaluatedNodes:
    """The evaluated part of a netlist. Signals num_signals and num_signals + 1 are the constants 0 and 1.

    Attributes:
        nodes: int64 (n,), the nodes whose values are stored, in the netlist's order.
        kinds: int64 (n,), indices into `lanes.KINDS`, or values of `lanes.POOLED`.
        levels: int64 (n,), from 1 on.
        pooled: int64 (n,), how many LUTs each is the OR of: 1 but for kinds of `lanes.POOLED`.
        luts: int64, the nodes whose tables are evaluated, node after node: each itself, or those that it is the OR of.
        fanin: int64, the signals that these read, filled up by constants to the most inputs of those of one OR.
        fanin_ptr: int64 (n+1,), the part of `fanin` that belongs to each of `nodes`.
        outputs: int64 (O,), the signals that hold the outputs.

    Args:
        netlist: all of it.
        fixed: whether its tables are fixed.
        pools: whether ORs are evaluated with the LUTs that they read, where tables are fixed.
    """

    def __init__(self, netlist: Netlist, fixed: bool, pools: bool) -> None:
        sources = netlist.num_inputs + netlist.num_registers
        counts = np.diff(netlist.level_ptr)
        pointers, ranks = netlist.fanin_ptr, netlist.ranks.astype(np.int64)
        fanin, outputs = netlist.fanin.astype(np.int64), netlist.outputs.astype(np.int64)
        variants, evaluated = ranks, np.ones(netlist.num_nodes, np.bool_)
        if fixed and netlist.num_nodes:
            meant = _meant(netlist)
            fanin, outputs = meant[fanin], meant[outputs]
            evaluated = meant[sources : netlist.num_signals] == np.arange(sources, netlist.num_signals)
            variants = _variants(ranks, netlist.tables())
        kinds, slots = _table_of_variants()
        read = _Lists(pointers[:-1], slots[variants], lanes.RANKS[kinds[variants]])
        alive = np.zeros(netlist.num_signals + 2, np.bool_)
        alive[outputs] = True
        for first, stop in zip(netlist.level_ptr[-2::-1], netlist.level_ptr[:0:-1], strict=True):
            nodes = first + np.flatnonzero(alive[sources + first : sources + stop])
            alive[fanin[read.entries(nodes)]] = True
        evaluated &= alive[sources : netlist.num_signals]
        found = _pools(netlist, evaluated, fanin, read, outputs) if fixed and pools else []
        pooled, width = np.ones(netlist.num_nodes, np.int64), read.counts.copy()
        for ors, members in found:
            evaluated[members] = False
            pooled[ors], width[ors] = members.shape[1], ranks[members].max(axis=1)
            variants[members] = ranks[members]
        if found:
            read = _Lists(pointers[:-1], slots[variants], lanes.RANKS[kinds[variants]])
        self.nodes = np.flatnonzero(evaluated)
        self.levels = np.repeat(np.arange(1, counts.size + 1), counts)[self.nodes]
        self.pooled = pooled[self.nodes]
        self.luts = np.repeat(self.nodes, self.pooled)
        first = np.cumsum(self.pooled) - self.pooled
        for ors, members in found:
            self.luts[first[np.searchsorted(self.nodes, ors)][:, None] + np.arange(members.shape[1])] = members
        own = kinds[variants[self.nodes]]
        self.kinds = np.where(self.pooled > 1, _POOLED[np.minimum(width[self.nodes], 6)], own)
        widths = np.repeat(width[self.nodes], self.pooled)
        self.fanin = np.full(widths.sum(), netlist.num_signals)
        self.fanin[runs(np.cumsum(widths) - widths, read.counts[self.luts])] = fanin[read.entries(self.luts)]
        self.fanin_ptr = np.concatenate([[0], np.cumsum(width[self.nodes] * self.pooled)])
        self.outputs = outputs

    def set_kinds(self, netlist: Netlist, tables: Sequence[tuple[int, int]], first: int) -> None:
        """Make nodes of these tables kinds of their own, from `first` on; ORs too, where all that they read has one."""
        own = np.full(netlist.num_nodes, -1, np.int64)
        words = netlist.tables()
        for rank in {rank for rank, _ in tables}:
            numbers = np.array([number for number, (inputs, _) in enumerate(tables) if inputs == rank])
            known = np.array([tables[number][1] for number in numbers], np.uint64)
            nodes = np.flatnonzero(netlist.ranks == rank)
            order = np.argsort(known)
            place = order[np.minimum(np.searchsorted(known, words[nodes], sorter=order), len(known) - 1)]
            same = known[place] == words[nodes]
            own[nodes[same]] = numbers[place[same]]
        if not self.nodes.size:
            return
        starts, of_luts = np.cumsum(self.pooled) - self.pooled, own[self.luts]
        lowest, highest = np.minimum.reduceat(of_luts, starts), np.maximum.reduceat(of_luts, starts)
        generic = np.isin(self.kinds, [*lanes.POOLED, *lanes.POOLED.values()])
        self.kinds = np.where(generic & (lowest >= 0) & (lowest == highest), first + lowest, self.kinds)


class _Lists:
    """Which entries of the netlist's fanin each node reads, in which order."""

    def __init__(self, starts: NDArray[np.int64], slots: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self.starts, self.slots, self.counts = starts, slots, counts

    def entries(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64, the entries of some nodes, node after node."""
        entries = self.starts[nodes, None] + self.slots[nodes]
        read: NDArray[np.int64] = entries[np.arange(6) < self.counts[nodes, None]]
        return read


def _pools(
    netlist: Netlist,
    evaluated: NDArray[np.bool_],
    fanin: NDArray[np.int64],
    read: _Lists,
    outputs: NDArray[np.int64],
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The ORs to evaluate with what they read, by their number of inputs: int64 (k,), and those nodes, int64 (k, m)."""
    sources, tables, ranks = netlist.num_inputs + netlist.num_registers, netlist.tables(), netlist.ranks
    is_or = evaluated & (ranks > 1) & (tables == (table_mask(ranks) & ~np.uint64(1)))
    if not is_or.any():
        return []
    reads = np.bincount(fanin[read.entries(np.flatnonzero(evaluated))], minlength=netlist.num_signals + 2)
    reads += np.bincount(outputs, minlength=netlist.num_signals + 2)
    joins = evaluated & ~is_or & (reads[sources : netlist.num_signals] == 1)
    width = np.zeros(netlist.num_signals + 2, np.int64)  # of signals that an OR may take with it
    width[sources : netlist.num_signals][joins] = ranks[joins]
    found = []
    for rank in range(2, 7):
        ors = np.flatnonzero(is_or & (ranks == rank))
        members = fanin[netlist.fanin_ptr[ors][:, None] + np.arange(rank)]
        widths = width[members]
        chosen = (widths > 0).all(axis=1) & (widths.max(axis=1) > _LARGEST_KNOWN)
        if chosen.any():
            found.append((ors[chosen], members[chosen] - sources))
    return found


def _meant(netlist: Netlist) -> NDArray[np.int64]:
    """int64 (num_signals + 2,), the signal that each equals by constants and buffers: itself, mostly."""
    tables, mask = netlist.tables(), table_mask(netlist.ranks)
    sources, constant = netlist.num_inputs + netlist.num_registers, netlist.num_signals
    meant = np.arange(constant + 2)
    meant[sources:constant][tables == 0] = constant
    meant[sources:constant][tables == mask] = constant + 1
    for slot, variable in enumerate(VARIABLES):
        nodes = np.flatnonzero((netlist.ranks > slot) & (tables == (variable & mask)))
        meant[sources + nodes] = netlist.fanin[netlist.fanin_ptr[nodes] + slot]
    while True:
        further = meant[meant]
        if np.array_equal(further, meant):
            return further
        meant = further


def _variants(ranks: NDArray[np.int64], tables: NDArray[np.uint64]) -> NDArray[np.int64]:
    """int64 (N,), rows of `_table_of_variants`: of the rank, or of the function where that is known."""
    known = ranks <= _LARGEST_KNOWN
    firsts = np.array([_first_variant(rank) for rank in range(_LARGEST_KNOWN + 1)])
    variants = ranks.copy()
    variants[known] = firsts[ranks[known]] + tables[known].astype(np.int64)
    for place, table in enumerate(_OF_FOUR):
        variants[(ranks == 4) & (tables == table)] = _first_variant(_LARGEST_KNOWN + 1) + place
    return variants


def _first_variant(rank: int) -> int:
    """Where the functions of a rank begin: after the ranks 0 to 6 and the functions of lower ranks."""
    return 7 + sum(1 << (1 << lower) for lower in range(rank))


@cache
def _table_of_variants() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The kind of each variant, int64 (V,), and the slots whose inputs it takes, in order, int64 (V, 6).

    Variants 0 to 6 are the ranks with any table, then follow all functions of rank 0, 1, 2 and 3, and some of rank 4.
    Constants and buffers are not evaluated: their kinds mean nothing.
    """
    numbers = {kind: number for number, kind in enumerate(lanes.KINDS)}
    kinds, slots = list(range(7)), [_ANY_ORDER] * 7
    for rank in range(_LARGEST_KNOWN + 1):
        for table in range(1 << (1 << rank)):
            kind, order = next(
                (
                    (numbers[order_kind], order)
                    for count in range(1, rank + 1)
                    for order in permutations(range(rank), count)
                    if (order_kind := _restricted(table, rank, order)) in numbers
                ),
                (0, ()),
            )
            kinds.append(kind)
            slots.append((*order, *_ANY_ORDER[len(order) :]))
    for table in _OF_FOUR:
        kinds.append(numbers[4, table])
        slots.append(_ANY_ORDER)
    return np.array(kinds), np.array(slots)


def _restricted(table: int, rank: int, order: tuple[int, ...]) -> tuple[int, int] | None:
    """The function of the inputs in `order`, if the function of `rank` inputs depends on no other: (inputs, table)."""
    found = 0
    for entry in range(1 << len(order)):
        found |= (table >> sum((entry >> place & 1) << slot for place, slot in enumerate(order)) & 1) << entry
    for address in range(1 << rank):
        entry = sum((address >> slot & 1) << place for place, slot in enumerate(order))
        if (table >> address ^ found >> entry) & 1:
            return None
    return len(order), found
