"""Netlists as graphs of two-input ANDs and inverters: what AIGER holds, and what provers work on.

A literal is 2 v + c: variable v, inverted where c is 1; literal 0 is false. A table becomes ANDs once, however many
LUTs have it, by its binary decision diagram: with inputs 5, 4, ... split in turn, f = x ? h : l is

    x AND h, or its like, where l or h is constant;    NOT (NOT (x AND h) AND NOT (NOT x AND l)) otherwise;

equal cofactors, and those that are inverses of each other, are one node, and equal ANDs of a table are one AND. A
random LUT of rank 6 takes some 41.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.tables import widened
from lutsmith.ground.arrays import runs

_FIRST_AND = 1 + MAX_RANK
"""In a template variable 0 is constant, 1 .. 6 are the inputs 0 .. 5, and from 7 on are its ANDs."""


@dataclass(frozen=True)
class Templates:
    """The ANDs of U tables, one after the other, in literals of their own.

    Attributes:
        start: int64 (U+1,), the ANDs of table u are start[u]:start[u+1], in an order in which each reads earlier ones.
        left: uint8, a literal.
        right: uint8, a literal.
        output: uint8 (U,), the literal that is the table's value.
    """

    start: NDArray[np.int64]
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    output: NDArray[np.uint8]


@dataclass(frozen=True)
class AndInverterGraph:
    """A netlist in ANDs and inverters. Variables are 0 (false), the inputs, the registers, and the ANDs.

    Attributes:
        num_inputs: I.
        left: int32 (A,), a literal that each AND reads; at least `right`, and of an earlier variable.
        right: int32 (A,), the other.
        outputs: int32 (O,), literals.
        register_next: int32 (R,), literals.
        register_init: bool (R,).
    """

    num_inputs: int
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    outputs: NDArray[np.int32]
    register_next: NDArray[np.int32]
    register_init: NDArray[np.bool_]

    @property
    def first_and(self) -> int:
        """The variable of the first AND."""
        return 1 + self.num_inputs + self.register_init.size


def to_ands(netlist: Netlist) -> AndInverterGraph:
    """Return the netlist in ANDs and inverters: a few array operations over all LUTs.

    Raises:
        ValueError: more literals than int32 can number.
    """
    pool, which = np.unique(widened(netlist.tables(), netlist.ranks), return_inverse=True)
    templates = decompose(pool)
    per_table = np.diff(templates.start)
    first_node = netlist.num_inputs + netlist.num_registers
    start = np.append(0, np.cumsum(per_table[which]))
    if 2 * (1 + first_node + int(start[-1])) > np.iinfo(np.int32).max:
        raise ValueError(f"{start[-1]} ANDs are more than 31 bits can number: prove or write the circuit in parts")
    base = 2 * (1 + first_node + start[:-1] - _FIRST_AND)  # add a template's own literal of an AND
    inputs, literals = _node_literals(netlist, templates.output[which].astype(np.int64), base)
    left = np.empty(int(start[-1]), np.int32)
    right = np.empty_like(left)
    step = 1 << 15
    for low in range(0, netlist.num_nodes, step):
        part = slice(low, low + step)
        counts = per_table[which[part]]
        node = np.repeat(np.arange(counts.size), counts)
        place = runs(templates.start[which[part]], counts)
        made = slice(int(start[low]), int(start[low]) + node.size)
        pair = [_placed(side[place], node, inputs[part], base[part]) for side in (templates.left, templates.right)]
        left[made] = np.maximum(*pair)
        right[made] = np.minimum(*pair)
    return AndInverterGraph(
        netlist.num_inputs,
        left,
        right,
        literals[netlist.outputs].astype(np.int32),
        literals[netlist.register_next].astype(np.int32),
        netlist.register_init,
    )


def decompose(tables: NDArray[np.uint64]) -> Templates:
    """Return the ANDs of the tables, uint64 (U,) words of 64 entries."""
    inverted = (tables & np.uint64(1)).astype(np.bool_)
    words = np.where(inverted, ~tables, tables)
    owner = np.arange(tables.size, dtype=np.uint64)
    layers = []
    for rank in range(MAX_RANK, 1, -1):  # functions whose entry 0 is 0, of `rank` inputs, sorted by owner
        half = np.uint64(1 << (rank - 1))
        mask = np.uint64((1 << (1 << (rank - 1))) - 1)
        low, high = words & mask, words >> half
        flipped = (high & np.uint64(1)).astype(np.bool_)
        high_word = np.where(flipped, ~high & mask, high)
        keys = np.concatenate([low, high_word]) | np.concatenate([owner, owner]) << half
        distinct, child = np.unique(keys, return_inverse=True)
        layers.append((rank, owner, low == high, child[: owner.size], child[owner.size :], flipped))
        owner, words = distinct >> half, distinct & mask
    literals = np.where(words == 0, 0, 2).astype(np.int64)  # of one input: false, or input 0 itself
    ands = _Ands(tables.size)
    for rank, owner, same, low_child, high_child, flipped in reversed(layers):
        literals = ands.choose(
            owner.astype(np.int64), 2 * rank, literals[low_child], literals[high_child] ^ flipped, same
        )
    return ands.templates(literals ^ inverted)


class _Ands:
    """The ANDs of many tables as they are made, from few inputs to many."""

    def __init__(self, tables: int) -> None:
        self._count = np.zeros(tables, np.int64)
        self._made: list[tuple[NDArray[np.int64], ...]] = []

    def choose(
        self,
        owner: NDArray[np.int64],
        x: int,
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        same: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Return the literals of x ? high : low, functions of a table each, in order of their tables.

        Entry 0 of each is 0, so that a constant `low` is false.
        """
        result = low.copy()
        by_and = ~same & ((low == 0) | (high <= 1))
        by_or = by_and & (low != 0) & (high == 1)  # x OR low
        only_low = by_and & (low != 0) & (high == 0)
        choice = ~same & ~by_and
        singles = np.where(only_low | by_or, x ^ 1, x), np.where(only_low, low, np.where(by_or, low ^ 1, high))
        alone = by_and & ~((low == 0) & (high == 1))  # x itself needs no AND
        result[by_and & ~alone] = x
        asked = [(alone, *singles), (choice, np.full_like(low, x), high), (choice, np.full_like(low, x ^ 1), low)]
        keys = np.concatenate([owner[rows] << 16 | left[rows] << 8 | right[rows] for rows, left, right in asked])
        distinct, place = np.unique(keys, return_inverse=True)
        made = 2 * self._add(distinct >> 16, distinct >> 8 & 255, distinct & 255)[place]
        one, upper, lower = np.split(made, np.cumsum([np.count_nonzero(rows) for rows, _, _ in asked[:2]]))
        result[alone] = one
        result[by_or] ^= 1
        result[choice] = 2 * self._add(owner[choice], upper ^ 1, lower ^ 1) + 1
        return result

    def templates(self, output: NDArray[np.int64]) -> Templates:
        owner, variable, left, right = (np.concatenate(parts) for parts in zip(*self._made, strict=True))
        order = np.argsort(owner << 8 | variable)
        start = np.append(0, np.cumsum(self._count))
        return Templates(start, left[order].astype(np.uint8), right[order].astype(np.uint8), output.astype(np.uint8))

    def _add(self, owner: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add ANDs, sorted by their tables, and return their variables."""
        new = np.bincount(owner, minlength=self._count.size)
        first = np.cumsum(new) - new
        variable = _FIRST_AND + self._count[owner] + np.arange(owner.size) - first[owner]
        self._count += new
        self._made.append((owner, variable, left, right))
        return variable


def _node_literals(
    netlist: Netlist, output: NDArray[np.int64], base: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the literals of each node's fan-in, (N, 6), and of each signal.

    A node without ANDs is a constant, or one of its inputs, perhaps inverted: chains of these are followed by doubling.
    """
    first_node, nodes = netlist.num_inputs + netlist.num_registers, np.arange(netlist.num_nodes)
    reads = np.zeros((nodes.size, MAX_RANK), np.int64)
    ranks = netlist.ranks
    slots = np.arange(netlist.fanin.size) - np.repeat(netlist.fanin_ptr[:-1], ranks)
    reads[np.repeat(nodes, ranks), slots] = netlist.fanin
    literals = 2 * (1 + np.arange(netlist.num_signals, dtype=np.int64))  # of the inputs and registers
    literals[first_node:] = np.where(output >= 2 * _FIRST_AND, base + output, output & 1)
    wire = (output >= 2) & (output < 2 * _FIRST_AND)
    target = np.arange(netlist.num_signals)
    inverted = np.zeros(netlist.num_signals, np.int64)
    target[first_node + nodes[wire]] = reads[wire, (output[wire] >> 1) - 1]
    inverted[first_node + nodes[wire]] = output[wire] & 1
    while (target[target] != target).any():
        inverted ^= inverted[target]
        target = target[target]
    literals = literals[target] ^ inverted
    return literals[reads], literals


def _placed(
    literals: NDArray[np.uint8], node: NDArray[np.int64], inputs: NDArray[np.int64], base: NDArray[np.int64]
) -> NDArray[Any]:
    """Return what the literals of templates are in the graph, for ANDs of the given nodes."""
    own = literals.astype(np.int64)
    slot = np.clip((own >> 1) - 1, 0, MAX_RANK - 1)
    return np.where(own >= 2 * _FIRST_AND, base[node] + own, inputs[node, slot] ^ (own & 1))
