"""Random changes of networks: fresh tables, single bits, and wires. The same generator gives the same changes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.engine.stages import PackedEvaluation
from lutsmith.circuit.netlist import Netlist, table_mask
from lutsmith.ground.arguments import number


class Bank(Protocol):
    """A set of tables that nodes are kept to."""

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.uint64]:
        """Return tables at random, uint64 (count,)."""
        ...

    def contains(self, tables: ArrayLike) -> NDArray[np.bool_]:
        """Return which tables are in the bank, bool (k,)."""
        ...

    def nearest(self, table: int, effects: NDArray[np.float64]) -> tuple[int, float]:
        """Return the table whose difference from `table` lowers the loss most, given the effects of its entries, and by
        how much.
        """
        ...


def chosen_nodes(rng: np.random.Generator, num_nodes: int, ratio: float) -> NDArray[np.int64]:
    """Return a random share of the nodes, all different: int64, round(ratio num_nodes), at least one if there are any.

    Raises:
        TypeError, ValueError: a ratio that is not above 0 and at most 1.
    """
    share = number("ratio", ratio, lambda value: 0 < value <= 1, "a share above 0, at most 1")
    count = min(num_nodes, max(1, round(num_nodes * share)))
    return rng.choice(num_nodes, count, replace=False, shuffle=False).astype(np.int64, copy=False)


def fresh_tables(
    rng: np.random.Generator, nodes: NDArray[np.int64], ranks: NDArray[np.int64], bank: Bank | None = None
) -> NDArray[np.uint64]:
    """Return new tables for nodes, uint64 (k,), drawn with equal probability from all tables, or from a bank."""
    words = rng.integers(0, 2**64, nodes.size, np.uint64) if bank is None else bank.draw(rng, nodes.size)
    return words & table_mask(ranks[nodes])


def flipped_tables(
    rng: np.random.Generator, nodes: NDArray[np.int64], tables: NDArray[np.uint64], ranks: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return the tables of nodes with one entry of each inverted, drawn with equal probability: uint64 (k,)."""
    sizes = 1 << ranks[nodes]
    same = sizes.size and (sizes == sizes[0]).all()  # one bound is drawn from sooner than as many, the same numbers
    entries = rng.integers(0, sizes[0] if same else sizes, sizes.size).astype(np.uint64)
    return tables[nodes] ^ (np.uint64(1) << entries)


def readable(netlist: Netlist, node: int) -> int:
    """Return how many signals a node may read, the first ones: those of lower levels."""
    level = int(np.searchsorted(netlist.level_ptr, node, side="right")) - 1
    return netlist.num_inputs + netlist.num_registers + int(netlist.level_ptr[level])


def rewired(rng: np.random.Generator, netlist: Netlist, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a new signal for one input of each node, both drawn at random, from all signals of lower levels: int64 (k,
    3), node, input and signal. Nodes that read nothing are left out.
    """
    having = nodes[netlist.ranks[nodes] > 0]
    signals = [int(rng.integers(readable(netlist, int(node)))) for node in having]
    slots = rng.integers(0, netlist.ranks[having])
    return np.stack([having, slots, np.array(signals, np.int64)], axis=1).astype(np.int64, copy=False)


def overridden(evaluation: PackedEvaluation, nodes: ArrayLike, tables: ArrayLike) -> NDArray[np.bool_]:
    """Return the output bits that other tables of some nodes would give, bool (N, O); the evaluation stays as it is."""
    evaluation.change(nodes, tables)
    try:
        return evaluation.outputs()
    finally:
        evaluation.undo()
