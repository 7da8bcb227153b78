"""What of a netlist the engine evaluates: the nodes that an output depends on, by kind of function.

Where tables may be exchanged, all that is known is the wiring: nodes that no output depends on are left out, and every
other one is of the kind of its rank. Where tables are fixed, constants and buffers need no evaluation either, and nodes
of up to three inputs are of the kind of their function (`kernels.engine.lanes.KINDS`), without the inputs that make no
difference. Nothing else is simplified: that takes longer than a first answer may, and is `circuit.simplify`'s.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist, table_mask
from lutsmith.circuit.tables import VARIABLES
from lutsmith.kernels.engine import lanes

_ANY_ORDER = tuple(range(6))
_LARGEST_KNOWN = 3  # inputs


class EvaluatedNodes:
    """The evaluated part of a netlist. Signals num_signals and num_signals + 1 are the constants 0 and 1.

    Attributes:
        nodes: int64 (n,), the nodes that are evaluated, in the netlist's order.
        kinds: int64 (n,), indices into `lanes.KINDS`.
        levels: int64 (n,), from 1 on.
        fanin: int64, the signals that they read, node after node.
        fanin_ptr: int64 (n+1,).
        outputs: int64 (O,), the signals that hold the outputs.

    Args:
        netlist: all of it.
        fixed: whether its tables are fixed.
    """

    def __init__(self, netlist: Netlist, fixed: bool) -> None:
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
        read = _Lists(pointers[:-1], slots[variants], _KIND_RANKS[kinds[variants]])
        alive = np.zeros(netlist.num_signals + 2, np.bool_)
        alive[outputs] = True
        for first, stop in zip(netlist.level_ptr[-2::-1], netlist.level_ptr[:0:-1], strict=True):
            nodes = first + np.flatnonzero(alive[sources + first : sources + stop])
            alive[fanin[read.entries(nodes)]] = True
        self.nodes = np.flatnonzero(alive[sources : netlist.num_signals] & evaluated)
        self.kinds = kinds[variants[self.nodes]]
        self.levels = np.repeat(np.arange(1, counts.size + 1), counts)[self.nodes]
        self.fanin = fanin[read.entries(self.nodes)]
        self.fanin_ptr = np.concatenate([[0], np.cumsum(read.counts[self.nodes])])
        self.outputs = outputs


class _Lists:
    """Which entries of the netlist's fanin each node reads, in which order."""

    def __init__(self, starts: NDArray[np.int64], slots: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self.starts, self.slots, self.counts = starts, slots, counts

    def entries(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64, the entries of some nodes, node after node."""
        entries = self.starts[nodes, None] + self.slots[nodes]
        read: NDArray[np.int64] = entries[np.arange(6) < self.counts[nodes, None]]
        return read


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
    return variants


def _first_variant(rank: int) -> int:
    """Where the functions of a rank begin: after the ranks 0 to 6 and the functions of lower ranks."""
    return 7 + sum(1 << (1 << lower) for lower in range(rank))


@cache
def _table_of_variants() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The kind of each variant, int64 (V,), and the slots whose inputs it takes, in order, int64 (V, 6).

    Variants 0 to 6 are the ranks with any table, then follow all functions of rank 0, 1, 2 and 3. Constants and buffers
    are not evaluated: their kinds mean nothing.
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


_KIND_RANKS = np.array([rank for rank, _ in lanes.KINDS])
