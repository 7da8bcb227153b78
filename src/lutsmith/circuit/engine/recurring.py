"""Tables that stand in many places of a network, as those of kernels: which ones, and calls of their machine code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.plan import CODED, EnginePlan
from lutsmith.circuit.netlist import Netlist
from lutsmith.kernels.engine import lanes

PLACES = 16
"""Places of a table that has a function of its own."""

MOST_TABLES = 4096
"""Functions of tables, those of most places: each takes some milliseconds to make."""

SHARE = 0.5
"""The part of a network's nodes that have such tables, where it is compiled by these."""


def recurring(netlist: Netlist) -> list[tuple[int, int]]:
    """Return the tables that have functions of their own, in the order of their first nodes: inputs and truth table.

    There are none where most nodes have no such table.
    """
    tables, ranks = netlist.tables(), netlist.ranks
    found: list[tuple[int, int, int, int]] = []  # places, first node, inputs, table
    for rank in (4, 5, 6):
        nodes = np.flatnonzero(ranks == rank)
        words, first, counts = np.unique(tables[nodes], return_index=True, return_counts=True)
        many = counts >= PLACES
        columns = counts[many], nodes[first[many]], np.full(many.sum(), rank), words[many]
        found += zip(*(column.tolist() for column in columns), strict=True)
    kept = sorted(found, key=lambda entry: (-entry[0], entry[1]))[:MOST_TABLES]
    if sum(places for places, *_ in kept) < SHARE * netlist.num_nodes:
        return []
    return [(rank, table) for _, _, rank, table in sorted(kept, key=lambda entry: entry[1])]


class Calls:
    """Evaluates a plan by functions of its coded tables, and what lies between them by the interpreter."""

    def __init__(self, plan: EnginePlan, run: Callable[[int, int, int], None], addresses: list[int]) -> None:
        self._run, self._fanin, self._tables = run, plan.fanin, plan.tables()
        kinds, _, counts, entries, rows, pooled = plan.groups.T
        is_coded = kinds >= CODED
        function = np.array([*addresses, 0], np.int64)[np.where(is_coded, kinds - CODED, -1)]
        calls = [function, plan.fanin.ctypes.data + 4 * entries, rows * lanes.ROW_BYTES, counts, pooled]
        self._calls, self._groups = np.ascontiguousarray(np.stack(calls, axis=1)), plan.groups
        ends = [*(np.flatnonzero(np.diff(is_coded)) + 1).tolist(), len(kinds)]
        self._pieces = [
            (bool(is_coded[start]), start, end) for start, end in zip([0, *ends], ends, strict=False) if end > start
        ]

    def __call__(self, values: NDArray[np.uint64]) -> None:
        for coded, start, end in self._pieces:
            if coded:
                calls = self._calls[start:end]
                self._run(values.ctypes.data, calls.ctypes.data, end - start)
            else:
                lanes.evaluate(values, self._fanin, self._tables, self._groups[start:end])
